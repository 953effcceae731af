"""What cannot be judged, and why."""

import numpy as np
import pytest

import backlit as bl
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge
from backlit.diagnose.findings.rules import RULES


def test_whatever_is_missing_no_rule_fails_and_each_says_why(data):
    X, y = data
    net, lens = bl.Network([6, 8, 3], output="softmax", seed=0), bl.Lens()
    run = bl.train(net, X, y, epochs=8, validation=0.2, callbacks=[lens])
    plain = bl.train(net.copy(), X, y, epochs=8)
    given = [
        {"net": net}, {"net": net, "X": X, "y": y}, {"lens": lens}, {"run": run}, {"run": plain},
        {"net": net, "X": X[:5], "y": y[:5]}, {"net": net, "X": X[:1], "y": y[:1]},
        {"net": net, "X": X, "y": np.zeros(300, dtype=int)}, {"net": net, "validation_data": (X, y)},
        {"net": net, "X": np.ones_like(X), "y": y}, {"lens": lens.record.between(100, 101)},
        {"lens": lens.record.between(0, 0), "net": net, "X": X, "y": y},
    ]  # fmt: skip
    for one in given:
        found = bl.diagnose(**one)
        judged = set(found.statistics) | {missing.rule for missing in found.not_judged}
        assert judged == {rule.name for rule in RULES}
        assert all(len(missing.reason) > 20 for missing in found.not_judged)
        assert "not judged" in str(found)


def test_reasons(diagnosed):
    linear = diagnosed(hidden=(), epochs=5)
    for rule in ("vanishing-errors", "exploding-errors", "dead-units", "saturated-units", "symmetric-units"):
        assert linear.reason(rule) == "the network has no hidden layer"
    unvalidated = diagnosed(validation=None, epochs=5)
    assert unvalidated.reason("overfitting").startswith("there is no validation data: give validation_data=(X, y)")
    unwatched = diagnosed(lens=False, epochs=5)
    assert unwatched.reason("learning-rate-too-high").startswith("no lens watched the training")
    short = diagnosed(epochs=2)
    assert short.reason("learning-rate-too-high") == "too few steps: 16 are recorded, and it takes 20"
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    numbers = diagnosed(X, X[:, :1], output="identity")
    for rule in ("label-noise", "class-imbalance", "output-never-predicted", "cost-does-not-fit"):
        assert numbers.reason(rule) == "the targets are numbers, and this is about classes"


def test_labels_several_at_once(diagnosed):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    case = diagnosed(X, (X[:, :2] > 0).astype(float), output="sigmoid", outputs=2, epochs=40)
    assert case.rules == []
    assert "several at once" in case.reason("label-noise")


def test_a_record_that_begins_later_does_not_know_the_start(diagnosed):
    case = diagnosed(epochs=20)
    later = bl.diagnose(case.net, case.X, case.y, lens=case.lens.record.between(50, 160))
    reasons = {one.rule: one.reason for one in later.not_judged}
    assert reasons["initialisation-too-small"].startswith("the record begins with step 50")


def test_parameters_that_are_not_finite(data):
    X, y = data
    net = bl.Network([6, 8, 3], output="softmax")
    net.layer(2).W[0, 0] = np.nan
    found = bl.diagnose(net, X, y)
    assert {one.rule: one.reason for one in found.not_judged}[
        "dead-units"
    ] == "parameters of the network are not finite"


def test_behind_of_a_record_alone_is_what_the_cost_lacks_to_half(diagnosed):
    case = diagnosed(learning_rate=1e-6)
    record = case.lens.record
    expected = record.cost[-record.about.steps_per_epoch :].mean() / record.cost[:5].mean() - 0.5
    assert Evidence(record=record).behind == pytest.approx(expected)
    assert Evidence(record=diagnosed().lens.record).behind == 0


def test_nothing_at_all():
    with pytest.raises(CannotJudge, match="there is no network"):
        Evidence().need_network()
    assert np.isnan(Evidence().behind)
