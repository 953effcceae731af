"""A model's encoding as ONNX nodes: raw columns to the network's inputs, and its outputs to answers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.data.encoding import Encoding
from backlit.data.scaling import MOST_LOG
from backlit.formats import agreement, onnx_table
from backlit.formats.onnx_graph import Graph
from backlit.model import Model

Output = tuple[str, np.dtype[Any], int | None]
"""Name, dtype and width of an output; without a width it is one value a row."""

FLOAT, DOUBLE, INT64 = 1, 11, 7
"""What Cast calls them."""


def columns_of(encoding: Encoding) -> tuple[str, ...]:
    """The raw columns that the graph takes, in their order: of a table those that something becomes of."""
    return encoding.columns if encoding.table is None else encoding.table.needed


def input_dtype(encoding: Encoding, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Of the raw columns: float64, in which tables are encoded; the network's own for pixels."""
    return dtype if encoding.full_scale is not None else np.dtype(np.float64)


def add_encoding(graph: Graph, encoding: Encoding, raw: str) -> str:
    """The network's inputs, in float64 and then rounded, as the encoding itself does; gives the name of x.

    Raises:
        OptionError: a column is none of numbers.
    """
    if encoding.full_scale is not None:
        return graph.add("Div", raw, graph.scalar(encoding.full_scale), name="x")
    if encoding.table is not None:
        onnx_table.check_columns(encoding.table)
        x = onnx_table.add_table(graph, encoding.table, raw)
    else:
        offset = graph.constant("offset", np.asarray(encoding.offset, np.float64))
        scale = graph.constant("scale", np.asarray(encoding.scale, np.float64))
        x = graph.add("Div", graph.add("Sub", raw, offset, name="X.centred"), scale, name="X.encoded")
    return x if graph.dtype == np.float64 else graph.add("Cast", x, name="x", to=FLOAT)


def add_answers(graph: Graph, model: Model, a: str) -> list[Output]:
    """What a^L says in the target's own terms: probabilities and the label, or numbers in their units."""
    encoding, outputs = model.encoding, model.encoding.outputs
    if encoding.task == "numbers":
        _add_numbers(graph, encoding, a)
        return [("value", np.dtype(np.float64), outputs)]
    half, zero, one = graph.scalar(0.5), graph.scalar(0), graph.scalar(1)
    if encoding.task == "labels":
        graph.add("Cast", graph.add("GreaterOrEqual", a, half, name="a.yes"), name="label", to=INT64)
        graph.add("Min", graph.add("Max", a, zero, name="a.clipped"), one, name="probabilities")
        return [("probabilities", graph.dtype, outputs), ("label", np.dtype(np.int64), outputs)]
    K = len(encoding.classes)
    if outputs == 1:
        column = graph.constant("column", np.array([-1], np.int64))
        yes = graph.add("Cast", graph.add("GreaterOrEqual", a, half, name="a.second"), name="a.which", to=INT64)
        which = graph.add("Reshape", yes, column, name="which")
        second = graph.add("Min", graph.add("Max", a, zero, name="a.clipped"), one, name="a.p")
        graph.add("Concat", graph.add("Sub", one, second, name="a.1-p"), second, name="probabilities", axis=1)
    else:
        which = graph.add("ArgMax", a, name="which", axis=1, keepdims=0)
        _add_shares(graph, model.network.activations[-1].name, a, K)
    classes = np.array(encoding.classes)
    labels = graph.constant("classes", classes.astype(object) if classes.dtype.kind == "U" else classes)
    graph.add("Gather", labels, which, name="label")
    return [("probabilities", graph.dtype, K), ("label", classes.dtype, None)]


def _add_numbers(graph: Graph, encoding: Encoding, a: str) -> None:
    """A · scale + offset, and sign(t) unit (e^|t| - 1) of it where the target's logarithm was learnt."""
    wide = a if graph.dtype == np.float64 else graph.add("Cast", a, name="a.wide", to=DOUBLE)
    scale = graph.constant("target_scale", np.asarray(encoding.target_scale, np.float64))
    offset = graph.constant("target_offset", np.asarray(encoding.target_offset, np.float64))
    units = np.asarray(encoding.target_log, np.float64)
    logs = bool(units.any())
    t = graph.add("Add", graph.add("Mul", wide, scale, name="a.scaled"), offset, name="t" if logs else "value")
    if not logs:
        return
    most, one = graph.constant("log.most", np.array(MOST_LOG)), graph.constant("log.one", np.array(1.0))
    size = graph.add("Min", graph.add("Abs", t, name="t.size"), most, name="t.held")
    grown = graph.add("Sub", graph.add("Exp", size, name="t.e"), one, name="t.e-1")
    signed = graph.add("Mul", grown, graph.add("Sign", t, name="t.sign"), name="t.signed")
    value = graph.add("Mul", signed, graph.constant("log.unit", np.where(units > 0, units, 1)), name="t.value")
    graph.add("Where", graph.constant("log.is", units > 0), value, t, name="value")


def _add_shares(graph: Graph, output: str, a: str, K: int) -> None:
    """Outputs divided by their sum; those of a softmax are shares already."""
    if output == "softmax":
        graph.add("Identity", a, name="probabilities")
        return
    zero = graph.scalar(0)
    shares = graph.add("Max", a, zero, name="a.shares")
    axis = graph.constant("axis", np.array([1], np.int64))
    total = graph.add("ReduceSum", shares, axis, name="a.total", keepdims=1)
    none = graph.add("Equal", total, zero, name="a.none")
    divided = graph.add("Div", shares, graph.add("Where", none, graph.scalar(1), total, name="a.by"), name="a.divided")
    graph.add("Where", none, graph.scalar(1 / K), divided, name="probabilities")


def random_rows(encoding: Encoding, rows: int) -> Any:
    """Raw rows about where the training rows were."""
    if encoding.table is not None:
        return onnx_table.random_frame(encoding.table, rows)
    rng = np.random.default_rng(0)
    if encoding.full_scale is not None:
        return rng.integers(0, int(encoding.full_scale) + 1, (rows, len(encoding.columns))).astype(np.float64)
    return encoding.offset + encoding.scale * rng.normal(size=(rows, len(encoding.columns)))


def raw_matrix(encoding: Encoding, rows: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Rows as the graph takes them."""
    if encoding.table is not None:
        from backlit.data.tables import frames

        rows = onnx_table.matrix(
            encoding.table, frames.select("rows", rows, encoding.table.names, encoding.table.needed)
        )
    return np.ascontiguousarray(rows, input_dtype(encoding, dtype))


def difference(model: Model, rows: Any, theirs: list[NDArray[Any]]) -> float:
    """The largest of what a graph's first output and the model's differ by; infinite where a label is another."""
    if model.encoding.task == "numbers":
        ours = np.asarray(model.predict(rows), np.float64).reshape(len(rows), -1)
        return agreement.difference(ours, theirs[0])
    p, labels = model.predict_proba(rows), model.predict(rows)
    same = labels == theirs[1].reshape(labels.shape)
    near = _nearly_equal(p, model.encoding.task).reshape(labels.shape)
    return agreement.difference(p, theirs[0]) if bool((same | near).all()) else np.inf


def _nearly_equal(p: NDArray[Any], task: str) -> NDArray[Any]:
    """Where two answers are so near each other that rounding decides between them."""
    if task == "labels":
        return np.abs(p - 0.5) < 1e-5
    ordered = np.sort(p, axis=1)
    return ordered[:, -1] - ordered[:, -2] < 1e-5
