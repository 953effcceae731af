"""θ ← θ - ηg, momentum and Nesterov's look-ahead, by hand and as PyTorch takes them."""

from typing import Any

import numpy as np
import pytest

from backlit.optimizers import SGD


def path(optimizer: SGD, gradients: list[float], rates: list[float] | None = None) -> list[float]:
    """θ after each step, from 1."""
    theta, ends = np.array([1.0]), []
    state = optimizer.init(theta)
    for step, g in enumerate(gradients, start=1):
        rate = rates[step - 1] if rates else optimizer.learning_rate
        optimizer.update(theta, np.array([g]), state, rate, step)
        ends.append(float(theta[0]))
    return ends


def test_plain_descent() -> None:
    # 1 - 0.25·2 = 0.5; 0.5 + 0.25·1 = 0.75; 0.75 - 0.25·3 = 0
    assert path(SGD(0.25), [2, -1, 3]) == [0.5, 0.75, 0.0]
    assert SGD(0.25).init(np.ones(3)) == {}


def test_the_learning_rate_scales_the_step() -> None:
    # twice the η, twice the way: 1 - 0.5·2
    assert path(SGD(0.5), [2]) == [0.0]


def test_momentum() -> None:
    # μ = ½, η = ¼. v = -0.5, θ = 0.5; v = -0.25 - 0.25 = -0.5, θ = 0; v = -0.25 - 0 = -0.25, θ = -0.25
    assert path(SGD(0.25, momentum=0.5), [2, 1, 0]) == [0.5, 0.0, -0.25]


def test_nesterov() -> None:
    # the same v, and θ + μv - ηg: 1 - 0.25 - 0.5 = 0.25; 0.25 - 0.25 - 0.25 = -0.25; -0.25 - 0.125 - 0 = -0.375
    assert path(SGD(0.25, momentum=0.5, nesterov=True), [2, 1, 0]) == [0.25, -0.25, -0.375]


def test_nesterov_without_momentum_is_plain_descent() -> None:
    assert path(SGD(0.25, nesterov=True), [2, -1, 3]) == path(SGD(0.25), [2, -1, 3])


def test_a_changing_learning_rate_stands_inside_the_velocity() -> None:
    # η = ½, then ¼: v = -1, θ = 0; v = -0.5 - 0.25 = -0.75, θ = -0.75.
    # (Outside the velocity, as in PyTorch, the second step were ¼(½·2 + 1) = 0.5.)
    assert path(SGD(momentum=0.5), [2, 1], rates=[0.5, 0.25]) == [0.0, -0.75]


# PyTorch refuses Nesterov's look-ahead without momentum.
@pytest.mark.parametrize(
    ("momentum", "nesterov"),
    [(0.0, False), (0.5, False), (0.9, False), (0.5, True), (0.9, True)],
)
def test_the_steps_are_pytorchs(momentum: float, nesterov: bool) -> None:
    torch = pytest.importorskip("torch")
    ours = SGD(0.05, momentum=momentum, nesterov=nesterov)
    theta = np.random.default_rng(0).normal(size=6)
    parameter = torch.tensor(theta, requires_grad=True)
    theirs: Any = torch.optim.SGD([parameter], lr=0.05, momentum=momentum, nesterov=nesterov)
    state = ours.init(theta)
    for step in range(1, 31):
        gradient = np.random.default_rng(step).normal(size=6)
        parameter.grad = torch.tensor(gradient)
        theirs.step()
        ours.update(theta, gradient, state, 0.05, step)
        assert theta == pytest.approx(parameter.detach().numpy(), rel=1e-12, abs=1e-14)  # rounding of 30 steps
