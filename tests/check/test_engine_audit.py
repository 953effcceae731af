"""An engine against each equation in float64: the reference engine passes in both types, a wrong equation is named."""

from dataclasses import replace

import numpy as np
import pytest

import backlit as bl
from backlit.check.engine_audit import audit_engine
from backlit.engines import ENGINES
from backlit.engines.reference import ReferenceEngine
from backlit.objective import VALID_OUTPUTS

PAIRS = [(output, cost) for cost, outputs in VALID_OUTPUTS.items() for output in outputs]


class Broken(ReferenceEngine):
    name = "broken"

    def backward_pass(self, network, objective, X, Y, row_weights):
        backward = super().backward_pass(network, objective, X, Y, row_weights)
        delta = {**backward.errors.delta, 2: backward.errors.delta[2] * np.float32(1.001)}
        return replace(backward, errors=replace(backward.errors, delta=delta))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_the_reference_engine_is_right(output, cost, dtype):
    rng = np.random.default_rng(1)
    net = bl.Network([5, 7, 6, 3], activation=["gelu", "elu"], output=output, seed=2, dtype=dtype)
    X = rng.standard_normal((20, 5)) * 3
    Y = np.eye(3)[rng.integers(0, 3, 20)]
    report = audit_engine(net, X, Y, "reference", cost=cost, l2=0.3, sample_weight=rng.random(20))
    assert report.passed, str(report)
    assert len(report.quantities) == 2 * 3 + 1 + 3 * 3


def test_a_wrong_equation_is_named():
    X, y = bl.data.load("iris")
    report = audit_engine(bl.Network([4, 5, 3], activation="tanh", output="softmax"), X[:9], y[:9], Broken())
    assert (report.first_failure.quantity, report.first_failure.layer) == ("delta", 2)
    assert "BP2, error of a hidden layer, at layer 2" in str(report)


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_there_is(name):
    network, (X, y) = bl.Network([64, 20, 10], output="softmax"), bl.data.load("digits")
    if why_not := ENGINES[name].unsupported(network):
        pytest.skip(why_not)
    assert audit_engine(network, X[:50], y[:50], name).passed
