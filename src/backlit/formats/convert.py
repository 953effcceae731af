"""The two doors: a network or model out into another format, and one from elsewhere in."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backlit.errors import OptionError, unknown_option
from backlit.formats import durable
from backlit.formats.agreement import Agreement
from backlit.formats.imported import Imported
from backlit.model import Model
from backlit.network import Network

StrPath = str | os.PathLike[str]

WRITTEN = {"onnx": ".onnx", "torch": ".safetensors", "mat": ".mat", "keras": ".keras"}
READ = {"onnx": ".onnx", "torch": ".safetensors", "mat": ".mat"}
"""Format → the suffix of its files."""

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt")

_INSTEAD = {
    True: "where you trust it, load it yourself and save it again: safetensors.torch.save_file(module.state_dict(), "
    "'net.safetensors'), or hand the object over in Python to bl.formats.import_model",
    False: "name it .safetensors: safetensors.torch.load_file gives PyTorch its state dict",
}
"""What to do about a pickle that is to be read (True) or written."""


@dataclass(frozen=True)
class Exported:
    """What was written, what was measured of it, and what it does not hold.

    Args:
        format: its name.
        file: where it is.
        agreement: how nearly it computes the same; None where there is nothing to run it with.
        lost: what the network or model has that the file has not, a sentence each.
        facts: what else there is to say of the format, plain JSON data.
    """

    format: str
    file: str
    agreement: Agreement | None
    lost: tuple[str, ...]
    facts: dict[str, Any]


def export(
    thing: Network | Model,
    path: StrPath,
    *,
    format: str | None = None,
    rows: Any = None,
    network_only: bool = False,
    dtype: str | None = None,
    force: bool = False,
) -> Exported:
    """Writes a network or a model in another format; a crash leaves the old file or the new one, whole.

    Args:
        thing: a :class:`Network` or a :class:`Model`.
        path: of the file.
        format: ``onnx``, ``torch`` (a state dict in safetensors), ``mat`` (Octave, MATLAB: Theta1, Theta2, …) or
            ``keras``; by default what the file's suffix says.
        rows: of onnx: raw rows to compare on, instead of random ones.
        network_only: of a model in onnx: the network without its encoding.
        dtype: ``float32`` or ``float64``, where not the network's own.
        force: overwrites a file that exists.

    Raises:
        OptionError: the format is unknown or needs a library that is missing, or cannot hold this network (why).
        OutputPathError: the file exists and ``force`` is not set, or it cannot be written there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export(Network([2, 3, 1]), f"{folder}/small.mat").agreement.rows
    64
    """
    name = _format(format, path, WRITTEN)
    if not isinstance(thing, (Network, Model)):
        raise OptionError(f"export takes a Network or a Model, not a value of type {type(thing).__name__}")
    if rows is not None and name != "onnx":
        raise OptionError(f"rows to compare on are for onnx; {name} is compared on random ones: leave them out")
    durable.check_writable(path, force=force)
    network = thing.network if isinstance(thing, Model) else thing
    if dtype is not None:
        network = network.copy(dtype)
        thing = Model(network, thing.encoding, thing.provenance) if isinstance(thing, Model) else network
    lost: list[str] = []
    if isinstance(thing, Model) and (name != "onnx" or network_only):
        lost.append("its encoding: rows go in as the network takes them, and what comes out is a^L")
    found: Agreement | None = None
    facts: dict[str, Any] = {"dtype": network.dtype.name}
    if name == "onnx":
        from backlit.formats import onnx_export, onnx_graph

        written = onnx_export.write(network if network_only else thing, path, rows=rows, force=force)
        found, facts = written.agreement, facts | {"opset": onnx_graph.OPSET}
        lost += written.lost
    elif name == "torch":
        from backlit.formats import state_dict

        state_dict.write(network, path, force=force)
        found = _by_torch(network)
    elif name == "mat":
        from backlit.formats import mat_file

        found = mat_file.write(network, path, force=force)
        if any(network.dropout):
            lost.append(f"its dropout ({', '.join(f'{p:g}' for p in network.dropout)})")
    else:
        found = _write_keras(network, path)
    return Exported(name, str(path), found, tuple(lost), facts)


def import_model(
    source: Any, *, format: str | None = None, activation: str | Sequence[str] | None = None, output: str | None = None
) -> Imported:
    """A network from elsewhere, held against its source: outputs and, where that can compute them, gradients.

    Args:
        source: the path of an ONNX file, of a state dict in safetensors or of a ``.mat`` file with Theta1, Theta2, …;
            or a PyTorch module, a fitted scikit-learn MLP, a Keras model.
        format: of a file: ``onnx``, ``torch`` or ``mat``; by default what its suffix says.
        activation: of the hidden layers, for files that do not say.
        output: of the output layer, for files that do not say, and for sources that leave it to their cost.

    Raises:
        ModelFileError: the file cannot be read, is damaged, or holds something that Backlit does not have (what).
        OptionError: the source is of no known kind, or something is missing that it does not say.
        DataError: its shapes do not go together.
    """
    if isinstance(source, (str, os.PathLike)):
        return _read_file(source, _format(format, source, READ), activation, output)
    if format is not None:
        raise OptionError("format= is of files; an object says itself what it is")
    if activation is not None:
        raise OptionError("activation= is for files that do not say; an object says itself")
    torch, keras = sys.modules.get("torch"), sys.modules.get("keras")  # whoever brings one has imported it
    if keras is not None and isinstance(source, keras.Model):
        from backlit.formats import keras_models

        return keras_models.read(source, output=output)
    if torch is not None and isinstance(source, torch.nn.Module):
        from backlit.formats import torch_modules

        return torch_modules.read(source, output=output)
    if hasattr(source, "get_params"):
        if output is not None:
            raise OptionError("output= is for sources that leave it to their cost; a scikit-learn MLP does not")
        from backlit.formats import scikit_learn

        return scikit_learn.read(source)
    raise OptionError(
        "import_model takes the path of a file, a torch.nn.Module, a fitted scikit-learn MLP or a keras.Model, not a "
        f"value of type {type(source).__name__}"
    )


def _read_file(path: StrPath, name: str, activation: Any, output: str | None) -> Imported:
    if name == "onnx":
        if activation is not None:
            raise OptionError("activation= is for files that do not say; an ONNX file says its own")
        from backlit.formats import onnx_import

        return onnx_import.read(path, output=output)
    if name == "torch":
        from backlit.formats import state_dict

        return state_dict.read(path, activation=activation, output=output)
    from backlit.formats import mat_file

    return mat_file.read(path, activation=activation, output=output)


def _format(name: str | None, path: StrPath, known: dict[str, str]) -> str:
    if name is not None:
        if name not in known:
            raise unknown_option("format", name, known)
        return name
    suffix = Path(path).suffix.lower()
    if suffix in PICKLES:
        raise OptionError(
            f"{path}: a {suffix} file is a pickle, which can run anything that was put into it, and is neither read "
            f"nor written; {_INSTEAD[known is READ]}"
        )
    if suffix == ".keras" and suffix not in known.values():
        raise OptionError(
            f"{path}: a .keras file is not read, for Keras' loader can be made to run what it brings; load it with "
            "Keras and give the model to bl.formats.from_keras"
        )
    for format_name, its_suffix in known.items():
        if suffix == its_suffix:
            return format_name
    raise OptionError(
        f"{path}: its suffix '{suffix}' says no format; name it {' or '.join(known.values())}, or give "
        f"format={' or format='.join(map(repr, known))}"
    )


def _by_torch(network: Network) -> Agreement | None:
    """What PyTorch makes of the network, where it is installed."""
    from backlit.formats.extras import version_of

    if version_of("torch") is None:
        return None
    from backlit.formats import torch_modules

    return torch_modules.write(network)[1]


def _write_keras(network: Network, path: StrPath) -> Agreement:
    """By Keras itself, into a folder of its own first."""
    from tempfile import TemporaryDirectory

    from backlit.formats import keras_models

    model, found = keras_models.write(network)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        durable.write(path, file.read_bytes())
    return found
