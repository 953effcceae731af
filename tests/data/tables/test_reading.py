import numpy as np
import polars as pl
import pytest

from backlit.data import encode_parts, fit, load, read, split
from backlit.data.tables import reading
from backlit.errors import DataError, OptionError


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, content):
    with open(name, "w", encoding="utf-8", newline="") as file:
        file.write(content)


def people(rows=40):
    lines = [f"{i},{20 + i % 9},{'red' if i % 3 else 'blue'},{i % 2}" for i in range(rows)]
    return "\n".join(["id,age,colour,rich", *lines]) + "\n"


def test_a_csv_a_parquet_and_the_frames_are_the_same_table(here):
    write("t.csv", people())
    pl.read_csv("t.csv").write_parquet("t.parquet")
    sources = ["t.csv", "t.parquet", pl.read_csv("t.csv"), pl.read_csv("t.csv").lazy()]
    sources.append(pl.read_csv("t.csv").to_dict(as_series=False))
    matrices = []
    for source in sources:
        table = read(source, target="rich")
        assert (table.rows, table.columns, table.y.tolist()) == (40, ("id", "age", "colour"), [0, 1] * 20)
        encoding = fit(table, np.arange(20))
        assert encoding.inputs[-2:] == ("colour=red", "colour=blue")
        matrices.append(encoding.features(table.X).tobytes())
    assert len(set(matrices)) == 1


def test_a_frame_of_pandas_is_the_same_table(here):
    pandas = pytest.importorskip("pandas")
    write("t.csv", people())
    theirs, ours = (read(frame.read_csv("t.csv"), target="rich") for frame in (pandas, pl))
    assert (theirs.columns, theirs.y.tolist()) == (ours.columns, ours.y.tolist())
    features = [fit(table, np.arange(20)).features(table.X).tobytes() for table in (theirs, ours)]
    assert features[0] == features[1]


def test_loading_gives_a_typed_frame_and_the_target(here):
    write("t.csv", people())
    X, y = load("t.csv", target="rich")
    assert X.schema == {"id": pl.Float64, "age": pl.Float64, "colour": pl.String}
    assert y.dtype == np.int64


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2", "3"], [1, 2, 3]),
        (["1.0", "2", "3"], [1.0, 2.0, 3.0]),
        ([" <=50K.", ">50K", " <=50K"], ["<=50K", ">50K", "<=50K"]),
        (["True", "false", "TRUE"], [True, False, True]),
        (["yes", "no", "yes"], ["yes", "no", "yes"]),
        (["a", "1", "b"], ["a", "1", "b"]),
    ],
)
def test_the_target_is_read_as_what_it_is(here, cells, expected):
    write("t.csv", "x;t\n" + "".join(f"{i};{cell}\n" for i, cell in enumerate(cells)))
    assert read("t.csv", target="t").y.tolist() == expected


def test_rows_without_a_target_are_left_out_and_counted(here):
    write("t.csv", "x,t\n1,a\n2,\n3,b\n4,?\n5,a\n")
    table = read("t.csv", target="t")
    assert table.X["x"].to_list() == [1, 3, 5]
    assert (table.rows, table.y.tolist()) == (3, ["a", "b", "a"])
    assert table.remarks == ("2 of 5 rows have no target 't' and were left out, the first is row 1",)


def test_several_targets(here):
    write("t.csv", "x,s,t\n1,0.5,1\n2,1.5,2\n3,2.5,4\n")
    for target in ("s,t", ["s", "t"]):
        table = read("t.csv", target=target)
        assert (table.columns, table.target, table.y.tolist()) == (("x",), "s, t", [[0.5, 1], [1.5, 2], [2.5, 4]])
    assert read("t.csv", target=["t"]).y.tolist() == [1, 2, 4]


def test_without_names_the_target_goes_by_its_place(here):
    write("t.csv", "1,2,a\n3,4,b\n")
    table = read("t.csv", header=False)
    assert (table.columns, table.target) == (("column_0", "column_1"), "column_2")
    assert table.remarks == ("the target is the last column, 'column_2'; --target takes another",)
    assert read("t.csv", header=False, target="-3").columns == ("column_1", "column_2")
    assert read("t.csv", header=False, target="0").y.tolist() == [1, 3]


def test_a_target_with_a_usual_name_is_taken_and_said(here):
    write("t.csv", "x,Label\n1,a\n2,b\n")
    table = read("t.csv")
    assert (table.target, table.remarks) == (
        "Label",
        ("the target is the column 'Label', by its name; --target takes another",),
    )


def test_a_change_of_a_test_row_changes_nothing(here):
    """Through the file, as a training reads it: what is learnt of the columns is learnt from the training rows."""
    lines = people(60).splitlines()
    write("t.csv", "\n".join(lines))
    table = read("t.csv", target="rich")
    parts = split(table.y, validation=0.2, test=0.2, seed=0, stratify=True)
    expected = fit(table, parts.train).to_dict()
    for rows, same in ((parts.test, True), (parts.validation, True), (parts.train, False)):
        changed = list(lines)
        changed[1 + rows[0]] = f"1000,1000,violet,{table.y[rows[0]]}"
        write("changed.csv", "\n".join(changed))
        assert (fit(read("changed.csv", target="rich"), parts.train).to_dict() == expected) == same


