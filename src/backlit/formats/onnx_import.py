"""ONNX in: a chain of Gemm, or MatMul and Add, with activations between, to a network.

The graph is walked in its order. Softmax, Dropout, Flatten, Identity and Cast are followed; anything else is refused by
the node's name. The file itself is then run, by ONNX Runtime where it is installed, and the network held against it.
"""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.errors import ModelFileError
from backlit.formats import agreement
from backlit.formats.chain import ChainBuilder
from backlit.formats.container import Refusal, quote, read_all, refusals_named
from backlit.formats.extras import need
from backlit.formats.imported import Imported, finish
from backlit.formats.onnx_run import Runner
from backlit.formats.onnx_walk import Walk, parse
from backlit.formats.torch_modules import add_output
from backlit.network import Network
from backlit.notation import Array

StrPath = str | os.PathLike[str]


def read(path: StrPath, *, output: str | None = None) -> Imported:
    """The network in an ONNX file.

    Args:
        path: of the file.
        output: an activation for the outputs of a graph that ends with a layer's weights, as ``"softmax"`` where the
            source left it to its cost.

    Raises:
        ModelFileError: the file cannot be read or is damaged, keeps numbers in another file, or has a node that no
            network of Backlit has (which).
        OptionError: the library is missing, or an activation stands where Backlit has none.
    """
    builder, walk, content, logarithm = _walked(path)
    add_output(builder, output)
    network = builder.network()
    runner = _runner(path, content)

    def outputs(X: Array) -> NDArray[Any]:
        shaped = X.reshape(len(X), *walk.input_shape).astype(walk.input_dtype)
        try:
            found = runner(shaped, walk.input_name)[0].astype(network.dtype)
        except Exception as failure:  # of whatever kind the runtime has
            reason = str(failure).strip().splitlines() or ["it says nothing"]
            raise ModelFileError(f"{path} cannot be run by {runner.name}: {reason[0][:200]}") from None
        found = np.exp(found) if logarithm else found
        return found if output is None else network.activations[-1].value(found)

    # A graph that takes float32, or casts to it on its way, is no nearer than that, whatever its weights are of.
    narrow = walk.narrowed or walk.input_dtype == np.float32
    found = agreement.measure(network, runner.name, outputs, arithmetic="float32" if narrow else None)
    return finish(builder, "onnx", found, network, facts=walk.facts)


def read_network(path: StrPath) -> Network:
    """The network alone, not held against anything that runs the file: what a reader of hostile files is tested by."""
    return _walked(path)[0].network()


def _walked(path: StrPath) -> tuple[ChainBuilder, Walk, bytes, bool]:
    need("onnx", "onnx", "ONNX import")
    builder = ChainBuilder(str(path))
    with refusals_named(path):
        content = read_all(path)
        walk = Walk(parse(content), builder)
        return builder, walk, content, walk.run()


def _runner(path: StrPath, content: bytes) -> Runner:
    try:
        return Runner(content)
    except Exception as failure:
        raise ModelFileError(f"{path} cannot be run: {quote(str(failure))}") from None


__all__ = ["Refusal", "read", "read_network"]
