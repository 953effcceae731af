"""The columns of a frame by their names, whatever library it is from; none is imported for it."""

import re
from collections.abc import Sequence
from typing import Any

from backlit.data.dataset import pixel_names
from backlit.errors import DataError

MOST_NAMED = 12
"""Names in a message."""

PREFIXES = ("", "x", "column_", "pixel_")
"""Of names that only number the columns: written as text by hand, by Backlit, by polars, by Backlit for images."""


def in_order(what: str, X: Any, columns: Sequence[str]) -> Any:
    """X with these columns in this order, taken by name where X is a frame with names; other columns are left out.

    Arrays, and frames whose names are not all text, go by position. So do names that only number the columns (``x0``,
    ``column_1``, …), in the frame or among ``columns``, where they do not match: then nothing else is known.

    Raises:
        DataError: the frame has names and lacks some of the columns, or has one of them twice.
    """
    names = _names(X)
    if names is None or names == list(columns) or len(set(columns)) < len(columns):
        return X
    there = set(names)
    missing = [column for column in columns if column not in there]
    if not missing:
        _check_once(what, names, columns)
        return X[list(columns)]
    if _only_numbered(names) or (_only_numbered(columns) and len(missing) == len(columns)):
        return X
    raise DataError(
        f"{what} has no column{'s' * (len(missing) > 1)} {some(missing)}; columns are taken by their names, and it has "
        f"{some(names)} (as a plain array they would go by position)"
    )


def some(names: Sequence[Any]) -> str:
    """As many names as a line takes.

    >>> some(["a", "b"])
    "'a', 'b'"
    """
    shown = ", ".join(repr(name) for name in names[:MOST_NAMED])
    return f"{shown}, … ({len(names)} in all)" if len(names) > MOST_NAMED else shown


def _names(X: Any) -> list[str] | None:
    """The names of a frame's columns; None for anything but a frame with names that are all text."""
    if not hasattr(X, "__array__") or not hasattr(X, "columns"):
        return None
    names = list(X.columns)
    return names if all(isinstance(name, str) for name in names) else None


def _check_once(what: str, names: list[str], columns: Sequence[str]) -> None:
    if len(set(names)) == len(names):
        return
    for column in columns:
        if names.count(column) > 1:
            raise DataError(f"{what} has the column {column!r} {names.count(column)} times; leave all but one out")


def _only_numbered(names: Sequence[str]) -> bool:
    """Whether the names say no more than the places: from 0 or from 1, or by row and column of an image."""
    given, count = list(names), len(names)
    for prefix in PREFIXES:
        if any(given == [f"{prefix}{first + i}" for i in range(count)] for first in (0, 1)):
            return True
    last = re.fullmatch(r"pixel_([0-9]{1,9})_([0-9]{1,9})", given[-1]) if given else None
    if last is None:
        return False
    height, width = int(last[1]) + 1, int(last[2]) + 1
    return height * width == count and given == list(pixel_names(height, width))
