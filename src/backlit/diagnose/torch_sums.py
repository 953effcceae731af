"""The sums of a step from arrays that somebody else's pass left behind: as few and as long operations as will do.

What they are is in :mod:`backlit.engines.statistics`. Arrays are float32 or float64, of shape (m, n_l) or, where a row
holds several vectors, (m, …, n_l).
"""

from itertools import chain
from typing import Any

import numpy as np

from backlit import activations
from backlit.activations import Activation
from backlit.engines import native
from backlit.engines.statistics import SUMS, flat, slopes
from backlit.notation import Array, Float64Array


class LayerPass:
    """One layer's part of a pass: tensors while it is under way, arrays afterwards."""

    __slots__ = ("_version", "a", "a_before", "activation", "delta", "exact", "sigma", "z")

    def __init__(self, a_before: Any, z: Any, version: int) -> None:
        self.a_before, self.z, self._version = a_before, z, version
        self.delta: Any = None
        self.a: Any = None
        self.sigma: Any = None
        self.activation: Activation | None = None
        self.exact = True  # float32 or float64, not one of autocast's shorter types

    @property
    def overwritten(self) -> bool:
        """Whether what followed the layer worked in place: z then holds σ(z)."""
        return bool(self.z._version != self._version)


CANDIDATES = ("relu", "identity", "tanh", "sigmoid", "gelu", "silu", "leaky-relu", "elu", "softplus")


def guess_activation(z: Array, a: Array | None, *, exact: bool) -> str | None:
    """The activation that makes a from z, ``… with dropout`` where a is thinned and scaled; None: no known one."""
    if a is None:
        return None
    kept, near = a != 0, 1e-4 if exact else 3e-2
    for name in CANDIDATES:
        sigma = activations.ACTIVATIONS[name].value(z)
        if np.allclose(sigma, a, rtol=near, atol=near / 10):
            return name
        if not kept.all() and kept.any() and (np.abs(sigma[kept]) > 1e-6).all():
            ratio = a[kept] / sigma[kept]
            if np.allclose(ratio, np.median(ratio), rtol=10 * near) and np.median(ratio) > 1:
                return f"{name} with dropout"
    return None


class Sums:
    """The sums of one model's steps; by the native core, in one sweep, wherever it is there and can."""

    def __init__(self) -> None:
        self._native: dict[Any, Any] = {}  # shapes → what measures them

    def of_pass(
        self, passes: list[LayerPass], parameters: list[list[Array]], scale: float
    ) -> tuple[Float64Array, Float64Array]:
        """The sums that z, a and δ leave behind, (layers, 16), the rest of them 0; and ‖∇C_x‖ of each row, (m,).

        ``scale`` makes the loss's gradient by z the δ of a row's own cost; ``parameters`` are W and, where there is
        one, b.
        """
        sums = np.zeros((len(passes), len(SUMS)))
        if all(len(own) > 1 for own in parameters) and _can_be_native(passes):
            of_rows = self._by_native(passes, sums)
            sums[:, [2, -1]] *= scale**2
            return sums, of_rows * scale
        squares = np.zeros(len(passes[0].a_before))
        for here, own, row in zip(passes, parameters, sums, strict=True):
            gradients = _row_gradients(here.a_before, here.delta, bias=len(own) > 1) * scale**2
            row[:7] = _square(here.z), _square(here.a), _square(here.delta) * scale**2, *_slopes(here)
            if here.z.ndim > 2:
                row[:6] /= here.z[0].size // here.z.shape[-1]  # means over all vectors of a row
            row[-1] = gradients.sum()
            squares += gradients
        return sums, np.sqrt(squares)

    def _by_native(self, passes: list[LayerPass], sums: Float64Array) -> Float64Array:
        x, names = passes[0].a_before, [here.activation.name for here in passes if here.activation is not None]
        sizes = [x.shape[1], *(here.z.shape[1] for here in passes)]
        key = (x.dtype.name, *sizes, *names, len(x))
        if key not in self._native:
            self._native[key] = native.measure(x.dtype.name, sizes, names, len(x))
        row_gradients = np.empty(len(x), dtype=x.dtype)
        self._native[key].over_rows(
            x, [here.z for here in passes], [here.sigma for here in passes], [here.a for here in passes],
            [here.delta for here in passes], sums.ravel(), row_gradients,
        )  # fmt: skip
        return row_gradients.astype(np.float64)


