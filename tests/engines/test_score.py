"""The score of rows nobody trains on, against sums written out here."""

import numpy as np
import pytest

from backlit.engines import TrainingData
from backlit.engines.reference import CHUNK, ReferenceEngine
from backlit.engines.score import ScoreSums
from backlit.network import Network
from backlit.objective import choose

RNG = np.random.default_rng(3)


def score_of(data: TrainingData, a: np.ndarray, costs: np.ndarray, cut: int = 2):
    sums = ScoreSums(data)
    for start in range(0, data.rows, cut):
        rows = slice(start, start + cut)
        sums.add(rows, costs[rows], a[rows])
    return sums.score()


def test_classes_are_weighted_shares_and_costs_weighted_means() -> None:
    Y = np.eye(3)[[0, 1, 2, 1, 0]]
    a = np.eye(3)[[0, 2, 2, 1, 1]]  # right in rows 0, 2, 3
    w = np.array([1.0, 2.0, 0.5, 0.0, 4.0])
    costs = np.array([0.1, 0.7, 0.2, 9.0, 0.4])
    score = score_of(TrainingData(np.zeros((5, 1)), Y, w, "argmax"), a, costs)
    assert score.accuracy == pytest.approx(1.5 / 7.5, abs=1e-15)
    assert score.cost == pytest.approx((0.1 + 1.4 + 0.1 + 1.6) / 7.5, abs=1e-15)
    assert score.r2 is None


def test_labels_are_right_only_where_every_output_is() -> None:
    Y = np.array([[0, 1], [1, 1], [0, 0]], float)
    a = np.array([[0.2, 0.5], [0.9, 0.4], [0.1, 0.49]])
    score = score_of(TrainingData(np.zeros((3, 1)), Y, np.ones(3), "threshold"), a, np.zeros(3))
    assert score.accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize("cut", [1, 2, 3, 100])
def test_r2_is_the_mean_over_outputs_of_one_minus_unexplained_over_spread(cut: int) -> None:
    Y, a, w = RNG.normal(size=(9, 2)), RNG.normal(size=(9, 2)), RNG.uniform(0.1, 2, 9)
    score = score_of(TrainingData(np.zeros((9, 1)), Y, w, None), a, np.zeros(9), cut)
    by_output = []
    for k in range(2):
        mean = sum(w[i] * Y[i, k] for i in range(9)) / sum(w)
        left = sum(w[i] * (Y[i, k] - a[i, k]) ** 2 for i in range(9))
        by_output.append(1 - left / sum(w[i] * (Y[i, k] - mean) ** 2 for i in range(9)))
    assert score.accuracy is None
    assert score.r2 == pytest.approx(np.mean(by_output), rel=1e-13)


@pytest.mark.parametrize("rows", range(1, 12))
def test_r2_of_a_target_that_never_changes_is_none(rows: int) -> None:
    """Also where its mean is rounded off its one value, as that of 0.1 is."""
    w = RNG.uniform(0.1, 2, rows)
    data = TrainingData(np.zeros((rows, 1)), np.full((rows, 1), 0.1), w, None)
    assert score_of(data, np.zeros((rows, 1)), np.zeros(rows)).r2 is None


def test_r2_ignores_what_weighs_nothing() -> None:
    data = TrainingData(np.zeros((3, 1)), np.array([[0.1], [0.1], [5.0]]), np.array([1.0, 1.0, 0.0]), None)
    assert score_of(data, np.zeros((3, 1)), np.zeros(3)).r2 is None


def test_more_rows_than_a_chunk_score_as_one_pass_would() -> None:
    rows = 2 * CHUNK + 3
    X, w = RNG.normal(size=(rows, 3)), RNG.uniform(0, 2, rows)
    y = RNG.integers(0, 2, rows)
    net = Network([3, 4, 2], activation="tanh", output="softmax", seed=2, dtype="float64")
    score = ReferenceEngine().evaluate(net, choose("softmax"), TrainingData(X, np.eye(2)[y], w, "argmax"))

    hidden = np.tanh(X @ net.layer(2).W.T + net.layer(2).b)
    e = np.exp(hidden @ net.layer(3).W.T + net.layer(3).b)
    a = e / e.sum(axis=1, keepdims=True)
    # 1e-12: sums of 8195 terms in another order
    assert score.cost == pytest.approx(-(w @ np.log(a[np.arange(rows), y])) / w.sum(), rel=1e-12)
    assert score.accuracy == pytest.approx(w @ (a.argmax(axis=1) == y) / w.sum(), rel=1e-12)
