"""A session of L-BFGS: whole-batch passes, and SciPy's minimiser between them. A step is one segment."""

from collections.abc import Collection

import numpy as np

from backlit import backpropagation as bp
from backlit.backpropagation import BackwardPass, Gradients
from backlit.data.lazy import LazyRows
from backlit.engines import blas
from backlit.engines.base import Session, StepPlan, StepsReport, TrainingData
from backlit.engines.measure import StatisticsRoom
from backlit.engines.score import weighted_sums
from backlit.equations import objective_cost
from backlit.errors import OptionError
from backlit.network import Network
from backlit.notation import Float64Array
from backlit.objective import Objective
from backlit.optimizers import LBFGS, Minimum


class LBFGSSession(Session):
    """Computes in float64 whatever the network's dtype: the line search compares costs too close for float32.

    θ is rounded to the network's dtype at the end of each segment, and the next one starts from there: so a training
    resumed at the end of a segment is the training that was never stopped.
    """

    def __init__(self, network: Network, objective: Objective, data: TrainingData, plan: StepPlan) -> None:
        super().__init__(network, objective, data, plan)
        self.minimum: Minimum | None = None  # of the last segment
        assert not isinstance(data.X, LazyRows), "every pass is over all rows: they must be in memory"
        self._as_given = data.X
        self._twin = network.copy(dtype=np.float64)
        self._X, self._Y, self._row_weights = (
            values.astype(np.float64, copy=False) for values in (data.X, data.Y, data.row_weights)
        )

    def run(
        self,
        until_step: int,
        learning_rates: Float64Array,
        record_steps: Collection[int] = (),
        measure_steps: Collection[int] = (),
    ) -> StepsReport:
        """The segments; the costs reported are those before each, as those of any step are.

        The statistics of a segment are of the pass before it, its update the whole segment's.
        """
        import scipy.optimize  # noqa: F401  loaded first, so that its BLAS is held to one thread too

        if record_steps:
            raise OptionError("lbfgs has no steps to record: it makes several passes a step; record with sgd or adam")
        optimizer = self.plan.optimizer
        assert isinstance(optimizer, LBFGS)
        count = until_step - self.step
        report = StepsReport(np.zeros(count), np.zeros(count), np.zeros(count))
        converged = False
        room = StatisticsRoom(self, until_step, measure_steps) if measure_steps else None
        with blas.one_thread(everywhere=True), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for i in range(count):
                self._report_start(report, i)
                before, backward = self.network.parameters.copy(), None
                if room and self.step in measure_steps:
                    backward = self._pass_of_start()
                self.minimum = optimizer.minimise(self.network.parameters, self._cost_and_gradient)
                self.network.parameters[...] = self.minimum.theta
                converged = self.minimum.converged
                if room and backward:
                    update = self.network.parameters - before
                    room.add(self.step, backward, self.data.row_weights, before, backward.gradients.vector, update)
                self.step += 1
        statistics = room.filled(report, learning_rates) if room else None
        return StepsReport(report.costs, report.hits, report.weights, converged=converged, statistics=statistics)

    def _pass_of_start(self) -> BackwardPass:
        data, room = self.data, Gradients.empty(self.network)
        return bp.backward_pass(self.network.layers, self.objective, self._as_given, data.Y, data.row_weights, room)

    def _report_start(self, report: StepsReport, i: int) -> None:
        data, forward = self.data, bp.feed_forward(self.network.layers, self._as_given)
        row_costs = self.objective.row_costs(forward.z[self.network.L], forward.output, data.Y)
        sums = weighted_sums(row_costs, forward.output, data.Y, data.row_weights, data.decision)
        report.costs[i], report.hits[i], report.weights[i] = sums

    def _cost_and_gradient(self, theta: Float64Array) -> tuple[float, Float64Array]:
        self._twin.parameters[...] = theta
        layers, room = self._twin.layers, Gradients.empty(self._twin)
        backward = bp.backward_pass(layers, self.objective, self._X, self._Y, self._row_weights, room)
        cost = objective_cost(backward.row_costs, self._row_weights, bp.penalty(layers, self.objective))
        return cost, backward.gradients.vector.astype(np.float64, copy=False)
