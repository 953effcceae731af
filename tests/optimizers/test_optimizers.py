"""Optimizers by name, and clipping by the norm over all parameters."""

import re
from typing import Any

import numpy as np
import pytest

from backlit import optimizers
from backlit.errors import OptionError
from backlit.optimizers import OPTIMIZERS, SGD, Adam, AdamW, clip_by_global_norm


def test_an_optimizer_by_name() -> None:
    assert set(OPTIMIZERS) == {"sgd", "rmsprop", "adam", "adamw", "lbfgs"}
    for name, optimizer in OPTIMIZERS.items():
        assert optimizers.get(name) == optimizer()


def test_a_learning_rate_takes_the_place_of_its_own() -> None:
    assert optimizers.get("adam", 0.25) == Adam(0.25)
    given = SGD(0.1, momentum=0.9, nesterov=True)
    assert optimizers.get(given) is given
    assert optimizers.get(given, 0.5) == SGD(0.5, momentum=0.9, nesterov=True)
    assert given.learning_rate == 0.1
    assert optimizers.get(AdamW(weight_decay=0.3), 1) == AdamW(1.0, weight_decay=0.3)


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("Adam", "optimizer 'Adam' is not known; did you mean 'adam'?"),
        ("rms-prop", "optimizer 'rms-prop' is not known; did you mean 'rmsprop'?"),
        ("newton", "optimizer 'newton' is not known. One of: adam, adamw, lbfgs, rmsprop, sgd"),
        (5, "optimizer '5' is not known"),
        (None, "optimizer 'None' is not known"),
        (SGD, "is not known"),
    ],
)
def test_what_is_not_an_optimizer_is_refused(optimizer: Any, message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)) as caught:
        optimizers.get(optimizer)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("learning_rate", [0, -0.1, np.nan, np.inf, "fast", True])
def test_a_bad_learning_rate_is_refused(learning_rate: Any) -> None:
    with pytest.raises(OptionError, match="learning_rate of adam must be a number above 0, not "):
        optimizers.get("adam", learning_rate)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_by_hand(dtype: type) -> None:
    # ‖(2, -3, 6)‖ = 7: to norm 3.5, half of it
    gradient = np.array([2, -3, 6], dtype)
    assert clip_by_global_norm(gradient, 3.5) == 7.0
    assert gradient.tolist() == [1.0, -1.5, 3.0]
    assert gradient.dtype == dtype


@pytest.mark.parametrize("largest", [7.0, 7.5, 1e9])
def test_a_gradient_within_the_norm_is_left_alone(largest: float) -> None:
    gradient = np.array([2.0, -3.0, 6.0])
    assert clip_by_global_norm(gradient, largest) == 7.0
    assert gradient.tolist() == [2.0, -3.0, 6.0]


def test_an_exploding_gradient_of_float32_is_clipped_not_zeroed() -> None:
    gradient = np.array([3e20, 4e20], np.float32)  # whose squares float32 cannot hold
    assert clip_by_global_norm(gradient, 1.0) == pytest.approx(5e20, rel=1e-6)
    assert gradient == pytest.approx(np.array([0.6, 0.8]), rel=1e-6)


def test_clip_is_pytorchs() -> None:
    torch = pytest.importorskip("torch")
    gradient = np.random.default_rng(0).normal(size=50)
    parameter = torch.zeros(50, dtype=torch.float64, requires_grad=True)
    parameter.grad = torch.tensor(gradient)
    norm = torch.nn.utils.clip_grad_norm_([parameter], 2.0)
    assert clip_by_global_norm(gradient, 2.0) == pytest.approx(norm.item(), rel=1e-14)
    # PyTorch divides by norm + 1e-6, which at a norm of about 7 is a share of 2e-7.
    assert gradient == pytest.approx(parameter.grad.numpy(), rel=1e-6)
    assert np.sqrt(gradient @ gradient) == pytest.approx(2.0, rel=1e-14)
