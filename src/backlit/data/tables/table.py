"""A table as its source has it: columns of numbers, text, truths and moments, and a target; held, or read in blocks."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backlit.data.tables.cells import Spelling
from backlit.errors import DataError
from backlit.notation import IndexArray

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Table:
    """What :class:`~backlit.data.Dataset` is for arrays; X is a frame, and its cells may be missing.

    Args:
        columns: names of the columns, the target's not among them.
        y: as of a data set: (rows,) labels or numbers, or (rows, k); None where there is no target.
        source: how the user named it.
        target: the name of the target; of several, with commas between them.
        rows: how many there are.
        blocks: reads the columns from the start, a frame of consecutive rows at a time.
        spellings: how columns of text write numbers and moments.
        named: whether the names are the source's own, and not made here.
        remarks: what a user should know of how it was read.
        contents: digests the table; see :meth:`fingerprint`.
        numbers: of its rows, in the source, where some that have no target were left out.
    """

    columns: tuple[str, ...]
    y: NDArray[Any] | None
    source: str
    target: str
    rows: int
    blocks: Callable[[], Iterator["pl.DataFrame"]] = field(repr=False)
    spellings: Mapping[str, Spelling] = field(default_factory=dict, repr=False)
    named: bool = True
    remarks: tuple[str, ...] = ()
    contents: str | None = None
    numbers: IndexArray | None = None

    full_scale: ClassVar[None] = None
    image_shape: ClassVar[None] = None
    classes: ClassVar[None] = None

    def __repr__(self) -> str:
        return f"Table({self.source!r}: {self.rows:,} rows × {len(self.columns)} columns, target {self.target!r})"

    @cached_property
    def X(self) -> "pl.DataFrame":
        """All of the rows at once, in memory."""
        import polars as pl

        return pl.concat(list(self.blocks()))

    @property
    def known_y(self) -> NDArray[Any]:
        """The target, of a table that has one.

        Raises:
            DataError: it has none.
        """
        if self.y is None:
            raise DataError(f"{self.source}: has no target to learn or to judge by; give a source that has one")
        return self.y

    def numbers_from(self, first: int, count: int) -> int | IndexArray:
        """The numbers in the source of so many rows; of rows without a gap, that of the first."""
        return first if self.numbers is None else self.numbers[first : first + count]

    def take(self, rows: IndexArray) -> "pl.DataFrame":
        """The rows of these numbers, which ascend."""
        import polars as pl

        found, first = [], 0
        for block in self.blocks():
            inside = rows[np.searchsorted(rows, first) : np.searchsorted(rows, first + block.height)]
            found.append(block[inside - first])
            first += block.height
        return pl.concat(found)

    def fingerprint(self) -> str:
        """A hex digest (BLAKE2b, 128 bits) of the contents, of their names and of the target: knows the same again."""
        digest = hashlib.blake2b(repr((self.columns, self.target, self.rows)).encode(), digest_size=16)
        if self.contents is not None:
            digest.update(self.contents.encode())
        else:
            for block in self.blocks():
                digest.update(block.hash_rows(seed=0).to_numpy().astype("<u8").tobytes())
            digest.update(repr(None if self.y is None else self.y.tolist()).encode())
        return digest.hexdigest()
