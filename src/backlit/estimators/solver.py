"""From the parameters of an estimator to what a training is made of: optimizer, schedule, batches, objective."""

import warnings
from typing import Any

from backlit import objective as objectives
from backlit.errors import DataError, OptionError
from backlit.estimators.progress import Progress, ProgressSchedule, Stopping
from backlit.notation import Array
from backlit.objective import Objective
from backlit.optimizers import LBFGS, SGD, Adam, AdamW, Optimizer, RMSprop, Schedule, schedules

SCIPYS_FALL = 2.220446049250313e-09
"""SciPy's default ``ftol``, with which scikit-learn's lbfgs runs."""

MOST_IN_A_BATCH = 200
"""Rows of a batch by ``batch_size="auto"``."""


def optimizer_of(estimator: Any) -> Optimizer:
    """``optimizer`` where it is given, else ``solver``; a name takes its numbers from the estimator's parameters."""
    name = estimator.solver if estimator.optimizer is None else estimator.optimizer
    if isinstance(name, Optimizer):
        return name
    rate = float(estimator.learning_rate_init)
    if name == "sgd":
        return SGD(rate, float(estimator.momentum), bool(estimator.nesterovs_momentum))
    if name == "lbfgs":
        tol, most = float(estimator.tol), int(estimator.max_fun)
        return LBFGS(iterations=int(estimator.max_iter), tolerance=tol, fall=SCIPYS_FALL, evaluations=most)
    if name == "rmsprop":
        return RMSprop(rate)
    kind = {"adam": Adam, "adamw": AdamW}[name]
    return kind(rate, float(estimator.beta_1), float(estimator.beta_2), float(estimator.epsilon))


def schedule_of(estimator: Any, optimizer: Optimizer, progress: Progress) -> Schedule:
    """``schedule`` where it is given, else what ``learning_rate`` asks for."""
    if estimator.schedule is not None:
        if optimizer.whole_batch_only:
            raise OptionError(
                f"{optimizer.name} takes no schedule: a line search finds each step's length; leave it out"
            )
        return schedules.get(estimator.schedule)
    return ProgressSchedule(progress)


def stopping_of(estimator: Any, optimizer: Optimizer) -> Stopping:
    """When the fit ends; ``learning_rate`` speaks to sgd alone, as in scikit-learn, and not beside a ``schedule``."""
    changes = optimizer.name == "sgd" and estimator.schedule is None
    return Stopping(
        tol=float(estimator.tol),
        patience=float(estimator.n_iter_no_change),
        by_score=bool(estimator.early_stopping),
        learning_rate=float(optimizer.learning_rate),
        divides=changes and estimator.learning_rate == "adaptive",
        power=float(estimator.power_t) if changes and estimator.learning_rate == "invscaling" else None,
    )


def batch_size_of(batch_size: Any, optimizer: Optimizer, rows: int) -> int:
    """Rows of a batch; more than there are is answered with a warning and all of them."""
    if optimizer.whole_batch_only or batch_size == "all":
        return rows
    if batch_size == "auto":
        return min(MOST_IN_A_BATCH, rows)
    if batch_size > rows:
        warnings.warn(f"batch_size={batch_size} is more than the {rows} rows there are; all are taken", stacklevel=5)
    return min(int(batch_size), rows)


def objective_of(output: str, estimator: Any, cost: Any, *, batch_size: int, rows: int, weight: float) -> Objective:
    """C with scikit-learn's penalty, α/(2m) ‖W‖² on a batch of m rows: λ = α · rows/m, since ours is λ/(2Σw) ‖W‖²."""
    try:
        l2 = float(estimator.alpha) * rows / batch_size
        return objectives.choose(output, cost, l2=l2, n=max(weight, 1e-300))
    except OptionError as refusal:
        raise OptionError(f"{refusal} (the output follows from y and loss)") from None


def check_whole_batch(optimizer: Optimizer, dropout: tuple[float, ...], validation_data: Any) -> None:
    """What an optimizer with a line search cannot be combined with."""
    if optimizer.whole_batch_only and any(dropout):
        raise OptionError(f"{optimizer.name} takes no dropout: it needs the same cost at every evaluation; use adam")
    if optimizer.whole_batch_only and validation_data is not None:
        raise OptionError(f"{optimizer.name} has no epochs to judge by validation_data; leave it out, or use adam")


def check_counts(Y: Array) -> None:
    """Raises DataError where a target is below 0: no exponential reaches it."""
    if (Y < 0).any():
        raise DataError(f"y has {Y.min():g} among its values; poisson takes counts, 0 or more")


def works_by_epochs(estimator: Any) -> bool:
    """Whether there is a ``partial_fit``: an optimizer with a line search has no steps to make one by one.

    Raises:
        AttributeError: there is none; scikit-learn shows the reason.
    """
    chosen = estimator.solver if estimator.optimizer is None else estimator.optimizer
    if chosen == "lbfgs" or getattr(chosen, "whole_batch_only", False):
        raise AttributeError("lbfgs works on all rows at once: partial_fit is for sgd, adam, adamw and rmsprop")
    return True
