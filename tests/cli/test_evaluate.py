"""``backlit evaluate``: the scores of a saved model, part by part where the data are those it was trained on."""

import numpy as np
import pytest

import backlit as bl
from backlit import data


def test_on_its_own_data_the_rows_that_chose_nothing_are_told_apart(digits, run):
    result = run("evaluate", str(digits), "digits")
    assert result.code == 0
    table, matrix = result.out.split("\n\n")
    heads, *lines = table.splitlines()
    assert heads.split() == ["rows", "accuracy", "balanced", "accuracy", "log", "loss", "AUC"]
    assert [line.split()[:2] for line in lines] == [
        ["all", "1,797"], ["train", "1,077"], ["validation", "360"], ["test", "360"],
    ]  # fmt: skip
    assert lines[-1].endswith("  chose nothing")
    assert matrix.startswith("confusion matrix, 360 test rows\ntrue ↓ answer →")
    assert result.err == "digits is what the model was trained on: only the test rows say how it does on new data\n"


def test_json(digits, run):
    found = run("evaluate", str(digits), "digits", "--json").json
    assert found["rows"] == {"all": 1797, "train": 1077, "validation": 360, "test": 360}
    assert found["model"] == str(digits)
    assert found["source"] == "digits"
    trained = bl.load_model(digits).provenance["scores"]
    assert {part: found["scores"][part] for part in ("validation", "test")} == trained
    dataset = data.read("digits")
    right = bl.load_model(digits).predict(dataset.X) == dataset.known_y
    assert found["scores"]["all"]["accuracy"] == right.mean()


def test_where_the_rows_would_be_drawn_otherwise_nothing_is_said_of_parts(run, monkeypatch):
    run("train iris --epochs 2")
    assert set(run("evaluate iris.safetensors iris --json").json["rows"]) == {"all", "train", "validation", "test"}
    split = data.split
    monkeypatch.setattr(data, "split", lambda y, **options: split(y, **{**options, "seed": options["seed"] + 1}))
    result = run("evaluate iris.safetensors iris --json")
    assert (result.err, result.json["rows"]) == ("", {"all": 150})


def test_on_other_data_all_rows_are_scored_together(digits, run, here):
    dataset = data.read("digits")
    np.savez(here / "some.npz", X=dataset.X[:100], y=dataset.known_y[:100])
    result = run("evaluate", str(digits), "some.npz", "--json")
    assert result.err == ""
    assert result.json["rows"] == {"all": 100}
    right = bl.load_model(digits).predict(dataset.X[:100]) == dataset.known_y[:100]
    assert result.json["scores"] == {"all": {**result.json["scores"]["all"], "accuracy": right.mean()}}


def test_a_target_by_its_name(digits, run, here):
    dataset = data.read("digits")
    wrong = (dataset.known_y[:50] + 1) % 10
    np.savez(here / "some.npz", X=dataset.X[:50], y=wrong, truth=dataset.known_y[:50])
    by_name = run("evaluate", str(digits), "some.npz", "--target", "truth", "--json").json["scores"]["all"]
    assert by_name["accuracy"] > 0.8
    assert run("evaluate", str(digits), "some.npz", "--json").json["scores"]["all"]["accuracy"] < 0.2


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.uint8])
def test_classes_are_known_by_their_value(dtype, digits, run, here):
    dataset = data.read("digits")
    np.savez(here / "some.npz", X=dataset.X[:50], y=dataset.known_y[:50].astype(dtype))
    assert run("evaluate", str(digits), "some.npz", "--json").json["scores"]["all"]["accuracy"] > 0.8


def test_numbers(run):
    run("train diabetes --epochs 3 --layers 5")
    result = run("evaluate diabetes.safetensors diabetes")
    assert result.code == 0
    assert result.out.splitlines()[0].split() == ["rows", "R²", "RMSE", "MAE"]
    assert max(map(len, result.out.splitlines())) <= 80


# --- by class, and the picture


def test_the_confusion_matrix_is_of_the_rows_that_chose_nothing(digits, run):
    found = run("evaluate", str(digits), "digits", "--json").json
    assert found["by_class_of"] == "test"
    assert found["classes"] == list(range(10))
    matrix = np.array(found["confusion"])
    assert (matrix.sum(), matrix.trace() / 360) == (360, found["scores"]["test"]["accuracy"])
    assert [each["rows"] for each in found["by_class"]] == matrix.sum(axis=1).tolist()
    shown = run("evaluate", str(digits), "digits").out.split("\n\n")[1].splitlines()[2:]
    assert [[int(n) for n in line.split()[1:11]] for line in shown] == matrix.tolist()


def test_on_other_data_it_is_of_all_rows(digits, run, here):
    dataset = data.read("digits")
    np.savez(here / "some.npz", X=dataset.X[:100], y=dataset.known_y[:100])
    found = run("evaluate", str(digits), "some.npz", "--json").json
    assert (found["by_class_of"], np.sum(found["confusion"])) == ("all", 100)
    assert "confusion matrix, all 100 rows" in run("evaluate", str(digits), "some.npz").out


def test_where_a_matrix_is_too_wide_the_most_frequent_mistakes_are_named(digits, run, monkeypatch):
    matrix = np.array(run("evaluate", str(digits), "digits", "--json").json["confusion"])
    rows = matrix.sum(axis=1)
    np.fill_diagonal(matrix, 0)
    assert matrix.any()
    monkeypatch.setenv("COLUMNS", "60")
    words = run("evaluate", str(digits), "digits").out.split("\n\n")[1]
    heads, first, *_ = words.splitlines()
    assert heads == "the most frequent mistakes, 360 test rows"
    i, j = np.unravel_index(matrix.argmax(), matrix.shape)
    assert first.split() == [str(matrix.max()), "of", str(rows[i]), str(i), "taken", "for", str(j)]
    assert max(map(len, words.splitlines())) <= 60


def test_numbers_have_no_matrix(run):
    run("train diabetes --epochs 3 --layers 5")
    assert "\n\n" not in run("evaluate diabetes.safetensors diabetes").out
    assert set(run("evaluate diabetes.safetensors diabetes --json").json) == {"scores", "rows", "model", "source"}


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_picture(ending, digits, run, here):
    pytest.importorskip("matplotlib")
    result = run("evaluate", str(digits), "digits", "--plot", f"confusion.{ending}")
    assert result.code == 0
    assert (here / f"confusion.{ending}").stat().st_size > 2000


def test_a_picture_that_cannot_be_is_refused_before_the_work(digits, run, here):
    (here / "there.png").write_bytes(b"mine")
    refused = run("evaluate", str(digits), "digits", "--plot", "there.png")
    assert (refused.code, refused.out) == (2, "")
    assert "there.png exists" in refused.err
    assert (here / "there.png").read_bytes() == b"mine"
    assert run("evaluate", str(digits), "digits", "--plot", "there.png", "--force").code == 0
    assert "must end in .png, .svg, .pdf" in run("evaluate", str(digits), "digits", "--plot", "there.doc").err
    assert "is the file that is read as MODEL" in run("evaluate", str(digits), "digits", "--plot", str(digits)).err
