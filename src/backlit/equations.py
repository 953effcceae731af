"""The equations of backpropagation, one function each, in the order in which a pass uses them.

m rows a batch, n_l neurons in layer l, rows are samples; ``a_before`` is a^{l-1}, ``delta_next`` and ``W_next`` are
δ^{l+1} and W^{l+1}. δ^l_i = ∂C_i/∂z^l_i is the error of row i's own cost: the row weights w̃ and 1/m enter in BP3 and
BP4, not before.
Derivations: Nielsen, *Neural Networks and Deep Learning*, chapter 2 (whose column vectors are rows here).
"""

import numpy as np
from numpy.typing import NDArray

from backlit.activations import Activation
from backlit.costs import Cost
from backlit.notation import Array
from backlit.sums import dot

Mask = NDArray[np.bool_]
"""(m, n_l): True for the neurons that dropout keeps."""


def feed_forward(a_before: Array, W: Array, b: Array, activation: Activation) -> tuple[Array, Array]:
    """Feed forward: z^l = a^{l-1} W^lᵀ + b^l, a^l = σ_l(z^l).

    (m, n_{l-1}), (n_l, n_{l-1}), (n_l,) → z and a, (m, n_l) each.
    """
    z = a_before @ W.T
    z += b
    return z, activation.value(z)


def drop(values: Array, mask: Mask, p: float) -> Array:
    """Dropout: a^l ← mask ⊙ a^l / (1 - p), and the same on the error that comes back.  (m, n_l) → (m, n_l)."""
    return np.where(mask, values * values.dtype.type(1 / (1 - p)), values.dtype.type(0))


def output_error(activation: Activation, cost: Cost, z: Array, a: Array, y: Array) -> Array:
    """BP1, error of the output: δ^L_i = pull-back through σ_L of ∂C_i/∂a^L; elementwise, ∂C_i/∂a^L ⊙ σ'(z^L).

    z, a, y of (m, n_L) → (m, n_L).
    """
    return activation.pull_back(cost.gradient(a, y), z, a)


def fused_output_error(a: Array, y: Array) -> Array:
    """BP1 for a pair with a fused form, where the pull-back cancels what is infinite: δ^L = a^L - y.  → (m, n_L)."""
    return a - y


def backpropagate_error(
    delta_next: Array, W_next: Array, activation: Activation, z: Array, a: Array, mask: Mask | None = None, p: float = 0
) -> Array:
    """BP2, error of a hidden layer: δ^l = pull-back through σ_l of (mask/(1-p) ⊙) δ^{l+1} W^{l+1}.

    For an elementwise activation: δ^l = (…) ⊙ σ'(z^l).

    (m, n_{l+1}), (n_{l+1}, n_l), z and a = σ(z) of (m, n_l) → (m, n_l). W^{l+1} is the one that fed forward.
    """
    error: Array = delta_next @ W_next
    if mask is not None:
        error = drop(error, mask, p)
    return activation.pull_back(error, z, a)


def bias_gradient(delta: Array, row_weights: Array, out: Array | None = None) -> Array:
    """BP3, gradient of the biases: ∂C/∂b^l = (1/m) Σ_i w̃_i δ^l_i.  (m, n_l), (m,) → (n_l,)."""
    return np.matmul(row_weights / len(row_weights), delta, out=out)


def weight_gradient(delta: Array, a_before: Array, row_weights: Array, out: Array | None = None) -> Array:
    """BP4, gradient of the weights: ∂C/∂W^l = (1/m) Σ_i w̃_i δ^l_iᵀ a^{l-1}_i.

    (m, n_l), (m, n_{l-1}), (m,) → (n_l, n_{l-1}).
    """
    weighted: Array = delta * (row_weights / len(row_weights))[:, np.newaxis]
    return np.matmul(weighted.T, a_before, out=out)


def penalty(W: Array, l2: float, n: float) -> float:
    """The penalty's part of C: λ/(2n) Σ_jk (W^l_jk)².  Biases are never penalised."""
    return l2 / (2 * n) * dot(W, W)


def penalty_gradient(W: Array, l2: float, n: float) -> Array:
    """Penalty: (λ/n) W^l, to be added to ∂C/∂W^l.  (n_l, n_{l-1}) → the same."""
    return W * W.dtype.type(l2 / n)


def objective_cost(row_costs: Array, row_weights: Array, penalties: float = 0.0) -> float:
    """The objective on a batch: C = (1/m) Σ_i w̃_i C_i + penalties, summed in float64."""
    weights = row_weights.astype(np.float64)
    return dot(row_costs.astype(np.float64), weights) / len(weights) + penalties
