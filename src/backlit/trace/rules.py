"""Which formula made a number, what the equation is called, and which numbers it leads to."""

from typing import Any

import numpy as np

from backlit.activations import ACTIVATIONS, Activation, Elementwise
from backlit.costs import COSTS
from backlit.optimizers import SGD
from backlit.trace.address import Address
from backlit.trace.notations import Notation
from backlit.trace.record import Record

SLOPES = {
    "identity": "1",
    "sigmoid": "a[l,j] * (1 - a[l,j])",
    "tanh": "1 - a[l,j] * a[l,j]",
    "exponential": "a[l,j]",
    "softplus": "named_sigmoid(z[l,j])",
}
"""σ' as a formula where it is short; any other activation's is called by its name: relu′(z).

``named_`` keeps a function's own name among the signs, where σ would be the layer's.
"""

COST_GRADIENTS = {
    "quadratic": "a[l,j] - y[j]",
    "mse": "2 / {n_L} * (a[l,j] - y[j])",
    "binary-cross-entropy": "(a[l,j] - y[j]) / (a[l,j] * (1 - a[l,j]))",
    "cross-entropy": "-(y[j] / a[l,j])",
    "huber": "clip(a[l,j] - y[j])",
    "poisson": "1 - y[j] / a[l,j]",
}
ROW_COSTS = {
    "quadratic": "1 / 2 * sum(j, L, (a[L,j] - y[j]) ** 2)",
    "mse": "1 / {n_L} * sum(j, L, (a[L,j] - y[j]) ** 2)",
    "binary-cross-entropy": "-sum(j, L, y[j] * ln(a[L,j]) + (1 - y[j]) * ln(1 - a[L,j]))",
    "cross-entropy": "-sum(j, L, y[j] * ln(a[L,j]))",
    "huber": "sum(j, L, huber(a[L,j] - y[j]))",
    "poisson": "sum(j, L, a[L,j] - y[j] * ln(a[L,j]))",
}
FROM_Z = {
    "binary-cross-entropy": "sum(j, L, named_softplus(z[L,j]) - y[j] * z[L,j])",
    "cross-entropy": "ln(sum(k, L, exp(z[L,k]))) - sum(j, L, y[j] * z[L,j])",
    "poisson": "sum(j, L, a[L,j] - y[j] * z[L,j])",
}
KINKS = ("relu", "leaky-relu")


def formulas(t: Record, at: Address, notation: Notation) -> list[tuple[str, str]]:  # noqa: PLR0911  a way out for each kind
    """(what stands on the left, formula) of each line; none where the number is given or the user's own function's.

    Raises:
        OptionError: σ' of an activation that has a full Jacobian.
    """
    q, l = at.quantity, at.layer or t.L
    if q in ("weight", "bias"):
        return _gradient(t, at, notation)
    if q in ("update_weight", "update_bias"):
        return [(q, notation.formula(q))] if is_plain_descent(t) else []
    if q == "cost" and t.rows == 1:
        if not t.objective.l2:
            row_cost = _one_formula(t, "row_cost", t.L, notation)
            return [(q, row_cost.replace("{n_L}", str(t.network.sizes[-1])))] if row_cost else []
        return [(q, "row_cost[0] + penalty")]
    if q == "cost":
        weighted = "w[i] * " if is_weighted(t) else ""
        data = f"1 / m * rows(i, {weighted}row_cost[i])"
        return [(q, data + (" + penalty" if t.objective.l2 else ""))]
    if q == "penalty":
        return [(q, "lam / (2 * n) * squares")] if t.objective.l2 else []
    one = _one_formula(t, q, l, notation)
    return [(q, one.replace("{n_L}", str(t.network.sizes[-1])))] if one else []


def product(t: Record, at: Address) -> str | None:
    """The number as a product of the pass's own factors; None where it is a sum, or given. Leaves out the penalty."""
    q, l = at.quantity, at.layer or t.L
    if q in ("update_weight", "update_bias"):
        gradient = "weight[l,j,k]" if q == "update_weight" else "bias[l,j]"
        return f"-eta * {gradient}" if is_plain_descent(t) else None
    if q not in ("delta", "weight", "bias") or (q != "delta" and at.row is None and t.rows > 1):
        return None
    kind = delta_kind(t, l)
    error: str | None
    if kind == "delta.fused":
        error = "(a[l,j] - y[j])"
    elif kind in ("delta", "delta.output"):
        error = "dC_da[l,j] * slope[l,j]"
    else:
        error = None if q == "delta" else "delta[l,j]"
    return f"{error} * a[l-1,k]" if q == "weight" else error


