"""Rules about where the network starts."""

import numpy as np
import pytest


def scaled(factor):
    def change(net):
        for layer in net.layers:
            layer.W[...] *= factor

    return change


def test_symmetric_units(diagnosed):
    case = diagnosed(hidden=(8,), change=lambda net: net.parameters.fill(0.1))
    finding = case.finding("symmetric-units")
    W = case.net.layer(2).W
    assert np.allclose(W, W[0])
    assert case.diagnosis.first is finding
    assert finding.where.neurons == tuple(range(8))
    assert f"{np.linalg.norm(W):.3g}" in finding.why
    assert diagnosed(hidden=(8,)).diagnosis.statistics["symmetric-units"]["share"] == 0


def test_weights_of_zero_are_symmetric_too(diagnosed):
    case = diagnosed(change=lambda net: net.parameters.fill(0))
    assert case.diagnosis.first.rule == "symmetric-units"
    assert "which is no size" in case.reason("initialisation-too-small")


@pytest.mark.parametrize(
    ("rule", "factor", "statistic"),
    [("initialisation-too-small", 1e-3, "smallest"), ("initialisation-too-large", 20, "largest")],
)
def test_initialisation(diagnosed, rule, factor, statistic):
    start = {}

    def change(net):
        scaled(factor)(net)
        start.update({layer.number: layer.W.copy() for layer in net.layers})

    options = {"network": {"activation": "tanh"}, "hidden": (16, 16), "learning_rate": 0.0003}
    case = diagnosed(change=change, **options)
    finding = case.finding(rule)
    assert case.diagnosis.first is finding
    layer = finding.where.layers[0]
    W = start[layer]
    gain, glorot = np.linalg.norm(W) / np.sqrt(len(W)), np.sqrt(2 * W.shape[1] / sum(W.shape))
    assert finding.statistics[statistic] == pytest.approx(gain / glorot)
    assert f"{gain:.3g}" in finding.what
    assert finding.remedy.flags == ("--initializer", "auto")
    assert not {"initialisation-too-small", "initialisation-too-large"} & set(diagnosed(**options).rules)


def test_exploding_bias(diagnosed):
    case = diagnosed(change=lambda net: net.layer(2).b.fill(-30))
    finding = case.finding("exploding-bias")
    assert case.diagnosis.first is finding
    layer = case.net.layer(2)
    train = case.X[case.run.train_rows]
    b, weighted = np.sqrt((layer.b**2).mean()), np.sqrt(((train @ layer.W.T) ** 2).mean())
    assert finding.statistics["size"] == pytest.approx(b)
    assert finding.statistics["times"] == pytest.approx(b / weighted)
    assert f"{b:.3g}" in finding.what
    assert finding.since == 0
    assert "exploding-bias" not in diagnosed().rules
