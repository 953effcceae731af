"""What a column knows by itself, beside scikit-learn's nearest neighbours."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsRegressor

import backlit as bl
from backlit.diagnose.findings.alone import skills


def test_of_numbers_near_what_neighbours_in_one_column_explain():
    X, y = bl.data.load("diabetes")
    y = np.asarray(y, dtype=float).reshape(-1, 1)
    found = skills(X, y, None)
    for column in (2, 8):  # body mass and blood pressure, which know most
        r2 = cross_val_score(KNeighborsRegressor(4), X[:, [column]], y[:, 0], cv=40, scoring="neg_mean_squared_error")
        assert found[column] == pytest.approx(1 + r2.mean() / y.var(), abs=0.15)


def test_rows_in_the_order_of_their_classes_do_not_tell_one_another():
    X = np.zeros((300, 1))
    y = np.repeat([0, 1, 2], 100)
    assert abs(skills(X, np.eye(3)[y], "argmax")[0]) < 0.3


def test_a_class_in_plain_sight():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, 500)
    X = np.stack([y + 0.01 * rng.normal(size=500), rng.normal(size=500)], axis=1)
    told, noise = skills(X, np.eye(10)[y], "argmax")
    assert told > 0.97
    assert abs(noise) < 0.2
