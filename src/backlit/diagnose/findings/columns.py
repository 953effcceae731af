"""Facts about the columns of X, from the training rows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backlit.notation import Array, Float64Array, IndexArray

MOST_ROWS = 5_000
"""Among which copies of columns are looked for: of more rows every k-th."""

FARTHEST, ROUNDS = 5.0, 3
"""Deviations, and how often they are taken anew."""

TO_DEVIATION = 1.4826
"""The standard deviation of normal numbers over the median distance from their median."""


@dataclass(frozen=True, eq=False)
class Columns:
    """``mean`` and ``deviation`` of the bulk of each column, ``rms`` about 0 of both, ``low`` and ``high``, (n_1,).

    The bulk is the column with what lies beyond 5 deviations drawn in to there: a few rows, however far out they are,
    are not the scale of a column. ``X`` are the rows.
    """

    X: Array
    mean: Float64Array
    deviation: Float64Array
    rms: Float64Array
    low: Float64Array
    high: Float64Array

    @property
    def constant(self) -> IndexArray:
        """The columns with one value in all rows."""
        return np.flatnonzero(self.low == self.high)

    @property
    def varying(self) -> IndexArray:
        """The others."""
        return np.flatnonzero(self.low != self.high)

    @cached_property
    def copies(self) -> tuple[IndexArray, ...]:
        """Groups of two or more varying columns that are the same but for offset, scale and sign; the largest first."""
        varying = self.varying
        if len(varying) < 2:
            return ()
        X = self.X[:: -(-len(self.X) // MOST_ROWS)].astype(np.float64)[:, varying]
        X = X / np.abs(X).max(axis=0)  # far from where squares overflow
        X = X - X.mean(axis=0)
        norms = np.sqrt((X**2).sum(axis=0))
        varying, X = varying[norms > 0], X[:, norms > 0] / norms[norms > 0]
        left, found = np.ones(len(varying), dtype=bool), []
        for column in range(len(varying)):
            if left[column]:
                alike = left & (np.abs(X.T @ X[:, column]) > 1 - 1e-6)
                left &= ~alike
                if alike.sum() > 1:
                    found.append(varying[alike])
        return tuple(sorted(found, key=len, reverse=True))


@np.errstate(over="ignore", invalid="ignore")
def facts(X: Array) -> Columns:
    """In float64."""
    low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    mean, deviation = _bulk(X)
    deviation = np.where(low == high, 0.0, deviation)
    mean = np.where(low == high, low, mean)
    return Columns(X, mean, deviation, np.sqrt(mean**2 + deviation**2), low, high)


def _bulk(X: Array) -> tuple[Float64Array, Float64Array]:
    """Mean and deviation, from the median and the middle half outwards; of a column that is mostly one value, from the
    rows but the hundredth that is largest.
    """
    sizes = np.abs(X).max(axis=1)
    usual = X[np.argsort(sizes, kind="stable")[: len(X) - len(X) // 100]].astype(np.float64)
    mean = np.median(usual, axis=0)
    deviation = TO_DEVIATION * np.median(np.abs(usual - mean), axis=0)
    sparse = deviation == 0
    mean[sparse], deviation[sparse] = usual[:, sparse].mean(axis=0), usual[:, sparse].std(axis=0)
    for _ in range(ROUNDS):
        held = np.clip(X, mean - FARTHEST * deviation, mean + FARTHEST * deviation)
        mean, deviation = held.mean(axis=0, dtype=np.float64), held.std(axis=0, dtype=np.float64)
    return mean, deviation
