"""How far rounding alone can carry the numbers of a pass: what the tolerances of a check are made of.

u is the dtype's unit of rounding. A product of n terms is off by about (√n + 8) u times the sum of its terms' sizes, an
activation by a few u; each is followed through the layers above with the sizes of the weights and the slopes there, all
taken without sign. Terms are added as if every error pointed the same way; only inside one sum do they half cancel.
"""

import numpy as np

from backlit.activations import Elementwise
from backlit.backpropagation import Errors
from backlit.check.probes import Point
from backlit.network import Layer
from backlit.notation import Array, ByLayer

SLOPE_SPARE = 0.01
"""Added to a slope: a slope that vanishes here does not vanish a step further on."""


def unit(dtype: np.dtype[np.floating] | type = np.float64) -> float:
    """u: half the distance from 1 to the next number."""
    return float(np.finfo(dtype).eps) / 2


def of_sum(terms: int) -> float:
    """Units of rounding in a sum, for each unit of its terms' sizes."""
    return float(np.sqrt(terms)) + 8


def sizes_of_z(point: Point) -> ByLayer:
    """What z^l is summed from, without sign: |a^{l-1}| |W^l|ᵀ + |b^l|, (m, n_l) each."""
    return {
        layer.number: np.abs(point.forward.a[layer.number - 1]) @ np.abs(layer.W).T + np.abs(layer.b)
        for layer in point.layers
    }


def slope_sizes(point: Point, layer: Layer) -> Array:
    """|σ'(z^l)| with a little to spare, (m, n_l); 1 for an activation that is not elementwise."""
    z, a = point.forward.z[layer.number], point.forward.sigma[layer.number]
    if not isinstance(layer.activation, Elementwise):
        return np.ones_like(z)
    return np.abs(layer.activation.slope(z, a)) + SLOPE_SPARE


def of_forward(point: Point, u: float) -> tuple[ByLayer, ByLayer]:
    """How far z^l and a^l of a forward pass in units u can be off, (m, n_l) each."""
    summed = sizes_of_z(point)
    z_off: ByLayer = {}
    a_off: ByLayer = {1: np.zeros_like(point.X) + u * np.abs(point.X)}
    for layer in point.layers:
        l = layer.number
        z_off[l] = a_off[l - 1] @ np.abs(layer.W).T + u * of_sum(layer.W.shape[1]) * summed[l]
        a_off[l] = z_off[l] * slope_sizes(point, layer) + 8 * u * np.abs(point.forward.a[l])
    return z_off, a_off


def of_row_costs(point: Point, u: float, from_layer: int) -> Array:
    """How far C_i can be off when only what lies above ``from_layer`` is computed again, (m,)."""
    forward, L = point.forward, point.network.L
    summed = sizes_of_z(point)
    s = _output_sensitivity(point)
    total = _cost_itself(point, s)
    for layer in reversed(point.layers):
        l = layer.number
        if l < max(from_layer, 2):
            break
        terms = layer.W.shape[1] if l > from_layer else 1
        total += (s * of_sum(terms) * summed[l]).sum(axis=1)
        if l > 2:
            s = (s @ np.abs(layer.W)) * slope_sizes(point, point.layers[l - 3])
    assert L in forward.a
    return u * total


def _output_sensitivity(point: Point) -> Array:
    """A bound of |∂C_i/∂z^L|, (m, n_L)."""
    a, y, objective = point.forward.output, point.Y, point.objective
    if objective.fused:
        return np.abs(a - y)
    pull = np.abs(objective.cost.gradient(a, y))
    if isinstance(objective.output, Elementwise):
        return pull * slope_sizes(point, point.layers[-1])
    return np.abs(a) * (pull + (pull * np.abs(a)).sum(axis=1, keepdims=True))


def _cost_itself(point: Point, sensitivity: Array) -> Array:
    """Units of rounding in C_i from z^L on, (m,): its terms may cancel, as max(z, 0) - y z does."""
    z, a, y = point.forward.z[point.network.L], point.forward.output, point.Y
    units = 8 * np.abs(point.row_costs) + 8 * (sensitivity * (np.abs(z) + np.abs(a))).sum(axis=1)
    if point.objective.fused or type(point.objective.cost).__module__ != "backlit.costs":
        units += 4 + 4 * ((np.abs(z) + np.abs(a)) * (1 + np.abs(y))).sum(axis=1)
    return units


def of_errors(point: Point, errors: Errors, u: float) -> ByLayer:
    """How far δ^l can be off from the exact δ^l of the same z and a, (m, n_l) each."""
    a, y = point.forward.output, point.Y
    last = point.network.L
    off: ByLayer = {
        last: 8 * u * (np.abs(a) + np.abs(y)) * (1 if point.objective.fused else slope_sizes(point, point.layers[-1]))
    }
    off[last] = off[last] + 16 * u * (np.abs(errors.delta[last]) + _output_sensitivity(point))
    for layer, above in zip(reversed(point.layers[:-1]), reversed(point.layers[1:]), strict=True):
        l = layer.number
        W = np.abs(above.W)
        slope = slope_sizes(point, layer)
        fresh = u * of_sum(W.shape[0]) * (np.abs(errors.delta[l + 1]) @ W)
        off[l] = (off[l + 1] @ W) * slope + fresh * (slope + 1)
    return off


def of_gradients(point: Point, errors: Errors, delta_off: ByLayer, u: float) -> dict[int, tuple[Array, Array]]:
    """How far ∂C/∂W^l and ∂C/∂b^l can be off, given how far δ^l is: (n_l, n_{l-1}) and (n_l,) by layer."""
    m = len(point.X)
    share = (point.row_weights / m)[:, np.newaxis]
    found: dict[int, tuple[Array, Array]] = {}
    for layer in point.layers:
        l = layer.number
        each = (delta_off[l] + u * of_sum(m) * np.abs(errors.delta[l])) * share
        W_off = each.T @ np.abs(point.forward.a[l - 1])
        if point.objective.l2:
            W_off = W_off + 8 * u * point.objective.l2 / point.objective.n * np.abs(layer.W)
        found[l] = (W_off, each.sum(axis=0))
    return found
