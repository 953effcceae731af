"""Gradients of single rows in their factored form, against PyTorch's autograd, row by row."""

import numpy as np
import pytest

import backlit as bl
from backlit import objective as objectives
from backlit.diagnose.rows import gradients
from backlit.engines import choose

ACTIVATIONS = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "relu"}


def autograd(network, X, y, cost):
    """∇C_i of each row, (rows, parameters), laid out as network.parameters."""
    torch = pytest.importorskip("torch")
    theta = torch.tensor(network.parameters, requires_grad=True)
    found = []
    for x, target in zip(torch.tensor(X), torch.tensor(y), strict=True):
        a, place = x, 0
        for layer in network.layers:
            n, before = layer.W.shape
            W, b = theta[place : place + n * before].reshape(n, before), theta[place + n * before :][:n]
            place += n * (before + 1)
            z = W @ a + b
            a = getattr(torch, ACTIVATIONS[layer.activation.name])(z) if layer.number < network.L else z
        if cost == "cross-entropy":
            C = -(target * torch.log_softmax(a, 0)).sum()
        else:
            C = 0.5 * ((a - target) ** 2).sum()
        found.append(torch.autograd.grad(C, theta)[0].numpy())
    return np.array(found)


@pytest.fixture(params=["cross-entropy", "quadratic"])
def case(request):
    rng = np.random.default_rng(2)
    output = "softmax" if request.param == "cross-entropy" else "identity"
    net = bl.Network([5, 7, 6, 3], activation=["tanh", "relu"], output=output, seed=4, dtype="float64")
    X, Y = rng.standard_normal((11, 5)), np.eye(3)[rng.integers(0, 3, 11)]
    return net, objectives.choose(output, request.param), X, Y, autograd(net, X, Y, request.param)


@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_norms_and_inner_products_are_those_of_autograd(case, engine, monkeypatch):
    monkeypatch.setattr(gradients, "CHUNK", 4)  # so that there are several
    net, objective, X, Y, expected = case
    engine = choose(engine, net, objective).engine
    passes = list(gradients.row_passes(engine, net, objective, X, Y))
    assert [(rows.start, rows.stop) for rows, _ in passes] == [(0, 4), (4, 8), (8, 11)]
    norms = np.concatenate([gradients.square_norms(passed) for _, passed in passes])
    np.testing.assert_allclose(norms, (expected**2).sum(axis=1), rtol=1e-10)  # float64 on both sides
    products = np.concatenate([gradients.inner_products(passed, passes[1][1]) for _, passed in passes])
    np.testing.assert_allclose(products, expected @ expected[4:8].T, rtol=1e-9, atol=1e-11)
