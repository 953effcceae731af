"""Activations for formats that have none: what the file says, what the user says, or what the format's custom is."""

from collections.abc import Sequence
from typing import Any

from backlit import activations
from backlit.errors import OptionError
from backlit.formats.chain import ChainBuilder


def activations_of(
    builder: ChainBuilder,
    layers: int,
    said: str | None,
    activation: str | Sequence[str] | None,
    output: str | None,
    custom: str | None,
) -> list[str]:
    """One name a layer from layer 2 on: the user's before the file's (comma-separated) before the custom's.

    Raises:
        OptionError: nobody says, a name is unknown or stands where it cannot, or there is not one a layer.
    """
    hidden = layers - 1
    of_file: list[str] | None = None
    if said is not None:
        of_file = [name.strip() for name in said.split(",")]
        if len(of_file) != layers:
            raise OptionError(f"{builder.what}: says {len(of_file)} activations for {layers} layers with weights")
    if activation is None and of_file is None and custom is None and hidden:
        raise OptionError(f"{builder.what}: says no activations; give the hidden layers' own, as activation='relu'")
    if output is None and of_file is None and custom is None:
        raise OptionError(f"{builder.what}: says no activations; give the output layer's own, as output='softmax'")
    if (activation is None or output is None) and of_file is None:
        builder.lose(f"what activations it had: the file says none, and {custom} was taken, as is the custom")
    names: list[Any]
    if activation is None:
        names = of_file[:-1] if of_file is not None else [custom] * hidden
    else:
        names = [activation] * hidden if isinstance(activation, str) else list(activation)
    if len(names) != hidden:
        raise OptionError(f"activation has {len(names)} values for {hidden} hidden layers; give one, or one a layer")
    last = output or (of_file[-1] if of_file is not None else custom)
    return [
        activations.get(name, option="activation" if place < hidden else "output", hidden=place < hidden).name
        for place, name in enumerate([*names, last])
    ]
