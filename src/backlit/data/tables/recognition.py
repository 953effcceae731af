"""What the columns of a table of text hold, seen from every row, block by block."""

from typing import TYPE_CHECKING

from backlit.data.tables import cells
from backlit.data.tables.cells import FORMATS, PLAIN, Spelling

if TYPE_CHECKING:
    import polars as pl

NUMBER, TRUTH, MOMENT, TEXT = "number", "truth", "moment", "text"

ODD_SHARE, MOST_ODD = 0.05, 20
"""Cells of another kind that a column may have and stay what it is, as a share and in different values: they count as
missing, and are named."""

TRIED = 200
"""Cells on which the formats of a date are tried first."""


class Evidence:
    """What has been seen of one column so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.present = self.truths = 0
        self._numbers = {None: 0, "decimal": 0, "thousands": 0}
        self._moments: dict[str, int] | None = None
        self._padded = False
        self.infinite: tuple[str, int] | None = None  # the first such cell, and its row
        self._odd: dict[str, tuple[str, int]] = {}  # of a column of numbers: the cell → as written, its first row
        self._odd_moments: dict[str, dict[str, tuple[str, int]]] = {}

    def add(self, given: "pl.Series") -> None:
        """A block of the column's cells, in their order."""
        found = cells.clean(given)
        present = found.drop_nulls()
        first, self.rows = self.rows, self.rows + len(given)
        if not len(present):
            return
        if self.truths == self.present:
            self.truths += cells.to_truths(present).count()
        self.present += len(present)
        as_numbers = cells.to_numbers(found)
        plain = as_numbers.count()
        if self.infinite is None and as_numbers.is_infinite().any():
            row = as_numbers.is_infinite().fill_null(False).arg_max() or 0
            self.infinite = (found[row], first + row)
        self._numbers[None] += plain
        with_comma = found.filter(as_numbers.is_null() & found.is_not_null() & found.str.contains(",", literal=True))
        if len(with_comma):
            thousands = int(with_comma.str.contains(cells.THOUSANDS).sum())
            decimal = cells.to_numbers(with_comma, Spelling(comma="decimal")).count()
            self._numbers["thousands"] += thousands
            self._numbers["decimal"] += decimal
        self._padded = self._padded or cells.is_padded(present)
        self._note(found, as_numbers, first, self._odd)
        self._try_moments(found, present, first)

    def verdict(self) -> tuple[str, Spelling, str | None]:
        """(kind, spelling, a remark or None)."""
        if not self.present:
            return TEXT, PLAIN, None
        if self.truths == self.present:
            return TRUTH, PLAIN, None
        numbers, comma = self._numbers[None], None
        if self._numbers["decimal"] or self._numbers["thousands"]:
            comma = "decimal" if self._numbers["decimal"] > self._numbers["thousands"] else "thousands"
            numbers += self._numbers[comma]
        if not self._padded and numbers and self._is_mostly(numbers, 0 if comma else len(self._odd)):
            odd = {} if comma and numbers == self.present else self._odd
            if comma is None or not odd:
                return NUMBER, Spelling(tuple(odd), None, comma), self._remark(odd, "numbers")
        for form, count in (self._moments or {}).items():
            odd = self._odd_moments[form]
            if self._is_mostly(count, len(odd)):
                return MOMENT, Spelling(tuple(odd), form), self._remark(odd, f"dates or times ({form})")
        if numbers > self.present / 2 and not self._padded:
            odd_cells = self.present - numbers
            return (
                TEXT,
                PLAIN,
                (
                    f"column '{self.name}' mixes {numbers:,} numbers with {odd_cells:,} cells of text, such as "
                    f"{self._an_odd_one()}: taken as text"
                ),
            )
        return TEXT, PLAIN, None

    def _is_mostly(self, count: int, different: int) -> bool:
        return different <= MOST_ODD and self.present - count <= ODD_SHARE * self.present

    def _note(self, found: "pl.Series", read: "pl.Series", first: int, odd: dict[str, tuple[str, int]]) -> None:
        """Keeps the cells that were not read, with the row where each was first met, as far as they may matter."""
        wrong = (read.is_null() & found.is_not_null()).arg_true()
        for row in wrong[: 10 * MOST_ODD].to_list():
            if len(odd) > MOST_ODD:
                return
            odd.setdefault(found[row].lower(), (found[row], first + row))

    def _try_moments(self, found: "pl.Series", present: "pl.Series", first: int) -> None:
        if self._moments is None:
            some = present.head(TRIED)
            likely = some.str.contains(r"\d[-/.: ]").sum() > len(some) / 2 and cells.to_numbers(some).count() < len(
                some
            )
            fits = [form for form in FORMATS if likely and self._fits(some, form)]
            self._moments = dict.fromkeys(fits, 0)
            self._odd_moments = {form: {} for form in fits}
        for form in self._moments:
            read = cells.to_moments(found, form)
            self._moments[form] += read.count()
            self._note(found, read, first, self._odd_moments[form])

    def _fits(self, some: "pl.Series", form: str) -> bool:
        return cells.to_moments(some, form).count() >= (1 - 2 * ODD_SHARE) * len(some)

    def _an_odd_one(self) -> str:
        if not self._odd:
            return "none"
        written, row = next(iter(self._odd.values()))
        return f"{cells.shown(written)} in row {row}"

    def _remark(self, odd: dict[str, tuple[str, int]], kind: str) -> str | None:
        if not odd:
            return None
        named = ", ".join(f"{cells.shown(written)} (row {row})" for written, row in list(odd.values())[:3])
        more = ", …" if len(odd) > 3 else ""
        return f"column '{self.name}' is {kind}; counted as missing: {named}{more}"
