"""Neighbours, against scikit-learn's."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from backlit.diagnose.rows import neighbours


def test_the_labels_of_the_nearest_are_counted_as_scikit_learn_finds_them(monkeypatch):
    monkeypatch.setattr(neighbours, "CHUNK", 64)
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((300, 6)), rng.integers(0, 4, 300)
    trusted = rng.random(300) < 0.9
    among = np.flatnonzero(trusted)
    found = neighbours.opinions(X, labels, 4, trusted)
    order = NearestNeighbors(n_neighbors=11).fit(X[among]).kneighbors(X, return_distance=False)
    for row in range(300):
        nearest = [among[i] for i in order[row] if among[i] != row][:10]
        counts = np.bincount(labels[nearest], minlength=4) + neighbours.DOUBT
        np.testing.assert_allclose(found[row], np.log(counts / counts.sum()))


def test_few_rows_and_many(monkeypatch):
    X = np.arange(4.0)[:, np.newaxis]
    few = np.exp(neighbours.opinions(X, np.array([0, 0, 0, 1]), 2, np.ones(4, dtype=bool)))
    np.testing.assert_allclose(few[3], [3.1 / 3.2, 0.1 / 3.2])  # all others have class 0
    monkeypatch.setattr(neighbours, "MOST", 20)
    many = neighbours.opinions(np.arange(100.0)[:, np.newaxis], np.repeat([0, 1], 50), 2, np.ones(100, dtype=bool))
    assert (many.argmax(axis=1)[[0, 99]] == [0, 1]).all()