def _can_be_native(passes: list[LayerPass]) -> bool:
    """Of plain rows, of one dtype, each where the last ended, every activation known."""
    if native.MISSING is not None or passes[0].a_before.ndim > 2:
        return False
    dtype, before = passes[0].a_before.dtype, passes[0].a_before
    for here in passes:
        if here.activation is None or here.a_before.shape != before.shape:
            return False
        for array in (here.a_before, here.z, here.sigma, here.a, here.delta):
            if array.dtype != dtype or array.ndim != 2 or not array.flags.c_contiguous:
                return False
        before = here.a
    return True


def sums_of_updates(
    sums: Float64Array, before: list[list[Array]], after: list[list[Array]], gradients: list[list[Array]]
) -> None:
    """The sums that an update leaves behind, into (layers, 16); afterwards ``before`` is what ``after`` is.

    Of each layer W and, where there is one, b, as vectors.
    """
    flat_before, flat_after, flat_g = (list(chain.from_iterable(lists)) for lists in (before, after, gradients))
    found = np.empty((len(flat_before), 4))
    dtype = flat_before[0].dtype
    if native.MISSING is None and all(vector.dtype == dtype for vector in chain(flat_before, flat_after, flat_g)):
        native.measure_update[dtype.name](flat_before, flat_after, flat_g, found)
    else:
        for row, theta, now, g in zip(found, flat_before, flat_after, flat_g, strict=True):
            change = now - theta
            row[:] = _square(g), _square(theta), _square(change), float(np.dot(g, change))
            theta[...] = now
    numbers = iter(found.tolist())
    for row, parameters in zip(sums, before, strict=True):
        for k in range(len(parameters)):
            row[9 + k], row[7 + k], row[12 + k], descent = next(numbers)
            row[14] += descent
        row[11] = row[9] + row[10]


def _slopes(here: LayerPass) -> tuple[float, float, float, float]:
    """Σ |σ'|, how many are saturated, how many σ are 0, how many neurons are saturated throughout."""
    if here.activation is None:
        unknown = float("nan")
        return unknown, unknown, float(np.count_nonzero(here.a == 0)), unknown
    neurons = here.z.shape[-1]
    if here.activation.name == "relu":
        alive = here.sigma.reshape(-1, neurons) > 0
        zeros = alive.size - np.count_nonzero(alive)
        dead = neurons - np.count_nonzero(here.sigma.reshape(-1, neurons).max(axis=0)) if zeros >= len(alive) else 0
        return float(alive.size - zeros), float(zeros), float(zeros), float(dead)
    slope = np.abs(slopes(here.activation, here.z, here.sigma)).reshape(-1, neurons)
    saturated = slope < flat(here.activation)
    count = np.count_nonzero(saturated)
    dead = np.count_nonzero(saturated.all(axis=0)) if count >= len(slope) else 0
    return float(slope.sum()), float(count), float(slope.size - np.count_nonzero(here.sigma)), float(dead)


def _square(values: Array) -> float:
    flat_values = values.ravel()
    return float(np.dot(flat_values, flat_values))


def _row_gradients(a: Array, delta: Array, *, bias: bool) -> Float64Array:
    """‖∇C_x‖² over one layer: ‖δ_x‖² (1 + ‖a_x‖²); of several vectors a row, Σ_st (δ_s·δ_t)(1 + a_s·a_t)."""
    own = 1.0 if bias else 0.0
    if a.ndim == 2:
        squares = np.einsum("ij,ij->i", delta, delta) * (own + np.einsum("ij,ij->i", a, a))
        return squares.astype(np.float64)
    a, delta = a.reshape(len(a), -1, a.shape[-1]), delta.reshape(len(a), -1, delta.shape[-1])
    grams = (delta @ delta.swapaxes(1, 2)) * (own + a @ a.swapaxes(1, 2))
    return grams.sum(axis=(1, 2)).astype(np.float64)
