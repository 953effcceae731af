"""The passes over all layers against finite differences, PyTorch's autograd and SymPy; row weights; dropout.

One small ragged network, 3-4-3-2, five rows. Every valid pair of output and cost meets every hidden activation, with
and without row weights, penalty and dropout.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit import equations, objective
from backlit.activations import ACTIVATIONS
from backlit.backpropagation import (
    Errors,
    ForwardPass,
    Gradients,
    MaskOf,
    backpropagate,
    feed_forward,
    gradients,
    penalty,
)
from backlit.network import Layer, Network
from backlit.objective import VALID_OUTPUTS, Objective
from backlit.randomness import dropout_mask

PAIRS = [(output, cost) for cost, outputs in VALID_OUTPUTS.items() for output in outputs]
HIDDEN = [name for name, activation in ACTIVATIONS.items() if not activation.output_only]
SWITCHES = list(product([False, True], repeat=3))  # row weights, penalty, dropout
KINKED = {"relu", "leaky-relu", "elu"}
M, SIZES = 5, (3, 4, 3, 2)
ROW_WEIGHTS = np.array([0.5, 1.5, 1.0, 0.25, 1.75])  # of mean 1
L2, N = 0.7, 9.0
X = np.random.default_rng(0).normal(size=(M, 3))


def mask_of(layer: Layer, shape: tuple[int, int]) -> np.ndarray:
    """The same mask at every call: what a difference is taken of must not change."""
    return dropout_mask(seed=2, step=3, layer=layer.number, shape=shape, p=layer.dropout)


def setting(
    output: str, cost: str, hidden: str, penalised: bool, dropped: bool
) -> tuple[Network, Objective, np.ndarray, MaskOf | None]:
    net = Network(
        SIZES,
        activation=hidden,
        output=output,
        initializer="gaussian",  # biases too: no z is 0 where all that feeds it is dropped
        dropout=(0.25, 0.5) if dropped else 0.0,
        seed=1,
        dtype="float64",
    )
    net.parameters[:] *= 0.6
    goal = objective.choose(output, cost, l2=L2 if penalised else 0.0, n=N)
    return net, goal, targets(cost), mask_of if dropped else None


def targets(cost: str) -> np.ndarray:
    if cost == "cross-entropy":
        return np.eye(2)[[0, 1, 1, 0, 1]]
    if cost == "binary-cross-entropy":
        return np.array([[0, 1], [1, 1], [0, 0], [1, 0], [1, 1]], float)
    if cost == "poisson":
        return np.array([[0, 3], [1, 2], [5, 0], [1, 1], [2, 4]], float)
    return np.array([[0.3, -1.4], [2.2, 0.1], [-0.8, 0.6], [1.7, 0.9], [0.2, -2.1]])


def gradient_of(net: Network, goal: Objective, X: Any, y: Any, weights: Any, masks: MaskOf | None = None) -> np.ndarray:
    forward = feed_forward(net.layers, X, masks)
    errors = backpropagate(net.layers, goal, forward, y)
    return gradients(net.layers, goal, forward, errors, weights, Gradients.empty(net)).vector


def cost_of(net: Network, goal: Objective, y: Any, weights: Any, forward: ForwardPass) -> float:
    rows = goal.row_costs(forward.z[net.L], forward.output, y)
    return equations.objective_cost(rows, weights, penalty(net.layers, goal))


def sides(net: Network, goal: Objective, forward: ForwardPass, y: np.ndarray) -> bytes:
    """On which side of every kink of the activations and of Huber's corner the pass lies."""
    found = [forward.z[layer.number] > 0 for layer in net.layers if layer.activation.name in KINKED]
    if goal.cost.name == "huber":
        found += [forward.output - y > 1, forward.output - y < -1]
    return b"".join(side.tobytes() for side in found)


