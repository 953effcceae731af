"""How the cost went over a training, and since when something was so."""

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge
from backlit.diagnose.record import LensRecord, moving_mean
from backlit.notation import Float64Array

MOST_WINDOWS = 20

FEWEST_EPOCHS = 5


@dataclass(frozen=True, eq=False)
class Course:
    """``costs``: the mean training cost of up to 20 windows of equal length, one after the other; ``first``: that of
    the first steps, before the network has moved far.
    """

    costs: Float64Array
    first: float

    @property
    def rise(self) -> float:
        """The highest window over the first steps: above 1 where the cost has grown beyond where it began."""
        return _over(float(self.costs.max()), self.first)

    @property
    def lost(self) -> float:
        """The last tenth over the lowest window: above 1 where what was reached was lost again."""
        return _over(float(self.costs[-max(len(self.costs) // 10, 1) :].mean()), float(self.costs.min()))

    @property
    def falling(self) -> float:
        """By which share the last fifth is below the fifth before it; negative where the cost rises."""
        before, last = self._fifths
        return (before - last) / before if before > 0 else 0.0

    @property
    def late(self) -> float:
        """Of the whole fall of the cost, the share that the last fifth made; 0 where it did not fall.

        A fifth or more of a cost that falls evenly; next to nothing of one that has fallen as far as it can.
        """
        before, last = self._fifths
        whole = max(self.first, float(self.costs[0])) - last
        return max(before - last, 0.0) / whole if whole > 0 else 0.0

    @property
    def _fifths(self) -> tuple[float, float]:
        fifth = max(len(self.costs) // 5, 1)
        return float(self.costs[-2 * fifth : -fifth].mean()), float(self.costs[-fifth:].mean())


def course(evidence: Evidence) -> Course:
    """Of the record; without one, of the history.

    Raises:
        CannotJudge: there is neither, or too few steps of it.
    """
    if evidence.record is not None and np.isfinite(evidence.record.cost).any():
        record = evidence.need_steps()
        cost = np.where(np.isfinite(record.cost), record.cost, np.nan)
        windows = np.array_split(cost, min(MOST_WINDOWS, len(cost) // 2))
        first = cost[: max(min(5, ceil(len(cost) / 50)), 1)]
        with np.errstate(over="ignore"):
            costs = np.array([np.nanmean(w) if np.isfinite(w).any() else np.inf for w in windows])
        return Course(costs, float(np.nanmean(first)) if np.isfinite(first).any() else float("nan"))
    costs = np.array([epoch["cost"] for epoch in evidence.history], dtype=np.float64)
    if len(costs) < FEWEST_EPOCHS:
        known = f"{len(costs)} epochs" if len(costs) else "no record and no history of the training"
        raise CannotJudge(f"too little is known of the course of the training: {known}")
    return Course(costs, float(costs[0]))


def since(record: LensRecord, values: Float64Array, threshold: float, *, above: bool = True) -> int | None:
    """The step from which on the values, smoothed over an epoch, were beyond the threshold to the end."""
    smooth = moving_mean(values, min(record.about.steps_per_epoch, max(len(values) // 4, 1)))
    with np.errstate(invalid="ignore"):
        beyond: NDArray[np.bool_] = smooth > threshold if above else smooth < threshold
    if not beyond[-1]:
        return None
    within = np.flatnonzero(~beyond)
    return int(record.step[within[-1] + 1 if len(within) else 0])


def _over(value: float, by: float) -> float:
    if not np.isfinite(value):
        return float("inf")
    return value / by if by > 0 else float("nan")
