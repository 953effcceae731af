"""Rules about steps that are too long or too noisy."""

import numpy as np
import pytest


def test_a_learning_rate_that_is_too_high(diagnosed, digits):
    case = diagnosed(*digits, learning_rate=0.5)
    finding = case.finding("learning-rate-too-high")
    assert case.diagnosis.first is finding
    ratio = case.lens.record.update_ratio.max(axis=1)
    assert finding.statistics["early"] == pytest.approx(ratio[:20].mean())
    assert finding.statistics["late"] == pytest.approx(np.median(ratio[-case.run.steps_per_epoch :]))
    assert finding.remedy.flags == ("--learning-rate", "0.001")
    assert diagnosed(*digits, learning_rate=0.01).rules == []


def test_a_training_that_diverged(diagnosed):
    case = diagnosed(optimizer="sgd", learning_rate=1e6)
    assert case.run is None
    assert case.diagnosis.first.rule == "learning-rate-too-high"
    assert "nan-source" in case.rules


def test_a_line_search_has_no_learning_rate(diagnosed):
    case = diagnosed(optimizer="lbfgs", learning_rate=None, batch_size=None, epochs=40)
    assert "line search" in case.reason("learning-rate-too-high")
    assert "line search" in case.reason("learning-rate-too-low")


def test_batches_that_are_too_small(diagnosed, digits):
    options = {"learning_rate": 0.03, "epochs": 5}
    case = diagnosed(*digits, batch_size=1, **options)
    assert case.diagnosis.statistics["batch-too-small"]["rows"] == 1
    finding = case.finding("batch-too-small")
    assert finding.remedy.flags == ("--batch-size", "32")
    assert "batch-too-small" not in diagnosed(*digits, batch_size=32, **options).rules
