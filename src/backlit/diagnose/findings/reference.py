"""What simple methods make of the same rows: by that a network's score is judged, not by a number from the air.

Three methods, each row left out of what predicts it: the nearest neighbours (a majority of 10, or their mean), ridge
regression (a number a class, the largest wins), and the same with a kernel. All see standardised columns. Skill is 0
for a constant answer and 1 where all is right: (accuracy - share of the largest class) / (1 - that share) of classes,
R² of numbers, the mean over outputs of labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backlit.diagnose.findings import columns
from backlit.notation import Array, Float64Array, IndexArray

MOST_ROWS = 1_200
"""Of more rows every k-th."""

NEIGHBOURS = 10

PENALTIES = (1e-2, 1.0, 1e2)
"""Of ridge regression, times the number of columns; the one with the least left-out error is taken."""

KERNELS = ((0.3, 0.1), (1.0, 0.1), (3.0, 1.0))
"""(width² over the number of columns, penalty) of kernel ridge regression, from the most winding to the smoothest."""


@dataclass(frozen=True, eq=False)
class Reference:
    """``rows``: which it was made of; ``neighbours``, ``ridge``, ``kernel``: left-out predictions of Y, (rows, n_L).

    ``skill`` is that of the best one.
    """

    rows: IndexArray
    neighbours: Float64Array
    ridge: Float64Array
    kernel: Float64Array
    skill: float
    method: str


def reference(X: Array, Y: Array, decision: str | None, mean: Float64Array, deviation: Float64Array) -> Reference:
    """All methods on the rows, or on every k-th of many.

    Args:
        X: (rows, columns), of columns that are no copies of one another.
        Y: their targets.
        decision: as of the targets.
        mean, deviation: of the columns, by which they are standardised, and held at ±5: a few rows far out must not
            make all others alike.
    """
    rows = np.arange(0, len(X), -(-len(X) // MOST_ROWS))
    y = Y[rows].astype(np.float64)
    varies = deviation > 0
    x = (X[rows][:, varies].astype(np.float64) - mean[varies]) / deviation[varies]
    x = np.clip(x, -columns.FARTHEST, columns.FARTHEST)
    distances = _distances(x)
    found = _nearest(distances)
    by_neighbours = y[found].mean(axis=1)
    by_ridge, by_kernel = _ridge(x, y), _kernel(distances / max(x.shape[1], 1), y)
    skills = {
        "nearest neighbours": skill(by_neighbours, y, decision),
        "ridge regression": skill(by_ridge, y, decision),
        "kernel ridge regression": skill(by_kernel, y, decision),
    }
    method = max(skills, key=lambda name: skills[name])
    return Reference(rows, by_neighbours, by_ridge, by_kernel, skills[method], method)


def classes_of(Y: Float64Array | Array, decision: str | None) -> NDArray[np.int64] | None:
    """The class of each row by its targets or by the outputs: of one of K, or of one yes or no; else None."""
    if decision == "argmax":
        return Y.argmax(axis=1)
    if decision == "threshold" and Y.shape[1] == 1:
        return (Y[:, 0] >= 0.5).astype(np.int64)
    return None


def skill(predicted: Float64Array, Y: Array, decision: str | None) -> float:
    """From 0 for the best constant answer to 1; not below -1. NaN where every answer is the same."""
    classes = classes_of(Y, decision)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if classes is not None:
            right = _right(predicted, classes, decision)
            largest = float(np.bincount(classes).max() / len(classes))
            return (right - largest) / (1 - largest) if largest < 1 else float("nan")
        if decision == "threshold":
            yes = Y >= 0.5
            right_each = np.equal(predicted >= 0.5, yes).mean(axis=0)
            most = np.maximum(yes.mean(axis=0), 1 - yes.mean(axis=0))
            each = (right_each - most)[most < 1] / (1 - most[most < 1])
        else:
            spread = Y.var(axis=0, dtype=np.float64)
            off = ((predicted - Y) ** 2).mean(axis=0, dtype=np.float64)
            each = 1 - off[spread > 0] / spread[spread > 0]
        each = np.nan_to_num(each, nan=-1.0, posinf=-1.0, neginf=-1.0)
    return float(np.maximum(each, -1.0).mean()) if len(each) else float("nan")


def _right(predicted: Float64Array, classes: NDArray[np.int64], decision: str | None) -> float:
    answers = classes_of(predicted, decision)
    assert answers is not None
    return float(np.equal(answers, classes).mean())


def standard_error(predicted: Float64Array, Y: Array, decision: str | None) -> float:
    """Of the skill: how far that of other rows as many as these would lie from it."""
    classes = classes_of(Y, decision)
    if classes is not None:
        right = _right(predicted, classes, decision)
        largest = float(np.bincount(classes).max() / len(classes))
        right = min(max(right, 1 / (len(Y) + 2)), 1 - 1 / (len(Y) + 2))  # nobody is right for certain
        return float(np.sqrt(right * (1 - right) / len(Y)) / (1 - largest)) if largest < 1 else float("nan")
    spread = np.maximum(Y.var(axis=0, dtype=np.float64), np.finfo(np.float64).tiny)
    if decision == "threshold":
        each = np.not_equal(predicted >= 0.5, Y >= 0.5).mean(axis=1)
        return float(each.std() / np.sqrt(len(Y)) / max(float(np.sqrt(spread).mean()), 1e-12))
    with np.errstate(over="ignore", invalid="ignore"):
        off, own = (predicted - Y) ** 2 / spread, (Y - Y.mean(axis=0)) ** 2 / spread
        each = (off - off.mean(axis=0) * own).mean(axis=1)  # of a quotient of two means, to first order
    return float(each.std() / np.sqrt(len(Y)))


def _distances(x: Float64Array) -> Float64Array:
    """Squares of the distances between rows, (rows, rows); infinite from a row to itself."""
    squares = np.einsum("ij,ij->i", x, x)
    distances: Float64Array = squares[:, np.newaxis] + squares - 2 * x @ x.T
    np.fill_diagonal(distances, np.inf)
    return distances


def _nearest(distances: Float64Array) -> IndexArray:
    """The rows nearest to each, itself left out, (rows, 10)."""
    k = min(NEIGHBOURS, len(distances) - 1)
    return (
        np.argpartition(distances, min(k, len(distances) - 1), axis=1)[:, :k]
        if k > 0
        else np.zeros((len(distances), 1), dtype=np.int64)
    )


def _ridge(x: Float64Array, y: Float64Array) -> Float64Array:
    """Each row's prediction by the others: ŷ_i - (y_i - ŷ_i) h_i/(1 - h_i), h the hat matrix's diagonal."""
    left, values, _ = (
        np.linalg.svd(x, full_matrices=False) if x.shape[1] else (np.zeros((len(x), 0)), np.zeros(0), None)
    )
    centred = y - y.mean(axis=0)
    best, least = np.tile(y.mean(axis=0), (len(y), 1)), np.inf
    for penalty in PENALTIES:
        shrunk = values**2 / (values**2 + penalty * max(x.shape[1], 1))
        h = 1 / len(x) + np.einsum("ij,j,ij->i", left, shrunk, left)
        fitted = y.mean(axis=0) + left @ (shrunk[:, np.newaxis] * (left.T @ centred))
        predicted = y - (y - fitted) / np.maximum(1 - h, 1e-9)[:, np.newaxis]
        if (error := float(((predicted - y) ** 2).mean())) < least:
            best, least = predicted, error
    return best


def _kernel(distances: Float64Array, y: Float64Array) -> Float64Array:
    """Each row's prediction by the others: y_i - (P y)_i / P_ii, P = (K + penalty·1)⁻¹, K = exp(-d² / (2 width²)).

    The kernel and the penalty with the least left-out error are taken. In float32: the penalty bounds the condition.
    """
    from scipy.linalg import lapack

    centred = (y - y.mean(axis=0)).astype(np.float32)
    best, least = np.tile(y.mean(axis=0), (len(y), 1)), np.inf
    for width, penalty in KERNELS:
        K = np.exp(np.maximum(distances, 0) / (-2 * width)).astype(np.float32)
        np.fill_diagonal(K, 1 + penalty)
        lower, _ = lapack.spotrf(K, lower=1, clean=1, overwrite_a=1)
        inverse, _ = lapack.strtri(lower, lower=1)  # P = L⁻ᵀ L⁻¹ of K = L Lᵀ: its diagonal takes no product
        apart = inverse.T @ (inverse @ centred) / np.einsum("ki,ki->i", inverse, inverse)[:, np.newaxis]
        predicted = y - apart.astype(np.float64)
        if (error := float(((predicted - y) ** 2).mean())) < least:
            best, least = predicted, error
    return best
