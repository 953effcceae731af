"""A data set as its source has it: raw values, before anything is encoded or split."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.data.checks import check_finite
from backlit.data.lazy import LazyRows
from backlit.errors import DataError
from backlit.notation import Array

LAST_CHARACTER = 0x10FFFF

BLOCK_BYTES = 1 << 22
"""Of the rows of a file that are in memory at once."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Raw values, checked once: at least one row and one column, a target for each row, every number finite.

    Args:
        X: (rows, columns), C-contiguous; float32 for pixels of a known full scale, float64 for anything else. Where the
            source is streamed, :class:`~backlit.data.lazy.LazyRows` in its place, whose numbers have been checked.
        y: the raw target as :func:`as_target` leaves it, (rows,) labels or numbers, (rows, k) numbers or 0-1 labels;
            None where the source has none.
        source: how the user named it.
        columns: the names of the columns of X.
        target: the name of the target.
        full_scale: the largest value a pixel can have; None for anything but images.
        image_shape: (height, width) of an image whose pixels are a row of X.
        classes: names of the classes 0, 1, …, where y holds their numbers and the source knows their names.
        remarks: what a user should know of how it was read.

    Raises:
        DataError: one of the above does not hold.
    """

    X: Array
    y: NDArray[Any] | None
    source: str
    columns: tuple[str, ...]
    target: str
    full_scale: float | None = None
    image_shape: tuple[int, int] | None = None
    classes: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.X.shape) != 2 or 0 in self.X.shape:
            raise DataError(f"{self.source}: needs rows × columns, at least one of each; X has shape {self.X.shape}")
        if len(self.columns) != self.X.shape[1]:
            raise DataError(f"{self.source}: {len(self.columns)} names for {self.X.shape[1]} columns")
        if self.y is not None and len(self.y) != len(self.X):
            raise DataError(
                f"{self.source}: {len(self.X):,} rows of features and {len(self.y):,} of targets; "
                "they must be of the same rows"
            )
        if not isinstance(self.X, LazyRows):
            check_finite(f"{self.source}: X", self.X, self.columns)
        if self.y is not None:
            check_finite(f"{self.source}: target '{self.target}'", self.y)

    def __repr__(self) -> str:
        rows, columns = self.X.shape
        return f"Dataset({self.source!r}: {rows:,} rows × {columns} columns, target {self.target!r})"

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.X)

    @property
    def known_y(self) -> NDArray[Any]:
        """The target, from a data set that has one.

        Raises:
            DataError: it has none.
        """
        if self.y is None:
            raise DataError(f"{self.source}: has no target to learn or to judge by; give a source that has one")
        return self.y

    def fingerprint(self) -> str:
        """A hex digest (BLAKE2b, 128 bits) of the contents and shapes of X and y: recognises the same data again."""
        digest = hashlib.blake2b(digest_size=16)
        for array in (self.X, self.y):
            if array is None:
                digest.update(b"no target")
                continue
            digest.update(f"{array.dtype.kind}{array.shape}".encode())
            if array.dtype.kind == "U":  # the width of NumPy's text is no part of what it says
                digest.update(json.dumps(array.tolist()).encode())
                continue
            for block in blocks_of_rows(array):
                little = block.astype(block.dtype.newbyteorder("<"), order="C", copy=False)
                digest.update(little.reshape(-1).view(np.uint8).data)
        return digest.hexdigest()


def blocks_of_rows(X: Array | LazyRows) -> Iterator[Array]:
    """X itself; in the place of :class:`LazyRows` their rows, so many at once as are :data:`BLOCK_BYTES`."""
    if not isinstance(X, LazyRows):
        yield X
        return
    step = max(1, BLOCK_BYTES // (X.shape[1] * X.dtype.itemsize))
    for first in range(0, len(X), step):
        yield X[first : first + step]


def pixel_names(height: int, width: int) -> tuple[str, ...]:
    """Names of the columns of images, row of pixels by row of pixels.

    >>> pixel_names(2, 2)
    ('pixel_0_0', 'pixel_0_1', 'pixel_1_0', 'pixel_1_1')
    """
    return tuple(f"pixel_{row}_{column}" for row in range(height) for column in range(width))


def as_target(values: Any, what: str) -> NDArray[Any]:
    """The values as a target: int64, float64, bool or text; one column of a table is taken as that column.

    Raises:
        DataError: they are neither one value a row nor a table of numbers, or text and numbers are mixed.

    >>> as_target([["a"], ["b"]], "y")
    array(['a', 'b'], dtype='<U1')
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError(f"{what} is ragged: its rows have different lengths") from None
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"{what} has shape {array.shape}; it needs one value a row, or a row of numbers a row")
    if array.dtype.kind == "O":
        array = _from_objects(array, what)
    if array.dtype.kind in "US":
        if array.ndim == 2:
            raise DataError(f"{what} is text in {array.shape[1]} columns; text can be the target in one column only")
        return _as_text(array, what)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} is of type {array.dtype}; a target is text, whole numbers or numbers")
    if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise DataError(f"{what} holds {array.max()}, which is more than a label or a number can be (2^63 - 1)")
    dtype = {"b": np.bool_, "f": np.float64}.get(array.dtype.kind, np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype=dtype)


def _from_objects(array: NDArray[Any], what: str) -> NDArray[Any]:
    """Python's own values, as text or as numbers."""
    values: Sequence[Any] = array.ravel().tolist()
    text = isinstance(values[0], str)
    for position, value in enumerate(values):
        fits = isinstance(value, str) if text else isinstance(value, (bool, int, float, np.number))
        if not fits or (isinstance(value, int) and abs(value) >= 2**63):
            row = position // (array.size // len(array))
            kind = "text" if text else "a number"
            raise DataError(f"{what} at row {row} is {str(value)[:40]!r}, not {kind} as the rest; rows count from 0")
    return np.array(values).reshape(array.shape)


def _as_text(array: NDArray[Any], what: str) -> NDArray[Any]:
    if not array.dtype.itemsize:
        raise DataError(f"{what} is text of no width: every value is empty")
    wrong = DataError(f"{what} is text with characters that do not exist; write it again as UTF-8")
    try:
        text = np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array
    except UnicodeError:
        raise wrong from None
    text = np.ascontiguousarray(text, dtype=text.dtype.newbyteorder("="))
    characters = text.view(np.uint32)  # before Python meets them: it takes anything above the last one for its own bug
    if characters.max() > LAST_CHARACTER or ((characters >= 0xD800) & (characters <= 0xDFFF)).any():
        raise wrong
    return text
