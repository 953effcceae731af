"""Numbers that are none, and gradients that are wrong."""

import numpy as np
import pytest

import backlit as bl
from backlit.activations import Elementwise


class Wrong(Elementwise):
    """tanh with a slope that is not its own."""

    name = "wrong-tanh"

    def value(self, z):
        return np.tanh(z)

    def slope(self, z, a):
        return 1 - a


class Right(Wrong):
    """tanh."""

    name = "right-tanh"

    def slope(self, z, a):
        return 1 - a * a


def test_gradients_that_are_wrong(diagnosed):
    case = diagnosed(network={"activation": Wrong()}, hidden=(5,), epochs=4)
    finding = case.finding("gradient-check")
    assert case.diagnosis.first is finding
    report = bl.check(case.net, case.X[case.run.train_rows[:8]], case.y[case.run.train_rows[:8]])
    failed = sum(q.failed for q in report.quantities)
    decided = sum(q.failed + q.passed for q in report.quantities)
    assert finding.statistics["failed"] == pytest.approx(failed / decided)
    assert "'wrong-tanh' of layer 2" in finding.what
    right = diagnosed(network={"activation": Right()}, hidden=(5,), epochs=4)
    assert right.diagnosis.statistics["gradient-check"] == {"failed": 0.0}


def test_where_a_number_broke_off(diagnosed):
    case = diagnosed(optimizer="sgd", learning_rate=1e200, epochs=3)
    cause = case.lens.record.cause
    finding = case.finding("nan-source")
    assert finding.since == cause.where["step"]
    assert f"row {cause.where['row']}" in finding.what
    assert finding.where.layers == (cause.where["layer"],)
    W = cause.network.layer(cause.where["layer"]).W
    assert f"{np.abs(W[cause.where['neuron']]).max():.3g}" in finding.why
    assert diagnosed().diagnosis.statistics["nan-source"]["found"] == 0


def test_a_number_too_large_from_the_start_comes_first(diagnosed, data):
    X, y = data
    X[7] = 1.7e308
    case = diagnosed(X, y, validation=None)
    assert case.diagnosis.first.rule == "nan-source"
