"""Ramps: a number said by several inputs, each of which rises from 0 to 1 over a stretch of its own.

A network of smooth layers bends slowly: what a price does from one street to the next it learns late, if at all. Cut at
its quantiles, a number comes with its bends already there: the piecewise linear encoding of Gorishniy, Rubachev and
Babenko, *On embeddings for numerical features in tabular deep learning*, 2022. It gives much where numbers are learnt,
and something where classes are, if the rows are not few: ``benchmarks/README.md`` has the figures.

They are of tables alone. The columns of an array may be anything, pixels or parts of a whole, and are standardised, no
more: x = (raw - offset)/scale is what its models say of themselves, in every format. To have ramps for numbers that are
quantities, give them as a frame or a file. Nor do the estimators give them: without decay of the weights, which
scikit-learn's training has not, few rows are learnt by heart through them.
"""

from itertools import pairwise

import numpy as np

from backlit.notation import Float64Array

MOST, FEWEST = 64, 4
"""Ramps of a number: no more, and no fewer unless none."""

ROWS_OF_A_RAMP = 40
"""Training rows that a ramp needs, or it learns their noise."""

ROWS_FOR_CLASSES = 1000
"""Training rows from which on there are ramps where classes are learnt: a label says less than a number does."""

MOST_INPUTS = 2048
"""Of all ramps of a table."""

MOST_CELLS = 1 << 27
"""Rows × inputs of all ramps: half a gigabyte of float32."""


def how_many(rows: int, numbers: int) -> int:
    """The ramps of each number in a table of so many training rows and columns of numbers; 0 for none.

    >>> how_many(rows=12_000, numbers=8), how_many(300, 10), how_many(100, 4), how_many(2_000_000, 20)
    (64, 7, 0, 0)
    """
    if not numbers or not rows:
        return 0
    found = min(MOST, rows // ROWS_OF_A_RAMP, MOST_INPUTS // numbers, MOST_CELLS // (rows * numbers))
    return found if found >= FEWEST else 0


def fit(x: Float64Array, ramps: int) -> tuple[float, ...]:
    """Where the ramps begin and end, rising: quantiles of the training rows, or every value where there are few.

    None for a number of so few values that the ramps would not be :data:`FEWEST`.
    """
    edges = np.unique(x)
    if len(edges) > ramps + 1:
        edges = np.unique(np.quantile(x, np.linspace(0, 1, ramps + 1), method="nearest"))
    with np.errstate(over="ignore"):
        widths = np.diff(edges)
    usable = ramps >= FEWEST and len(widths) >= FEWEST and np.isfinite(widths).all() and (widths > 0).all()
    return tuple(edges.tolist()) if usable else ()


def apply(x: Float64Array, edges: tuple[float, ...]) -> Float64Array:
    """(rows, ramps): (x - begin)/(end - begin), held between 0 and 1.

    >>> apply(np.array([0.0, 1.5, 9.0]), (1.0, 2.0, 4.0)).tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 1.0]]
    """
    begin, end = np.array(edges[:-1]), np.array(edges[1:])
    with np.errstate(over="ignore"):  # what is beyond every float is beyond the ramp
        found: Float64Array = np.clip((x[:, np.newaxis] - begin) / (end - begin), 0, 1)
    return found


def names(name: str, edges: tuple[float, ...]) -> tuple[str, ...]:
    """Of the inputs, as ``size: 1 to 2``."""
    words = [f"{edge:.6g}" for edge in edges]
    if len(set(words)) < len(words):
        words = [repr(edge) for edge in edges]
    return tuple(f"{name}: {begin} to {end}" for begin, end in pairwise(words))
