"""Rules about what was learnt in the end."""

import numpy as np
import pytest

from backlit.diagnose.findings.run import ranked


def test_an_output_that_is_never_the_answer(diagnosed, data):
    X, y = data
    case = diagnosed(X, y, class_weight={1: 1e-6})
    finding = case.finding("output-never-predicted")
    train = y[case.run.train_rows]
    assert 1 not in case.net.predict(X[case.run.train_rows]).argmax(1)
    assert finding.where.outputs == (1,)
    assert finding.statistics["rows"] == pytest.approx((train == 1).mean())
    assert finding.statistics["from_start"] == pytest.approx(1e6, rel=1e-3)
    assert "output-never-predicted" not in diagnosed(X, y).rules


def test_overfitting(diagnosed):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(320, 60))
    y = (X[:, :3].sum(1) + 2 * rng.normal(size=320) > 0).astype(int)
    case = diagnosed(X, y, hidden=(128,), epochs=150, validation=0.4)
    finding = case.finding("overfitting")
    held = case.run.validation_rows
    a = case.net.predict(X[held])
    now = -np.log(np.maximum(a[np.arange(len(held)), y[held]], 1e-300)).mean()
    along = case.run.history["validation_cost"]
    assert finding.statistics["rise"] == pytest.approx(now / min(along), rel=1e-6)
    assert f"after epoch {int(np.argmin(along)) + 1}" in finding.what
    assert finding.remedy.flags == ("--early-stopping", "5")
    stopped = diagnosed(X, y, hidden=(128,), epochs=150, validation=0.4, **finding.remedy.train)
    assert stopped.diagnosis.statistics["overfitting"]["rise"] == pytest.approx(1, abs=1e-6)


def test_underfitting(diagnosed):
    rng = np.random.default_rng(0)
    centres = 3 * rng.normal(size=(8, 6))
    y = rng.integers(0, 8, 500)
    X = centres[y] + 0.4 * rng.normal(size=(500, 6))
    case = diagnosed(X, y, hidden=(1,), epochs=60, network={"activation": "tanh"})
    finding = case.finding("underfitting")
    assert finding.statistics["reached"] < 0.9
    assert finding.remedy.flags == ("--layers", "128,128")
    assert "underfitting" not in diagnosed(X, y, hidden=(128, 128), epochs=60).rules


def test_a_narrow_layer_underfits_before_anything_stands_on_a_plateau(diagnosed):
    plateau = {"falling": 0.0, "reached": 0.0, "behind": 0.9}
    narrow = {"behind": 0.9, "reached": 0.0, "falling": 0.0, "from_start": 2.0}
    assert ranked({"plateau": plateau, "underfitting": narrow}) == ["underfitting", "plateau"]
    assert ranked({"plateau": plateau, "underfitting": narrow | {"from_start": 0.5}}) == ["plateau"]
    for hidden, of_start in (((), 3.0), ((1, 9), 3.0), ((6, 9), 0.5)):
        assert diagnosed(hidden=hidden, epochs=3).diagnosis.statistics["underfitting"]["from_start"] == of_start


def test_a_plateau_and_its_opposite(diagnosed):
    stuck = diagnosed(change=lambda net: net.parameters.fill(0), epochs=30)
    plateau = stuck.finding("plateau")
    assert not plateau.note
    assert plateau.statistics["reached"] == pytest.approx(0, abs=0.05)
    done = diagnosed(optimizer="sgd", learning_rate=0.5, batch_size="all", epochs=400, l2=1.0)
    assert done.finding("plateau").note
    assert "converged" in done.finding("plateau").what


def test_too_few_steps_are_said(diagnosed):
    case = diagnosed(epochs=1)
    assert case.reason("underfitting").startswith("too few steps: 8")
    assert case.reason("output-never-predicted").startswith("too few steps: 8")
