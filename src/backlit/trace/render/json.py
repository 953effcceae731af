"""The record as one JSON document: docs/trace-json.md describes it, docs/trace.schema.json is its schema."""

import json
import math
from typing import Any

import numpy as np

from backlit.notation import Array
from backlit.trace.address import Address
from backlit.trace.record import Record, has_slope

FORMAT, VERSION = "backlit-trace", 1


def document(t: Record) -> dict[str, Any]:
    """All of it as plain data. What is not finite is written as the text Infinity, -Infinity or NaN.

    A pass that is not finite is written up to the layer that holds its first such number: see ``first_non_finite``.
    """
    forward_to, back_to, gradients_to = reach(t)
    layers = range(2, t.L + 1)
    elementwise = [l for l in layers if l <= forward_to and has_slope(t, l)]
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "network": network(t),
        "objective": {
            "cost": t.objective.cost.name,
            "output": t.objective.output.name,
            "fused": t.objective.fused.name if t.objective.fused else None,
            "l2": t.objective.l2,
            "n": t.objective.n,
        },
        "engine": {"name": t.choice.engine.name, "reason": t.choice.reason},
        "rows": t.rows,
        "row_weights": plain(t.row_weights),
        "x": plain(t.X),
        "y": plain(t.Y),
        "z": {str(l): plain(t.z(l)) for l in layers if l <= forward_to},
        "a": {str(l): plain(t.a(l)) for l in range(1, t.L + 1) if l <= forward_to},
        "slope": {str(l): plain(t.slope(l)) for l in elementwise},
        "dC_da": {str(l): plain(t.dC_da(l)) for l in range(1, t.L + 1) if l >= back_to},
        "delta": {str(l): plain(t.delta(l)) for l in layers if l >= back_to},
        "weight_gradient": {str(l): plain(t.weight_gradient(l)) for l in layers if l >= gradients_to},
        "bias_gradient": {str(l): plain(t.bias_gradient(l)) for l in layers if l >= gradients_to},
        "row_costs": plain(t.row_costs) if forward_to == t.L else [],
        "cost": {"total": scalar(t.cost.total), "data": scalar(t.cost.data), "penalty": scalar(t.cost.penalty)},
        "derived": list(t.derived_quantities),
        "optimizer": t.optimizer.describe() if t.optimizer else None,
        "steps": [
            {
                "number": step.number,
                "learning_rate": step.learning_rate,
                "cost_before": scalar(step.cost_before),
                "cost_after": scalar(step.cost_after),
                "update": parameters(t, step.update),
                "parameters_after": parameters(t, step.pass_.network.parameters + step.update),
            }
            for step in t.steps
        ],
        "notes": list(t.notes),
        "first_non_finite": at(t.first_non_finite),
    }
    return document


def text(t: Record) -> str:
    """The document as strict JSON."""
    return json.dumps(document(t), ensure_ascii=False, allow_nan=False)


def reach(t: Record) -> tuple[int, int, int]:
    """How far a pass can be read: forward up to a layer, errors back to one, gradients back to one; L+1 for none."""
    bad = t.first_non_finite
    if bad is None:
        return t.L, 1, 2
    if bad.quantity in ("z", "a"):
        return bad.layer or t.L, t.L + 1, t.L + 1
    if bad.quantity == "row_cost":
        return t.L, t.L + 1, t.L + 1
    return t.L, bad.layer or 2, bad.layer or 2


def network(t: Record) -> dict[str, Any]:
    """Sizes, activations and parameters."""
    return {
        "sizes": list(t.network.sizes),
        "activations": [activation.name for activation in t.network.activations],
        "dtype": t.network.dtype.name,
        **parameters(t, t.network.parameters),
    }


def parameters(t: Record, vector: Array) -> dict[str, Any]:
    """A vector laid out as the parameters, by layer."""
    views = t.network.split(vector)
    return {
        "W": {str(l): plain(W) for l, (W, _) in views.items()},
        "b": {str(l): plain(b) for l, (_, b) in views.items()},
    }


def plain(values: Array) -> Any:
    """Nested lists of float64; every number exactly."""
    if np.isfinite(values).all():
        return values.astype(np.float64).tolist()
    return [plain(row) if row.ndim else scalar(float(row)) for row in np.asarray(values, dtype=np.float64)]


def scalar(value: float) -> float | str:
    """One number as JSON has it."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def at(address: Address | None) -> dict[str, Any] | None:
    """An address as plain data."""
    if address is None:
        return None
    parts = {"layer": address.layer, "j": address.j, "k": address.k, "row": address.row}
    return {"quantity": address.quantity, **{name: value for name, value in parts.items() if value is not None}}
