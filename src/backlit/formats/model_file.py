"""The model file: a network, and for a Model its encoding and its provenance, in a container of kind ``model``.

Tensors ``layer2.W``, ``layer2.b``, … in the network's dtype; the rest in the document.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit import activations
from backlit.data.encoding import Encoding
from backlit.errors import DataError, ModelFileError, OptionError
from backlit.formats import container, durable
from backlit.formats.container import Claim, damaged, quote
from backlit.initializers import Initializer
from backlit.model import Model
from backlit.network import DTYPES, Network, layout

StrPath = str | os.PathLike[str]


def save(thing: Network | Model, path: StrPath, *, force: bool = False) -> None:
    """Writes a network or a model to a file; a crash at any instant leaves the old file or the new one, whole.

    Args:
        thing: a :class:`Network` (:func:`load` reads it) or a :class:`Model` (:func:`load` reads its network,
            :func:`load_model` all of it).
        path: of the file, ``.safetensors`` by custom.
        force: overwrites a file that exists.

    Raises:
        OutputPathError: the file exists and ``force`` is not set, or it cannot be written there.
        OptionError: an activation is not one of Backlit's own, a parameter is not finite, or the provenance is not
            plain JSON data.
        DataError: the encoding makes no sense.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Network([2, 3, 1]), f"{folder}/small.safetensors")
    ...     load(f"{folder}/small.safetensors")
    Network(2-3-1, relu, identity: 13 parameters, float32)
    """
    network = thing.network if isinstance(thing, Model) else thing
    if not isinstance(network, Network):
        raise OptionError(f"save takes a Network or a Model, not a value of type {type(thing).__name__}")
    document: dict[str, Any] = {"network": _describe(network), "encoding": None, "provenance": {}}
    if isinstance(thing, Model):
        if not isinstance(thing.provenance, dict):
            raise OptionError(f"a model's provenance is a dict of plain JSON data, not {quote(thing.provenance)}")
        document |= {"encoding": thing.encoding.to_dict(), "provenance": thing.provenance}
        Encoding.from_dict(document["encoding"])  # what is written can be read
    tensors = _tensors(network)
    durable.check_writable(path, force=force)
    try:
        content = container.pack(tensors, document, "model")
    except (TypeError, ValueError, RecursionError) as failure:
        raise OptionError(
            f"what goes with the parameters must be plain JSON data that fit a file's header: {failure}"
        ) from None
    durable.write(path, content)


def load(path: StrPath) -> Network:
    """The network in a file that :func:`save` wrote, bit for bit, whether or not it holds a whole model.

    Raises:
        ModelFileError: the file is missing, damaged, truncated, of another kind, from a newer version, or claims what
            its bytes do not hold.
    """
    held = read(path)
    return held.network if isinstance(held, Model) else held


def load_model(path: StrPath) -> Model:
    """The model in a file that :func:`save` wrote.

    Raises:
        ModelFileError: as :func:`load`, or the file holds a network alone.
    """
    held = read(path)
    if not isinstance(held, Model):
        raise ModelFileError(f"{path} holds a network without an encoding; bl.load reads it")
    return held


def _describe(network: Network) -> dict[str, Any]:
    for activation in network.activations:
        name = getattr(activation, "name", type(activation).__name__)
        own = activations.ACTIVATIONS.get(name)
        if type(activation) is not type(own) or vars(activation) != vars(own):
            raise OptionError(
                f"activation '{name}' is not one of Backlit's own, and a file holds no code: "
                "give the layer one of them, or save network.parameters yourself"
            )
    return {
        "sizes": list(network.sizes),
        "activations": [activation.name for activation in network.activations],
        "dropout": list(network.dropout),
        "initializer": str(network.initializer),
        "seed": network.seed,
        "dtype": network.dtype.name,
    }


def _tensors(network: Network) -> dict[str, NDArray[Any]]:
    tensors = {}
    for number, views in network.split(network.parameters).items():
        for quantity, values in zip("Wb", views, strict=True):
            wrong = np.argwhere(~np.isfinite(values))
            if len(wrong):
                raise OptionError(
                    f"layer {number} has a {quantity} that is not finite, at {wrong[0].tolist()}: "
                    "a file would not give it back; train again with a smaller learning rate"
                )
            tensors[f"layer{number}.{quantity}"] = values
    return tensors


def read(path: StrPath) -> Network | Model:
    """Whatever the file holds.

    Raises:
        ModelFileError: as :func:`load`.
    """
    held = container.read(path, ("model",), check=_check)
    network = _build(held.document["network"])
    for number, views in network.split(network.parameters).items():
        for quantity, values in zip("Wb", views, strict=True):
            values[...] = held.tensors[f"layer{number}.{quantity}"]
            if not np.isfinite(values).all():
                raise _damaged(path, f"layer{number}.{quantity} holds a number that is not finite")
    if held.document["encoding"] is None:
        return network
    try:
        return Model(network, Encoding.from_dict(held.document["encoding"]), held.document["provenance"])
    except (DataError, OptionError, RecursionError) as failure:
        raise _damaged(path, str(failure)[:300]) from None


def _damaged(path: StrPath, reason: str) -> ModelFileError:
    return ModelFileError(f"{path} {damaged(reason)}")


def _build(described: dict[str, Any]) -> Network:
    """The network described, with parameters of 0; its description has been checked."""
    *hidden, output = described["activations"]
    nothing = Initializer(
        described["initializer"], lambda rng, fan_out, fan_in: np.broadcast_to(0.0, (fan_out, fan_in))
    )
    return Network(
        described["sizes"],
        activation=hidden,
        output=output,
        initializer=nothing,
        dropout=described["dropout"],
        seed=described["seed"],
        dtype=described["dtype"],
    )


def _check(document: dict[str, Any], claims: dict[str, Claim]) -> None:
    """Whether the document describes a network, and the tensors are that network's: before any of it is allocated."""
    network, encoding, provenance = _fields(document, "its document", ("network", "encoding", "provenance"))
    if not isinstance(encoding, dict | None) or not isinstance(provenance, dict):
        raise damaged("its encoding or its provenance is not an object")
    sizes, names, dropout, initializer, seed, dtype = _fields(
        network, "its network", ("sizes", "activations", "dropout", "initializer", "seed", "dtype")
    )
    _check_list("sizes", sizes, lambda n: type(n) is int and 1 <= n <= container.MOST_NUMBERS)
    if len(sizes) < 2:
        raise damaged(f"its sizes are {quote(sizes)}; a network has two layers or more")
    _check_list("dropout", dropout, lambda p: type(p) in (int, float) and 0 <= p < 1, len(sizes) - 2)
    _check_list("activations", names, lambda name: isinstance(name, str), len(sizes) - 1)
    for place, name in enumerate(names):
        found = activations.ACTIVATIONS.get(name)
        if found is None or (found.output_only and place < len(names) - 1):
            raise damaged(f"layer {place + 2} has an activation {quote(name)}, which is none Backlit knows there")
    if not isinstance(initializer, str) or type(seed) is not int or not 0 <= seed < 2**64:
        raise damaged(f"its initializer is {quote(initializer)} and its seed {quote(seed)}")
    if dtype not in DTYPES:
        raise damaged(f"its dtype is {quote(dtype)}")
    _check_claims(sizes, np.dtype(dtype), claims)


