"""The one sum that BLAS is not asked for where it would start threads of its own."""

import math

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from backlit.sums import dot


@pytest.mark.parametrize("size", [0, 1, 9_999, 10_000, 100_003])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dot_is_the_sum_of_products(size: int, dtype: str) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, size)).astype(dtype)
    right = math.fsum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    terms = math.fsum(abs(float(x) * float(y)) for x, y in zip(a, b, strict=True))
    # a sum in vectors' lanes: √(terms of a lane) roundings, of which a hundred are ten times what is seen
    assert abs(dot(a, b) - right) <= 100 * np.finfo(dtype).eps * terms / math.sqrt(max(size, 1))


def test_dot_of_matrices_and_of_views() -> None:
    a = np.arange(40_000.0).reshape(100, 400)
    assert dot(a, a) == dot(a.ravel(), a.ravel()) == float((a * a).sum())
    assert dot(a.T, a.T) == pytest.approx(dot(a, a), rel=1e-15)


def test_the_bits_do_not_depend_on_the_threads_of_blas() -> None:
    a, b = np.random.default_rng(1).standard_normal((2, 300_001))
    found = set()
    for threads in (1, 2, 3):
        with threadpool_limits(threads, "blas"):
            found.add(dot(a, b))
    assert len(found) == 1


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_stays_visible(wrong: float) -> None:
    a = np.zeros(20_000)
    a[777] = wrong
    assert not math.isfinite(dot(a, a))
