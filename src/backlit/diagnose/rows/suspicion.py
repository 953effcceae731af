"""How likely a row's label is wrong: by what the networks think of the row, and how labels go wrong in this data.

P(k), the probability that the row is of class k, is a geometric mean of three opinions that weigh the same: of the
networks that trained with the row, of those that never saw it, and of the row's nearest neighbours. How labels go wrong
is T(k, j), the share of the rows of class k that carry the label j. Then for a row labelled j

    P(its class is k | its label is j) ∝ P(k) T(k, j),   score = 1 - P(its class is j | its label is j).

T is found from the same opinions, by turns: T from the rows' classes, the classes from T (expectation maximisation,
after Dawid & Skene, *Maximum likelihood estimation of observer error-rates using the EM algorithm*, 1979). Without T
the score is what is left of the label's own probability, whether labels often slip from the other class or never.
"""

import numpy as np
from numpy.typing import NDArray

from backlit.diagnose.rows.dynamics import Dynamics
from backlit.notation import Float64Array

SMOOTHING = 0.1
"""Each way of going wrong is drawn by a tenth towards the mean of all of them: a single row sets no rule."""

DOUBT = 0.3
"""Of a row in each class, labelled wrongly whatever the data say: with few rows, none seen is not none there."""

TURNS = 20
START_RATE = 0.05
"""Share of wrong labels that the first turn takes for granted."""

CERTAIN = 1e-12
"""The least probability a class is left with, so that the most suspicious rows still differ."""

CLEARLY_WRONG = 0.02
"""A row to whose label networks that never saw it give less takes no part in the second round."""


def opinions_of_rows(dynamics: Dynamics) -> Float64Array:
    """The mean opinion on each row, (rows, n_L): half from networks that trained with it, half from the others."""
    outside = dynamics.outside / np.maximum(dynamics.outside_count, 1)[:, np.newaxis]
    inside = dynamics.inside / np.maximum(dynamics.inside_count, 1)[:, np.newaxis]
    trained_with = (dynamics.inside_count > 0)[:, np.newaxis]
    return np.where(trained_with, (outside + inside) / 2, outside)


def probabilities(opinions: Float64Array, decision: str) -> Float64Array:
    """P(k), (rows, K), rows summing to 1 (classes); or P(yes) of each label, (rows, n_L).

    Of classes the geometric means of the networks' probabilities over their sum; of labels likewise, yes against no.
    """
    if decision == "argmax":
        powers = np.exp(opinions - opinions.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    yes: Float64Array = 1 / (1 + np.exp(-opinions))
    return yes


def wrong_labels(P: Float64Array, labels: NDArray[np.int64]) -> tuple[Float64Array, Float64Array]:
    """Of each row the probability that its label is wrong, and T, from P (rows, K) and the labels (rows,).

    Returns:
        (rows,) and T of shape (K, K), rows summing to 1: T[k, j] is the share of class k that is labelled j.

    >>> P = np.array([[0.99, 0.01]] * 9 + [[0.01, 0.99]] * 9)
    >>> labels = np.array([1] + [0] * 8 + [1] * 9)
    >>> score, T = wrong_labels(P, labels)
    >>> int(score.argmax()), bool(score[0] > 0.5), bool(T[0, 1] > T[1, 0])
    (0, True, True)
    """
    rows, K = P.shape
    P = np.maximum(P, CERTAIN)
    T = np.full((K, K), START_RATE / max(K - 1, 1))
    np.fill_diagonal(T, 1 - START_RATE)
    odds = np.arange(rows)
    for _ in range(TURNS):
        posterior = P * T[:, labels].T
        posterior /= posterior.sum(axis=1, keepdims=True)
        T = _transitions(posterior, labels)
    right = posterior[odds, labels]
    posterior[odds, labels] = 0
    wrong: Float64Array = posterior.sum(axis=1) / (posterior.sum(axis=1) + right)
    return wrong, T


def _transitions(posterior: Float64Array, labels: NDArray[np.int64]) -> Float64Array:
    """T from the probability of each row's classes."""
    K = posterior.shape[1]
    counts = np.zeros((K, K))  # of label j: how many rows are of class k
    np.add.at(counts, labels, posterior)
    counts = counts.T
    wrong = ~np.eye(K, dtype=bool)
    mean = counts[wrong].sum() / max(wrong.sum(), 1)
    counts[wrong] = (counts[wrong] + SMOOTHING * mean) / (1 + SMOOTHING) + DOUBT / max(K - 1, 1)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.maximum(totals, CERTAIN), np.eye(K))


def residuals(opinions: Float64Array, Y: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Of numbers: the residual of each row and output, and how many robust standard deviations it is off, (rows, n_L).

    The scale of an output is 1.4826 times the median of |residual|: of normal residuals their standard deviation, and
    no outlier moves it.
    """
    off = Y - opinions
    scale = 1.4826 * np.median(np.abs(off), axis=0)
    return off, np.abs(off) / np.where(scale > 0, scale, 1)