def check_by_differences(net: Network, goal: Objective, y: Any, weights: Any, masks: MaskOf | None) -> None:
    """Central differences in every parameter, but for those whose step crosses a kink."""
    gradient = gradient_of(net, goal, X, y, weights, masks)
    h, theta = 1e-5, net.parameters
    here = feed_forward(net.layers, X, masks)
    # Of a difference, C eps / h = 2e-11 C is rounding; h²C'''/6 is below that.
    noise = 1e-10 * max(1, abs(cost_of(net, goal, y, weights, here)))
    skipped = 0
    for j in range(theta.size):
        at = theta[j]
        theta[j] = at + h
        above = feed_forward(net.layers, X, masks)
        cost_above = cost_of(net, goal, y, weights, above)
        theta[j] = at - h
        below = feed_forward(net.layers, X, masks)
        cost_below = cost_of(net, goal, y, weights, below)
        theta[j] = at
        if sides(net, goal, above, y) != sides(net, goal, below, y):
            skipped += 1
            continue
        difference = (cost_above - cost_below) / (2 * h)
        assert gradient[j] == pytest.approx(difference, rel=1e-6, abs=noise), f"parameter {j}"
    assert skipped <= 1  # of 39; a step of 1e-5 crosses one of the 45 kinks once in thousands of parameters
    assert np.abs(gradient).max() > 1e-3  # far above the noise: something was compared


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_gradients_are_the_limits_of_differences(output: str, cost: str, hidden: str) -> None:
    """Two of the eight settings of the switches a combination, turned so that each meets each pair and activation."""
    turn = PAIRS.index((output, cost)) + HIDDEN.index(hidden)
    for weighted, penalised, dropped in (SWITCHES[turn % 8], SWITCHES[7 - turn % 8]):
        net, goal, y, masks = setting(output, cost, hidden, penalised, dropped)
        check_by_differences(net, goal, y, ROW_WEIGHTS if weighted else np.ones(M), masks)


@pytest.mark.slow
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_gradients_are_the_limits_of_differences_in_every_combination(output: str, cost: str, hidden: str) -> None:
    for weighted, penalised, dropped in SWITCHES:
        net, goal, y, masks = setting(output, cost, hidden, penalised, dropped)
        check_by_differences(net, goal, y, ROW_WEIGHTS if weighted else np.ones(M), masks)


