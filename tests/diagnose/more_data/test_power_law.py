"""The law: against SciPy's own fit, against curves whose law is known, and how often its intervals hold."""

import numpy as np
import pytest
from scipy.optimize import least_squares
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB

import backlit as bl
from backlit.diagnose.more_data.power_law import extrapolate, fit, resampled

ROWS = np.geomspace(100, 1600, 8).round().astype(int)


def law(n, a, b, c):
    return a + b * (np.asarray(n) / 1600) ** -c


def splits_of(truth, noise, seed, splits=10):
    """Errors that all amounts of a split share, as its test rows make them, and errors of their own."""
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=(splits, 1)), rng.normal(size=(splits, len(truth)))
    return np.maximum(truth * (1 + noise * (shared + own)), 0)


@pytest.mark.parametrize(("a", "b", "c"), [(0.1, 0.2, 0.5), (0.0, 0.05, 0.8), (0.3, 0.1, 1.5)])
def test_scipy_finds_the_same_law(a, b, c):
    rng = np.random.default_rng(0)
    errors = law(ROWS, a, b, c) * (1 + 0.03 * rng.normal(size=(5, 8)))
    scale = 0.03 * law(ROWS, a, b, c)
    ours = fit(ROWS, errors, scale)
    for i in range(5):

        def off(p, i=i):
            return (errors[i] - law(ROWS, *p)) / scale

        best = least_squares(
            off, [a, b, c], bounds=([0, 0, 0.1], [np.inf, np.inf, 2]), loss=huber, xtol=1e-12, ftol=1e-12
        )
        for rows in (800, 1600, 3200):  # c is searched for on a grid, 5 % apart
            assert law(rows, *(x[i] for x in ours)) == pytest.approx(law(rows, *best.x), rel=0.03)


def huber(z):
    """As SciPy wants it: of z = r², the value and two slopes."""
    far = z > 1.345**2
    root = np.sqrt(np.maximum(z, 1e-30))
    value = np.where(far, 2 * 1.345 * root - 1.345**2, z)
    return np.stack([value, np.where(far, 1.345 / root, 1), np.where(far, -1.345 / (2 * root**3), 0)])


def test_a_stray_amount_counts_less():
    clean = law(ROWS, 0.1, 0.2, 0.6)
    strayed = clean.copy()
    strayed[2] *= 1.5
    a, b, c = fit(ROWS, strayed[np.newaxis], np.full(8, 0.005))
    w = np.polyfit((ROWS / 1600.0) ** -0.6, strayed, 1)  # plain least squares, knowing c
    assert abs(law(6400, a[0], b[0], c[0]) - law(6400, 0.1, 0.2, 0.6)) < 0.01
    assert abs(w[0] * 4**-0.6 + w[1] - law(6400, 0.1, 0.2, 0.6)) > 0.01


def test_no_error_is_below_zero_and_none_grows_with_the_rows():
    falling = law(ROWS, -0.15, 0.2, 0.3)  # more data would make it less than nothing
    a, b, c = fit(ROWS, falling[np.newaxis], np.full(8, 0.01))
    assert a[0] == 0
    assert (law(np.array([1600, 1e9]), a[0], b[0], c[0]) >= 0).all()
    a, b, _ = fit(ROWS, np.linspace(0.1, 0.2, 8)[np.newaxis], np.full(8, 0.01))
    assert b[0] == 0
    assert 0.1 < a[0] < 0.2


def test_splits_are_drawn_whole_and_as_widely_as_they_lie():
    rng = np.random.RandomState(0)
    errors = 0.2 + 0.05 * np.random.default_rng(1).normal(size=(6, 1)) + np.zeros((6, 8))
    means = resampled(errors, 20_000, rng)
    assert np.ptp(means, axis=1).max() < 1e-12
    assert means.mean() == pytest.approx(errors.mean(), abs=1e-3)
    assert means[:, 0].std() == pytest.approx(errors[:, 0].std(ddof=1) / np.sqrt(6), rel=0.03)


