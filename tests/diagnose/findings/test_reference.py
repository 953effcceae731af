"""What simple methods reach: each row predicted by the others, done here row by row."""

import numpy as np
import pytest

from backlit.diagnose.findings import reference


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((70, 3))
    return X, np.sin(2 * X[:, :1]) + 0.1 * rng.standard_normal((70, 1))


def test_kernel_ridge_leaves_each_row_out(rows):
    X, y = rows
    found = reference.reference(X, y, None, X.mean(axis=0), X.std(axis=0))
    x = (X - X.mean(axis=0)) / X.std(axis=0)
    squares = ((x[:, np.newaxis] - x) ** 2).mean(axis=2)
    tried = []
    for width, penalty in reference.KERNELS:
        K, predicted = np.exp(-squares / (2 * width)), []
        for i in range(len(x)):
            others = np.delete(np.arange(len(x)), i)
            centred = y[others] - y.mean()  # the mean is that of all rows
            weights = np.linalg.solve(K[np.ix_(others, others)] + penalty * np.eye(len(others)), centred)
            predicted.append(y.mean() + K[i, others] @ weights)
        tried.append(np.array(predicted))
    best = min(tried, key=lambda of: ((of - y) ** 2).mean())
    # float32, with a condition of at most 70 / 0.1: some 700 times 6e-8
    np.testing.assert_allclose(found.kernel, best, atol=2e-4)
    assert found.method == "kernel ridge regression"
    assert found.skill == pytest.approx(1 - ((best - y) ** 2).mean() / y.var(), abs=1e-3)
