"""Backpropagation held against finite differences: every parameter, every error, every input, in float64.

∂C_i/∂W^l_jk is the limit of (C_i(W_jk + h) - C_i(W_jk - h)) / 2h. Row i meets W_jk only through z^l_j, which moves by
h·a^{l-1}_ik. The rows' costs are a sum, so each row may have its own step: h = t / a^{l-1}_ik moves z^l_ij by t for
every weight k into neuron j. One probe of z^l_ij therefore serves all weights into neuron j and its bias, and a check
of N parameters costs m Σ n_l probes through the layers above, where one weight at a time costs 2N m passes.
What this stands on, that z^l is a^{l-1} Wᵀ + b and nothing else, is checked first, by a sum of its own.
"""

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from backlit.check import differences, kinks, rounding
from backlit.check.differences import Derivatives
from backlit.check.kinks import bends, of_activation
from backlit.check.probes import Point, Probes, move
from backlit.check.verdicts import Price, QuantityCheck, Report, compare
from backlit.engines import BackwardPass, Engine
from backlit.engines.blas import one_thread
from backlit.notation import Array

WIDEST_STEP = 1e-3
"""Of a z, where every σ changes over distances of about 1; the quotient's own error decides whether it shrinks."""


@dataclass(frozen=True)
class RowDerivatives:
    """∂C_i/∂z^l_ij by finite differences (l = 1: ∂C_i/∂x_ij) with bounds; all of shape (m, n_l)."""

    value: Array
    bound: Array
    decided: NDArray[np.bool_]
    evaluations: int


def by_differences(point: Point, layer: int, suspect: Array | None = None) -> RowDerivatives:
    """The finite differences of one layer.

    Args:
        point: where the check stands.
        layer: 2 to L, or 1 for the inputs.
        suspect: what backpropagation says, (m, n_l): where the two disagree, kinks that nobody declared are looked for.
    """
    m, n = len(point.X), point.network.sizes[layer - 1]
    probes = Probes.every(point, layer)
    rho = rounding.of_row_costs(point, rounding.unit(), layer)[probes.rows]
    first = np.full(len(probes), WIDEST_STEP) / _reach(point, layer)[probes.neurons]

    def f(which: NDArray[np.int64], shifts: Array) -> tuple[Array, NDArray[np.bool_]]:
        return move(point, probes[which], shifts)

    found: Derivatives = differences.differentiate(f, first, rho)
    decided = found.decided
    if suspect is not None:
        with np.errstate(invalid="ignore"):
            agree = np.abs(found.value - suspect.ravel()) <= found.bound
        strange = np.flatnonzero(decided & (kinks.may_be_undeclared(point.layers, point.objective) | ~agree))
        if len(strange):
            decided = decided.copy()
            decided[strange] &= ~differences.undeclared_kinks(f, strange, found.step[strange], rho[strange])
    return RowDerivatives(
        found.value.reshape(m, n), found.bound.reshape(m, n), decided.reshape(m, n), found.evaluations
    )


def _reach(point: Point, layer: int) -> Array:
    """The largest weight by which each neuron of the layer moves the next one; at least 1."""
    if layer == point.network.L:
        return np.ones(point.network.sizes[-1])
    return np.maximum(np.abs(point.layers[layer - 1].W).max(axis=0), 1)


