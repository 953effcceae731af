"""The few numbers a formula needs that have no address."""

import numpy as np

from backlit.trace.record import Record


def accumulated(t: Record, layer: int, j: int, k: int | None) -> float:
    """Σ_i w̃_i δ_i a_i over the rows, before 1/m and the penalty; derived. With k None, a is the 1 of the bias."""
    a = np.ones(t.rows) if k is None else t.a(layer - 1)[:, k].astype(np.float64)
    return float(np.dot(t.row_weights * t.delta(layer)[:, j].astype(np.float64), a))


def squares(t: Record) -> float:
    """Σ‖W‖² over all layers, in float64."""
    with np.errstate(over="ignore"):
        return sum(float((layer.W.astype(np.float64) ** 2).sum()) for layer in t.network.layers)
