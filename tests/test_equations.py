"""Each equation under its own name, with numbers worked by hand; the two identities that diagnosis stands on.

The numbers of one small layer serve throughout: two rows, two neurons that feed, three neurons that are fed.
"""

import inspect

import numpy as np
import pytest

from backlit import equations
from backlit.activations import ACTIVATIONS
from backlit.costs import COSTS

DTYPES = [np.float32, np.float64]
A_BEFORE = np.array([[1.0, 2.0], [3.0, -1.0]])
W = np.array([[1.0, 0.0], [2.0, 1.0], [-1.0, 3.0]])
B = np.array([0.5, -1.0, 0.0])
Z = np.array([[1.5, 3.0, 5.0], [3.5, 4.0, -6.0]])
DELTA = np.array([[1.0, -2.0, 0.5], [0.0, 4.0, -1.0]])
WEIGHTS = np.array([0.5, 1.5])  # of mean 1


def test_every_equation_has_a_test_of_its_name() -> None:
    functions = inspect.getmembers(equations, inspect.isfunction)
    own = [name for name, function in functions if function.__module__ == equations.__name__]
    assert len(own) >= 10
    assert [name for name in own if f"test_{name}" not in globals()] == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_feed_forward(dtype: type) -> None:
    # z^l = a^{l-1} W^lᵀ + b^l. Row 0: 1·1 + 2·0 + 0.5 = 1.5; 1·2 + 2·1 - 1 = 3; -1 + 6 = 5.
    # Row 1: 3 + 0 + 0.5 = 3.5; 6 - 1 - 1 = 4; -3 - 3 = -6.
    given = [array.astype(dtype) for array in (A_BEFORE, W, B)]
    z, a = equations.feed_forward(*given, ACTIVATIONS["leaky-relu"])
    assert z.tolist() == Z.tolist()
    assert a == pytest.approx(np.array([[1.5, 3.0, 5.0], [3.5, 4.0, -0.06]]), rel=4 * float(np.finfo(dtype).eps))
    assert z.dtype == a.dtype == dtype


