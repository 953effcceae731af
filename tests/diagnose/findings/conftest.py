"""Small trainings, and what is found in them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import backlit as bl

PINNED = {
    "gradient-check": {"failed": 0.0},
    "nan-source": {"found": 0.5, "from_start": 10000000000.0},
    "unscaled-features": {"size": 8.0, "far": 50.0, "tiny": 0.05, "behind": 0.05},
    "dominating-feature": {"times": 15.0, "far": 200.0, "behind": 0.05},
    "constant-features": {"count": 0.5, "weight": 0.8, "far": 0.99, "behind": 0.05},
    "duplicated-features": {"count": 0.5, "weight": 0.5, "share": 0.4, "behind": 0.05},
    "unscaled-targets": {"size": 8.0, "deviation": 0.05, "behind": 0.05},
    "label-noise": {"contradicted": 0.03},
    "class-imbalance": {"rare": 0.5, "imbalance": 4.0, "recall": 0.6, "common": 0.8, "notable": 4.0},
    "leakage": {"alone": 0.97, "left": 0.3},
    "dominating-rows": {"share": 0.5, "out": 8.0, "far": 0.95, "behind": 0.05},
    "symmetric-units": {"share": 0.5, "behind": 0.05},
    "exploding-bias": {"times": 3.0, "size": 1.0, "start": 0.8, "early": 0.03, "behind": 0.05},
    "initialisation-too-small": {"mean": 0.2, "smallest": 0.05, "behind": 0.05},
    "initialisation-too-large": {"mean": 3.0, "largest": 8.0, "behind": 0.05},
    "cost-does-not-fit": {"stalled": 0.05, "behind": 0.05},
    "penalty-too-strong": {"pull": 0.5, "kept": 0.7, "behind": 0.05},
    "dropout-too-strong": {"p": 0.6, "behind": 0.05},
    "learning-rate-too-high": {"rise": 1.3, "early": 0.05, "far": 0.15, "late": 0.03, "diverged": 0.5, "behind": 0.05},
    "learning-rate-too-low": {"ratio": 0.0004, "path": 0.3, "alive": 0.4, "behind": 0.1},
    "batch-too-small": {"rows": 5.0, "falling": 0.1, "behind": 0.05},
    "batch-too-large": {"rows": 0.45, "steps": 200.0, "fewest": 60.0, "falling": 0.02, "behind": 0.05},
    "too-few-epochs": {"falling": 0.15, "late": 0.1, "path": 1.0, "behind": 0.1},
    "saturated-units": {"share": 0.5, "far": 0.95, "behind": 0.05},
    "dead-units": {"share": 0.4, "far": 0.95, "behind": 0.05},
    "vanishing-errors": {"slower": 15.0, "far": 10000.0, "from_start": 30.0, "behind": 0.05},
    "exploding-errors": {"faster": 30.0, "far": 10000.0, "from_start": 20.0, "behind": 0.05},
    "output-never-predicted": {"rows": 0.03, "from_start": 10.0},
    "overfitting": {"rise": 1.3, "errors": 3.0, "gap": 0.1, "wide": 0.15, "behind": 0.05},
    "underfitting": {"behind": 0.1, "from_start": 1.0, "reached": 0.2},
    "plateau": {"falling": 0.05, "reached": 0.2, "behind": 0.2, "converged": 0.95},
}  # fmt: skip
"""Thresholds as they once were: what a rule makes of its numbers is tested apart from where a calibration sets them."""


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
        pinned = {f"{rule}.{name}": value for rule, own in PINNED.items() for name, value in own.items()}
        found = bl.diagnose(net, X, y, thresholds=pinned, **given)
        return Case(net, X, y, run, watching, found)

    return of
