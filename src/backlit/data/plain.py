"""Plain data from files that anybody may have written, checked value by value; each error is one line with the name."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit.errors import DataError
from backlit.notation import Float64Array

LARGEST = 2**63


def require(holds: bool, otherwise: str) -> None:
    """Raises DataError saying what is wrong, unless it holds."""
    if not holds:
        raise DataError(f"encoding: {otherwise}")


def mapping(values: Any, names: tuple[str, ...], later: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """Something with exactly these names, but for those that came ``later`` and have a value where they are missing."""
    require(isinstance(values, Mapping), f"is {_kind(values)}, not a mapping of names to values")
    values = {**(later or {}), **values}
    missing = [name for name in names if name not in values]
    require(not missing, f"{', '.join(missing)} missing")
    unknown = sorted(repr(name) for name in values if name not in names)
    require(not unknown, f"{', '.join(unknown[:3])} unknown; a newer version may have written it")
    held: Mapping[str, Any] = values
    return held


def text(name: str, value: Any) -> str:
    """Text that can be printed."""
    require(isinstance(value, str), f"{name} is {_kind(value)}, not text")
    try:
        value.encode()
    except UnicodeError:
        raise DataError(f"encoding: {name} is text with characters that do not exist") from None
    return str(value)


def texts(name: str, value: Any) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(f"{name}[{i}]", item) for i, item in enumerate(listed(name, value)))


def whole(name: str, value: Any, least: int = -LARGEST) -> int:
    """A whole number of 64 bits."""
    require(isinstance(value, int) and not isinstance(value, bool), f"{name} is {_kind(value)}, not a whole number")
    require(least <= value < LARGEST, f"{name} is out of range")
    return int(value)


def wholes(name: str, value: Any) -> tuple[int, ...]:
    """A list of whole numbers, no two the same."""
    found = tuple(whole(f"{name}[{i}]", item) for i, item in enumerate(listed(name, value)))
    require(len(set(found)) == len(found), f"{name} has the same value twice")
    return found


def labels(name: str, value: Any) -> tuple[str | int | bool, ...]:
    """A list of labels: texts, whole numbers or truth values, all of one kind, no two the same."""
    items = listed(name, value)
    if items and all(isinstance(item, bool) for item in items):
        found: tuple[str | int | bool, ...] = tuple(items)
    elif items and isinstance(items[0], str):
        found = texts(name, items)
    else:
        found = wholes(name, items)
    require(len(set(found)) == len(found), f"{name} has the same value twice")
    return found


def floats(name: str, value: Any, count: int, *, positive: bool = False, least: float = -np.inf) -> Float64Array:
    """As many finite numbers as there must be."""
    items = listed(name, value)
    require(len(items) == count, f"{name} has {len(items)} values where there must be {count}")
    found = [number(f"{name}[{i}]", item, positive=positive, least=least) for i, item in enumerate(items)]
    return np.array(found, dtype=np.float64)


def truth(name: str, value: Any) -> bool:
    """Yes or no."""
    require(isinstance(value, bool), f"{name} is {_kind(value)}, not true or false")
    return bool(value)


def number(name: str, value: Any, *, positive: bool = False, least: float = -np.inf) -> float:
    """A finite number."""
    require(isinstance(value, (int, float)) and not isinstance(value, bool), f"{name} is {_kind(value)}, not a number")
    try:
        found = float(value)
    except OverflowError:
        found = np.inf
    require(bool(np.isfinite(found)), f"{name} is not finite")
    require(found > 0 or not positive, f"{name} is {found:g}, and must be above 0")
    require(found >= least, f"{name} is {found:g}, and must be {least:g} or more")
    return found


def optional_number(name: str, value: Any) -> float | None:
    """A number above 0, or None."""
    return None if value is None else number(name, value, positive=True)


def optional_pair(name: str, value: Any) -> tuple[int, int] | None:
    """Two whole numbers from 1 up, or None."""
    if value is None:
        return None
    items = listed(name, value)
    require(len(items) == 2, f"{name} has {len(items)} values where there must be 2")
    return whole(f"{name}[0]", items[0], least=1), whole(f"{name}[1]", items[1], least=1)


def listed(name: str, value: Any) -> list[Any] | tuple[Any, ...]:
    """A list of whatever."""
    require(isinstance(value, (list, tuple)), f"{name} is {_kind(value)}, not a list")
    found: list[Any] | tuple[Any, ...] = value
    return found


def _kind(value: Any) -> str:
    return "missing" if value is None else f"of type {type(value).__name__}"
