"""Facts about the columns of X, from the training rows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backlit.notation import Array, Float64Array, IndexArray

MOST_ROWS = 5_000
"""Among which copies of columns are looked for: of more rows every k-th."""

FARTHEST, ROUNDS = 5.0, 6
"""Deviations, and how often they are taken anew."""


@dataclass(frozen=True, eq=False)
class Columns:
    """``mean``, ``deviation``, ``rms`` (about 0), ``low`` and ``high`` of each column, (n_1,); ``X`` are the rows.

    The first three leave out the hundredth of the rows that is largest: a few rows are not the scale of a column.
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
    def bulk(self) -> tuple[Float64Array, Float64Array]:
        """Mean and standard deviation of each column with what lies beyond 5 deviations drawn in to there, again and
        again: those of the bulk of the rows, however far out a few of them are.
        """
        mean, deviation = self.mean, self.deviation
        for _ in range(ROUNDS):
            held = np.clip(self.X, mean - FARTHEST * deviation, mean + FARTHEST * deviation)
            mean, deviation = held.mean(axis=0, dtype=np.float64), held.std(axis=0, dtype=np.float64)
        return mean, np.where(self.low == self.high, 0.0, deviation)

    @cached_property
    def copies(self) -> tuple[IndexArray, ...]:
        """Groups of two or more varying columns that are the same but for offset, scale and sign; the largest first."""
        varying = self.varying
        if len(varying) < 2:
            return ()
        X = self.X[:: -(-len(self.X) // MOST_ROWS)].astype(np.float64)[:, varying]
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


def facts(X: Array) -> Columns:
    """In float64."""
    low, high = X.min(axis=0).astype(np.float64), X.max(axis=0).astype(np.float64)
    sizes = np.einsum("ij,ij->i", X, X, dtype=np.float64)
    usual = X[np.argsort(sizes)[: len(X) - len(X) // 100]] if len(X) >= 100 else X
    mean = usual.mean(axis=0, dtype=np.float64)
    deviation = np.where(low == high, 0.0, usual.std(axis=0, dtype=np.float64))
    return Columns(X, mean, deviation, np.sqrt(mean**2 + deviation**2), low, high)
