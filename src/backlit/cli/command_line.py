"""A command line written out again, ready to paste: what was asked, with something changed."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from backlit.cli.recipe import Asked

SWITCHES = {"no_header": "--no-header", "nesterov": "--nesterov"}
"""Options without a value."""

OPTIONS = {"characters": "--encoding", "output_activation": "--output"}
"""Parameter → option, where the option has another name."""


OF_AN_OPTIMIZER = ("--learning-rate", "--momentum", "--nesterov")
"""What was asked of one optimizer says nothing of another."""


def of_train(source: str, asked: Asked, changes: Sequence[str] = ()) -> str:
    """``backlit train`` with the options that were given, and others in their place or beside them.

    Args:
        source: the first argument.
        asked: the options; those that were not given are left out.
        changes: ``("--learning-rate", "0.001", …)``.

    >>> of_train("my data.csv", Asked(layers="8", seed=3), ("--layers", "16"))
    "backlit train 'my data.csv' --layers 16 --seed 3"
    """
    usual = Asked()
    options: dict[str, str | None] = {}
    for field in fields(Asked):
        value = getattr(asked, field.name)
        if value != getattr(usual, field.name):
            name = SWITCHES.get(field.name, OPTIONS.get(field.name, f"--{field.name.replace('_', '-')}"))
            options[name] = None if field.name in SWITCHES else _written(value)
    changed = dict(zip(changes[::2], changes[1::2], strict=True))
    if changed.get("--optimizer", options.get("--optimizer")) != options.get("--optimizer"):
        for name in OF_AN_OPTIMIZER:
            options.pop(name, None)
    options |= changed
    words = ["backlit", "train", source]
    for name, written in options.items():
        words += [name] if written is None else [name, written]
    return shlex.join(words)


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
