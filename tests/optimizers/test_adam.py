"""Adam and AdamW by hand and as PyTorch takes them; what each hyperparameter moves."""

import numpy as np
import pytest

from backlit.optimizers import Adam, AdamW


def path(optimizer: Adam, gradients: list[float]) -> list[float]:
    """θ after each step, from 1."""
    theta, ends = np.array([1.0]), []
    state = optimizer.init(theta)
    for step, g in enumerate(gradients, start=1):
        optimizer.update(theta, np.array([g]), state, optimizer.learning_rate, step)
        ends.append(float(theta[0]))
    return ends


# β₁ = ½, β₂ = ¾, η = 0.1, gradients 2, -1, 4:
# m = 1, v = 1; m̂ = 1/½ = 2, v̂ = 1/¼ = 4; θ = 1 - 0.1·2/2 = 0.9
# m = ½ - ½ = 0; θ stays; v = ¾ + ¼ = 1
# m = 2, v = ¾ + 4 = 4.75; m̂ = 2/(1 - 1/8) = 16/7, v̂ = 4.75/(1 - 27/64) = 304/37; θ = 0.9 - 0.1 (16/7)/√(304/37)
BY_HAND = [0.9, 0.9, 0.9 - 0.1 * (16 / 7) / np.sqrt(304 / 37)]


def test_adam_by_hand() -> None:
    assert path(Adam(0.1, beta_1=0.5, beta_2=0.75), [2, -1, 4]) == pytest.approx(BY_HAND, abs=1e-8)  # ε beside 2


def test_the_first_step_is_the_learning_rate_whatever_the_gradient() -> None:
    for g in (1e-3, 5.0, -2e6):
        assert path(Adam(0.25), [g]) == pytest.approx([1 - 0.25 * np.sign(g)], abs=1e-5)  # ε = 1e-8 beside 1e-3


def test_beta_1_sets_how_long_the_direction_is_kept() -> None:
    # β₁ = 0: the second step follows the second gradient alone: v̂ = (¾·1 + ¼·1)/(1 - 9/16) = 16/7
    second = 0.9 + 0.1 / np.sqrt(16 / 7)
    assert path(Adam(0.1, beta_1=0.0, beta_2=0.75), [2, -1]) == pytest.approx([0.9, second], abs=1e-8)


def test_beta_2_sets_how_long_the_square_is_kept() -> None:
    # β₁ = β₂ = 0: every step is η against the gradient's sign
    assert path(Adam(0.1, beta_1=0.0, beta_2=0.0), [2, -1, 4]) == pytest.approx([0.9, 1.0, 0.9], abs=1e-8)


def test_epsilon_is_added_to_the_corrected_root() -> None:
    # √v̂ = 2, ε = 2: θ = 1 - 0.1·2/(2 + 2) = 0.95; added to √v = 1 it were 1 - 0.1·2/(2 + 4)
    assert path(Adam(0.1, beta_1=0.5, beta_2=0.75, epsilon=2.0), [2]) == pytest.approx([0.95], rel=1e-15)


def test_the_step_is_counted_from_what_is_given() -> None:
    theta, adam = np.array([1.0]), Adam(0.1, beta_1=0.5, beta_2=0.75)
    state = {"m": np.array([0.0]), "v": np.array([1.0])}
    adam.update(theta, np.array([4.0]), state, 0.1, step=3)
    assert theta[0] == pytest.approx(0.1 + BY_HAND[2], abs=1e-8)
    assert (state["m"][0], state["v"][0]) == (2.0, 4.75)


def test_adamw_by_hand() -> None:
    # Decay first: θ ← 0.95 θ with η·decay = 0.1·0.5, then Adam's step: 0.95 - 0.1 = 0.85; 0.8075 + 0 = 0.8075
    found = path(AdamW(0.1, beta_1=0.5, beta_2=0.75, weight_decay=0.5), [2, -1, 4])
    third = 0.95 * 0.8075 - 0.1 * (16 / 7) / np.sqrt(304 / 37)
    assert found == pytest.approx([0.85, 0.8075, third], abs=1e-8)


def test_adamw_without_decay_is_adam() -> None:
    assert path(AdamW(0.1, weight_decay=0), [2, -1, 4]) == path(Adam(0.1), [2, -1, 4])


def test_the_decay_does_not_pass_through_the_division() -> None:
    # Nothing but decay: θ shrinks by η·decay a step, whatever v is.
    assert path(AdamW(0.5, weight_decay=0.5), [0, 0]) == [0.75, 0.5625]


@pytest.mark.parametrize(
    ("beta_1", "beta_2", "epsilon", "weight_decay"),
    [(0.9, 0.999, 1e-8, 0.0), (0.5, 0.9, 1e-3, 0.01), (0.9, 0.999, 1e-8, 0.3), (0.0, 0.99, 0.1, 0.1)],
)
def test_the_steps_are_pytorchs(beta_1: float, beta_2: float, epsilon: float, weight_decay: float) -> None:
    torch = pytest.importorskip("torch")
    theta = np.random.default_rng(0).normal(size=6)
    parameter = torch.tensor(theta, requires_grad=True)
    options = {"lr": 0.05, "betas": (beta_1, beta_2), "eps": epsilon}
    if weight_decay:
        ours: Adam = AdamW(0.05, beta_1, beta_2, epsilon, weight_decay)
        theirs = torch.optim.AdamW([parameter], weight_decay=weight_decay, **options)
    else:
        ours, theirs = Adam(0.05, beta_1, beta_2, epsilon), torch.optim.Adam([parameter], **options)
    state = ours.init(theta)
    for step in range(1, 31):
        gradient = np.random.default_rng(step).normal(size=6)
        parameter.grad = torch.tensor(gradient)
        theirs.step()
        ours.update(theta, gradient, state, 0.05, step)
        assert theta == pytest.approx(parameter.detach().numpy(), rel=1e-12, abs=1e-14)  # rounding of 30 steps
