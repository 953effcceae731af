"""What a step comes to in numbers: sums over its own z, a, δ, gradients and update, small enough to keep of every step.

An engine that is asked for them forms them while those arrays are in its cache, and copies none of them out. The
functions here are their definition, in NumPy and float64; the native engine's kernels are held to it by the
conformance tests. What they mean, as norms and means, is in :mod:`backlit.diagnose.record`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.activations import Activation, Elementwise
from backlit.backpropagation import BackwardPass
from backlit.network import Network
from backlit.notation import Array, Float64Array, IndexArray
from backlit.sums import dot

SUMS = (
    "z",  # Σ z² over the batch's rows and the layer's neurons
    "a",  # Σ a², as the next layer received it: after dropout
    "delta",  # Σ δ², of the rows' own costs: not weighted, not divided by m
    "slope",  # Σ |σ'(z)|
    "saturated",  # how many (row, neuron) have |σ'(z)| below FLAT of the steepest
    "zero",  # how many (row, neuron) have σ(z) = 0 exactly, before dropout
    "dead",  # how many neurons are saturated in every row of the batch
    "W",  # Σ W², before the update: the weights that fed forward
    "b",  # Σ b², likewise
    "weight_gradient",  # Σ (∂C/∂W)², with the penalty, before clipping
    "bias_gradient",  # Σ (∂C/∂b)², likewise
    "data_gradient",  # Σ of both, without the penalty
    "weight_update",  # Σ ΔW², W after the update less W before it
    "bias_update",  # Σ Δb²
    "descent",  # Σ ∂C/∂θ · Δθ over W and b: what the cost changes by to first order
    "rows",  # Σ_x w̃_x² ‖∇C_x‖² over this layer's parameters, ‖∇C_x‖² = ‖δ_x‖² (1 + ‖a_x‖²)
)
"""The sums of one layer at one step, in this order."""

FLAT = 0.05
"""A neuron is saturated where |σ'(z)| is below this share of the steepest slope: where it passes back a twentieth."""

_STEEPEST = {"sigmoid": 0.25, "softmax": 0.25}


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of k steps: ``layers`` (k, L-1, 16) in the order of :data:`SUMS`, float64, and of each step's rows.

    ``cost``, ``hits`` and ``weight`` are (k,), as in a :class:`~backlit.engines.StepsReport`; ``m`` (k,) how many rows
    each batch had. ``rows``, ``row_costs`` (C_i) and ``row_gradients`` (‖∇C_i‖ over all parameters, without weight and
    penalty) follow one another step by step, (Σm,) each; ``rows`` are numbers of training rows.
    """

    steps: IndexArray
    m: IndexArray
    cost: Float64Array
    hits: Float64Array
    weight: Float64Array
    learning_rate: Float64Array
    layers: Float64Array
    rows: np.ndarray[Any, np.dtype[np.int32]]
    row_costs: np.ndarray[Any, np.dtype[np.float32]]
    row_gradients: np.ndarray[Any, np.dtype[np.float32]]

    def take(self, which: np.ndarray[Any, np.dtype[np.bool_]]) -> "Statistics":
        """Those of some of the steps: (k,) of bool."""
        if which.all():
            return self
        of_rows = np.repeat(which, self.m)
        parts = {name: values[of_rows if name.startswith("row") else which] for name, values in vars(self).items()}
        return Statistics(**parts)


def joined(parts: list[Statistics]) -> Statistics:
    """One after the other."""
    if len(parts) == 1:
        return parts[0]
    return Statistics(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])})


def slopes(activation: Activation, z: Array, sigma: Array) -> Array:
    """σ'(z) of an elementwise activation; of softmax, whose Jacobian is full, its diagonal a(1 - a)."""
    if isinstance(activation, Elementwise):
        return activation.slope(z, sigma)
    return sigma * (1 - sigma)


def flat(activation: Activation) -> float:
    """The slope below which a neuron counts as saturated: 0.05 of the steepest, ¼ for sigmoid and softmax, else 1."""
    return FLAT * _STEEPEST.get(activation.name, 1.0)


@np.errstate(over="ignore", invalid="ignore")
def of_pass(network: Network, backward: BackwardPass, row_weights: Array) -> tuple[Float64Array, Float64Array]:
    """The sums that a pass there and back leaves behind, (L-1, 16), the rest of them 0; and Σ_l ‖∇C_x‖², (m,)."""
    forward, delta = backward.forward, backward.errors.delta
    sums = np.zeros((network.L - 1, len(SUMS)))
    of_rows = np.zeros(len(row_weights))
    weight = row_weights.astype(np.float64) ** 2
    a_before = _row_squares(forward.a[1])
    for l, (activation, row) in enumerate(zip(network.activations, sums, strict=True), start=2):
        a, errors = _row_squares(forward.a[l]), _row_squares(delta[l])
        slope = np.abs(slopes(activation, forward.z[l], forward.sigma[l]))
        saturated = slope < slope.dtype.type(flat(activation))
        gradients = errors * (1 + a_before)
        row[:7] = (
            _row_squares(forward.z[l]).sum(),
            a.sum(),
            errors.sum(),
            slope.sum(dtype=np.float64),
            np.count_nonzero(saturated),
            np.count_nonzero(forward.sigma[l] == 0),
            np.count_nonzero(saturated.all(axis=0)),
        )
        row[SUMS.index("rows")] = weight @ gradients
        of_rows += gradients
        a_before = a
    return sums, of_rows


@np.errstate(over="ignore", invalid="ignore")
def add_update(
    sums: Float64Array, network: Network, before: Array, gradient: Array, update: Array, penalty: float
) -> None:
    """The sums that an update leaves behind, into (L-1, 16).

    Args:
        sums: of :func:`of_pass`.
        network: whose layout the vectors have.
        before: θ before the update.
        gradient: ∂C/∂θ, with the penalty, before clipping.
        update: θ after less θ before.
        penalty: λ/n.
    """
    parts = (network.split(vector.astype(np.float64)) for vector in (before, gradient, update))
    for row, (W, b), (gW, gb), (dW, db) in zip(sums, *(part.values() for part in parts), strict=True):
        of_data = gW - penalty * W if penalty else gW
        row[7:15] = (
            _square(W), _square(b), _square(gW), _square(gb), _square(of_data) + _square(gb), _square(dW), _square(db),
            dot(gW, dW) + dot(gb, db),
        )  # fmt: skip


def _square(values: Array) -> float:
    return dot(values, values)


def _row_squares(values: Array) -> Float64Array:
    wide = values.astype(np.float64)
    squares: Float64Array = np.einsum("ij,ij->i", wide, wide)
    return squares
