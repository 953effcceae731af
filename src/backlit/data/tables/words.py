"""Text of which nearly every cell is its own, said by the words that come again, as Mr and Mrs of a list of names.

Chosen on the Titanic and on descriptions of functions, confirmed on those of packages: see ``benchmarks/README.md``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from backlit.data.tables.cells import PLAIN, Spelling
from backlit.data.tables.columns import _and_an_input, _missing_input, _with_missing, as_text
from backlit.notation import Float64Array, IndexArray

if TYPE_CHECKING:
    import polars as pl

MOST_WORDS = 256
"""Words of a column that have an input."""

ENOUGH = 12
"""Training rows that a word needs, or the network learns by heart who had it."""

COVERED = 0.5
"""Share of the cells that must have one of the words, or the column is left out: codes and random names have none."""

MOST_CELLS = 1 << 27
"""Rows × words: half a gigabyte of float32; but never fewer words than :data:`FEWEST`."""

FEWEST, SHOWN = 16, 6

WORD = r"\b\p{L}+[0-9]*\b"
"""Letters, or letters and a number behind them, of which the letters are the word: C of C85."""


@dataclass(frozen=True)
class Words:
    """One input a word, 1 where the cell has it, in small or large letters, at whatever place.

    Args:
        words: the most frequent first, in small letters.
        missing: with an input for missing cells.
        different: how many values the training rows had.
    """

    kind: ClassVar[str] = "words"
    name: str
    words: tuple[str, ...]
    missing: bool = False
    different: int = 0
    spelling: Spelling = PLAIN

    @property
    def inputs(self) -> tuple[str, ...]:
        """One a word, then whether it is missing."""
        return (*(f"{self.name} has '{word}'" for word in self.words), *_missing_input(self))

    def encode(self, values: "pl.Series", what: str, first_row: int | IndexArray) -> Float64Array:
        """0 and 1."""
        import polars as pl

        text = as_text(values, self.spelling, what)
        found = of_cells(text)
        places = {word: place for place, word in enumerate(self.words)}
        place = found["word"].replace_strict(places, default=None, return_dtype=pl.Int64)
        known = place.is_not_null()
        encoded = np.zeros((len(text), len(self.words)))
        encoded[found["row"].filter(known).to_numpy(), place.drop_nulls().to_numpy()] = 1
        return _with_missing(self, encoded, text.is_null().to_numpy())

    def in_words(self) -> str:
        """In a line."""
        own, named = len(self.words), ", ".join(self.words[:SHOWN])
        which = f"which of the {own} most frequent words" if own > 1 else "whether"
        more = ", …" if own > SHOWN else ""
        return f"text with {self.different:,} different values: {which} it has ({named}{more}){_and_an_input(self)}"


def of_cells(text: "pl.Series") -> "pl.DataFrame":
    """The words of each cell, a row of the frame each: ``row``, ``word``.

    >>> import polars as pl
    >>> of_cells(pl.Series(["Heikkinen, Miss. L.", None, "C85 c123 85"])).rows()
    [(0, 'heikkinen'), (0, 'miss'), (0, 'l'), (2, 'c'), (2, 'c')]
    """
    import polars as pl

    small = text.str.to_lowercase().str.replace_all("_", " ", literal=True).str.extract_all(WORD)
    frame = pl.DataFrame({"row": pl.int_range(len(text), eager=True), "word": small})
    words = frame.explode("word").drop_nulls("word")
    return words.with_columns(pl.col("word").str.strip_chars_end("0123456789"))


def fit(name: str, text: "pl.Series", missing: bool, spelling: Spelling, of_rows: int) -> Words | None:
    """The words that are in :data:`ENOUGH` of the training rows' clean cells, and not in nearly all of them.

    None where they say too little of the cells. ``of_rows``: the training rows that there are, of which those given
    may be some.
    """
    found = of_cells(text).unique(maintain_order=True)
    cells = len(text) - text.null_count()
    counted = found["word"].value_counts(name="rows").sort(["rows", "word"], descending=[True, False])
    telling = counted.filter((counted["rows"] >= ENOUGH) & (counted["rows"] <= cells - ENOUGH))
    words = telling["word"].head(min(MOST_WORDS, max(FEWEST, MOST_CELLS // of_rows))).to_list()
    if not words or found.filter(found["word"].is_in(words))["row"].n_unique() < COVERED * cells:
        return None
    return Words(name, tuple(words), missing, text.drop_nulls().n_unique(), spelling)
