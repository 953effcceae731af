"""What a cell of text says: nothing, a number, yes or no, a moment; and how a whole column writes what it says."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backlit.data.tables import numerals
from backlit.errors import DataError
from backlit.notation import IndexArray

if TYPE_CHECKING:
    import polars as pl

MISSING = (
    "", "?", "-", "--", ".", "na", "n/a", "n.a.", "#na", "#n/a", "#n/a n/a", "<na>", "nan", "-nan", "nat", "null",
    "none", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan",
)  # fmt: skip
"""What counts as missing, in small letters and without blanks around it."""

TRUE, FALSE = ("true", "t", "yes", "y"), ("false", "f", "no", "n")

DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d %b %Y", "%b %d, %Y",
    "%d %B %Y", "%B %d, %Y", "%d. %B %Y", "%d-%b-%Y", "%d-%b-%y", "%a, %d %b %Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y",
)  # fmt: skip
MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y", "%b-%Y", "%b-%y")
CLOCKS = (
    "%H:%M:%S", "%H:%M", "%H:%M:%S%.f", "%H:%M:%S%z", "%H:%M:%S%.f%z", "%H:%M%z", "%I:%M:%S %p", "%I:%M %p",
)  # fmt: skip
FORMATS = (
    *DATES,
    *(f"{date}{between}{clock}" for date in DATES for between in (" ", "T") for clock in CLOCKS),
    *(clock for clock in CLOCKS if "%z" not in clock),
    *MONTHS,
)
"""Ways to write a moment that are recognised, the first that fits being taken: 02/03/2024 is read as 3 February."""

FIRST_YEAR = 1000
"""A year before it is one of two digits, read as if it had four; and one of two digits has two."""

LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Spelling:
    """How a column of text writes its values.

    Args:
        missing: cells that stand for nothing besides :data:`MISSING`, in small letters.
        moment: the format of its dates and times.
        comma: what a comma in a number means, one of :data:`~backlit.data.tables.numerals.COMMAS`; None where there is
            none.
        before: what stands before its numbers, as ``$``, in small letters.
        behind: what stands behind them, as ``%`` or ``kg``.
    """

    missing: tuple[str, ...] = ()
    moment: str | None = None
    comma: str | None = None
    before: str = ""
    behind: str = ""

    def in_words(self) -> str:
        """Where something stands around the numbers; else empty.

        >>> Spelling(before="$").in_words(), Spelling(before="usd", behind="/h").in_words(), PLAIN.in_words()
        ("written with '$'", "written with 'usd' and '/h'", '')
        """
        around = " and ".join(repr(one) for one in (self.before, self.behind) if one)
        return f"written with {around}" if around else ""


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
    >>> to_numbers(pl.Series(["1.5", "2e3", "1 234", "(7)", "x"])).to_list()
    [1.5, 2000.0, 1234.0, -7.0, None]
    """
    import polars as pl

    if spelling.comma or spelling.before or spelling.behind:
        read = numerals.plain(cells, spelling.before, spelling.behind, spelling.comma)
        return read.cast(pl.Float64, strict=False)
    found = cells.cast(pl.Float64, strict=False)
    otherwise = found.is_null() & cells.is_not_null() & cells.str.contains(numerals.OTHERWISE)
    if not otherwise.any():
        return found
    return numerals.plain(cells).cast(pl.Float64, strict=False).zip_with(otherwise, found)


def to_truths(cells: "pl.Series") -> "pl.Series":
    """Clean cells as true or false; null where one is neither."""
    import polars as pl

    return cells.str.to_lowercase().replace_strict(
        {**dict.fromkeys(TRUE, True), **dict.fromkeys(FALSE, False)}, default=None, return_dtype=pl.Boolean
    )


def to_moments(cells: "pl.Series", form: str) -> "pl.Series":
    """Clean cells as moments (UTC where they name their zone) or times of day; null where one is neither."""
    import polars as pl

    if is_time_of_day(form):
        return cells.str.to_time(form, strict=False)
    if form in MONTHS:
        cells, form = cells + " 1", form + " %d"
    if "%H" not in form and "%I" not in form:
        found = cells.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    elif form.endswith("%z"):
        cells = cells.str.replace(r"Z$", "+0000")
        found = cells.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC").dt.replace_time_zone(None)
    else:
        found = cells.str.to_datetime(form, strict=False, time_unit="us")
    early = found.dt.year() < FIRST_YEAR if "%Y" in form else ~cells.str.contains(r"[^\d]\d\d([ T]|$)")
    early = early.fill_null(False)
    return found.set(early, None) if early.any() else found


def refuse(
    what: str, column: str, cells: "pl.Series", wrong: "pl.Series", first_row: int | IndexArray, expected: str
) -> None:
    """Raises DataError naming the first cell that is wrong, if any is.

    Args:
        what: the data, in the message.
        column: its name.
        cells: as they were given.
        wrong: True for each that cannot be used.
        first_row: the number of the first of them in the data; or the numbers of all.
        expected: what should have stood there.
    """
    rows = wrong.arg_true()
    if not len(rows):
        return
    row = int(rows[0])
    number = first_row + row if isinstance(first_row, int) else int(first_row[row])
    more = f" and in {len(rows) - 1} more" if len(rows) > 1 else ""
    raise DataError(
        f"{what}: column '{column}' has {shown(cells[row])} in row {number}{more}, where {expected} "
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
    return re.search("%[Yydm]", form) is None
