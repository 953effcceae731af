"""The error as a power law of the rows, ε(n) = a + b n^-c: fitted robustly, and again to resampled splits.

a ≥ 0 is what no amount of data would take away, b ≥ 0 and c > 0 say how fast the rest falls. The fit is a search over c
with Huber's weights: amounts that do not follow the law count less, and the further from the largest the less.

How uncertain it is comes from two sources. The splits: they are drawn again with replacement, whole, so that an error
that all amounts of a split share stays shared. And the law itself, which no real curve follows to the letter: before
each fit the errors are moved by a random walk in log ε over log₂ n, and so is what is read from it beyond the data.
That walk's step was chosen, on digits, breast-cancer, diabetes, titanic and four made sets, so that of intervals of
80 % from half the rows or fewer about 80 % hold the error that all rows gave; ``docs/more-data.md`` has what it came to
there and on sets that chose nothing.
"""

from dataclasses import dataclass

import numpy as np

from backlit.notation import Float64Array, IndexArray

EXPONENTS = np.geomspace(0.1, 2.0, 60)
"""The c that are tried."""

HUBER, ROUNDS = 1.345, 12
"""From how many standard errors on a deviation counts less; and how often the weights are set anew."""

DRAWS = 1000

MISFIT, WALK = 0.02, 0.06
"""No error is known more closely than to this share of itself; how far log ε walks from the law in a doubling of n."""


@dataclass(frozen=True, eq=False)
class PowerLaws:
    """One law a draw: a, b, c are (1 + draws,). b is of n in units of ``unit`` rows, the most that were measured.

    The first is fitted to the means of all splits, as they are.
    """

    a: Float64Array
    b: Float64Array
    c: Float64Array
    unit: float
    strayed: Float64Array
    """Standard normal, likewise: how each strays from its law beyond the data."""

    def law(self, rows: float) -> Float64Array:
        """ε of so many rows by each law."""
        found: Float64Array = self.a + self.b * (rows / self.unit) ** -self.c
        return found

    def at(self, rows: float) -> Float64Array:
        """Likewise, with what the curve may stray from the law between the data and there."""
        doublings = max(0.0, float(np.log2(rows / self.unit)))
        found: Float64Array = self.law(rows) * np.exp(WALK * np.sqrt(doublings) * self.strayed)
        return found


def extrapolate(rows: IndexArray, errors: Float64Array, rng: np.random.RandomState, draws: int = DRAWS) -> PowerLaws:
    """Laws fitted to resampled splits.

    Args:
        rows: (amounts,), ascending.
        errors: (splits, amounts), 0 or more.
        rng: draws the splits and the walks.
        draws: how many.
    """
    doublings = np.log2(rows[-1] / rows)
    back = np.sqrt(-np.diff(doublings)) * rng.standard_normal((draws, len(rows) - 1))
    walk = np.hstack([np.cumsum(back[:, ::-1], axis=1)[:, ::-1], np.zeros((draws, 1))])
    middle, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    scale = np.sqrt(spread**2 + middle**2 * (MISFIT**2 + WALK**2 * doublings)) + 1e-12
    moved = resampled(errors, draws, rng) * np.exp(WALK * walk)
    a, b, c = fit(rows, np.vstack([middle, moved]), scale)
    return PowerLaws(a, b, c, float(rows[-1]), np.append(0.0, rng.standard_normal(draws)))


def resampled(errors: Float64Array, draws: int, rng: np.random.RandomState) -> Float64Array:
    """Means over splits that are drawn with replacement, (draws, amounts).

    Deviations from the mean of all k splits are stretched by √(k/(k-1)), of which a draw of k from k falls short.
    """
    k = len(errors)
    middle = errors.mean(axis=0)
    means = errors[rng.randint(0, k, (draws, k))].mean(axis=1)
    return np.maximum(middle + np.sqrt(k / (k - 1)) * (means - middle), 0)


def fit(rows: IndexArray, errors: Float64Array, scale: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
    """a, b, c for each row of ``errors`` (draws, amounts), whose standard errors are ``scale`` (amounts,).

    >>> n = np.array([100, 200, 400, 800])
    >>> a, b, c = fit(n, 0.1 + (n[np.newaxis] / 800) ** -0.5, np.full(4, 0.01))
    >>> a.round(1), b.round(1), c.round(1)
    (array([0.1]), array([1.]), array([0.5]))
    """
    phi = (rows / float(rows[-1]))[np.newaxis, :] ** -EXPONENTS[:, np.newaxis]  # (exponents, amounts)
    weights = np.broadcast_to(scale**-2.0, (len(errors), len(EXPONENTS), len(rows)))
    y = errors[:, np.newaxis, :]
    for _ in range(ROUNDS):
        a, b = _least_squares(phi, y, weights)
        off = np.abs(y - a[..., np.newaxis] - b[..., np.newaxis] * phi) / scale
        weights = scale**-2.0 * np.minimum(1, HUBER / np.maximum(off, 1e-12))
    loss = np.where(off <= HUBER, 0.5 * off**2, HUBER * (off - 0.5 * HUBER)).sum(axis=2)
    draw, best = np.arange(len(errors)), loss.argmin(axis=1)
    return a[draw, best], b[draw, best], EXPONENTS[best]


def _least_squares(phi: Float64Array, y: Float64Array, weights: Float64Array) -> tuple[Float64Array, Float64Array]:
    """The a, b ≥ 0 that are best for each draw and exponent."""
    w, wp, wpp = weights.sum(axis=2), (weights * phi).sum(axis=2), (weights * phi**2).sum(axis=2)
    wy, wpy = (weights * y).sum(axis=2), (weights * phi * y).sum(axis=2)
    determinant = np.maximum(w * wpp - wp**2, 1e-300)
    a, b = (wpp * wy - wp * wpy) / determinant, (w * wpy - wp * wy) / determinant
    no_floor, no_fall = a < 0, b < 0
    a, b = np.where(no_floor, 0.0, a), np.where(no_floor, wpy / wpp, b)
    return np.where(no_fall, wy / w, a), np.where(no_fall, 0.0, b)