def _check_claims(sizes: list[int], dtype: np.dtype[Any], claims: dict[str, Claim]) -> None:
    if len(claims) != 2 * (len(sizes) - 1):
        raise damaged(f"its {len(sizes)} layers need {2 * (len(sizes) - 1)} tensors, and it has {len(claims)}")
    for number, shape, _, _ in layout(sizes):
        for name, needed in ((f"layer{number}.W", shape), (f"layer{number}.b", shape[:1])):
            claim = claims.get(name)
            if claim is None:
                raise damaged(f"it has no tensor {name}")
            if claim.shape != needed or claim.dtype != dtype:
                raise damaged(
                    f"{name} is {claim.dtype} of shape {claim.shape}, and its network needs {dtype} of {needed}"
                )


def _fields(value: object, what: str, names: tuple[str, ...]) -> tuple[Any, ...]:
    """The values of an object that has these fields and no other."""
    if not isinstance(value, dict) or set(value) != set(names):
        raise damaged(f"{what} has not the fields {', '.join(names)}")
    return tuple(value[name] for name in names)


def _check_list(what: str, value: object, fits: Callable[[Any], bool], length: int | None = None) -> None:
    if not isinstance(value, list) or not all(fits(item) for item in value) or length not in (None, len(value)):
        raise damaged(f"its {what} are {quote(value)}")
