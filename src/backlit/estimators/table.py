"""Frames as they are, with text and missing values: what ``encode="auto"`` hands to the table encoding."""

from typing import Any

import numpy as np

from backlit.data.tables import encoding, frames, recognition
from backlit.data.tables.encoding import TableEncoding
from backlit.errors import DataError
from backlit.notation import IndexArray


def as_table(X: Any) -> Any:
    """A frame of polars; of an array, whose columns have no names, ``x0``, ``x1``, …

    Raises:
        DataError: it is neither a frame nor rows × columns.
    """
    if frames.is_frame(X):
        return frames.as_frame("X", X)
    array = np.asarray(X)
    if array.ndim != 2:
        raise DataError(f"X must be a frame, or rows × columns; its shape is {array.shape}")
    return frames.as_frame("X", {f"x{i}": list(column) for i, column in enumerate(array.T)})


def learn(table: Any, rows: IndexArray | None) -> TableEncoding:
    """What becomes of each column, from the training rows alone; what its text is, numbers or dates, from all rows."""
    read, spellings = recognition.of_frame(table)
    kept = None if rows is None else np.sort(rows)
    return encoding.fit(read, kept, spellings=spellings, with_ramps=False)  # without decay they are learnt by heart


def dtype_of(table: Any) -> Any:
    """float32 where every column of numbers is; a table of text, or of numbers of another kind, is float64."""
    import polars as pl

    kinds = [kind for kind in table.dtypes if kind.is_numeric()]
    return np.dtype(np.float32 if kinds and all(kind == pl.Float32 for kind in kinds) else np.float64)
