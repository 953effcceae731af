"""The rows of each part of the data, encoded straight into a matrix of their own: no copy of the whole is ever made."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import DTypeLike

from backlit.data.dataset import Dataset
from backlit.data.encoding import Encoding
from backlit.data.tables.table import Table
from backlit.notation import Array, IndexArray


def encode_parts(
    dataset: Dataset | Table,
    encoding: Encoding,
    parts: Mapping[str, IndexArray],
    dtype: DTypeLike = np.float64,
    room: Callable[[str, tuple[int, int], DTypeLike], Array] | None = None,
) -> dict[str, Array]:
    """Name of a part → (its rows, inputs) in the dtype; a table is read block by block.

    Args:
        dataset: raw.
        encoding: of its columns.
        parts: the numbers of each part's rows, ascending.
        dtype: of the matrices.
        room: makes the matrix of a part, by its name, shape and dtype; None makes it in memory.

    Raises:
        DataError: a cell that cannot be encoded; which, in which row.
    """
    if not isinstance(dataset, Table) or encoding.table is None:
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
    for block in dataset.blocks():
        encoded = encoding.table.features(block, dtype, what=dataset.source, first_row=first)
        for name, matrix in matrices.items():
            rows = parts[name]
            start, stop = np.searchsorted(rows, (first, first + block.height))
            matrix[start:stop] = encoded[rows[start:stop] - first]
        first += block.height
    return matrices
