"""What is said of a curve: as text, as JSON, as a figure."""

import json

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

import backlit as bl


@pytest.fixture(scope="module")
def found():
    X, y = bl.data.load("digits")
    return bl.more_data(X, y, estimator=GaussianNB(var_smoothing=1e-2), splits=4)


def test_the_text_has_every_amount_and_what_more_would_give(found):
    lines = found.text().splitlines()
    assert lines[0].split() == ["rows", "accuracy,", "training", "accuracy,", "test", "±"]
    assert lines[8].split()[0] == "1,438"
    assert lines[9].split()[:2] == ["2,876", "~"]
    assert lines[10].split()[0] == "5,752"
    assert f"{100 * found.scores[:, -1].mean():.1f} %" in lines[8]
    a, b, c = found.law
    assert f"{a:.3g} + {b:.3g} / n^{c:.2f}; 4 splits, 359 test rows each" in found.text().replace("\n", "; ")
    assert found.text().endswith(found.in_words())
    assert "2,876 rows to train on, twice as many, would give accuracy" in str(found)
    assert repr(found) == f"MoreData(8 amounts up to 1,438 rows, 4 splits: {found.verdict})"


def test_the_law_is_that_of_the_means(found):
    a, b, c = found.law
    errors = 1 - found.scores.mean(axis=0)
    assert a + b * found.amounts.astype(float) ** -c == pytest.approx(errors, rel=0.3)
    assert a + b * float(found.amounts[-1]) ** -c == pytest.approx(errors[-1], rel=0.15)


def test_json(found):
    document = json.loads(json.dumps(found.to_dict()))
    assert document["verdict"] == found.verdict
    assert document["amounts"] == found.amounts.tolist()
    assert np.shape(document["scores"]) == (4, 8)
    assert [one["rows"] for one in document["more"]] == [2876, 5752]
    assert all(one["low"] <= one["score"] <= one["high"] for one in document["more"])
    assert document["law"].keys() == {"a", "b", "c"}


def test_an_interval_grows_with_the_distance_and_with_the_confidence(found):
    near, far = found.at(2000), found.at(20_000)
    assert far.high - far.low > near.high - near.low
    from dataclasses import replace

    sure = replace(found, confidence=0.95).at(2000)
    assert sure.low < near.low < near.high < sure.high
    with pytest.raises(bl.OptionError, match="5 rows are fewer than the 180 that were measured at the least"):
        found.at(5)


def test_it_is_drawn(found, tmp_path):
    pytest.importorskip("matplotlib")
    found.plot(tmp_path / "more.png")
    assert (tmp_path / "more.png").stat().st_size > 10_000
    axes = found.plot().axes[0]
    assert axes.get_xscale() == "log"
    assert axes.lines[0].get_ydata() == pytest.approx(found.training.mean(axis=0))
    with pytest.raises(bl.OutputPathError, match="exists"):
        found.plot(tmp_path / "more.png")
