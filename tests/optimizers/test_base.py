"""The contract: hyperparameters that never change, a state that is explicit, one update; and one of one's own."""

from dataclasses import FrozenInstanceError, dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from backlit.errors import OptionError
from backlit.optimizers import OPTIMIZERS, SGD, Optimizer, State
from backlit.optimizers.base import check_number

STEPWISE = [name for name in OPTIMIZERS if name != "lbfgs"]


@dataclass(frozen=True)
class SignDescent(Optimizer):
    """θ ← θ - η sign(g + last g): one of one's own."""

    learning_rate: float = 0.5
    fraction: float = 1.0

    name: ClassVar[str] = "sign-descent"
    slots: ClassVar[tuple[str, ...]] = ("last",)

    def update(self, theta: Any, gradient: Any, state: State, learning_rate: float, step: int) -> None:
        theta -= learning_rate * np.sign(gradient + self.fraction * state["last"])
        state["last"][:] = gradient


def test_an_optimizer_of_ones_own() -> None:
    own, theta = SignDescent(), np.array([1.0, 1.0])
    state = own.init(theta)
    own.update(theta, np.array([2.0, -1.0]), state, own.learning_rate, 1)
    assert theta.tolist() == [0.5, 1.5]
    own.update(theta, np.array([-1.0, -1.0]), state, own.learning_rate, 2)  # 2 - 1 is positive, -1 - 1 negative
    assert theta.tolist() == [0.0, 2.0]
    assert own.describe() == {"name": "sign-descent", "learning_rate": 0.5, "fraction": 1.0}


def test_without_an_update_there_is_no_optimizer() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Optimizer()  # type: ignore[abstract]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_hyperparameters_never_change(name: str) -> None:
    optimizer = OPTIMIZERS[name]()
    assert optimizer.name == name
    with pytest.raises(FrozenInstanceError):
        optimizer.learning_rate = 7.0  # type: ignore[misc]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_describing_and_making_it_again(name: str) -> None:
    described = OPTIMIZERS[name]().describe()
    assert described.pop("name") == name
    assert OPTIMIZERS[name](**described) == OPTIMIZERS[name]()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", STEPWISE)
def test_the_state_starts_at_zero_in_thetas_shape_and_dtype(name: str, dtype: type) -> None:
    theta = np.array([3.0, -2.0], dtype)
    optimizer = SGD(momentum=0.5) if name == "sgd" else OPTIMIZERS[name]()
    state = optimizer.init(theta)
    assert state
    for slot in state.values():
        assert slot.dtype == dtype
        assert slot.tolist() == [0, 0]
        assert slot is not theta


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [SGD(), SGD(momentum=0.9, nesterov=True), *(OPTIMIZERS[n]() for n in STEPWISE)])
def test_an_update_is_in_place_and_keeps_the_dtype_and_the_gradient(optimizer: Optimizer, dtype: type) -> None:
    theta = np.array([3.0, -2.0, 0.5], dtype)
    gradient = np.array([1.0, -4.0, 0.0], dtype)
    state = optimizer.init(theta)
    held = {slot: id(array) for slot, array in state.items()}
    optimizer.update(theta, gradient, state, optimizer.learning_rate, 1)
    assert theta.dtype == dtype
    assert theta[0] < 3  # against its gradient
    assert theta[1] > -2
    assert gradient.tolist() == [1, -4, 0]
    assert {slot: id(array) for slot, array in state.items()} == held
    assert all(array.dtype == dtype for array in state.values())


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), *(OPTIMIZERS[n]() for n in STEPWISE)])
def test_theta_the_state_and_the_step_are_all_there_is(optimizer: Optimizer) -> None:
    gradients = np.random.default_rng(0).normal(size=(6, 4))
    theta = np.ones(4)
    state = optimizer.init(theta)
    for step in (1, 2, 3):
        optimizer.update(theta, gradients[step - 1], state, 0.1, step)
    saved, kept = theta.copy(), {slot: array.copy() for slot, array in state.items()}
    for step in (4, 5, 6):
        optimizer.update(theta, gradients[step - 1], state, 0.1, step)
    again = type(optimizer)(**{k: v for k, v in optimizer.describe().items() if k != "name"})
    for step in (4, 5, 6):
        again.update(saved, gradients[step - 1], kept, 0.1, step)
    assert (saved == theta).all()


@pytest.mark.parametrize("optimizer", [SGD(momentum=0.9), *(OPTIMIZERS[n]() for n in STEPWISE)])
def test_the_learning_rate_given_counts_not_the_optimizers_own(optimizer: Optimizer) -> None:
    ends = []
    for rate in (0.25, 0.5):
        theta = np.zeros(1)
        optimizer.update(theta, np.ones(1), optimizer.init(theta), rate, 1)
        ends.append(theta[0])
    # From θ = 0 (where AdamW has nothing to decay) every optimizer's first step is proportional to η.
    assert ends[1] == pytest.approx(2 * ends[0], rel=1e-12)


@pytest.mark.parametrize("value", [0, 0.0, 0.5, np.float32(0.5), np.int64(0), 0.999])
def test_a_number_in_its_range_is_taken(value: float) -> None:
    check_number("adam", "beta_1", value, low=0, high=1)


@pytest.mark.parametrize("value", [-1e-9, 1, 1.0, np.nan, np.inf, "0.5", None, True, [0.5]])
def test_a_number_out_of_its_range_is_refused(value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        check_number("adam", "beta_1", value, low=0, high=1)
    assert str(caught.value) == f"beta_1 of adam must be a number at least 0 and below 1, not {value!r}"


@pytest.mark.parametrize("value", [0, -1, np.inf, np.nan])
def test_an_open_range_excludes_its_end(value: float) -> None:
    with pytest.raises(OptionError, match=r"^epsilon of adam must be a number above 0, not "):
        check_number("adam", "epsilon", value, low=0, open_low=True)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        *((name, "learning_rate", value) for name in STEPWISE for value in (0, -0.1, np.nan, np.inf, "0.1")),
        *(("sgd", "momentum", value) for value in (-0.1, 1, np.nan)),
        *(("rmsprop", "decay", value) for value in (-0.1, 1, np.nan)),
        *(("rmsprop", "epsilon", value) for value in (0, -1e-8)),
        *((name, beta, value) for name in ("adam", "adamw") for beta in ("beta_1", "beta_2") for value in (-0.1, 1)),
        *((name, "epsilon", value) for name in ("adam", "adamw") for value in (0, -1e-8)),
        *(("adamw", "weight_decay", value) for value in (-0.1, np.nan)),
        *(("lbfgs", "iterations", value) for value in (0, -1)),
        *(("lbfgs", "memory", value) for value in (0, -1)),
        ("lbfgs", "tolerance", -1e-5),
    ],
)
def test_a_bad_hyperparameter_is_named(name: str, option: str, value: Any) -> None:
    with pytest.raises(OptionError, match=f"^{option} of {name} must be a (whole )?number[, ]") as caught:
        OPTIMIZERS[name](**{option: value})
    assert str(caught.value).endswith(f"not {value!r}")
