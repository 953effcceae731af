"""Whether data can be used at all: numbers, of the right shape, every one finite; else which is not, and where."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from backlit.errors import DataError
from backlit.notation import Array, IndexArray
from backlit.sums import dot


def as_numbers(what: str, values: ArrayLike) -> NDArray[Any]:
    """The values as an array of numbers, not copied where they are one already.

    Raises:
        DataError: text or objects stand where numbers should, or the rows are of different lengths.
    """
    if hasattr(values, "toarray"):
        raise DataError(f"{what} is a sparse matrix; make it dense with .toarray()")
    if np.ma.is_masked(values):
        raise DataError(f"{what} has masked values; fill them (.filled) or leave out their rows")
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError(f"{what} is ragged: its rows have different lengths; give every row as many values") from None
    except (RuntimeError, TypeError) as failure:  # as of a tensor that is part of a graph, or on another device
        raise DataError(f"{what} cannot be read as an array: {str(failure).splitlines()[0][:120]}") from None
    if array.dtype.kind == "O":
        if any(isinstance(value, (str, bytes)) for value in array.flat):  # "1.5" would pass for a number below
            raise DataError(f"{what} holds {_first_text(array)} where a number should be; encode text first")
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            raise DataError(f"{what} holds {_first_text(array)} where a number should be; encode text first") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} holds {_first_text(array)} where a number should be; encode text first")
    return array


def as_matrix(what: str, values: ArrayLike, columns: int, dtype: DTypeLike) -> Array:
    """X as (rows, columns) of the dtype, C-contiguous, every number finite; not copied where it is that already.

    Raises:
        DataError: another number of columns, another number of dimensions, no rows, or a number that is not finite.
    """
    array = as_numbers(what, values)
    if array.ndim != 2:
        hint = " (one row is X[:1], or x[np.newaxis])" if array.ndim == 1 else ""
        raise DataError(f"{what} must be a table of rows × {columns} columns; it has {array.ndim} dimensions{hint}")
    if array.shape[1] != columns:
        raise DataError(f"{what} has {array.shape[1]} columns; the network's input layer takes {columns}")
    if not len(array):
        raise DataError(f"{what} has no rows")
    check_finite(what, array)
    if array.dtype == dtype:
        return np.ascontiguousarray(array)
    with np.errstate(over="ignore"):
        matrix: Array = np.ascontiguousarray(array, dtype=dtype)
    check_finite(f"{what} as {matrix.dtype}", matrix)
    return matrix


def check_finite(
    what: str, X: NDArray[Any], columns: Sequence[str] | None = None, rows: IndexArray | None = None
) -> None:
    """Raises DataError naming the first row and column that holds NaN or infinity.

    Args:
        what: the name of the data in the message.
        X: (rows,) or (rows, columns).
        columns: their names, where they have some.
        rows: the number each row has in the user's data, where it is another than here.
    """
    if X.dtype.kind != "f":
        return
    if X.flags.c_contiguous and isfinite(dot(X, X)):  # a finite sum has finite terms
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum(dtype=np.float64)):  # one pass without a temporary; a finite sum has finite terms
            return
    wrong = np.argwhere(~np.isfinite(X))
    if not len(wrong):
        return
    row, *rest = (int(i) for i in wrong[0])
    value = X[tuple(wrong[0])]
    named = f", column {rest[0]}" + (f" ('{columns[rest[0]]}')" if columns else "") if rest else ""
    more = f" and {len(wrong) - 1} more like it" if len(wrong) > 1 else ""
    where = row if rows is None else int(rows[row])
    raise DataError(
        f"{what} has {'NaN' if np.isnan(value) else 'infinity'} at row {where}{named}{more} (rows and columns count "
        "from 0); fill or leave out such rows"
    )


def check_lengths(what: str, values: NDArray[Any], rows: int) -> None:
    """Raises DataError unless there is one value a row."""
    if len(values) != rows:
        raise DataError(f"{what} has {len(values)} rows and X has {rows}; they must be of the same rows")


def _first_text(array: NDArray[Any]) -> str:
    for value in array.ravel() if array.dtype.kind != "c" else ():
        try:
            float(value)
        except (TypeError, ValueError, OverflowError):
            return f"{str(value)[:40]!r}"
        if isinstance(value, (str, bytes)):
            return f"the text {str(value)[:40]!r}"  # a number written as text
    return f"values of type {array.dtype}"
