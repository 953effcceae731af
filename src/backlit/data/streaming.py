"""Rows that stay in their file: read block by block while a network trains on them, for data larger than the memory."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backlit.data import checks
from backlit.data.dataset import pixel_names
from backlit.data.lazy import LazyRows
from backlit.data.row_groups import row_groups
from backlit.data.streams import reason
from backlit.errors import DataError, OptionError
from backlit.notation import Array, IndexArray

if TYPE_CHECKING:
    from backlit.data.arrays import Place

WINDOW_BYTES = 1 << 28
"""Of a window's rows as float64, where nobody says how many rows it is to have."""

BLOCKS = 16
"""Of a window."""

Read = Callable[[int, int, np.dtype[Any]], NDArray[Any]]
"""(first, last, dtype) → those rows, (last - first, columns)."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Rows in a file, for :func:`backlit.train`: as ``X``, or with a target as both X and y.

    In each epoch the blocks come in a new order (block i is the rows from ``edges[i]`` to ``edges[i + 1]`` - 1; of a
    Parquet file the row groups), and the rows of ``blocks`` of them, a window, are shuffled together. What is in memory
    is a window, and y. The order is a function of the seed and the epoch alone: a stopped training resumes to the same
    bits.
    """

    source: str
    columns: tuple[str, ...]
    edges: IndexArray
    blocks: int
    y: NDArray[Any] | None
    read: Read

    def __repr__(self) -> str:
        target = "" if self.y is None else ", with a target"
        return f"Stream({self.source!r}: {self.rows:,} rows × {len(self.columns)} columns{target}; {self.shuffling})"

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.edges[-1])

    @property
    def shuffling(self) -> str:
        """How its rows are shuffled, in words."""
        count = len(self.edges) - 1
        if self.blocks >= count:
            return "all rows shuffled together"
        most = int(np.diff(self.edges).max())
        return f"{count:,} blocks of up to {most:,} rows, shuffled within windows of {self.blocks}"


class StreamedRows(LazyRows):
    """The rows of a stream, or some of them, in a network's dtype."""

    def __init__(self, stream: Stream, dtype: np.dtype[Any], numbers: IndexArray | None = None) -> None:
        self.stream, self.dtype, self._numbers = stream, dtype, numbers
        self.edges = stream.edges if numbers is None else np.searchsorted(numbers, stream.edges)
        self.shape = (int(self.edges[-1]), len(stream.columns))
        self._cached, self._held = -1, np.empty((0, self.shape[1]), dtype=dtype)

    def take(self, rows: IndexArray) -> "StreamedRows":
        """Some of these, ascending."""
        return StreamedRows(self.stream, self.dtype, rows if self._numbers is None else self._numbers[rows])

    def __getitem__(self, rows: slice) -> Array:
        first, last, _ = rows.indices(len(self))
        parts = []
        for number in range(self._number_of(first), self._number_of(last - 1) + 1):
            if number != self._cached:
                self._cached, self._held = -1, self._block(number)
                self._cached = number
            start = int(self.edges[number])
            parts.append(self._held[max(first - start, 0) : last - start])
        return parts[0].copy() if len(parts) == 1 else np.concatenate([self._held[:0], *parts])

    def gather(self, rows: IndexArray, out: Array) -> None:
        """Block by block: each is read once."""
        of_block = np.searchsorted(self.edges, rows, "right") - 1
        for number in np.unique(of_block):
            places = np.flatnonzero(of_block == number)
            out[places] = self._block(int(number))[rows[places] - self.edges[number]]

    def _number_of(self, row: int) -> int:
        return int(np.searchsorted(self.edges, row, "right")) - 1

    def _block(self, number: int, dtype: np.dtype[Any] | None = None) -> Array:
        first, last = map(int, self.edges[number : number + 2])
        if first == last:  # none of its rows was taken
            return np.empty((0, self.shape[1]), dtype or self.dtype)
        if self._numbers is None:
            return self.stream.read(first, last, dtype or self.dtype)
        wanted = self._numbers[first:last]
        start = int(wanted[0])
        return self.stream.read(start, int(wanted[-1]) + 1, dtype or self.dtype)[wanted - start]

    def check_finite(self, what: str) -> None:
        """Reads all of it once.

        Raises:
            DataError: a number is NaN or infinity: the first one's row and column are named.
        """
        for number in np.flatnonzero(np.diff(self.edges)).tolist():
            first, last = self.edges[number : number + 2]
            rows = np.arange(first, last) if self._numbers is None else self._numbers[first:last]
            block = self._block(number)
            with np.errstate(over="ignore", invalid="ignore"):
                total = block.sum(dtype=np.float64)
            if not np.isfinite(total):
                raw = self._block(number, np.dtype(np.float64))
                checks.check_finite(what, raw, self.stream.columns, rows)
                checks.check_finite(f"{what} as {self.dtype}", block, self.stream.columns, rows)


