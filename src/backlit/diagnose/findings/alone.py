"""What each column knows of the target by itself."""

import numpy as np

from backlit.diagnose.findings.reference import classes_of, skill
from backlit.notation import Array, Float64Array

MOST_ROWS = 2_000
"""Of more rows every k-th."""

BESIDE = 2
"""Neighbours on either side that answer for a row."""


def skills(X: Array, Y: Array, decision: str | None) -> Float64Array:
    """Of each column: the skill of answering by the mean target of the four rows nearest in it, (columns,).

    >>> x = np.linspace(0, 1, 200)
    >>> X = np.stack([x, 7919 * x % 1], axis=1)
    >>> [bool(s > 0.9) for s in skills(X, (x > 0.5).astype(float)[:, np.newaxis], "threshold")]
    [True, False]
    """
    mixed = np.random.default_rng(0).permutation(len(X))[:MOST_ROWS]  # rows alike in a column must not stand in order
    x, y = X[mixed], Y[mixed].astype(np.float64)
    classes = classes_of(y, decision)
    if classes is not None and decision == "threshold":
        y, decision = np.eye(2)[classes], "argmax"
    return np.array([_of_one(column, y, decision) for column in x.T])


def _of_one(x: Array, Y: Float64Array, decision: str | None) -> float:
    order = np.argsort(x, kind="stable")
    sorted_, n = Y[order], len(Y)
    sums, counts = np.zeros_like(sorted_), np.zeros((n, 1))
    for away in range(1, BESIDE + 1):
        sums[away:] += sorted_[:-away]
        sums[:-away] += sorted_[away:]
        counts[away:] += 1
        counts[:-away] += 1
    return skill(sums / counts, sorted_, decision)
