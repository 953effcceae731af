"""``bl.find_learning_rate``: the learning-rate range test."""

from copy import deepcopy

import numpy as np
from numpy.typing import ArrayLike

from backlit.costs import Cost
from backlit.data.streaming import Stream
from backlit.diagnose.learning_rate import reading
from backlit.diagnose.learning_rate.report import LearningRateRange
from backlit.diagnose.learning_rate.sweep import Told, sweep
from backlit.diagnose.telling import counting
from backlit.engines import Engine
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.notation import Float64Array
from backlit.optimizers import Optimizer
from backlit.optimizers.base import check_number, check_whole
from backlit.training.row_weights import ClassWeight
from backlit.training.setup import Setup, prepare

FEWEST_STEPS = 20


def find_learning_rate(
    network: Network,
    X: ArrayLike | Stream,
    y: ArrayLike | None = None,
    *,
    cost: str | Cost | None = None,
    l2: float = 0.0,
    label_smoothing: float = 0.0,
    optimizer: str | Optimizer = "adam",
    clip: float | None = None,
    batch_size: int | str | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight = None,
    lowest: float = 1e-6,
    highest: float = 100.0,
    steps: int = 400,
    sweeps: int = 5,
    engine: str | Engine = "auto",
    seed: int = 0,
    progress: bool | None = None,
) -> LearningRateRange:
    """The learning rate to train with: a range test, η_i = lowest · (highest/lowest)^(i/(steps-1)) at step i.

    A copy of the network is trained for a few hundred steps, the learning rate rising from step to step until the cost
    runs away; several times over, with other orders of the rows. The suggestion is √(η_s · η_l), where η_s is the rate
    at which the smoothed cost falls fastest over log η, and η_l the one at which it is lowest. The network, the
    optimizer, every generator of random numbers and the order of the rows are left as they were: a training after it
    has the same bits as one without it, also where this was interrupted.

    Args:
        network: where the sweeps start; never written to.
        X, y, cost, l2, label_smoothing, optimizer, clip, batch_size, sample_weight, class_weight, engine: as for
            :func:`backlit.train`, and the ones to train with: another batch size or optimizer has another best rate.
            The optimizer's own learning rate plays no part.
        lowest: the first rate.
        highest: the last, where no sweep diverges before.
        steps: of a sweep.
        sweeps: how often all of it is done, each from the same start; their mean cost is read.
        seed: draws the order of the rows and the dropout masks; of further sweeps the numbers after it.
        progress: a progress bar on stderr; None shows it in a terminal.

    Returns:
        A :class:`~backlit.diagnose.learning_rate.LearningRateRange`: rates, costs, the suggestion and its reason.

    Raises:
        OptionError: an option's value cannot be used; lbfgs, whose line search finds each step's length.
        DataError: the data cannot be used, or the cost is not finite at the first rate.
        TrainingInterrupted: Ctrl-C or SIGTERM.

    Source: Smith, *Cyclical Learning Rates for Training Neural Networks* (2017); the exponential sweep is Gugger's.

    >>> import backlit as bl
    >>> X, y = bl.data.load("digits")
    >>> net = bl.Network([64, 30, 10], output="softmax", seed=0)
    >>> found = bl.find_learning_rate(net, X, y)
    >>> 0.003 < found.suggestion < 0.3
    True
    """
    check_number("find_learning_rate", "lowest", lowest, low=0, open_low=True)
    check_number("find_learning_rate", "highest", highest, low=0, open_low=True)
    check_whole("find_learning_rate", "steps", steps, low=FEWEST_STEPS)
    check_whole("find_learning_rate", "sweeps", sweeps)
    if not 10 * lowest <= highest:
        raise OptionError(f"highest must be at least ten times lowest, and {highest:g} is not that of {lowest:g}")
    if not isinstance(network, Network):
        raise OptionError(f"network must be a backlit.Network, not {type(network).__name__}")
    rates = np.geomspace(float(lowest), float(highest), int(steps))
    with counting("trying learning rates", int(steps) * int(sweeps), progress) as told:
        found: list[Float64Array] = []
        for number in range(int(sweeps)):
            setup = prepare(
                network.copy(), X, y, cost=cost, l2=l2, label_smoothing=label_smoothing,
                optimizer=deepcopy(optimizer), learning_rate=None, schedule="constant", clip=clip, epochs=1, time=None,
                batch_size=batch_size, validation=None, sample_weight=sample_weight, class_weight=class_weight,
                early_stopping=None, checkpoint=None, resume=False, callbacks=(), engine=engine,
                seed=seed if not number else (int(seed) + number) % 2**64,
            )  # fmt: skip
            _check(setup)
            found.append(_sweep(setup, rates, told))
    return _report(setup, rates, found)


def _check(setup: Setup) -> None:
    optimizer = setup.plan.optimizer
    if optimizer.whole_batch_only:
        raise OptionError(
            f"{optimizer.name} has no learning rate to find: a line search finds each step's length; "
            "for a range test take sgd or adam"
        )


def _sweep(setup: Setup, rates: Float64Array, told: Told) -> Float64Array:
    session = setup.choice.engine.session(setup.network, setup.objective, setup.data, setup.plan)
    return sweep(session, rates, told)


def _report(setup: Setup, rates: Float64Array, found: list[Float64Array]) -> LearningRateRange:
    """Of all sweeps the steps that each of them made: the first to diverge ends them."""
    made = min(map(len, found))
    if made < FEWEST_STEPS // 2:
        raise DataError(
            f"the cost is not finite, or runs away, at a learning rate of {rates[max(made - 1, 0)]:.2g} already; "
            "scale the columns of X, and y, to about 1, or take a smaller lowest"
        )
    tried, each = rates[:made], np.array([costs[:made] for costs in found])
    costs = each.mean(axis=0)
    smoothed = reading.smooth(costs, tried)
    said = reading.read(tried, costs, smoothed, to=float(rates[-1]))
    optimizer = {name: value for name, value in setup.options["optimizer"].items() if name != "learning_rate"}
    return LearningRateRange(
        rates=tried, costs=costs, smoothed=smoothed, suggestion=said.suggestion, reason=said.reason,
        steepest=said.steepest, lowest=said.lowest, rises=said.rises, diverged=made < len(rates), sweeps=len(found),
        optimizer=optimizer, batch_size=setup.plan.batch_size, objective=str(setup.objective),
        engine=setup.choice.engine.name,
    )  # fmt: skip
