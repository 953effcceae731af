"""Streams: what is in the file is what is read, in any dtype; what cannot be used is named."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.data.streaming import StreamedRows, blocks_of, stream
from backlit.errors import DataError, OptionError

RNG = np.random.default_rng(3)
ROWS = 100
FRAME = pl.DataFrame(
    {
        "a": RNG.normal(size=ROWS), "b": RNG.integers(-5, 5, ROWS), "c": RNG.random(ROWS) < 0.5,
        "d": RNG.normal(size=ROWS).astype("f4"), "y": np.arange(ROWS) % 3,
    }
)  # fmt: skip
X = FRAME.drop("y").cast(pl.Float64).to_numpy()


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    FRAME.write_parquet(tmp_path / "t.parquet", row_group_size=13)
    return tmp_path / "t.parquet"


@pytest.mark.parametrize("window", [1, 16, 40, 99, 100, 1000, None])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_parquet_file_in_row_groups_of_any_size(window: int | None, dtype: str, parquet: Path) -> None:
    found = stream(parquet, target="y", window=window)
    rows = StreamedRows(found, np.dtype(dtype))
    np.testing.assert_array_equal(rows[:], X.astype(dtype))
    np.testing.assert_array_equal(found.y, FRAME["y"].to_numpy())
    assert found.columns == ("a", "b", "c", "d")
    sizes = np.diff(found.edges)
    assert sizes.sum() == found.rows == ROWS
    if window is None or window >= ROWS:
        assert found.blocks >= len(sizes)
    else:
        assert found.blocks * sizes.max() <= window
        assert set(found.edges) >= set(range(0, ROWS, 13)) or window > 16 * 13  # each row group begins a block


def test_a_folder_of_parquet_files_is_their_rows_one_after_the_other(tmp_path: Path) -> None:
    for number in range(4):
        FRAME[number * 25 : (number + 1) * 25].write_parquet(tmp_path / f"part-{number}.parquet")
    found = stream(tmp_path, target="y", window=20)
    np.testing.assert_array_equal(StreamedRows(found, np.dtype("f8"))[:], X)
    np.testing.assert_array_equal(found.y, FRAME["y"].to_numpy())


def test_columns_by_name_and_several_targets(parquet: Path) -> None:
    found = stream(parquet, target=["y", "b"], columns=["d", "a"])
    np.testing.assert_array_equal(StreamedRows(found, np.dtype("f8"))[:], FRAME.select("d", "a").to_numpy())
    np.testing.assert_array_equal(found.y, FRAME.select("y", "b").to_numpy())
    assert stream(parquet).y is None


@pytest.mark.parametrize("kind", ["f4", "f8", "i2", "u1", "?", ">f8", "f2"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_npy_file_of_any_dtype(kind: str, order: Any, dtype: str, tmp_path: Path) -> None:
    values = (np.abs(X) * 20).astype(kind, order=order)
    np.save(tmp_path / "X.npy", values)
    for source in (tmp_path / "X.npy", values, np.load(tmp_path / "X.npy", mmap_mode="r", allow_pickle=False)):
        rows = StreamedRows(stream(source, window=24), np.dtype(dtype))
        assert rows[:].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(rows[:], values.astype(dtype))


def test_a_pair_of_npy_files_and_images(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (30, 4, 5), dtype=np.uint8)
    np.save(tmp_path / "X.npy", images)
    np.save(tmp_path / "y.npy", np.arange(30))
    found = stream(f"{tmp_path}/X.npy,{tmp_path}/y.npy", window=8)
    np.testing.assert_array_equal(found.y, np.arange(30))
    assert found.columns[:2] == ("pixel_0_0", "pixel_0_1")
    expected, _ = bl.data.load(f"{tmp_path}/X.npy,{tmp_path}/y.npy")
    np.testing.assert_array_equal(StreamedRows(found, np.dtype("f4"))[:], expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_npz_file_is_read_where_its_numbers_lie(order: Any, tmp_path: Path) -> None:
    values = X.astype("f4", order=order)
    np.savez(tmp_path / "t.npz", other=np.zeros(3), X=values, y=np.arange(ROWS), mine=np.arange(ROWS) * 2)
    found = stream(tmp_path / "t.npz", window=24)
    np.testing.assert_array_equal(StreamedRows(found, np.dtype("f8"))[:], values)
    np.testing.assert_array_equal(found.y, np.arange(ROWS))
    assert (found.blocks, found.columns) == (24, ("x0", "x1", "x2", "x3"))
    np.testing.assert_array_equal(stream(tmp_path / "t.npz", target="mine").y, np.arange(ROWS) * 2)
    np.savez(tmp_path / "alone.npz", data=values)
    assert stream(tmp_path / "alone.npz").y is None


def test_an_npz_file_that_cannot_be_streamed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "t.npz"
    np.savez_compressed(file, X=X, y=np.arange(ROWS))
    assert "X is packed, and can only be unpacked whole; save it again with numpy.savez" in bad(file)
    np.savez(file, X=X, y=np.arange(ROWS - 1))
    assert "100 rows of features and 99 of targets" in bad(file)
    np.savez(file, X=X, y=np.arange(ROWS))
    assert "no array for a target: looked for z" in bad(file, target="z")
    assert "columns are names in a Parquet file" in bad(file, columns=["x0"])
    assert "is one array" in bad(file, target=["y"])
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    assert "damaged or cut short" in bad(file)
    file.write_bytes(b"no archive")
    assert "is not an .npz file" in bad(file)
    start = whole.index(b"\x93NUMPY")
    for old, new in ((b"(100, 4)", b"(900, 4)"), (b"'<f8'", b"'|O'")):
        at = whole.index(old)
        file.write_bytes(whole[:at] + new.ljust(len(old)) + whole[at + len(old) :])
        assert str(file) in bad(file)
    file.write_bytes(whole[:26] + b"\xff\xff" + whole[28:])  # its own header says that the name is longer
    assert str(file) in bad(file)
    wrong = X.copy()
    wrong[71, 2] = np.nan
    np.savez(file, X=wrong)
    assert "X has NaN at row 71, column 2 ('x2')" in bad(file)
    assert start == 30 + len("X.npy") + int.from_bytes(whole[28:30], "little")  # as the zip format has it


def test_how_it_is_shuffled_is_said(parquet: Path) -> None:
    assert repr(stream(parquet, target="y", window=32)).endswith(
        "t.parquet': 100 rows × 4 columns, with a target; 8 blocks of up to 13 rows, shuffled within windows of 2)"
    )
    assert repr(stream(parquet)) == f"Stream('{parquet}': 100 rows × 5 columns; all rows shuffled together)"


def test_a_window_takes_256_megabytes_where_nobody_says_how_many_rows() -> None:
    wide = np.lib.stride_tricks.as_strided(np.zeros(1), (10**7, 100), (0, 0))  # 8 GB that are not there
    found = stream(wide)
    assert found.blocks == 16
    assert 0.99 * 2**28 < found.blocks * np.diff(found.edges).max() * 100 * 8 <= 2**28


def bad(source: Any, **options: Any) -> str:
    def read() -> None:
        StreamedRows(stream(source, **options), np.dtype("f4")).check_finite("X")

    with pytest.raises((DataError, OptionError)) as caught:
        read()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_used_is_named(parquet: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.parquet"
    FRAME.with_columns(city=pl.lit("Bern")).write_parquet(text)
    assert "column 'city' is String; a stream takes columns of numbers" in bad(text)
    gaps = tmp_path / "gaps.parquet"
    FRAME.with_columns(b=pl.when(pl.int_range(ROWS) != 77).then("b")).write_parquet(gaps)
    assert "no value at row 77, column 'b' (rows count from 0); fill or leave out such rows" in bad(gaps, window=20)
    assert "no value at row 77, column 'b'" in bad(gaps, target="b")
    assert "has no column 'z'; it has a, b, c, d, y" in bad(parquet, target="z")
    assert "cannot be read as Parquet" in bad(tmp_path / "missing.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    assert "cannot be read as Parquet" in bad(tmp_path / "broken.parquet")
    empty = tmp_path / "empty.parquet"
    FRAME[:0].write_parquet(empty)
    assert "has 0 rows" in bad(empty)
    assert "only .parquet files, folders of them, .npy and .npz files can be streamed" in bad("data.csv")
    assert "not of int" in bad(3)
    assert "rows × columns of numbers; it is (3,) of float64" in bad(np.zeros(3))
    assert "the columns of an array have none" in bad(X, target="y")
    for window in (0, -1, 2.5, True, "all"):
        assert "window must be a whole number of rows, at least 1, not" in bad(X, window=window)
    np.save(tmp_path / "F.npy", np.asfortranarray(np.zeros((4, 5, 6))))
    assert "these images lie pixel by pixel" in bad(tmp_path / "F.npy")
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", np.zeros(7))
    assert "100 rows of features and 7 of targets" in bad(f"{tmp_path}/X.npy,{tmp_path}/y.npy")
    (tmp_path / "X.npy").write_bytes((tmp_path / "X.npy").read_bytes()[:-1])
    assert "truncated" in bad(tmp_path / "X.npy")


@pytest.mark.parametrize("taken", [False, True])
def test_a_number_that_is_not_finite_is_named_by_its_row_in_the_file(taken: bool, tmp_path: Path) -> None:
    for value, says in ((np.nan, "X has NaN"), (-np.inf, "X has infinity"), (1e300, "X as float32 has infinity")):
        wrong = X.copy()
        wrong[71, 2] = value
        np.save(tmp_path / "X.npy", wrong)
        rows = StreamedRows(stream(tmp_path / "X.npy", window=24), np.dtype("f4"))
        rows = rows.take(np.arange(1, ROWS, 2)) if taken else rows
        with pytest.raises(DataError, match=rf"{says} at row 71, column 2 \('x2'\)"):
            rows.check_finite("X")


def test_a_file_that_changes_while_it_is_read_is_an_error_of_one_line(parquet: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    found = StreamedRows(stream(tmp_path / "X.npy", window=16), np.dtype("f8"))
    os.truncate(tmp_path / "X.npy", 1000)
    with pytest.raises(DataError, match=r"X\.npy: was cut short while it was read"):
        found[90:95]
    (tmp_path / "X.npy").unlink()
    with pytest.raises(DataError, match=r"X\.npy: cannot be read any more: No such file"):
        found[90:95]
    found = StreamedRows(stream(parquet, window=16), np.dtype("f8"))
    FRAME[:50].write_parquet(parquet)
    with pytest.raises(DataError, match="has fewer rows than when the training began"):
        found[90:95]
    parquet.unlink()
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        found[90:95]


def test_row_groups_of_every_file_of_a_folder_are_blocks(tmp_path: Path) -> None:
    for number, rows in enumerate((40, 7, 53)):
        part = FRAME[sum((40, 7, 53)[:number]) :][:rows]
        part.write_parquet(tmp_path / f"{number}.parquet", row_group_size=20)
    assert stream(tmp_path, window=50).edges.tolist() == [0, 20, 40, 47, 67, 87, 100]


@pytest.mark.parametrize(
    ("groups", "window", "whole", "edges"),
    [
        ([10], 10, False, list(range(11))),
        ([10], 3, False, list(range(11))),
        ([100], 64, False, [*range(0, 100, 4), 100]),
        ([10] * 5, 20, True, [0, 10, 20, 30, 40, 50]),
        ([100], 20, True, list(range(0, 101, 10))),  # a group too large for two of them to make a window
        ([101], 100, True, [0, 33, 67, 101]),
        ([1] * 64, 64, True, list(range(0, 65, 4))),  # small ones are read together
        ([5, 60, 1, 1, 1], 64, True, [0, 5, 35, 65, 68]),
    ],
)
def test_how_rows_are_cut_into_blocks(groups: list[int], window: int, whole: bool, edges: list[int]) -> None:
    assert blocks_of(groups, window, whole=whole).tolist() == edges
