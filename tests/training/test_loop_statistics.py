"""An epoch's cost and accuracy come from the training passes themselves; the validation is a pass of its own."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.data.splits import VALIDATION, hold_out
from backlit.engines.reference import ReferenceEngine
from backlit.randomness import order_of_rows

RNG = np.random.default_rng(5)
X = RNG.normal(size=(30, 3))
LABELS = (X[:, 0] + 0.3 * RNG.normal(size=30) > 0.4).astype(int)
NUMBERS = np.stack([X[:, 0] - X[:, 1], np.abs(X[:, 2])], axis=1)
WEIGHTS = RNG.uniform(0, 2, 30)


class Counting(ReferenceEngine):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()

    def predict(self, *args: Any) -> Any:
        self.calls["predict"] += 1
        return super().predict(*args)

    def forward_pass(self, *args: Any) -> Any:
        self.calls["forward"] += 1
        return super().forward_pass(*args)

    def backward_pass(self, *args: Any) -> Any:
        self.calls["backward"] += 1
        return super().backward_pass(*args)

    def evaluate(self, *args: Any) -> Any:
        self.calls["evaluate"] += 1
        return super().evaluate(*args)

    def session(self, *args: Any) -> Any:
        self.calls["session"] += 1
        return super().session(*args)


def classifier() -> bl.Network:
    return bl.Network([3, 2], output="softmax", seed=1, dtype="float64")


def regressor() -> bl.Network:
    return bl.Network([3, 2], seed=1, dtype="float64")


def probabilities(net: bl.Network, X: np.ndarray) -> np.ndarray:
    e = np.exp(X @ net.layer(2).W.T + net.layer(2).b)
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("validated", [False, True])
def test_no_extra_pass_is_made_over_the_training_rows(validated: bool) -> None:
    engine = Counting()
    options = {"validation": (X[:5], LABELS[:5])} if validated else {}
    bl.train(classifier(), X, LABELS, engine=engine, epochs=4, batch_size=7, progress=False, **options)
    assert engine.calls == ({"session": 1, "evaluate": 4} if validated else {"session": 1})


def test_cost_and_accuracy_are_weighted_means_of_each_batch_before_its_update() -> None:
    net, rate = classifier(), 0.5
    run = bl.train(
        net, X, LABELS, optimizer=bl.optimizers.SGD(rate), batch_size=8, epochs=1, sample_weight=WEIGHTS, progress=False
    )
    twin, costs, hits = classifier(), 0.0, 0.0
    order = order_of_rows(0, 0, 30)
    for start in range(0, 30, 8):
        rows = order[start : start + 8]
        a, w = probabilities(twin, X[rows]), WEIGHTS[rows]
        costs += w @ -np.log(a[np.arange(len(rows)), LABELS[rows]])
        hits += w @ (a.argmax(axis=1) == LABELS[rows])
        delta = (a - np.eye(2)[LABELS[rows]]) * (w * 30 / WEIGHTS.sum())[:, None] / len(rows)
        twin.layer(2).W[...] -= rate * delta.T @ X[rows]
        twin.layer(2).b[...] -= rate * delta.sum(axis=0)
    np.testing.assert_allclose(net.parameters, twin.parameters, rtol=1e-12)
    assert run.history[0].cost == pytest.approx(costs / WEIGHTS.sum(), rel=1e-12)
    assert run.history[0].accuracy == pytest.approx(hits / WEIGHTS.sum(), rel=1e-12)
    after = WEIGHTS @ -np.log(probabilities(net, X)[np.arange(30), LABELS]) / WEIGHTS.sum()
    assert abs(run.history[0].cost - after) > 1e-2  # so it was not measured at the epoch's end


def test_a_batch_of_rows_without_weight_changes_nothing_and_counts_nothing() -> None:
    weights = np.zeros(30)
    weights[order_of_rows(0, 0, 30)[8:16]] = 1.0  # of the first epoch's batches all but the second weigh 0
    net = classifier()
    run = bl.train(
        net, X, LABELS, optimizer=bl.optimizers.SGD(0.5), batch_size=8, epochs=1, sample_weight=weights, progress=False
    )
    a = probabilities(classifier(), X)
    assert run.history[0].cost == pytest.approx(-(weights @ np.log(a[np.arange(30), LABELS])) / 8, rel=1e-12)


def test_the_validation_is_measured_after_the_epoch_without_dropout_and_without_penalty() -> None:
    net = bl.Network([3, 5, 2], activation="tanh", output="softmax", dropout=0.5, dtype="float64")
    V, v = X[:9], LABELS[:9]
    run = bl.train(net, X[9:], LABELS[9:], validation=(V, v), l2=5.0, epochs=3, batch_size=4, progress=False)
    hidden = np.tanh(V @ net.layer(2).W.T + net.layer(2).b)
    e = np.exp(hidden @ net.layer(3).W.T + net.layer(3).b)
    a = e / e.sum(axis=1, keepdims=True)
    last = run.history[-1]
    assert last.validation_cost == pytest.approx(-np.log(a[np.arange(9), v]).mean(), rel=1e-12)
    assert last.validation_accuracy == pytest.approx((a.argmax(axis=1) == v).mean(), rel=1e-12)
    assert last.validation_r2 is None


def test_numbers_are_judged_by_r2() -> None:
    net = regressor()
    run = bl.train(net, X[9:], NUMBERS[9:], validation=(X[:9], NUMBERS[:9]), epochs=2, progress=False)
    a = X[:9] @ net.layer(2).W.T + net.layer(2).b
    left = ((NUMBERS[:9] - a) ** 2).sum(axis=0)
    spread = ((NUMBERS[:9] - NUMBERS[:9].mean(axis=0)) ** 2).sum(axis=0)
    last = run.history[-1]
    assert last.validation_r2 == pytest.approx((1 - left / spread).mean(), rel=1e-12)
    assert last.accuracy is None
    assert last.validation_accuracy is None


def test_a_share_is_held_out_stratified_and_weighted_and_never_trained_on() -> None:
    net, weights = classifier(), WEIGHTS.copy()
    run = bl.train(
        net, X, LABELS, validation=0.3, sample_weight=weights, epochs=2, batch_size=4, seed=4, l2=1.0, progress=False
    )
    train, held_out = run.train_rows, run.validation_rows
    assert sorted([*train, *held_out]) == list(range(30))
    assert len(held_out) == 9
    np.testing.assert_array_equal(held_out, hold_out(LABELS, 0.3, seed=4, which=VALIDATION, stratify=True)[1])
    assert abs(LABELS[held_out].sum() - 0.3 * LABELS.sum()) < 1

    other, changed = classifier(), X.copy()
    changed[held_out] = 99.0
    again = bl.train(
        other, changed, LABELS, validation=0.3, sample_weight=weights, epochs=2, batch_size=4, seed=4, l2=1.0,
        progress=False,
    )  # fmt: skip
    np.testing.assert_array_equal(other.parameters, net.parameters)
    assert again.history["validation_cost"] != run.history["validation_cost"]

    alone = classifier()  # what it trains on is those rows, with w̃ of mean 1 over them and n their weight
    bl.train(
        alone, X[train], LABELS[train], sample_weight=weights[train], epochs=2, batch_size=4, seed=4, l2=1.0,
        progress=False,
    )  # fmt: skip
    np.testing.assert_array_equal(alone.parameters, net.parameters)

    w, a = weights[held_out], probabilities(net, X[held_out])
    cost = w @ -np.log(a[np.arange(9), LABELS[held_out]]) / w.sum()
    assert run.history[-1].validation_cost == pytest.approx(cost, rel=1e-12)
    assert not np.array_equal(
        bl.train(classifier(), X, LABELS, validation=0.3, epochs=1, seed=5, progress=False).validation_rows, held_out
    )


@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_the_scale_of_the_weights_drops_out_of_the_validation(scale: float) -> None:
    """float32 holds neither of these."""

    def run(weights: np.ndarray) -> float:
        net = bl.Network([3, 2], output="softmax", seed=1)
        return bl.train(net, X, LABELS, sample_weight=weights, validation=0.3, epochs=1).history[0].validation_cost

    assert run(scale * WEIGHTS) == pytest.approx(run(WEIGHTS), rel=1e-5)


def test_class_weights_are_for_training_rows_alone() -> None:
    net = classifier()
    run = bl.train(net, X, LABELS, validation=(X[:9], LABELS[:9]), class_weight={1: 50.0}, epochs=1, progress=False)
    a = probabilities(net, X[:9])
    assert run.history[0].validation_cost == pytest.approx(-np.log(a[np.arange(9), LABELS[:9]]).mean(), rel=1e-12)


def test_what_counts_as_right_is_what_the_training_targets_say() -> None:
    """Several labels a row; that the few validation rows have one each does not make it a choice of one."""
    labels = np.array([[1, 1], [0, 0], [1, 0], [0, 1]], float)
    net = bl.Network([1, 2], output="sigmoid", dtype="float64")
    net.parameters[:] = [0, 0, 2, 1]  # answers both labels to every row: the first a little more
    tiny = bl.optimizers.SGD(1e-9)
    run = bl.train(
        net, [[0.0]] * 4, labels, validation=([[0.0]], [[1.0, 0.0]]), epochs=1, optimizer=tiny, progress=False
    )
    assert run.history[0].accuracy == 0.25
    assert run.history[0].validation_accuracy == 0.0


def test_a_validation_that_is_not_a_number_does_not_stop_a_training_and_is_never_the_best(tmp_path: Any) -> None:
    """An outlier among the validation rows overflows; a checkpoint still holds the history."""
    net = bl.Network([3, 4, 2], output="softmax", seed=0)
    outlier = np.full((2, 3), 3e38)
    run = bl.train(
        net, X, LABELS, validation=(outlier, [0, 1]), early_stopping=2, epochs=9, progress=False,
        checkpoint=tmp_path / "c",
    )  # fmt: skip
    assert np.isnan(run.history["validation_cost"]).all()
    assert run.best_epoch is None
    assert run.stopped == "early stopping: no better validation_cost in 2 epochs"
    again = bl.train(
        net, X, LABELS, validation=(outlier, [0, 1]), early_stopping=2, epochs=9, progress=False,
        checkpoint=tmp_path / "c", resume=True,
    )  # fmt: skip
    assert np.isnan(again.history["validation_cost"]).all()
    assert len(again.history) == 2