@pytest.mark.parametrize("held", [0, 1 << 20])
def test_a_table_too_large_to_be_kept_is_read_again(here, monkeypatch, held):
    write("t.csv", people(500))
    whole = read("t.csv", target="rich")
    monkeypatch.setattr(reading, "HELD", held)
    monkeypatch.setattr("backlit.data.tables.delimited.BLOCK", 1000)
    told = []
    table = read("t.csv", target="rich", progress=lambda done, total: told.append(done / total))
    assert table.X.equals(whole.X)
    assert table.take(np.array([0, 3, 499])).equals(whole.X[[0, 3, 499]])
    assert max(told) == 1
    rows = {"train": np.arange(0, 500, 3), "test": np.arange(1, 500, 3), "validation": np.arange(0)}
    encoding = fit(table, rows["train"])
    assert encoding.to_dict() == fit(whole, rows["train"]).to_dict()
    parts = encode_parts(table, encoding, rows, np.float32)
    assert set(parts) == {"train", "test"}
    for name, matrix in parts.items():
        assert matrix.tobytes() == encoding.features(whole.X, np.float32)[rows[name]].tobytes()


def test_the_same_contents_have_the_same_fingerprint(here):
    write("t.csv", people())
    write("again.csv", people().replace("\n", "\r\n"))
    write("other.csv", people().replace("red", "rad", 1))
    prints = {name: read(f"{name}.csv", target="rich").fingerprint() for name in ("t", "again", "other")}
    assert prints["t"] == prints["again"] != prints["other"]
    assert read("t.csv", target="age").fingerprint() != prints["t"]


def test_a_table_for_a_model_is_read_as_the_model_takes_it(here):
    write("t.csv", "code,t\n" + "x1,0\n7,1\n8,0\nx2,1\n" * 10)
    known = fit(read("t.csv", target="t"), np.arange(40)).table
    write("new.csv", "more,t,code\n1,0,7\n2,1,8\n")  # of its own accord, code would be numbers
    table = read("new.csv", target="t", like=known)
    assert table.X["code"].to_list() == ["7", "8"]
    assert table.remarks == ("columns that the model does not know are ignored: 'more'",)
    assert known.features(table.X).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]
    write("labels.csv", "code,t\n7,1\n")
    assert read("labels.csv", target="t", like=known, as_text=True).y.tolist() == ["1"]


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("a,b\n1,2\n", {}, "which column is the target. name it, as --target b; it has 'a', 'b'"),
        ("a,price\n1,2\n", {"target": "prise"}, "has no column 'prise' to be the target; did you mean 'price'"),
        ("a,b\n1,2\n", {"target": "x,y"}, "has no column 'x' to be the target"),
        ("a,b\n1,2\n", {"target": ["b", "b"]}, "the target 'b' is named twice"),
        ("t\n1\n2\n", {"target": "t"}, "the target 't' is the only column"),
        ("a,t\n", {"target": "t"}, "has names and no rows"),
        ("a,t\n1,?\n2,NA\n", {"target": "t"}, "target 't' is missing in every row"),
        ("a,s,t\n1,x,1\n2,y,2\n", {"target": "s,t"}, "target 's' is text, and several targets must be numbers"),
        ("a,t\n" + "".join(f"{i},t{i}\n" for i in range(30)), {"target": "t"},
         "30 different values in 30 rows, too many to be classes"),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_is_named_in_one_line(here, content, options, says):
    write("t.csv", content)
    with pytest.raises(DataError, match=says) as caught:
        read("t.csv", **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["digits", pl.DataFrame({"a": [1]}), "t.parquet"])
def test_options_of_a_csv_are_refused_for_anything_else(here, source):
    pl.DataFrame({"a": [1], "y": [2]}).write_parquet("t.parquet")
    with pytest.raises(OptionError, match=r"delimiter is for tables in a CSV file, and .* is none"):
        read(source, delimiter=";")


def test_an_infinite_number_of_a_frame_is_named(here):
    frame = pl.DataFrame({"a": [1.0, float("inf")], "y": [0, 1]})
    with pytest.raises(DataError, match="the frame: column 'a' has inf in row 1, where a number should be finite"):
        read(frame, target="y")


def test_columns_of_the_same_name(here):
    frame = pytest.importorskip("pandas").DataFrame([[1, 2, 3]], columns=["a", "a", "y"])
    with pytest.raises(DataError, match="the frame has the column 'a' 2 times"):
        read(frame, target="y")


@pytest.mark.parametrize("name", ["*", "^x.*$"])
def test_a_name_that_is_a_pattern_of_names_is_refused(here, name):
    write("t.csv", people().replace("age", name))
    for source in ("t.csv", pl.DataFrame({name: [1.0, 2.0], "y": [0, 1]})):
        with pytest.raises(DataError, match="which is read as a pattern of names; give it another name"):
            read(source)


def test_a_column_may_be_named_as_what_is_counted(here):
    frame = pl.DataFrame({"rows": ["a", "b"] * 20, "value": ["u", "v", "v", "u"] * 10, "y": [0, 1] * 20})
    assert fit(read(frame, target="y"), np.arange(40)).inputs == ("rows=a", "rows=b", "value=u", "value=v")


def test_text_that_begins_like_a_packed_file_is_text(here):
    write("t.csv", "x\x01a;b\n" + "x\x011;2\n" * 3)
    assert read("t.csv", target="b").columns == ("x\x01a",)
