"""The trainings that rows are judged by: folds × seeds in two rounds, each on a fresh network."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.data.targets import Targets
from backlit.diagnose.rows.dynamics import Dynamics, Watch
from backlit.diagnose.rows.folds import fold_of_rows
from backlit.engines import TrainingData, choose
from backlit.errors import DataError, DivergenceError, TrainingInterrupted
from backlit.initializers import INITIALIZERS
from backlit.network import Network
from backlit.notation import IndexArray
from backlit.objective import Objective
from backlit.optimizers import Optimizer, Schedule
from backlit.training import train
from backlit.training.divergence import explained

Told = Callable[[int, int], None]
"""Hears how many of how many trainings are done."""

SEEDS_APART = 10_000
"""Networks and trainings of one seed take their own from this many numbers."""


@dataclass(frozen=True)
class Plan:
    """How each of the networks is trained; those of the first round for ``first_epochs``."""

    folds: int
    seeds: int
    epochs: int
    first_epochs: int
    batch_size: int
    learning_rate: float | None
    optimizer: str | Optimizer
    schedule: str | Schedule
    l2: float
    seed: int
    engine: str
    options: dict[str, Any] = field(default_factory=dict)


def round_of_trainings(
    network: Network,
    objective: Objective,
    data: TrainingData,
    plan: Plan,
    number: int,
    trained_with: NDArray[np.bool_],
    told: Told,
) -> Dynamics:
    """One round: for each seed and fold, a fresh network trains with the other folds' rows and answers to all rows.

    Args:
        network: its sizes, activations, initializer and dropout are taken; it stays as it is.
        number: of the round, from 0.
        trained_with: the rows that any network may train with.
        told: hears after each training how many of this round's are done.

    Raises:
        DataError: a fold leaves only one class to train with.
        DivergenceError: a training diverged; the row it names is one of the data as given.
        TrainingInterrupted: Ctrl-C.
    """
    dynamics = Dynamics.empty(data.rows, data.Y.shape[1])
    strata = Targets(data.Y, data.decision).strata
    engine = choose(plan.engine, network, objective).engine
    epochs = plan.epochs if number else plan.first_epochs
    done, all_of_them = 0, plan.folds * plan.seeds
    for s in range(plan.seeds):
        own = (plan.seed * SEEDS_APART + 100 * (number * plan.seeds + s)) % 2**64
        fold = fold_of_rows(strata, data.rows, plan.folds, own)
        for held_out in range(plan.folds):
            inside = (fold != held_out) & trained_with
            watch = Watch(
                dynamics, engine, objective, data,
                outside=np.flatnonzero(~inside), inside=inside, epochs=epochs,
            )  # fmt: skip
            _train(
                fresh(network, (own + held_out) % 2**64), objective, data, np.flatnonzero(inside), plan, epochs, watch
            )
            watch.add()
            done += 1
            told(done, all_of_them)
    return dynamics


def fresh(network: Network, seed: int) -> Network:
    """A network of the same kind with new initial parameters."""
    known = network.initializer if network.initializer in INITIALIZERS else "auto"
    return Network(
        network.sizes,
        activation=network.activations[:-1],
        output=network.activations[-1],
        initializer=known,
        dropout=network.dropout,
        seed=seed,
        dtype=network.dtype,
    )


def _train(
    network: Network, objective: Objective, data: TrainingData, rows: IndexArray, plan: Plan, epochs: int, watch: Watch
) -> None:
    Y = data.Y[rows]
    if len(Y) < 2 or (Y == Y[0]).all():
        raise DataError(
            "with a fold of the rows held out, all others have the same target: nothing can be learnt of them; "
            "give more rows of each"
        )
    try:
        train(
            network, data.X[rows], Y, cost=objective.cost, l2=plan.l2, optimizer=plan.optimizer,
            learning_rate=plan.learning_rate, schedule=plan.schedule, epochs=epochs,
            batch_size=min(plan.batch_size, len(rows)), sample_weight=data.row_weights[rows], callbacks=[watch],
            engine=plan.engine, seed=network.seed, progress=False,
        )  # fmt: skip
    except DivergenceError as divergence:
        where = divergence.where
        row = where.get("row")
        raise explained(where if row is None else {**where, "row": int(rows[row])}) from None
    except TrainingInterrupted as stop:
        nothing = "interrupted before every row was judged: there is nothing to report"
        raise TrainingInterrupted(nothing, signal=stop.signal, at_once=stop.at_once) from None
