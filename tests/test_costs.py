"""Each cost by hand, by finite differences and by PyTorch: one number a row, one derivative an output."""

import numpy as np
import pytest

from backlit import costs
from backlit.costs import COSTS, Cost
from backlit.errors import OptionError

A = np.array([[0.5, 0.25], [0.8, 0.1]])
ONE_HOT = np.array([[1.0, 0.0], [0.0, 1.0]])
LN2 = 0.6931471805599453


# name: outputs, targets, the cost of each row, the derivative at each output
BY_HAND = {
    # ½(0.5² + 0.25²) = ½ 0.3125; ½(0.8² + 0.9²) = ½ 1.45; the derivative is a - y
    "quadratic": (A, ONE_HOT, [0.15625, 0.725], [[-0.5, 0.25], [0.8, -0.9]]),
    # a half of the sums 0.3125 and 1.45, for two outputs; 2/2 (a - y)
    "mse": (A, ONE_HOT, [0.15625, 0.725], [[-0.5, 0.25], [0.8, -0.9]]),
    # -ln ½ - ln(1 - ¼) = ln 2 + ln(4/3); -ln 0.2 - ln 0.1 = ln 50;
    # (a - y)/(a(1 - a)): -0.5/0.25, 0.25/0.1875, 0.8/0.16, -0.9/0.09
    "binary-cross-entropy": (A, ONE_HOT, [LN2 + np.log(4 / 3), np.log(50)], [[-2, 4 / 3], [5, -10]]),
    # -ln ½ and -ln 0.1; -y/a: -1/0.5, 0, 0, -1/0.1
    "cross-entropy": (A, ONE_HOT, [LN2, np.log(10)], [[-2, 0], [0, -10]]),
    # errors 0.5 and -3: ½ 0.25 + (3 - ½); errors 1 and 2, the first on the corner: ½ + 1½; held between -1 and 1
    "huber": (
        np.array([[1.5, 0.0], [1.0, 4.0]]), np.array([[1.0, 3.0], [0.0, 2.0]]), [2.625, 2.0], [[0.5, -1], [1, 1]],
    ),
    # (2 - 3 ln 2) + (1 - 0); (4 - 2 ln 4) + (½ - ln ½) = 4.5 - 4 ln 2 + ln 2; 1 - y/a
    "poisson": (
        np.array([[2.0, 1.0], [4.0, 0.5]]), np.array([[3.0, 0.0], [2.0, 1.0]]),
        [3 - 3 * LN2, 4.5 - 3 * LN2], [[-0.5, 1], [0.5, -1]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", COSTS)
def test_cost_and_derivative_by_hand(name: str, dtype: type) -> None:
    a, y, rows, derivative = BY_HAND[name]
    value = COSTS[name].value(a.astype(dtype), y.astype(dtype))
    gradient = COSTS[name].gradient(a.astype(dtype), y.astype(dtype))
    assert value.dtype == gradient.dtype == dtype
    # A few roundings: the decimals of the inputs are themselves rounded, and 1 - a makes that up to nine times as much.
    rel = 20 * float(np.finfo(dtype).eps)
    assert value == pytest.approx(np.array(rows), rel=rel)
    assert gradient == pytest.approx(np.array(derivative, float), rel=rel)


def test_mse_divides_by_the_outputs_and_quadratic_by_two() -> None:
    a, y = np.array([[1.0, 2.0, 3.0]]), np.zeros((1, 3))
    # 1 + 4 + 9 = 14: over 2, and over 3 outputs; a - y, and 2/3 of it
    assert COSTS["quadratic"].value(a, y).tolist() == [7.0]
    assert COSTS["mse"].value(a, y) == pytest.approx(np.array([14 / 3]), rel=1e-15)
    assert COSTS["mse"].gradient(a, y) == pytest.approx(np.array([[2 / 3, 4 / 3, 2]]), rel=1e-15)


def test_huber_bends_at_one() -> None:
    a = np.array([[-1.0, 1.0, -1.5, 0.999]])
    y = np.zeros((1, 4))
    # ½, ½, 1, ½ 0.998001
    assert COSTS["huber"].value(a, y) == pytest.approx(np.array([2.4990005]), rel=1e-15)
    assert COSTS["huber"].gradient(a, y).tolist() == [[-1.0, 1.0, -1.0, 0.999]]


@pytest.mark.parametrize(("name", "a", "y"), [
    ("cross-entropy", [1.0, 0.0], [1.0, 0.0]),
    ("binary-cross-entropy", [1.0, 0.0], [1.0, 0.0]),
    ("poisson", [0.0, 0.0], [0.0, 0.0]),
])  # fmt: skip
def test_a_right_certainty_costs_nothing(name: str, a: list[float], y: list[float]) -> None:
    assert COSTS[name].value(np.array([a]), np.array([y])).tolist() == [0.0]  # 0 ln 0 = 0


@pytest.mark.parametrize("name", ["cross-entropy", "binary-cross-entropy"])
def test_a_wrong_certainty_costs_infinity_without_a_warning(name: str) -> None:
    a, y = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])
    assert COSTS[name].value(a, y).tolist() == [np.inf]
    assert COSTS[name].gradient(a, y)[0, 0] == -np.inf


@pytest.mark.parametrize("name", COSTS)
def test_derivative_is_the_limit_of_differences(name: str) -> None:
    rng = np.random.default_rng(1)
    a, y, h = rng.uniform(0.05, 0.95, (6, 3)), rng.uniform(0, 1, (6, 3)), 1e-6
    gradient = COSTS[name].gradient(a, y)
    for j in range(3):
        step = h * np.eye(3)[j]
        difference = (COSTS[name].value(a + step, y) - COSTS[name].value(a - step, y)) / (2 * h)
        # Rounding 5·2e-16/1e-6 = 1e-9; truncation h² C'''/6 with C''' ≤ 2/0.05³.
        assert np.abs(gradient[:, j] - difference).max() < 2e-8


@pytest.mark.parametrize("name", COSTS)
def test_cost_and_derivative_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    theirs = {
        "quadratic": lambda a, y: 0.5 * functional.mse_loss(a, y, reduction="none").sum(1),
        "mse": lambda a, y: functional.mse_loss(a, y, reduction="none").mean(1),
        "binary-cross-entropy": lambda a, y: functional.binary_cross_entropy(a, y, reduction="none").sum(1),
        "cross-entropy": lambda a, y: functional.nll_loss(torch.log(a), y.argmax(1), reduction="none"),
        "huber": lambda a, y: functional.huber_loss(a, y, reduction="none").sum(1),
        "poisson": lambda a, y: functional.poisson_nll_loss(a, y, log_input=False, eps=0, reduction="none").sum(1),
    }[name]
    rng = np.random.default_rng(2)
    a = rng.uniform(0.05, 0.95, (8, 3)) * (5 if name in {"huber", "poisson"} else 1)
    y = np.eye(3)[rng.integers(0, 3, 8)] if name == "cross-entropy" else rng.integers(0, 2, (8, 3)).astype(float)
    t = torch.tensor(a, requires_grad=True)
    rows = theirs(t, torch.tensor(y))
    rows.sum().backward()
    assert COSTS[name].value(a, y) == pytest.approx(rows.detach().numpy(), rel=1e-13)
    assert COSTS[name].gradient(a, y) == pytest.approx(t.grad.numpy(), rel=1e-12, abs=1e-15)


def test_a_cost_of_ones_own_passes_through() -> None:
    class Absolute(Cost):
        name = "absolute"

        def value(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
            return np.abs(a - y).sum(axis=1)

        def gradient(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
            return np.sign(a - y)

    absolute = Absolute()
    assert costs.get(absolute) is absolute
    assert costs.get("huber") is COSTS["huber"]


def test_a_misspelt_cost_gets_the_nearest() -> None:
    with pytest.raises(OptionError, match="cost 'crossentropy' is not known; did you mean 'cross-entropy'"):
        costs.get("crossentropy")