def stream(
    source: str | os.PathLike[str] | NDArray[Any],
    *,
    target: str | Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    window: int | None = None,
) -> Stream:
    """Rows of a Parquet, .npy or .npz file or of an array, to train on without taking them all into memory.

    Args:
        source: a .parquet file, a folder of them, an .npy file (two with a comma between: ``X.npy,y.npy``), or an .npz
            file that ``np.savez`` wrote (what ``np.savez_compressed`` wrote can only be unpacked whole); or an array of
            any dtype, as ``np.load(path, mmap_mode="r")`` gives it.
        target: of a Parquet file: the name of y's column, or of its columns; of an .npz file: of y's array.
        columns: of a Parquet file: those to take for X; None takes all but the target. They must hold numbers.
        window: how many rows are shuffled together. More is a better shuffle, and more memory; None takes as many as
            fit into 256 MB of float64.

    Raises:
        DataError: the source cannot be read, or holds what cannot be used.
        OptionError: the window is no number of rows.

    >>> rows = stream(np.arange(20.0).reshape(10, 2), window=4)
    >>> rows
    Stream('an array': 10 rows × 2 columns; 10 blocks of up to 1 rows, shuffled within windows of 4)
    """
    if isinstance(source, np.ndarray):
        _only_of_parquet(target, columns, "an array")
        return _of_array(source, window)
    try:
        name = os.fsdecode(source)
    except TypeError:
        raise DataError(f"a stream is of a path or an array, not of {type(source).__name__}") from None
    if name.endswith(".npy"):
        _only_of_parquet(target, columns, "an .npy file")
        return _of_npy(name, window)
    if name.endswith(".npz"):
        return _of_npz(name, target, columns, window)
    if name.endswith(".parquet") or os.path.isdir(name):
        return _of_parquet(name, target, columns, window)
    raise DataError(f"{name}: only .parquet files, folders of them, .npy and .npz files can be streamed")


