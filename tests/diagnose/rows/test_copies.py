"""Copies and contradictions, found one by one."""

import numpy as np
import pytest

from backlit.diagnose.rows import copies


@pytest.mark.parametrize("seed", range(5))
def test_as_found_by_looking_at_every_pair(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, (40, 3)).astype(np.float32)
    X[rng.random(X.shape) < 0.1] *= -1  # -0 and 0 are one number
    Y = np.eye(2, dtype=np.float32)[rng.integers(0, 2, 40)]
    same, other = copies.same_target(Y, copies.groups(X))
    for i in range(40):
        alike = [j for j in range(40) if (X[j] == X[i]).all()]
        assert same[i] == next((j for j in alike if j < i and (Y[j] == Y[i]).all()), -1)
        assert other[i] == next((j for j in alike if (Y[j] != Y[i]).any()), -1)


def test_no_copies():
    X = np.arange(6.0).reshape(3, 2)
    same, other = copies.same_target(X, copies.groups(X))
    assert same.tolist() == other.tolist() == [-1, -1, -1]
