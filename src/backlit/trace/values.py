"""One number of a trace by its address, and the few small numbers a formula needs that have none."""

import numpy as np

from backlit.errors import OptionError
from backlit.trace.address import Address
from backlit.trace.record import Trace


def number(t: Trace, at: Address) -> float:  # noqa: PLR0911  a way out for each kind
    """The number at a checked address, as float64."""
    l, j, k, row = (0 if part is None else part for part in (at.layer, at.j, at.k, at.row))
    match at.quantity:
        case "cost":
            return t.cost.total
        case "penalty":
            return t.cost.penalty
        case "row_cost":
            return float(t.row_costs[row])
        case "x":
            return float(t.X[row, k])
        case "y":
            return float(t.Y[row, j])
        case "W":
            return float(t.network.layer(l).W[j, k])
        case "b":
            return float(t.network.layer(l).b[j])
        case "weight":
            if at.row is not None:
                return float(t.delta(l)[row, j]) * float(t.a(l - 1)[row, k])
            return float(t.weight_gradient(l)[j, k])
        case "bias":
            return float(t.bias_gradient(l)[j]) if at.row is None else float(t.delta(l)[row, j])
        case "update_weight" | "update_bias":
            W, b = t.network.split(_update(t))[l]
            return float(W[j, k] if at.quantity == "update_weight" else b[j])
        case _:
            return float(getattr(t, at.quantity)(l)[row, j])


def accumulated(t: Trace, layer: int, j: int, k: int | None) -> float:
    """Σ_i w̃_i δ_i a_i over the rows, before 1/m and the penalty; derived. With k None, a is the 1 of the bias."""
    a = np.ones(t.rows) if k is None else t.a(layer - 1)[:, k].astype(np.float64)
    return float(np.dot(t.row_weights * t.delta(layer)[:, j].astype(np.float64), a))


def squares(t: Trace) -> float:
    """Σ‖W‖² over all layers, in float64."""
    with np.errstate(over="ignore"):
        return sum(float((layer.W.astype(np.float64) ** 2).sum()) for layer in t.network.layers)


def _update(t: Trace) -> np.ndarray:
    if not t.steps:
        raise OptionError("no update was traced: give an optimizer, as optimizer='sgd', learning_rate=0.5")
    return t.steps[0].update
