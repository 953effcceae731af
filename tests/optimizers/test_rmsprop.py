"""s ← ρs + (1-ρ)g², θ ← θ - ηg/(√s + ε), by hand and as PyTorch takes it."""

import numpy as np
import pytest

from backlit.optimizers import RMSprop


def path(optimizer: RMSprop, gradients: list[float]) -> list[float]:
    """θ after each step, from 1."""
    theta, ends = np.array([1.0]), []
    state = optimizer.init(theta)
    for step, g in enumerate(gradients, start=1):
        optimizer.update(theta, np.array([g]), state, optimizer.learning_rate, step)
        ends.append(float(theta[0]))
    return ends


def test_steps_by_hand() -> None:
    # ρ = ¾, η = 0.1: s = ¼·4 = 1, θ = 1 - 0.2/1 = 0.8; s = ¾ + ¼ = 1, θ = 0.7; s = ¾ + ¼·9 = 3, θ = 0.7 - 0.3/√3.
    # ε of 1e-8 beside a root of at least 1 moves a step of 0.2 by 2e-9.
    assert path(RMSprop(0.1, decay=0.75), [2, 1, 3]) == pytest.approx([0.8, 0.7, 0.7 - 0.3 / np.sqrt(3)], abs=1e-8)


def test_the_decay_sets_how_much_of_the_square_is_taken() -> None:
    # ρ = 0: s = g², every step is η: 0.9, 0.8. ρ = 15/16: s = 4/16 = ¼, θ = 1 - 0.2/½
    assert path(RMSprop(0.1, decay=0.0), [2, 30]) == pytest.approx([0.9, 0.8], abs=1e-8)
    assert path(RMSprop(0.1, decay=0.9375), [2]) == pytest.approx([0.6], abs=1e-8)


def test_epsilon_stands_outside_the_root() -> None:
    # ε = 1: θ = 1 - 0.2/(1 + 1); inside the root it were 1 - 0.2/√2
    assert path(RMSprop(0.1, decay=0.75, epsilon=1.0), [2]) == pytest.approx([0.9], rel=1e-15)


def test_the_learning_rate_scales_the_step() -> None:
    assert path(RMSprop(0.3, decay=0.75), [2]) == pytest.approx([0.4], abs=1e-8)


@pytest.mark.parametrize(("decay", "epsilon"), [(0.9, 1e-8), (0.99, 1e-8), (0.5, 0.1)])
def test_the_steps_are_pytorchs(decay: float, epsilon: float) -> None:
    torch = pytest.importorskip("torch")
    ours = RMSprop(0.05, decay=decay, epsilon=epsilon)
    theta = np.random.default_rng(0).normal(size=6)
    parameter = torch.tensor(theta, requires_grad=True)
    theirs = torch.optim.RMSprop([parameter], lr=0.05, alpha=decay, eps=epsilon)
    state = ours.init(theta)
    for step in range(1, 31):
        gradient = np.random.default_rng(step).normal(size=6)
        parameter.grad = torch.tensor(gradient)
        theirs.step()
        ours.update(theta, gradient, state, 0.05, step)
        assert theta == pytest.approx(parameter.detach().numpy(), rel=1e-12, abs=1e-14)  # rounding of 30 steps
