"""Weighted sums over rows, in float64: of a step, and of rows nobody trains on, added up chunk by chunk."""

import numpy as np

from backlit import objective as objectives
from backlit.engines.base import Score, TrainingData
from backlit.notation import Array, Float64Array
from backlit.sums import dot


def weighted_sums(
    row_costs: Array, a: Array, Y: Array, row_weights: Array, decision: str | None
) -> tuple[float, float, float]:
    """Σ_i w̃_i C_i, Σ_i w̃_i [row i is right] and Σ_i w̃_i over some rows, in float64."""
    weights = row_weights.astype(np.float64)
    hits = dot(weights, objectives.hits(decision, a, Y)) if decision else 0.0
    return dot(weights, row_costs.astype(np.float64)), hits, float(weights.sum())


class ScoreSums:
    """Running sums in float64 over the rows seen so far."""

    def __init__(self, data: TrainingData) -> None:
        self._data = data
        self._weight = self._cost = self._hits = 0.0
        self._squares: Float64Array = np.zeros(data.Y.shape[1])

    def add(self, rows: slice, row_costs: Array, a: Array) -> None:
        """Adds a chunk of rows with its C_i and a^L."""
        Y, row_weights = self._data.Y[rows], self._data.row_weights[rows]
        cost, hits, weight = weighted_sums(row_costs, a, Y, row_weights, self._data.decision)
        self._cost, self._hits, self._weight = self._cost + cost, self._hits + hits, self._weight + weight
        if self._data.decision is None:
            self._squares += row_weights.astype(np.float64) @ (Y.astype(np.float64) - a) ** 2

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
