"""The record of a lens: what a training's steps came to, in plain arrays.

S steps were recorded, a batch has m rows, layers are numbered 2 to L; column l - 2 of an array by layer is layer l.

Conventions. δ is of each row's own cost, neither weighted nor divided by m. a is what the next layer received, after
dropout; σ(z) is a before it. Gradients are ∂C/∂W and ∂C/∂b as BP3 and BP4 give them, row weights w̃ and 1/m included,
with the penalty, before clipping. Weights are those before the update, which fed forward. A row's gradient ∇C_x is that
of its own cost, without weight, penalty and 1/m: over layer l, ‖∇C_x‖² = ‖δ_x‖² (1 + ‖a_x‖²), a of layer l - 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.engines import Statistics
from backlit.engines.statistics import SUMS
from backlit.errors import OptionError
from backlit.notation import Float64Array, IndexArray

Float32Array = np.ndarray[Any, np.dtype[np.float32]]
Int32Array = np.ndarray[Any, np.dtype[np.int32]]

BY_STEP = ("step", "m", "cost", "accuracy", "weight", "learning_rate")
"""The record's arrays of one number a step."""

BY_LAYER = (
    "z_rms", "a_rms", "delta_rms", "slope", "saturated", "zero", "dead", "weight_norm", "bias_norm", "weight_gradient",
    "bias_gradient", "data_gradient", "weight_update", "bias_update", "descent", "row_gradient_squares",
)  # fmt: skip
"""The record's arrays of one number a step and layer, in the order of the sums they are made from."""

BY_ROW = ("row", "row_cost", "row_gradient")
"""The record's arrays of one number a row of each step."""


_QUIETLY = np.errstate(over="ignore", invalid="ignore", divide="ignore")
"""Of a training that diverges, what follows from its numbers is infinite or none, without a word."""


