"""How exactly a number was written down: the unit of its last place, from the digits given.

Text tells it outright. A float tells it by its shortest decimal: 0.2731 has four decimals. A trailing zero is lost in a
float, so an array is read as a whole: a number has as many decimals as the longest of the array, or one fewer where it
shows fewer; or, where the format is scientific, as many significant digits. Fifteen digits and more are full precision:
no unit at all.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.notation import Array

FULL_DIGITS = {"float64": 14, "float32": 8}
"""From so many significant digits on a number is taken as the machine had it."""


@dataclass(frozen=True)
class Written:
    """Numbers as given: their values (NaN: not given), the unit of each one's last place, and the machine's own u."""

    values: Array
    unit: Array
    rounding: float


def read(values: NDArray[Any], texts: NDArray[Any] | None = None) -> Written:
    """Reads the precision off numbers, or off the texts they were written as.

    >>> read(np.array([0.7491, 0.77])).unit.tolist()
    [0.0001, 0.001]
    >>> read(np.array([1 / 3])).unit.tolist()
    [0.0]
    """
    as_float = np.asarray(values, dtype=np.float64)
    kind = "float32" if _is_float32(np.asarray(values)) else "float64"
    u = float(np.finfo(kind).eps) / 2
    known = np.isfinite(as_float)
    source = texts if texts is not None else np.asarray(values, dtype=kind)
    parts = [_digits(str(x)) for x in source[known].ravel()]
    unit = np.zeros(as_float.shape)
    if parts and max(significant for _, significant in parts) < FULL_DIGITS[kind]:
        decimals = np.array([places for places, _ in parts])
        if texts is None:
            decimals = np.maximum(decimals, decimals.max() - 1)
        significant = max(count for _, count in parts)
        size = np.abs(as_float[known])
        leading = np.floor(np.log10(np.where(size > 0, size, 1)))
        by_significance = np.where(size > 0, leading - (significant - 1), -decimals)
        unit[known] = 10.0 ** np.maximum(-decimals, by_significance)
    return Written(as_float, unit, u)


def _is_float32(values: NDArray[Any]) -> bool:
    """Numbers of a float32 array, or float64 numbers that are all float32 numbers and too long to be typed."""
    if values.dtype == np.float32:
        return True
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    with np.errstate(over="ignore"):
        exact = finite.size > 0 and bool((finite.astype(np.float32).astype(np.float64) == finite).all())
    return exact and any(_digits(repr(float(x)))[1] > FULL_DIGITS["float32"] for x in finite.ravel()[:50])


def _digits(text: str) -> tuple[int, int]:
    """(decimals, significant digits) of a number as written."""
    try:
        _, digits, exponent = Decimal(str(text).strip()).as_tuple()
    except InvalidOperation:
        return 0, 0
    if not isinstance(exponent, int):
        return 0, 0
    return -exponent, len(digits)
