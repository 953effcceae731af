"""Facts about columns."""

import numpy as np
import pytest

from backlit.diagnose.findings.columns import facts


def test_of_ordinary_columns_they_are_numpys():
    rng = np.random.default_rng(0)
    X = rng.normal(3, 2, size=(500, 4)).astype(np.float32)
    found = facts(X)
    assert found.mean == pytest.approx(X.mean(0), rel=1e-3)
    assert found.deviation == pytest.approx(X.std(0), rel=1e-3)
    assert found.rms == pytest.approx(np.sqrt((X.astype(float) ** 2).mean(0)), rel=1e-3)


@pytest.mark.parametrize("far", [1e2, 1e6, 1e37])
def test_a_few_rows_far_out_do_not_move_them(far):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    before = facts(X)
    X[:3] = far
    found = facts(X)
    assert found.deviation == pytest.approx(before.deviation, rel=0.6)
    assert np.abs(found.mean - before.mean).max() < 0.3  # 3 of 150, drawn in to 5 deviations
    assert found.high.tolist() == [far] * 3


def test_columns_that_are_mostly_one_value():
    X = np.zeros((400, 2))
    X[::10, 0] = 1
    X[:, 1] = 7
    found = facts(X)
    assert found.constant.tolist() == [1]
    assert found.varying.tolist() == [0]
    assert found.rms[1] == 7
    assert 0.05 < found.rms[0] < 0.5


def test_copies_but_for_offset_scale_and_sign():
    rng = np.random.default_rng(1)
    x, other = rng.normal(size=(2, 100, 1))
    near = x + 0.01 * rng.normal(size=(100, 1))
    found = facts(np.concatenate([x, other, 3 - 2 * x, np.ones((100, 1)), other * 1e200, near, x], axis=1))
    assert [group.tolist() for group in found.copies] == [[0, 2, 6], [1, 4]]
