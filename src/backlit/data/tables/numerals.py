"""How people write numbers: $1,234.50 and 1.234,50 €, 12 %, 80 kg, (1,200), −5, 1 234; and plain numerals of them."""

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

DECIMAL, THOUSANDS, EUROPEAN = "decimal", "thousands", "european"
COMMAS = (None, THOUSANDS, DECIMAL, EUROPEAN)
"""What a comma in a number is: nothing; between thousands, as in 1,234.5; its point; its point, as in 1.234,5."""

BLANKS = " '’_\u00a0\u2009\u202f"
"""What may stand between thousands, whatever the comma is."""

BEFORE = r"(?:[A-Z]{0,3}\p{Sc}|[A-Z]{3})"
"""A sign of money, or three letters like USD."""

BEHIND = r"(?:[%‰]|\p{Sc}|°?[\p{L}µ]{1,10}[²³]?(?:/[\p{L}]{1,5}[²³]?)?)"
"""A share, money, or a unit."""

WRITTEN = (
    rf"^\(?[+\-−]?\s*({BEFORE})?\s*\(?[+\-−]?\s*"
    rf"(?:[0-9]+(?:[.,{BLANKS}][0-9]+)*\.?|[.,][0-9]+)\s*({BEHIND})?\)?$"
)

OTHERWISE = rf"^[(+\-−]?\s*[0-9.].*[{BLANKS})]|^−"
"""What a number may look like that is not plain, without anything before or behind it."""

GROUPED = rf"^[+-]?[0-9]{{1,3}}([{BLANKS}][0-9]{{3}})+([.,][0-9]*)?$"
WITH_COMMAS = r"^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$"
WITH_DOTS = r"^[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+(,[0-9]*)?$"
IN_BRACKETS = r"^\(\s*([^()]*[0-9][^()]*)\s*\)$"


def affixes(some: "pl.Series", share: float) -> tuple[str, str]:
    """What stands before and what behind the numbers, in small letters, where at least the share of the cells has it.

    >>> import polars as pl
    >>> affixes(pl.Series(["$5", "-$1,200.50", "$ 7"]), 0.9), affixes(pl.Series(["5kg", "7 KG"]), 0.9)
    (('$', ''), ('', 'kg'))
    >>> affixes(pl.Series(["5 kg", "7 g"]), 0.9), affixes(pl.Series(["A-1", "A-2"]), 0.9)
    (('', ''), ('', ''))
    """
    groups = some.str.extract_groups(WRITTEN).struct
    first, second = (groups.field(name).fill_null("").str.to_lowercase() for name in ("1", "2"))
    counted = Counter(zip(first.to_list(), second.to_list(), strict=True))
    del counted["", ""]
    if not counted:
        return "", ""
    (found, times) = counted.most_common(1)[0]
    return found if times >= share * len(some) else ("", "")


def plain(text: "pl.Series", before: str = "", behind: str = "", comma: str | None = None) -> "pl.Series":
    """The cells with their numbers as a computer writes them; what is no number stays none.

    >>> import polars as pl
    >>> plain(pl.Series(["-$1,200.50", "($7)", "3 000"]), "$", "", "thousands").to_list()
    ['-1200.50', '-7', '3000']
    >>> plain(pl.Series(["1.234,5 %", "−0,5%"]), "", "%", "european").to_list()
    ['1234.5', '-0.5']
    """
    text = text.str.replace_all("−", "-", literal=True).str.replace(IN_BRACKETS, "-$1")
    if before:
        text = text.str.replace(rf"(?i)^([+-]?)\s*{re.escape(before)}\s*", "$1").str.replace(IN_BRACKETS, "-$1")
    if behind:
        text = text.str.replace(rf"(?i)\s*{re.escape(behind)}$", "")
    text = text.str.replace(r"^([+-])\s+", "$1")
    text = _without(text, GROUPED, f"[{BLANKS}]")
    if comma == THOUSANDS:
        return _without(text, WITH_COMMAS, ",")
    if comma == EUROPEAN:
        text = _without(text, WITH_DOTS, r"\.")
    return text if comma is None else text.str.replace_all(",", ".", literal=True)


def _without(text: "pl.Series", where: str, what: str) -> "pl.Series":
    """What stands between groups of digits taken out of the cells that are grouped."""
    grouped = text.str.contains(where).fill_null(False)
    return text.str.replace_all(what, "").zip_with(grouped, text) if grouped.any() else text