def _one_formula(t: Record, q: str, l: int, notation: Notation) -> str | None:  # noqa: PLR0911  a way out for each kind
    if q == "z":
        return notation.formula("z")
    if q == "a" and l > 1:
        return _activation(t.network.layer(l).activation, notation)
    if q == "slope":
        return _slope(t, l)
    if q == "row_cost" and is_own(t.objective.cost, COSTS):
        name = t.objective.cost.name
        return FROM_Z[name] if from_z(t) else ROW_COSTS[name]
    if q == "dC_da":
        if l == t.L:
            return COST_GRADIENTS[t.objective.cost.name] if is_own(t.objective.cost, COSTS) else None
        return _variant(notation, "dC_da", t, l + 1)
    if q == "delta":
        return notation.formula(delta_kind(t, l))
    return None


def _activation(activation: Activation, notation: Notation) -> str | None:
    if not is_own(activation, ACTIVATIONS):
        return None
    if activation.name == "softmax":
        return notation.formula("a.softmax")
    return f"{activation.name.replace('-', '_')}(z[l,j])"


def _slope(t: Record, l: int) -> str | None:
    activation = t.network.layer(l).activation
    t.slope(l)  # says so where there is none
    if not is_own(activation, ACTIVATIONS):
        return None
    return SLOPES.get(activation.name, f"{activation.name.replace('-', '_')}_slope(z[l,j])")


def delta_kind(t: Record, l: int) -> str:
    """The name of the formula that made δ^l: by the fused form, by a slope, by softmax or another full Jacobian."""
    activation = t.network.layer(l).activation
    if l == t.L and t.objective.fused:
        return "delta.fused"
    if l == t.L and activation is ACTIVATIONS["softmax"]:
        return "delta.softmax"
    if not isinstance(activation, Elementwise):
        return "delta.jacobian"
    return "delta.output" if l == t.L else "delta"


def _variant(notation: Notation, key: str, t: Record, l: int) -> str:
    """The notation's formula of that name for the errors of layer l: some write δ out, and cannot where it is whole."""
    kind = delta_kind(t, l)
    suffix = ".fused" if kind == "delta.fused" else ".whole" if kind in ("delta.softmax", "delta.jacobian") else ""
    return notation.formulas.get(key + suffix) or notation.formula(key)


def _gradient(t: Record, at: Address, notation: Notation) -> list[tuple[str, str]]:
    q, l = at.quantity, at.layer or 2
    row = _variant(notation, f"{q}.row", t, l)
    if at.row is not None:
        return [(q, row)]
    weighted = "w[i] * " if is_weighted(t) else ""
    penalty = f" + {notation.formula('penalty.gradient')}" if q == "weight" and t.objective.l2 else ""
    if notation.accumulates:
        gathered = "accumulator[l,j,k]" if q == "weight" else "bias_accumulator[l,j]"
        inside = row if t.rows == 1 else f"rows(i, {weighted}{row})"
        own = penalty.replace("/ n", "/ m") if t.objective.n == t.rows else penalty
        return [(gathered.partition("[")[0], inside), (q, f"1 / m * {gathered}{own}")]
    if t.rows == 1:
        return [(q, row + penalty)]
    return [(q, f"1 / m * rows(i, {weighted}{_grouped(row)}){penalty}")]


def _grouped(formula: str) -> str:
    return f"({formula})" if " - " in formula and not formula.startswith("a[l-1") else formula


def equation(t: Record, at: Address) -> str:
    """The key of the equation's words."""
    output = at.quantity in ("delta", "dC_da") and at.layer == t.L
    return (
        f"eq.{at.quantity}.output" if output else "eq.x" if (at.quantity, at.layer) == ("a", 1) else f"eq.{at.quantity}"
    )


