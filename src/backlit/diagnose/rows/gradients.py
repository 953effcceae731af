"""Gradients of single rows, from δ and a alone: by BP4 a row's ∂C_i/∂W is an outer product, and is never formed.

Of two rows x and y, biases included, over layer l:

    ⟨∇C_x, ∇C_y⟩ = (δ_x·δ_y)(1 + a_x·a_y),   ‖∇C_x‖² = ‖δ_x‖²(1 + ‖a_x‖²),   with δ of layer l and a of layer l - 1.

∇C_x is of that row's own cost: unweighted, not divided by m, without the penalty, without dropout.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from backlit.engines import Engine
from backlit.network import Network
from backlit.notation import Array, ByLayer, Float64Array
from backlit.objective import Objective

CHUNK = 4096
"""Rows of one pass: its z, a and δ of every layer are held at once."""


@dataclass(frozen=True, eq=False)
class RowPass:
    """a of layers 1 to L and δ of layers 2 to L of some rows: all there is to know of their gradients."""

    a: ByLayer
    delta: ByLayer
    row_costs: Array


def row_passes(
    engine: Engine, network: Network, objective: Objective, X: Array, Y: Array
) -> Iterator[tuple[slice, RowPass]]:
    """The rows chunk by chunk, from the engine's own pass there and back."""
    ones = np.ones(min(CHUNK, len(X)), dtype=network.dtype)
    for start in range(0, len(X), CHUNK):
        rows = slice(start, min(start + CHUNK, len(X)))
        back = engine.backward_pass(network, objective, X[rows], Y[rows], ones[: rows.stop - start])
        yield rows, RowPass(back.forward.a, back.errors.delta, back.row_costs)


def square_norms(passed: RowPass) -> Float64Array:
    """‖∇C_i‖² = Σ_l ‖δ^l_i‖² (1 + ‖a^{l-1}_i‖²), (rows,)."""
    total: Float64Array = np.zeros(len(passed.row_costs))
    for l, delta in passed.delta.items():
        total += _squares(delta) * (1 + _squares(passed.a[l - 1]))
    return total


def inner_products(passed: RowPass, other: RowPass) -> Float64Array:
    """⟨∇C_x, ∇C_y⟩ = Σ_l (δ^l_x·δ^l_y)(1 + a^{l-1}_x·a^{l-1}_y) of every row with every other, (rows, others)."""
    total: Float64Array = np.zeros((len(passed.row_costs), len(other.row_costs)))
    for l, delta in passed.delta.items():
        total += (delta @ other.delta[l].T).astype(np.float64) * (1 + passed.a[l - 1] @ other.a[l - 1].T)
    return total


def _squares(values: Array) -> Float64Array:
    return np.einsum("ij,ij->i", values, values, dtype=np.float64)
