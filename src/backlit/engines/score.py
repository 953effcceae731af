"""The score of rows nobody trains on, added up chunk by chunk: every engine's evaluation ends here."""

import numpy as np

from backlit import objective as objectives
from backlit.engines.base import Score, TrainingData
from backlit.notation import Array, Float64Array


class ScoreSums:
    """Running sums in float64 over the rows seen so far."""

    def __init__(self, data: TrainingData) -> None:
        self._data = data
        self._weight = self._cost = self._hits = 0.0
        self._squares: Float64Array = np.zeros(data.Y.shape[1])

    def add(self, rows: slice, row_costs: Array, a: Array) -> None:
        """Adds a chunk of rows with its C_i and a^L."""
        weights = self._data.row_weights[rows].astype(np.float64)
        self._weight += float(weights.sum())
        self._cost += float(weights @ row_costs.astype(np.float64))
        Y = self._data.Y[rows]
        if self._data.decision:
            self._hits += float(weights @ objectives.hits(self._data.decision, a, Y))
        else:
            self._squares += weights @ (Y.astype(np.float64) - a) ** 2

    def score(self) -> Score:
        """Cost and share of right rows; for numbers R² = 1 - Σ w(y - a)² / Σ w(y - ȳ)², the mean over the outputs."""
        if self._data.decision:
            return Score(self._cost / self._weight, self._hits / self._weight, None)
        return Score(self._cost / self._weight, None, self._r2())

    def _r2(self) -> float | None:
        weights, Y = self._data.row_weights.astype(np.float64), self._data.Y.astype(np.float64)
        seen = Y[weights > 0]
        if (seen == seen[0]).all(axis=0).any():
            return None  # a target that never changes has nothing to explain
        spread = weights @ (Y - weights @ Y / weights.sum()) ** 2
        return float((1 - self._squares / spread).mean())
