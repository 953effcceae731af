"""The equations run over all layers: forward from 2 to L, then back from L to 2.

What they leave behind is kept by layer number, as the maths numbers layers: ``forward.a[1]`` is x,
``errors.delta[2]`` is δ².
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from backlit import equations
from backlit.equations import Mask
from backlit.network import Layer, Network
from backlit.notation import Array, ByLayer
from backlit.objective import Objective

MaskOf = Callable[[Layer, tuple[int, int]], Mask]
"""Gives a layer's dropout mask of shape (m, n_l)."""


@dataclass(frozen=True)
class ForwardPass:
    """z (layers 2 … L), a (layers 1 … L) and, where a hidden layer drops neurons, its mask.

    ``a`` is what the next layer received: after dropout. ``sigma`` is σ(z), before it: where nothing drops, ``a``.
    """

    z: ByLayer
    a: ByLayer
    sigma: ByLayer
    masks: dict[int, Mask] = field(default_factory=dict)

    @property
    def output(self) -> Array:
        """a^L."""
        return self.a[max(self.a)]


@dataclass(frozen=True)
class Errors:
    """δ of layers 2 … L, (m, n_l) each; ``fused`` says whether δ^L came from the pair's fused form."""

    delta: ByLayer
    fused: bool


@dataclass(frozen=True)
class Gradients:
    """∂C/∂W and ∂C/∂b of layers 2 … L: views into ``vector``, which is laid out as ``network.parameters``."""

    vector: Array
    W: ByLayer
    b: ByLayer

    @classmethod
    def empty(cls, network: Network) -> "Gradients":
        """Room for one gradient."""
        return cls.of(network, np.empty_like(network.parameters))

    @classmethod
    def of(cls, network: Network, vector: Array) -> "Gradients":
        """A vector laid out as the network's parameters, seen layer by layer."""
        views = network.split(vector)
        return cls(vector, {l: W for l, (W, _) in views.items()}, {l: b for l, (_, b) in views.items()})


@dataclass(frozen=True, eq=False)
class BackwardPass:
    """One pass there and back: every z, a, δ and gradient, and C_i of each row, (m,)."""

    forward: ForwardPass
    errors: Errors
    gradients: Gradients
    row_costs: Array


def feed_forward(layers: tuple[Layer, ...], X: Array, mask_of: MaskOf | None = None) -> ForwardPass:
    """The feed-forward equation through every layer; with ``mask_of``, dropout too."""
    forward = ForwardPass(z={}, a={1: X}, sigma={})
    for layer in layers:
        l = layer.number
        z, a = equations.feed_forward(forward.a[l - 1], layer.W, layer.b, layer.activation)
        forward.z[l], forward.sigma[l], forward.a[l] = z, a, a
        if mask_of is not None and layer.dropout:
            forward.masks[l] = mask_of(layer, (a.shape[0], a.shape[1]))
            forward.a[l] = equations.drop(a, forward.masks[l], layer.dropout)
    return forward


def backpropagate(layers: tuple[Layer, ...], objective: Objective, forward: ForwardPass, y: Array) -> Errors:
    """BP1 at the output, then BP2 from layer to layer back to layer 2."""
    z, sigma = forward.z, forward.sigma
    L = layers[-1].number
    if objective.fused:
        delta = {L: equations.fused_output_error(sigma[L], y)}
    else:
        delta = {L: equations.output_error(objective.output, objective.cost, z[L], sigma[L], y)}
    for layer, layer_next in zip(reversed(layers[:-1]), reversed(layers[1:]), strict=True):
        l = layer.number
        delta[l] = equations.backpropagate_error(
            delta[l + 1], layer_next.W, layer.activation, z[l], sigma[l], forward.masks.get(l), layer.dropout
        )
    return Errors(delta, fused=objective.fused is not None)


def gradients(
    layers: tuple[Layer, ...],
    objective: Objective,
    forward: ForwardPass,
    errors: Errors,
    row_weights: Array,
    into: Gradients,
) -> Gradients:
    """BP3, BP4 and the penalty for every layer, written ``into`` the room given."""
    for layer in layers:
        l = layer.number
        equations.bias_gradient(errors.delta[l], row_weights, out=into.b[l])
        equations.weight_gradient(errors.delta[l], forward.a[l - 1], row_weights, out=into.W[l])
        if objective.l2:
            into.W[l][...] += equations.penalty_gradient(layer.W, objective.l2, objective.n)
    return into


def backward_pass(
    layers: tuple[Layer, ...],
    objective: Objective,
    X: Array,
    y: Array,
    row_weights: Array,
    room: Gradients,
    mask_of: MaskOf | None = None,
) -> BackwardPass:
    """There and back: feed forward, each row's cost, BP1, BP2, BP3, BP4 and the penalty; gradients into ``room``."""
    forward = feed_forward(layers, X, mask_of)
    row_costs = objective.row_costs(forward.z[layers[-1].number], forward.output, y)
    errors = backpropagate(layers, objective, forward, y)
    return BackwardPass(forward, errors, gradients(layers, objective, forward, errors, row_weights, room), row_costs)


def penalty(layers: tuple[Layer, ...], objective: Objective) -> float:
    """λ/(2n) Σ‖W‖² over all layers."""
    return sum(equations.penalty(layer.W, objective.l2, objective.n) for layer in layers) if objective.l2 else 0.0
