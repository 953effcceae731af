"""What the columns of a table of text hold, seen from every row, block by block."""

from typing import TYPE_CHECKING

from backlit.data.tables import cells, frames, numerals
from backlit.data.tables.cells import FORMATS, PLAIN, Spelling
from backlit.data.tables.numerals import COMMAS

if TYPE_CHECKING:
    import polars as pl

NUMBER, TRUTH, MOMENT, TEXT = "number", "truth", "moment", "text"

ODD_SHARE, MOST_ODD = 0.05, 20
"""Cells of another kind that a column may have and stay what it is, as a share and in different values: they count as
missing, and are named."""

TRIED = 200
"""Cells on which the formats of a date are tried first."""

Odd = dict[str, tuple[str, int]]
"""Cells of another kind, in small letters: each as it is written, and in which row it was met first."""

Verdict = tuple[str, Spelling, str | None]
"""Of a column: number, truth, moment or text; how it is written; what is to be said of it."""


class Evidence:
    """What has been seen of one column so far; ``strict``: one word in many cells is no other way to say missing."""

    def __init__(self, name: str, *, strict: bool = False) -> None:
        self.name, self._strict = name, strict
        self.rows = self.present = self.truths = 0
        self._around: tuple[str, str] | None = None  # what stands before and behind its numbers
        self._numbers = dict.fromkeys(COMMAS, 0)
        self._odd: dict[str | None, Odd] = {comma: {} for comma in COMMAS}
        self._moments: dict[str, int] | None = None
        self._padded = False
        self.infinite: tuple[str, int] | None = None  # the first such cell, and its row
        self._odd_moments: dict[str, Odd] = {}

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
        if self._around is None:
            some = present.head(TRIED)
            self._around = numerals.affixes(some.filter(cells.to_numbers(some).is_null()), 1 - 2 * ODD_SHARE)
        as_numbers = self._add_numbers(found, first)
        if self.infinite is None and as_numbers.is_infinite().any():
            row = as_numbers.is_infinite().fill_null(False).arg_max() or 0
            self.infinite = (found[row], first + row)
        self._padded = self._padded or cells.is_padded(present)
        self._try_moments(found, present, first)

    def verdict(self) -> Verdict:
        """(kind, spelling, a remark or None)."""
        if not self.present:
            return TEXT, PLAIN, None
        if self.truths == self.present:
            return TRUTH, PLAIN, None
        comma = max(COMMAS, key=lambda mark: self._numbers[mark])  # of equals the first: no comma, if there is none
        numbers, odd = self._numbers[comma], self._odd[comma]
        if not self._padded and numbers and self._is_mostly(numbers, len(odd)):
            return NUMBER, Spelling(tuple(odd), None, comma, *(self._around or ("", ""))), self._remark(odd, "numbers")
        for form, count in (self._moments or {}).items():
            wrong = self._odd_moments[form]
            if self._is_mostly(count, len(wrong)):
                return MOMENT, Spelling(tuple(wrong), form), self._remark(wrong, f"dates or times ({form})")
        if numbers > self.present / 2 and not self._padded:
            odd_cells = self.present - numbers
            return (
                TEXT,
                PLAIN,
                (
                    f"column '{self.name}' mixes {numbers:,} numbers with {odd_cells:,} cells of text, such as "
                    f"{self._an_odd_one(odd)}: taken as text"
                ),
            )
        return TEXT, PLAIN, None

    def _is_mostly(self, count: int, different: int) -> bool:
        """Whether the rest is little; or one word for all that is missing, as ``unknown``."""
        a_word = different == 1 and count > self.present / 2 and not self._strict
        return a_word or (different <= MOST_ODD and self.present - count <= ODD_SHARE * self.present)

    def _add_numbers(self, found: "pl.Series", first: int) -> "pl.Series":
        """As numbers in which a comma means nothing; counted besides by all that it can mean."""
        around = self._around or ("", "")
        read = cells.to_numbers(found, Spelling((), None, None, *around))
        self._numbers[None] += read.count()
        self._note(found, read, first, self._odd[None])
        with_comma = read.is_null() & found.str.contains(",", literal=True).fill_null(False)
        plain = numerals.plain(found.filter(with_comma), *around) if with_comma.any() else found.clear()
        for comma in COMMAS[1:]:
            of_comma = read
            if len(plain):
                in_groups = plain.str.contains(numerals.WITH_COMMAS) if comma == numerals.THOUSANDS else None
                fits = cells.to_numbers(found, Spelling((), None, comma, *around))
                if in_groups is not None:
                    at = with_comma.arg_true().filter(~in_groups)
                    fits = fits.scatter(at, None) if len(at) else fits
                of_comma = fits.zip_with(with_comma, read)
            self._numbers[comma] += of_comma.count()
            self._note(found, of_comma, first, self._odd[comma])
        return read

    def _note(self, found: "pl.Series", read: "pl.Series", first: int, odd: Odd) -> None:
        """Keeps the cells that were not read, with the row where each was first met, as far as they may matter."""
        wrong = (read.is_null() & found.is_not_null()).arg_true()
        for row in wrong[: 10 * MOST_ODD].to_list():
            if len(odd) > MOST_ODD:
                return
            odd.setdefault(found[row].lower(), (found[row], first + row))

    def _try_moments(self, found: "pl.Series", present: "pl.Series", first: int) -> None:
        if self._moments is None:
            some = present.head(TRIED)
            likely = some.str.contains(r"\d[^\d]|\pL.?\d").sum() > len(some) / 2
            likely = likely and cells.to_numbers(some).count() < len(some)
            fits = [form for form in FORMATS if likely and self._fits(some, form)]
            self._moments = dict.fromkeys(fits, 0)
            self._odd_moments = {form: {} for form in fits}
        for form in self._moments:
            read = cells.to_moments(found, form)
            self._moments[form] += read.count()
            self._note(found, read, first, self._odd_moments[form])

    def _fits(self, some: "pl.Series", form: str) -> bool:
        return cells.to_moments(some, form).count() >= (1 - 2 * ODD_SHARE) * len(some)

    def _an_odd_one(self, odd: Odd) -> str:
        if not odd:
            return "none"
        written, row = next(iter(odd.values()))
        return f"{cells.shown(written)} in row {row}"

    def _remark(self, odd: Odd, kind: str) -> str | None:
        if not odd:
            return None
        named = ", ".join(f"{cells.shown(written)} (row {row})" for written, row in list(odd.values())[:3])
        more = ", …" if len(odd) > 3 else ""
        return f"column '{self.name}' is {kind}; counted as missing: {named}{more}"


def read_as(values: "pl.Series", verdict: Verdict | None) -> "pl.Series":
    """A column of text as what it was found to hold; any other as it is."""
    import polars as pl

    if verdict is None or not frames.is_text(values.dtype):
        return values
    kind, spelling, _ = verdict
    clean = cells.clean(values.cast(pl.String), spelling)
    if kind == NUMBER:
        return cells.to_numbers(clean, spelling)
    if kind == TRUTH:
        return cells.to_truths(clean)
    if kind == MOMENT:
        assert spelling.moment is not None
        return cells.to_moments(clean, spelling.moment)
    return clean


def of_frame(frame: "pl.DataFrame") -> tuple["pl.DataFrame", dict[str, Spelling]]:
    """A frame whose columns of text are what they hold, and how they write it."""
    import polars as pl

    verdicts: dict[str, Verdict] = {}
    for column in frame:
        if frames.is_text(column.dtype):
            evidence = Evidence(column.name)
            evidence.add(column.cast(pl.String))
            verdicts[column.name] = evidence.verdict()
    spellings = {name: spelling for name, (_, spelling, _) in verdicts.items() if spelling != PLAIN}
    return pl.DataFrame([read_as(column, verdicts.get(column.name)) for column in frame]), spellings
