"""Room for the statistics of some steps of a session, and how the reference engine and L-BFGS fill it."""

from collections.abc import Collection

import numpy as np

from backlit.backpropagation import BackwardPass
from backlit.engines.base import Session, StepsReport
from backlit.engines.order import rows_at
from backlit.engines.statistics import SUMS, Statistics, add_update, of_pass
from backlit.notation import Array, Float64Array, IndexArray


class StatisticsRoom:
    """Arrays for the statistics of those of a session's next steps that are to be measured.

    ``row_starts`` (k + 1,) says where each of the k steps' rows begin.
    """

    def __init__(self, session: Session, until_step: int, measure_steps: Collection[int]) -> None:
        self._session, self._first = session, session.step
        self.steps = _among(range(session.step, until_step), measure_steps)
        first_rows = self.steps % session.steps_per_epoch * session.plan.batch_size
        self.m = np.minimum(session.plan.batch_size, session.data.rows - first_rows)
        self.row_starts = np.concatenate(([0], np.cumsum(self.m)))
        self.rows = _rows(session, self.steps, first_rows, self.m)
        self.layers = np.zeros((len(self.steps), session.network.L - 1, len(SUMS)))
        self.row_costs, self.row_gradients = (np.empty(len(self.rows), dtype=np.float32) for _ in range(2))

    def wanted(self, first: int, last: int) -> tuple[slice, np.ndarray[tuple[int], np.dtype[np.uint8]]]:
        """Which of the steps from ``first`` to ``last`` - 1 are measured: their places here, and 1 or 0 a step."""
        begin, end = np.searchsorted(self.steps, (first, last))
        wanted = np.zeros(last - first, dtype=np.uint8)
        wanted[self.steps[begin:end] - first] = 1
        return slice(int(begin), int(end)), wanted

    def add(
        self, step: int, backward: BackwardPass, row_weights: Array, before: Array, gradient: Array, update: Array
    ) -> None:
        """A measured step's pass, θ before its update, its gradient before clipping, its update."""
        session, at = self._session, int(np.searchsorted(self.steps, step))
        taken = slice(int(self.row_starts[at]), int(self.row_starts[at + 1]))
        sums, of_rows = of_pass(session.network, backward, row_weights)
        add_update(sums, session.network, before, gradient, update, session.objective.l2 / session.objective.n)
        self.layers[at] = sums
        with np.errstate(over="ignore", invalid="ignore"):
            self.row_costs[taken], self.row_gradients[taken] = backward.row_costs, np.sqrt(of_rows)

    def filled(self, report: StepsReport, learning_rates: Float64Array) -> Statistics:
        """The statistics; costs, hits and weights are the report's."""
        at = self.steps - self._first
        return Statistics(
            steps=self.steps,
            m=self.m,
            cost=report.costs[at],
            hits=report.hits[at],
            weight=report.weights[at],
            learning_rate=np.asarray(learning_rates, dtype=np.float64)[at],
            layers=self.layers,
            rows=self.rows,
            row_costs=self.row_costs,
            row_gradients=self.row_gradients,
        )


def _among(steps: range, wanted: Collection[int]) -> IndexArray:
    """Those of the steps that are wanted, in their order."""
    if isinstance(wanted, range) and wanted.step > 0:
        first = wanted.start + max(0, -(-(steps.start - wanted.start) // wanted.step)) * wanted.step
        return np.arange(first, min(steps.stop, wanted.stop), wanted.step, dtype=np.int64)
    return np.array([step for step in steps if step in wanted], dtype=np.int64)


def _rows(
    session: Session, steps: IndexArray, first_rows: IndexArray, m: IndexArray
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """The numbers of the steps' training rows, one step after the other; whole stretches of an epoch at a time."""
    found, at = np.empty(int(m.sum()), dtype=np.int32), 0
    breaks = np.flatnonzero((np.diff(steps) != 1) | (np.diff(first_rows) < 0)) + 1
    for stretch in np.split(np.arange(len(steps)), breaks) if len(steps) else ():
        first, last = int(stretch[0]), int(stretch[-1])
        begin, end = int(first_rows[first]), int(first_rows[last] + m[last])
        epoch = int(steps[first]) // session.steps_per_epoch
        found[at : at + end - begin] = rows_at(session.plan, session.data.rows, epoch, begin, end)
        at += end - begin
    return found
