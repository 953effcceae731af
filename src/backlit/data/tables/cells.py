"""What a cell of text says: nothing, a number, yes or no, a moment; and how a whole column writes what it says."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backlit.errors import DataError

if TYPE_CHECKING:
    import polars as pl

MISSING = ("", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", "none")
"""What counts as missing, in small letters and without blanks around it."""

TRUE, FALSE = ("true", "t", "yes", "y"), ("false", "f", "no", "n")

DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d %b %Y", "%b %d, %Y")
CLOCKS = ("%H:%M:%S", "%H:%M", "%H:%M:%S%.f", "%H:%M:%S%z", "%H:%M:%S%.f%z", "%H:%M%z")
FORMATS = (
    *DATES,
    *(f"{date}{between}{clock}" for date in DATES for between in (" ", "T") for clock in CLOCKS),
    *CLOCKS[:3],
)
"""Ways to write a moment that are recognised, the first that fits being taken: 02/03/2024 is read as 3 February."""

THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$"

LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Spelling:
    """How a column of text writes its values.

    Args:
        missing: cells that stand for nothing besides :data:`MISSING`, in small letters.
        moment: the format of its dates and times.
        comma: what a comma in a number means: ``decimal``, ``thousands``, or None where there is none.
    """

    missing: tuple[str, ...] = ()
    moment: str | None = None
    comma: str | None = None


PLAIN = Spelling()


def clean(cells: "pl.Series", spelling: Spelling = PLAIN) -> "pl.Series":
    """The cells without blanks around them; null for those that say nothing.

    >>> import polars as pl
    >>> clean(pl.Series([" a", "?", "N/A ", None])).to_list()
    ['a', None, None, None]
    """
    stripped = cells.str.strip_chars()
    nothing = stripped.str.to_lowercase().is_in(list(MISSING + spelling.missing))
    return stripped.set(nothing, None) if nothing.any() else stripped


def to_numbers(cells: "pl.Series", spelling: Spelling = PLAIN) -> "pl.Series":
    """Clean cells as float64; null where one is no number.

    >>> import polars as pl
    >>> to_numbers(pl.Series(["1.5", "2e3", "x"])).to_list()
    [1.5, 2000.0, None]
    """
    import polars as pl

    if spelling.comma is not None:
        cells = cells.str.replace_all(",", "." if spelling.comma == "decimal" else "", literal=True)
    return cells.cast(pl.Float64, strict=False)


def to_truths(cells: "pl.Series") -> "pl.Series":
    """Clean cells as true or false; null where one is neither."""
    import polars as pl

    return cells.str.to_lowercase().replace_strict(
        {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}, default=None, return_dtype=pl.Boolean
    )


def to_moments(cells: "pl.Series", form: str) -> "pl.Series":
    """Clean cells as moments (UTC where they name their zone) or times of day; null where one is neither."""
    import polars as pl

    if "%Y" not in form:
        return cells.str.to_time(form, strict=False)
    if "%H" not in form:
        return cells.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    if form.endswith("%z"):
        cells = cells.str.replace(r"Z$", "+0000")
        found = cells.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC")
        return found.dt.replace_time_zone(None)
    return cells.str.to_datetime(form, strict=False, time_unit="us")


def refuse(what: str, column: str, cells: "pl.Series", wrong: "pl.Series", first_row: int, expected: str) -> None:
    """Raises DataError naming the first cell that is wrong, if any is.

    Args:
        what: the data, in the message.
        column: its name.
        cells: as they were given.
        wrong: True for each that cannot be used.
        first_row: the number of the first of them in the data.
        expected: what should have stood there.
    """
    rows = wrong.arg_true()
    if not len(rows):
        return
    row = int(rows[0])
    more = f" and in {len(rows) - 1} more" if len(rows) > 1 else ""
    raise DataError(
        f"{what}: column '{column}' has {shown(cells[row])} in row {first_row + row}{more}, where {expected} "
        "(rows count from 0); mend or empty such cells"
    )


def shown(value: Any) -> str:
    """A value in a message: in quotes if it is text, and never long.

    >>> shown("abc"), shown(1.5), len(shown("a" * 100))
    ("'abc'", '1.5', 43)
    """
    text = str(value)
    text = text[:LONGEST_SHOWN] + "…" * (len(text) > LONGEST_SHOWN)
    return repr(text) if isinstance(value, str) else text


def is_padded(cells: "pl.Series") -> bool:
    """Whether some number has a zero before it, as codes have and quantities have not: 01234.

    >>> import polars as pl
    >>> is_padded(pl.Series(["01234"])), is_padded(pl.Series(["0.5", "0"]))
    (True, False)
    """
    return bool(cells.str.contains(r"^0[0-9]+$").any())


def is_time_of_day(form: str) -> bool:
    """Whether a format has no date in it."""
    return re.search("%[Yd]", form) is None
