"""A pass over the whole data set, there and back, and what it leaves behind: of every neuron, output and row."""

from dataclasses import dataclass

import numpy as np

from backlit.engines import Engine
from backlit.engines.statistics import flat, slopes
from backlit.network import Network
from backlit.notation import Array, Float64Array
from backlit.objective import Objective

CHUNK = 2048
"""Rows of one pass: its z, a and δ of every layer are held at once."""


@dataclass(frozen=True, eq=False)
class LayerPass:
    """One layer over all rows. δ is of each row's own cost; ``pulled`` is δ of the layer above times its W.

    Per neuron, (n_l,): ``open`` share of rows in which |σ'(z)| is not below 0.05 of the steepest; ``nonzero`` share of
    rows with σ(z) ≠ 0; ``mean`` and ``deviation`` of σ(z); ``delta_square`` mean of δ². Over all rows and neurons:
    RMS of z, a, δ and ``pulled`` (of the output layer NaN), mean |σ'(z)|, RMS of the bias and of W a beside it.
    """

    open: Float64Array
    nonzero: Float64Array
    mean: Float64Array
    deviation: Float64Array
    delta_square: Float64Array
    z: float
    a: float
    delta: float
    pulled: float
    slope: float
    bias: float
    weighted: float

    @property
    def dead(self) -> np.ndarray:
        """Neurons that are flat in every row: nothing flows back through them. (n_l,) of bool."""
        found: np.ndarray = self.open == 0
        return found


@dataclass(frozen=True, eq=False)
class DataPass:
    """All layers, and of each row: its cost, ‖∇C_x‖² (over all layers), the outputs a^L, and σ' at the output."""

    layers: dict[int, LayerPass]
    row_costs: Float64Array
    row_gradients: Float64Array
    output: Float64Array
    output_slope: Float64Array
    gradient: Float64Array
    """∂C/∂θ over all rows, row weights included, without the penalty."""


def pass_over(engine: Engine, network: Network, objective: Objective, X: Array, Y: Array, weights: Array) -> DataPass:
    """The rows chunk by chunk through the engine's own pass there and back; sums in float64."""
    rows = len(X)
    sums = {l: _Sums(network.sizes[l - 1]) for l in range(2, network.L + 1)}
    costs, gradients = np.zeros(rows), np.zeros(rows)
    output, output_slope = np.zeros((rows, network.sizes[-1])), np.zeros((rows, network.sizes[-1]))
    gradient = np.zeros(network.parameters.size)
    for start in range(0, rows, CHUNK):
        part = slice(start, min(start + CHUNK, rows))
        m = part.stop - start
        back = engine.backward_pass(network, objective, X[part], Y[part], weights[part])
        forward, delta = back.forward, back.errors.delta
        costs[part] = back.row_costs
        gradient += back.gradients.vector.astype(np.float64) * (m / rows)
        for layer in network.layers:
            l = layer.number
            slope = np.abs(slopes(layer.activation, forward.z[l], forward.sigma[l]))
            above = None if l == network.L else delta[l + 1] @ network.layer(l + 1).W
            sums[l].add(forward.z[l], forward.sigma[l], slope, flat(layer.activation), delta[l], above, layer.b)
            squares = np.einsum("ij,ij->i", forward.a[l - 1], forward.a[l - 1], dtype=np.float64)
            gradients[part] += np.einsum("ij,ij->i", delta[l], delta[l], dtype=np.float64) * (1 + squares)
        output[part], output_slope[part] = forward.output, slope
    layers = {l: sums[l].over(rows, network.layer(l).b) for l in sums}
    return DataPass(layers, costs, gradients, output, output_slope, gradient)


class _Sums:
    """What one layer's passes add up to."""

    def __init__(self, neurons: int) -> None:
        self.open, self.nonzero, self.a, self.aa, self.delta = (np.zeros(neurons) for _ in range(5))
        self.z = self.pulled = self.slope = self.weighted = 0.0
        self.has_above = False

    def add(
        self, z: Array, sigma: Array, slope: Array, least: float, delta: Array, above: Array | None, b: Array
    ) -> None:
        self.open += np.count_nonzero(slope >= slope.dtype.type(least), axis=0)
        self.nonzero += np.count_nonzero(sigma, axis=0)
        self.a += sigma.sum(axis=0, dtype=np.float64)
        self.aa += np.einsum("ij,ij->j", sigma, sigma, dtype=np.float64)
        self.delta += np.einsum("ij,ij->j", delta, delta, dtype=np.float64)
        self.z += _square(z)
        self.weighted += _square(z - b)
        self.slope += float(slope.sum(dtype=np.float64))
        if above is not None:
            self.pulled, self.has_above = self.pulled + _square(above), True

    def over(self, rows: int, b: Array) -> LayerPass:
        numbers = rows * len(self.a)
        mean = self.a / rows
        return LayerPass(
            open=self.open / rows,
            nonzero=self.nonzero / rows,
            mean=mean,
            deviation=np.sqrt(np.maximum(self.aa / rows - mean**2, 0)),
            delta_square=self.delta / rows,
            z=float(np.sqrt(self.z / numbers)),
            a=float(np.sqrt(self.aa.sum() / numbers)),
            delta=float(np.sqrt(self.delta.sum() / numbers)),
            pulled=float(np.sqrt(self.pulled / numbers)) if self.has_above else float("nan"),
            slope=self.slope / numbers,
            bias=float(np.sqrt(np.mean(b.astype(np.float64) ** 2))),
            weighted=float(np.sqrt(self.weighted / numbers)),
        )


def _square(values: Array) -> float:
    return float(np.einsum("ij,ij->", values, values, dtype=np.float64))
