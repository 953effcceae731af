"""A matrix whose rows are fetched when they are needed: some rows of an array, or rows of a file."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from backlit.notation import Array, IndexArray


class LazyRows(ABC):
    """Rows of one shape and dtype. ``matrix[first:last]`` fetches those, in a new array."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def __getitem__(self, rows: slice) -> Array:
        """Rows that lie one after the other."""

    @abstractmethod
    def gather(self, rows: IndexArray, out: Array) -> None:
        """Fetches these rows, in this order, into ``out``, (len(rows), columns)."""

    @abstractmethod
    def take(self, rows: IndexArray) -> "LazyRows":
        """Some of the rows, as a matrix of their own; nothing is fetched yet."""


class SelectedRows(LazyRows):
    """Some rows of a matrix in memory: the others stay where they are, and so do these."""

    def __init__(self, X: Array, numbers: IndexArray) -> None:
        self._X, self._numbers = X, numbers
        self.shape, self.dtype = (len(numbers), X.shape[1]), X.dtype

    def __getitem__(self, rows: slice) -> Array:
        return np.take(self._X, self._numbers[rows], axis=0, mode="clip")

    def gather(self, rows: IndexArray, out: Array) -> None:
        """Row by row, from memory to memory."""
        np.take(self._X, self._numbers[rows], axis=0, out=out, mode="clip")  # "raise" would fill a second buffer first

    def take(self, rows: IndexArray) -> "SelectedRows":
        """Some of these."""
        return SelectedRows(self._X, self._numbers[rows])
