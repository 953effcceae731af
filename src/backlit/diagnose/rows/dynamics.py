"""What trainings say of each row: collected while networks train, some of them with the row and some without.

A network's answer to a row is taken at the end of every epoch, by one pass of the engine over all rows. In the second
half of its epochs it counts towards what the network thinks of the row: early on it knows little of anything.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backlit import objective as objectives
from backlit.diagnose.rows import gradients
from backlit.engines import Engine, TrainingData
from backlit.notation import Array, Float64Array, IndexArray
from backlit.objective import Objective
from backlit.training import Callback, Run

EARLY_EPOCHS = 2
"""In which the norm of a row's gradient is taken: later, what is learnt has none."""

SMALLEST = 1e-6
"""A probability whose logarithm is taken: below it a network only shows how sure it can be."""


@dataclass(eq=False)
class Dynamics:
    """Sums over networks, per row; what each is a sum of, and over what, stands with it.

    ``outside`` and ``inside`` (rows, n_L): of networks that never saw the row, and of those that trained with it, the
    mean over the second half of their epochs of :func:`opinions`;
    ``votes`` (rows, K): of networks that never saw it, how many have their largest output there at their end;
    ``outside_count``, ``inside_count``: how many networks those are.
    Over the networks that trained with the row: ``cost``, its mean C_i over all epochs; ``gradient``, its ‖∇C_i‖ over
    the first epochs; ``forgotten``, how often it was right at the end of an epoch and wrong at the end of the next;
    ``unlearnt``, how many networks were never right about it; ``first``, the epoch from which it was right first.
    ``outside_cost``: the mean C_i over all epochs of networks that never saw it.
    """

    outside: Float64Array
    inside: Float64Array
    votes: Float64Array
    outside_count: Float64Array
    inside_count: Float64Array
    cost: Float64Array
    outside_cost: Float64Array
    gradient: Float64Array
    forgotten: Float64Array
    unlearnt: Float64Array
    first: Float64Array

    @classmethod
    def empty(cls, rows: int, outputs: int) -> "Dynamics":
        """Nothing seen yet."""

        def per_row() -> Float64Array:
            return np.zeros(rows)

        outside, inside = np.zeros((rows, outputs)), np.zeros((rows, outputs))
        return cls(
            outside=outside, inside=inside, votes=np.zeros((rows, max(outputs, 2))), outside_count=per_row(),
            inside_count=per_row(), cost=per_row(), outside_cost=per_row(), gradient=per_row(), forgotten=per_row(),
            unlearnt=per_row(), first=per_row(),
        )  # fmt: skip


class Watch(Callback):
    """Looks at every row at the end of each epoch of one network, and adds what it saw when the training has ended."""

    def __init__(
        self,
        dynamics: Dynamics,
        engine: Engine,
        objective: Objective,
        data: TrainingData,
        *,
        outside: IndexArray,
        inside: NDArray[np.bool_],
        epochs: int,
    ) -> None:
        """``outside``: the rows held out; ``inside``: of each row, whether this network trains with it."""
        self._to, self._engine, self._objective, self._data = dynamics, engine, objective, data
        self._outside, self._inside, self._epochs = outside, np.flatnonzero(inside), epochs
        self._answers: Float64Array = np.zeros(data.Y.shape)
        self._counted = 0
        rows = data.rows
        self._cost, self._gradient = np.zeros(rows), np.zeros(rows)
        self._right, self._forgotten = np.zeros(rows, dtype=bool), np.zeros(rows)
        self._first = np.zeros(rows)
        self._last: Array = data.Y

    def on_epoch_end(self, run: Run) -> None:
        """One pass over all rows; two in the first epochs."""
        epoch = run.history[-1].epoch
        data, network = self._data, run.network
        if epoch <= EARLY_EPOCHS:
            for rows, passed in gradients.row_passes(self._engine, network, self._objective, data.X, data.Y):
                self._gradient[rows] += np.sqrt(gradients.square_norms(passed)) / min(EARLY_EPOCHS, self._epochs)
        a = self._last = self._engine.predict(network, data.X)
        self._cost += _costs(self._objective, a, data) / self._epochs
        if epoch > self._epochs // 2:
            self._answers += opinions(a, data.decision)
            self._counted += 1
        if data.decision is not None:
            right = objectives.hits(data.decision, a, data.Y) > 0
            self._forgotten += self._right & ~right
            self._first[right & (self._first == 0)] = epoch
            self._right = right

    def add(self) -> None:
        """What was seen goes to the sums."""
        to, out, into = self._to, self._outside, self._inside
        answers = self._answers / max(self._counted, 1)
        to.outside[out] += answers[out]
        to.outside_count[out] += 1
        to.outside_cost[out] += self._cost[out]
        last = self._last[out]
        to.votes[out, (last[:, 0] >= 0.5).astype(np.int64) if last.shape[1] == 1 else last.argmax(axis=1)] += 1
        to.inside[into] += answers[into]
        to.inside_count[into] += 1
        to.cost[into] += self._cost[into]
        to.gradient[into] += self._gradient[into]
        to.forgotten[into] += self._forgotten[into]
        to.unlearnt[into] += self._first[into] == 0
        to.first[into] += np.where(self._first[into] == 0, self._epochs, self._first[into])


def opinions(a: Array, decision: str | None) -> Float64Array:
    """a^L in the form whose mean over networks is taken: ln a of classes, ln a/(1-a) of labels, numbers as they are."""
    wide: Float64Array = a.astype(np.float64)
    if decision == "argmax":
        return np.log(np.maximum(wide, SMALLEST))
    if decision == "threshold":
        within = np.clip(wide, SMALLEST, 1 - SMALLEST)
        return np.log(within) - np.log1p(-within)
    return wide


def _costs(objective: Objective, a: Array, data: TrainingData) -> Float64Array:
    """C_i from a^L alone: probabilities are kept off 0 and 1, where their cost would be infinite."""
    wide = a.astype(np.float64)
    within = wide if data.decision is None else np.clip(wide, SMALLEST, 1 - SMALLEST)
    return objective.cost.value(within, data.Y.astype(np.float64)).astype(np.float64, copy=False)
