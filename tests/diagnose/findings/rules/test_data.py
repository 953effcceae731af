"""Rules about columns and targets: each speaks of what was done to the data, with numbers that NumPy gives too."""

import numpy as np
import pytest

import backlit as bl
from backlit.diagnose.findings.words import number


@pytest.fixture
def numbers():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(240, 4))
    return X, np.sin(X[:, :1]) + X[:, 1:2] * 0.5


def test_sound_data_are_not_spoken_of(diagnosed):
    case = diagnosed()
    assert case.rules == []
    assert case.net.predict(case.X).argmax(1).tolist().count(0) > 0


@pytest.mark.parametrize(("factor", "word"), [(1e3, "not scaled"), (1e-4, "tiny")])
def test_unscaled_features(diagnosed, data, factor, word):
    X, y = data
    case = diagnosed(X * factor, y, optimizer="sgd", learning_rate=0.001)
    finding = case.finding("unscaled-features")
    assert case.diagnosis.first is finding
    train = (X * factor)[case.run.train_rows]
    rms = np.sqrt((train**2).mean(0))
    assert word in finding.what
    assert finding.statistics["largest"] == pytest.approx(rms.max(), rel=0.05)
    assert finding.statistics["size"] == pytest.approx(np.sqrt((np.sort(rms)[:-1] ** 2).mean()), rel=0.05)
    assert number(finding.statistics["largest"]) in finding.what
    assert finding.where.columns == tuple(np.argsort(-rms, kind="stable"))
    assert finding.remedy.data == {"standardise": True}


def test_standardised_features_are_not_spoken_of(diagnosed, data):
    X, y = data
    X = X * 1e3
    case = diagnosed((X - X.mean(0)) / X.std(0), y)
    assert case.rules == []


def test_a_few_rows_are_not_the_scale_of_a_column(diagnosed, data):
    X, y = data
    X[:2] *= 1e4
    assert diagnosed(X, y).diagnosis.statistics["unscaled-features"]["largest"] < 5


def test_dominating_feature(diagnosed, data):
    X, y = data
    X[:, 4] *= 1000
    case = diagnosed(X, y)
    finding = case.finding("dominating-feature")
    assert case.diagnosis.first is finding
    train = X[case.run.train_rows]
    squares = (train**2).mean(0)
    rest = np.delete(squares, 4)
    assert finding.where.columns == (4,)
    assert finding.statistics["share"] == pytest.approx(squares[4] / squares.sum(), rel=0.01)
    assert finding.statistics["times"] == pytest.approx(np.sqrt(squares[4] / rest.mean()), rel=0.05)
    assert "column 4" in finding.what


def test_names_of_columns_are_used(diagnosed, data):
    X, y = data
    X[:, 4] *= 1000
    case = diagnosed(X, y)
    found = bl.diagnose(case.net, X, y, run=case.run, names=["a", "b", "c", "d", "height", "f"])
    assert "'height'" in found.first.what


def test_constant_features_are_a_note_unless_they_drown_the_others(diagnosed, data):
    X, y = data
    harmless = diagnosed(np.concatenate([X, np.ones((len(X), 2))], axis=1), y)
    assert harmless.rules == []
    note = harmless.finding("constant-features")
    assert note.note
    assert note.where.columns == (6, 7)
    drowned = diagnosed(np.concatenate([X, np.full((len(X), 2), 400.0)], axis=1), y)
    finding = drowned.finding("constant-features")
    assert drowned.diagnosis.first is finding
    squares = (drowned.X[drowned.run.train_rows] ** 2).mean(0)
    assert finding.statistics["weight"] == pytest.approx(squares[6:].sum() / squares.sum(), rel=1e-3)


def test_duplicated_features(diagnosed, data):
    X, y = data
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(len(X), 1))
    copies = np.concatenate([X, noise, *[2 * noise + 1 for _ in range(9)]], axis=1)
    case = diagnosed(copies, y)
    found = case.finding("duplicated-features")
    assert found.note
    assert found.where.columns == tuple(range(7, 16))
    assert "there 10 times" in found.why
    assert found.statistics["share"] == pytest.approx(9 / 16)
    assert "duplicated-features" not in [note.rule for note in diagnosed().diagnosis.notes]


def test_unscaled_targets(diagnosed, numbers):
    X, Y = numbers
    case = diagnosed(X, 150 + 70 * Y, output="identity")
    finding = case.finding("unscaled-targets")
    assert case.diagnosis.first is finding
    train = (150 + 70 * Y)[case.run.train_rows]
    assert finding.statistics["size"] == pytest.approx(np.sqrt((train**2).mean()), rel=1e-6)
    assert finding.statistics["deviation"] == pytest.approx(train.std(), rel=1e-6)
    assert f"{train.mean():.3g} ± {train.std():.3g}" in finding.what
    scaled = diagnosed(X, (Y - Y.mean()) / Y.std(), output="identity", epochs=60)
    assert scaled.rules == []
    assert diagnosed().reason("unscaled-targets") == "the targets are classes, which have no scale"
