"""PyTorch's state dicts in ``.safetensors``: ``0.weight``, ``0.bias``, … both ways; never a pickle.

What Backlit writes, ``to_torch(network).load_state_dict(safetensors.torch.load_file(path))`` takes; its metadata have
the activations and dropouts, which a state dict has not.
"""

import json
import math
import os
import re
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.activations import ACTIVATIONS
from backlit.errors import DataError, OptionError
from backlit.formats import agreement, container, durable
from backlit.formats.chain import ChainBuilder
from backlit.formats.container import Refusal, damaged, quote, refusals_named
from backlit.formats.imported import Imported, finish
from backlit.formats.layers import activations_of
from backlit.network import Network
from backlit.notation import Array

StrPath = str | os.PathLike[str]
WIDTHS = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}
LONGEST_SEARCH = 7
"""Layers whose order is looked for by their shapes."""


def read(path: StrPath, *, activation: Any = None, output: str | None = None) -> Imported:
    """The network in a state dict of Linear layers.

    Args:
        path: of a ``.safetensors`` file with ``NAME.weight`` (neurons, inputs) and ``NAME.bias`` for each layer. Their
            order is that of their names, numbers within them by value; where the shapes do not follow each other so,
            the one order in which they do.
        activation: of the hidden layers, one name or one a layer; a state dict has none, but what Backlit wrote does.
        output: of the output layer; likewise.

    Raises:
        ModelFileError: the file cannot be read or is damaged.
        OptionError: nobody says the activations, or the order of the layers is not clear.
        DataError: a tensor is none of a Linear layer, or the shapes do not go together.
    """
    with refusals_named(path):
        tensors, metadata, halves = _tensors(path)
    builder = ChainBuilder(str(path))
    layers = _in_order(builder, tensors)
    with refusals_named(path):
        said = _said(metadata, len(layers))
    names = activations_of(
        builder, len(layers), None if said is None else ",".join(said["activations"]), activation, output, None
    )
    if halves:
        builder.lose(f"that it was of {halves}: it is float32 here, every number the same")
    for place, (name, (W, b)) in enumerate(layers.items()):
        builder.linear(W, b, name)
        builder.activation(names[place], f"activation {names[place]}")
        if said is not None and place < len(layers) - 1:
            builder.dropout(said["dropout"][place], f"dropout of {name}")
    network = builder.network()

    def outputs(X: Array) -> NDArray[Any]:
        a: NDArray[Any] = X.astype(np.float64)
        for (W, b), name in zip(layers.values(), names, strict=True):
            z = np.einsum("mk,jk->mj", a, W.astype(np.float64))
            a = ACTIVATIONS[name].value(z if b is None else z + b.astype(np.float64))
        return a

    found = agreement.measure(network, "σ(W a + b) in float64", outputs)
    return finish(builder, "torch", found, network)


def write(network: Network, path: StrPath, *, force: bool = False) -> None:
    """Writes the state dict of ``to_torch(network)``; a crash leaves the old file or the new one, whole.

    Raises:
        OutputPathError: the file exists and ``force`` is not set, or it cannot be written there.
    """
    tensors: dict[str, NDArray[Any]] = {}
    place = 0
    for layer in network.layers:
        tensors[f"{place}.weight"], tensors[f"{place}.bias"] = layer.W, layer.b
        place += 1 + (layer.activation.name != "identity") + bool(layer.dropout)
    said = {
        "activations": [layer.activation.name for layer in network.layers], "dropout": list(network.dropout),
    }  # fmt: skip
    durable.check_writable(path, force=force)
    metadata = {"backlit": json.dumps(said, sort_keys=True, separators=(",", ":")), "format": "pt"}
    durable.write(path, map(bytes, container.laid_out(tensors, metadata)))


def _tensors(path: StrPath) -> tuple[dict[str, NDArray[Any]], dict[str, Any], str]:
    """Every tensor by name, the metadata, and which kinds of half were widened; each claim held against the file."""
    with container.open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        head, header = container.read_header(stream, size)
        metadata = header.pop("__metadata__", {})
        if not isinstance(metadata, dict):
            raise damaged("its metadata are not an object")
        if metadata.get("format") == "backlit":
            raise Refusal("is a file of Backlit's own already; it needs no import")
        places = _places(header, size - len(head))
        content = stream.read(size - len(head))
    if len(content) != size - len(head):
        raise Refusal("changed while it was read; try again")
    found, halves = {}, set()
    for name, (dtype, shape, begin, end) in places.items():
        if dtype == "BF16":  # the upper half of a float32
            values = (np.frombuffer(content[begin:end], "<u2").astype("<u4") << 16).view("<f4")
        else:
            values = np.frombuffer(content[begin:end], f"<f{WIDTHS[dtype]}")
        if WIDTHS[dtype] == 2:
            halves.add({"F16": "float16", "BF16": "bfloat16"}[dtype])
            values = values.astype(np.float32)
        found[name] = values.astype(values.dtype.newbyteorder("=")).reshape(shape)
    return found, metadata, " and ".join(sorted(halves))


