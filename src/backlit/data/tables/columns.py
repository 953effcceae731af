"""What a column of a table becomes: some inputs of the network, one after the other, from its training rows alone.

Each kind of column is plain data, and the three things that are done with it: its inputs' names, the numbers of a block
of rows, and a line for people.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from backlit.data.tables import cells, ramps
from backlit.data.tables.cells import PLAIN, Spelling
from backlit.data.tables.squash import Squash
from backlit.notation import Float64Array, IndexArray

if TYPE_CHECKING:
    import polars as pl

DAY = 86_400 * 10**6
"""Microseconds."""

YEAR, WEEK = 365.2425, 7.0
"""Days."""

PERIODS = {"year": YEAR, "week": WEEK, "day": 1.0}
"""The circles a moment goes round in, in days."""


class Column(Protocol):
    """The contract: a column of the table and what becomes of it."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """Of the raw column."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs."""

    def encode(self, values: "pl.Series", what: str, first_row: int | IndexArray) -> Float64Array:
        """(rows, inputs) of a block of rows.

        Raises:
            DataError: a cell is not of the column's kind; ``what`` and ``first_row`` (or the numbers of all rows) help
                to say where.
        """

    def in_words(self) -> str:
        """What the column became."""


@dataclass(frozen=True)
class Number:
    """A quantity, squashed and standardised; where it is missing, the median of the training rows stands for it.

    ``missing``: with an input more, 1 where it is missing. ``edges``: with :mod:`~backlit.data.tables.ramps` between
    them, an input each.
    """

    kind: ClassVar[str] = "number"
    name: str
    squash: Squash
    missing: bool = False
    spelling: Spelling = PLAIN
    edges: tuple[float, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """The number, its ramps, and whether it is missing."""
        return (self.name, *ramps.names(self.name, self.edges), *_missing_input(self))

    def encode(self, values: "pl.Series", what: str, first_row: int | IndexArray) -> Float64Array:
        """The squashed number, then its ramps; see :class:`Squash`."""
        found = as_numbers(values, self.spelling, what, first_row)
        empty = found.is_null().to_numpy()
        numbers = found.fill_null(self.squash.center).to_numpy()
        encoded = self.squash.apply(numbers)[:, np.newaxis]
        if self.edges:
            encoded = np.hstack([encoded, ramps.apply(numbers, self.edges)])
        return _with_missing(self, encoded, empty)

    def in_words(self) -> str:
        """In a line."""
        fill = f"; where missing, {self.squash.center:g}" if self.missing else ""
        tails = f"tails drawn in beyond {self.squash.limit:g} spreads" if self.squash.limit else "as it is"
        bends = f", and {len(self.edges) - 1} ramps between its quantiles" if self.edges else ""
        written = f" {words}" if (words := self.spelling.in_words()) else ""
        return f"a number{written}, standardised, {tails}{bends}{fill}{_and_an_input(self)}"


@dataclass(frozen=True)
class Truth:
    """Yes or no: 1 or -1, and 0 where it is missing."""

    kind: ClassVar[str] = "truth"
    name: str
    missing: bool = False
    spelling: Spelling = PLAIN

    @property
    def inputs(self) -> tuple[str, ...]:
        """The truth, and whether it is missing."""
        return (self.name, *_missing_input(self))

    def encode(self, values: "pl.Series", what: str, first_row: int | IndexArray) -> Float64Array:
        """1, -1 or 0."""
        found = as_truths(values, self.spelling, what, first_row)
        truth = np.where(found.fill_null(False).to_numpy(), 1.0, -1.0)
        empty = found.is_null().to_numpy()
        truth[empty] = 0
        return _with_missing(self, truth[:, np.newaxis], empty)

    def in_words(self) -> str:
        """In a line."""
        return f"yes or no: 1 or -1{_and_an_input(self)}"


@dataclass(frozen=True)
class Category:
    """One input a value, 1 where it is that; others, and those never seen in training, share what there is besides.

    Args:
        values: that have an input of their own, the most frequent first.
        other: rare values were pooled: they, and unseen ones, have an input together.
        buckets: inputs for the values beyond the most frequent: which of them is a hash of the value, and so knows
            nothing of the target. Unseen values fall into them too.
        missing: with an input for missing ones.
        different: how many values the training rows had.
    """

    kind: ClassVar[str] = "category"
    name: str
    values: tuple[str, ...]
    other: bool = False
    buckets: int = 0
    missing: bool = False
    different: int = 0
    spelling: Spelling = PLAIN

    @property
    def inputs(self) -> tuple[str, ...]:
        """One a value, then those that are shared, then whether it is missing."""
        own = tuple(f"{self.name}={value}" for value in self.values)
        shared = (f"{self.name}=(other)",) * self.other
        hashed = tuple(f"{self.name}#{bucket}" for bucket in range(self.buckets))
        return own + shared + hashed + _missing_input(self)

    def encode(self, values: "pl.Series", what: str, first_row: int | IndexArray) -> Float64Array:
        """0 and 1."""
        import polars as pl

        text = as_text(values, self.spelling, what)
        places: dict[str | None, int] = {value: place for place, value in enumerate(self.values)}
        beyond = len(self.values)
        for value in text.unique().to_list():
            if value is None:
                places[None] = beyond + self.other + self.buckets if self.missing else -1
            elif value not in places:
                bucket = hash_of(value, self.buckets) if self.buckets else 0
                places[value] = beyond + bucket if self.other or self.buckets else -1
        nothing = places.pop(None, -1)
        place = text.replace_strict(places, default=nothing, return_dtype=pl.Int64).to_numpy()
        encoded = np.zeros((len(place), len(self.inputs)))
        has_one = np.flatnonzero(place >= 0)
        encoded[has_one, place[has_one]] = 1
        return encoded

    def in_words(self) -> str:
        """In a line."""
        own = len(self.values)
        text = f"{self.different:,} value{'s' * (self.different != 1)}: {own} with an input each"
        if self.buckets:
            text += f", the rest in {self.buckets} buckets by a hash of the value"
        if self.other:
            text += f", {self.different - own:,} rare ones and any unseen pooled"
        return text + _and_an_input(self)


@dataclass(frozen=True)
class Moment:
    """A date, a time or both (UTC): how far along it is, and where in the circles it goes round in.

    ``linear``: days since 1970, squashed and standardised; None for times of day. ``circles``, of :data:`PERIODS`:
    sine and cosine of each. Where it is missing, the median, and 0 for sine and cosine.
    """

    kind: ClassVar[str] = "moment"
    name: str
    linear: Squash | None
    circles: tuple[str, ...]
    missing: bool = False
    spelling: Spelling = PLAIN

    @property
    def inputs(self) -> tuple[str, ...]:
        """How far along, the circles, and whether it is missing."""
        along = (f"{self.name}: days",) * (self.linear is not None)
        around = (f"{self.name}: {part} of the {circle}" for circle in self.circles for part in ("sine", "cosine"))
        return (*along, *around, *_missing_input(self))

    def encode(self, values: "pl.Series", what: str, first_row: int | IndexArray) -> Float64Array:
        """The parts."""
        found = as_days(values, self.spelling, what, first_row)
        empty = found.is_null().to_numpy()
        days = found.fill_null(0.0).to_numpy()
        parts = []
        if self.linear is not None:
            parts.append(self.linear.apply(np.where(empty, self.linear.center, days)))
        for circle in self.circles:
            angle = 2 * np.pi * ((days / PERIODS[circle]) % 1)
            parts += [np.where(empty, 0, np.sin(angle)), np.where(empty, 0, np.cos(angle))]
        return _with_missing(self, np.stack(parts, axis=1), empty)

    def in_words(self) -> str:
        """In a line."""
        along = ["how far along"] * (self.linear is not None)
        return f"a moment: {', '.join([*along, *(f'where in the {c}' for c in self.circles)])}{_and_an_input(self)}"


@dataclass(frozen=True)
class Presence:
    """A column whose values say nothing that can be learnt, but that is there or missing: 1 where it is missing."""

    kind: ClassVar[str] = "presence"
    name: str
    why: str
    spelling: Spelling = PLAIN
    missing: ClassVar[bool] = True

    @property
    def inputs(self) -> tuple[str, ...]:
        """Whether it is missing."""
        return _missing_input(self)

    def encode(self, values: "pl.Series", what: str, first_row: int | IndexArray) -> Float64Array:
        """0 or 1."""
        return as_text(values, self.spelling, what).is_null().to_numpy().astype(np.float64)[:, np.newaxis]

    def in_words(self) -> str:
        """In a line."""
        return f"whether it is missing, and nothing else: {self.why}"


@dataclass(frozen=True)
class LeftOut:
    """A column from which nothing can be learnt."""

    kind: ClassVar[str] = "left out"
    name: str
    why: str
    inputs: ClassVar[tuple[str, ...]] = ()

    def encode(self, values: "pl.Series", what: str, first_row: int | IndexArray) -> Float64Array:
        """Nothing."""
        return np.zeros((len(values), 0))

    def in_words(self) -> str:
        """In a line."""
        return f"left out: {self.why}"


# --- the values of a column, whatever the library's type -----------------------------------------------------------


def as_numbers(values: "pl.Series", spelling: Spelling, what: str, first_row: int | IndexArray) -> "pl.Series":
    """Float64, null where missing, every other one finite."""
    import polars as pl

    kind = values.dtype
    if kind == pl.Boolean or kind.is_numeric():
        found = values.cast(pl.Float64).fill_nan(None)
    elif kind == pl.Duration:
        found = values.dt.total_microseconds().cast(pl.Float64) / 1e6
    else:
        text = as_text(values, spelling, what)
        found = cells.to_numbers(text, spelling)
        cells.refuse(what, values.name, text, found.is_null() & text.is_not_null(), first_row, "a number should be")
        found = found.fill_nan(None)
    cells.refuse(what, values.name, found, found.is_infinite().fill_null(False), first_row, "a number should be finite")
    return found


def as_truths(values: "pl.Series", spelling: Spelling, what: str, first_row: int | IndexArray) -> "pl.Series":
    """Boolean, null where missing."""
    import polars as pl

    if values.dtype == pl.Boolean:
        return values
    text = as_text(values, spelling, what)
    if values.dtype.is_numeric():
        text = text.replace({"1": "true", "0": "false", "1.0": "true", "0.0": "false"})
    found = cells.to_truths(text)
    wrong = found.is_null() & text.is_not_null()
    cells.refuse(what, values.name, text, wrong, first_row, "yes or no (true or false) should be")
    return found


def as_days(values: "pl.Series", spelling: Spelling, what: str, first_row: int | IndexArray) -> "pl.Series":
    """Days since 1970 (of a time of day: since midnight), float64, null where missing."""
    import polars as pl

    kind = values.dtype
    if kind == pl.Date:
        return values.cast(pl.Int32).cast(pl.Float64)
    if isinstance(kind, pl.Datetime):
        values = values.dt.replace_time_zone(None) if kind.time_zone in (None, "UTC") else _in_utc(values)
        return values.dt.timestamp("us").cast(pl.Float64) / DAY
    if kind == pl.Time:
        return values.cast(pl.Int64).cast(pl.Float64) / (1000 * DAY)
    text = as_text(values, spelling, what)
    form = spelling.moment or _likely_form(text)
    found = cells.to_moments(text, form)
    wrong = found.is_null() & text.is_not_null()
    cells.refuse(what, values.name, text, wrong, first_row, f"a date or time like {_like(form)} should be")
    return as_days(found, spelling, what, first_row)


def as_text(values: "pl.Series", spelling: Spelling, what: str) -> "pl.Series":
    """Clean text, null where missing; whole numbers as they are written, without a point."""
    import polars as pl

    if values.dtype.is_float():
        values = values.fill_nan(None)
        whole = values.drop_nulls()
        if len(whole) and whole.is_finite().all() and (whole == whole.floor()).all() and (whole.abs() < 2.0**53).all():
            values = values.cast(pl.Int64)
    return cells.clean(values.cast(pl.String), spelling)


def hash_of(value: str, buckets: int) -> int:
    """The bucket of a value: the same on every machine and in every version."""
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), "little") % buckets


def _in_utc(values: "pl.Series") -> "pl.Series":
    return values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _likely_form(text: "pl.Series") -> str:
    """The format in which most of the cells are moments; where there are none, the first."""
    some = text.drop_nulls().head(100)
    counts = {form: cells.to_moments(some, form).count() for form in cells.FORMATS}
    return max(counts, key=lambda form: counts[form])


def _like(form: str) -> str:
    from datetime import datetime

    return datetime(2024, 12, 31, 23, 59).strftime(form.replace("%.f", ".5").replace("%z", "Z"))


def _missing_input(column: Column) -> tuple[str, ...]:
    return (f"{column.name} is missing",) if getattr(column, "missing", False) else ()


def _and_an_input(column: Column) -> str:
    return "; with an input for missing" if _missing_input(column) else ""


def _with_missing(column: Column, encoded: Float64Array, empty: np.ndarray) -> Float64Array:
    return np.hstack([encoded, empty[:, np.newaxis]]) if _missing_input(column) else encoded