def test_feed_forward_leaves_what_it_was_given() -> None:
    given = [A_BEFORE.copy(), W.copy(), B.copy()]
    equations.feed_forward(*given, ACTIVATIONS["identity"])
    assert all((after == before).all() for after, before in zip(given, [A_BEFORE, W, B], strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
def test_drop(dtype: type) -> None:
    # p = 0.2: what stays is divided by 0.8, which is multiplied by 1.25.
    mask = np.array([[True, False, True], [False, True, True]])
    dropped = equations.drop(DELTA.astype(dtype), mask, 0.2)
    assert dropped == pytest.approx(np.array([[1.25, 0, 0.625], [0, 5, -1.25]]), rel=float(np.finfo(dtype).eps))
    assert dropped.dtype == dtype
    assert (equations.drop(np.full((2, 3), np.inf), mask, 0.5)[~mask] == 0).all()  # what is left out is out


def test_drop_keeps_the_mean() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((1000, 100)) >= 0.3
    # 100,000 numbers that are 0 or 1/0.7: a deviation of √(0.3/0.7)/√100,000 of the mean; five of them.
    assert abs(equations.drop(np.ones(mask.shape), mask, 0.3).mean() - 1) < 5 * np.sqrt(0.3 / 0.7 / mask.size)


def test_output_error() -> None:
    # sigmoid at z = ln 3 and -ln 3: a = 3/4 and 1/4, σ' = 3/16 at both; quadratic cost with y = (1, 0):
    # δ = (a - y) σ' = -1/4 · 3/16 = -3/64 and 1/4 · 3/16 = 3/64
    z = np.array([[np.log(3), -np.log(3)]])
    a = np.array([[0.75, 0.25]])
    delta = equations.output_error(ACTIVATIONS["sigmoid"], COSTS["quadratic"], z, a, np.array([[1.0, 0.0]]))
    assert delta.tolist() == [[-0.046875, 0.046875]]


def test_output_error_through_a_full_jacobian() -> None:
    # softmax at (ln 1, ln 3): a = (1/4, 3/4); quadratic cost, y = (1, 0): ∂C/∂a = (-3/4, 3/4);
    # Σ ∂C/∂a_k a_k = -3/16 + 9/16 = 3/8; δ = (1/4 (-3/4 - 3/8), 3/4 (3/4 - 3/8)) = (-9/32, 9/32)
    z = np.array([[0.0, np.log(3)]])
    a = np.array([[0.25, 0.75]])
    delta = equations.output_error(ACTIVATIONS["softmax"], COSTS["quadratic"], z, a, np.array([[1.0, 0.0]]))
    assert delta.tolist() == [[-0.28125, 0.28125]]


def test_fused_output_error() -> None:
    # a - y
    delta = equations.fused_output_error(np.array([[0.25, 0.75]]), np.array([[1.0, 0.0]]))
    assert delta.tolist() == [[-0.75, 0.75]]


def test_backpropagate_error() -> None:
    # Layer l has two neurons with tanh, layer l + 1 three: δ^{l+1} W^{l+1}.
    # Row 0: 1·1 - 2·2 + 0.5·(-1) = -3.5; 1·0 - 2·1 + 0.5·3 = -0.5. Row 1: 0 + 8 + 1 = 9; 0 + 4 - 3 = 1.
    # tanh' = 1 - a² with a = (1/2, 0), (-1/2, 3/5): 3/4, 1; 3/4, 16/25.
    a = np.array([[0.5, 0.0], [-0.5, 0.6]])
    delta = equations.backpropagate_error(DELTA, W, ACTIVATIONS["tanh"], np.arctanh(a), a)
    assert delta == pytest.approx(np.array([[-2.625, -0.5], [6.75, 0.64]]), rel=1e-15)


def test_backpropagate_error_with_dropout() -> None:
    # The same, with p = 1/2: an error that passes through a kept neuron is doubled, through one left out it is 0.
    a = np.array([[0.5, 0.0], [-0.5, 0.6]])
    mask = np.array([[True, False], [False, True]])
    delta = equations.backpropagate_error(DELTA, W, ACTIVATIONS["tanh"], np.arctanh(a), a, mask, 0.5)
    assert delta == pytest.approx(np.array([[-5.25, 0], [0, 1.28]]), rel=1e-15)


def test_bias_gradient() -> None:
    # (1/2)(0.5·row 0 + 1.5·row 1): 0.25·1 + 0; 0.25·(-2) + 0.75·4 = 2.5; 0.25·0.5 - 0.75 = -0.625
    assert equations.bias_gradient(DELTA, WEIGHTS).tolist() == [0.25, 2.5, -0.625]
    # without weights, the mean of the rows
    assert equations.bias_gradient(DELTA, np.ones(2)).tolist() == [0.5, 1.0, -0.25]


def test_weight_gradient() -> None:
    # (1/2) Σ w̃_i δ_iᵀ a_i = 0.25 δ_0ᵀ (1, 2) + 0.75 δ_1ᵀ (3, -1)
    # neuron 0: 0.25·(1, 2) + 0; neuron 1: -0.5·(1, 2) + 3·(3, -1) = (8.5, -4);
    # neuron 2: 0.125·(1, 2) - 0.75·(3, -1) = (-2.125, 1)
    by_hand = [[0.25, 0.5], [8.5, -4.0], [-2.125, 1.0]]
    assert equations.weight_gradient(DELTA, A_BEFORE, WEIGHTS).tolist() == by_hand


@pytest.mark.parametrize("weights", [np.array([0.5, 0.5]), np.array([0.25, 0.75])])
def test_a_batch_divides_by_its_rows_not_by_their_weights(weights: np.ndarray) -> None:
    # A batch whose weights sum to 1 of 2 rows: half of what twice the weights give.
    assert equations.bias_gradient(DELTA, weights) == pytest.approx(weights @ DELTA / 2, rel=1e-15)
    by_row = sum(w * np.outer(d, a) for w, d, a in zip(weights, DELTA, A_BEFORE, strict=True)) / 2
    assert equations.weight_gradient(DELTA, A_BEFORE, weights) == pytest.approx(by_row, rel=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_are_written_into_the_room_given(dtype: type) -> None:
    delta, a_before, weights = DELTA.astype(dtype), A_BEFORE.astype(dtype), WEIGHTS.astype(dtype)
    vector = np.full(9, 99, dtype)
    W_room, b_room = vector[:6].reshape(3, 2), vector[6:]
    assert equations.weight_gradient(delta, a_before, weights, out=W_room) is W_room
    assert equations.bias_gradient(delta, weights, out=b_room) is b_room
    assert vector.tolist() == [0.25, 0.5, 8.5, -4.0, -2.125, 1.0, 0.25, 2.5, -0.625]
    assert equations.weight_gradient(delta, a_before, weights).dtype == dtype
    assert equations.bias_gradient(delta, weights).dtype == dtype


def test_gradients_do_not_change_the_errors() -> None:
    delta, a_before = DELTA.copy(), A_BEFORE.copy()
    equations.weight_gradient(delta, a_before, WEIGHTS)
    equations.bias_gradient(delta, WEIGHTS)
    assert (delta == DELTA).all()
    assert (a_before == A_BEFORE).all()


def test_penalty() -> None:
    # Σ W² = 1 + 0 + 4 + 1 + 1 + 9 = 16; λ/(2n) = 0.5/(2·4) = 1/16
    assert equations.penalty(W, 0.5, 4) == 1.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_penalty_gradient(dtype: type) -> None:
    # λ/n = 0.5/4 = 1/8
    gradient = equations.penalty_gradient(W.astype(dtype), 0.5, 4)
    assert gradient.tolist() == [[0.125, 0.0], [0.25, 0.125], [-0.125, 0.375]]
    assert gradient.dtype == dtype


def test_penalty_gradient_is_the_derivative_of_the_penalty() -> None:
    for j, k in np.ndindex(W.shape):
        step = np.zeros_like(W)
        step[j, k] = 0.5
        # of a square, the central difference is exact at any step
        difference = equations.penalty(W + step, 0.7, 3) - equations.penalty(W - step, 0.7, 3)
        assert equations.penalty_gradient(W, 0.7, 3)[j, k] == pytest.approx(difference, rel=1e-14, abs=1e-15)


def test_objective_cost() -> None:
    # (1/2)(0.5·3 + 1.5·7) + 0.25 = 6.25
    assert equations.objective_cost(np.array([3.0, 7.0]), WEIGHTS, 0.25) == 6.25
    assert equations.objective_cost(np.array([3.0, 7.0]), np.ones(2)) == 5.0


def test_objective_cost_of_float32_is_summed_in_float64() -> None:
    rows = np.full(3, 1e8, np.float32)
    rows[1] = 4
    # In float32, 1e8 + 4 = 1e8.
    assert equations.objective_cost(rows, np.ones(3, np.float32)) == (2e8 + 4) / 3


def gradient_of_one_row(delta: np.ndarray, a_before: np.ndarray) -> np.ndarray:
    """∇C_x over one layer, biases included, as one vector."""
    one = np.ones(1)
    return np.concatenate(
        [equations.weight_gradient(delta, a_before, one).ravel(), equations.bias_gradient(delta, one)]
    )


def test_the_norm_of_a_rows_gradient() -> None:
    # ‖∇C_x‖² = ‖δ_x‖²(1 + ‖a_x‖²). Row 0: (1 + 4 + 0.25)(1 + 1 + 4) = 31.5; row 1: (16 + 1)(1 + 9 + 1) = 187.
    for row, by_hand in ((0, 31.5), (1, 187.0)):
        delta, a_before = DELTA[[row]], A_BEFORE[[row]]
        gradient = gradient_of_one_row(delta, a_before)
        assert gradient @ gradient == by_hand
        assert (delta**2).sum() * (1 + (a_before**2).sum()) == by_hand


def test_the_inner_product_of_two_rows_gradients() -> None:
    # ⟨∇C_x, ∇C_y⟩ = (δ_x·δ_y)(1 + a_x·a_y) = (0 - 8 - 0.5)(1 + 3 - 2) = -17
    gradients = [gradient_of_one_row(DELTA[[row]], A_BEFORE[[row]]) for row in (0, 1)]
    assert gradients[0] @ gradients[1] == -17.0
    assert (DELTA[0] @ DELTA[1]) * (1 + A_BEFORE[0] @ A_BEFORE[1]) == -17.0
