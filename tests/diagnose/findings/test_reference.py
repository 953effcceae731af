"""What simple methods reach: held against scikit-learn leaving rows out one by one."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor

import backlit as bl
from backlit.diagnose.findings.reference import KERNELS, reference, skill, standard_error


@pytest.fixture(scope="module")
def wine():
    X, y = bl.data.load("wine")
    X = np.asarray(X, dtype=float)
    x = np.clip((X - X.mean(0)) / X.std(0), -5, 5)
    return X, x, np.eye(3)[y], reference(X, np.eye(3)[y], "argmax", X.mean(0), X.std(0))


def test_neighbours_are_scikit_learns(wine):
    _, x, Y, found = wine
    theirs = cross_val_predict(KNeighborsRegressor(10), x, Y, cv=LeaveOneOut())
    assert found.neighbours == pytest.approx(theirs)


def test_ridge_is_scikit_learns_left_out_one_by_one(wine):
    """One of the penalties fits; their centring is anew without each row, ours of all of them: a per mille."""
    _, x, Y, found = wine
    off = [
        np.abs(cross_val_predict(Ridge(penalty * x.shape[1]), x, Y, cv=LeaveOneOut()) - found.ridge).max()
        for penalty in (1e-2, 1.0, 1e2)
    ]
    assert min(off) < 2e-3


def test_the_best_method_counts(wine):
    _, _, Y, found = wine
    each = [skill(answer, Y, "argmax") for answer in (found.neighbours, found.ridge, found.kernel)]
    assert found.skill == max(each) > 0.9


def test_skill_of_classes_of_numbers_and_of_labels():
    y = np.array([0, 0, 0, 1])
    constant, right = np.eye(2)[[0, 0, 0, 0]], np.eye(2)[y]
    assert skill(constant, np.eye(2)[y], "argmax") == 0
    assert skill(right, np.eye(2)[y], "argmax") == 1
    assert skill(np.full((4, 1), 0.2), y[:, np.newaxis], "threshold") == 0
    rng = np.random.default_rng(0)
    Y, answer = rng.normal(size=(2, 50, 2))
    assert skill(Y + 0.1 * answer, Y, None) == pytest.approx(r2_score(Y, Y + 0.1 * answer))
    assert skill(100 * answer, Y, None) == -1
    assert np.isnan(skill(right, np.eye(2)[[0, 0, 0, 0]], "argmax"))
    labels = (Y > 0).astype(float)
    said = (Y + answer > 0).astype(float)
    right = (said == labels).mean(0)
    most = np.maximum(labels.mean(0), 1 - labels.mean(0))
    assert skill(said, labels, "threshold") == pytest.approx(((right - most) / (1 - most)).mean())
    assert balanced_accuracy_score(labels[:, 0], said[:, 0]) > 0.5


@pytest.mark.parametrize("decision", ["argmax", None])
def test_the_standard_error_is_the_spread_over_samples(decision):
    """Of 300 samples of 200 rows: a deviation of 300 numbers is known to 4 %; of classes the formula leaves out that
    the share of the largest varies too.
    """
    rng = np.random.default_rng(1)
    skills, errors = [], []
    for _ in range(300):
        if decision:
            y = rng.integers(0, 3, 200)
            said = np.where(rng.uniform(size=200) < 0.8, y, rng.integers(0, 3, 200))
            Y, answer = np.eye(3)[y], np.eye(3)[said]
        else:
            Y = rng.normal(size=(200, 1))
            answer = Y + 0.5 * rng.normal(size=(200, 1))
        skills.append(skill(answer, Y, decision))
        errors.append(standard_error(answer, Y, decision))
    assert np.mean(errors) == pytest.approx(np.std(skills), rel=0.25)


def test_kernel_ridge_leaves_each_row_out():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((70, 3))
    y = np.sin(2 * X[:, :1]) + 0.1 * rng.standard_normal((70, 1))
    found = reference(X, y, None, X.mean(axis=0), X.std(axis=0))
    x = (X - X.mean(axis=0)) / X.std(axis=0)
    squares = ((x[:, np.newaxis] - x) ** 2).mean(axis=2)
    tried = []
    for width, penalty in KERNELS:
        K, predicted = np.exp(-squares / (2 * width)), []
        for i in range(len(x)):
            others = np.delete(np.arange(len(x)), i)
            centred = y[others] - y.mean()  # the mean is that of all rows
            weights = np.linalg.solve(K[np.ix_(others, others)] + penalty * np.eye(len(others)), centred)
            predicted.append(y.mean() + K[i, others] @ weights)
        tried.append(np.array(predicted))
    best = min(tried, key=lambda of: ((of - y) ** 2).mean())
    # float32, with a condition of at most 70 / 0.1: some 700 times 6e-8
    np.testing.assert_allclose(found.kernel, best, atol=2e-4)
    assert found.method == "kernel ridge regression"
    assert found.skill == pytest.approx(1 - ((best - y) ** 2).mean() / y.var(), abs=1e-3)
