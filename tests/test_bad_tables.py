"""Bad tables through the real command line: refused in one line before any training, or used with a word that says how."""
# ruff: noqa: E501  a row of the table stands on one line

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

import backlit as bl
from backlit.cli import main

ROWS = 60


def table(change=lambda lines: lines, name="t.csv", encoding="utf-8", rows=ROWS):
    """A maker of a CSV of a number, text, a date and the classes a and b; ``change`` spoils its lines."""

    def make(folder):
        lines = ["size,colour,day,kind"]
        lines += [
            f"{i % 7}.5,{('red', 'green')[i % 3 > 0]},2024-01-{1 + i % 28:02},{'ab'[i % 7 > 3]}" for i in range(rows)
        ]
        (folder / name).write_bytes("".join(f"{line}\n" for line in change(lines)).encode(encoding))

    return make


def at(line, content):
    """A change of one line; the names are line 1."""
    return lambda lines: [*lines[: line - 1], content, *lines[line:]]


def column(place, cell):
    """A change of a column: ``cell(i)`` in the i-th row."""

    def change(lines):
        cells = [line.split(",") for line in lines]
        for i, row in enumerate(cells[1:]):
            row[place] = str(cell(i))
        return [",".join(row) for row in cells]

    return change


def names(line):
    return at(1, line)


def model(folder):
    """The file of a model of that table."""
    table(name="old.csv")(folder)
    source = bl.data.read(folder / "old.csv", target="kind")
    encoding = bl.data.fit(source, bl.data.split(source.y, validation=0.2, test=0.2, seed=0, stratify=True).train)
    bl.save(bl.Model(bl.Network([len(encoding.inputs), 2], output="softmax"), encoding), folder / "model.safetensors")
    (folder / "old.csv").unlink()


