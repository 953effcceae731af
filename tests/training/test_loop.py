"""Every option of a training changes the numbers by the amount it should.

``hand`` is the whole training once more, in plain NumPy, for a 3-4-2 network with a tanh layer: what ``train`` makes of
an option is held against it, and against a training without the option, which must come out differently.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.randomness import dropout_mask, order_of_rows

RNG = np.random.default_rng(0)
ROWS, SEED = 10, 3
X = RNG.normal(size=(ROWS, 3))
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 0, 0])  # 6 of class 0, 4 of class 1
ONE_HOT = np.eye(2)[LABELS]
NUMBERS = 2 * RNG.normal(size=(ROWS, 2))
COUNTS = RNG.poisson(2, size=(ROWS, 2)).astype(float)
WEIGHTS = np.array([1.0, 0.5, 2.0, 0.0, 3.0, 1.0, 1.5, 0.25, 1.0, 4.0])

Update = Callable[[np.ndarray, np.ndarray, dict, float, int], None]


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def huber(e: np.ndarray) -> np.ndarray:
    return np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5)


COSTS: dict[str, tuple[str, Any, Any, Any, Any]] = {
    # name: output activation, its value, C of each row, δ of the output, targets
    "quadratic": (
        "sigmoid", sigmoid, lambda a, y: ((a - y) ** 2).sum(1) / 2, lambda a, y: (a - y) * a * (1 - a), ONE_HOT,
    ),
    "mse": (
        "sigmoid", sigmoid, lambda a, y: ((a - y) ** 2).sum(1) / 2, lambda a, y: (a - y) * a * (1 - a), ONE_HOT,
    ),
    "huber": ("identity", lambda z: z, lambda a, y: huber(a - y).sum(1), lambda a, y: np.clip(a - y, -1, 1), NUMBERS),
    "cross-entropy": ("softmax", softmax, lambda a, y: -(y * np.log(a)).sum(1), lambda a, y: a - y, ONE_HOT),
    "binary-cross-entropy": (
        "sigmoid", sigmoid, lambda a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(1), lambda a, y: a - y,
        RNG.integers(0, 2, size=(ROWS, 2)).astype(float),
    ),
    "poisson": ("exponential", np.exp, lambda a, y: (a - y * np.log(a)).sum(1), lambda a, y: a - y, COUNTS),
}  # fmt: skip


def network(cost: str = "cross-entropy", dropout: float = 0.0) -> bl.Network:
    return bl.Network(
        [3, 4, 2], activation="tanh", output=COSTS[cost][0], dropout=dropout, initializer="lecun-normal", seed=1,
        dtype="float64",
    )  # fmt: skip


def sgd(theta: np.ndarray, g: np.ndarray, s: dict, rate: float, t: int) -> None:
    theta -= rate * g


def hand(
    update: Update = sgd,
    *,
    cost: str = "cross-entropy",
    rate: Callable[[int], float] = lambda step: 0.1,
    batch: int = 4,
    epochs: int = 2,
    w: np.ndarray | None = None,
    l2: float = 0.0,
    clip: float | None = None,
    p: float = 0.0,
    seed: int = SEED,
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """θ at the end, and (cost, accuracy) of each epoch."""
    _, value, row_cost, delta_of, Y = COSTS[cost]
    w = np.ones(ROWS) if w is None else w
    w_mean_one, n = w * ROWS / w.sum(), w.sum()
    theta, state, t, history = network(cost).parameters.copy(), {}, 0, []
    W2, b2, W3, b3 = theta[:12].reshape(4, 3), theta[12:16], theta[16:24].reshape(2, 4), theta[24:]
    for epoch in range(epochs):
        order = np.arange(ROWS) if batch >= ROWS else order_of_rows(seed, epoch, ROWS)
        costs = hits = 0.0
        for start in range(0, ROWS, batch):
            rows = order[start : start + batch]
            x, y, v, m = X[rows], Y[rows], w_mean_one[rows], len(rows)
            keep = dropout_mask(seed, t, 2, (m, 4), p) / (1 - p) if p else 1.0
            s2 = np.tanh(x @ W2.T + b2)
            a3 = value((s2 * keep) @ W3.T + b3)
            costs += v @ row_cost(a3, y)
            hits += v @ (a3.argmax(1) == y.argmax(1))
            d3 = delta_of(a3, y)
            d2 = (d3 @ W3) * keep * (1 - s2**2)
            g = np.zeros_like(theta)
            for i in range(m):
                g += v[i] / m * np.concatenate([
                    np.outer(d2[i], x[i]).ravel(), d2[i], np.outer(d3[i], (s2 * keep)[i]).ravel(), d3[i],
                ])  # fmt: skip
            g[:12] += l2 / n * theta[:12]
            g[16:24] += l2 / n * theta[16:24]
            norm = np.sqrt((g**2).sum())
            if clip is not None and norm > clip:
                g *= clip / norm
            update(theta, g, state, rate(t), t + 1)
            t += 1
        history.append((costs / w_mean_one.sum(), hits / w_mean_one.sum()))
    return theta, history


def train(
    cost: str = "cross-entropy", y: Any = None, dropout: float = 0.0, **options: Any
) -> tuple[bl.Network, bl.Run]:
    net = network(cost, dropout)
    plain = {"optimizer": bl.optimizers.SGD(0.1), "batch_size": 4, "epochs": 2, "seed": SEED, "progress": False}
    return net, bl.train(net, X, COSTS[cost][4] if y is None else y, cost=cost, **{**plain, **options})


def agree(net: bl.Network, run: bl.Run, expected: tuple[np.ndarray, list[tuple[float, float]]]) -> None:
    theta, history = expected
    np.testing.assert_allclose(net.parameters, theta, rtol=1e-11, atol=1e-13)  # sums in another order, over 6 steps
    np.testing.assert_allclose(run.history["cost"], [cost for cost, _ in history], rtol=1e-12)
    if run.history[0].accuracy is not None and net.activations[-1].name == "softmax":
        np.testing.assert_allclose(run.history["accuracy"], [share for _, share in history], rtol=1e-12)


def differ(net: bl.Network, other: bl.Network) -> None:
    assert np.abs(net.parameters - other.parameters).max() > 1e-4


@pytest.mark.parametrize("cost", COSTS)
def test_cost(cost: str) -> None:
    net, run = train(cost)
    agree(net, run, hand(cost=cost))
    assert run.objective.startswith(f"{cost} on {COSTS[cost][0]}")  # with two outputs, mse is quadratic


def test_the_cost_of_an_output_is_its_own_where_none_is_given() -> None:
    for cost in ("cross-entropy", "binary-cross-entropy", "poisson"):
        net = network(cost)
        run = bl.train(
            net, X, COSTS[cost][4], optimizer=bl.optimizers.SGD(0.1), batch_size=4, epochs=2, seed=SEED, progress=False
        )
        agree(net, run, hand(cost=cost))


def test_learning_rate() -> None:
    net, run = train(optimizer="sgd", learning_rate=0.3)
    agree(net, run, hand(rate=lambda step: 0.3))
    agree(*train(optimizer=bl.optimizers.SGD(7.0), learning_rate=0.3), hand(rate=lambda step: 0.3))
    assert run.history["learning_rate"] == [0.3, 0.3]
    differ(net, train()[0])


def momentum(theta: np.ndarray, g: np.ndarray, s: dict, rate: float, t: int) -> None:
    s["v"] = 0.9 * s.get("v", 0) - rate * g
    theta += s["v"]


def nesterov(theta: np.ndarray, g: np.ndarray, s: dict, rate: float, t: int) -> None:
    s["v"] = 0.9 * s.get("v", 0) - rate * g
    theta += 0.9 * s["v"] - rate * g


def rmsprop(theta: np.ndarray, g: np.ndarray, s: dict, rate: float, t: int) -> None:
    s["s"] = 0.9 * s.get("s", 0) + 0.1 * g**2
    theta -= rate * g / (np.sqrt(s["s"]) + 1e-8)


def adam(theta: np.ndarray, g: np.ndarray, s: dict, rate: float, t: int) -> None:
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    theta -= rate * (s["m"] / (1 - 0.9**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def adamw(theta: np.ndarray, g: np.ndarray, s: dict, rate: float, t: int) -> None:
    theta -= rate * 0.2 * theta
    adam(theta, g, s, rate, t)


@pytest.mark.parametrize(
    ("optimizer", "update"),
    [
        (bl.optimizers.SGD(0.1, momentum=0.9), momentum),
        (bl.optimizers.SGD(0.1, momentum=0.9, nesterov=True), nesterov),
        (bl.optimizers.RMSprop(0.01), rmsprop),
        (bl.optimizers.Adam(0.01), adam),
        (bl.optimizers.AdamW(0.01, weight_decay=0.2), adamw),
    ],
)
def test_optimizer(optimizer: Any, update: Update) -> None:
    net, run = train(optimizer=optimizer)
    agree(net, run, hand(update, rate=lambda step: optimizer.learning_rate))
    differ(net, train()[0])


def test_l2_is_divided_by_the_rows_of_the_training_set_not_of_the_batch() -> None:
    """λ/n with n = Σw: 10 rows, or the 14.25 that they weigh; the biases are left alone."""
    net, run = train(l2=2.0)
    agree(net, run, hand(l2=2.0))
    differ(net, train()[0])
    agree(*train(l2=2.0, sample_weight=WEIGHTS), hand(l2=2.0, w=WEIGHTS))
    weights = (net.layer(2).W ** 2).sum() + (net.layer(3).W ** 2).sum()
    assert run.history[-1].penalty == pytest.approx(2.0 / (2 * ROWS) * weights, rel=1e-12)
    assert train()[1].history[-1].penalty == 0


def test_clip() -> None:
    net, run = train(clip=0.2)
    agree(net, run, hand(clip=0.2))
    differ(net, train()[0])
    np.testing.assert_array_equal(train(clip=100.0)[0].parameters, train()[0].parameters)


@pytest.mark.parametrize("batch", [1, 3, 4, 7, 10])
def test_batch_size(batch: int) -> None:
    """10 rows in batches of 3, 4 or 7 leave a short one, which averages over its own rows."""
    net, run = train(batch_size=batch)
    agree(net, run, hand(batch=batch))
    assert run.steps_per_epoch == -(-10 // batch)
    assert run.history["steps"] == [run.steps_per_epoch, 2 * run.steps_per_epoch]


def test_all_rows_are_one_batch_whose_seed_does_not_matter() -> None:
    net, run = train(batch_size="all")
    agree(net, run, hand(batch=10))
    np.testing.assert_array_equal(train(batch_size="all", seed=99)[0].parameters, net.parameters)
    agree(*train(batch_size=None), hand(batch=10))  # fewer rows than the default batch


def test_seed_draws_the_order_of_the_rows() -> None:
    net, run = train(seed=8)
    agree(net, run, hand(seed=8))
    differ(net, train()[0])


def test_epochs() -> None:
    for epochs in (1, 5):
        net, run = train(epochs=epochs)
        agree(net, run, hand(epochs=epochs))
        assert run.history["epoch"] == list(range(1, epochs + 1))
        assert run.stopped == "all epochs done"


def test_sample_weight() -> None:
    net, run = train(sample_weight=WEIGHTS)
    agree(net, run, hand(w=WEIGHTS))
    differ(net, train()[0])
    # their scale drops out, but for rounding
    np.testing.assert_allclose(train(sample_weight=1000 * WEIGHTS)[0].parameters, net.parameters, rtol=1e-12)


@pytest.mark.parametrize(
    ("class_weight", "of_class"),
    [("balanced", [10 / 12, 10 / 8]), ({1: 3.0}, [1.0, 3.0]), ({0: 0.5, 1: 2}, [0.5, 2.0])],
)
def test_class_weight(class_weight: Any, of_class: list[float]) -> None:
    w = np.array(of_class)[LABELS]
    net, run = train(class_weight=class_weight, l2=2.0)
    agree(net, run, hand(w=w, l2=2.0))
    differ(net, train(l2=2.0)[0])
    agree(*train(class_weight=class_weight, sample_weight=WEIGHTS), hand(w=w * WEIGHTS))
    agree(*train(class_weight=class_weight, y=LABELS), hand(w=w))


def test_dropout() -> None:
    net, run = train(dropout=0.4)
    agree(net, run, hand(p=0.4))
    differ(net, train()[0])
    agree(*train(dropout=0.4, optimizer=bl.optimizers.Adam(0.01), l2=1.0, clip=1.0, sample_weight=WEIGHTS),
          hand(adam, p=0.4, rate=lambda step: 0.01, l2=1.0, clip=1.0, w=WEIGHTS))  # fmt: skip


@pytest.mark.parametrize("optimizer", [bl.optimizers.SGD(0.2, momentum=0.5), bl.optimizers.Adam(0.05)])
def test_integer_row_weights_equal_repeated_rows(optimizer: Any) -> None:
    weights = np.array([1, 2, 0, 3, 1, 1, 5, 0, 2, 1])
    weighted, repeated = network(), network()
    options = {"l2": 0.7, "optimizer": optimizer, "batch_size": "all", "epochs": 25, "progress": False}
    one = bl.train(weighted, X, LABELS, sample_weight=weights, **options)
    other = bl.train(repeated, np.repeat(X, weights, axis=0), np.repeat(LABELS, weights), **options)
    np.testing.assert_allclose(weighted.parameters, repeated.parameters, rtol=1e-12, atol=1e-13)
    for column in ("cost", "accuracy", "penalty"):
        np.testing.assert_allclose(one.history[column], other.history[column], rtol=1e-12)
