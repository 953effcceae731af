"""A network as ONNX nodes: one Gemm a layer, its activation in standard operators, Dropout where there is one.

ONNX Runtime has no Elu, Softplus and LeakyRelu in float64; there they are written out in operators that it has. Erf,
and with it the exact gelu, it does not have in float64 at all; other runtimes do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.activations import Exponential, LeakyRelu
from backlit.errors import OptionError
from backlit.formats.extras import need
from backlit.network import Layer, Network

OPSET = 17
"""Of the operators: the last before Gelu became one, which most runtimes in use know."""
IR_VERSION = 8
"""Of the file, which came with that opset."""


@dataclass(eq=False)
class Graph:
    """Nodes and constants as they are added; ``dtype`` is of the numbers that flow."""

    dtype: np.dtype[Any]
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)

    def add(self, operator: str, *inputs: str, name: str, **attributes: Any) -> str:
        """A node with one output, which has its name."""
        helper = need("onnx", "onnx", "ONNX").helper
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: NDArray[Any] | float) -> str:
        """A constant, of the graph's dtype where it is a number."""
        array = np.asarray(values, self.dtype) if isinstance(values, float) else np.asarray(values)
        self.constants[name] = need("onnx", "onnx", "ONNX").numpy_helper.from_array(np.asarray(array, order="C"), name)
        return name

    def scalar(self, value: float) -> str:
        """A number, one constant however often it is used."""
        return self.constant(f"number {value!r}", float(value))

    def used(self) -> list[Any]:
        """The constants that a node takes; a runtime warns of any other."""
        taken = {name for node in self.nodes for name in node.input}
        return [constant for name, constant in self.constants.items() if name in taken]


def add_network(graph: Graph, network: Network, x: str) -> str:
    """All layers from the tensor ``x``, (rows, n_1), on; gives the name of a^L."""
    a = x
    for layer in network.layers:
        l = layer.number
        W = graph.constant(f"W{l}", np.asarray(layer.W, graph.dtype))
        b = graph.constant(f"b{l}", np.asarray(layer.b, graph.dtype))
        a = graph.add("Gemm", a, W, b, name=f"z{l}", transB=1)
        a = _activate(graph, layer, a)
        if layer.dropout:
            ratio = graph.constant(f"p{l}", np.array(layer.dropout, np.float32))
            a = graph.add("Dropout", a, ratio, name=f"dropout{l}")
    return a


def _activate(graph: Graph, layer: Layer, z: str) -> str:
    name, a = layer.activation.name, f"a{layer.number}"
    if name == "identity":
        return z
    if name in _SINGLE:
        operator, attributes = _SINGLE[name]
        return graph.add(operator, z, name=a, **attributes)
    if name in _FLOAT32 and graph.dtype == np.float32:
        operator, attributes = _FLOAT32[name]
        return graph.add(operator, z, name=a, **attributes)
    if name not in _WRITTEN_OUT:
        raise OptionError(f"activation '{name}' is not one of Backlit's own; a graph cannot hold its code")
    return _WRITTEN_OUT[name](graph, z, a)


_SINGLE: dict[str, tuple[str, dict[str, Any]]] = {
    "sigmoid": ("Sigmoid", {}), "tanh": ("Tanh", {}), "relu": ("Relu", {}), "softmax": ("Softmax", {"axis": 1}),
}  # fmt: skip
_FLOAT32: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("Elu", {"alpha": 1.0}),
    "softplus": ("Softplus", {}),
    "leaky-relu": ("LeakyRelu", {"alpha": LeakyRelu.negative_slope}),
}


def _gelu(g: Graph, z: str, a: str) -> str:
    """½ z (1 + erf(z/√2))."""
    erf = g.add("Erf", g.add("Div", z, g.scalar(2**0.5), name=f"{a}.scaled"), name=f"{a}.erf")
    twice = g.add("Mul", z, g.add("Add", erf, g.scalar(1), name=f"{a}.1+erf"), name=f"{a}.twice")
    return g.add("Mul", twice, g.scalar(0.5), name=a)


def _silu(g: Graph, z: str, a: str) -> str:
    return g.add("Mul", z, g.add("Sigmoid", z, name=f"{a}.sigmoid"), name=a)


def _exponential(g: Graph, z: str, a: str) -> str:
    held = g.add("Min", z, g.scalar(Exponential.largest_z(g.dtype)), name=f"{a}.held")
    return g.add("Exp", held, name=a)


def _leaky_relu(g: Graph, z: str, a: str) -> str:
    """max(z, 0.01 z): an attribute of ONNX is a float32, whatever the graph."""
    return g.add("Max", z, g.add("Mul", z, g.scalar(LeakyRelu.negative_slope), name=f"{a}.less"), name=a)


def _elu(g: Graph, z: str, a: str) -> str:
    """max(z, 0) + e^{min(z, 0)} - 1."""
    e = g.add("Exp", g.add("Min", z, g.scalar(0), name=f"{a}.below"), name=f"{a}.e")
    below = g.add("Sub", e, g.scalar(1), name=f"{a}.e-1")
    return g.add("Add", g.add("Relu", z, name=f"{a}.above"), below, name=a)


def _softplus(g: Graph, z: str, a: str) -> str:
    """max(z, 0) + ln(1 + e^{-|z|})."""
    e = g.add("Exp", g.add("Neg", g.add("Abs", z, name=f"{a}.abs"), name=f"{a}.neg"), name=f"{a}.e")
    rest = g.add("Log", g.add("Add", e, g.scalar(1), name=f"{a}.1+e"), name=f"{a}.log")
    return g.add("Add", g.add("Relu", z, name=f"{a}.above"), rest, name=a)


_WRITTEN_OUT: dict[str, Callable[[Graph, str, str], str]] = {
    "gelu": _gelu, "silu": _silu, "exponential": _exponential, "leaky-relu": _leaky_relu, "elu": _elu,
    "softplus": _softplus,
}  # fmt: skip
