"""The reference engine: the equations as they stand, in NumPy, float32 or float64, vectorised over the batch."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from backlit import backpropagation as bp
from backlit.backpropagation import BackwardPass, ForwardPass, Gradients
from backlit.engines import blas
from backlit.engines.base import (
    Engine,
    Score,
    Session,
    StepPlan,
    StepRecord,
    StepsReport,
    TrainingData,
)
from backlit.engines.feed import feed
from backlit.engines.lbfgs import LBFGSSession
from backlit.engines.measure import StatisticsRoom
from backlit.engines.order import batch_rows
from backlit.engines.score import ScoreSums, weighted_sums
from backlit.equations import Mask
from backlit.network import Layer, Network
from backlit.notation import Array, Float64Array, IndexArray
from backlit.objective import Objective
from backlit.optimizers import LBFGS, Optimizer, clip_by_global_norm, global_norm
from backlit.randomness import dropout_mask

CHUNK = 4096
"""Rows of one pass where nothing but outputs is kept: enough for the matrix product, little enough for the memory."""


class ReferenceEngine(Engine):
    """Clarity first; one BLAS thread, for the sake of its bits."""

    name = "reference"
    description = "the equations as they stand, in NumPy, float32 and float64, on one thread"

    def unsupported(
        self, network: Network, objective: Objective | None = None, optimizer: Optimizer | None = None
    ) -> str | None:
        """None: it does everything."""
        return None

    def predict(self, network: Network, X: Array) -> Array:
        """a^L, chunk by chunk."""
        outputs = np.empty((len(X), network.sizes[-1]), dtype=network.dtype)
        with blas.one_thread(), np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(X), CHUNK):
                rows = slice(start, start + CHUNK)
                outputs[rows] = bp.feed_forward(network.layers, X[rows]).output
        return outputs

    def forward_pass(self, network: Network, X: Array) -> ForwardPass:  # noqa: D102
        with blas.one_thread(), np.errstate(over="ignore", invalid="ignore"):
            return bp.feed_forward(network.layers, X)

    def backward_pass(  # noqa: D102
        self, network: Network, objective: Objective, X: Array, Y: Array, row_weights: Array
    ) -> BackwardPass:
        with blas.one_thread(), np.errstate(over="ignore", invalid="ignore"):
            return bp.backward_pass(network.layers, objective, X, Y, row_weights, Gradients.empty(network))

    def evaluate(self, network: Network, objective: Objective, data: TrainingData) -> Score:  # noqa: D102
        sums, L = ScoreSums(data), network.L
        with blas.one_thread(), np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, data.rows, CHUNK):
                rows = slice(start, start + CHUNK)
                forward = bp.feed_forward(network.layers, data.X[rows])
                sums.add(rows, objective.row_costs(forward.z[L], forward.output, data.Y[rows]), forward.output)
        return sums.score()

    def session(self, network: Network, objective: Objective, data: TrainingData, plan: StepPlan) -> Session:  # noqa: D102
        if isinstance(plan.optimizer, LBFGS):
            return LBFGSSession(network, objective, data, plan)
        return ReferenceSession(network, objective, data, plan)


class ReferenceSession(Session):
    """Steps of mini-batch gradient descent: forward, BP1, BP2, BP3, BP4, penalty, clipping, update."""

    def __init__(self, network: Network, objective: Objective, data: TrainingData, plan: StepPlan) -> None:
        super().__init__(network, objective, data, plan)
        self._feed = feed(data, plan)
        self._layers = network.layers
        self._gradients = Gradients.empty(network)
        self._drops = any(network.dropout)

    def run(
        self,
        until_step: int,
        learning_rates: Float64Array,
        record_steps: Collection[int] = (),
        measure_steps: Collection[int] = (),
    ) -> StepsReport:
        """The steps, one after the other. Numbers that are not finite pass through silently: the costs tell of them."""
        count = until_step - self.step
        report = StepsReport(np.zeros(count), np.zeros(count), np.zeros(count))
        room = StatisticsRoom(self, until_step, measure_steps) if measure_steps else None
        with blas.one_thread(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for i in range(count):
                measured = room if self.step in measure_steps else None
                self._step(report, i, float(learning_rates[i]), self.step in record_steps, measured)
                self.step += 1
        return replace(report, statistics=room.filled(report, learning_rates)) if room else report

    def _step(
        self, report: StepsReport, i: int, learning_rate: float, record: bool, measured: StatisticsRoom | None
    ) -> None:
        data, plan, theta = self.data, self.plan, self.network.parameters
        rows = batch_rows(plan, data.rows, self.step)
        X, Y, row_weights = self._feed.batch(self.step)
        X = X.copy() if record else X  # a buffer is filled anew
        backward = bp.backward_pass(
            self._layers, self.objective, X, Y, row_weights, self._gradients, self._mask if self._drops else None
        )
        sums = weighted_sums(backward.row_costs, backward.forward.output, Y, row_weights, data.decision)
        report.costs[i], report.hits[i], report.weights[i] = sums

        gradient = self._gradients.vector
        watched = record or measured is not None
        unclipped = gradient.copy() if measured is not None else gradient
        norm = clip_by_global_norm(gradient, plan.clip) if plan.clip is not None else None
        before, applied = (theta.copy(), gradient.copy()) if watched else (theta, gradient)
        plan.optimizer.update(theta, gradient, self.state, learning_rate, plan.steps_before + self.step + 1)
        if measured is not None:
            measured.add(self.step, backward, row_weights, before, unclipped, theta - before)
        if record:
            gradients = Gradients.of(self.network, applied)
            self._record(report, rows, backward, before, gradients, norm, learning_rate)

    def _mask(self, layer: Layer, shape: tuple[int, int]) -> Mask:
        step = self.plan.steps_before + self.step
        return dropout_mask(self.plan.seed, step, layer.number, shape, layer.dropout)

    def _record(
        self,
        report: StepsReport,
        rows: IndexArray | slice,
        backward: BackwardPass,
        before: Array,
        applied: Gradients,
        norm: float | None,
        learning_rate: float,
    ) -> None:
        """What the next step would overwrite was copied out: θ, the gradients; z, a and δ are new at every step."""
        report.records.append(
            StepRecord(
                step=self.step,
                rows=np.arange(self.data.rows)[rows],
                backward=BackwardPass(backward.forward, backward.errors, applied, backward.row_costs),
                parameters=before,
                update=self.network.parameters - before,
                norm=global_norm(applied.vector) if norm is None else norm,
                learning_rate=learning_rate,
            )
        )
