"""Rules about neurons through which nothing flows."""

import numpy as np
import pytest


def test_dead_units(diagnosed):
    def kill(net):
        net.layer(3).b[:11] = -100

    case = diagnosed(hidden=(16, 12), change=kill, epochs=5)
    finding = case.finding("dead-units")
    train = case.X[case.run.train_rows]
    a2 = np.maximum(train @ case.net.layer(2).W.T + case.net.layer(2).b, 0)
    z3 = a2 @ case.net.layer(3).W.T + case.net.layer(3).b
    dead = np.flatnonzero((z3 <= 0).all(0))
    assert finding.where.layers == (3,)
    assert finding.where.neurons == tuple(dead)
    assert finding.statistics["share"] == pytest.approx(len(dead) / 12)
    assert finding.since == 0
    assert "-100" in finding.why
    assert "dead-units" not in diagnosed(hidden=(16, 12)).rules


def test_dead_units_by_a_record_alone(diagnosed):
    import backlit as bl

    case = diagnosed(hidden=(16, 12), change=lambda net: net.layer(3).b.fill(-100), epochs=5)
    alone = {f.rule: f for f in bl.diagnose(lens=case.lens).findings}
    assert alone["dead-units"].statistics["share"] == 1
    assert alone["dead-units"].where.neurons == ()


def test_saturated_units(diagnosed):
    def widen(net):
        net.layer(2).W[...] *= 60

    options = {"hidden": (16,), "network": {"activation": "sigmoid"}, "learning_rate": 0.001}
    case = diagnosed(change=widen, **options)
    finding = case.finding("saturated-units")
    train = case.X[case.run.train_rows]
    layer = case.net.layer(2)
    a = 1 / (1 + np.exp(-(train @ layer.W.T + layer.b)))
    slope = a * (1 - a)
    assert finding.statistics["share"] == pytest.approx((slope < 0.05 * 0.25).mean())
    assert f"averages {slope.mean():.3g}" in finding.why
    assert finding.remedy.flags == ("--initializer", "auto")  # it was so at the first step
    assert "saturated-units" not in diagnosed(**options).rules
    assert "relu" not in diagnosed().reason("saturated-units")
