"""Tables larger than the memory: the encoded rows wait in a file, and nothing is left of it."""

import errno
import gc
import os
import signal

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.cli import stored
from backlit.engines.reference import ReferenceSession
from backlit.errors import OutputPathError

TRAIN = "train t.parquet --target y --layers 5 --epochs 3 --seed 1 --json"


@pytest.fixture
def table(here):
    rng = np.random.default_rng(0)
    size, city = rng.normal(size=300), rng.choice(["Bern", "Köln", "Oslo"], 300)
    frame = pl.DataFrame(
        {"size": size, "city": city, "gap": rng.normal(size=300), "y": np.where(size > 0, "yes", "no")}
    )
    frame = frame.with_columns(gap=pl.when(pl.col("gap") < 1).then("gap"))
    frame.write_parquet(here / "t.parquet", row_group_size=50)
    frame.write_csv(here / "t.csv")
    return frame


def test_one_window_over_all_rows_gives_almost_the_model_in_memory_and_leaves_nothing(run, here, table):
    """The same rows, encoding and start, in another order: the scores are near, the files are as many."""
    whole = run(f"{TRAIN} --out whole").json
    streamed = run(f"{TRAIN} --out streamed --window 1000").json
    assert abs(streamed["scores"]["test"]["accuracy"] - whole["scores"]["test"]["accuracy"]) < 0.15  # 9 of 60 rows
    assert sorted(p.name for p in here.iterdir()) == ["streamed", "t.csv", "t.parquet", "whole"]
    one, other = bl.load_model("whole"), bl.load_model("streamed")
    assert one.encoding.to_dict() == other.encoding.to_dict()


def test_the_same_window_gives_the_same_file_and_another_another(run, here, table):
    for name, window in (("a", 64), ("b", 64), ("c", 32)):
        assert run(f"{TRAIN} --out {name} --window {window}").code == 0
    a, b, c = ((here / name).read_bytes() for name in "abc")
    assert a == b
    assert bl.load("a").parameters.tobytes() != bl.load("c").parameters.tobytes()
    assert a != c


def test_of_a_csv_table_and_said_in_words(run, here, table):
    result = run("train t.csv --target y --layers 5 --epochs 2 --window 64")
    assert result.code == 0
    assert "blocks of up to 4 rows, shuffled within windows of 16" in result.out


@pytest.mark.parametrize("source", ["t.npz", "X.npy,y.npy"])
def test_arrays_stay_in_their_file_too(source, run, here, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = (X[:, 0] > 0).astype(int)
    np.savez(here / "t.npz", X=X, y=y)
    np.save(here / "X.npy", X)
    np.save(here / "y.npy", y)
    train = f"train {source} --layers 5 --epochs 3 --seed 1 --json"
    whole = run(f"{train} --out whole").json
    with monkeypatch.context() as never:
        for name in ("read_npz", "read_npy"):
            never.setattr(f"backlit.data.arrays.{name}", None)
        found = run(f"{train} --out windowed --window 64").json
    assert abs(found["scores"]["test"]["accuracy"] - whole["scores"]["test"]["accuracy"]) < 0.2  # 12 of 60 rows
    assert "shuffled within windows of 16" in found["options"]["windows"]["shuffled"]
    one, other = bl.load_model("whole"), bl.load_model("windowed")
    assert one.encoding.scale == pytest.approx(other.encoding.scale, rel=1e-12)
    assert one.provenance["fingerprint"] == other.provenance["fingerprint"]
    assert set(run(f"evaluate windowed {source} --json").json["scores"]) >= {"test", "all"}


def test_a_packed_archive_is_read_whole_with_a_word(run, here):
    rng = np.random.default_rng(0)
    np.savez_compressed(here / "t.npz", X=rng.normal(size=(60, 4)), y=np.arange(60) % 2)
    result = run("train t.npz --layers 5 --epochs 1 --window 16")
    assert result.code == 0
    assert "t.npz: X is packed, and was unpacked into memory" in " ".join(result.err.split())


def test_stopped_and_resumed_it_gives_the_same_file(run, here, table, monkeypatch):
    run(f"{TRAIN} --out whole --window 64 --engine reference")
    original = ReferenceSession.run

    def pressed(self, *arguments, **options):
        report = original(self, *arguments, **options)
        if self.step > 8:
            signal.raise_signal(signal.SIGINT)
        return report

    with monkeypatch.context() as patch:
        patch.setattr(ReferenceSession, "run", pressed)
        assert run(f"{TRAIN} --out part --window 64 --engine reference --checkpoint c").code == 130
    resumed = run(f"{TRAIN} --out resumed --window 64 --engine reference --checkpoint c --resume")
    assert resumed.code == 0, resumed.err
    assert (here / "resumed").read_bytes() == (here / "whole").read_bytes()
    gc.collect()  # the interruption holds the frames that it passed; a process ends with them
    assert not [p for p in here.iterdir() if p.name.startswith(".backlit-rows")]


def test_a_full_disk_is_said_before_the_training(run, here, table, monkeypatch):
    if not hasattr(os, "posix_fallocate"):
        pytest.skip("space cannot be taken beforehand here")

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    result = run(f"{TRAIN} --out m --window 64")
    assert (result.code, result.out) == (2, "")
    assert "cannot be written: there is no space left on its disk" in result.err
    assert result.err.count("\n") == 1
    assert sorted(p.name for p in here.iterdir()) == ["t.csv", "t.parquet"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_room_is_an_npy_file_that_others_can_read(dtype, tmp_path):
    make, rows = stored.room(10, tmp_path / "model")
    matrix = make("train", (20, 3), dtype)
    matrix[:] = np.arange(60).reshape(20, 3)
    assert rows(matrix).rows == 20
    (folder,) = tmp_path.iterdir()
    np.testing.assert_array_equal(np.load(folder / "train.npy", allow_pickle=False), matrix)
    del make, rows
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_said(tmp_path):
    with pytest.raises(OutputPathError, match="its folder does not exist"):
        stored.room(10, tmp_path / "missing" / "model")


@pytest.mark.parametrize("window", ["0", "-3", "2.5", "all"])
def test_a_window_that_is_none(window, run, here):
    result = run(f"train digits --window {window}")
    assert result.code == 2
    assert "--window must be a whole number" in result.err