def _places(header: dict[str, Any], room: int) -> dict[str, tuple[str, tuple[int, ...], int, int]]:
    """Name → dtype, shape, begin, end; without gaps or overlaps, as the format has it."""
    places: dict[str, tuple[str, tuple[int, ...], int, int]] = {}
    for name, entry in header.items():
        match entry:
            case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)], **rest} if (
                not rest
            ):
                if dtype not in WIDTHS:
                    raise Refusal(f"has a tensor {quote(name)} of dtype {quote(dtype)}; {', '.join(WIDTHS)} are read")
                whole = len(shape) <= container.MOST_DIMENSIONS and all(
                    type(n) is int and 0 <= n <= container.MOST_NUMBERS for n in shape
                )
                if whole and 0 <= begin <= end <= room and end - begin == math.prod(shape) * WIDTHS[dtype]:
                    places[name] = (dtype, tuple(shape), begin, end)
                    continue
        raise damaged(f"the header's entry for tensor {quote(name)} makes no sense, or is beyond the file")
    at = 0
    for _, _, begin, end in sorted(places.values(), key=lambda place: place[2:]):
        if begin != at:
            raise damaged("its tensors overlap or leave gaps")
        at = end
    if at != room:
        raise damaged(f"its header claims {at:,} bytes of numbers, and the file has {room:,}")
    return places


def _in_order(
    builder: ChainBuilder, tensors: dict[str, NDArray[Any]]
) -> dict[str, tuple[NDArray[Any], NDArray[Any] | None]]:
    """Layer → its weights and biases, in the order in which they run."""
    layers: dict[str, tuple[NDArray[Any], NDArray[Any] | None]] = {}
    for name in sorted(tensors, key=_by_number):
        layer, _, part = name.rpartition(".")
        if part == "weight" and tensors[name].ndim == 2 and tensors[name].size:
            layers[layer] = (tensors[name], tensors.get(f"{layer}.bias"))
        elif part != "bias" or f"{layer}.weight" not in tensors:
            raise DataError(
                f"{builder.what}: tensor {quote(name)} of shape {tensors[name].shape} is none of a Linear layer, which "
                "has NAME.weight (neurons, inputs) and NAME.bias"
            )
    if not layers:
        raise DataError(f"{builder.what}: has no layer: no NAME.weight (neurons, inputs)")
    names = list(layers)
    if not _follow(layers, names):
        orders = _orders(layers)
        if len(orders) != 1:
            raise OptionError(
                f"{builder.what}: its layers {', '.join(names[:6])} do not follow each other in the order of their "
                f"names, and by their shapes there is {'more than one' if orders else 'no'} order; rename them 0, 1, …"
            )
        names = orders[0]
        builder.lose(f"the order of the layers was found by their shapes: {', '.join(names)}")
    return {name: layers[name] for name in names}


def _by_number(name: str) -> list[tuple[int, int, str]]:
    """fc2 before fc10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"([0-9]{1,9})", name)]


def _follow(layers: dict[str, Any], names: list[str]) -> bool:
    return all(layers[b][0].shape[1] == len(layers[a][0]) for a, b in pairwise(names))


def _orders(layers: dict[str, Any]) -> list[list[str]]:
    """The orders in which every shape follows from the one before, two at most."""
    found: list[list[str]] = []

    def extend(order: list[str]) -> None:
        if len(order) == len(layers):
            found.append(order)
        for name in layers:
            if len(found) < 2 and name not in order and _follow(layers, [*order[-1:], name]):
                extend([*order, name])

    if len(layers) <= LONGEST_SEARCH:
        extend([])
    return found


def _said(metadata: dict[str, Any], layers: int) -> dict[str, Any] | None:
    """The activations and dropouts that Backlit wrote, if it did."""
    if not isinstance(metadata.get("backlit"), str):
        return None
    said = container.parse(metadata["backlit"], "its metadata")
    match said:
        case {"activations": list(names), "dropout": list(dropout)} if (
            len(names) == layers
            and len(dropout) == layers - 1
            and all(isinstance(name, str) and name in ACTIVATIONS for name in names)
            and all(type(p) in (int, float) and 0 <= p < 1 for p in dropout)
        ):
            return said
    raise damaged("its metadata 'backlit' are not those of its layers")
