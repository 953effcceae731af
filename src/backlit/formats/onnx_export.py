"""ONNX out: a network alone, or a model with its encoding, so that raw columns go in and answers come out.

Checked with ``onnx.checker``, run (by ONNX Runtime where it is installed) on real rows or random ones, and what that
came to is stored in the file's metadata, under ``backlit``, as JSON.
"""

import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit import engines
from backlit.errors import OptionError
from backlit.formats import agreement, durable, onnx_encoding
from backlit.formats.agreement import Agreement
from backlit.formats.extras import need, version_of
from backlit.formats.onnx_graph import IR_VERSION, OPSET, Graph, add_network
from backlit.formats.onnx_run import Runner
from backlit.model import Model
from backlit.network import Network
from backlit.notation import Array

StrPath = str | os.PathLike[str]
MOST_BYTES = 2**31 - 1
"""Of one ONNX file that holds its numbers itself."""


@dataclass(frozen=True, eq=False)
class Written:
    """The bytes of a file, what was measured of it, and what it cannot do."""

    content: bytes
    agreement: Agreement
    lost: tuple[str, ...]


def write(thing: Network | Model, path: StrPath, *, rows: Any = None, force: bool = False) -> Written:
    """Writes an ONNX file; a crash leaves the old file or the new one, whole.

    Args:
        thing: a network: ``x`` in, ``a`` out; or a model: ``X``, raw columns in the order of its encoding, in, and out
            ``probabilities`` and ``label``, or ``value`` in the target's own units.
        path: of the file, ``.onnx`` by custom.
        rows: raw rows to compare on (of a network: its inputs); random ones by default.
        force: overwrites a file that exists.

    Raises:
        OptionError: the library is missing, an activation is not one of Backlit's own, or a column's encoding cannot be
            written as a graph (which).
        OutputPathError: the file exists and ``force`` is not set, or it cannot be written there.
    """
    durable.check_writable(path, force=force)
    written = make(thing, rows=rows)
    durable.write(path, written.content)
    return written


def make(thing: Network | Model, *, rows: Any = None) -> Written:
    """The bytes of the file, checked and measured."""
    onnx = need("onnx", "onnx", "ONNX export")
    network = thing.network if isinstance(thing, Model) else thing
    if network.parameters.nbytes > MOST_BYTES // 2:
        raise OptionError(f"an ONNX file holds 2 GiB at most; this network has {network.parameters.nbytes:,} bytes")
    built = _build(thing, onnx)
    content = _bytes(built, {}, onnx)
    runner = Runner(content)
    found = _measured(thing, runner, rows)
    agreement.require(found, network.dtype.name)
    lost = () if runner.why_not is None else (f"what it computes was not seen by ONNX Runtime: {runner.why_not}",)
    said = {"opset": OPSET, "agreement": found.to_dict(), "lost": list(lost)}
    if isinstance(thing, Model):
        said |= {"columns": list(onnx_encoding.columns_of(thing.encoding)), "target": thing.encoding.target}
    return Written(_bytes(built, said, onnx), found, lost)


def _build(thing: Network | Model, onnx: Any) -> Any:
    helper = onnx.helper
    network = thing.network if isinstance(thing, Model) else thing
    graph = Graph(network.dtype)
    if isinstance(thing, Model):
        x = onnx_encoding.add_encoding(graph, thing.encoding, "X")
        outputs = onnx_encoding.add_answers(graph, thing, add_network(graph, network, x))
        inputs = [
            (
                "X",
                onnx_encoding.input_dtype(thing.encoding, network.dtype),
                len(onnx_encoding.columns_of(thing.encoding)),
            )
        ]
    else:
        graph.add("Identity", add_network(graph, network, "x"), name="a")
        inputs, outputs = [("x", network.dtype, network.sizes[0])], [("a", network.dtype, network.sizes[-1])]
    made = helper.make_graph(
        graph.nodes, "backlit", [_info(helper, *one) for one in inputs], [_info(helper, *one) for one in outputs],
        initializer=graph.used(),
    )  # fmt: skip
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="Backlit",
        producer_version=version_of("backlit") or "",
    )  # fmt: skip


def _info(helper: Any, name: str, dtype: np.dtype[Any], width: int | None) -> Any:
    """(rows, width), or (rows,) where there is no width."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(object) if dtype.kind == "U" else dtype)
    return helper.make_tensor_value_info(name, kind, ["rows"] if width is None else ["rows", width])


def _bytes(built: Any, said: dict[str, Any], onnx: Any) -> bytes:
    del built.metadata_props[:]
    if said:
        onnx.helper.set_model_props(built, {"backlit": json.dumps(said, sort_keys=True)})
    onnx.checker.check_model(built, full_check=True)
    content: bytes = built.SerializeToString(deterministic=True)
    return content


def _measured(thing: Network | Model, runner: Runner, rows: Any) -> Agreement:
    """On the rows given, else on random ones where the training rows were."""
    if not isinstance(thing, Model):
        X: NDArray[Any] = _random(thing.sizes[0], thing.dtype) if rows is None else np.asarray(rows, thing.dtype)
        off = agreement.difference(engines.predict(thing, X), runner(X, "x")[0])
        return Agreement(runner.name, len(X), "random" if rows is None else "real", off)
    raw = onnx_encoding.random_rows(thing.encoding, agreement.ROWS) if rows is None else rows
    X = onnx_encoding.raw_matrix(thing.encoding, raw, thing.network.dtype)
    off = onnx_encoding.difference(thing, raw, runner(X, "X"))
    return Agreement(runner.name, len(X), "random" if rows is None else "real", off)


def _random(inputs: int, dtype: np.dtype[Any]) -> Array:
    drawn: Array = np.random.default_rng(0).normal(size=(agreement.ROWS, inputs)).astype(dtype)
    return drawn
