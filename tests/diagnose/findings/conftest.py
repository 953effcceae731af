"""Small trainings, and what is found in them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import backlit as bl


@dataclass
class Case:
    """One training and its diagnosis."""

    net: Any
    X: Any
    y: Any
    run: Any
    lens: Any
    diagnosis: Any

    @property
    def rules(self):
        return [finding.rule for finding in self.diagnosis.findings]

    def finding(self, rule):
        found = {finding.rule: finding for finding in (*self.diagnosis.findings, *self.diagnosis.notes)}
        assert rule in found, f"{rule} is not among {list(found)}"
        return found[rule]

    def reason(self, rule):
        return {one.rule: one.reason for one in self.diagnosis.not_judged}[rule]


def blobs(rows=300, columns=6, classes=3, seed=0):
    """Classes that any network learns: normal clouds around centres that lie apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    return 1.5 * rng.normal(size=(classes, columns))[y] + 0.5 * rng.normal(size=(rows, columns)), y


@pytest.fixture(scope="session")
def digits():
    X, y = bl.data.load("digits")
    return np.asarray(X[:600], dtype=np.float64), y[:600]


@pytest.fixture
def data():
    return blobs()


@pytest.fixture
def diagnosed():
    """Trains a network on clouds, or on what is given, and diagnoses it."""

    def of(
        X=None,
        y=None,
        *,
        hidden=(16,),
        output="softmax",
        change=None,
        lens=True,
        network=(),
        thresholds=None,
        **options,
    ):
        if X is None:
            X, y = blobs()
        outputs = options.pop("outputs", int(np.max(y)) + 1 if output == "softmax" else 1)
        net = bl.Network([np.shape(X)[1], *hidden, outputs], output=output, seed=1, dtype="float64", **dict(network))
        if change is not None:
            change(net)
        watching = bl.Lens()
        run = None
        settings = {"epochs": 20, "learning_rate": 0.01, "batch_size": 32, "validation": 0.2} | options
        try:
            run = bl.train(net, X, y, callbacks=[watching] if lens else [], **settings)
        except bl.DivergenceError:
            assert lens
        given = {"lens": watching} if run is None else {"run": run}
        found = bl.diagnose(net, X, y, **given)
        return Case(net, X, y, run, watching, found)

    return of
