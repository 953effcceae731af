"""Homework in files: .npz, .json or .mat, in Backlit's own names or in those of the Octave exercise.

==============================  ========================================================================
``delta_2`` or ``delta2``       a quantity and its layer; in JSON also ``{"delta": {"2": ...}}``
``cost`` or ``J``               the cost
``Theta1_grad``                 ∂C/∂W² with ∂C/∂b² as its first column: Θ¹ leads from layer 1 to layer 2
``Theta1``                      W² with b² as its first column: the network's own weights
``W_2``, ``b_2``                the same, apart
==============================  ========================================================================
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.check.homework.answers import QUANTITIES
from backlit.data.streams import reason
from backlit.errors import DataError, ModelFileError

OCTAVE_GRADIENT = re.compile(r"Theta(\d+)_grad")
OCTAVE_WEIGHTS = re.compile(r"Theta(\d+)")
OWN = re.compile(r"([a-z_]+?)_?(\d+)")
OWN_WEIGHTS = re.compile(r"(W|b)_?(\d+)")
UNDERSTOOD = (
    f"{', '.join(f'{name}_2' for name in QUANTITIES if name != 'cost')} (a quantity and its layer), cost, J, "
    "Theta1_grad, and for the network's own weights Theta1, or W_2 and b_2"
)
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class HandedIn:
    """What a file holds: the answers, and the weights that fed forward where it holds them too, (W, b) by layer."""

    yours: dict[str, Any]
    weights: dict[int, tuple[NDArray[Any], NDArray[Any]]]


def read(path: str | Path) -> HandedIn:
    """The answers in a file.

    Raises:
        DataError: it cannot be read, is of another kind, or holds names that are not understood (those are listed).
    """
    file = Path(path)
    readers = {".npz": _npz, ".json": _json, ".mat": _mat}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise DataError(f"{file}: homework is read from .npz, .json and .mat files")
    try:
        if file.stat().st_size > MOST_BYTES:
            raise DataError(f"{file}: more than {MOST_BYTES >> 30} GB; this is no homework")
        content = reader(file)
    except DataError:
        raise
    except Exception as error:  # every reader has errors of its own for bytes that are not what they claim
        raise DataError(f"{file}: cannot be read as {file.suffix}: {reason(error)}") from None
    return understand(content, str(file))


def understand(content: Mapping[str, Any], file: str) -> HandedIn:
    """Sorts a file's arrays into quantities and layers by their names."""
    yours: dict[str, Any] = {}
    apart: dict[tuple[str, int], Any] = {}
    unknown = []
    for name, values in content.items():
        if name in QUANTITIES and (name == "cost" or isinstance(values, Mapping)):
            yours[name] = _scalar(values) if name == "cost" else {**yours.get(name, {}), **values}
        elif name == "J":
            yours["cost"] = _scalar(values)
        elif found := OCTAVE_GRADIENT.fullmatch(name):
            yours.setdefault("weight_gradient", {})[int(found[1]) + 1] = values
        elif found := OCTAVE_WEIGHTS.fullmatch(name):
            l, theta = int(found[1]) + 1, np.asarray(values, dtype=np.float64)
            if theta.ndim != 2:
                raise DataError(f"{file}: {name} must be a matrix with the biases in its first column")
            apart["W", l], apart["b", l] = theta[:, 1:], theta[:, 0]
        elif found := OWN_WEIGHTS.fullmatch(name):
            apart[found[1], int(found[2])] = np.asarray(values, dtype=np.float64)
        elif (found := OWN.fullmatch(name)) and found[1] in QUANTITIES and found[1] != "cost":
            yours.setdefault(found[1], {})[int(found[2])] = values
        else:
            unknown.append(name)
    if unknown:
        raise DataError(f"{file}: holds '{unknown[0]}', which is not understood; understood are {UNDERSTOOD}")
    return HandedIn(yours, _pairs(apart, file))


def _pairs(apart: Mapping[tuple[str, int], Any], file: str) -> dict[int, tuple[NDArray[Any], NDArray[Any]]]:
    layers = sorted({l for _, l in apart})
    if not layers:
        return {}
    if layers != list(range(2, layers[-1] + 1)) or any(("W", l) not in apart for l in layers):
        raise DataError(f"{file}: weights must be there for every layer from 2 up; it has them for {layers}")
    found: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}
    for l in layers:
        W = apart["W", l]
        b = np.asarray(apart.get(("b", l), np.zeros(len(W)))).ravel()
        before = found[l - 1][0].shape[0] if l > 2 else W.shape[-1]
        if W.ndim != 2 or b.shape != (len(W),) or W.shape[1] != before:
            raise DataError(f"{file}: the weights of layer {l} have shapes {W.shape} and {b.shape}, which do not fit")
        found[l] = W, b
    return found


def _scalar(values: Any) -> Any:
    return values.reshape(()) if isinstance(values, np.ndarray) and values.size == 1 else values


def _npz(file: Path) -> dict[str, Any]:
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _json(file: Path) -> dict[str, Any]:
    """Numbers stay the texts they were written as: 0.50 has two decimals."""
    content = json.loads(file.read_text("utf-8"), parse_float=str, parse_int=str)
    if not isinstance(content, dict):
        raise DataError(f"{file}: must be one JSON object of quantities by name")
    weights = {
        name: _floats(values)
        for name, values in content.items()
        if name.startswith(("W", "b_", "Theta")) and "_grad" not in name
    }
    return {**content, **weights}


def _floats(values: Any) -> Any:
    return [_floats(value) for value in values] if isinstance(values, list) else float(values)


def _mat(file: Path) -> dict[str, Any]:
    from backlit.formats import mat5

    try:
        content, _ = mat5.read(file, lambda name: True)
    except ModelFileError as error:
        raise DataError(f"{file}: cannot be read as .mat: it {str(error).removeprefix(f'{file} ')}") from None
    return dict(content)
