"""Small passes with a name, to look at, to teach with, to test against."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np

from backlit.errors import unknown_option
from backlit.network import Network
from backlit.trace.small import network
from backlit.trace.tracing import Trace, trace


@dataclass(frozen=True)
class Example:
    """A network, rows, targets, and how they are traced."""

    about: str
    net: Network
    x: Any
    y: Any
    options: dict[str, Any] = field(default_factory=dict)

    def trace(self, **options: Any) -> Trace:
        """The pass; options given take the place of the example's own."""
        return trace(self.net, self.x, self.y, **{**self.options, **options})


def _one_one_one() -> Example:
    """The output bias is solved for: z³ = ln(0.68/0.32) makes the output 0.68."""
    w2, b2, w3, x = 0.8, 0.1, 1.2, 0.5
    a2 = 1 / (1 + np.exp(-(w2 * x + b2)))
    b3 = log(0.68 / 0.32) - w3 * a2
    net = network([1, 1, 1], {"2": {"W": [[w2]], "b": [b2]}, "3": {"W": [[w3]], "b": [b3]}})
    return Example("one neuron a layer; the output is 0.68 and should be 1", net, [x], [1.0], {"cost": "mse"})


def _three_three_three() -> Example:
    weights = {
        "2": {"W": [[0.5, -0.4, 0.3], [-0.2, 0.6, 0.1], [0.7, 0.2, -0.5]], "b": [0.1, -0.1, 0.05]},
        "3": {"W": [[0.4, -0.7, 0.2], [-0.3, 0.5, 0.6], [0.8, 0.1, -0.4]], "b": [0.0, 0.1, -0.05]},
    }
    net = network([3, 3, 3], weights, output="softmax")
    return Example("three classes, softmax with cross-entropy: the fused form", net, [0.9, 0.1, -0.4], [0.0, 1.0, 0.0])


def _two_three_one() -> Example:
    weights = {
        "2": {"W": [[0.8, -0.3], [0.2, 0.9], [-0.5, 0.4]], "b": [0.1, 0.0, 0.2]},
        "3": {"W": [[0.7, 0.5, -0.6]], "b": [0.05]},
    }
    net = network([2, 3, 1], weights)
    return Example(
        "a small company: two reports, three departments, one head", net, [0.6, 0.9], [1.0], {"cost": "quadratic"}
    )


def _mazur() -> Example:
    """Mazur, *A step by step backpropagation example*, 2015."""
    weights = {
        "2": {"W": [[0.15, 0.20], [0.25, 0.30]], "b": [0.35, 0.35]},
        "3": {"W": [[0.40, 0.45], [0.50, 0.55]], "b": [0.60, 0.60]},
    }
    net = network([2, 2, 2], weights)
    options = {"cost": "quadratic", "optimizer": "sgd", "learning_rate": 0.5}
    return Example("the step by step example of Matt Mazur, with its update", net, [0.05, 0.10], [0.01, 0.99], options)


def _three_layers() -> Example:
    """Five rows, binary cross-entropy with a penalty: sines as weights, as Ng's exercise checks its gradients with."""

    def sines(fan_out: int, fan_in: int) -> tuple[Any, Any]:
        theta = np.sin(np.arange(1, fan_out * (fan_in + 1) + 1)).reshape(fan_in + 1, fan_out).T / 10
        return theta[:, 1:], theta[:, 0]

    by_layer = {str(l): dict(zip("Wb", sines(*shape), strict=True)) for l, shape in ((2, (5, 3)), (3, (3, 5)))}
    net = network([3, 5, 3], by_layer)
    x = np.sin(np.arange(1, 16)).reshape(3, 5).T / 10
    y = np.eye(3)[[1, 2, 0, 1, 2]]
    return Example(
        "five rows with a penalty, gathered row by row", net, x, y, {"cost": "binary-cross-entropy", "l2": 3.0}
    )


def _digits() -> Example:
    """64-30-10, trained for a few seconds' worth of epochs, and one handwritten digit."""
    from backlit.data import load
    from backlit.training import train

    X, y = load("digits")
    net = Network([64, 30, 10], activation="sigmoid", output="softmax", seed=0)
    train(net, X, y, optimizer="adam", epochs=8, seed=0)
    return Example("a handwritten digit and a network that has learnt to read them", net, X[5], int(y[5]))


EXAMPLES: dict[str, Callable[[], Example]] = {
    "1-1-1": _one_one_one,
    "3-3-3": _three_three_three,
    "2-3-1": _two_three_one,
    "mazur": _mazur,
    "three-layers": _three_layers,
    "digits": _digits,
}


def example(name: str) -> Example:
    """The example of that name.

    Raises:
        OptionError: there is none; the nearest is suggested.

    >>> t = example("1-1-1").trace()
    >>> round(float(t.a(3)[0, 0]), 12), round(t.cost.total, 12), round(float(t.dC_da(3)[0, 0]), 12)
    (0.68, 0.1024, -0.64)
    """
    if name not in EXAMPLES:
        raise unknown_option("example", name, EXAMPLES)
    return EXAMPLES[name]()