def test_intervals_of_known_laws_hold_as_often_as_stated():
    """Wider than 80 % would need here: these curves are laws to the letter, and the interval allows for others."""
    held, rng = [], np.random.RandomState(0)
    for seed in range(120):
        a, b, c = [(0.1, 0.1, 0.5), (0.0, 0.2, 0.3), (0.25, 0.05, 1.0)][seed % 3]
        laws = extrapolate(ROWS, splits_of(law(ROWS, a, b, c), 0.05, seed), rng, draws=200)
        low, high = np.quantile(laws.at(3200), [0.1, 0.9])
        held.append(low <= law(3200, a, b, c) <= high)
    assert 0.8 <= np.mean(held) <= 1.0  # of 120, 0.8 is three standard errors below the 0.9 it comes to


def test_the_floor_of_least_squares_is_the_noise():
    """y = w·x + noise. 1 - R² of least squares tends to σ²/(σ² + ‖w‖²), and lies (1 + p/(n-p-2)) above it."""
    found, true = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, w = rng.normal(size=(1500, 10)), np.full(10, 0.5)
        y = X @ w + 2 * rng.normal(size=1500)
        curve = bl.more_data(X, y, estimator=LinearRegression(), seed=seed)
        floor = 4 / (4 + w @ w)
        found.append(curve.at(4800))
        true.append(1 - floor * (1 + 10 / (4800 - 12)))
        assert found[-1].score == pytest.approx(true[-1], abs=0.08)  # R² of 1,500 rows is known to ± 0.02
        assert curve.verdict != "likely"
    assert sum(one.low <= t <= one.high for one, t in zip(found, true, strict=True)) >= 4


@pytest.mark.parametrize(
    ("a", "b", "c", "noise", "verdict"),
    [
        (0.0, 0.1, 0.6, 0.02, "likely"),  # a third less at twice the rows
        (0.2, 0.001, 0.5, 0.02, "unlikely"),
        (0.05, 0.05, 0.5, 0.3, "uncertain"),
    ],
)
def test_the_verdict(a, b, c, noise, verdict):
    from backlit.diagnose.more_data import MoreData

    for seed in range(5):
        errors = splits_of(law(ROWS, a, b, c), noise, seed)
        laws = extrapolate(ROWS, errors, np.random.RandomState(seed))
        found = MoreData(ROWS, np.ones_like(errors), 1 - errors, "accuracy", laws, 0.8, 400, 1.0)
        assert found.verdict == verdict
        words = {"likely": "more data are likely to help", "unlikely": "more data are unlikely to help much"}
        assert found.in_words().startswith(words.get(verdict, "whether more data would help cannot be said"))


def held_out(X, y, estimator, seed):
    """Whether the interval from half of the rows holds what all of them give."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(X))
    most = len(X) - round(0.2 * len(X))
    few = bl.more_data(
        X[order], y[order], estimator=estimator, amounts=(np.geomspace(1 / 16, 1 / 2, 8)).tolist(), splits=5, seed=seed
    )
    real = bl.more_data(
        X[order], y[order], estimator=estimator, amounts=[0.25, 0.5, 0.75, 1.0], splits=10, seed=seed + 1000
    ).scores[:, -1]
    found = few.at(most)
    return found.low <= real.mean() <= found.high


def test_held_out_digits_lie_in_the_interval():
    X, y = bl.data.load("digits")
    held = [held_out(X, y, GaussianNB(var_smoothing=1e-2), seed) for seed in range(8)]
    assert sum(held) >= 4  # of 8 at 80 %: fewer than 4 in 1 % of cases


@pytest.mark.slow
def test_held_out_networks_lie_in_the_interval_about_as_often_as_stated():
    X, y = bl.data.load("digits")
    estimator = bl.BackpropClassifier((30,), max_iter=60, tol=0)
    held = [held_out(X, y, estimator, seed) for seed in range(12)]
    assert 7 <= sum(held)  # of 12 at 80 %: fewer in 2 % of cases
