"""Where a number of a pass stands: which quantity, layer, neuron, input, row. The one check that it exists."""

from dataclasses import dataclass

import numpy as np

from backlit.errors import OptionError, unknown_option
from backlit.network import Network

QUANTITIES = {
    "cost": "",
    "penalty": "",
    "row_cost": "r",
    "x": "kr",
    "y": "jr",
    "W": "ljk",
    "b": "lj",
    "z": "ljr",
    "a": "ljr",
    "slope": "ljr",
    "dC_da": "ljr",
    "delta": "ljr",
    "weight": "ljk",
    "bias": "lj",
    "update_weight": "ljk",
    "update_bias": "lj",
}
"""Quantity → what it takes to point at one of its numbers: layer l, neuron j, input k, row r.

``weight`` and ``bias`` are the gradients ∂C/∂W and ∂C/∂b; with a row they are that row's own, ∂C_i/∂W and ∂C_i/∂b.
"""

_FROM_LAYER_1 = ("a", "dC_da")
_SAME = {"gradient": "weight", "weight_gradient": "weight", "bias_gradient": "bias", "error": "delta", "x": "x"}


@dataclass(frozen=True)
class Address:
    """One number of a pass. Layers count from 1, neurons j, inputs k and rows from 0.

    >>> print(Address("weight", layer=2, j=4, k=17))
    weight layer 2 neuron 4 input 17
    """

    quantity: str
    layer: int | None = None
    j: int | None = None
    k: int | None = None
    row: int | None = None

    def __str__(self) -> str:
        parts = (("layer", self.layer), ("neuron", self.j), ("input", self.k), ("row", self.row))
        return " ".join([self.quantity, *(f"{word} {number}" for word, number in parts if number is not None)])


def check(
    network: Network,
    rows: int,
    quantity: str,
    layer: int | None = None,
    j: int | None = None,
    k: int | None = None,
    row: int | None = None,
) -> Address:
    """The address, if there is such a number.

    With one row, that row need not be named. A weight's or bias's gradient needs no row: without one it is ∂C/∂W.

    Raises:
        OptionError: an unknown quantity, or a layer, neuron, input or row that is missing or does not exist.
    """
    quantity = _SAME.get(quantity, quantity)
    if quantity not in QUANTITIES:
        raise unknown_option("quantity", quantity, QUANTITIES)
    needs = QUANTITIES[quantity]
    if "l" in needs:
        layer = _layer(network, quantity, layer)
    fan_out = network.sizes[-1 if layer is None else layer - 1]
    fan_in = network.sizes[0 if layer is None else layer - 2]
    if "j" in needs:
        j = _count(j, fan_out, "neuron", f" in layer {network.L if layer is None else layer}", "j")
    if "k" in needs:
        k = _count(k, fan_in, "input", "" if quantity == "x" else f" of layer {layer}", "k")
    if "r" in needs:
        row = _count(0 if row is None and rows == 1 else row, rows, "row", "", "row")
    elif row is not None:
        row = _count(row, rows, "row", "", "row") if quantity in ("weight", "bias") and rows > 1 else None
    return Address(
        quantity,
        layer if "l" in needs else None,
        j if "j" in needs else None,
        k if "k" in needs else None,
        row,
    )


def _layer(network: Network, quantity: str, layer: int | None) -> int:
    first = 1 if quantity in _FROM_LAYER_1 else 2
    if layer is None:
        raise OptionError(f"{quantity} needs a layer, from {first} to {network.L}")
    whole = isinstance(layer, (int, np.integer)) and not isinstance(layer, bool)
    if whole and layer == 1 and first == 2:
        raise OptionError(
            f"layer 1 is the input: it has no weights, and no {quantity}; the first layer that has is layer 2"
        )
    if not whole or not first <= layer <= network.L:
        raise OptionError(f"there is no layer {layer!r}; layers count from 1, and this network ends with {network.L}")
    return int(layer)


def _count(number: int | None, size: int, word: str, of: str, option: str) -> int:
    if number is None:
        raise OptionError(f"say which {word}{of}: {option}=0 to {size - 1}")
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < size:
        there = f"there is only {word} 0" if size == 1 else f"{word}s count from 0 to {size - 1}"
        raise OptionError(f"there is no {word} {number!r}{of}: {there}")
    return int(number)
