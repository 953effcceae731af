"""Which number was the first that is not finite: an epoch that went wrong is run again, one recorded step at a time."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backlit.engines import Session, StepRecord, StepsReport
from backlit.errors import DivergenceError
from backlit.network import Network, layout
from backlit.notation import Array, Float64Array, IndexArray
from backlit.training.checkpoints import TrainingState
from backlit.training.setup import Setup

REMEDY = "lower the learning_rate, or clip the gradients (clip=1)"

REMEDY_BEFORE_ANY_UPDATE = "scale the columns of X, and y, to about 1, or start from smaller weights"

RUNAWAY = 1e6
"""A batch's mean cost so many times the usual (plus 1, where that is tiny) is divergence too: an optimizer whose steps
do not grow with the gradient, as adam's, can run away for long before any number overflows."""

CHUNK = 4096
"""Rows of one pass."""


def has_run_away(mean_costs: Float64Array, usual_cost: float) -> bool:
    """Whether any batch's mean cost is not finite, or beyond :data:`RUNAWAY` times the usual one."""
    return not bool((np.isfinite(mean_costs) & (np.abs(mean_costs) <= RUNAWAY * (1 + usual_cost))).all())


def has_diverged(report: StepsReport, state: TrainingState, setup: Setup) -> bool:
    """Whether these steps ran away; ``state.usual_cost`` learns from the first step and at the first suspicion."""
    seen = report.weights > 0  # a batch may hold rows of no weight alone
    costs = report.costs[seen] / report.weights[seen]
    if state.usual_cost is None and len(costs):
        state.usual_cost = abs(float(costs[0]))
    if has_run_away(costs, state.usual_cost or 0.0):  # or did these rows cost so much from the start?
        state.usual_cost = max(state.usual_cost or 0.0, largest_cost(setup, state.start_parameters))
    return has_run_away(costs, state.usual_cost or 0.0)


def largest_cost(setup: Setup, start_parameters: Array) -> float:
    """|C_i| of the costliest training row at the training's start: what no batch's mean exceeds without running away.

    The first batch alone does not tell: the rare rows whose target is a thousand times the others' may come later.
    """
    data, twin, largest = setup.data, setup.network.copy(), 0.0
    twin.parameters[...] = start_parameters
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for first in range(0, data.rows, CHUNK):
            rows = slice(first, first + CHUNK)
            forward = setup.choice.engine.forward_pass(twin, data.X[rows])
            row_costs = np.abs(setup.objective.row_costs(forward.z[twin.L], forward.output, data.Y[rows]))
            largest = max(largest, float(row_costs.max(initial=0.0, where=np.isfinite(row_costs))))
    return largest


@dataclass(frozen=True)
class Found:
    """The first number that is not finite, and where it stands; or, with ``cost``, what made a row's cost run away."""

    quantity: str
    layer: int | None
    neuron: int | None
    row: int | None
    value: float
    cost: float | None = None

    def __str__(self) -> str:
        place = ", ".join(
            f"{name} {number}"
            for name, number in (("layer", self.layer), ("neuron", self.neuron), ("row", self.row))
            if number is not None
        )
        ran_away = "" if self.cost is None else f", and that row's cost {self.cost:g}"
        return f"{self.quantity}{f' ({place})' if place else ''} is {self.value:g}{ran_away}"


def replay(
    session: Session,
    learning_rates: Float64Array,
    rows: IndexArray | None,
    epoch: int,
    network: Network,
    usual_cost: float,
) -> DivergenceError:
    """Runs the session on from where it was put back to, up to the first number that is not finite or the runaway.

    Args:
        session: restored to the start of the epoch.
        learning_rates: of the epoch's steps.
        rows: the number each training row has in the data as given; None where they are the same.
        epoch: counted from 1, for the message.
        network: the session's.
        usual_cost: of a row, at the training's start.
    """
    for learning_rate in learning_rates:
        step, record = session.step, None
        if session.plan.optimizer.whole_batch_only:
            report = session.run(step + 1, np.array([learning_rate]))
            away = has_run_away(report.costs / report.weights, usual_cost)
            found = _whole_cost(report) if away else _first_in_parameters(network.parameters, network)
        else:
            report = session.run(step + 1, np.array([learning_rate]), [step])
            record = report.records[0]
            found = first_in(record, network)
            if found is None and report.weights[0] and has_run_away(report.costs / report.weights, usual_cost):
                found = _costliest(record, network)
        if found is not None:
            error = _error(found, rows, epoch, step, float(learning_rate))
            error.record = record
            return error
    nothing = Found("cost", None, None, None, float("nan"))
    return DivergenceError(
        f"training diverged in epoch {epoch}, but not when that epoch was run again: something else, as a callback, "
        "changed the network or the data meanwhile; let callbacks observe only",
        {"epoch": epoch, "step": None, **asdict(nothing), "learning_rate": None},
    )


