"""The updates that follow a pass: the engine's own session, all rows in each step, on a copy of the network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from backlit import optimizers
from backlit.backpropagation import penalty
from backlit.engines import BackwardPass, StepPlan, StepRecord, TrainingData
from backlit.equations import objective_cost
from backlit.errors import OptionError
from backlit.network import Network
from backlit.optimizers import Optimizer
from backlit.trace.record import Record, Step

if TYPE_CHECKING:
    from backlit.trace.tracing import Trace


def optimizer(chosen: str | Optimizer | None, learning_rate: float | None, steps: int | None) -> Optimizer | None:
    """The optimizer asked for; a learning rate or a number of steps alone means plain gradient descent.

    Raises:
        OptionError: no such optimizer, one whose steps cannot be recorded, or a number of steps below 1.
    """
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1):
        raise OptionError(f"steps must be a whole number, at least 1, not {steps!r}")
    if chosen is None and learning_rate is None and steps is None:
        return None
    found = optimizers.get("sgd" if chosen is None else chosen, learning_rate)
    if found.whole_batch_only:
        raise OptionError(f"{found.name} makes several passes a step, so it has no update to trace; use sgd or adam")
    return found


def with_steps(first: Trace, chosen: Optimizer, steps: int) -> Trace:
    """The trace with its updates: each step's own pass, and C before and after it."""
    network = first.network.copy()
    data = TrainingData(first.X, first.Y, first.row_weights, None)
    engine = first.choice.engine
    session = engine.session(network, first.objective, data, StepPlan(chosen, first.rows, seed=0))
    records = session.run(steps, np.full(steps, chosen.learning_rate), range(steps)).records
    passes = [_pass(first, record) for record in records]
    last = engine.backward_pass(network, first.objective, first.X, first.Y, first.row_weights)
    costs = [*(p.cost.total for p in passes), _cost(first, network, last)]
    made = tuple(
        Step(number, record.learning_rate, record.update, costs[number - 1], costs[number], p)
        for number, (record, p) in enumerate(zip(records, passes, strict=True), start=1)
    )
    return replace(first, steps=made)


def _pass(first: Trace, record: StepRecord) -> Trace:
    """The trace of a step's own pass, with the parameters it ran with."""
    network = first.network.copy()
    network.parameters[...] = record.parameters
    return replace(first, network=network, backward=record.backward, steps=())


def _cost(first: Record, network: Network, backward: BackwardPass) -> float:
    return objective_cost(backward.row_costs, first.row_weights, penalty(network.layers, first.objective))
