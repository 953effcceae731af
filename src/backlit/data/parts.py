"""The rows of each part of the data, encoded straight into a matrix of their own: no copy of the whole is ever made."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import DTypeLike

from backlit.data.dataset import Dataset, blocks_of_rows
from backlit.data.encoding import Encoding
from backlit.data.lazy import LazyRows
from backlit.data.tables.table import Table
from backlit.notation import Array, IndexArray


def encode_parts(
    dataset: Dataset | Table,
    encoding: Encoding,
    parts: Mapping[str, IndexArray],
    dtype: DTypeLike = np.float64,
    room: Callable[[str, tuple[int, int], DTypeLike], Array] | None = None,
) -> dict[str, Array]:
    """Name of a part → (its rows, inputs) in the dtype; a table, or what is streamed, is read block by block.

    Args:
        dataset: raw.
        encoding: of its columns.
        parts: the numbers of each part's rows, ascending.
        dtype: of the matrices.
        room: makes the matrix of a part, by its name, shape and dtype; None makes it in memory.

    Raises:
        DataError: a cell that cannot be encoded; which, in which row.
    """
    read_whole = not isinstance(dataset, Table) and not isinstance(dataset.X, LazyRows)
    if read_whole or (encoding.table is None and isinstance(dataset, Table)):
        found = {name: encoding.features(dataset.X[rows], dtype) for name, rows in parts.items() if len(rows)}
        if room is not None:
            for name, matrix in found.items():
                found[name] = room(name, matrix.shape, dtype)
                found[name][:] = matrix
        return found
    width = len(encoding.inputs)
    matrices: dict[str, Array] = {
        name: np.empty((len(rows), width), dtype) if room is None else room(name, (len(rows), width), dtype)
        for name, rows in parts.items()
        if len(rows)
    }
    first = 0
    for encoded in _blocks(dataset, encoding, dtype):
        for name, matrix in matrices.items():
            rows = parts[name]
            start, stop = np.searchsorted(rows, (first, first + len(encoded)))
            matrix[start:stop] = encoded[rows[start:stop] - first]
        first += len(encoded)
    return matrices


def _blocks(dataset: Dataset | Table, encoding: Encoding, dtype: DTypeLike) -> Iterator[Array]:
    """The rows, encoded, block by block."""
    if not isinstance(dataset, Table):
        yield from (encoding.features(block, dtype) for block in blocks_of_rows(dataset.X))
        return
    assert encoding.table is not None
    first = 0
    for block in dataset.blocks():
        yield encoding.table.features(
            block, dtype, what=dataset.source, first_row=dataset.numbers_from(first, block.height)
        )
        first += block.height
