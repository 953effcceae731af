"""Rules about the objective."""

import numpy as np
import pytest


def test_a_cost_that_does_not_fit_its_output(diagnosed):
    def certain(net):
        net.layer(net.L).b[...] = [12, 0, 0]

    case = diagnosed(change=certain, cost="quadratic", epochs=3)
    finding = case.finding("cost-does-not-fit")
    rows = case.run.train_rows
    a = case.net.predict(case.X[rows])
    wrong = a.argmax(1) != case.y[rows]
    stuck = wrong & ((a * (1 - a)).max(1) < 0.05 * 0.25)
    assert finding.statistics["stalled"] == pytest.approx(stuck.mean())
    assert set(finding.where.rows) == set(rows[stuck])
    assert finding.remedy.flags == ("--cost", "cross-entropy")
    fitting = diagnosed(change=certain, epochs=3)
    assert fitting.diagnosis.statistics["cost-does-not-fit"]["stalled"] == 0


def test_a_penalty_that_is_too_strong(diagnosed):
    case = diagnosed(l2=500.0)
    finding = case.finding("penalty-too-strong")
    assert case.diagnosis.first is finding
    record = case.lens.record
    first = slice(0, case.run.steps_per_epoch)
    W = np.sqrt((record.weight_norm[first] ** 2).sum(1))
    pull = 500 / 240 * W / np.sqrt((record.data_gradient[first] ** 2).sum(1))
    assert finding.statistics["pull"] == pytest.approx(np.median(pull))
    assert finding.remedy.train == {"l2": 0.0}
    assert "penalty-too-strong" not in diagnosed(l2=0.01).rules


def test_a_decay_that_is_too_strong(diagnosed):
    import backlit as bl

    strong = bl.optimizers.AdamW(0.01, weight_decay=60.0)
    finding = diagnosed(optimizer=strong, learning_rate=None).finding("penalty-too-strong")
    assert "decay" in finding.what
    assert finding.remedy.flags == ("--optimizer", "adam")


def test_dropout_that_is_too_strong(diagnosed):
    case = diagnosed(network={"dropout": 0.97}, epochs=10)
    finding = case.finding("dropout-too-strong")
    assert case.diagnosis.first is finding
    rows = case.run.train_rows
    a = case.net.predict(case.X[rows])
    without = -np.log(a[np.arange(len(rows)), case.y[rows]]).mean()
    under = case.lens.record.cost[-case.run.steps_per_epoch :].mean()
    assert finding.statistics["times"] == pytest.approx(under / without, rel=1e-6)
    assert finding.remedy.network == {"dropout": 0.0}
    assert "dropout-too-strong" not in diagnosed(network={"dropout": 0.2}, hidden=(32,)).rules
