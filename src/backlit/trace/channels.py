"""Channels: every path by which a number reaches the cost, and the proof that together they are its gradient.

A path runs from neuron to neuron, one a layer, up to a weighted input of the output layer. Its value is a product:

    ∂z^l_j/∂θ · σ'(z^l_j) · W^{l+1}_pj · σ'(z^{l+1}_p) · … · W^L_q· · δ^L_q

with ∂z/∂θ = a^{l-1}_k for a weight and 1 for a bias; an activation starts with W^{l+1}. Softmax's cross terms, and
whatever else couples the outputs, are inside δ^L. The sum over all paths is what BP2 computes without ever listing
them. The largest paths are found best-first: the most that a path can still become is known from a backward sweep with
max in the place of Σ, so the first path that is complete is the largest, and so on.
"""

import heapq
import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.errors import OptionError, unknown_option
from backlit.notation import Float64Array, IndexArray
from backlit.trace.address import Address
from backlit.trace.record import Record, has_slope

KINDS = ("weight", "bias", "activation", "input")
MOST_PATHS = 1000
"""Up to so many, all paths are listed; beyond, the ten largest, unless ``top`` says how many."""


@dataclass(frozen=True)
class Channel:
    """One path: its neurons (layer, neuron), its factors as (sign, number), and their product."""

    neurons: tuple[tuple[int, int], ...]
    factors: tuple[tuple[str, float], ...]
    value: float


@dataclass(frozen=True, eq=False)
class Channels:
    """The paths of one number, largest first, and the account.

    ``total`` is the sum over all paths as BP2 has it; ``gradient`` the pass's own ∂C_i/∂θ of the row, without penalty;
    ``count`` how many paths there are; ``listed`` the sum over those in ``paths``; ``flow`` Σ|path| over all of them.
    """

    kind: str
    address: Address
    paths: tuple[Channel, ...]
    count: int
    total: float
    gradient: float
    listed: float
    flow: float
    complete: bool

    @property
    def carried(self) -> float:
        """The listed paths' share of Σ|path|: 1 where all are listed; 0 where nothing flows."""
        through = math.fsum(abs(path.value) for path in self.paths)
        return through / self.flow if self.flow else 0.0

    def __str__(self) -> str:
        from backlit.trace.render.paths import text

        return text(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "kind": self.kind,
            "at": str(self.address),
            "count": self.count,
            "complete": self.complete,
            "total": self.total,
            "gradient": self.gradient,
            "listed": self.listed,
            "flow": self.flow,
            "carried": self.carried,
            "paths": [
                {
                    "neurons": [list(neuron) for neuron in path.neurons],
                    "factors": [{"sign": sign, "value": value} for sign, value in path.factors],
                    "value": path.value,
                }
                for path in self.paths
            ],
        }


def channels(
    t: Record,
    kind: str,
    layer: int = 1,
    j: int = 0,
    k: int | None = None,
    *,
    row: int | None = None,
    top: int | None = None,
    neuron: int | None = None,
) -> Channels:
    """The paths from one weight, bias, activation or input of a row to the cost.

    Args:
        t: the trace.
        kind: weight (layer, j, k), bias (layer, j), activation (layer, j), input (j).
        layer: from 1; j or neuron, k: from 0.
        row: needed where there are several.
        top: list only the largest so many; None lists all, up to :data:`MOST_PATHS`, or else the ten largest.

    Raises:
        OptionError: there is no such number, or ``top`` is below 1.
    """
    if kind not in KINDS:
        raise unknown_option("channels", kind, KINDS)
    if top is not None and (isinstance(top, bool) or not isinstance(top, (int, np.integer)) or top < 1):
        raise OptionError(f"top must be a whole number of paths, at least 1, not {top!r}")
    j = j if neuron is None else neuron
    quantity, l = {"activation": ("a", layer), "input": ("a", 1)}.get(kind, (kind, layer))
    at = t.address(quantity, l, j, k=k) if quantity != "a" else t.address("a", l, j, row=row)
    if t.rows > 1 and row is None:
        raise OptionError(f"channels follow one row at a time: say which, row=0 to {t.rows - 1}")
    row = t.address("row_cost", row=row).row or 0
    at = Address(at.quantity, at.layer, at.j, at.k, row)
    return _Search(t, kind, at, row).run(top)