def _error(found: Found, rows: IndexArray | None, epoch: int, step: int, learning_rate: float) -> DivergenceError:
    row = found.row if found.row is None or rows is None else int(rows[found.row])
    return explained({"epoch": epoch, "step": step, **asdict(found), "row": row, "learning_rate": learning_rate})


def explained(where: dict[str, Any]) -> DivergenceError:
    """The error of these facts, said in a sentence: also for who counts the rows otherwise than the training did."""
    found = Found(**{name: where[name] for name in Found.__dataclass_fields__})
    step, learning_rate = where["step"], where["learning_rate"]
    remedy = REMEDY_BEFORE_ANY_UPDATE if step == 0 and "update" not in found.quantity else REMEDY
    at = f"epoch {where['epoch']}, step {step} (learning rate {learning_rate:g})"
    return DivergenceError(f"training diverged in {at}: {found}; {remedy}", where)


def _whole_cost(report: StepsReport) -> Found:
    return Found("cost", None, None, None, float(report.costs[0] / report.weights[0]))


def _costliest(record: StepRecord, network: Network) -> Found:
    """The row that costs most, and its largest weighted input of the output layer."""
    row_costs, z = np.abs(record.backward.row_costs), record.backward.forward.z[network.L]
    worst = int(np.argmax(row_costs))
    neuron = int(np.argmax(np.abs(z[worst])))
    cost = float(record.backward.row_costs[worst])
    return Found("z", network.L, neuron, int(record.rows[worst]), float(z[worst, neuron]), cost)


def first_in(record: StepRecord, network: Network) -> Found | None:
    """The first number of one step that is not finite, in the order in which a pass makes them."""
    for quantity, layer, values in _in_order(record, network):
        wrong = ~np.isfinite(values)
        if wrong.any():
            place = [int(i) for i in np.argwhere(wrong)[0]]
            value = float(values[tuple(place)])
            if quantity in ("z", "a", "delta"):
                return Found(quantity, layer, place[1], int(record.rows[place[0]]), value)
            if quantity == "cost":
                return Found(quantity, None, None, int(record.rows[place[0]]), value)
            return Found(quantity, layer, place[0], None, value)
    return None


def _in_order(record: StepRecord, network: Network) -> Iterator[tuple[str, int, Array]]:
    forward, errors, gradients = record.backward.forward, record.backward.errors, record.backward.gradients
    L = network.L
    for layer in range(2, L + 1):
        yield "z", layer, forward.z[layer]
        yield "a", layer, forward.a[layer]
    yield "cost", L, record.backward.row_costs
    for layer in range(L, 1, -1):
        yield "delta", layer, errors.delta[layer]
    for layer in range(2, L + 1):
        yield "gradient of the weights", layer, gradients.W[layer]
        yield "gradient of the biases", layer, gradients.b[layer]
    with np.errstate(over="ignore", invalid="ignore"):
        after = record.parameters + record.update
    for layer, (W, b) in network.split(after).items():
        yield "weight after the update", layer, W
        yield "bias after the update", layer, b


def _first_in_parameters(theta: Array, network: Network) -> Found | None:
    for layer, _, weights, biases in layout(network.sizes):
        for what, where in (("weight after the update", weights), ("bias after the update", biases)):
            wrong = np.flatnonzero(~np.isfinite(theta[where]))
            if len(wrong):
                neuron = int(wrong[0]) // (network.sizes[layer - 2] if what.startswith("weight") else 1)
                return Found(what, layer, neuron, None, float(theta[where][wrong[0]]))
    return None
