"""How a fit goes on: the loss as scikit-learn counts it, when it ends, and what becomes of the learning rate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from backlit import backpropagation as bp
from backlit.notation import Array, Float64Array
from backlit.objective import Objective
from backlit.optimizers import Plan, Schedule, State
from backlit.training import Callback, Run

SMALLEST_LEARNING_RATE = 1e-6
"""Where ``learning_rate="adaptive"`` stops dividing it."""


@dataclass(eq=False)
class Progress:
    """What a fit leaves behind for the next one, of ``warm_start`` or ``partial_fit``, to go on from.

    ``waited`` counts the epochs since the last improvement; ``factor`` is what the learning rate is multiplied with;
    ``steps`` and ``epochs`` are those of the optimizer whose ``state`` this is.
    """

    loss_curve: list[float] = field(default_factory=list)
    best_loss: float = np.inf
    scores: list[float] = field(default_factory=list)
    best_score: float = -np.inf
    best_parameters: Array | None = None
    waited: int = 0
    rows_seen: int = 0
    factor: float = 1.0
    steps: int = 0
    epochs: int = 0
    state: State = field(default_factory=dict)

    def restart_optimizer(self) -> None:
        """A new optimizer: its own state, steps and learning rate."""
        self.factor, self.steps, self.epochs, self.state = 1.0, 0, 0, {}


@dataclass(frozen=True)
class Stopping:
    """When a fit ends: no improvement by ``tol`` for more than ``patience`` epochs.

    Of the validation score where ``by_score``, else of the loss. With ``divides`` the learning rate is divided by 5
    instead, until it is as good as none; ``power`` is that of the inverse scaling, or None.
    """

    tol: float
    patience: float
    by_score: bool
    learning_rate: float
    divides: bool = False
    power: float | None = None


@dataclass(frozen=True)
class Loss:
    """scikit-learn's loss of an epoch from ours: scale · cost + offset + share · (the penalty, as the steps met it).

    scale: 1/n_L for the squared error, which scikit-learn averages over the outputs. offset: what the Poisson deviance
    adds to the likelihood. share: scikit-learn adds α/(2m) ‖W‖² to each batch's mean, with the batch's own m.
    """

    scale: float = 1.0
    offset: float = 0.0
    share: float = 1.0

    def of_epoch(self, cost: float, penalty_before: float, penalty_after: float, steps: int) -> float:
        """The penalty grows or falls in a straight line over the epoch's steps, each of which met it before its update.

        >>> Loss().of_epoch(1.0, penalty_before=0.4, penalty_after=0.2, steps=1)
        1.4
        """
        penalty = penalty_before + (penalty_after - penalty_before) * (steps - 1) / (2 * steps)
        return self.scale * cost + self.offset + self.share * penalty


@dataclass(frozen=True)
class ProgressSchedule(Schedule):
    """The learning rate as the fit's progress has it: constant within an epoch."""

    progress: Progress

    name: ClassVar[str] = "as scikit-learn's solver"

    def factor(self, step: int, plan: Plan) -> float:
        """That of the epoch under way."""
        return self.progress.factor

    def factors(self, first: int, until: int, plan: Plan) -> Float64Array:  # noqa: D102
        return np.full(until - first, self.progress.factor)


class Watch(Callback):
    """Hears of every epoch: keeps the progress, ends the fit, prints what ``verbose`` asks for."""

    def __init__(
        self,
        progress: Progress,
        stopping: Stopping,
        objective: Objective,
        loss: Loss,
        score: Callable[[Run], float] | None,
        verbose: bool,
    ) -> None:
        self._progress, self._stopping, self._loss, self._score = progress, stopping, loss, score
        self._objective, self._verbose = objective, verbose
        self._penalty = 0.0

    def on_train_begin(self, run: Run) -> None:
        """What the first step will meet."""
        self._penalty = bp.penalty(run.network.layers, self._objective)

    def on_epoch_end(self, run: Run) -> None:
        """One more epoch."""
        record, progress = run.history[-1], self._progress
        loss = self._loss.of_epoch(record.cost, self._penalty, record.penalty, run.steps_per_epoch)
        self._penalty = record.penalty
        progress.rows_seen += run.rows
        progress.loss_curve.append(loss)
        self._say(f"Iteration {len(run.history)}, loss = {loss:.8f}")
        if self._score is not None:
            progress.scores.append(self._score(run))
            self._say(f"Validation score: {progress.scores[-1]:.6f}")
        self._compare(run)
        if self._stopping.power is not None:
            progress.factor = 1 / (progress.rows_seen + 1) ** self._stopping.power
        if progress.waited > self._stopping.patience:
            self._end_or_divide(run)

    def _compare(self, run: Run) -> None:
        """Whether this epoch was better by ``tol`` than the best before, and the new best."""
        progress, tol = self._progress, self._stopping.tol
        loss = progress.loss_curve[-1]
        score = progress.scores[-1] if self._score is not None else np.nan
        worse = score < progress.best_score + tol if self._stopping.by_score else loss > progress.best_loss - tol
        progress.waited = progress.waited + 1 if worse else 0
        progress.best_loss = min(loss, progress.best_loss)
        if score > progress.best_score:
            progress.best_score = score
            if self._stopping.by_score:
                progress.best_parameters = run.network.parameters.copy()

    def _end_or_divide(self, run: Run) -> None:
        stopping, progress = self._stopping, self._progress
        what = "validation score" if stopping.by_score else "loss"
        reason = f"the {what} is no better by tol={stopping.tol:g} since {progress.waited} epochs"
        if not stopping.divides or progress.factor * stopping.learning_rate <= SMALLEST_LEARNING_RATE:
            self._say(f"Stopping: {reason}")
            return run.stop(reason)
        progress.factor /= 5
        progress.waited = 0
        return self._say(f"Learning rate {progress.factor * stopping.learning_rate:g} from here: {reason}")

    def _say(self, line: str) -> None:
        if self._verbose:
            print(line)