def _make(
    source: str,
    columns: Sequence[str],
    rows: int,
    window: int | None,
    y: NDArray[Any] | None,
    read: Read,
    groups: Sequence[int] | None = None,
) -> Stream:
    if window is None:
        window = max(BLOCKS, WINDOW_BYTES // (8 * len(columns)))
    elif isinstance(window, bool) or not isinstance(window, (int, np.integer)) or window < 1:
        raise OptionError(f"window must be a whole number of rows, at least 1, not {window!r}")
    window = min(int(window), rows)
    edges = blocks_of(groups or [rows], window, whole=groups is not None)
    largest = int(np.diff(edges).max())
    return Stream(source, tuple(columns), edges, len(edges) if window == rows else max(1, window // largest), y, read)


def blocks_of(groups: Sequence[int], window: int, *, whole: bool) -> IndexArray:
    """The edges of the blocks, where the rows lie in groups of so many.

    A group that can only be read as a ``whole`` is a block, if two of them make a window; larger ones are cut evenly,
    small ones taken together up to a sixteenth of a window. Rows that can be read from anywhere are cut into
    sixteenths of a window.

    >>> blocks_of([100], window=32, whole=False).tolist()[:4]
    [0, 2, 4, 6]
    >>> blocks_of([50, 50, 200, 5, 5], window=100, whole=True).tolist()
    [0, 50, 100, 150, 200, 250, 300, 305, 310]
    """
    smallest = max(1, window // BLOCKS)
    largest = max(1, window // 2) if whole else smallest
    edges = [0]
    for rows in groups:
        start = edges[-1]
        if len(edges) > 1 and start + rows - edges[-2] <= smallest:
            edges[-1] = start + rows
            continue
        if whole:
            parts = -(-rows // largest)
            edges += [start + rows * part // parts for part in range(1, parts + 1)]
        else:
            edges += [*range(start + largest, start + rows, largest), start + rows]
    return np.array(edges, dtype=np.int64)


def _only_of_parquet(target: Any, columns: Any, what: str) -> None:
    if target is not None or columns is not None:
        raise OptionError(f"target and columns are names in a Parquet file; the columns of {what} have none")


# ---- Arrays, .npy and .npz files


def _of_array(X: NDArray[Any], window: int | None) -> Stream:
    if X.dtype.kind not in "biuf" or X.ndim != 2 or not X.size:
        raise DataError(f"a stream of an array needs rows × columns of numbers; it is {X.shape} of {X.dtype}")

    def read(first: int, last: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(X[first:last], dtype=dtype)

    return _make("an array", [f"x{i}" for i in range(X.shape[1])], len(X), window, None, read)


def _of_npy(name: str, window: int | None) -> Stream:
    from backlit.data import arrays

    features, comma, target = name.partition(".npy,")
    path = Path(f"{features}.npy" if comma else name)
    place = arrays.locate(path)
    y = arrays.read_values(Path(target)) if comma else None
    return stored(name, path, place, y, window)


def _of_npz(name: str, target: Any, columns: Any, window: int | None) -> Stream:
    from backlit.data import arrays

    if columns is not None or not isinstance(target, str | None):
        raise OptionError("columns are names in a Parquet file, and the target of an .npz file is one array")
    features, place, y, _ = arrays.locate_in_npz(Path(name), target)
    if place is None:
        raise DataError(
            f"{name}: {features} is packed, and can only be unpacked whole; save it again with numpy.savez, or as .npy"
        )
    return stored(name, Path(name), place, y, window)


def stored(
    name: str, path: Path, place: "Place", y: NDArray[Any] | None, window: int | None, *, scaled: bool = True
) -> Stream:
    """Rows that lie in a file as NumPy writes them; pixels of 0 to 255 are divided by 255 where they are ``scaled``."""
    start, shape, fortran, kind = place
    if kind.kind not in "biuf" or len(shape) not in (2, 3):
        raise DataError(f"{path}: holds {shape} of {kind}; rows × columns of numbers are needed, or images")
    if fortran and len(shape) == 3:
        raise DataError(f"{path}: these images lie pixel by pixel; save them with np.save(np.ascontiguousarray(X))")
    rows, width = shape[0], int(np.prod(shape[1:]))
    pixels = scaled and len(shape) == 3 and kind == np.uint8

    def numbers(first: int, count: int) -> NDArray[Any]:
        try:  # read, not mapped: a file that shrinks while it is mapped kills the process
            found = np.fromfile(path, kind, count, offset=start + first * kind.itemsize)
        except OSError as error:
            raise DataError(f"{path}: cannot be read any more: {reason(error)}") from None
        if len(found) != count:
            raise DataError(f"{path}: was cut short while it was read")
        return found

    def read(first: int, last: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        block = np.empty((last - first, width), dtype)
        with np.errstate(over="ignore"):
            if fortran:
                for column in range(width):
                    block[:, column] = numbers(column * rows + first, last - first)
            else:
                block[:] = numbers(first * width, (last - first) * width).reshape(block.shape)
        return block / dtype.type(255) if pixels else block

    if y is not None and len(y) != rows:
        raise DataError(f"{name}: {rows:,} rows of features and {len(y):,} of targets; they must be of the same rows")
    columns = pixel_names(*shape[1:]) if len(shape) == 3 else [f"x{i}" for i in range(width)]
    return _make(name, columns, rows, window, y, read)


# ---- Parquet


def _of_parquet(
    name: str, target: str | Sequence[str] | None, columns: Sequence[str] | None, window: int | None
) -> Stream:
    import polars as pl

    def asked(what: Callable[[Any], Any]) -> Any:
        try:
            return what(pl.scan_parquet(name))
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{name}: cannot be read as Parquet: {reason(error).splitlines()[0]}") from None

    schema = asked(lambda table: table.collect_schema())
    wanted_y = [target] if isinstance(target, str) else list(target or ())
    wanted_X = list(columns) if columns is not None else [column for column in schema if column not in wanted_y]
    for column in (*wanted_X, *wanted_y):
        if column not in schema:
            raise DataError(f"{name}: has no column '{column}'; it has {', '.join(list(schema)[:12])}")
        if not schema[column].is_numeric() and schema[column] != pl.Boolean:
            raise DataError(f"{name}: column '{column}' is {schema[column]}; a stream takes columns of numbers")
    rows = asked(lambda table: table.select(pl.len()).collect().item())
    if not wanted_X or not rows:
        raise DataError(f"{name}: has {rows:,} rows and {len(wanted_X)} columns to train on; at least one of each")

    def read(first: int, last: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        kind = pl.Float32 if dtype == np.float32 else pl.Float64
        table = asked(lambda table: table.select(wanted_X).slice(first, last - first).collect())
        if len(table) != last - first:
            raise DataError(f"{name}: has fewer rows than when the training began")
        _check_no_gaps(name, table, first)
        return np.ascontiguousarray(table.cast(kind).to_numpy(), dtype=dtype)

    y = None
    if wanted_y:
        table = asked(lambda table: table.select(wanted_y).collect())
        _check_no_gaps(name, table, 0)
        y = table.to_series().to_numpy() if isinstance(target, str) else table.to_numpy()
    return _make(name, wanted_X, rows, window, y, read, _groups(Path(name), rows))


def _groups(path: Path, rows: int) -> list[int] | None:
    """The rows of each row group, of all files of a folder; None where they are not known."""
    found = [row_groups(file) for file in (sorted(path.glob("*.parquet")) if path.is_dir() else [path])]
    groups = [rows for of_file in found for rows in of_file or () if rows]
    return groups if None not in found and sum(groups) == rows else None


def _check_no_gaps(name: str, table: Any, first: int) -> None:
    """Raises DataError naming the first row and column without a value."""
    for column in table.get_columns():
        if column.null_count():
            row = first + int(column.is_null().arg_max())
            raise DataError(
                f"{name}: no value at row {row}, column '{column.name}' (rows count from 0); fill or leave out such "
                "rows"
            )
