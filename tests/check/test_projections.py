"""Random directions: the stated probability of missing an error is the one there is."""

import numpy as np
import pytest

from backlit.check.projections import MISSED, missed, surely_found


def test_the_probability_is_that_of_normal_numbers():
    """K = 2 directions that each find |v·e| > 2τ: simulated with errors of norm 1 in 30 dimensions."""
    rng = np.random.default_rng(0)
    tolerances = np.array([0.2, 0.4])
    e = rng.standard_normal(30)
    e /= np.linalg.norm(e)
    v = rng.standard_normal((20_000, 2, 30))
    share = (np.abs(v @ e) <= 2 * tolerances).all(axis=1).mean()
    # the standard deviation of the share is 0.003; five of them
    assert missed(1.0, tolerances) == pytest.approx(share, abs=0.015)


def test_the_smallest_error_surely_found():
    tolerances = np.full(8, 1e-10)
    size = surely_found(tolerances)
    assert missed(size, tolerances) <= MISSED < missed(0.99 * size, tolerances)
    assert surely_found(np.full(16, 1e-10)) < size
