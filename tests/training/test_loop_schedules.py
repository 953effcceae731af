"""What the schedules and L-BFGS make of a training, against lines of arithmetic written out here.

The network is one weight and one bias, z = Wx + b, in float64; the cost ½(z - y)²: an epoch is a few lines.
"""

from collections.abc import Callable
from math import cos, pi
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import backlit as bl
from backlit.optimizers import schedules
from backlit.randomness import order_of_rows

RNG = np.random.default_rng(4)
X = RNG.normal(size=(7, 1))
Y = 1.5 * X[:, 0] - 0.5 + 0.1 * RNG.normal(size=7)
V = RNG.normal(size=(5, 1))
V_Y = 1.5 * V[:, 0] - 0.5
PER_EPOCH, RATE = 4, 0.2  # 7 rows in batches of 2, the last of 1


def train(**options: Any) -> tuple[np.ndarray, bl.Run]:
    net = bl.Network([1, 1], initializer="gaussian", seed=2, dtype="float64")
    plain = {"optimizer": bl.optimizers.SGD(RATE), "batch_size": 2, "seed": 6, "progress": False}
    run = bl.train(net, X, Y, **{**plain, **options})
    return net.parameters.copy(), run


def hand(
    rate: Callable[[int], float], epochs: int, after_epoch: Callable[[float, float], None] = lambda W, b: None
) -> np.ndarray:
    W, b = bl.Network([1, 1], initializer="gaussian", seed=2, dtype="float64").parameters
    step = 0
    for epoch in range(epochs):
        order = order_of_rows(6, epoch, 7)
        for start in range(0, 7, 2):
            x, y = X[order[start : start + 2], 0], Y[order[start : start + 2]]
            error = W * x + b - y
            W, b = W - rate(step) * (error * x).mean(), b - rate(step) * error.mean()
            step += 1
        after_epoch(W, b)
    return np.array([W, b])


def half_wave(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + cos(pi * share)) / 2


def one_cycle(step: int, steps: int) -> float:
    top = 0.3 * steps - 1
    if step < top:
        return half_wave(1 / 25, 1, step / top)
    return half_wave(1, 1 / 250_000, (step - top) / (steps - 1 - top))


FACTORS = {  # after 6 epochs of 4 steps
    "constant": (schedules.Constant(), lambda step: 1.0),
    "step": (schedules.Step(every=2, drop=0.3), lambda step: 0.3 ** (step // PER_EPOCH // 2)),
    "cosine": (schedules.Cosine(floor=0.1), lambda step: half_wave(1, 0.1, step / 24)),
    "one-cycle": (schedules.OneCycle(), lambda step: one_cycle(step, 24)),
    "warm-up": (schedules.WarmUp(fraction=0.25), lambda step: (step + 1) / 7 if step < 6 else 1.0),
    "warm-up, then cosine": (
        schedules.WarmUp(fraction=0.25, then=schedules.Cosine()),
        lambda step: (step + 1) / 7 if step < 6 else half_wave(1, 0, (step - 6) / 18),
    ),
}


@pytest.mark.parametrize("name", FACTORS)
def test_schedule(name: str) -> None:
    schedule, factor = FACTORS[name]
    theta, run = train(schedule=schedule, epochs=6)
    np.testing.assert_allclose(theta, hand(lambda step: RATE * factor(step), 6), rtol=1e-11)
    expected = [RATE * factor(PER_EPOCH * epoch + PER_EPOCH - 1) for epoch in range(6)]
    np.testing.assert_allclose(run.history["learning_rate"], expected, rtol=1e-11, atol=1e-16)
    if name != "constant":
        assert np.abs(theta - train(epochs=6)[0]).max() > 1e-6


def test_a_schedule_is_known_by_name() -> None:
    np.testing.assert_array_equal(
        train(schedule="cosine", epochs=3)[0], train(schedule=schedules.Cosine(), epochs=3)[0]
    )


@pytest.mark.parametrize("validated", [True, False])
def test_reduce_on_plateau_listens_to_the_validation_or_without_it_to_the_training(validated: bool) -> None:
    """Every epoch that lowers the cost by less than the share 0.2 of the best counts; after two in a row η halves."""
    schedule = schedules.ReduceOnPlateau(patience=2, drop=0.5, threshold=0.2, floor=0.1)
    theta, run = train(schedule=schedule, epochs=14, validation=(V, V_Y) if validated else None)
    costs, factors, state = [], [], {"factor": 1.0, "best": np.inf, "waited": 0}

    def hear(W: float, b: float) -> None:
        factors.append(state["factor"])
        costs.append(((W * V[:, 0] + b - V_Y) ** 2 / 2).mean() if validated else run.history[len(costs)].cost)
        if costs[-1] < 0.8 * state["best"]:
            state.update(best=costs[-1], waited=0)
        elif state["waited"] < 1:
            state["waited"] += 1
        else:
            state.update(factor=max(state["factor"] / 2, 0.1), waited=0)

    expected = hand(lambda step: RATE * state["factor"], 14, hear)
    np.testing.assert_allclose(theta, expected, rtol=1e-11)
    np.testing.assert_allclose(run.history["learning_rate"], RATE * np.array(factors), rtol=1e-14)
    assert min(factors) < 0.5  # it did fall, more than once
    if validated:
        np.testing.assert_allclose(run.history["validation_cost"], costs, rtol=1e-11)


@pytest.mark.parametrize("weights", [None, np.array([1, 0, 2, 1, 0.5, 3, 1])])
def test_lbfgs_is_scipys_on_the_objective(weights: np.ndarray | None) -> None:
    w = np.ones(7) if weights is None else weights

    def cost(theta: np.ndarray) -> tuple[float, np.ndarray]:
        W, b = theta
        error = W * X[:, 0] + b - Y
        value = (w @ error**2 / 2) / w.sum() + 0.3 / (2 * w.sum()) * W**2
        return value, np.array([w @ (error * X[:, 0]), w @ error]) / w.sum() + [0.3 / w.sum() * W, 0]

    theta, run = train(
        optimizer=bl.optimizers.LBFGS(iterations=3), batch_size=None, epochs=2, l2=0.3, sample_weight=weights
    )
    expected = bl.Network([1, 1], initializer="gaussian", seed=2, dtype="float64").parameters.copy()
    before = []
    for _ in range(2):
        before.append(cost(expected)[0] - 0.3 / (2 * w.sum()) * expected[0] ** 2)
        options = {"maxiter": 3, "maxcor": 10, "gtol": 1e-5, "ftol": 0}
        expected = minimize(cost, expected, jac=True, method="L-BFGS-B", options=options).x
    np.testing.assert_allclose(theta, expected, rtol=1e-9)  # a line search repeats what rounding differs in
    np.testing.assert_allclose(run.history["cost"], before, rtol=1e-9)
    assert run.steps_per_epoch == 1


def test_lbfgs_ends_when_it_has_converged() -> None:
    theta, run = train(optimizer="lbfgs", batch_size=None, epochs=30)
    assert run.stopped == "converged"
    assert len(run.history) < 30
    W, b = np.polyfit(X[:, 0], Y, 1)
    np.testing.assert_allclose(theta, [W, b], atol=1e-4)  # the gradient's tolerance is 1e-5