def raw(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def both(*makers):
    return lambda folder: [make(folder) for make in makers]


@dataclass(frozen=True)
class Row:
    """What is run on which files, and what must be said."""

    name: str
    command: str
    says: tuple[str, ...]
    files: Callable[[Path], object]


def row(name, command, *says, files):
    return Row(name, command, says, files)


TRAIN, PREDICT, EVALUATE = (
    "train t.csv --target kind",
    "predict model.safetensors t.csv",
    "evaluate model.safetensors t.csv",
)

REFUSED = [
    row("a renamed column", PREDICT, "t.csv", "no column 'size'", "is it 'Size' now", files=both(model, table(names("Size,colour,day,kind")))),
    row("a missing column", PREDICT, "t.csv", "no column 'colour'", files=both(model, table(lambda lines: [line.replace(",red", "").replace(",green", "").replace(",colour", "") for line in lines]))),
    row("text where numbers were", PREDICT, "column 'size' has 'big' in row 4", "a number should be", files=both(model, table(at(6, "big,red,2024-01-01,a")))),
    row("text where numbers were, judged", EVALUATE, "column 'size' has 'big' in row 4", files=both(model, table(at(6, "big,red,2024-01-01,a")))),
    row("an empty file", TRAIN, "t.csv", "is empty", files=raw("t.csv", b"")),
    row("an empty Parquet file", "train t.parquet --target kind", "t.parquet", "it is empty", files=raw("t.parquet", b"")),
    row("a header only", TRAIN, "t.csv", "has names and no rows", files=table(lambda lines: lines[:1])),
    row("a header only, predicted", PREDICT, "t.csv", "has names and no rows", files=both(model, table(lambda lines: lines[:1]))),
    row("a ragged line", TRAIN, "t.csv", "line 5 has 3 fields, and there are names 4", files=table(at(5, "1,red,2024-01-01"))),
    row("a ragged line, predicted", PREDICT, "t.csv", "line 5 has 5 fields", files=both(model, table(at(5, "1,red,2024-01-01,a,b")))),
    row("a ragged line without names", "train t.csv --no-header", "t.csv", "line 5 has 3 fields, and the first line has 4", files=table(at(5, "1,red,2024-01-01"))),
    row("a wrong delimiter forced", f"{TRAIN} --delimiter ;", "nothing is split at ';'", "','", "--delimiter", files=table()),
    row("a delimiter that is none", f"{TRAIN} --delimiter ab", "delimiter 'ab'", "one character", files=table()),
    row("a quote that is never closed", TRAIN, "a quote that is opened in line 5 is never closed", files=table(at(5, '1,"red,2024-01-01,a'))),
    row("a target that is not there", "train t.csv --target knid", "no column 'knid'", "did you mean 'kind'", files=table()),
    row("no target named", "train t.csv", "which column is the target", "--target", "'size'", files=table()),
    row("a place beyond the columns", "train t.csv --no-header --target 9", "no column '9'", "'column_3'", files=table()),
    row("a target with all values missing", TRAIN, "target 'kind' is missing in every row", files=table(column(3, lambda i: "?"))),
    row("a target that is the only column", TRAIN, "the target 'kind' is the only column", files=table(lambda lines: [line.split(",")[3] for line in lines])),
    row("nothing to learn from", TRAIN, "there is no column to learn from", "'size'", files=table(lambda lines: [f"1,x,2024-01-01,{line.split(',')[3]}" if i else line for i, line in enumerate(lines)])),
    row("all cells missing", TRAIN, "there is no column to learn from", "every cell is missing", files=table(lambda lines: [f",NA,?,{line.split(',')[3]}" if i else line for i, line in enumerate(lines)])),
    row("two columns of a name", TRAIN, "2 columns have the name 'size'", files=table(names("size,size,day,kind"))),
    row("rows taken for names", TRAIN, "2 columns have the name '1'", "--no-header", files=table(names("1,1,day,kind"))),
    row("dates out of range", PREDICT, "column 'day' has '2024-02-30' in row 4", "2024-12-31", files=both(model, table(at(6, "1,red,2024-02-30,a")))),
    row("an infinite number", TRAIN, "column 'size' has 'inf' in row 2", "finite", files=table(at(4, "inf,red,2024-01-01,a"))),
    row("an infinite number behind rows left out", TRAIN, "column 'size' has '1e999' in row 7", files=table(lambda lines: at(4, "1,red,2024-01-01,")(at(9, "1e999,red,2024-01-01,a")(lines)))),
    row("text that is no class", "train t.csv --target name", "60 different values in 60 rows", "--target takes another", files=table(lambda lines: [f"{line},{'name' if i == 0 else f'n{i}'}" for i, line in enumerate(lines)])),
    row("dates to learn", "train t.csv --target day", "target 'day' is dates or times", "days since a day", files=table(column(2, lambda i: f"2024-{1 + i % 12:02}-{1 + i // 12:02}"))),
    row("several targets, one of them text", "train t.csv --target size,kind", "target 'kind' is text", "must be numbers", files=table()),
    row("text as numbers", f"{TRAIN} --task numbers", "target 'kind' is text", "cannot be numbers", files=table()),
    row("a class nobody knows", EVALUATE, "unknown class 'c' in row 0", "known: 'a', 'b'", files=both(model, table(at(2, "1,red,2024-01-01,c")))),
    row("no target to judge by", EVALUATE, "no column 'kind'", files=both(model, table(names("size,colour,day,other")))),
    row("a Parquet file called CSV", TRAIN, "t.csv", "no table of text, as its name says", "Parquet", files=lambda f: pl.DataFrame({"a": [1]}).write_parquet(f / "t.csv")),
    row("gzip called CSV", TRAIN, "t.csv", "gzip", files=raw("t.csv", b"\x1f\x8b\x08\x00abc")),
    row("a CSV called Parquet", "train t.parquet --target kind", "t.parquet", "no Parquet file, as its name says", files=table(name="t.parquet")),
    row("a Parquet file cut short", "train t.parquet --target b", "t.parquet", "damaged or cut short", files=raw("t.parquet", b"PAR1abcdefgh")),
    row("a damaged Parquet file", "train t.parquet --target b", "t.parquet", "damaged or cannot be read", files=raw("t.parquet", b"PAR1" + b"\xff" * 40 + b"PAR1")),
    row("another encoding", TRAIN, "byte e9 in line 5 is no UTF-8", "--encoding windows-1252", files=table(at(5, "1,ré,2024-01-01,a"), encoding="latin-1")),
    row("an encoding nobody knows", f"{TRAIN} --encoding utf-9", "encoding 'utf-9' is not known", files=table()),
    row("NUL bytes", TRAIN, "t.csv", "NUL bytes", files=raw("t.csv", b"a,kind\n\x00,a\n")),
    row("columns by place that do not fit", f"{PREDICT} --no-header", "has 2 columns where 3 are expected", files=both(model, raw("t.csv", b"1,2\n3,4\n"))),
    row("options of a CSV for something else", "train digits --delimiter ;", "delimiter", "digits is none", files=lambda folder: None),
    row("a file that is not there", TRAIN, "t.csv", "no such file", files=lambda folder: None),
    row("openml without a name", "train openml:", "openml:NAME", files=lambda folder: None),
]  # fmt: skip

SAID = [
    row("a target with missing values", TRAIN, "2 of 60 rows have no target 'kind' and were left out, the first is row 3", files=table(lambda lines: at(5, "1,red,2024-01-01,")(at(9, "1,red,2024-01-01,NA")(lines)))),
    row("all of a column missing", TRAIN, "column 'size': left out: every cell is missing", files=table(column(0, lambda i: "?"))),
    row("a constant column", TRAIN, "column 'colour': left out: it is 'red' in every row", files=table(column(1, lambda i: "red"))),
    row("near-unique text", TRAIN, "column 'colour': left out: text with 36 different values in 36 cells", files=table(column(1, lambda i: f"c{i}"))),
    row("mixed types", TRAIN, "column 'size' mixes 40 numbers with 20 cells of text, such as 'big' in row 0: taken as text", files=table(column(0, lambda i: i % 7 if i % 3 else ("big", "small")[i % 2]))),
    row("a word for all that is missing", TRAIN, "column 'size' is numbers; counted as missing: 'unknown' (row 0)", files=table(column(0, lambda i: i % 7 if i % 3 else "unknown"))),
    row("a target with a sign", "train t.csv --target size", "the target 'size' is numbers written with '%'; answers come without", files=table(column(0, lambda i: f"{i}.5%"))),
    row("a few words among numbers", TRAIN, "column 'size' is numbers; counted as missing: 'lots' (row 8)", files=table(at(10, "lots,red,2024-01-01,a"))),
    row("a date out of range", TRAIN, "column 'day' is dates or times (%Y-%m-%d); counted as missing: '2024-13-01' (row 8)", files=table(at(10, "1,red,2024-13-01,a"))),
    row("numbers for names", "train t.csv --target kind", "the first line was taken for names, as '1'; --no-header", files=table(names("1,colour,day,kind"))),
    row("uneven classes", TRAIN, "the classes are uneven", "--class-weight balanced", files=table(column(3, lambda i: "ab"[i % 10 == 0]))),
    row("no names, no target", "train t.csv --no-header", "the target is the last column, 'column_3'", files=table(lambda lines: lines[1:])),
    row("another encoding, named", f"{TRAIN} --encoding latin-1", "", files=table(column(1, lambda i: ("é", "ü")[i % 2]), encoding="latin-1")),
    row("UTF-16 that says so", TRAIN, "", files=table(encoding="utf-16")),
    row("columns that are not known", PREDICT, "columns that the model does not know are ignored: 'more'", files=both(model, table(lambda lines: [f"{line},{i or 'more'}" for i, line in enumerate(lines)]))),
]  # fmt: skip


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def no_step(*_, **__):
    pytest.fail("a training began")


@pytest.mark.parametrize("bad", REFUSED, ids=[bad.name for bad in REFUSED])
def test_a_bad_table_is_refused_in_one_line(bad, here, capsys, monkeypatch):
    bad.files(here)
    monkeypatch.setattr(bl, "train", no_step)
    before = sorted(here.iterdir())
    code = main(bad.command.split())
    out, err = capsys.readouterr()
    assert (code, out) == (2, ""), err
    assert err.startswith("backlit: ")
    assert err.count("\n") == 1, f"not one line: {err}"
    assert [part for part in bad.says if part not in err] == [], err
    assert sorted(here.iterdir()) == before


@pytest.mark.parametrize("odd", SAID, ids=[odd.name for odd in SAID])
def test_an_odd_table_is_used_with_a_word(odd, here, capsys):
    odd.files(here)
    code = main([*odd.command.split(), *(["--epochs", "2"] if "train" in odd.command else [])])
    err = capsys.readouterr().err
    assert code == 0, err
    assert [part for part in odd.says if part not in err] == [], err


def test_a_column_of_a_hundred_thousand_values(here, capsys):
    values = [i // 2 % 100_000 if i % 2 else i % 1000 for i in range(260_000)]
    assert len(set(values)) == 100_000
    lines = ["id,kind", *(f"v{value},{'ab'[i // 2 % 2]}" for i, value in enumerate(values))]
    (here / "t.csv").write_text("\n".join(lines))
    assert (
        main(
            ["train", "t.csv", "--target", "kind", "--epochs", "1", "--quiet", "--layers", "4", "--batch-size", "1000"]
        )
        == 0
    )
    assert len(bl.load_model("t.safetensors").encoding.inputs) == 64 + 16


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1,red,2024-01-01,c", "unknown class 'c' in row 4"),
        ("big,red,2024-01-01,a", "column 'size' has 'big' in row 4"),
    ],
)
def test_behind_rows_without_a_target_rows_count_as_in_the_file(line, says, here, capsys):
    both(model, table(lambda lines: at(4, "1,red,2024-01-01,")(at(6, line)(lines))))(here)
    assert main(EVALUATE.split()) == 2
    note, error = capsys.readouterr().err.splitlines()
    assert "1 of 60 rows have no target" in note
    assert says in error
