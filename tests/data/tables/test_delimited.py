import csv
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.data.tables import delimited
from backlit.data.tables.delimited import blocks, look_at
from backlit.errors import BacklitError, DataError, OptionError


def rows_of(path, **options):
    return [row for frame in blocks(look_at(path, **options)) for row in frame.rows()]


@pytest.fixture
def written(tmp_path):
    def write(content, name="t.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "delimiter", "rows"),
    [
        ("a,b\n1,2\n", ",", [("1", "2")]),
        ("a,b\n1,2", ",", [("1", "2")]),
        ("a;b\n1,5;2,5\n", ";", [("1,5", "2,5")]),
        ("a\tb\n1,2\t3\n", "\t", [("1,2", "3")]),
        ("a|b\nx,y|z\n", "|", [("x,y", "z")]),
        ("a,b\r\n1,2\r\n", ",", [("1", "2")]),
        ("a,b\r1,2\r", ",", [("1", "2")]),
        ("a,b\n\n1,2\n\n\n3,4\n\n", ",", [("1", "2"), ("3", "4")]),
        ('a,b\n"x,y","two\nlines"\n', ",", [("x,y", "two\nlines")]),
        ('a,b\n"say ""hi""",2\n', ",", [('say "hi"', "2")]),
        ('a,b\n1, "x,y"\n', ",", [("1", "x,y")]),
        ('a,b\n5" pipe,2\n', ",", [('5" pipe', "2")]),
        ('a,b\n"x"y,2\n', ",", [("xy", "2")]),
        ("a,b\n,\n1,\n", ",", [(None, None), ("1", None)]),
        ("\ufeffa,b\n1,2\n", ",", [("1", "2")]),
        ("a\n1\n2\n", ",", [("1",), ("2",)]),
        ("größe,名\n1,é\n", ",", [("1", "é")]),
        ('"a","b"\n"1","2"\n', ",", [("1", "2")]),
    ],
)
def test_how_it_is_written_is_found_out(written, content, delimiter, rows):
    path = written(content)
    assert look_at(path).delimiter == delimiter
    assert rows_of(path) == rows


@pytest.mark.parametrize("size", [7, 16, 64, 1 << 20])
def test_where_a_block_ends_makes_no_difference(written, monkeypatch, size):
    rng = random.Random(0)
    cells = ["", "1", "-2.5", "a,b", 'a "b"', "two\nlines", "é", "\r\n", " x"]
    table = [["n", "m", "o"], *([rng.choice(cells) for _ in range(3)] for _ in range(200))]
    made = io.StringIO()
    csv.writer(made, quoting=csv.QUOTE_ALL).writerows(table)
    path = written(made.getvalue())
    monkeypatch.setattr(delimited, "BLOCK", size)
    found = [tuple("" if cell is None else cell.replace("\r\n", "\n") for cell in row) for row in rows_of(path)]
    assert found == [tuple(cell.replace("\r\n", "\n") for cell in row) for row in table[1:]]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(CELLS, CELLS).map(list), min_size=1, max_size=8),
    st.sampled_from(",;\t|"),
)  # fmt: skip
def test_what_python_writes_is_read(tmp_path_factory, table, delimiter):
    made = io.StringIO()
    csv.writer(made, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["a", "b"], *table])
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text(made.getvalue(), encoding="utf-8", newline="")
    assert [["" if cell is None else cell for cell in row] for row in rows_of(path, delimiter=delimiter)] == table


def test_without_names_columns_are_counted(written):
    layout = look_at(written("1,2\n3,4\n"), header=False)
    assert layout.names == ("column_0", "column_1")
    assert [frame.rows() for frame in blocks(layout)] == [[("1", "2"), ("3", "4")]]


def test_names_are_stripped_and_the_nameless_counted(written):
    assert look_at(written(' a ,,"b, c"\n1,2,3\n')).names == ("a", "column_1", "b, c")


def test_a_first_line_of_numbers_is_remarked_on(written):
    assert "--no-header" in look_at(written("1,b\n1,2\n")).remarks[0]
    assert look_at(written("a,b\n1,2\n")).remarks == ()