def notes(t: Record, at: Address) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Keys of what to know beside the formula, and what goes into their braces."""
    q, l = at.quantity, at.layer or t.L
    found: list[tuple[str, dict[str, Any]]] = []
    if q in t.derived_quantities:
        found.append(("note.derived", {}))
    if t.objective.fused and (q, l) in (("delta", t.L), ("dC_da", t.L)):
        found.append(("note.fused", {"pair": t.objective.fused.name}))
    if q == "row_cost" and from_z(t):
        found.append(("note.cost_from_z", {}))
    if q in ("delta", "a") and l == t.L and t.network.activations[-1].name == "softmax":
        found.append(("note.softmax", {}))
    if q in ("slope", "delta") and l > 1 and t.network.layer(l).activation.name in KINKS:
        row, j = at.row or 0, at.j or 0
        if t.z(l)[row, j] == 0:
            name, slope = t.network.layer(l).activation.name, float(t.slope(l)[row, j])
            found.append(("note.kink", {"activation": name, "slope": f"{slope:g}"}))
    if q in ("weight", "bias") and t.rows > 1 and at.row is None:
        found.append(("note.batch", {}))
    if q == "bias" and t.objective.l2:
        found.append(("note.penalty_only_weights", {}))
    if q in ("update_weight", "update_bias") and not is_plain_descent(t):
        found.append(("note.optimizer", {"optimizer": t.optimizer.name if t.optimizer else ""}))
    return tuple(found)


def is_plain_descent(t: Record) -> bool:
    """Whether the update is −η ∂C/∂θ and nothing else."""
    return isinstance(t.optimizer, SGD) and not t.optimizer.momentum


def from_z(t: Record) -> bool:
    """Whether the fused cost is shown from z: a logarithm of a would be infinite, or has lost its digits."""
    if t.objective.fused is None:
        return False
    with np.errstate(all="ignore"):
        general = t.objective.cost.value(t.a(t.L), t.Y)
        return not np.allclose(general, t.row_costs, rtol=1e-9 if t.network.dtype == np.float64 else 1e-4, atol=0)


def is_weighted(t: Record) -> bool:
    """Whether the rows count differently."""
    return bool((t.row_weights != 1).any())


def is_own(thing: Any, table: dict[str, Any]) -> bool:
    """Whether an activation or a cost is one of Backlit's own, and not a user's that borrows its name."""
    return type(thing) is type(table.get(thing.name))


def leads_to(t: Record, at: Address) -> tuple[Address, ...]:  # noqa: PLR0911  a way out for each kind
    """The numbers made from this one, one step on."""
    q, l, j, k, row = at.quantity, at.layer or 1, at.j or 0, at.k, at.row
    sizes = t.network.sizes
    rows = range(t.rows) if row is None else (row,)
    if q in ("W", "b"):
        into = tuple(Address("z", l, j, row=r) for r in rows)
        penalised = (Address("penalty"),) if q == "W" and t.objective.l2 else ()
        return into + penalised
    if q == "x":
        return (Address("a", 1, k, row=row),)
    if q == "z":
        slope = (Address("slope", l, j, row=row),) if isinstance(t.network.layer(l).activation, Elementwise) else ()
        return (Address("a", l, j, row=row), *slope)
    if q == "a":
        if l == t.L:
            return (Address("row_cost", row=row), Address("dC_da", l, j, row=row), Address("delta", l, j, row=row))
        return tuple(Address("z", l + 1, p, row=row) for p in range(sizes[l]))
    if q == "y":
        return (Address("row_cost", row=row), Address("dC_da", t.L, j, row=row))
    if q in ("row_cost", "penalty"):
        return (Address("cost"),)
    if q in ("slope", "dC_da"):
        return (Address("delta", l, j, row=row),) if l > 1 else ()
    if q == "delta":
        below = tuple(Address("dC_da", l - 1, p, row=row) for p in range(sizes[l - 2]))
        return (*below, Address("bias", l, j), *(Address("weight", l, j, p) for p in range(sizes[l - 2])))
    if q in ("weight", "bias") and t.steps:
        return (Address(f"update_{q}", l, j, k),)
    return ()
