"""What flows through an ONNX graph: a layer's weighted input z, and what was made of it, seen as a curve.

Exporters write one activation in many ways (silu as Mul of z and Sigmoid; gelu as four operators). So an activation is
known by its values: operators that act on every number alone are evaluated on a grid of z, and the curve that comes out
is one of Backlit's activations or is none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.activations import ACTIVATIONS, Elementwise
from backlit.notation import Float64Array

GRID: Float64Array = np.linspace(-30.0, 30.0, 481)
"""z from -30 to 30 by an eighth, 0 among them."""
TOLERANCE = 1e-6
"""Relative, or absolute below 1: attributes and constants are often float32 where ours are float64."""


@dataclass(frozen=True, eq=False)
class Flow:
    """A tensor (rows, n): after how many layers' weights it comes, and what was made of their z.

    Args:
        layers: whose z it is a function of; 0 for the graph's input.
        curve: that function on :data:`GRID`.
        over: softmax or log-softmax over each row, where it was applied.
        node: what made it, for messages.
    """

    layers: int
    curve: Float64Array
    node: str
    over: str | None = None

    @property
    def is_z(self) -> bool:
        """Whether nothing has been made of z yet."""
        return self.over is None and np.array_equal(self.curve, GRID)


def activation_of(flow: Flow) -> str | None:
    """The name of the activation that a flow is of its z; None if Backlit has none."""
    if flow.over is not None:
        return "softmax"
    for name, activation in ACTIVATIONS.items():
        if isinstance(activation, Elementwise):
            value = activation.value(GRID[:, np.newaxis])[:, 0]
            if bool((np.abs(flow.curve - value) <= TOLERANCE * np.maximum(1, np.abs(value))).all()):
                return name
    return None


def _value(name: str) -> Callable[..., Any]:
    return lambda z: ACTIVATIONS[name].value(z[:, np.newaxis])[:, 0]


def _erf(z: Float64Array) -> Any:
    from scipy.special import erf

    return erf(z)


def _elu(z: Float64Array, alpha: float = 1.0) -> Any:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _celu(z: Float64Array, alpha: float = 1.0) -> Any:
    return np.maximum(z, 0) + np.minimum(0, alpha * np.expm1(z / alpha))


def _gelu(z: Float64Array, approximate: bytes = b"none") -> Any:
    if approximate == b"none":
        return ACTIVATIONS["gelu"].value(z[:, np.newaxis])[:, 0]
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


OPERATORS: dict[str, tuple[int, Callable[..., Any], tuple[str, ...]]] = {
    "Relu": (1, _value("relu"), ()),
    "LeakyRelu": (1, lambda z, alpha=0.01: np.where(z >= 0, z, alpha * z), ("alpha",)),
    "Elu": (1, _elu, ("alpha",)),
    "Celu": (1, _celu, ("alpha",)),
    "Gelu": (1, _gelu, ("approximate",)),
    "Swish": (1, lambda z, alpha=1.0: z * ACTIVATIONS["sigmoid"].value(alpha * z), ("alpha",)),
    "Sigmoid": (1, _value("sigmoid"), ()),
    "Tanh": (1, np.tanh, ()),
    "Softplus": (1, _value("softplus"), ()),
    "Erf": (1, _erf, ()),
    "Exp": (1, np.exp, ()),
    "Log": (1, np.log, ()),
    "Abs": (1, np.abs, ()),
    "Neg": (1, np.negative, ()),
    "Add": (2, np.add, ()),
    "Sub": (2, np.subtract, ()),
    "Mul": (2, np.multiply, ()),
    "Div": (2, np.divide, ()),
    "Max": (2, np.maximum, ()),
    "Min": (2, np.minimum, ()),
}
"""Operators that act on every number alone: how many inputs, the function on curves, the attributes it takes."""
