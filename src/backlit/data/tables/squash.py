"""The one place where a number's scale is set and its heavy tails are tamed."""

from dataclasses import dataclass

import numpy as np

from backlit.notation import Float64Array

LIMIT = 3.0
"""How many spreads from the centre a number can come to lie, however far out it is; 0 for as far as it is."""

FARTHEST = 1e100


@dataclass(frozen=True)
class Squash:
    """(s - offset)/scale with s = u/√(1 + (u/limit)²) and u = (x - center)/spread: rising, bounded by the limit.

    Near the centre s = u; a number a thousand spreads away is at the limit. ``offset`` and ``scale`` are mean and
    standard deviation of s over the training rows. ``center`` is the median, and stands for what is missing.

    >>> Squash(center=10, spread=2, limit=3, offset=0, scale=1).apply(np.array([10.0, 12, 1e9])).round(3).tolist()
    [0.0, 0.949, 3.0]
    """

    center: float
    spread: float
    limit: float
    offset: float
    scale: float

    def apply(self, x: Float64Array) -> Float64Array:
        """Of each number, all finite."""
        with np.errstate(over="ignore"):  # of scales that only a file somebody made can have
            return (self.bounded(x) - self.offset) / self.scale

    def bounded(self, x: Float64Array) -> Float64Array:
        """S of each number, before it is standardised."""
        with np.errstate(over="ignore"):  # a difference beyond every float is as far out as anything
            u = np.clip((x - self.center) / self.spread, -FARTHEST, FARTHEST)
            return u / np.sqrt(1 + (u / self.limit) ** 2) if self.limit else u


def fit(x: Float64Array, limit: float = LIMIT) -> Squash:
    """From the numbers of the training rows, at least one: median, the distance of the quartiles, mean and deviation.

    Where the quartiles are equal, as of a column that is nearly always 0, the spread is the standard deviation.
    """
    low, center, high = np.quantile(x / 2, [0.25, 0.5, 0.75]) * 2  # halved, for their difference may be beyond a float
    spread = high / 2 - low / 2
    spread = 2 * spread if spread < 1e300 else 1e300
    if not spread > 0:
        half = x / 2 - center / 2
        largest = np.abs(half).max() or 1.0
        spread = min(float(largest * np.sqrt(np.mean((half / largest) ** 2)) * 2), 1e300) or 1.0
    first = Squash(float(center), float(spread), float(limit), 0.0, 1.0)
    s = first.bounded(x)
    scale = float(s.std())
    return Squash(first.center, first.spread, first.limit, float(s.mean()), scale if scale > 0 else 1.0)
