"""How likely a label is wrong: Bayes' rule, and what is known of how the labels were made wrong."""

import numpy as np
import pytest

from backlit.diagnose.rows import suspicion
from backlit.diagnose.rows.dynamics import Dynamics


def made_wrong(T, rows=20_000, seed=0):
    """Classes, honest opinions on them, and labels drawn by T: the opinions are the truth's own posterior."""
    rng = np.random.default_rng(seed)
    K = len(T)
    P = rng.dirichlet(np.full(K, 0.05), rows)
    classes = (rng.random(rows)[:, np.newaxis] > P.cumsum(axis=1)).sum(axis=1)
    labels = (rng.random(rows)[:, np.newaxis] > T[classes].cumsum(axis=1)).sum(axis=1)
    return P, classes, labels


PAIRS = np.array([[0.8, 0.2, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0.1, 0.9]])


def test_how_labels_go_wrong_is_found_and_scores_are_probabilities():
    P, classes, labels = made_wrong(PAIRS)
    score, T = suspicion.wrong_labels(P, labels)
    np.testing.assert_allclose(T, PAIRS, atol=0.03)  # 20,000 rows, smoothed by a tenth
    joint = P * PAIRS[:, labels].T  # Bayes, with the T that made them
    bayes = 1 - joint[np.arange(len(P)), labels] / joint.sum(axis=1)
    assert np.abs(score - bayes).mean() < 0.01
    for low, high in ((0.1, 0.3), (0.4, 0.6), (0.7, 0.9)):
        there = (score > low) & (score < high)
        share = (classes != labels)[there].mean()
        assert abs(share - score[there].mean()) < 4 * np.sqrt(0.25 / there.sum()) + 0.02  # 4 σ, and the smoothing


def test_a_way_in_which_labels_often_slip_is_more_suspicious():
    P, _, labels = made_wrong(PAIRS)
    P[:2], labels[:2] = [[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0]], 1
    score, _ = suspicion.wrong_labels(P, labels)
    assert score[0] > 0.1 > score[1]


def test_right_labels_are_left_alone():
    P, classes, _ = made_wrong(np.eye(4), rows=2000)
    score, T = suspicion.wrong_labels(P, classes)
    assert (score > 0.5).mean() < 0.001
    assert np.diag(T).min() > 0.98


def test_a_class_that_nobody_is_of():
    score, T = suspicion.wrong_labels(np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]]), np.array([0, 1]))
    assert np.isfinite(score).all()
    assert np.isfinite(T).all()


def test_probabilities_are_geometric_means():
    one, other = np.array([[0.7, 0.2, 0.1]]), np.array([[0.1, 0.6, 0.3]])
    mean = np.sqrt(one * other)
    found = suspicion.probabilities((np.log(one) + np.log(other)) / 2, "argmax")
    np.testing.assert_allclose(found, mean / mean.sum())
    p, q = 0.8, 0.3
    logit = (np.log(p / (1 - p)) + np.log(q / (1 - q))) / 2
    yes, no = np.sqrt(p * q), np.sqrt((1 - p) * (1 - q))
    np.testing.assert_allclose(suspicion.probabilities(np.array([[logit]]), "threshold"), [[yes / (yes + no)]])


def test_rows_that_no_network_trained_with_have_the_opinion_of_the_others():
    dynamics = Dynamics.empty(2, 3)
    dynamics.outside[...], dynamics.outside_count[...] = [[2.0, 4, 6], [3.0, 3, 3]], [2, 3]
    dynamics.inside[0], dynamics.inside_count[0] = [4.0, 4, 4], 1
    found = suspicion.opinions_of_rows(dynamics)
    np.testing.assert_allclose(found, [[2.5, 3, 3.5], [1, 1, 1]])


def test_residuals_are_scaled_by_what_no_outlier_moves():
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((5000, 1)) * 3
    Y[:100] += 1000
    off, scaled = suspicion.residuals(np.zeros_like(Y), Y)
    assert (off == Y).all()
    assert np.median(np.abs(Y)) * 1.4826 == pytest.approx(3, rel=0.05)
    np.testing.assert_allclose(scaled, np.abs(Y) / (np.median(np.abs(Y)) * 1.4826))
    _, same = suspicion.residuals(np.ones((4, 1)), np.ones((4, 1)))
    assert not same.any()
