"""``backlit evaluate``: the scores of a saved model, part by part where the data are those it was trained on."""

import numpy as np
import pytest

import backlit as bl
from backlit import data


def test_on_its_own_data_the_rows_that_chose_nothing_are_told_apart(digits, run):
    result = run("evaluate", str(digits), "digits")
    assert result.code == 0
    heads, *lines = result.out.splitlines()
    assert heads.split() == ["rows", "accuracy", "balanced", "accuracy", "log", "loss"]
    assert [line.split()[:2] for line in lines] == [
        ["all", "1,797"], ["train", "1,077"], ["validation", "360"], ["test", "360"],
    ]  # fmt: skip
    assert lines[-1].endswith("  chose nothing")
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
