"""Targets as they come: what they ask for, which classes there are, and each row's place among them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from backlit.data.checks import check_finite
from backlit.data.dataset import as_target
from backlit.data.frames import some
from backlit.errors import DataError
from backlit.notation import Array, Float64Array, IndexArray

Label = str | int | bool

CHUNK = 1 << 16
"""Rows looked up at once."""


def infer_task(y: ArrayLike) -> str:
    """What a raw target asks for.

    Text and yes-or-no values are classes. So are whole numbers (also written as 3.0) with at most max(20, √rows)
    different values; more of them, or any fraction, are numbers. Several columns are labels if all are 0 or 1, else
    numbers.

    >>> infer_task(["ham", "spam"]), infer_task([0, 1, 2]), infer_task([0.5, 1.0]), infer_task([[0, 1], [1, 1]])
    ('classes', 'classes', 'numbers', 'labels')
    """
    y = as_target(y, "y")
    if y.dtype.kind in "Ub":
        return "classes" if y.ndim == 1 else "labels"
    if y.ndim == 2:
        return "labels" if np.isin(y, (0, 1)).all() else "numbers"
    if y.dtype.kind == "f" and not (y == np.floor(y)).all():
        return "numbers"
    return "classes" if len(np.unique(y)) <= max(20, np.sqrt(len(y))) else "numbers"


def one_hot(
    raw: NDArray[Any],
    classes: Sequence[Label],
    codes: Sequence[int],
    outputs: int,
    target: str,
    dtype: DTypeLike,
    numbers: IndexArray | None = None,
) -> Array:
    """(rows, outputs): 1 at each row's class; of two classes on a single output, 0 and 1.

    Raises:
        DataError: several columns, or a class that is not known: which, in which row, and which are.
    """
    if raw.ndim != 1:
        raise DataError(f"target '{target}' has {raw.shape[1]} columns; classes are one a row")
    check_finite(f"target '{target}'", raw)
    position: dict[Any, int] = {label: k for k, label in enumerate(classes)}
    position.update({code: k for k, code in enumerate(codes)})
    found = np.empty(len(raw), dtype=np.int64)
    for start in range(0, len(raw), CHUNK):  # Python's own values take many times the room
        found[start : start + CHUNK] = [position.get(label, -1) for label in raw[start : start + CHUNK].tolist()]
    unknown = np.flatnonzero(found < 0)
    if len(unknown):
        row = int(unknown[0])
        more = f" and in {len(unknown) - 1} more" if len(unknown) > 1 else ""
        number = row if numbers is None else int(numbers[row])
        raise DataError(
            f"target '{target}' has the unknown class {raw[row].item()!r} in row {number}{more}; known: {some(classes)}"
        )
    if outputs == 1:
        return found[:, np.newaxis].astype(dtype)
    encoded: Array = np.zeros((len(found), outputs), dtype=dtype)
    encoded[np.arange(len(found)), found] = 1
    return encoded


def number_table(raw: NDArray[Any], outputs: int, target: str) -> Float64Array:
    """A target of numbers as (rows, outputs) in float64, every one finite.

    Raises:
        DataError: text, another number of columns, or a number that is not finite.
    """
    if raw.dtype.kind == "U":
        raise DataError(f"target '{target}' is text ({raw[0].item()!r} in row 0) where numbers are expected")
    table: Float64Array = raw.reshape(len(raw), -1).astype(np.float64)
    if table.shape[1] != outputs:
        raise DataError(f"target '{target}' has {table.shape[1]} columns where {outputs} are expected")
    check_finite(f"target '{target}'", table)
    return table


def classes_of(y: NDArray[Any], names: tuple[str, ...] | None, what: str) -> tuple[tuple[Label, ...], tuple[int, ...]]:
    """The labels in order, and the numbers that stand for them where they are names.

    Raises:
        DataError: several columns, fractions, or a number that no name stands for.
    """
    if y.ndim != 1:
        raise DataError(f"{what} has {y.shape[1]} columns; classes are one a row")
    if y.dtype.kind == "f":
        unfit = np.flatnonzero((y != np.floor(y)) | (np.abs(y) >= 2**53))
        if len(unfit):
            raise DataError(f"{what} is {y[unfit[0]]:g} in row {unfit[0]}; classes are text or whole numbers")
        y = y.astype(np.int64)
    found = np.unique(y).tolist()
    if names is None:
        return tuple(found), ()
    codes = tuple(range(len(names)))
    if not set(found) <= set(codes):
        raise DataError(
            f"{what} has {found[-1]!r} among its classes; {len(names)} names stand for 0 to {len(names) - 1}"
        )
    return names, codes


def check_varies(y: NDArray[Any], what: str) -> None:
    """Raises DataError where every row has the same target."""
    if (y == y[0]).all():
        only = y[0].item() if y.ndim == 1 else y[0].tolist()
        raise DataError(f"{what} is {only!r} in each of the {len(y)} training rows; there is nothing to learn from it")


def check_zero_one(table: Float64Array, what: str) -> None:
    """Raises DataError naming the first value that is neither 0 nor 1."""
    wrong = np.argwhere((table != 0) & (table != 1))
    if len(wrong):
        row, column = (int(i) for i in wrong[0])
        raise DataError(f"{what} is {table[row, column]:g} in row {row}, column {column}; labels are 0 or 1")
