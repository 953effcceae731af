"""The scores, held against scikit-learn's own and against numbers counted by hand."""

import numpy as np
import pytest
from sklearn import metrics

import backlit as bl
from backlit.cli import scores
from backlit.data.encoding import Encoding

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 2))


def of_classes(names, outputs=None, output="softmax", seed=0):
    outputs = outputs or len(names)
    encoding = Encoding(("a", "b"), np.zeros(2), np.ones(2), "classes", "y", outputs, names)
    return bl.Model(bl.Network([2, 8, outputs], activation="tanh", output=output, seed=seed), encoding)


def of_numbers(outputs):
    encoding = Encoding(
        ("a", "b"), np.zeros(2), np.ones(2), "numbers", "y", outputs,
        target_offset=np.full(outputs, 5.0), target_scale=np.full(outputs, 3.0),
    )  # fmt: skip
    return bl.Model(bl.Network([2, 8, outputs], activation="tanh", seed=1), encoding)


def test_classes_as_scikit_learn_has_them():
    model = of_classes(("x", "y", "z"))
    truth = np.array(["x", "y", "z"])[RNG.choice(3, size=90, p=[0.6, 0.3, 0.1])]
    found = scores.of(model, X, truth)
    answers, p = model.predict(X), model.predict_proba(X)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answers), rel=1e-12)
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, answers), rel=1e-12)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, p, labels=["x", "y", "z"]), rel=1e-12)
    assert list(found) == ["accuracy", "balanced_accuracy", "log_loss"]


@pytest.mark.parametrize(("outputs", "output"), [(1, "sigmoid"), (2, "softmax")])
def test_two_classes(outputs, output):
    model = of_classes((3, 7), outputs, output)
    truth = RNG.choice([3, 7], size=90)
    found = scores.of(model, X, truth)
    p = model.predict_proba(X)[np.arange(90), (truth == 7).astype(int)]
    assert found["accuracy"] == ((p > 0.5).mean())
    assert found["log_loss"] == pytest.approx(-np.log(p).mean(), rel=1e-9)  # in float64 from the same outputs
    assert found["balanced_accuracy"] == pytest.approx(np.mean([(p > 0.5)[truth == k].mean() for k in (3, 7)]))


def test_rows_of_one_class_alone():
    model = of_classes(("x", "y", "z"))
    found = scores.of(model, X[:10], ["z"] * 10)
    assert found["accuracy"] == found["balanced_accuracy"]
    assert found["log_loss"] > 0


def test_a_probability_of_0_is_no_infinity():
    model = of_classes((0, 1))
    model.network.layer(3).b[...] = [200, -200]
    found = scores.of(model, X, np.ones(90, dtype=int))
    assert found["accuracy"] == 0
    assert 10 < found["log_loss"] < np.inf


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers_in_their_own_units(outputs):
    model = of_numbers(outputs)
    truth = RNG.normal(100, 50, size=(90, outputs))
    found = scores.of(model, X, truth)
    errors = model.outputs(X).astype(np.float64) * 3 + 5 - truth
    assert found["rmse"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-9)
    assert found["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-9)
    share = 1 - (errors**2).sum(axis=0) / ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    assert found["r2"] == pytest.approx(share.mean(), rel=1e-9)


def test_a_single_number_has_no_r2():
    assert set(scores.of(of_numbers(1), X[:1], [3.0])) == {"rmse", "mae"}


@pytest.mark.parametrize("outputs", [1, 3])
def test_labels(outputs):
    encoding = Encoding(("a", "b"), np.zeros(2), np.ones(2), "labels", "y", outputs)
    model = bl.Model(bl.Network([2, 8, outputs], activation="tanh", output="sigmoid", seed=2), encoding)
    truth = RNG.integers(0, 2, size=(90, outputs))
    right = (model.outputs(X) >= 0.5) == (truth == 1)
    found = scores.of(model, X, truth)
    assert found == {"exact_match": right.all(axis=1).mean(), "label_accuracy": right.mean()}


def test_an_unknown_class_is_named():
    with pytest.raises(bl.DataError, match=r"unknown class 'w' in row 2.*known: 'x', 'y'"):
        scores.of(of_classes(("x", "y")), X[:3], ["x", "y", "w"])


def test_other_columns_are_named():
    with pytest.raises(bl.DataError, match="3 columns"):
        scores.of(of_classes(("x", "y")), np.zeros((2, 3)), ["x", "y"])
