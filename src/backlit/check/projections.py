"""A network too large for every parameter: its gradient along random directions, and what that can miss.

v has independent standard normal entries, one a parameter of a layer. If the layer's gradient is off by e, then v·e is
normal with standard deviation ‖e‖, whatever e is. So K directions, each decided within τ, all miss an error of norm s
with probability Π_k P(|N| ≤ 2 τ_k / s): a number the report states.
"""

from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from backlit.backpropagation import Errors, Gradients
from backlit.check import differences, rounding
from backlit.check.finite_differences import (
    WIDEST_STEP,
    _penalty_difference,
    _seconds_of_a_forward_pass,
    _why_undecided,
    feed_forward_checks,
)
from backlit.check.kinks import pieces, pieces_of_cost, same
from backlit.check.probes import Point
from backlit.check.verdicts import Price, QuantityCheck, Report, compare, superscript
from backlit.engines import Engine
from backlit.engines.blas import one_thread
from backlit.notation import Array
from backlit.randomness import initial_generator

DIRECTIONS = 8
MISSED = 1e-6
"""The probability at which the smallest error surely found is stated."""


def check_directions(point: Point, engine: Engine, subject: str, seed: int, directions: int = DIRECTIONS) -> Report:
    """∂C/∂W and ∂C/∂b of every layer along random directions, against finite differences through the layers above."""
    start = perf_counter()
    backward = engine.backward_pass(point.network, point.objective, point.X, point.Y, point.row_weights)
    backward_seconds = perf_counter() - start
    start = perf_counter()
    quantities: list[QuantityCheck] = []
    notes = [f"too large for every parameter: {directions} random directions a layer instead; --all checks every one"]
    passes = 0.0
    with one_thread(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        quantities += feed_forward_checks(point, backward)
        for layer in reversed(point.layers):
            found = _Directions(point, layer.number, seed, directions)
            value, bound, decided = found.differences()
            passes += found.evaluations
            gradient_off = found.rounding_of_gradient(backward.errors)
            claimed = found.along(backward.gradients.W[layer.number], backward.gradients.b[layer.number])
            tolerance = np.where(decided, bound, 0) + gradient_off
            held = compare("direction", layer.number, claimed, value, tolerance, ~decided, _why_undecided(point))
            quantities.append(held)
            notes.append(_what_is_missed(layer.number, tolerance[decided], backward.gradients))
        seconds = perf_counter() - start
        naive = _seconds_of_a_forward_pass(point)
    N = point.network.parameters.size
    price = Price(len(point.X), N, int(passes), passes, seconds, backward_seconds, naive * (N + 1))
    return Report(subject + ", along random directions", tuple(quantities), price, tuple(notes), point.network.L)


class _Directions:
    """K random directions in the parameters of one layer."""

    def __init__(self, point: Point, layer: int, seed: int, count: int) -> None:
        self.point, self.layer, self.count = point, point.layers[layer - 2], count
        rng = initial_generator(seed, layer + (1 << 32))  # far from the stream that drew the network
        self.W = [rng.standard_normal(self.layer.W.shape) for _ in range(count)]
        self.b = [rng.standard_normal(self.layer.b.shape) for _ in range(count)]
        self.evaluations = 0

    def along(self, W: Array, b: Array) -> Array:
        """v·g, (K,)."""
        return np.array([np.vdot(VW, W) + np.vdot(vb, b) for VW, vb in zip(self.W, self.b, strict=True)])

    def differences(self) -> tuple[Array, Array, NDArray[np.bool_]]:
        """The derivative of C along each direction, its bound, and whether every row could be decided."""
        point, l, m = self.point, self.layer.number, len(self.point.X)
        a_before = point.forward.a[l - 1]
        share = point.row_weights / m
        rho = rounding.of_row_costs(point, rounding.unit(), l)
        home = point.pieces(l)
        value, bound, decided = np.zeros(self.count), np.zeros(self.count), np.ones(self.count, dtype=np.bool_)
        for k, (VW, vb) in enumerate(zip(self.W, self.b, strict=True)):
            shift = a_before @ VW.T + vb

            def f(rows: NDArray[np.int64], t: Array, shift: Array = shift) -> tuple[Array, NDArray[np.bool_]]:
                costs, there = _move_layer(point, l, rows, t[:, np.newaxis] * shift[rows])
                return costs, same([piece[rows] for piece in home], there) if home else np.ones(
                    len(rows), dtype=np.bool_
                )

            first = WIDEST_STEP / np.maximum(np.abs(shift).max(axis=1), 1)
            found = differences.differentiate(f, first, rho)
            self.evaluations += found.evaluations
            counted = share > 0
            decided[k] = bool(found.decided[counted].all())
            penalty, penalty_off = _penalty_difference(point, self.layer.W)
            value[k] = (share * np.where(counted & found.decided, found.value, 0)).sum() + np.vdot(VW, penalty)
            off = share * np.where(
                counted & found.decided, found.bound + 2 * rounding.unit() * rounding.of_sum(m) * np.abs(found.value), 0
            )
            bound[k] = off.sum() + np.vdot(np.abs(VW), penalty_off)
        return value, bound, decided

    def rounding_of_gradient(self, errors: Errors) -> Array:
        """How far v·g can be off because g is rounded, (K,)."""
        u = rounding.unit()
        off = rounding.of_gradients(self.point, errors, rounding.of_errors(self.point, errors, u), u)[self.layer.number]
        return np.array(
            [np.vdot(np.abs(VW), off[0]) + np.vdot(np.abs(vb), off[1]) for VW, vb in zip(self.W, self.b, strict=True)]
        )


def _move_layer(point: Point, l: int, rows: NDArray[np.int64], shift: Array) -> tuple[Array, list[NDArray[np.bool_]]]:
    """C_i with all z of layer l moved, and the pieces the rows then lie on."""
    z: Array = point.forward.z[l][rows] + shift
    a = z
    found: list[NDArray[np.bool_]] = []
    for layer in point.layers[l - 2 :]:
        if layer.number > l:
            z = a @ layer.W.T
            z += layer.b
        a = layer.activation.value(z)
        found += pieces(layer.activation, z)
    y = point.Y[rows]
    return point.objective.row_costs(z, a, y), found + pieces_of_cost(point.objective, a, y)


def missed(size: float, tolerances: Array) -> float:
    """The probability that directions decided within these tolerances all miss an error of norm ``size``.

    >>> round(missed(2.0, np.array([0.5])), 3), missed(2.0, np.array([]))
    (0.383, 1.0)
    """
    from scipy.special import erf

    return float(np.prod(erf(2 * tolerances / size / np.sqrt(2))))


def surely_found(tolerances: Array) -> float:
    """The norm of the smallest error that is missed with a probability below :data:`MISSED`."""
    low, high = float(tolerances.max()) * 1e-3 + 1e-300, float(tolerances.max()) * 1e9 + 1e-290
    for _ in range(200):  # bisection on a logarithmic scale
        middle = float(np.sqrt(low) * np.sqrt(high))
        low, high = (middle, high) if missed(middle, tolerances) > MISSED else (low, middle)
    return high


def _what_is_missed(layer: int, tolerances: Array, gradients: Gradients) -> str:
    name = f"layer {layer}: ∂C/∂W{superscript(layer)} and ∂C/∂b{superscript(layer)}"
    if not len(tolerances):
        return f"{name}: no direction could be decided"
    found = surely_found(tolerances)
    norm = float(np.hypot(np.linalg.norm(gradients.W[layer]), np.linalg.norm(gradients.b[layer])))
    share = f", {found / norm:.1e} of the gradient's," if norm > 0 else ""
    return f"{name}: an error of norm {found:.1e}{share} is missed with probability below {MISSED:g}"
