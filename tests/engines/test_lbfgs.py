"""A session of L-BFGS against SciPy called directly on a cost written out here."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from backlit import optimizers
from backlit.engines import StepPlan, TrainingData
from backlit.engines.lbfgs import LBFGSSession
from backlit.engines.reference import ReferenceEngine
from backlit.errors import OptionError
from backlit.network import Network
from backlit.objective import choose

RNG = np.random.default_rng(11)
X = RNG.normal(size=(20, 3))
Y = np.sin(X @ RNG.normal(size=(3, 2)))
W_ROWS = RNG.uniform(0.5, 1.5, 20)
DATA = TrainingData(X, Y, W_ROWS, None)
L2, N = 0.2, 20.0
GOAL = choose("identity", l2=L2, n=N)
SHAPES = [(4, 3), (4,), (2, 4), (2,)]


def network(dtype: str = "float64") -> Network:
    return Network([3, 4, 2], activation="tanh", seed=3, dtype=dtype)


def session(net: Network, data: TrainingData = DATA, **options: float):
    plan = StepPlan(optimizers.LBFGS(**options), data.rows, 0)
    return ReferenceEngine().session(net, GOAL, data, plan)


def parts(theta: np.ndarray) -> list[np.ndarray]:
    ends = np.cumsum([int(np.prod(shape)) for shape in SHAPES])[:-1]
    return [part.reshape(shape) for part, shape in zip(np.split(theta, ends), SHAPES, strict=True)]


def cost_and_gradient(theta: np.ndarray, data: TrainingData = DATA) -> tuple[float, np.ndarray]:
    """C = (1/m) Σ w̃ ½‖a - y‖² + λ/(2n) Σ‖W‖² of the 3-4-2 network, and its gradient."""
    W2, b2, W3, b3 = parts(theta)
    a2 = np.tanh(data.X @ W2.T + b2)
    d3 = a2 @ W3.T + b3 - data.Y
    cost = data.row_weights @ (0.5 * (d3**2).sum(axis=1)) / data.rows
    cost += L2 / (2 * N) * ((W2**2).sum() + (W3**2).sum())
    d3w = d3 * data.row_weights[:, None] / data.rows
    d2w = d3w @ W3 * (1 - a2**2)
    gradient = [d2w.T @ data.X + L2 / N * W2, d2w.sum(axis=0), d3w.T @ a2 + L2 / N * W3, d3w.sum(axis=0)]
    return float(cost), np.concatenate([part.ravel() for part in gradient])


def test_segments_are_scipys_own_iterations_restarted_at_each() -> None:
    net = network()
    theta, run = net.parameters.copy(), session(net, iterations=4, memory=5)
    assert isinstance(run, LBFGSSession)
    assert run.steps_per_epoch == 1
    penalty = lambda theta: L2 / (2 * N) * sum((W**2).sum() for W in parts(theta)[::2])  # noqa: E731
    for step in range(3):
        before = cost_and_gradient(theta)[0] - penalty(theta)
        report = run.run(step + 1, np.ones(1))
        options = {"maxiter": 4, "maxcor": 5, "gtol": 1e-5, "ftol": 0}
        theta = minimize(cost_and_gradient, theta, jac=True, method="L-BFGS-B", options=options).x
        # 1e-9: the line search repeats rounding differences of 1e-16 in the cost
        np.testing.assert_allclose(net.parameters, theta, rtol=1e-9, atol=1e-11)
        assert report.costs[0] / report.weights[0] == pytest.approx(before * 20 / W_ROWS.sum(), rel=1e-9)
        assert report.weights[0] == pytest.approx(W_ROWS.sum(), rel=1e-14)
        assert run.step == step + 1


def test_it_converges_to_where_the_gradient_vanishes_and_says_so() -> None:
    net = network()
    run = session(net, iterations=500)
    assert run.run(1, np.ones(1)).converged
    assert np.abs(cost_and_gradient(net.parameters)[1]).max() < 1e-3
    assert cost_and_gradient(net.parameters)[0] < cost_and_gradient(network().parameters)[0]
    assert not session(network(), iterations=2).run(1, np.ones(1)).converged


def test_hits_are_counted_for_classes() -> None:
    net = Network([3, 2], output="softmax", seed=0, dtype="float64")
    labels = (X[:, 0] > 0).astype(int)
    data = TrainingData(X, np.eye(2)[labels], W_ROWS, "argmax")
    run = ReferenceEngine().session(net, choose("softmax"), data, StepPlan(optimizers.LBFGS(), 20, 0))
    right = (X @ net.layer(2).W.T + net.layer(2).b).argmax(axis=1) == labels
    assert run.run(1, np.ones(1)).hits[0] == pytest.approx(W_ROWS @ right, rel=1e-14)


def test_it_computes_in_float64_whatever_the_networks_dtype() -> None:
    data = TrainingData(*(values.astype("f4") for values in (X, Y, W_ROWS)), None)
    exact = TrainingData(*(values.astype("f8") for values in (data.X, data.Y, data.row_weights)), None)
    net = network("float32")
    theta = net.parameters.astype("f8")
    session(net, data, iterations=5).run(1, np.ones(1))
    options = {"maxiter": 5, "maxcor": 10, "gtol": 1e-5, "ftol": 0}
    found = minimize(lambda t: cost_and_gradient(t, exact), theta, jac=True, method="L-BFGS-B", options=options).x
    assert net.parameters.dtype == np.float32
    np.testing.assert_allclose(net.parameters, found, rtol=2e-7, atol=1e-7)  # rounded once, at the segment's end


def test_the_cost_is_that_of_theta_itself_not_of_theta_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line search tries steps that float32 does not see."""
    seen: list[tuple[float, np.ndarray]] = []

    def minimise(self: optimizers.LBFGS, theta: np.ndarray, cost_and_gradient: Any) -> optimizers.Minimum:
        cost, gradient = cost_and_gradient(theta.astype("f8") + 1e-10)
        seen.append((cost, gradient.copy()))
        return optimizers.Minimum(theta.astype("f8"), cost, (cost,), 1, True, "")

    monkeypatch.setattr(optimizers.LBFGS, "minimise", minimise)
    net = network("float32")
    data = TrainingData(*(values.astype("f4") for values in (X, Y, W_ROWS)), None)
    exact = TrainingData(*(values.astype("f8") for values in (data.X, data.Y, data.row_weights)), None)
    session(net, data).run(1, np.ones(1))
    cost, gradient = cost_and_gradient(net.parameters.astype("f8") + 1e-10, exact)
    assert seen[0][0] == pytest.approx(cost, rel=1e-14)
    np.testing.assert_allclose(seen[0][1], gradient, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_restored_at_the_end_of_a_segment_it_is_the_same_training(dtype: str) -> None:
    data = TrainingData(*(values.astype(dtype) for values in (X, Y, W_ROWS)), None)
    whole, resumed = network(dtype), network(dtype)
    run = session(whole, data, iterations=3)
    run.run(2, np.ones(2))
    middle = whole.parameters.copy()
    run.run(5, np.ones(3))
    other = session(resumed, data, iterations=3)
    other.restore(middle, {}, 2)
    other.run(5, np.ones(3))
    np.testing.assert_array_equal(resumed.parameters, whole.parameters)
    assert not np.array_equal(middle, whole.parameters)


def test_steps_cannot_be_recorded() -> None:
    with pytest.raises(OptionError, match="lbfgs has no steps to record"):
        session(network()).run(1, np.ones(1), {0})


def test_costs_beyond_any_float_neither_crash_nor_warn() -> None:
    data = TrainingData(X * 1e200, Y, W_ROWS, None)
    net = Network([3, 4, 2], seed=3, dtype="float64")
    report = session(net, data).run(2, np.ones(2))
    assert not np.isfinite(report.costs[0])