class _Search:
    """One row's factors in float64: ``slope[l]`` and ``W[l]``, and the sweeps back from the output."""

    def __init__(self, t: Record, kind: str, at: Address, row: int) -> None:
        self.t, self.kind, self.at, self.row, self.L = t, kind, at, row, t.L
        assert at.layer is not None
        assert at.j is not None
        self.l, self.j = at.layer, at.j
        self.W = {layer.number: layer.W.astype(np.float64) for layer in t.network.layers}
        self.slope = {
            l: t.slope(l)[row].astype(np.float64) if has_slope(t, l) else np.ones(t.network.sizes[l - 1])
            for l in range(2, self.L)
        }
        self.delta_L = t.delta(self.L)[row].astype(np.float64)

    def run(self, top: int | None) -> Channels:
        direct = self.kind in ("activation", "input") and self.l == self.L
        count = 1 if self.l == self.L else math.prod(self.t.network.sizes[self.l :])
        if direct:  # a^L lies beyond z^L: its one way to the cost is the cost's own gradient
            value = float(self.t.dC_da(self.L)[self.row, self.j])
            paths = [Channel(((self.L, self.j),), (("∂C/∂a", value),), value)]
            return self._account(paths, 1, value, value, abs(value))
        complete = top is None and count <= MOST_PATHS
        paths = self._all() if complete else self._largest(10 if top is None else top)
        return self._account(paths, count, self._sum(absolute=False), self._gradient(), self._sum(absolute=True))

    def _account(self, paths: list[Channel], count: int, total: float, gradient: float, flow: float) -> Channels:
        paths.sort(key=lambda path: (-abs(path.value), path.neurons))
        listed = math.fsum(path.value for path in paths)
        return Channels(
            self.kind, self.at, tuple(paths), count, total, gradient, listed, flow, complete=len(paths) == count
        )

    def _gradient(self) -> float:
        """The pass's own number: ∂C_i/∂θ of the row."""
        number = self.t.number
        if self.kind in ("activation", "input"):
            return number(Address("dC_da", self.l, self.j, row=self.row))
        return number(self.at)

    def _start(self) -> float:
        """What stands before the first neuron's own chain: a^{l-1}_k, or 1."""
        return float(self.t.a(self.l - 1)[self.row, self.at.k]) if self.kind == "weight" else 1.0

    def _backward(self, absolute: bool, largest: bool = False) -> dict[int, Float64Array]:
        """From each neuron's z to the cost: Σ over the paths, or the largest |path|; ``[l][j]``, layers l to L."""
        size = np.abs if absolute or largest else np.asarray
        beyond = {self.L: size(self.delta_L)}
        for l in range(self.L - 1, max(self.l, 2) - 1, -1):
            W, ahead = size(self.W[l + 1]), beyond[l + 1]
            through = (W * ahead[:, None]).max(axis=0) if largest else ahead @ W
            beyond[l] = through * size(self.slope[l])
        return beyond

    def _sum(self, *, absolute: bool) -> float:
        beyond = self._backward(absolute)
        if self.kind in ("activation", "input"):
            W = self.W[self.l + 1][:, self.j]
            return float(beyond[self.l + 1] @ (np.abs(W) if absolute else W))
        start = self._start()
        return (abs(start) if absolute else start) * float(beyond[self.l][self.j])

    def _all(self) -> list[Channel]:
        sizes = self.t.network.sizes
        return [self._channel(rest) for rest in itertools.product(*(range(n) for n in sizes[self.l :]))]

    def _largest(self, top: int) -> list[Channel]:
        """Best-first; ties go to the longer path, so that equal weights do not make it wander."""
        beyond = self._backward(absolute=True, largest=True)
        found: list[Channel] = []
        queue: list[tuple[float, int, tuple[int, ...], float]] = [(-math.inf, 0, (), 1.0)]
        while queue and len(found) < top:
            _, _, rest, gone = heapq.heappop(queue)
            layer = self.l + len(rest)
            if layer == self.L:
                found.append(self._channel(rest))
                continue
            here = rest[-1] if rest else self.j
            step = gone * (1.0 if layer == self.l and not self._starts_at_z else abs(self.slope[layer][here]))
            onward = step * np.abs(self.W[layer + 1][:, here])
            bounds = onward * beyond[layer + 1]
            for p in _best(bounds, top - len(found)):
                heapq.heappush(queue, (-bounds[p], -len(rest) - 1, (*rest, int(p)), onward[p]))
        return found

    @property
    def _starts_at_z(self) -> bool:
        return self.kind in ("weight", "bias")

    def _channel(self, rest: tuple[int, ...]) -> Channel:
        """The path through the neurons ``rest`` of layers l+1 to L."""
        here, factors = self.j, []
        if self.kind == "weight":
            factors.append((f"a[{self.l - 1}][{self.at.k}]", self._start()))
        for layer, p in enumerate(rest, start=self.l + 1):
            if layer > self.l + 1 or self._starts_at_z:
                factors.append((f"σ′(z[{layer - 1}][{here}])", float(self.slope[layer - 1][here])))
            factors.append((f"W[{layer}][{p},{here}]", float(self.W[layer][p, here])))
            here = p
        factors.append((f"δ[{self.L}][{here}]", float(self.delta_L[here])))
        first = () if self.kind != "weight" else ((self.l - 1, self.at.k or 0),)
        neurons = (*first, (self.l, self.j), *enumerate(rest, start=self.l + 1))
        return Channel(neurons, tuple(factors), math.prod(value for _, value in factors))


def _best(bounds: Float64Array, most: int) -> IndexArray:
    """The places of the largest so many: no more of one neuron's ways on can be among the largest paths."""
    if len(bounds) <= most:
        return np.arange(len(bounds), dtype=np.int64)
    return np.argpartition(-bounds, most)[:most].astype(np.int64)
