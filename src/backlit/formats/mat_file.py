"""Octave and MATLAB: ``.mat`` files with ``Theta1, Theta2, …``, the bias in the first column, both ways.

Θ of layer l is [b W], (n_{l+1}, n_l + 1), and a layer computes g([1 a] Θᵀ), as in Ng's course. What Backlit writes has
the activations too, as a row of text named ``activations``, which Octave and MATLAB load with the rest.
"""

import os
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.activations import ACTIVATIONS
from backlit.errors import DataError
from backlit.formats import agreement, durable, mat5
from backlit.formats.chain import ChainBuilder
from backlit.formats.extras import version_of
from backlit.formats.imported import Imported, finish
from backlit.formats.layers import activations_of
from backlit.network import Network
from backlit.notation import Array

StrPath = str | os.PathLike[str]
THETA = re.compile(r"[Tt]heta_?(\d{1,4})")


def read(path: StrPath, *, activation: Any = None, output: str | None = None) -> Imported:
    """The network in a ``.mat`` file of Thetas.

    Args:
        path: of a file of level 5 (``save -v7`` or ``-v6``).
        activation: of the hidden layers, one name or one a layer; by default the file's own, else sigmoid, as in the
            course that the layout comes from.
        output: of the output layer; likewise.

    Raises:
        ModelFileError: the file cannot be read, is damaged, or is of another format.
        OptionError: an activation is unknown, or there is not one a hidden layer.
        DataError: there are no Thetas, one is missing, or their shapes do not go together.
    """
    found, others = mat5.read(path, lambda name: name == "activations" or THETA.fullmatch(name) is not None)
    said = found.pop("activations", None)
    thetas = _in_order(path, found, others)
    builder = ChainBuilder(str(path))
    names = activations_of(builder, len(thetas), said if isinstance(said, str) else None, activation, output, "sigmoid")
    for number, (theta, name) in enumerate(zip(thetas, names, strict=True), start=1):
        if theta.ndim != 2 or theta.shape[1] < 2:
            raise DataError(f"{path}: Theta{number} has shape {theta.shape}; it is (neurons, inputs + 1), bias first")
        builder.linear(np.ascontiguousarray(theta[:, 1:]), np.ascontiguousarray(theta[:, 0]), f"Theta{number}")
        builder.activation(name, f"activation {name}")
    if others:
        builder.lose(f"the file's other variables: {', '.join(sorted(others)[:10])}")
    network = builder.network()
    return finish(builder, "mat", by_formula(thetas, names, network), network)


def write(network: Network, path: StrPath, *, force: bool = False) -> agreement.Agreement:
    """Writes ``Theta1, Theta2, …`` and ``activations``; a crash leaves the old file or the new one, whole.

    Raises:
        OutputPathError: the file exists and ``force`` is not set, or it cannot be written there.
    """
    from io import BytesIO

    from scipy.io import savemat

    thetas = [np.hstack([layer.b[:, np.newaxis], layer.W]) for layer in network.layers]
    names = [layer.activation.name for layer in network.layers]
    found = by_formula(thetas, names, network)
    durable.check_writable(path, force=force)
    content = BytesIO()
    variables: dict[str, Any] = {f"Theta{number}": theta for number, theta in enumerate(thetas, start=1)}
    savemat(content, {**variables, "activations": ",".join(names)})
    raw = content.getvalue()
    described = f"MATLAB 5.0 MAT-file, written by Backlit {version_of('backlit') or ''}".strip()  # not when, nor where
    durable.write(path, described.encode().ljust(116) + raw[116:])
    return found


def by_formula(thetas: list[NDArray[Any]], names: list[str], network: Network) -> agreement.Agreement:
    """The network against g([1 a] Θᵀ), layer by layer, in float64."""

    def outputs(X: Array) -> NDArray[Any]:
        a: NDArray[Any] = X.astype(np.float64)
        for theta, name in zip(thetas, names, strict=True):
            a = ACTIVATIONS[name].value(np.hstack([np.ones((len(a), 1)), a]) @ theta.astype(np.float64).T)
        return a

    return agreement.measure(network, "g([1 a] Θᵀ) in float64", outputs)


def _in_order(path: StrPath, found: dict[str, Any], others: list[str]) -> list[NDArray[Any]]:
    numbered: dict[int, NDArray[Any]] = {}
    for name, values in found.items():
        match = THETA.fullmatch(name)
        if match is None or isinstance(values, str):
            raise DataError(f"{path}: {name} is text, and should be a matrix")
        if int(match[1]) in numbered:
            raise DataError(f"{path}: has two matrices of number {int(match[1])}; name them Theta1, Theta2, …")
        numbered[int(match[1])] = values
    if not numbered:
        has = f"it has {', '.join(sorted(others)[:10])}" if others else "it has none"
        raise DataError(f"{path}: no variables Theta1, Theta2, … (neurons, inputs + 1), bias first; {has}")
    missing = next((number for number in range(1, len(numbered) + 1) if number not in numbered), None)
    if missing is not None:
        raise DataError(f"{path}: has Theta{max(numbered)}, and no Theta{missing}")
    return [numbered[number] for number in sorted(numbered)]
