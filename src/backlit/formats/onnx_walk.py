"""The walk along an ONNX graph: each node taken for what it does to a chain of layers, or refused by its name."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.formats.chain import ChainBuilder
from backlit.formats.container import Refusal, damaged, quote
from backlit.formats.extras import need
from backlit.formats.onnx_flow import GRID, OPERATORS, Flow, activation_of
from backlit.formats.onnx_tensors import array, attributes

OLDEST_OPSET, NEWEST_OPSET = 7, 99
MOST_NODES = 10_000
FLOATS: dict[int, np.dtype[Any]] = {1: np.dtype(np.float32), 11: np.dtype(np.float64)}


def parse(content: bytes) -> Any:
    """The model in a file's bytes.

    Raises:
        Refusal: they are no ONNX model.
    """
    onnx = need("onnx", "onnx", "ONNX import")
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(content)
    except (DecodeError, UnicodeDecodeError, RuntimeError, ValueError) as failure:
        raise Refusal(f"is not an ONNX file, or is damaged ({quote(str(failure))})") from None
    if not model.HasField("graph") or not model.graph.node:
        raise Refusal("is not an ONNX file, or has no node in its graph")
    if model.functions:
        raise Refusal("has functions of its own; inline them first (onnx.inliner.inline_local_functions)")
    return model


class Walk:
    """One graph on its way into a :class:`ChainBuilder`."""

    def __init__(self, model: Any, builder: ChainBuilder) -> None:
        self.graph, self.builder = model.graph, builder
        self.opset = _opset(model)
        self.facts = {
            "producer": quote(f"{model.producer_name} {model.producer_version}".strip()), "opset": self.opset,
        }  # fmt: skip
        self.narrowed = False
        if len(self.graph.node) > MOST_NODES:
            raise Refusal(f"has {len(self.graph.node):,} nodes; a chain of layers has {MOST_NODES:,} at most")
        if self.graph.sparse_initializer:
            raise Refusal("has sparse tensors, which Backlit does not have")
        if model.producer_name == "Backlit" and [value.name for value in self.graph.input] == ["X"]:
            raise Refusal(
                "is a model that Backlit exported with its encoding, raw columns in and answers out; import the model "
                "file that it was exported from, or its network alone (backlit export --network-only)"
            )
        self.constants: dict[str, NDArray[Any]] = {}
        for tensor in self.graph.initializer:
            if tensor.name in self.constants:
                raise damaged(f"it has the tensor {quote(tensor.name)} twice")
            self.constants[tensor.name] = array(tensor)
        self.input_name, self.input_dtype, self.input_shape = self._input()
        self.flows: dict[str, Flow] = {self.input_name: Flow(0, GRID, "the input")}
        self.taken: set[int] = set()
        self.uses = Counter(name for node in self.graph.node for name in node.input)

    def run(self) -> bool:
        """Every node in turn; gives whether the outputs are logarithms of what the network will compute."""
        made_later = {name for node in self.graph.node for name in node.output}
        for number, node in enumerate(self.graph.node):
            what = f"node {quote(node.name) if node.name else number} ({quote(node.op_type)[1:-1]})"
            if node.domain not in ("", "ai.onnx"):
                raise Refusal(f"has {what} of the domain {quote(node.domain)}, which Backlit does not have")
            for name in node.input:
                if name and name not in self.flows and name not in self.constants:
                    if name in made_later:
                        raise damaged(f"{what} takes {quote(name)}, which is not there yet: the graph runs in a circle")
                    raise damaged(f"{what} takes {quote(name)}, which comes from nowhere")
            if not node.output or any(name in self.flows or name in self.constants for name in node.output[:1]):
                raise damaged(f"{what} has no output of its own")
            self._node(node, what)
        return self._finish()

    def _input(self) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
        inputs = [value for value in self.graph.input if value.name not in self.constants]
        outputs = list(self.graph.output)
        if len(inputs) != 1 or len(outputs) != 1:
            both = f"{_counted('input', inputs)} and {_counted('output', outputs)}"
            raise Refusal(f"has {both}; a network has one of each")
        kind = inputs[0].type.tensor_type
        sizes = [dim.dim_value for dim in kind.shape.dim]
        if kind.elem_type not in FLOATS or len(sizes) < 2 or (len(sizes) > 2 and min(sizes[1:]) < 1):
            raise Refusal(f"has an input {quote(inputs[0].name)} that is no matrix of float32 or float64")
        if len(sizes) > 2:
            self.builder.lose(f"the shape of its inputs, {' × '.join(map(str, sizes[1:]))}: they come in flat")
        shape = tuple(sizes[1:]) if len(sizes) > 2 else (-1,)
        return inputs[0].name, FLOATS[kind.elem_type], shape

    def _node(self, node: Any, what: str) -> None:
        name, operator = node.output[0], node.op_type
        flows = [self.flows[i] for i in node.input if i in self.flows]
        if operator == "Constant":
            self.constants[name] = self._constant(node, what)
        elif not flows:
            self.constants[name] = self._folded(node, what)
        elif operator in ("Gemm", "MatMul"):
            self.flows[name] = self._linear(node, what)
        elif operator in _FOLLOWED:
            self.flows[name] = replace(_FOLLOWED[operator](self, node, what, flows[0]), node=what)
        elif operator in OPERATORS:
            self.flows[name] = self._elementwise(node, what, flows)
        else:
            raise Refusal(f"has {what}, which Backlit does not have: it takes a chain of layers with activations")

    def _constant(self, node: Any, what: str) -> NDArray[Any]:
        found = attributes(node, ("value", "value_float", "value_int", "value_ints"), what)
        if len(found) != 1:
            raise damaged(f"{what} has {len(found)} values")
        ((kind, value),) = found.items()
        return array(value) if kind == "value" else np.array(value, np.float32 if kind == "value_float" else np.int64)

    def _folded(self, node: Any, what: str) -> NDArray[Any]:
        """What is made of constants alone, of which exporters do little."""
        first = self.constants[node.input[0]] if node.input else None
        if first is not None and node.op_type == "Identity":
            return first
        if first is not None and node.op_type == "Transpose" and first.ndim == 2:
            perm = attributes(node, ("perm",), what).get("perm", [1, 0])
            if perm == [1, 0]:
                return first.T
        if first is not None and node.op_type == "Cast" and attributes(node, ("to", "saturate"), what)["to"] in FLOATS:
            return first.astype(FLOATS[attributes(node, ("to", "saturate"), what)["to"]])
        raise Refusal(f"has {what} on constants, which is not read; fold constants first")

    def _linear(self, node: Any, what: str) -> Flow:
        found = attributes(node, ("alpha", "beta", "transA", "transB") if node.op_type == "Gemm" else (), what)
        if not 2 <= len(node.input) <= 3 or node.input[0] not in self.flows or node.input[1] not in self.constants:
            raise Refusal(f"has {what} whose weights are not constants on the right")
        before, B = self.flows[node.input[0]], self.constants[node.input[1]]
        bias = self.constants.get(node.input[2]) if len(node.input) == 3 and node.input[2] else None
        if (len(node.input) == 3 and node.input[2] and bias is None) or B.ndim != 2 or found.get("transA", 0):
            raise Refusal(
                f"has {what} that is no layer's: weights (inputs, neurons), a constant bias, rows not transposed"
            )
        self._close(before, what)
        W = np.ascontiguousarray(B if found.get("transB", 0) else B.T)
        if W.dtype.kind != "f":
            raise Refusal(f"has {what} with weights of {W.dtype}")
        W = W if found.get("alpha", 1.0) == 1 else W * W.dtype.type(found["alpha"])
        b = None if bias is None else self._as_bias(bias, len(W), what) * W.dtype.type(found.get("beta", 1.0))
        self.builder.linear(W, np.zeros(len(W), W.dtype) if b is None else b.astype(W.dtype), what)
        return Flow(len(self.builder.layers), GRID, what)

    def _as_bias(self, values: NDArray[Any], neurons: int, what: str) -> NDArray[Any]:
        if values.dtype.kind != "f" or values.shape not in ((), (1,), (1, 1), (neurons,), (1, neurons)):
            raise Refusal(f"has {what} with a bias of shape {quote(values.shape)} for {neurons:,} neurons")
        return np.broadcast_to(values.reshape(-1), (neurons,))

    def _close(self, flow: Flow, what: str) -> None:
        """The layer before, whose activation is known now: its z is taken, and by nothing else."""
        if flow.layers in self.taken or flow.layers != len(self.builder.layers):
            raise Refusal(f"has {what}, a branch: a chain of layers has none")
        self.taken.add(flow.layers)
        activation = activation_of(flow)
        if activation is None:
            raise Refusal(f"has {flow.node}, up to which something is computed that is no activation of Backlit's")
        self.builder.activation(activation, flow.node)

    def _elementwise(self, node: Any, what: str, flows: list[Flow]) -> Flow:
        count, function, known = OPERATORS[node.op_type]
        if len(node.input) != count:
            raise Refusal(f"has {what} of {len(node.input)} inputs; {count} are read")
        first = flows[0]
        if any(flow.over is not None or flow.layers != first.layers for flow in flows):
            raise Refusal(f"has {what}, which joins what a chain keeps apart, or goes on after a softmax")
        operands: list[Any] = []
        for name in node.input:
            if name in self.flows:
                operands.append(self.flows[name].curve)
                continue
            values = self.constants[name]
            if node.op_type == "Add" and first.is_z and self._add_bias(first, values, node, what):
                return replace(first, node=what)
            if values.size != 1 or values.dtype.kind not in "fi":
                raise Refusal(f"has {what} with a constant of shape {quote(values.shape)}, which no layer has there")
            operands.append(float(values.reshape(-1)[0]))
        with np.errstate(all="ignore"):
            curve = np.asarray(function(*operands, **attributes(node, known, what)), np.float64)
        return Flow(first.layers, curve, what)

    def _add_bias(self, z: Flow, values: NDArray[Any], node: Any, what: str) -> bool:
        """Add right after the weights is their bias, where nothing else takes z."""
        taken_once = all(self.uses[name] == 1 for name in node.input if name in self.flows)
        if z.layers != len(self.builder.layers) or not z.layers or not taken_once or z.layers in self.taken:
            return False
        layer = self.builder.layers[-1]
        b = self._as_bias(values, len(layer.W), what).astype(layer.b.dtype)
        self.builder.layers[-1] = replace(layer, b=layer.b + b)
        return True

    def _softmax(self, node: Any, what: str, flow: Flow) -> Flow:
        axis = attributes(node, ("axis",), what).get("axis", -1)
        if axis not in (1, -1) or not flow.is_z:
            raise Refusal(f"has {what} over axis {axis}, or after an activation; Backlit has it over each row of z")
        if node.op_type == "LogSoftmax":
            self.builder.lose(f"{what}: its outputs were logarithms; here they are the probabilities themselves")
        return replace(flow, over=node.op_type)

    def _dropout(self, node: Any, what: str, flow: Flow) -> Flow:
        p = attributes(node, ("ratio", "seed", "is_test"), what).get("ratio", 0.5)
        if len(node.input) > 1 and node.input[1]:
            p = float(self._number(node.input[1], what))
        if len(node.input) > 2 and node.input[2] and self._number(node.input[2], what):
            raise Refusal(f"has {what} in training mode; export the model for inference")
        if any(self.uses[name] for name in node.output[1:]):
            raise Refusal(f"has {what} whose mask is used")
        if flow.layers == len(self.builder.layers):
            self.builder.dropout(p, what)
        return flow

    def _number(self, name: str, what: str) -> Any:
        values = self.constants.get(name)
        if values is None or values.size != 1:
            raise Refusal(f"has {what} with a setting that is no constant")
        return values.reshape(-1)[0].item()

    def _flatten(self, node: Any, what: str, flow: Flow) -> Flow:
        if node.op_type == "Flatten":
            fits = attributes(node, ("axis",), what).get("axis", 1) == 1
        else:
            attributes(node, ("allowzero",), what)
            shape = self.constants.get(node.input[1], np.zeros(0)).tolist() if len(node.input) == 2 else []
            width = len(self.builder.layers[-1].W) if self.builder.layers else math.prod(self.input_shape)
            fits = len(shape) == 2 and (shape[0] in (-1, 0) or shape[1] == -1)
            fits = fits and (shape[1] in (-1, width) or width < 0)
        if not fits or (flow.layers == 0 and not flow.is_z):
            raise Refusal(f"has {what} that does more than flatten each row")
        return flow

    def _cast(self, node: Any, what: str, flow: Flow) -> Flow:
        to = attributes(node, ("to", "saturate"), what).get("to")
        if to not in FLOATS:
            raise Refusal(f"has {what} to ONNX's type {quote(to)}; Backlit computes in float32 and float64")
        self.narrowed |= to == 1
        return flow

    def _finish(self) -> bool:
        name = self.graph.output[0].name
        flow = self.flows.get(name)
        if flow is None or not flow.layers:
            raise Refusal(f"has an output {quote(name)} that no layer computes")
        self._close(flow, f"output {quote(name)}")
        return flow.over == "LogSoftmax"


def _counted(what: str, values: list[Any]) -> str:
    named = ", ".join(quote(value.name) for value in values[:5]) + ", …" * (len(values) > 5)
    return f"{len(values)} {what}{'s' * (len(values) != 1)}{f' ({named})' if named else ''}"


_FOLLOWED: dict[str, Any] = {
    "Softmax": Walk._softmax,
    "LogSoftmax": Walk._softmax,
    "Dropout": Walk._dropout,
    "Flatten": Walk._flatten,
    "Reshape": Walk._flatten,
    "Cast": Walk._cast,
    "Identity": lambda walk, node, what, flow: flow,
}


def _opset(model: Any) -> int:
    versions = [opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")]
    if len(versions) != 1 or not OLDEST_OPSET <= versions[0] <= NEWEST_OPSET:
        raise Refusal(f"has the opset {quote(versions)}; one from {OLDEST_OPSET} up is read")
    return int(versions[0])
