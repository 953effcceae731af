"""The rows of each part of the data, encoded straight into a matrix of their own: no copy of the whole is ever made."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from backlit.data.dataset import Dataset
from backlit.data.encoding import Encoding
from backlit.data.tables.table import Table
from backlit.notation import Array, IndexArray


def encode_parts(
    dataset: Dataset | Table, encoding: Encoding, parts: Mapping[str, IndexArray], dtype: DTypeLike = np.float64
) -> dict[str, Array]:
    """Name of a part → (its rows, inputs) in the dtype; a table is read block by block.

    Args:
        dataset: raw.
        encoding: of its columns.
        parts: the numbers of each part's rows, ascending.
        dtype: of the matrices.

    Raises:
        DataError: a cell that cannot be encoded; which, in which row.
    """
    if not isinstance(dataset, Table) or encoding.table is None:
        return {name: encoding.features(dataset.X[rows], dtype) for name, rows in parts.items() if len(rows)}
    width = len(encoding.inputs)
    matrices: dict[str, Array] = {
        name: np.empty((len(rows), width), dtype) for name, rows in parts.items() if len(rows)
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
