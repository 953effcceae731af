"""The table encoding: what every column of a table becomes, fitted on the training rows alone, kept as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from backlit.data.checks import check_finite
from backlit.data.tables import frames, ramps, squash, words
from backlit.data.tables.cells import PLAIN, Spelling, is_time_of_day
from backlit.data.tables.columns import (
    Category,
    Column,
    LeftOut,
    Moment,
    Number,
    Presence,
    Truth,
    as_days,
    as_numbers,
    as_text,
    as_truths,
)
from backlit.errors import DataError
from backlit.notation import Array, IndexArray

if TYPE_CHECKING:
    import polars as pl

MOST_ONE_HOT = 64
"""Values of a column that have an input of their own; those beyond share buckets."""

BUCKETS = 16
"""Inputs shared by the values beyond, by a hash of the value."""

RARE = 10
"""Rows that a value needs for an input of its own; fewer where there are few rows, but never 1."""

NEAR_UNIQUE, FEW = 0.5, 20
"""Text is left out where more than this share of its cells, and more than so many, differ from each other."""

CHUNK = 1 << 16
"""Rows encoded at once: in float64, however large the matrix is that they go into."""


@dataclass(frozen=True)
class TableEncoding:
    """What each raw column becomes, in their order; ``named``: whether the source gave them names.

    >>> import polars as pl
    >>> table = fit(pl.DataFrame({"size": [1.0, 2.0, None, 4.0], "kind": ["a", "b", "a", "b"]}))
    >>> table.inputs
    ('size', 'size is missing', 'kind=a', 'kind=b')
    >>> table.features(pl.DataFrame({"kind": ["b"], "size": [2.0]})).round(2).tolist()
    [[-0.24, 0.0, 0.0, 1.0]]
    """

    columns: tuple[Column, ...]
    named: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Of the raw columns, those left out among them."""
        return tuple(column.name for column in self.columns)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Of the encoded columns: what the network takes in."""
        return tuple(name for column in self.columns for name in column.inputs)

    @property
    def needed(self) -> tuple[str, ...]:
        """The raw columns that something becomes of."""
        return tuple(column.name for column in self.columns if column.inputs)

    def features(
        self,
        X: Any,
        dtype: DTypeLike = np.float64,
        *,
        what: str = "X",
        first_row: int | IndexArray = 0,
        out: Array | None = None,
    ) -> Array:
        """(rows, inputs) in the dtype: a frame's columns by their names in whatever order, an array's by position.

        Args:
            X: a frame of polars or pandas, a mapping of names to columns, or rows of values.
            dtype: of the matrix.
            what: the data, in a message.
            first_row: the number of the first row in the data, or the numbers of all, for a message.
            out: (rows, inputs), to be written into.

        Raises:
            DataError: a column is missing or twice there, or a cell is not of its column's kind (which, in which row).
        """
        frame = frames.select(what, X, self.names, self.needed)
        encoded: Array = np.empty((frame.height, len(self.inputs)), dtype=dtype) if out is None else out
        kept = [column for column in self.columns if column.inputs]
        for start in range(0, frame.height, CHUNK):
            rows = frame.slice(start, CHUNK)
            place = 0
            numbers = first_row + start if isinstance(first_row, int) else first_row[start:]
            for column in kept:
                values = column.encode(rows[column.name], what, numbers)
                with np.errstate(over="ignore"):  # what does not fit the dtype is named below
                    encoded[start : start + rows.height, place : place + values.shape[1]] = values
                place += values.shape[1]
        check_finite(f"{what}, encoded as {encoded.dtype},", encoded, self.inputs)
        return encoded

    def in_words(self) -> list[tuple[str, str]]:
        """(raw column, what it became), a line each."""
        return [(column.name, column.in_words()) for column in self.columns]

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """(raw column, why nothing, or nothing but its presence, became of it)."""
        return [(column.name, column.why) for column in self.columns if isinstance(column, (LeftOut, Presence))]


def fit(
    frame: Any,
    rows: IndexArray | None = None,
    *,
    spellings: Mapping[str, Spelling] | None = None,
    named: bool = True,
    what: str = "X",
    numbers: Sequence[int] | IndexArray | None = None,
    with_ramps: bool = True,
    of_rows: int | None = None,
) -> TableEncoding:
    """What each column becomes, from the training rows alone.

    Args:
        frame: of polars or pandas, or a mapping of names to columns.
        rows: the training rows; None for all.
        spellings: how columns of text write numbers and moments, by their names.
        named: whether the names are the user's own.
        what: the data, in a message.
        numbers: the number in the user's data of each row of the frame; None if they are the same.
        with_ramps: whether columns of numbers get :mod:`~backlit.data.tables.ramps` where the rows are enough for them.
        of_rows: the training rows that there are, where those given are some of them; None if they are all.

    Raises:
        DataError: there are no rows or no columns, a number is not finite, or every column would be left out.
    """
    given = frames.as_frame(what, frame)
    numbers = np.arange(given.height) if numbers is None else np.asarray(numbers)
    if rows is not None:
        given, numbers = given[rows], numbers[rows]
    if not given.height or not given.width:
        raise DataError(f"{what}: needs rows and columns to fit an encoding on; it has {given.height} × {given.width}")
    how = spellings or {}
    columns = tuple(fit_column(values, how.get(values.name, PLAIN), what, numbers, of_rows) for values in given)
    if not any(column.inputs for column in columns):
        why = "; ".join(f"'{column.name}' {column.in_words()}" for column in columns[:3])
        raise DataError(f"{what}: there is no column to learn from ({why})")
    quantities = sum(isinstance(column, Number) for column in columns)
    count = ramps.how_many(of_rows or given.height, quantities) if with_ramps else 0
    if count:
        columns = tuple(
            replace(column, edges=_edges(values, column, count, what)) if isinstance(column, Number) else column
            for values, column in zip(given, columns, strict=True)
        )
    return TableEncoding(columns, named)


def fit_column(
    values: "pl.Series", spelling: Spelling, what: str, numbers: IndexArray, of_rows: int | None = None
) -> Column:
    """What one column becomes; ``numbers`` are its rows' numbers in the user's data, ``of_rows`` as for :func:`fit`."""
    import polars as pl

    kind, name = values.dtype, values.name
    if values.null_count() == len(values):
        return LeftOut(name, "every cell is missing")
    if spelling.moment is not None or (kind.is_temporal() and kind != pl.Duration):
        return _fit_moment(values, spelling, what)
    if kind == pl.Boolean:
        return _fit_truth(values, spelling, what)
    if kind.is_numeric() or kind == pl.Duration:
        return _fit_number(values, spelling, what, numbers)
    if frames.is_text(kind):
        return _fit_text(values, spelling, what, of_rows or len(values))
    return LeftOut(name, f"its type, {kind}, is neither number, text, truth nor moment")


def _fit_number(values: "pl.Series", spelling: Spelling, what: str, numbers: IndexArray) -> Column:
    name, found = values.name, as_numbers(values, spelling, what, 0)
    missing, x = found.null_count() > 0, found.drop_nulls().to_numpy()
    if not len(x):
        return LeftOut(name, "every cell is missing")
    if (x == x[0]).all():
        return _constant(name, f"it is {x[0]:g} in every row", missing, spelling)
    if not missing and len(x) > FEW and (x - numbers == x[0] - numbers[0]).all():
        return LeftOut(name, "it counts the rows")
    return Number(name, squash.fit(x), missing, spelling)


def _edges(values: "pl.Series", column: Number, count: int, what: str) -> tuple[float, ...]:
    return ramps.fit(as_numbers(values, column.spelling, what, 0).drop_nulls().to_numpy(), count)


def _fit_truth(values: "pl.Series", spelling: Spelling, what: str) -> Column:
    found = as_truths(values, spelling, what, 0)
    missing, present = found.null_count() > 0, found.drop_nulls()
    if present.n_unique() < 2:
        return _constant(values.name, f"it is {str(present[0]).lower()} in every row", missing, spelling)
    return Truth(values.name, missing, spelling)


def _fit_moment(values: "pl.Series", spelling: Spelling, what: str) -> Column:
    import polars as pl

    name, found = values.name, as_days(values, spelling, what, 0)
    missing, days = found.null_count() > 0, found.drop_nulls().to_numpy()
    if not len(days):
        return LeftOut(name, "every cell is missing")
    if (days == days[0]).all():
        return _constant(name, "it is the same moment in every row", missing, spelling)
    of_day = values.dtype == pl.Time or (spelling.moment is not None and is_time_of_day(spelling.moment))
    circles = [] if of_day else [("year", np.ptp(days) > 1), ("week", len(np.unique(days // 1 % 7)) > 1)]
    circles.append(("day", len(np.unique(days % 1)) > 1))
    return Moment(
        name, None if of_day else squash.fit(days), tuple(c for c, varies in circles if varies), missing, spelling
    )


def _fit_text(values: "pl.Series", spelling: Spelling, what: str, of_rows: int) -> Column:
    name, text = values.name, as_text(values, spelling, what)
    missing, present = text.null_count() > 0, text.drop_nulls()
    if not len(present):
        return LeftOut(name, "every cell is missing")
    counted = present.alias("value").value_counts(name="rows").sort(["rows", "value"], descending=[True, False])
    found, rows = counted["value"].to_list(), counted["rows"].to_list()
    if len(found) == 1:
        return _constant(name, f"it is '{found[0]}' in every row", missing, spelling)
    if len(found) > max(FEW, NEAR_UNIQUE * len(present)):
        has_words = words.fit(name, text, missing, spelling, of_rows)
        if has_words is not None:
            return has_words
        why = f"text with {len(found):,} different values in {len(present):,} cells"
        return _constant(name, why, missing, spelling, same=False)
    enough = max(2, min(RARE, len(present) // 100))
    often = [value for value, count in zip(found, rows, strict=True) if count >= enough]
    values_kept = tuple(often[:MOST_ONE_HOT]) or tuple(found[:FEW])
    many = len(often) > MOST_ONE_HOT
    return Category(
        name, values_kept, other=not many and len(values_kept) < len(found), buckets=BUCKETS if many else 0,
        missing=missing, different=len(found), spelling=spelling,
    )  # fmt: skip


def _constant(name: str, why: str, missing: bool, spelling: Spelling, same: bool = True) -> Column:
    if missing:
        return Presence(name, f"{why} that has one" if same else why, spelling)
    return LeftOut(name, why)
