"""The scores that commands report are those of an evaluation."""

import numpy as np

import backlit as bl
from backlit import metrics
from backlit.cli import scores
from backlit.data.encoding import Encoding


def test_they_are_those_of_the_evaluation():
    X = np.random.default_rng(0).normal(size=(40, 2))
    encoding = Encoding(("a", "b"), np.zeros(2), np.ones(2), "classes", "y", 2, ("no", "yes"))
    model = bl.Model(bl.Network([2, 4, 2], output="softmax", seed=0), encoding)
    truth = np.where(X[:, 0] > 0, "yes", "no")
    assert scores.of(encoding, model.outputs(X), truth) == metrics.evaluate(model, X, truth).scores
