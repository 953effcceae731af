"""Rules about rows and labels."""

import numpy as np
import pytest


def test_label_noise_finds_the_flipped_rows(diagnosed, data):
    X, y = data
    rng = np.random.default_rng(1)
    flipped = rng.choice(len(y), 30, replace=False)
    noisy = y.copy()
    noisy[flipped] = (y[flipped] + rng.integers(1, 3, 30)) % 3
    case = diagnosed(X, noisy)
    finding = case.finding("label-noise")
    assert case.diagnosis.first is finding
    assert np.isin(finding.where.rows, flipped).mean() > 0.9
    assert finding.statistics["contradicted"] == pytest.approx(0.1, abs=0.04)
    clean = diagnosed(X, y)
    assert clean.diagnosis.statistics["label-noise"]["contradicted"] < 0.01


def test_class_imbalance(diagnosed):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(600, 3))
    y = (X[:, 0] + rng.normal(size=600) > 2.9).astype(int)
    X[y == 1, 0] -= 1.0
    case = diagnosed(X, y, epochs=10)
    finding = case.finding("class-imbalance")
    assert case.diagnosis.first is finding
    train = case.run.train_rows
    said = case.net.predict(X).argmax(1)
    counts = np.bincount(y[train])
    assert finding.statistics["imbalance"] == pytest.approx(counts[0] / counts[1])
    recalls = [(said[rows][y[rows] == 1] == 1).mean() for rows in (train, case.run.validation_rows)]
    assert finding.statistics["recall"] == pytest.approx(min(recalls))
    assert finding.where.outputs == (1,)
    assert finding.remedy.flags == ("--class-weight", "balanced")
    balanced = diagnosed(X, y, epochs=10, class_weight="balanced")
    assert balanced.diagnosis.statistics["class-imbalance"]["imbalance"] == pytest.approx(1)
    assert "class-imbalance" not in balanced.rules


def test_a_rare_class_that_is_learnt_by_heart(diagnosed):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(500, 20))
    y = (rng.uniform(size=500) < 0.1).astype(int)
    case = diagnosed(X, y, epochs=120, hidden=(64,))
    said = case.net.predict(X).argmax(1)
    train, held = ((said[rows][y[rows] == 1] == 1).mean() for rows in (case.run.train_rows, case.run.validation_rows))
    assert held < train == 1
    assert case.diagnosis.statistics["class-imbalance"]["recall"] == pytest.approx(held)


def test_leakage(diagnosed):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 5))
    y = (X[:, 0] + X[:, 1] + rng.normal(size=300) > 0).astype(int)
    leaky = np.concatenate([X, y[:, np.newaxis] + 0.02 * rng.normal(size=(300, 1))], axis=1)
    case = diagnosed(leaky, y)
    finding = case.finding("leakage")
    assert finding.where.columns == (5,)
    assert finding.statistics["alone"] > 0.97
    assert finding.remedy.data == {"drop_columns": (5,)}
    assert "leakage" not in diagnosed(X, y).rules


def test_dominating_rows(diagnosed):
    rng = np.random.default_rng(6)
    X = rng.normal(size=(300, 4))
    Y = X[:, :1] + 0.1 * rng.normal(size=(300, 1))
    Y[17], Y[203] = 3000, -2500
    case = diagnosed(X, Y, output="identity", validation=None)
    finding = case.finding("dominating-rows")
    assert set(finding.where.rows) == {17, 203}
    assert finding.statistics["share"] > 0.99
    middle = np.median(Y)
    out = np.abs(Y - middle).max() / (1.4826 * np.median(np.abs(Y - middle))) / 3
    assert finding.statistics["out"] == pytest.approx(out, rel=1e-6)
    assert finding.remedy.data == {"drop_rows": finding.where.rows}
    Y[17], Y[203] = 0, 0
    sound = diagnosed(X, Y, output="identity", validation=None)
    assert sound.diagnosis.statistics["dominating-rows"]["out"] < 2
    assert "dominating-rows" not in sound.rules
