"""Text of which nearly every cell is its own: its words, by hand."""

import polars as pl
import pytest

from backlit.data.tables import words
from backlit.data.tables.cells import PLAIN
from backlit.data.tables.columns import LeftOut, Presence
from backlit.data.tables.encoding import fit
from backlit.data.tables.words import ENOUGH, Words


def column_of(values):
    frame = pl.DataFrame({"c": values, "more": [0.5 * (i % 7) for i in range(len(values))]})
    return fit(frame).columns[0]


def names(count=60):
    """Mr and Mrs in turn, each with a name of its own."""
    return [f"Nobody{i}son-{i}x, {('Mr', 'Mrs')[i % 2]}. No {i}" for i in range(count)]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Heikkinen, Miss. Laina", ["heikkinen", "miss", "laina"]),
        ("O'Brien-Smith", ["o", "brien", "smith"]),
        ("snake_case_42", ["snake", "case"]),
        ("C85 C123", ["c", "c"]),
        ("STRASSE straße Ünal 東京", ["strasse", "straße", "ünal", "東京"]),
        ("12 5a a3f9c", []),  # a number, and what only begins like a word
        ("", []),
    ],
)
def test_what_a_word_is(cell, expected):
    assert words.of_cells(pl.Series(["before", cell]))["word"].to_list()[1:] == expected
    assert set(words.of_cells(pl.Series([None, cell]))["row"].to_list()) <= {1}


def test_a_cell_has_a_word_wherever_and_however_it_is_written():
    column = Words("c", ("mr", "mrs"), missing=True, different=4)
    assert column.inputs == ("c has 'mr'", "c has 'mrs'", "c is missing")
    cells = pl.Series("c", ["A, Mr. B", "mrs MR", "Mrsa 12", None, " ? ", "MR2 mr"])
    expected = [[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0]]
    assert column.encode(cells, "t", 0).tolist() == expected
    assert Words("c", ("mr",), different=4).encode(cells, "t", 0).shape == (6, 1)


def test_frequent_words_are_learnt_the_most_frequent_first():
    column = column_of([*names(61), None])
    assert isinstance(column, Words)
    assert (column.words, column.missing, column.different) == (("mr", "mrs"), True, 61)  # 31 and 30; no is in all
    assert "which of the 2 most frequent words it has (mr, mrs); with an input for missing" in column.in_words()


def test_a_word_of_few_rows_or_of_nearly_all_is_none():
    def with_word(rows):
        return [f"{name} good" if i < rows else name for i, name in enumerate(names(60))]

    assert column_of(with_word(ENOUGH)).words == ("mr", "mrs", "good")
    assert column_of(with_word(ENOUGH - 1)).words == ("mr", "mrs")
    assert "good" in column_of(with_word(60 - ENOUGH)).words
    assert "good" not in column_of(with_word(61 - ENOUGH)).words


def test_a_word_twice_in_a_cell_is_one_row():
    assert column_of([f"{name} good good" if i < ENOUGH - 1 else name for i, name in enumerate(names())]).words == (
        "mr",
        "mrs",
    )


def test_text_whose_words_are_in_few_cells_is_left_out():
    def some(count):
        return [f"x{i}y{i} note{i}z" + " mended" * (i < count) for i in range(60)]

    assert isinstance(column_of(some(30)), Words)
    assert isinstance(column_of(some(29)), LeftOut)
    assert isinstance(column_of([*some(20), None]), Presence)
    assert isinstance(column_of([f"{i * 2654435761 % 2**32:08x}-{i * 40503 % 2**16:04x}" for i in range(500)]), LeftOut)


def test_many_rows_get_fewer_words_so_that_they_fit_into_memory():
    text = pl.Series(
        [
            " ".join(f"w{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(40) if (row >> i % 5) & 1)
            for row in range(64)
        ]
    )

    def count(of_rows):
        found = words.fit("c", text, False, PLAIN, of_rows)
        return len(found.words)

    assert count(64) == 40
    assert count(words.MOST_CELLS // 20) == 20
    assert count(10**12) == words.FEWEST


def test_of_many_words_some_are_named():
    column = Words("c", tuple("abcdefgh"), different=9)
    assert (
        column.in_words()
        == "text with 9 different values: which of the 8 most frequent words it has (a, b, c, d, e, f, …)"
    )
    assert "values: whether it has (a)" in Words("c", ("a",), different=9).in_words()
