import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backlit.data.tables.squash import LIMIT, Squash, fit

NUMBERS = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)


def test_by_hand():
    squash = Squash(center=1.0, spread=2.0, limit=3.0, offset=0.5, scale=4.0)
    u = (9.0 - 1.0) / 2.0
    assert squash.apply(np.array([9.0]))[0] == pytest.approx((u / np.sqrt(1 + (u / 3) ** 2) - 0.5) / 4, rel=1e-15)
    assert Squash(1.0, 2.0, 0.0, 0.0, 1.0).apply(np.array([9.0])).tolist() == [4.0]  # no limit: as far as it is


def test_the_training_rows_are_standardised():
    x = np.random.default_rng(0).lognormal(sigma=2, size=1000)
    squash = fit(x)
    s = squash.apply(x)
    assert (s.mean(), s.std()) == (pytest.approx(0, abs=1e-12), pytest.approx(1, rel=1e-12))
    assert squash.center == pytest.approx(np.median(x), rel=1e-15)
    assert squash.spread == pytest.approx(np.subtract(*np.quantile(x, [0.75, 0.25])), rel=1e-12)


@given(NUMBERS, NUMBERS)
def test_every_number_has_its_place_in_order_and_within_bounds(train, others):
    squash = fit(np.array(train))
    x = np.sort(np.array(train + others))
    s = squash.bounded(x)
    assert np.isfinite(squash.apply(x)).all()
    assert (np.abs(s) <= LIMIT * (1 + 1e-15)).all()  # the root is rounded
    assert (np.diff(s) >= -1e-14 * LIMIT).all()  # likewise


def test_a_column_that_is_nearly_always_the_same_has_a_spread():
    squash = fit(np.array([0.0] * 99 + [7.0]))
    assert squash.spread > 0
    assert squash.apply(np.array([7.0]))[0] > 5
