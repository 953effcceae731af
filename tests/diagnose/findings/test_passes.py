"""A pass over the data set, against NumPy and PyTorch, in more than one chunk."""

import numpy as np
import pytest

import backlit as bl
from backlit import engines, objective
from backlit.diagnose.findings import passes


@pytest.fixture
def passed(monkeypatch):
    monkeypatch.setattr(passes, "CHUNK", 17)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 4)), np.eye(3)[rng.integers(0, 3, 50)]
    net = bl.Network([4, 7, 5, 3], activation=["tanh", "relu"], output="softmax", seed=2, dtype="float64")
    net.layer(3).b[0] = -50
    weights = rng.uniform(0.5, 1.5, 50)
    found = passes.pass_over(engines.choose("auto", net).engine, net, objective.choose("softmax"), X, Y, weights)
    return net, X, Y, weights, found


def test_every_number(passed):
    net, X, Y, _, found = passed
    z2 = X @ net.layer(2).W.T + net.layer(2).b
    a2 = np.tanh(z2)
    z3 = a2 @ net.layer(3).W.T + net.layer(3).b
    a3 = np.maximum(z3, 0)
    z4 = a3 @ net.layer(4).W.T + net.layer(4).b
    a4 = np.exp(z4) / np.exp(z4).sum(1, keepdims=True)
    delta4 = a4 - Y
    pulled3 = delta4 @ net.layer(4).W
    delta3 = pulled3 * (z3 > 0)
    delta2 = (delta3 @ net.layer(3).W) * (1 - a2**2)
    rms = lambda v: np.sqrt((v**2).mean())  # noqa: E731
    three = found.layers[3]
    assert (three.z, three.a, three.delta, three.pulled) == pytest.approx((rms(z3), rms(a3), rms(delta3), rms(pulled3)))
    assert three.open == pytest.approx((z3 > 0).mean(0))
    assert three.nonzero == pytest.approx((a3 != 0).mean(0))
    assert three.dead.tolist() == (z3 <= 0).all(0).tolist()
    assert three.dead[0]
    assert three.bias == pytest.approx(rms(net.layer(3).b))
    assert three.weighted == pytest.approx(rms(a2 @ net.layer(3).W.T))
    assert found.layers[2].slope == pytest.approx((1 - a2**2).mean())
    assert found.layers[2].deviation == pytest.approx(a2.std(0))
    assert found.layers[2].delta_square == pytest.approx((delta2**2).mean(0))
    assert found.output == pytest.approx(a4)
    assert found.row_costs == pytest.approx(-np.log((a4 * Y).sum(1)))
    squares = (
        (delta2**2).sum(1) * (1 + (X**2).sum(1))
        + (delta3**2).sum(1) * (1 + (a2**2).sum(1))
        + (delta4**2).sum(1) * (1 + (a3**2).sum(1))
    )
    assert found.row_gradients == pytest.approx(squares)


def test_the_gradient_is_that_of_all_rows(passed):
    torch = pytest.importorskip("torch")
    net, X, Y, weights, found = passed
    theta, a = [], torch.tensor(X)
    for layer in net.layers:
        W, b = (torch.tensor(part.copy(), requires_grad=True) for part in (layer.W, layer.b))
        theta += [W, b]
        a = a @ W.T + b
        a = {2: torch.tanh, 3: torch.relu, 4: lambda z: z}[layer.number](a)
    costs = torch.nn.functional.cross_entropy(a, torch.tensor(Y), reduction="none")
    (costs * torch.tensor(weights)).mean().backward()
    assert found.gradient == pytest.approx(np.concatenate([part.grad.numpy().ravel() for part in theta]))
