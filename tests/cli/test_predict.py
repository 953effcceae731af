"""``backlit predict``: CSV or JSON that agrees with the model, from data with or without a target."""

import csv
import io

import numpy as np
import polars
import pytest

import backlit as bl
from backlit import data
from backlit.cli.predict import csv_lines, table

RNG = np.random.default_rng(0)


def test_the_csv_agrees_with_the_model(digits, run, here):
    result = run("predict", str(digits), "digits")
    assert (result.code, result.err) == (0, "")
    frame = polars.read_csv(io.BytesIO(result.out.encode()))
    assert frame.columns == ["row", "predicted digit", *(f"p({k})" for k in range(10))]
    model, X = bl.load_model(digits), data.read("digits").X
    assert frame["row"].to_list() == list(range(1797))
    assert (frame["predicted digit"].to_numpy() == model.predict(X)).all()
    # six places are written
    assert np.abs(frame[:, 2:].to_numpy() - model.predict_proba(X)).max() <= 0.5000001e-6


def test_a_file_holds_what_stdout_would(digits, run, here):
    result = run("predict", str(digits), "digits", "-o", "answers.csv")
    assert (result.code, result.out) == (0, "")
    assert result.err == "1,797 predictions in answers.csv\n"
    written = (here / "answers.csv").read_text("utf-8")
    assert written == run("predict", str(digits), "digits").out
    (here / "answers.csv").write_text("old")
    assert run("predict", str(digits), "digits", "--out", "answers.csv", "--force").code == 0
    assert (here / "answers.csv").read_text("utf-8") == written


def test_json(digits, run, here):
    found = run("predict", str(digits), "digits", "--json")
    assert found.err == ""
    model, X = bl.load_model(digits), data.read("digits").X
    probabilities = model.predict_proba(X)
    assert found.json["rows"] == 1797
    predictions = found.json["predictions"]
    assert predictions["predicted digit"] == model.predict(X).tolist()
    assert [predictions[f"p({k})"] for k in range(10)] == probabilities.T.tolist()
    both = run("predict", str(digits), "digits", "--json", "--out", "answers.csv")
    assert both.json == found.json
    assert (here / "answers.csv").exists()


def test_a_target_is_not_needed_nor_looked_at(digits, run, here):
    X = data.read("digits").X[:20]
    np.save(here / "X.npy", X)
    np.savez(here / "strange.npz", X=X, y=np.full(20, 77))
    assert run("predict", str(digits), "X.npy").out == run("predict", str(digits), "strange.npz").out
    assert run("predict", str(digits), "X.npy").out.count("\n") == 21


def test_numbers_are_written_to_their_last_bit(run, here):
    X = RNG.normal(size=(50, 2))
    np.savez(here / "small.npz", X=X, y=1e-9 * X[:, 0])  # six places would leave nothing of them
    run("train small.npz --epochs 5 --layers 4")
    rows = list(csv.reader(io.StringIO(run("predict small.safetensors small.npz").out)))
    assert rows[0] == ["row", "predicted y"]
    assert [float(row[1]) for row in rows[1:]] == bl.load_model("small.safetensors").predict(X).tolist()


def test_several_labels(run, here):
    X = RNG.normal(size=(60, 2))
    np.savez(here / "data.npz", X=X, y=(X > 0).astype(int))
    run("train data.npz --epochs 10")
    frame = polars.read_csv(io.BytesIO(run("predict data.safetensors data.npz").out.encode()))
    assert frame.columns == ["row", "predicted y 0", "predicted y 1", "p(0)", "p(1)"]
    model = bl.load_model("data.safetensors")
    assert (frame[:, 1:3].to_numpy() == model.predict(X)).all()
    assert (frame[:, 1:3].to_numpy() == (frame[:, 3:].to_numpy() >= 0.5)).mean() > 0.99  # but for the sixth place


def test_several_numbers(run, here):
    X = RNG.normal(size=(60, 2))
    np.savez(here / "data.npz", X=X, y=X * 3)
    run("train data.npz --epochs 3")
    rows = list(csv.reader(io.StringIO(run("predict data.safetensors data.npz").out)))
    assert rows[0] == ["row", "predicted y 0", "predicted y 1"]
    answers = bl.load_model("data.safetensors").predict(X)
    assert [[float(a), float(b)] for _, a, b in rows[1:]] == answers.tolist()


def test_names_with_commas_and_quotes_come_back():
    from backlit.data.encoding import Encoding

    names = ('a, or "b"', "c\nd")
    encoding = Encoding(("x",), np.zeros(1), np.ones(1), "classes", "which, then", 2, names)
    model = bl.Model(bl.Network([1, 2], output="softmax", seed=1), encoding)
    X = [[1.0], [-1.0], [5.0]]
    rows = list(csv.reader(io.StringIO("".join(csv_lines(table(model, X))), newline="")))
    assert rows[0] == ["row", "predicted which, then", *(f"p({name})" for name in names)]
    assert [row[1] for row in rows[1:]] == model.predict(X).tolist()
    assert {row[1] for row in rows[1:]} == set(names)


def test_the_lines_come_one_by_one():
    lines = csv_lines({"row": np.arange(3), "p(0)": np.array([0.25, 1 / 3, 1])})
    assert next(lines) == "row,p(0)\n"
    assert next(lines) == "0,0.250000\n"
    assert list(lines) == ["1,0.333333\n", "2,1.000000\n"]


@pytest.mark.parametrize("options", [[], ["--dtype", "float64"]])
def test_a_reloaded_model_predicts_the_same(options, run, here):
    run("train", "wine", "--epochs", "3", "--json", *options)
    first, second = (bl.load_model("wine.safetensors") for _ in range(2))
    X = data.read("wine").X
    assert first.outputs(X).tobytes() == second.outputs(X).tobytes()
    scores = run("evaluate wine.safetensors wine --json").json["scores"]
    assert scores["test"] == first.provenance["scores"]["test"]
