"""A network from its weights, written down: in a file, on the command line, or as one of the examples."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backlit.data.checks import as_numbers, check_finite
from backlit.errors import DataError, OptionError
from backlit.initializers import Initializer
from backlit.network import Network

SHAPE = '{"2": {"W": [[…]], "b": […]}, "3": …}: layers from 2 up, row j of W leads into neuron j; without b it is 0'


def network(
    sizes: Sequence[int],
    weights: Any,
    *,
    activation: str | Sequence[str] = "sigmoid",
    output: str = "sigmoid",
    dtype: str = "float64",
) -> Network:
    """The network of these sizes with these weights: an object by layer, as :data:`SHAPE`.

    Raises:
        OptionError: sizes or activations no network can have.
        DataError: a layer is missing or too many, or weights of another shape than its sizes say.

    >>> network([1, 1], {"2": {"W": [[0.5]], "b": [0.1]}}).parameters.tolist()
    [0.5, 0.1]
    """
    nothing = Initializer("given", lambda rng, fan_out, fan_in: np.broadcast_to(0.0, (fan_out, fan_in)))
    net = Network(sizes, activation=activation, output=output, initializer=nothing, dtype=dtype)
    by_layer = _by_layer(weights)
    wanted = [str(layer.number) for layer in net.layers]
    if sorted(by_layer) != sorted(wanted):
        raise DataError(
            f"the weights are those of layers {', '.join(sorted(by_layer)) or 'none'}; a network of sizes "
            f"{list(net.sizes)} has weights in layers {', '.join(wanted)}: expected {SHAPE}"
        )
    for layer in net.layers:
        given = by_layer[str(layer.number)]
        if not isinstance(given, dict) or "W" not in given or set(given) - {"W", "b"}:
            raise DataError(f'layer {layer.number} of the weights must be {{"W": [[…]], "b": […]}}: expected {SHAPE}')
        layer.W[...] = _array(f"W of layer {layer.number}", given["W"], layer.W.shape)
        if given.get("b") is not None:
            layer.b[...] = _array(f"b of layer {layer.number}", given["b"], layer.b.shape)
    return net


def read_weights(text: str) -> Any:
    """Inline JSON, or the JSON in the file of that name; a trace's own JSON will do.

    Raises:
        DataError: no such file, or no JSON.
    """
    inline = text.lstrip().startswith(("{", "["))
    try:
        held = text if inline else Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise DataError(f"weights: {text} cannot be read ({failure}); give a JSON file, or JSON in quotes") from None
    try:
        return json.loads(held)
    except (json.JSONDecodeError, RecursionError) as failure:
        raise DataError(
            f"weights {'given' if inline else 'in ' + text} are not JSON: {failure}; expected {SHAPE}"
        ) from None


def _by_layer(weights: Any) -> dict[str, Any]:
    if isinstance(weights, dict) and isinstance(weights.get("network"), dict):  # a trace's JSON
        weights = weights["network"]
    if isinstance(weights, dict) and isinstance(weights.get("W"), dict):
        given = weights.get("b")
        biases: dict[str, Any] = given if isinstance(given, dict) else {}
        return {str(l): {"W": W, "b": biases.get(l)} for l, W in weights["W"].items()}
    if not isinstance(weights, dict):
        raise DataError(f"the weights are a {type(weights).__name__}: expected an object, {SHAPE}")
    return {str(l): given for l, given in weights.items()}


def _array(what: str, values: Any, shape: tuple[int, ...]) -> Any:
    array = as_numbers(what, values)
    if array.shape != shape:
        raise DataError(f"{what} has shape {array.shape}; expected {shape}")
    check_finite(what, array)
    return array


def numbers(option: str, text: str) -> list[float]:
    """Numbers between commas.

    Raises:
        OptionError: something else.

    >>> numbers("x", "0.05,0.10")
    [0.05, 0.1]
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"--{option} takes numbers between commas, as 0.05,0.10, not '{text}'") from None