@dataclass(frozen=True)
class About:
    """Of which training a record is: plain data, kept in the file."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    dropout: tuple[float, ...]
    dtype: str
    rows: int
    steps_per_epoch: int
    decision: str | None  # argmax, threshold or None: what counted as right
    objective: str
    l2: float
    n: float
    engine: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def L(self) -> int:
        """The number of the output layer."""
        return len(self.sizes)


@dataclass(frozen=True, eq=False)
class Histogram:
    """How the numbers of one quantity, ``z``, ``a`` or ``delta``, of one layer lay at one step.

    ``counts`` (bins,) of the numbers between ``edges`` (bins + 1,), evenly apart from the lowest to the highest finite
    one; ``not_finite`` is how many were none.
    """

    step: int
    layer: int
    quantity: str
    counts: IndexArray
    edges: Float64Array
    not_finite: int


@dataclass(frozen=True, eq=False)
class Cause:
    """The first number of a training that was not finite, and the state just before it, from which it can be replayed.

    ``where`` is :attr:`backlit.DivergenceError.where`: step, layer, neuron, row, value and so on. ``network`` holds θ
    as it was before that step, ``rows`` that step's batch, as numbers of the data as given: a trace of them shows the
    number being made. Both are None where the step could not be found again.
    """

    where: dict[str, Any]
    message: str
    network: Any = None
    rows: IndexArray | None = None


@dataclass(frozen=True, eq=False)
class LensRecord:
    """What a lens recorded, step by step and layer by layer.

    One number a step, (S,):
        step: its number, from 0, over the whole training.
        m: rows in its batch.
        cost: Σ w̃_i C_i / Σ w̃_i over the batch, before the update, without the penalty.
        accuracy: Σ w̃_i [right] / Σ w̃_i; NaN where the targets are numbers.
        weight: Σ w̃_i.
        learning_rate: η of the step.

    One number a step and layer, (S, L-1):
        z_rms, a_rms, delta_rms: √(Σ z² / (m n_l)), and so on, over the batch's rows and the layer's neurons.
        slope: the mean of |σ'(z)|; of softmax, of its Jacobian's diagonal a(1 - a).
        saturated: share of the (row, neuron) whose |σ'(z)| is below 0.05 of the steepest slope (¼ for sigmoid and
            softmax, 1 for the others). For relu and leaky-relu that is the side z ≤ 0: one half is healthy there.
        zero: share of the (row, neuron) with σ(z) exactly 0.
        dead: share of the neurons that are saturated in every row of the batch: nothing flows back through them.
        weight_norm, bias_norm: ‖W‖, ‖b‖, before the update.
        weight_gradient, bias_gradient: ‖∂C/∂W‖, ‖∂C/∂b‖, with the penalty, before clipping.
        data_gradient: the norm of both together, without the penalty.
        weight_update, bias_update: ‖ΔW‖, ‖Δb‖, the parameters after the update less those before it.
        descent: ⟨∂C/∂θ, Δθ⟩ over W and b: the change of C to first order, below 0 where the step goes downhill.
        row_gradient_squares: Σ_x w̃_x² ‖∇C_x‖² over the layer's parameters.

    One number a row of each step, (Σm,), step after step; step s has those from ``row_starts[s]`` to
    ``row_starts[s + 1]``:
        row: its number in the data as given (int32).
        row_cost: C_x (float32).
        row_gradient: ‖∇C_x‖ over all layers (float32).

    Sums are taken in the network's dtype over short blocks and in float64 from there: of a float32 network squares
    below 1e-38 count as 0, so that an RMS below about 1e-19 reads 0.
    """

    about: About
    step: IndexArray
    m: IndexArray
    cost: Float64Array
    accuracy: Float64Array
    weight: Float64Array
    learning_rate: Float64Array
    z_rms: Float64Array
    a_rms: Float64Array
    delta_rms: Float64Array
    slope: Float64Array
    saturated: Float64Array
    zero: Float64Array
    dead: Float64Array
    weight_norm: Float64Array
    bias_norm: Float64Array
    weight_gradient: Float64Array
    bias_gradient: Float64Array
    data_gradient: Float64Array
    weight_update: Float64Array
    bias_update: Float64Array
    descent: Float64Array
    row_gradient_squares: Float64Array
    row: Int32Array
    row_cost: Float32Array
    row_gradient: Float32Array
    histograms: tuple[Histogram, ...] = ()
    cause: Cause | None = None
    history: tuple[dict[str, Any], ...] = ()
    stopped: str | None = None

    def __len__(self) -> int:
        """How many steps."""
        return len(self.step)

    @property
    def row_starts(self) -> IndexArray:
        """Where each step's rows begin, and the last one's end: (S + 1,)."""
        return np.concatenate(([0], np.cumsum(self.m)))

    @property
    def epoch(self) -> IndexArray:
        """The epoch of each step, from 1."""
        return self.step // self.about.steps_per_epoch + 1

    @property
    def update_ratio(self) -> Float64Array:
        """‖ΔW‖ / ‖W‖, (S, L-1): 1e-3 is the usual order. Infinite where W is 0."""
        return _ratio(self.weight_update, self.weight_norm)

    @property
    @_QUIETLY
    def gradient_norm(self) -> Float64Array:
        """‖∂C/∂θ‖ over all layers, with the penalty, before clipping, (S,)."""
        return np.sqrt((self.weight_gradient**2 + self.bias_gradient**2).sum(axis=1))

    @property
    @_QUIETLY
    def gradient_square_mean(self) -> Float64Array:
        """(1/m) Σ_x w̃_x² ‖∇C_x‖² over all layers, (S,)."""
        return self.row_gradient_squares.sum(axis=1) / self.m

    @property
    @_QUIETLY
    def gradient_variance(self) -> Float64Array:
        """tr Σ, the variance of one row's gradient around the mean of all, summed over the parameters, (S,).

        Without bias from a batch: ((1/m) Σ_x w̃_x²‖∇C_x‖² - ‖g‖²) m/(m-1), g the batch's own gradient without the
        penalty. NaN for batches of one row.
        """
        of_batch = (self.data_gradient**2).sum(axis=1)
        return _ratio((self.gradient_square_mean - of_batch) * self.m, self.m - 1.0, nothing=np.nan)

    @property
    @_QUIETLY
    def mean_gradient_square(self) -> Float64Array:
        """‖G‖², G the gradient of all rows, estimated from a batch without bias: ‖g‖² - tr Σ / m, (S,); may be < 0."""
        return (self.data_gradient**2).sum(axis=1) - self.gradient_variance / self.m

    def noise_scale(self, steps: int | None = None) -> Float64Array:
        """B = tr Σ / ‖G‖², the batch size at which noise and signal are equal (the critical batch size), (S,).

        Both are averaged over the last ``steps`` steps (default an epoch) before they are divided: one batch's quotient
        says little. Infinite where no signal is left. Source: McCandlish et al., *An Empirical Model of Large-Batch
        Training* (2018), its simple noise scale.
        """
        window = self.about.steps_per_epoch if steps is None else steps
        noise, signal = moving_mean(self.gradient_variance, window), moving_mean(self.mean_gradient_square, window)
        return np.where(signal > 0, _ratio(noise, np.maximum(signal, 0)), np.where(np.isnan(signal), np.nan, np.inf))

    def signal_to_noise(self, steps: int | None = None) -> Float64Array:
        """m ‖G‖² / tr Σ of the steps, (S,): above 1 a step goes mostly where all rows would send it."""
        return _ratio(np.asarray(self.m, dtype=np.float64), self.noise_scale(steps))

    def layer(self, number: int) -> dict[str, Float64Array]:
        """The columns of one layer by their names, (S,) each.

        Raises:
            OptionError: there is no such layer.
        """
        if not 2 <= number <= self.about.L:
            raise OptionError(f"there is no layer {number!r} in this record; it has layers 2 to {self.about.L}")
        return {name: getattr(self, name)[:, number - 2] for name in BY_LAYER}

    def between(self, first: int, last: int) -> "LensRecord":
        """The record of the steps from ``first`` to ``last`` - 1 alone."""
        from dataclasses import replace

        kept = (self.step >= first) & (self.step < last)
        rows = np.repeat(kept, self.m)
        parts = {name: getattr(self, name)[kept] for name in (*BY_STEP, *BY_LAYER)}
        histograms = tuple(h for h in self.histograms if first <= h.step < last)
        return replace(self, **parts, **{name: getattr(self, name)[rows] for name in BY_ROW}, histograms=histograms)

    def steps_table(self) -> dict[str, np.ndarray[Any, Any]]:
        """Columns of a row a step, what follows from the record included."""
        derived = ("epoch", "gradient_norm", "gradient_variance", "mean_gradient_square")
        return {name: getattr(self, name) for name in (*BY_STEP, *derived)}

    def layers_table(self) -> dict[str, np.ndarray[Any, Any]]:
        """Columns of a row a step and layer."""
        steps, layers = len(self), self.about.L - 1
        keys = {"step": np.repeat(self.step, layers), "layer": np.tile(np.arange(2, self.about.L + 1), steps)}
        return keys | {name: getattr(self, name).ravel() for name in (*BY_LAYER, "update_ratio")}

    def rows_table(self) -> dict[str, np.ndarray[Any, Any]]:
        """Columns of a row of the data a step."""
        return {"step": np.repeat(self.step, self.m)} | {name: getattr(self, name) for name in BY_ROW}

    def to_polars(self, table: str = "layers") -> Any:
        """The table of ``steps``, ``layers`` or ``rows`` as a polars DataFrame.

        Raises:
            OptionError: another table.
        """
        import polars

        from backlit.errors import unknown_option

        tables = {"steps": self.steps_table, "layers": self.layers_table, "rows": self.rows_table}
        if table not in tables:
            raise unknown_option("table", table, tables)
        return polars.DataFrame(tables[table]())

    def __repr__(self) -> str:
        if not len(self):
            return "LensRecord(no step)"
        return f"LensRecord({len(self)} steps, {self.step[0]} to {self.step[-1]}, of layers 2 to {self.about.L})"


def moving_mean(values: Float64Array, window: int) -> Float64Array:
    """Of each number and the ``window`` - 1 before it; what is not finite is left out of the mean."""
    finite = np.isfinite(values)
    sums, counts = (np.concatenate(([0.0], np.cumsum(part))) for part in (np.where(finite, values, 0.0), finite))
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - max(window, 1), 0)
    return _ratio(sums[end] - sums[start], counts[end] - counts[start], nothing=np.nan)


def _ratio(over: Float64Array, under: Any, nothing: float = np.inf) -> Float64Array:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found: Float64Array = np.where(np.asarray(under) == 0, nothing, over / under)
    return found


def arrays_of(about: About, statistics: Statistics, row_numbers: IndexArray | None = None) -> dict[str, Any]:
    """The record's arrays from an engine's sums; ``row_numbers``: what each training row is called."""
    m = statistics.m.astype(np.float64)[:, np.newaxis]
    neurons = np.array(about.sizes[1:], dtype=np.float64)
    sums = dict(zip(BY_LAYER, np.moveaxis(statistics.layers, 2, 0), strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = {
            "z_rms": np.sqrt(sums["z_rms"] / (m * neurons)),
            "a_rms": np.sqrt(sums["a_rms"] / (m * neurons)),
            "delta_rms": np.sqrt(sums["delta_rms"] / (m * neurons)),
            **{name: sums[name] / (m * neurons) for name in ("slope", "saturated", "zero")},
            "dead": sums["dead"] / neurons,
            **{name: np.sqrt(sums[name]) for name in BY_LAYER[SUMS.index("W") : SUMS.index("descent")]},
            **{name: sums[name].copy() for name in ("descent", "row_gradient_squares")},
        }
        cost, hits = statistics.cost / statistics.weight, statistics.hits / statistics.weight
    return {
        "step": statistics.steps,
        "m": statistics.m,
        "cost": cost,
        "accuracy": hits if about.decision else np.full(len(hits), np.nan),
        "weight": statistics.weight,
        "learning_rate": statistics.learning_rate,
        **parts,
        "row": statistics.rows if row_numbers is None else row_numbers[statistics.rows].astype(np.int32),
        "row_cost": statistics.row_costs,
        "row_gradient": statistics.row_gradients,
    }


def parts_of(record: LensRecord) -> dict[str, Any]:
    """The arrays of a record."""
    return {name: getattr(record, name) for name in (*BY_STEP, *BY_LAYER, *BY_ROW)}


def joined(about: About, parts: Sequence[dict[str, Any]], **rest: Any) -> LensRecord:
    """One record of the arrays of several parts, in the order given."""
    layers = about.L - 1
    empty: dict[str, Any] = {
        **dict.fromkeys(BY_STEP, np.zeros(0)),
        **dict.fromkeys(BY_LAYER, np.zeros((0, layers))),
        "step": np.zeros(0, dtype=np.int64),
        "m": np.zeros(0, dtype=np.int64),
        "row": np.zeros(0, dtype=np.int32),
        "row_cost": np.zeros(0, dtype=np.float32),
        "row_gradient": np.zeros(0, dtype=np.float32),
    }
    arrays: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) if parts else empty[name] for name in empty
    }
    return LensRecord(about=about, **arrays, **rest)
