"""Tables through the commands: trained on, judged, predicted and inspected, as files and as frames."""

import csv
import io
import os
import pty
import re
import subprocess

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.data.tables import reading

ROWS = 300


def flats(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    size, town = rng.lognormal(4, 0.4, rows).round(1), rng.integers(0, 3, rows)
    return pl.DataFrame(
        {
            "size": size, "town": np.array(["north", "south", "east"])[town],
            "name": [f"flat {i}" for i in range(rows)],
            "age": [None if i % 9 == 0 else int(x) for i, x in enumerate(rng.integers(0, 80, rows))],
            "dear": np.where(size * (1 + town) + rng.normal(0, 10, rows) > 100, "yes", "no"),
            "price": (size * (1 + town) + rng.normal(0, 10, rows)).round(2),
        }
    )  # fmt: skip


@pytest.fixture
def trained(run, here):
    """The folder, with flats.csv and a model that says whether one is dear."""
    flats().write_csv("flats.csv")
    assert run("train flats.csv --target dear --epochs 20 --quiet").code == 0
    return here


def predictions(result):
    assert result.code == 0, result.err
    rows = list(csv.reader(io.StringIO(result.out)))
    return rows[0], rows[1:]


def test_train_evaluate_and_predict_agree(run, trained):
    scores = run("train flats.csv --target dear --epochs 20 --json --out again.safetensors").json["scores"]
    judged = run("evaluate flats.safetensors flats.csv --json").json["scores"]
    assert {part: judged[part] for part in scores} == scores
    assert scores["test"]["accuracy"] > 0.8  # of 0.65 in the larger class
    head, rows = predictions(run("predict flats.safetensors flats.csv"))
    assert head == ["row", "predicted dear", "p(no)", "p(yes)"]
    frame, model = pl.read_csv("flats.csv"), bl.load_model("flats.safetensors")
    assert [row[1] for row in rows] == model.predict(frame).tolist()
    right = np.mean([row[1] for row in rows] == frame["dear"].to_numpy())
    assert right == pytest.approx(judged["all"]["accuracy"], abs=1e-12)
    np.testing.assert_allclose([[float(p) for p in row[2:]] for row in rows], model.predict_proba(frame), atol=5.1e-7)


def test_the_order_of_columns_others_and_the_target_make_no_difference(run, trained):
    frame = flats()
    expected = run("predict flats.safetensors flats.csv").out
    frame[:, ::-1].write_csv("turned.csv")
    frame.drop("dear", "name").write_csv("without.csv", separator=";")
    frame.with_columns(more=1).write_parquet("more.parquet")
    for name in ("turned.csv", "without.csv", "more.parquet"):
        result = run(f"predict flats.safetensors {name}")
        assert result.out == expected
        assert ("ignored: 'more'" in result.err) == (name == "more.parquet")
    model = bl.load_model("flats.safetensors")
    assert model.outputs(frame[:, ::-1]).tobytes() == model.outputs(frame).tobytes()


def test_a_frame_of_pandas_is_predicted_as_one_of_polars(trained):
    pandas, frame, model = pytest.importorskip("pandas"), flats(), bl.load_model("flats.safetensors")
    same = pandas.DataFrame(frame.to_dict(as_series=False))
    assert model.outputs(same).tobytes() == model.outputs(frame).tobytes()


def test_rows_are_answered_block_by_block(run, trained, monkeypatch):
    expected = run("predict flats.safetensors flats.csv").out
    monkeypatch.setattr("backlit.data.tables.delimited.BLOCK", 500)
    blocks = []
    through = bl.data.tables.encoding.TableEncoding.features
    monkeypatch.setattr(
        "backlit.data.tables.encoding.TableEncoding.features",
        lambda table, X, *a, **k: blocks.append(len(X)) or through(table, X, *a, **k),
    )
    assert run("predict flats.safetensors flats.csv").out == expected
    assert len(blocks) > 10
    assert sum(blocks) == ROWS
    assert run("predict flats.safetensors flats.csv -o p.csv").err.endswith(f"{ROWS} predictions in p.csv\n")
    assert (trained / "p.csv").read_text() == expected


def test_a_table_too_large_to_be_kept_gives_the_same_model(run, trained, monkeypatch):
    monkeypatch.setattr(reading, "HELD", 0)
    run("train flats.csv --target dear --epochs 20 --quiet --out again.safetensors")
    first, second = bl.load_model("flats.safetensors"), bl.load_model("again.safetensors")
    assert first.network.parameters.tobytes() == second.network.parameters.tobytes()
    assert first.encoding.to_dict() == second.encoding.to_dict()
    assert first.provenance == second.provenance


def test_a_bad_cell_far_down_leaves_no_file(run, trained, monkeypatch):
    monkeypatch.setattr("backlit.data.tables.delimited.BLOCK", 500)
    lines = (trained / "flats.csv").read_text().splitlines()
    lines[250] = lines[250].replace(lines[250].split(",")[0], "big", 1)
    (trained / "bad.csv").write_text("\n".join(lines))
    result = run("predict flats.safetensors bad.csv -o p.csv")
    assert (result.code, result.out) == (2, "")
    assert "bad.csv: column 'size' has 'big' in row 249" in result.err
    assert not (trained / "p.csv").exists()


def test_numbers_come_in_their_own_units(run, here):
    flats().write_csv("flats.csv")
    said = run("train flats.csv --target price --epochs 40 --quiet")
    assert "'price' is a number, by its values (--task forces)" in said.out
    head, rows = predictions(run("predict flats.safetensors flats.csv"))
    assert head == ["row", "predicted price"]
    price = flats()["price"].to_numpy()
    found = np.array([float(row[1]) for row in rows])
    assert np.corrcoef(found, price)[0, 1] > 0.9
    assert abs(found.mean() - price.mean()) < 20


def test_several_targets(run, here):
    flats().write_csv("flats.csv")
    assert "2 numbers" in run("train flats.csv --target price,age --epochs 5 --quiet").out
    head, rows = predictions(run("predict flats.safetensors flats.csv"))
    assert head == ["row", "predicted price", "predicted age"]
    assert len(rows) == ROWS
    assert "r2" in run("evaluate flats.safetensors flats.csv --json").json["scores"]["all"]


def test_without_names_by_place(run, here):
    flats().drop("name").write_csv("train.csv", include_header=False)
    flats(50, 1).drop("name").write_csv("test.csv", include_header=False)
    said = run("train train.csv --no-header --target 3 --epochs 5 --quiet")
    assert "'column_3' is one of 2 classes" in said.out
    assert run("evaluate train.safetensors test.csv --json").json["rows"] == {"all": 50}  # the model knows of no names
    whole = run("predict train.safetensors test.csv").out
    flats(50, 1).drop("name", "dear").write_csv("new.csv", include_header=False)
    assert run("predict train.safetensors new.csv").out == whole


def test_the_task_can_be_forced(run, here):
    pl.DataFrame({"x": [0.5 * i for i in range(40)], "n": [i % 4 for i in range(40)]}).write_csv("t.csv")
    assert "'n' is one of 4 classes, by its values" in run("train t.csv --target n --epochs 1 -q --out a").out
    assert "'n' is a number, as --task says" in run("train t.csv --target n --task numbers --epochs 1 -q --out b").out


def test_inspect_shows_what_each_column_became(run, trained):
    shown = run("inspect flats.safetensors").out
    assert "what became of each column" in shown
    assert re.search(r"^name +left out: text with \d+ different values", shown, re.M)
    assert re.search(r"^town +3 inputs: 3 values: 3 with an input each", shown, re.M)
    columns = run("inspect flats.safetensors --json").json["data"]["table"]
    assert [column["column"] for column in columns] == ["size", "town", "name", "age", "price"]
    assert columns[1]["inputs"] == ["town=north", "town=south", "town=east"] or len(columns[1]["inputs"]) == 3


def test_encode_gives_the_matrix_with_its_names(trained):
    model = bl.load_model("flats.safetensors")
    encoded = model.encode(flats())
    assert tuple(encoded.columns) == model.encoding.inputs
    assert encoded.to_numpy().tobytes() == model.encoding.features(flats(), "float32").tobytes()


def test_a_table_is_traced_and_checked(run, trained):
    assert run("trace flats.safetensors flats.csv --row 3 --words").code == 0
    assert run("check flats.csv --model flats.safetensors --rows 5").code == 0


def test_what_has_been_read_is_shown_in_a_terminal(as_a_process, here):
    flats(3_000).write_csv("flats.csv")
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100"}
    call = [*as_a_process, "train", "flats.csv", "--target", "dear", "--epochs", "1", "--layers", "4"]
    with subprocess.Popen(call, stdin=slave, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
    os.close(master)
    assert process.returncode == 0
    assert re.search(rb"reading flats\.csv .*\d+%", shown)
