"""``--leave-out``: rows that do not train; those that choose and judge stay."""

import numpy as np
import polars
import pytest

import backlit as bl
from backlit import data
from backlit.cli.left_out import rows_of


def test_numbers_and_tables(here):
    assert rows_of("5, 3,5", 9).tolist() == [3, 5]
    polars.DataFrame({"index": [4, 7, 2], "score": [0.9, 0.51, 0.5]}).write_csv(here / "rows.csv")
    polars.DataFrame({"index": [4], "score": [0.9]}).write_parquet(here / "rows.parquet")
    assert rows_of(str(here / "rows.csv"), 9).tolist() == [4, 7]
    assert rows_of(str(here / "rows.parquet"), 9).tolist() == [4]
    polars.DataFrame({"row": [4]}).write_csv(here / "other.csv")
    with pytest.raises(bl.DataError, match=r"is no table of `backlit diagnose --rows --out`"):
        rows_of(str(here / "other.csv"), 9)


def test_they_do_not_train_and_the_test_rows_are_the_same(run, here):
    read = data.read("iris")
    parts = data.split(read.y, validation=0.2, test=0.2, seed=0, stratify=True)
    gone = [*parts.train[:40].tolist(), int(parts.test[0])]
    named = ",".join(map(str, gone))
    done = run(f"train iris --epochs 4 --layers 5 --leave-out {named} --out a.safetensors --json").json
    assert done["rows"] == {"train": 50, "validation": 30, "test": 30}
    assert done["left_out"] == named
    by_hand = bl.Network([4, 5, 3], output="softmax", seed=0)
    model = bl.load_model(here / "a.safetensors")
    kept = parts.train[40:]
    assert model.encoding.offset == pytest.approx(read.X[kept].mean(axis=0))
    assert by_hand.sizes == model.network.sizes
    said = run(f"train iris --epochs 1 --leave-out {named}").err
    assert "left out: 40 of the training rows; 1 more of those named choose or judge, and stay" in said
    assert run("evaluate a.safetensors iris").code == 0


def test_no_row_left(run):
    everything = ",".join(map(str, np.arange(150)))
    done = run("train", "iris", "--leave-out", everything)
    assert (done.code, "--leave-out leaves no row to train on" in done.err) == (2, True)
