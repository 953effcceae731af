"""An oracle that differentiates symbols: SymPy's gradient of the whole cost, against every gradient of the trace."""

import numpy as np
import pytest

import backlit as bl

sympy = pytest.importorskip("sympy")


def symbolic(sizes, activations, cost, net, x, y):
    """Every ∂C/∂W and ∂C/∂b by layer, and ∂C/∂x, by symbolic differentiation, with the network's numbers put in."""
    shapes = dict(enumerate(zip(sizes[1:], sizes, strict=False), start=2))
    W = {l: sympy.Matrix(*shape, lambda j, i, l=l: sympy.Symbol(f"W{l}_{j}_{i}")) for l, shape in shapes.items()}
    b = {l: sympy.Matrix(n, 1, lambda j, i, l=l: sympy.Symbol(f"b{l}_{j}")) for l, (n, _) in shapes.items()}
    inputs = [sympy.Symbol(f"x{i}") for i in range(sizes[0])]
    a = sympy.Matrix(inputs)
    for l, name in enumerate(activations, 2):
        z = W[l] * a + b[l]
        if name == "softmax":
            total = sum(sympy.exp(v) for v in z)
            a = z.applyfunc(lambda v, total=total: sympy.exp(v) / total)
        else:
            a = z.applyfunc({"sigmoid": lambda v: 1 / (1 + sympy.exp(-v)), "tanh": sympy.tanh}[name])
    C = cost(list(a), y)
    variables = [*inputs, *(symbol for l in W for symbol in (*W[l], *b[l]))]
    gradient = sympy.lambdify(variables, [sympy.diff(C, variable) for variable in variables], "math", cse=True)
    found = iter(gradient(*x, *(v for layer in net.layers for v in (*layer.W.ravel(), *layer.b))))
    of_inputs = [next(found) for _ in inputs]
    of_parameters = np.array(list(found))
    return net.split(of_parameters), of_inputs


def quadratic(a, y):
    return sum((p - q) ** 2 for p, q in zip(a, y, strict=True)) / 2


def mse(a, y):
    return sum((p - q) ** 2 for p, q in zip(a, y, strict=True)) / len(a)


def cross_entropy(a, y):
    return -sum(q * sympy.log(p) for p, q in zip(a, y, strict=True))


@pytest.mark.parametrize(
    ("sizes", "activations", "cost", "name", "x", "y"),
    [
        ([1, 1, 1], ["sigmoid", "sigmoid"], mse, "mse", [0.5], [1.0]),
        ([1, 1, 1], ["tanh", "sigmoid"], quadratic, "quadratic", [-0.7], [0.2]),
        ([2, 3, 2], ["sigmoid", "sigmoid"], quadratic, "quadratic", [0.6, -0.3], [0.1, 0.9]),
        ([2, 3, 2], ["tanh", "softmax"], cross_entropy, "cross-entropy", [0.6, -0.3], [0.0, 1.0]),
        ([2, 3, 2], ["tanh", "softmax"], quadratic, "quadratic", [0.6, -0.3], [0.0, 1.0]),
    ],
)
def test_symbolic_differentiation_finds_the_same_gradient(sizes, activations, cost, name, x, y):
    *hidden, output = activations
    net = bl.Network(sizes, activation=hidden, output=output, initializer="gaussian", seed=4, dtype="float64")
    t = bl.trace(net, x, y if len(y) > 1 else y[0], cost=name)
    by_layer, inputs = symbolic(sizes, activations, cost, net, x, y)
    for l, (W, b) in by_layer.items():
        assert np.allclose(t.weight_gradient(l), W, rtol=1e-11, atol=1e-15)  # SymPy's terms in another order
        assert np.allclose(t.bias_gradient(l), b, rtol=1e-11, atol=1e-15)
    assert np.allclose(t.dC_da(1)[0], inputs, rtol=1e-11, atol=1e-15)