@pytest.mark.parametrize(
    ("encoding", "option"),
    [
        ("utf-16", None),
        ("utf-8-sig", None),
        ("windows-1252", "cp1252"),
        ("latin-1", "latin-1"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_other_encodings_are_read(written, monkeypatch, encoding, option):
    path = written("a,b\né,1\nü,2\n".encode(encoding))
    monkeypatch.setattr(delimited, "BLOCK", 5)  # characters of several bytes lie across blocks
    assert rows_of(path, encoding=option) == [("é", "1"), ("ü", "2")]


def test_what_was_read_is_told(written):
    told = []
    path = written("a,b\n1,2\n")
    list(blocks(look_at(path), told.append))
    assert told[-1] == path.stat().st_size


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b"", {}, "is empty; a table needs"),
        (b"\n \n", {}, "is empty"),
        (b"a,b\n1,2\n3\n", {}, "line 3 has 1 field, and there are names 2"),
        (b"a,b\n1,2\n3,4,5\n6\n", {}, r"line 3 has 3 fields, and there are names 2 \(and 1 more lines are wrong\)"),
        (b'a,b\n"1\n1",2\n3,4,5\n', {}, "line 4 has 3 fields"),
        (b"a,b\n\n\n1,2,3\n", {}, "line 4 has 3 fields"),
        (b'a,b\n1,"2\n3,4\n', {}, "a quote that is opened in line 2 is never closed"),
        (
            b"a,b,c\n1,2,3\n",
            {"delimiter": ";"},
            r"nothing is split at ';'; it looks as if it is at ',' \(--delimiter\)",
        ),
        (b"a,a\n1,2\n", {}, "2 columns have the name 'a'; give each column its own name"),
        (b"1,1\n1,2\n", {}, "2 columns have the name '1'; are they no names. then --no-header"),
        (b"a,b\n1,\xe9\n", {}, "byte e9 in line 2 is no UTF-8; name its encoding, as --encoding windows-1252"),
        (b"a,b\n1,\x81\n", {"encoding": "windows-1252"}, "byte 81 in line 2 is no cp1252"),
        (b"\xe9,b\n1,2\n", {}, "byte e9 in line 1 is no UTF-8"),
        (b"a,b\n" + b"1,2\n" * 40_000 + b"\xff,1\n", {}, "byte ff in line 40002 is no UTF-8"),
        (b"a,b\n1,\x00\n", {}, "holds NUL bytes"),
        (b"a,b\n" + b"1,2\n" * 40_000 + b"\x00,1\n", {}, "NUL byte in line 40002"),
        (b"PAR1....", {}, "is no table of text, as its name says: it seems to be a Parquet table"),
        (b"\x1f\x8b\x08\x00", {}, "it seems to be gzip data"),
        (b"<html><body>", {}, "it seems to be an HTML or XML page"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(written, content, options, says):
    with pytest.raises(DataError, match=says) as caught:
        rows_of(written(content), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [{"delimiter": ";;"}, {"delimiter": '"'}, {"delimiter": "a"}, {"encoding": "utf-99"}, {"encoding": "zip"}],
)
def test_options_that_cannot_be(written, options):
    with pytest.raises(OptionError, match=next(iter(options))):
        look_at(written("a,b\n1,2\n"), **options)


def test_a_quote_that_is_never_closed_is_not_read_forever(written, monkeypatch):
    monkeypatch.setattr(delimited, "LONGEST_RECORD", 1000)
    monkeypatch.setattr(delimited, "BLOCK", 500)
    with pytest.raises(DataError, match="a quote that is opened in line 3 or soon after is never closed"):
        rows_of(written("a,b\n1,2\n" + '"' + "3,4\n" * 1000))


def test_lines_are_counted_over_blocks(written, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 10)
    with pytest.raises(DataError, match="line 42 has 1 field"):
        rows_of(written("a,b\n" + '1,2\n3,"x\ny"\n\n' * 10 + "4\n"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(BacklitError, match="cannot be opened"):
        look_at(tmp_path / "none.csv")