def check_all(point: Point, engine: Engine, subject: str) -> Report:
    """Every parameter, every δ and every input of the point against the engine's backward pass in float64."""
    start = perf_counter()
    backward = engine.backward_pass(point.network, point.objective, point.X, point.Y, point.row_weights)
    backward_seconds = perf_counter() - start
    start = perf_counter()
    with one_thread(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        quantities, evaluations = _compare_layers(point, backward)
        seconds = perf_counter() - start
        naive = _seconds_of_a_forward_pass(point)
    N = point.network.parameters.size
    price = Price(
        rows=len(point.X),
        parameters=N,
        probes=sum(evaluations.values()),
        passes=_as_passes(point, evaluations),
        seconds=seconds,
        backpropagation_seconds=backward_seconds,
        naive_seconds=naive * (N + 1),
    )
    return Report(subject, tuple(quantities), price, output_layer=point.network.L)


def feed_forward_checks(point: Point, backward: BackwardPass) -> list[QuantityCheck]:
    """z^l against a sum of its own, from the engine's a^{l-1}; and the cost of each row."""
    found = []
    u = rounding.unit()
    summed = rounding.sizes_of_z(point)
    for layer in point.layers:
        a_before = backward.forward.a[layer.number - 1]
        z = (a_before[:, np.newaxis, :] * layer.W).sum(axis=2) + layer.b if _small(point) else None
        expected = a_before @ layer.W.T + layer.b if z is None else z
        tolerance = 4 * u * rounding.of_sum(layer.W.shape[1]) * summed[layer.number]
        found.append(compare("z", layer.number, backward.forward.z[layer.number], expected, tolerance))
    tolerance = 4 * rounding.of_row_costs(point, u, 1)
    found.append(compare("cost", 0, backward.row_costs, point.row_costs, tolerance))
    return found


def _small(point: Point) -> bool:
    return len(point.X) * max(layer.W.size for layer in point.layers) < 1 << 22


def _compare_layers(point: Point, backward: BackwardPass) -> tuple[list[QuantityCheck], dict[int, int]]:
    u, m = rounding.unit(), len(point.X)
    errors, share = backward.errors, (point.row_weights / m)[:, np.newaxis]
    delta_off = rounding.of_errors(point, errors, u)
    gradients_off = rounding.of_gradients(point, errors, delta_off, u)
    quantities, evaluations = feed_forward_checks(point, backward), {}
    why = _why_undecided(point)
    for layer in reversed(point.layers):
        l = layer.number
        D = by_differences(point, l, errors.delta[l])
        evaluations[l] = D.evaluations
        bound = np.where(D.decided, D.bound, 0)
        value = np.where(D.decided, D.value, 0)
        quantities.append(compare("delta", l, errors.delta[l], value, bound + delta_off[l], ~D.decided, why))
        a_before = point.forward.a[l - 1]
        open_ = (~D.decided & (share > 0)).astype(np.float64)
        sum_off = 2 * u * rounding.of_sum(m) * share * np.abs(value)
        W_off, b_off = gradients_off[l]
        each = share * bound + sum_off
        quantities.append(
            compare(
                "bias_gradient", l, backward.gradients.b[l], (share * value).sum(axis=0), each.sum(axis=0) + b_off,
                np.asarray((open_ > 0).any(axis=0)), why,
            )
        )  # fmt: skip
        penalty, penalty_off = _penalty_difference(point, layer.W)
        quantities.append(
            compare(
                "weight_gradient", l, backward.gradients.W[l], (share * value).T @ a_before + penalty,
                each.T @ np.abs(a_before) + W_off + penalty_off, (open_.T @ (a_before != 0)) > 0, why,
            )
        )  # fmt: skip
    inputs = errors.delta[2] @ point.layers[0].W
    D = by_differences(point, 1, inputs)
    evaluations[1] = D.evaluations
    W = np.abs(point.layers[0].W)
    off = delta_off[2] @ W + u * rounding.of_sum(len(W)) * (np.abs(errors.delta[2]) @ W)
    quantities.append(
        compare("input_gradient", 1, inputs, np.where(D.decided, D.value, 0), np.where(D.decided, D.bound, 0) + off,
                ~D.decided, why)
    )  # fmt: skip
    return quantities, evaluations


def _penalty_difference(point: Point, W: Array) -> tuple[Array, Array]:
    """The penalty's own central difference, exact for a square but for rounding; and how far rounding carries it."""
    l2, n = point.objective.l2, point.objective.n
    if not l2:
        return np.zeros_like(W), np.zeros_like(W)
    h = WIDEST_STEP * np.maximum(np.abs(W), 1)
    above, below = l2 / (2 * n) * (W + h) ** 2, l2 / (2 * n) * (W - h) ** 2
    return (above - below) / (2 * h), 8 * rounding.unit() * (above + below) / h


def _why_undecided(point: Point) -> str:
    bending = sorted({bends(layer.activation) for layer in point.layers if of_activation(layer.activation)})
    if point.objective.cost.name == "huber":
        bending.append("Huber's corner")
    return f"the row sits on {' or '.join(bending) or 'a bend of the cost'}, on both sides of it at once"


def _as_passes(point: Point, evaluations: dict[int, int]) -> float:
    """Probes as whole passes: by the share of the network's weights that lie above what was moved."""
    weights = {layer.number: layer.W.size for layer in point.layers}
    total, L = sum(weights.values()), point.network.L
    work = 0.0
    for l, count in evaluations.items():
        column = point.network.sizes[l] if l < L else 0  # one column of W^{l+1}
        work += count * (column + sum(size for number, size in weights.items() if number > l + 1)) / total
    return work


def _seconds_of_a_forward_pass(point: Point) -> float:
    """Of all rows, the fastest of three."""
    times = []
    for _ in range(3):
        start = perf_counter()
        replace(point).row_costs  # noqa: B018 - a Point of its own, whose pass is not yet made
        times.append(perf_counter() - start)
    return min(times)
