"""Room for the statistics of some steps of a session, and how the reference engine and L-BFGS fill it."""

from collections.abc import Collection

import numpy as np

from backlit.backpropagation import BackwardPass
from backlit.engines.base import Session, StepsReport
from backlit.engines.order import batch_rows
from backlit.engines.statistics import SUMS, Statistics, add_update, of_pass
from backlit.notation import Array, Float64Array


class StatisticsRoom:
    """Arrays for the statistics of those of a session's next steps that are to be measured, filled step by step."""

    def __init__(self, session: Session, until_step: int, measure_steps: Collection[int]) -> None:
        self._session, self._first = session, session.step
        self.steps = np.array([s for s in range(session.step, until_step) if s in measure_steps], dtype=np.int64)
        everything, plan = np.arange(session.data.rows, dtype=np.int32), session.plan
        batches = [everything[batch_rows(plan, session.data.rows, int(step))] for step in self.steps]
        self.m = np.array([len(batch) for batch in batches], dtype=np.int64)
        self.rows = np.concatenate(batches) if batches else everything[:0]
        self.layers = np.zeros((len(self.steps), session.network.L - 1, len(SUMS)))
        self.row_costs, self.row_gradients = (np.empty(len(self.rows), dtype=np.float32) for _ in range(2))
        self._done = self._rows_done = 0

    def add(
        self,
        step: int,
        backward: BackwardPass,
        row_weights: Array,
        before: Array,
        gradient: Array,
        update: Array,
    ) -> None:
        """The next measured step: its pass, θ before its update, its gradient before clipping, its update."""
        session, taken = self._session, slice(self._rows_done, self._rows_done + len(row_weights))
        sums, of_rows = of_pass(session.network, backward, row_weights)
        add_update(sums, session.network, before, gradient, update, session.objective.l2 / session.objective.n)
        self.layers[self._done] = sums
        self.row_costs[taken], self.row_gradients[taken] = backward.row_costs, np.sqrt(of_rows)
        self._done, self._rows_done = self._done + 1, taken.stop

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
