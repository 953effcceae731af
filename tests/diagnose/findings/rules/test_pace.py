"""Rules about steps that are too short or too few."""

import numpy as np
import pytest

import backlit as bl
from backlit.diagnose.findings.run import ranked


def test_a_learning_rate_that_is_too_low(diagnosed):
    case = diagnosed(learning_rate=1e-6)
    finding = case.finding("learning-rate-too-low")
    assert case.diagnosis.first is finding
    ratio = case.lens.record.update_ratio.max(axis=1)
    assert finding.statistics["ratio"] == pytest.approx(np.median(ratio))
    assert finding.statistics["path"] == pytest.approx(ratio.sum())
    assert f"{100 * ratio.sum():.3g} %" in finding.what
    assert finding.remedy.flags == ("--learning-rate", "0.001")


def test_the_remedy_is_applied_by_its_options(diagnosed):
    remedy = diagnosed(learning_rate=1e-6, epochs=80).finding("learning-rate-too-low").remedy
    assert diagnosed(epochs=80, **remedy.train).rules == []


def test_a_record_of_every_other_step_knows_the_whole_path(data):
    X, y = data

    def path(every):
        net, lens = bl.Network([6, 16, 3], output="softmax", seed=1), bl.Lens(every=every)
        run = bl.train(net, X, y, epochs=20, callbacks=[lens])
        return bl.diagnose(net, X, y, run=run).statistics["learning-rate-too-low"]["path"]

    assert path(2) == pytest.approx(path(1), rel=0.05)


def test_a_learning_rate_that_fades(diagnosed):
    case = diagnosed(schedule=bl.schedules.Step(every=1, drop=0.3), learning_rate=0.001)
    finding = case.finding("learning-rate-too-low")
    rate = case.lens.record.learning_rate
    assert finding.statistics["alive"] == pytest.approx((rate > 0.01 * rate.max()).mean())
    assert finding.statistics["alive"] == pytest.approx(4 / 20)  # 1, 0.3, 0.09 and 0.027
    assert "fades" in finding.what
    assert finding.remedy.flags == ("--schedule", "cosine")


def test_batches_that_are_too_large(diagnosed, data):
    case = diagnosed(batch_size="all", epochs=25, learning_rate=0.001)
    finding = case.finding("batch-too-large")
    assert finding.statistics["rows"] == 1
    assert finding.statistics["steps"] == 25
    scale = case.lens.record.noise_scale()[0]
    assert f"{scale:.3g} rows" in finding.why
    assert "batch-too-large" not in diagnosed(batch_size="all", epochs=300, learning_rate=0.01).rules


def test_too_few_epochs(diagnosed, digits):
    case = diagnosed(*digits, epochs=3, learning_rate=0.002)
    finding = case.finding("too-few-epochs")
    costs = [part.mean() for part in np.array_split(case.lens.record.cost, 20)]
    before, last = np.mean(costs[-8:-4]), np.mean(costs[-4:])
    assert finding.statistics["falling"] == pytest.approx((before - last) / before)
    assert finding.remedy.flags == ("--epochs", "15")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ["too-few-epochs"]), ({"steps": 5000.0}, []), ({"rows": 1.0}, []), ({"rows": np.nan}, []),
        ({"behind": 0.0}, []),
    ],
)  # fmt: skip
def test_few_steps_are_too_few_whatever_the_cost_does(change, said):
    flat = {"falling": 0.0, "late": 0.0, "path": 9.0, "behind": 0.5, "steps": 60.0, "rows": 0.05}
    assert ranked({"too-few-epochs": flat | change}) == said


def test_the_share_of_the_rows_in_a_batch(diagnosed):
    assert diagnosed(batch_size=60).diagnosis.statistics["too-few-epochs"]["rows"] == 60 / 240
    assert np.isnan(diagnosed(lens=False).diagnosis.statistics["too-few-epochs"]["rows"])


def test_without_a_lens_the_history_shows_it(diagnosed):
    case = diagnosed(epochs=6, learning_rate=0.0005, lens=False)
    assert case.diagnosis.statistics["too-few-epochs"]["falling"] > 0
