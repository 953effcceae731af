"""``bl.check_gradient`` on NumPy functions and PyTorch modules: right, wrong, bent, and not to be used at all."""

import numpy as np
import pytest

import backlit as bl
from backlit.errors import DataError, OptionError

RNG = np.random.default_rng(0)
W = RNG.standard_normal(12)


def smooth(w):
    return float(np.sum(np.tanh(w) * w))


def smooth_gradient(w):
    return np.tanh(w) + w / np.cosh(w) ** 2


def test_a_right_gradient_passes_and_a_wrong_one_fails():
    assert bl.check_gradient(smooth, smooth_gradient, W).passed
    report = bl.check_gradient(smooth, lambda w: smooth_gradient(w) * (1 + 1e-6 * (np.arange(12) == 7)), W)
    assert [place.at for place in report.failures] == [{"index": 7}]
    assert str(report).startswith("FAIL: the gradient of smooth: 1 of 12 numbers are wrong. The first is in ∂f/∂x")


def test_several_arguments_and_dicts():
    A, x = RNG.standard_normal((2, 3)), RNG.standard_normal(3)
    report = bl.check_gradient(lambda A, x: np.sum((A @ x) ** 2), lambda A, x: [2 * np.outer(A @ x, x), 2 * A.T @ (A @ x)], [A, x])  # fmt: skip # noqa: E501
    assert report.passed
    assert [q.quantity for q in report.quantities] == ["∂f/∂x[0]", "∂f/∂x[1]"]
    as_dict = bl.check_gradient(lambda p: np.sum(p["A"] ** 2), lambda p: {"A": 2 * p["A"]}, {"A": A})
    assert as_dict.quantities[0].passed == 6


def test_a_kink_is_undecidable_whatever_slope_is_claimed():
    at = np.array([0.0, 1.0, -2.0])
    for claimed in (-1.0, 0.0, 1.0, 0.3):
        report = bl.check_gradient(lambda w: np.abs(w).sum(), np.array([claimed, 1.0, -1.0]), at)
        assert (report.undecidable, len(report.failures)) == (1, 0)
    assert "its slope is -1 from below and 1 from above; yours, 0.3, is between them" in str(report)


def test_a_kink_nearby_is_none_at_the_point():
    at = np.array([1e-4, 1.0])
    assert bl.check_gradient(lambda w: np.abs(w).sum(), np.sign, at).undecidable == 0
    assert bl.check_gradient(lambda w: np.abs(w).sum(), lambda w: -np.sign(w), at).answer == "fail"


def test_float32_functions_are_held_to_float32():
    def single(w):
        return np.float32(np.sum(np.tanh(w.astype(np.float32))))

    assert bl.check_gradient(single, lambda w: 1 / np.cosh(w) ** 2, W).passed
    assert bl.check_gradient(single, lambda w: 1.05 / np.cosh(w) ** 2, W).answer == "fail"


def test_many_numbers_along_directions():
    many = RNG.standard_normal(5000)
    report = bl.check_gradient(smooth, smooth_gradient, many)
    assert report.passed
    assert "32 random directions" in str(report)
    assert "is missed with probability below 1e-06" in str(report)
    wrong = bl.check_gradient(smooth, lambda w: smooth_gradient(w) + 1e-3 * (np.arange(5000) == 4), many)
    assert wrong.answer == "fail"


@pytest.mark.parametrize(
    ("f", "gradient", "x", "words"),
    [
        (lambda w: np.nan, np.zeros(2), np.zeros(2), "returned NaN"),
        (lambda w: w, np.zeros(2), np.zeros(2), r"array of shape \(2,\)"),
        (lambda w: "one", np.zeros(2), np.zeros(2), "returned str, not a number"),
        (lambda w: RNG.random(), np.zeros(2), np.zeros(2), "not deterministic"),
        (
            lambda w: w.sum(),
            np.ones((3, 2)),
            np.zeros((2, 3)),
            r"shape \(3, 2\), expected \(2, 3\); its transpose fits",
        ),
        (lambda w: w.sum(), np.array([1.0, np.inf]), np.zeros(2), "is inf at"),
        (lambda w: w.sum(), np.zeros(2), np.array([0, np.nan]), "x holds NaN"),
    ],
)
def test_bad_input_is_named(f, gradient, x, words):
    with pytest.raises(DataError, match=words):
        bl.check_gradient(f, gradient, x)


def test_what_is_no_function_is_refused():
    with pytest.raises(OptionError, match="must be a function"):
        bl.check_gradient(3, None, W)


# --- PyTorch


@pytest.fixture(scope="module")
def functions():
    torch = pytest.importorskip("torch")

    class Relu(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * (x > 0)

    class WrongTanh(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.tanh(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * (1 - x**2)  # of x, where it is of tanh x

    class Net(torch.nn.Module):
        def __init__(self, function):
            super().__init__()
            self.first, self.second, self.function = torch.nn.Linear(4, 5), torch.nn.Linear(5, 3), function

        def forward(self, x):
            return self.second(self.function.apply(self.first(x)))

    torch.manual_seed(0)
    return torch, Relu, WrongTanh, Net


def test_a_wrong_autograd_function_is_caught(functions):
    torch, _, WrongTanh, Net = functions
    report = bl.check_gradient(Net(WrongTanh), None, torch.randn(3, 4))
    by_name = {q.quantity: q.answer for q in report.quantities}
    assert by_name["∂f/∂first.weight"] == by_name["∂f/∂x"] == "fail"
    assert by_name["∂f/∂second.weight"] == by_name["∂f/∂second.bias"] == "pass"  # they lie above the mistake


def test_a_right_one_with_relu_at_exact_zeros_is_not_failed(functions):
    torch, Relu, _, Net = functions
    assert bl.check_gradient(Net(Relu), None, torch.randn(3, 4)).passed
    net = Net(Relu)
    torch.nn.init.zeros_(net.first.bias)
    at_the_kink = torch.randn(3, 4)
    at_the_kink[1] = 0  # every z of this row is exactly 0
    report = bl.check_gradient(net, None, at_the_kink)
    assert not report.failures
    assert report.undecidable > 0


def test_the_module_is_left_alone(functions):
    torch, Relu, _, Net = functions
    net = Net(Relu)
    before = [p.clone() for p in net.parameters()]
    bl.check_gradient(net, None, torch.randn(2, 4))
    assert all(torch.equal(a, b) and b.dtype == torch.float32 for a, b in zip(before, net.parameters(), strict=True))


def test_dropout_is_named(functions):
    torch, *_ = functions
    with pytest.raises(DataError, match=r"not deterministic.*module\.eval\(\)"):
        bl.check_gradient(torch.nn.Dropout(0.5), None, torch.ones(2, 50))


def test_without_a_gradient_tensors_are_needed(functions):
    with pytest.raises(OptionError, match="tensor"):
        bl.check_gradient(smooth, None, W)
