"""An engine held against the equations, one by one: each from the engine's own inputs to it, in float64.

So an engine's rounding in one equation is not carried into the next, a wrong equation is named, and an engine that only
knows float32 can be held to the rounding of float32.
"""

import numpy as np
from numpy.typing import ArrayLike

from backlit import engines, equations
from backlit.activations import Elementwise
from backlit.check import rounding
from backlit.check.run import point_of
from backlit.check.verdicts import QuantityCheck, Report, compare
from backlit.costs import Cost
from backlit.engines import BackwardPass, Engine
from backlit.network import Layer, Network
from backlit.notation import Array
from backlit.objective import Objective

SPARE = 4.0
"""Other orders of summation, other roundings of exp: so many times the bound of the plain equation are allowed."""


def audit_engine(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    engine: str | Engine = "auto",
    *,
    cost: str | Cost | None = None,
    l2: float = 0.0,
    n: float | None = None,
    sample_weight: ArrayLike | None = None,
) -> Report:
    """One backward pass of an engine, in the network's own dtype, against each equation in float64.

    Raises:
        OptionError: the engine is unknown, or cannot run this network. DataError: the data cannot be used.

    >>> import backlit as bl
    >>> X, y = bl.data.load("iris")
    >>> audit_engine(bl.Network([4, 5, 3], output="softmax"), X, y, "reference").passed
    True
    """
    point = point_of(net, X, y, cost=cost, l2=l2, n=n, sample_weight=sample_weight)
    chosen = engines.choose(engine, net, point.objective).engine
    dtype = net.dtype
    rows = [np.ascontiguousarray(part, dtype=dtype) for part in (point.X, point.Y, point.row_weights)]
    backward = chosen.backward_pass(net, point.objective, *rows)
    with np.errstate(all="ignore"):
        quantities = _equations(net.copy("float64"), point.objective, backward, *rows)
    subject = f"the {chosen.name} engine in {dtype}, equation by equation, against float64, {len(point.X):,} rows"
    return Report(subject, tuple(quantities), output_layer=net.L)


def _equations(
    network: Network, objective: Objective, backward: BackwardPass, X: Array, Y: Array, row_weights: Array
) -> list[QuantityCheck]:
    """Every equation, in the order of the pass."""
    u = SPARE * rounding.unit(X.dtype)
    least = 8 * float(np.finfo(X.dtype).tiny)
    a = {l: _wide(values) for l, values in backward.forward.a.items()}
    z = {l: _wide(values) for l, values in backward.forward.z.items()}
    delta = {l: _wide(values) for l, values in backward.errors.delta.items()}
    y, share = _wide(Y), _wide(row_weights)[:, np.newaxis] / len(Y)
    found, L = [], network.L
    for layer in network.layers:
        l, W = layer.number, layer.W
        expected, _ = equations.feed_forward(a[l - 1], W, layer.b, layer.activation)
        summed = np.abs(a[l - 1]) @ np.abs(W).T + np.abs(layer.b)
        found.append(compare("z", l, z[l], expected, u * rounding.of_sum(W.shape[1]) * summed + least))
        sigma = layer.activation.value(z[l])
        found.append(compare("a", l, a[l], sigma, 4 * u * (np.abs(sigma) + _slope(layer, z[l]) * np.abs(z[l])) + least))
    costs = objective.row_costs(z[L], a[L], y)
    terms = (np.abs(z[L]) + np.abs(a[L]) + 1) * (1 + np.abs(y)) * (1 + np.abs(a[L] - y))
    found.append(compare("cost", 0, _wide(backward.row_costs), costs, 4 * u * (np.abs(costs) + terms.sum(axis=1))))
    for layer in reversed(network.layers):
        l = layer.number
        if l == L:
            expected, off = _output_error(objective, layer, z[l], a[l], y)
        else:
            W_next = network.layer(l + 1).W
            expected = equations.backpropagate_error(delta[l + 1], W_next, layer.activation, z[l], a[l])
            off = rounding.of_sum(len(W_next)) * (np.abs(delta[l + 1]) @ np.abs(W_next)) * (1 + _slope(layer, z[l]))
        found.append(compare("delta", l, delta[l], expected, u * off + least))
        weighted = share * np.abs(delta[l])
        by_sum = u * rounding.of_sum(len(y))
        b = equations.bias_gradient(delta[l], _wide(row_weights))
        found.append(
            compare("bias_gradient", l, _wide(backward.gradients.b[l]), b, by_sum * weighted.sum(axis=0) + least)
        )
        gradient = equations.weight_gradient(delta[l], a[l - 1], _wide(row_weights))
        gradient += equations.penalty_gradient(layer.W, objective.l2, objective.n)
        penalty_off = 4 * u * objective.l2 / objective.n * np.abs(layer.W)
        W_off = by_sum * (weighted.T @ np.abs(a[l - 1])) + penalty_off + least
        found.append(compare("weight_gradient", l, _wide(backward.gradients.W[l]), gradient, W_off))
    return found


def _output_error(objective: Objective, layer: Layer, z: Array, a: Array, y: Array) -> tuple[Array, Array]:
    """δ^L, and the sizes it is made of."""
    if objective.fused:
        return equations.fused_output_error(a, y), np.abs(a) + np.abs(y)
    pull = np.abs(objective.cost.gradient(a, y))
    sizes = (pull + np.abs(a) + np.abs(y)) * (1 + _slope(layer, z)) + (pull * np.abs(a)).sum(axis=1, keepdims=True)
    return equations.output_error(objective.output, objective.cost, z, a, y), 8 * sizes


def _slope(layer: Layer, z: Array) -> Array:
    """|σ'(z)|; 1 for softmax, whose outputs each move by less than its inputs."""
    activation = layer.activation
    return np.abs(activation.slope(z, activation.value(z))) if isinstance(activation, Elementwise) else np.ones_like(z)


def _wide(values: Array) -> Array:
    return values.astype(np.float64)
