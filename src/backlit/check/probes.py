"""Probes: C_i with one z or one input of one row moved, from passes through the layers above only.

A weight W^l_jk moves z^l_j of row i by h·a^{l-1}_ik, a bias moves it by h, and no other z of layer l moves at all. So a
probe is (row i, layer l, neuron j, shift of z); below layer l nothing is computed again, and in layer l+1 one product
of a column of W^{l+1} is. Inputs are layer 1: a probe of an input shifts a^1 = x.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backlit import backpropagation as bp
from backlit.activations import Elementwise
from backlit.backpropagation import ForwardPass
from backlit.check import kinks
from backlit.network import Layer, Network
from backlit.notation import Array, IndexArray
from backlit.objective import Objective

NUMBERS_AT_ONCE = 1 << 21
"""Numbers of the widest layer held for one batch of probes: 16 MB."""


@dataclass(frozen=True)
class Point:
    """Where the check stands: a network in float64, its objective, rows, and the pass through them."""

    network: Network
    objective: Objective
    X: Array
    Y: Array
    row_weights: Array

    @cached_property
    def forward(self) -> ForwardPass:
        """Every z and a of the rows."""
        return bp.feed_forward(self.layers, self.X)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Layers 2 to L."""
        return self.network.layers

    @cached_property
    def row_costs(self) -> Array:
        """C_i of the rows."""
        return self.objective.row_costs(self.forward.z[self.network.L], self.forward.output, self.Y)

    def pieces(self, from_layer: int) -> list[kinks.Pieces]:
        """The pieces every row lies on, from a layer up; the cost's last."""
        found = []
        for layer in self.layers:
            if layer.number >= from_layer:
                found += kinks.pieces(layer.activation, self.forward.z[layer.number])
        return found + kinks.pieces_of_cost(self.objective, self.forward.output, self.Y)


@dataclass(frozen=True)
class Probes:
    """P numbers to move: neuron ``neurons[p]`` of layer ``layer`` (1: an input) in row ``rows[p]``."""

    layer: int
    rows: IndexArray
    neurons: IndexArray

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Probes":
        return Probes(self.layer, self.rows[which], self.neurons[which])

    @classmethod
    def every(cls, point: Point, layer: int) -> "Probes":
        """Every neuron of a layer in every row that counts, row by row."""
        m, n = len(point.X), point.network.sizes[layer - 1]
        rows, neurons = np.divmod(np.arange(m * n), n)
        return cls(layer, rows, neurons)


def move(point: Point, probes: Probes, shifts: Array) -> tuple[Array, NDArray[np.bool_]]:
    """C_i of each probe's row with the probe's number moved; and is the row still on its own pieces?  (P,), (P,)."""
    costs, on_pieces = np.empty(len(probes)), np.empty(len(probes), dtype=np.bool_)
    home = point.pieces(probes.layer)
    for part in _parts(point, len(probes)):
        chunk = Probes(probes.layer, probes.rows[part], probes.neurons[part])
        costs[part], there = _move(point, chunk, shifts[part])
        on_pieces[part] = kinks.same([piece[chunk.rows] for piece in home], there) if home else True
    return costs, on_pieces


def _parts(point: Point, count: int) -> Iterator[slice]:
    step = max(1, NUMBERS_AT_ONCE // max(point.network.sizes[1:]))
    return (slice(start, start + step) for start in range(0, count, step))


def _move(point: Point, probes: Probes, shifts: Array) -> tuple[Array, list[kinks.Pieces]]:
    forward, L, l = point.forward, point.network.L, probes.layer
    each = np.arange(len(probes))
    found: list[kinks.Pieces] = []
    a: Array | None = None
    z: Array
    if l == 1:
        z = forward.z[2][probes.rows] + shifts[:, np.newaxis] * point.layers[0].W.T[probes.neurons]
    else:
        layer = point.layers[l - 2]
        if l < L and isinstance(layer.activation, Elementwise):
            z, found = _one_neuron_up(point, probes, shifts, layer)
            l += 1
        else:
            z = forward.z[l][probes.rows].copy()
            z[each, probes.neurons] += shifts
    for layer in point.layers[max(l, 2) - 2 :]:
        if a is not None:
            z = a @ layer.W.T
            z += layer.b
        a = layer.activation.value(z)
        found += kinks.pieces(layer.activation, z)
    assert a is not None
    y = point.Y[probes.rows]
    return point.objective.row_costs(z, a, y), found + kinks.pieces_of_cost(point.objective, a, y)


def _one_neuron_up(point: Point, probes: Probes, shifts: Array, layer: Layer) -> tuple[Array, list[kinks.Pieces]]:
    """z^{l+1} after one neuron of layer l moved: z^{l+1} + (σ(z_j + t) - σ(z_j)) W^{l+1}_{·j}."""
    forward, l = point.forward, layer.number
    moved = forward.z[l][probes.rows, probes.neurons] + shifts
    change = layer.activation.value(moved[:, np.newaxis])[:, 0] - forward.a[l][probes.rows, probes.neurons]
    z: Array = change[:, np.newaxis] * point.layers[l - 1].W.T[probes.neurons]
    z += forward.z[l + 1][probes.rows]
    found = []
    for kink in kinks.of_activation(layer.activation):
        piece = forward.z[l][probes.rows] > kink
        piece[np.arange(len(probes)), probes.neurons] = moved > kink
        found.append(piece)
    return z, found
