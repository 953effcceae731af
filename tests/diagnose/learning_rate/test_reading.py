"""What is read from curves whose places are known, and how it is shown."""

import json

import numpy as np
import pytest

import backlit as bl
from backlit.diagnose.learning_rate import LearningRateRange
from backlit.diagnose.learning_rate.reading import read, smooth

RATES = np.geomspace(1e-6, 100, 401)
LOG = np.log10(RATES)


def curve(falls_at=-2.5, rises_at=1.0, noise=0.0, seed=0):
    """A fall of 1 along a logistic, and a rise of 3 along another."""
    fall, rise = 1 / (1 + np.exp(-6 * (LOG - falls_at))), 1 / (1 + np.exp(-6 * (LOG - rises_at)))
    return 2 - fall + 3 * rise + noise * np.random.default_rng(seed).normal(size=len(LOG))


def reading(costs, rates=RATES, to=100.0):
    return read(rates, costs, smooth(costs, rates), to=to)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_places_of_a_known_curve(noise):
    costs = curve()
    lowest = LOG[np.argmin(costs)]
    for seed in range(10 if noise else 1):
        found = reading(curve(noise=noise, seed=seed))
        assert np.log10(found.steepest) == pytest.approx(-2.5, abs=0.35 if noise else 0.03)  # rates are 0.02 apart
        assert np.log10(found.lowest) == pytest.approx(lowest, abs=0.6 if noise else 0.05)  # its bottom is flat
        assert found.suggestion == pytest.approx(np.sqrt(found.steepest * found.lowest))
        assert np.log10(found.rises) == pytest.approx(1 + np.log(0.5) / 6, abs=0.2)  # where 3 rise/(1 + rise) is 1
        assert "half the logarithmic way from" in found.reason


def test_smoothing_does_not_lag():
    step = (LOG > -1).astype(float)
    middle = LOG[np.argmin(np.abs(smooth(step, RATES) - 0.5))]
    assert middle == pytest.approx(-1, abs=0.03)
    bump = smooth(np.exp(-0.5 * ((LOG - 0.3) / 0.4) ** 2), RATES)
    assert LOG[np.argmax(bump)] == pytest.approx(0.3, abs=0.03)
    width = np.sqrt(np.average((LOG - 0.3) ** 2, weights=bump))
    assert width == pytest.approx(np.hypot(0.4, 0.15), rel=0.02)  # variances of Gaussians add


def test_nothing_falls():
    rng = np.random.default_rng(0)
    flat = 2 + 0.1 * rng.normal(size=len(LOG))
    found = reading(flat)
    assert found.suggestion is None
    assert "neither falls nor rises at any learning rate from 1e-06 to 1e+02" in found.reason
    rising = flat + 5 / (1 + np.exp(-6 * (LOG + 1)))
    found = reading(rising)
    assert found.suggestion == pytest.approx(found.rises / 10)
    assert np.log10(found.rises) == pytest.approx(-1.4, abs=0.4)
    assert "never falls clearly" in found.reason


def test_chance_is_seldom_taken_for_a_fall():
    falls = sum(reading(1 + np.random.default_rng(s).normal(size=len(LOG))).steepest is not None for s in range(200))
    assert falls <= 4  # 2 %


def test_the_ends_are_told():
    short = RATES[:200]  # to 1e-2
    found = read(short, curve()[:200], smooth(curve()[:200], short), to=float(short[-1]))
    assert "raise highest" in found.reason
    ended = read(short, curve()[:200], smooth(curve()[:200], short), to=100.0)
    assert "runs away" in ended.reason
    late = RATES[190:]
    assert "lower lowest" in read(late, curve()[190:], smooth(curve()[190:], late), to=100.0).reason


@pytest.fixture(scope="module")
def found():
    X, y = bl.data.load("iris")
    return bl.find_learning_rate(bl.Network([4, 8, 3], output="softmax"), X, y)


def test_it_is_frozen_plain_and_says_what_it_is(found):
    assert isinstance(found, LearningRateRange)
    with pytest.raises(AttributeError):
        found.suggestion = 1.0
    assert repr(found).startswith("LearningRateRange(suggestion 0.")
    assert str(found).startswith(f"learning rate {found.suggestion:.2g}: half the logarithmic way")
    document = json.loads(json.dumps(found.to_dict()))
    assert document["suggestion"] == found.suggestion
    assert len(document["rates"]) == len(document["costs"]) == len(document["smoothed"]) == len(found.rates)


@pytest.mark.parametrize("width", [40, 72, 120])
def test_it_fits_the_terminal(found, width):
    text = found.text(width=width)
    drawn = text[: text.index("learning rate 0")].splitlines()
    assert max(map(len, drawn)) <= width
    assert "1e-5" in text or "1e-4" in text


def test_it_is_drawn(found, tmp_path):
    pytest.importorskip("matplotlib")
    found.plot(tmp_path / "range.png")
    assert (tmp_path / "range.png").stat().st_size > 10_000
    with pytest.raises(bl.OutputPathError, match="exists"):
        found.plot(tmp_path / "range.png")
    axes = found.plot().axes[0]
    assert axes.get_xscale() == "log"
    assert axes.lines[1].get_ydata() == pytest.approx(found.smoothed)
    assert any(f"suggestion: {found.suggestion:.2g}" == line.get_label() for line in axes.lines)
