"""Evaluations, held against scikit-learn's own and against numbers counted by hand."""

import numpy as np
import pytest
from sklearn import metrics

import backlit as bl
from backlit.data.encoding import Encoding
from backlit.metrics import Evaluation, evaluate, most_confused

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
    found = evaluate(model, X, truth).scores
    answers, p = model.predict(X), model.predict_proba(X)
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answers), rel=1e-12)
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, answers), rel=1e-12)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth, p, labels=["x", "y", "z"]), rel=1e-12)
    assert found["auc"] == pytest.approx(metrics.roc_auc_score(truth, p, multi_class="ovr"), rel=1e-12)
    assert list(found) == ["accuracy", "balanced_accuracy", "log_loss", "auc"]


@pytest.mark.parametrize(("outputs", "output"), [(1, "sigmoid"), (2, "softmax")])
def test_two_classes(outputs, output):
    model = of_classes((3, 7), outputs, output)
    truth = RNG.choice([3, 7], size=90)
    found = evaluate(model, X, truth).scores
    p = model.predict_proba(X)[np.arange(90), (truth == 7).astype(int)]
    assert found["accuracy"] == ((p > 0.5).mean())
    assert found["log_loss"] == pytest.approx(-np.log(p).mean(), rel=1e-9)  # in float64 from the same outputs
    assert found["balanced_accuracy"] == pytest.approx(np.mean([(p > 0.5)[truth == k].mean() for k in (3, 7)]))
    of_seven = np.where(truth == 7, p, 1 - p)
    pairs = of_seven[truth == 7][:, np.newaxis] - of_seven[truth == 3]
    assert found["auc"] == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2, rel=1e-12)  # Mann and Whitney's


def test_rows_of_one_class_alone():
    model = of_classes(("x", "y", "z"))
    found = evaluate(model, X[:10], ["z"] * 10).scores
    assert found["accuracy"] == found["balanced_accuracy"]
    assert found["log_loss"] > 0
    assert "auc" not in found


def test_the_auc_of_classes_of_which_there_are_rows():
    model = of_classes(("x", "y", "z"))
    truth = RNG.choice(["x", "z"], size=90)
    p = model.predict_proba(X)
    each = [metrics.roc_auc_score(truth == name, p[:, k]) for k, name in ((0, "x"), (2, "z"))]
    assert evaluate(model, X, truth).scores["auc"] == pytest.approx(np.mean(each), rel=1e-12)


def test_a_probability_of_0_is_no_infinity():
    model = of_classes((0, 1))
    model.network.layer(3).b[...] = [200, -200]
    found = evaluate(model, X, np.ones(90, dtype=int)).scores
    assert found["accuracy"] == 0
    assert 10 < found["log_loss"] < np.inf


@pytest.mark.parametrize("outputs", [1, 2])
def test_numbers_in_their_own_units(outputs):
    model = of_numbers(outputs)
    truth = RNG.normal(100, 50, size=(90, outputs))
    found = evaluate(model, X, truth).scores
    errors = model.outputs(X).astype(np.float64) * 3 + 5 - truth
    assert found["rmse"] == pytest.approx(np.sqrt((errors**2).mean(axis=0)).mean(), rel=1e-9)
    assert found["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-9)
    share = 1 - (errors**2).sum(axis=0) / ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    assert found["r2"] == pytest.approx(share.mean(), rel=1e-9)


def test_a_single_number_has_no_r2():
    assert set(evaluate(of_numbers(1), X[:1], [3.0]).scores) == {"rmse", "mae"}


@pytest.mark.parametrize("outputs", [1, 3])
def test_labels(outputs):
    encoding = Encoding(("a", "b"), np.zeros(2), np.ones(2), "labels", "y", outputs)
    model = bl.Model(bl.Network([2, 8, outputs], activation="tanh", output="sigmoid", seed=2), encoding)
    truth = RNG.integers(0, 2, size=(90, outputs))
    right = (model.outputs(X) >= 0.5) == (truth == 1)
    found = evaluate(model, X, truth).scores
    assert found == {"exact_match": right.all(axis=1).mean(), "label_accuracy": right.mean()}


def test_an_unknown_class_is_named():
    with pytest.raises(bl.DataError, match=r"unknown class 'w' in row 2.*known: 'x', 'y'"):
        evaluate(of_classes(("x", "y")), X[:3], ["x", "y", "w"])


def test_other_columns_are_named():
    with pytest.raises(bl.DataError, match="3 columns"):
        evaluate(of_classes(("x", "y")), np.zeros((2, 3)), ["x", "y"])


# --- by class


def test_the_confusion_matrix_counts_answers_to_each_class():
    model = of_classes(("x", "y", "z"))
    truth = np.array(["x", "y", "z"])[RNG.choice(3, size=90, p=[0.6, 0.3, 0.1])]
    found = evaluate(model, X, truth)
    answers = model.predict(X)
    for i, one in enumerate("xyz"):
        for j, other in enumerate("xyz"):
            assert found.confusion[i, j] == sum((truth == one) & (answers == other))
    assert found.to_dict() == {
        "scores": found.scores, "classes": ["x", "y", "z"], "confusion": found.confusion.tolist(),
        "by_class": found.by_class(),
    }  # fmt: skip


def test_precision_recall_and_f1_of_each_class():
    """By hand: of 4 rows of class 0, 3 are found, and of 5 answers 0, 3 are right; nobody says 2."""
    confusion = np.array([[3, 1, 0], [2, 4, 0], [0, 1, 0]])
    found = Evaluation("classes", "y", X, X, {}, ("a", "b", "c"), confusion).by_class()
    assert [each["class"] for each in found] == ["a", "b", "c"]
    assert [each["rows"] for each in found] == [4, 6, 1]
    assert [each["precision"] for each in found] == pytest.approx([3 / 5, 4 / 6, 0])
    assert [each["recall"] for each in found] == pytest.approx([3 / 4, 4 / 6, 0])
    assert [each["f1"] for each in found] == pytest.approx([2 / 3, 2 / 3, 0])


def test_what_is_no_class_has_nothing_by_class():
    found = evaluate(of_numbers(1), X, RNG.normal(size=90))
    assert (found.by_class(), found.confusion.size, set(found.to_dict())) == ([], 0, {"scores"})
    assert found.answers.shape == found.truth.shape == (90,)


def test_the_most_frequent_mistakes_come_first():
    confusion = np.array([[50, 2, 0], [7, 50, 1], [2, 0, 50]])
    assert most_confused(confusion) == [(1, 0, 7), (0, 1, 2), (2, 0, 2), (1, 2, 1)]
    assert most_confused(confusion, at_most=1) == [(1, 0, 7)]
    assert most_confused(np.eye(3, dtype=int)) == []
    assert confusion[0, 0] == 50