def torch_gradient(net: Network, goal: Objective, y: Any, weights: Any, dropped: bool) -> tuple[float, np.ndarray]:
    """Cost and gradient of the same objective, written anew in PyTorch."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    sigma = {
        "identity": lambda z: z, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": functional.relu,
        "leaky-relu": functional.leaky_relu, "elu": functional.elu, "gelu": functional.gelu, "silu": functional.silu,
        "softplus": functional.softplus, "exponential": torch.exp, "softmax": lambda z: functional.softmax(z, dim=1),
    }  # fmt: skip
    rows_of = {
        "quadratic": lambda z, a, y: 0.5 * functional.mse_loss(a, y, reduction="none").sum(1),
        "mse": lambda z, a, y: functional.mse_loss(a, y, reduction="none").mean(1),
        "huber": lambda z, a, y: functional.huber_loss(a, y, reduction="none").sum(1),
        "cross-entropy": lambda z, a, y: functional.cross_entropy(z, y.argmax(1), reduction="none"),
        "binary-cross-entropy":
            lambda z, a, y: functional.binary_cross_entropy_with_logits(z, y, reduction="none").sum(1),
        "poisson":
            lambda z, a, y: functional.poisson_nll_loss(z, y, log_input=True, full=False, reduction="none").sum(1),
    }  # fmt: skip
    layers = [(torch.tensor(l.W, requires_grad=True), torch.tensor(l.b, requires_grad=True)) for l in net.layers]
    a, z, squares = torch.tensor(X), None, 0.0
    for layer, (W, b) in zip(net.layers, layers, strict=True):
        z = functional.linear(a, W, b)
        a = sigma[layer.activation.name](z)
        if dropped and layer.dropout:
            a = a * torch.tensor(mask_of(layer, tuple(a.shape))) / (1 - layer.dropout)
        squares = squares + (W**2).sum()
    rows = rows_of[goal.cost.name](z, a, torch.tensor(y))
    cost = (rows * torch.tensor(weights)).mean() + goal.l2 / (2 * goal.n) * squares
    cost.backward()
    return cost.item(), np.concatenate([part.grad.numpy().ravel() for layer in layers for part in layer])


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_cost_and_gradients_are_those_of_autograd(output: str, cost: str, hidden: str) -> None:
    for weighted, penalised, dropped in SWITCHES:
        net, goal, y, masks = setting(output, cost, hidden, penalised, dropped)
        weights = ROW_WEIGHTS if weighted else np.ones(M)
        theirs, their_gradient = torch_gradient(net, goal, y, weights, dropped)
        forward = feed_forward(net.layers, X, masks)
        # Both round some tens of operations of float64, and a sum may cancel a few digits.
        assert cost_of(net, goal, y, weights, forward) == pytest.approx(theirs, rel=1e-12)
        gradient = gradient_of(net, goal, X, y, weights, masks)
        assert gradient == pytest.approx(their_gradient, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize(
    ("hidden", "output", "cost", "sizes"),
    [
        ("sigmoid", "sigmoid", "quadratic", (1, 1, 1)),
        ("tanh", "softmax", "cross-entropy", (2, 3, 2)),
        ("softplus", "sigmoid", "binary-cross-entropy", (2, 3, 2)),
        ("silu", "exponential", "poisson", (2, 3, 2)),
        ("tanh", "softmax", "quadratic", (2, 3, 2)),
    ],
)
def test_gradients_are_those_that_algebra_derives(
    hidden: str, output: str, cost: str, sizes: tuple[int, int, int]
) -> None:
    """C as one expression in symbols, differentiated by SymPy and worked out in 30 digits."""
    sp, mp = pytest.importorskip("sympy"), pytest.importorskip("mpmath")
    net = Network(sizes, activation=hidden, output=output, initializer="gaussian", seed=5, dtype="float64")
    theta = sp.symbols(f"t0:{net.parameters.size}", real=True)
    x, y = np.array([[0.4, -1.3]])[:, : sizes[0]], np.array([[1.0, 0.0]])[:, : sizes[-1]]

    def sigma(name: str, z: list[Any]) -> list[Any]:
        if name == "softmax":
            return [sp.exp(v) / sum(sp.exp(u) for u in z) for v in z]
        s = {
            "sigmoid": lambda v: 1 / (1 + sp.exp(-v)), "tanh": sp.tanh, "softplus": lambda v: sp.log(1 + sp.exp(v)),
            "silu": lambda v: v / (1 + sp.exp(-v)), "exponential": sp.exp,
        }[name]  # fmt: skip
        return [s(v) for v in z]

    a: list[Any] = [sp.Rational(str(v)) for v in x[0]]
    start = 0
    for fan_in, fan_out, name in ((sizes[0], sizes[1], hidden), (sizes[1], sizes[2], output)):
        W, b = theta[start : start + fan_in * fan_out], theta[start + fan_in * fan_out :]
        a = sigma(name, [sum(W[j * fan_in + k] * a[k] for k in range(fan_in)) + b[j] for j in range(fan_out)])
        start += fan_in * fan_out + fan_out
    pairs = [(p, int(t)) for p, t in zip(a, y[0], strict=True)]
    expression = {
        "quadratic": sum((p - t) ** 2 for p, t in pairs) / 2,
        "cross-entropy": -sum(t * sp.log(p) for p, t in pairs),
        "binary-cross-entropy": -sum(t * sp.log(p) + (1 - t) * sp.log(1 - p) for p, t in pairs),
        "poisson": sum(p - t * sp.log(p) for p, t in pairs),
    }[cost]
    derivatives = sp.lambdify(theta, [sp.diff(expression, t) for t in theta], "mpmath", cse=True)
    with mp.workdps(30):
        derived = np.array([float(d) for d in derivatives(*map(mp.mpf, net.parameters.tolist()))])
    found = gradient_of(net, objective.choose(output, cost), x, y, np.ones(1))
    assert found == pytest.approx(derived, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_integer_row_weights_are_repeated_rows(output: str, cost: str) -> None:
    net, _, y, _ = setting(output, cost, "tanh", penalised=True, dropped=False)
    w = np.array([2, 1, 3, 0, 4])
    goal = objective.choose(output, cost, l2=L2, n=w.sum())  # n = Σw in both
    weighted = gradient_of(net, goal, X, y, w * M / w.sum())
    repeated = gradient_of(net, goal, X.repeat(w, axis=0), y.repeat(w, axis=0), np.ones(w.sum()))
    # The same sum in another order: a few roundings.
    assert weighted == pytest.approx(repeated, rel=1e-12, abs=1e-14)
    assert weighted != pytest.approx(gradient_of(net, goal, X, y, np.ones(M)), rel=1e-3)


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_the_identities_of_diagnosis(hidden: str, dropped: bool) -> None:
    """‖∇C_x‖² = ‖δ_x‖²(1 + ‖a_x‖²) and ⟨∇C_x, ∇C_y⟩ = (δ_x·δ_y)(1 + a_x·a_y), layer by layer, a after dropout."""
    net, goal, y, masks = setting("softmax", "cross-entropy", hidden, penalised=False, dropped=dropped)
    forward = feed_forward(net.layers, X, masks)
    errors = backpropagate(net.layers, goal, forward, y)
    for l in (2, 3, 4):
        delta, a = errors.delta[l], forward.a[l - 1]
        by_row = []
        for i in range(M):  # one row's own gradients: those that a batch of that row alone would give
            one = ForwardPass({l: forward.z[l][[i]]}, {l - 1: a[[i]]}, {})
            error = Errors({l: delta[[i]]}, fused=True)
            gradient = gradients((net.layer(l),), goal, one, error, np.ones(1), Gradients.empty(net))
            by_row.append(np.concatenate([gradient.W[l].ravel(), gradient.b[l]]))
        products = np.array([[u @ v for v in by_row] for u in by_row])
        identity = (delta @ delta.T) * (1 + a @ a.T)
        assert products == pytest.approx(identity, rel=1e-12, abs=1e-14)
        assert np.diag(products) == pytest.approx((delta**2).sum(1) * (1 + (a**2).sum(1)), rel=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=5),
    rows=st.integers(1, 12),
    hidden=st.sampled_from([name for name in HIDDEN if name not in KINKED]),
    pair=st.sampled_from([pair for pair in PAIRS if not {*pair} & {*KINKED, "huber"}]),
    dropout=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**32),
)
def test_any_network_agrees_along_any_direction(
    sizes: list[int], rows: int, hidden: str, pair: tuple[str, str], dropout: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    net = Network(sizes, activation=hidden, output=pair[0], dropout=dropout, seed=seed, dtype="float64")
    net.parameters[:] = rng.normal(0, 0.5, net.parameters.size)
    X, weights = rng.normal(size=(rows, sizes[0])), rng.uniform(0, 2, rows)
    y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], rows)]  # which every cost takes
    goal = objective.choose(*pair, l2=0.3, n=rows)
    gradient = gradient_of(net, goal, X, y, weights, mask_of)
    start, direction, h = net.parameters.copy(), rng.normal(size=net.parameters.size), 1e-5
    direction /= np.sqrt(direction @ direction)
    costs = []
    for t in (h, -h):
        net.parameters[:] = start + t * direction
        costs.append(cost_of(net, goal, y, weights, feed_forward(net.layers, X, mask_of)))
    # Rounding C eps / h; h² C'''/6 along a unit direction stays of the order of 1e-10 of the gradient and the cost.
    size = max(1, abs(costs[0]), float(np.sqrt(gradient @ gradient)))
    assert gradient @ direction == pytest.approx((costs[0] - costs[1]) / (2 * h), rel=1e-6, abs=1e-8 * size)


@pytest.mark.parametrize(("output", "cost"), objective.FUSED)
def test_the_general_path_gives_the_gradients_of_the_fused_form(output: str, cost: str) -> None:
    net, goal, y, masks = setting(output, cost, "elu", penalised=True, dropped=True)
    general = objective.choose(output, cost, l2=L2, n=N, fused=False)
    found = gradient_of(net, general, X, y, ROW_WEIGHTS, masks)
    assert found == pytest.approx(gradient_of(net, goal, X, y, ROW_WEIGHTS, masks), rel=1e-12, abs=1e-14)
    forward = feed_forward(net.layers, X, masks)
    assert backpropagate(net.layers, goal, forward, y).fused
    assert not backpropagate(net.layers, general, forward, y).fused


def test_a_pass_by_hand() -> None:
    """1-1-1 with relu and identity: C = ½(w³ relu(w² x + b²) + b³ - y)², two rows of weights ½ and 1½, λ/n = 1."""
    net = Network([1, 1, 1], activation="relu", dtype="float64")
    net.parameters[:] = [2.0, 1.0, 3.0, -1.0]  # w², b², w³, b³
    X, y, weights = np.array([[1.0], [-2.0]]), np.array([[6.0], [1.0]]), np.array([0.5, 1.5])
    goal = objective.choose("identity", l2=4, n=4)
    forward = feed_forward(net.layers, X)
    # z² = 2x + 1 = 3, -3; a² = 3, 0; z³ = 3a² - 1 = 8, -1
    assert [forward.z[l].ravel().tolist() for l in (2, 3)] == [[3, -3], [8, -1]]
    assert [forward.a[l].ravel().tolist() for l in (1, 2, 3)] == [[1, -2], [3, 0], [8, -1]]
    errors = backpropagate(net.layers, goal, forward, y)
    # δ³ = a³ - y = 2, -2; δ² = 3 δ³ relu'(z²) = 6, 0
    assert [errors.delta[l].ravel().tolist() for l in (2, 3)] == [[6, 0], [2, -2]]
    found = gradients(net.layers, goal, forward, errors, weights, Gradients.empty(net))
    # ∂C/∂w² = ½(½·6·1) + w² = 1.5 + 2; ∂C/∂b² = ½(½·6) = 1.5
    # ∂C/∂w³ = ½(½·2·3 + 1½·(-2)·0) + w³ = 1.5 + 3; ∂C/∂b³ = ½(½·2 - 1½·2) = -1, not penalised
    assert found.vector.tolist() == [3.5, 1.5, 4.5, -1.0]
    # C = ½(½·½·2² + 1½·½·2²) + ½(2² + 3²) = 2 + 6.5
    assert penalty(net.layers, goal) == 6.5
    assert cost_of(net, goal, y, weights, forward) == 8.5


def test_dropout_is_kept_apart_from_what_it_dropped() -> None:
    net, _, _, masks = setting("softmax", "cross-entropy", "tanh", penalised=False, dropped=True)
    forward = feed_forward(net.layers, X, masks)
    assert set(forward.masks) == {2, 3}  # the output never drops
    for l, p in ((2, 0.25), (3, 0.5)):
        mask = forward.masks[l]
        assert (mask == mask_of(net.layer(l), (M, SIZES[l - 1]))).all()
        assert 0 < mask.sum() < mask.size
        assert (forward.sigma[l] == np.tanh(forward.z[l])).all()
        assert (forward.a[l][~mask] == 0).all()
        assert forward.a[l][mask] == pytest.approx(forward.sigma[l][mask] / (1 - p), rel=1e-15)
    assert forward.output is forward.a[4]


def test_without_masks_nothing_is_dropped() -> None:
    net, _, _, _ = setting("softmax", "cross-entropy", "tanh", penalised=False, dropped=True)
    forward = feed_forward(net.layers, X)
    assert forward.masks == {}
    assert all(forward.a[l] is forward.sigma[l] for l in (2, 3, 4))


def test_a_layer_that_does_not_drop_is_not_asked_for_a_mask() -> None:
    asked = []

    def count(layer: Layer, shape: tuple[int, int]) -> np.ndarray:
        asked.append((layer.number, shape))
        return np.ones(shape, bool)

    feed_forward(Network([3, 4, 3, 2], dropout=(0, 0.5), dtype="float64").layers, X, count)
    assert asked == [(3, (M, 3))]


@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_float32_stays_float32_and_near_float64(output: str, cost: str) -> None:
    net, goal, y, masks = setting(output, cost, "gelu", penalised=True, dropped=True)
    narrow = net.copy("float32")
    x, t, weights = (array.astype(np.float32) for array in (X, y, ROW_WEIGHTS))
    forward = feed_forward(narrow.layers, x, masks)
    errors = backpropagate(narrow.layers, goal, forward, t)
    found = gradients(narrow.layers, goal, forward, errors, weights, Gradients.empty(narrow)).vector
    arrays = [*forward.z.values(), *forward.a.values(), *errors.delta.values(), found]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    exact = gradient_of(net, goal, X, y, ROW_WEIGHTS, masks)
    # some tens of roundings of 6e-8, of numbers up to the largest that are summed
    assert np.abs(found - exact).max() < 1e-5 * np.abs(exact).max()


def test_a_gradient_is_laid_out_as_the_parameters() -> None:
    net = Network(SIZES)
    room = Gradients.of(net, np.arange(39, dtype=np.float32))
    for l, (W, b) in net.split(np.arange(39, dtype=np.float32)).items():
        assert (room.W[l] == W).all()
        assert (room.b[l] == b).all()
    room.W[4][0, 0] = -1
    assert room.vector[31] == -1  # after (12 + 4) + (12 + 3)
    assert Gradients.empty(net).vector.dtype == np.float32
