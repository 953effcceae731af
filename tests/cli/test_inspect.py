"""``backlit inspect``: what a model file holds, in words and as JSON; also of files that others wrote."""

import numpy as np
import pytest

import backlit as bl
from backlit.data.encoding import Encoding

ENCODING = Encoding(("width", "height"), np.zeros(2), np.ones(2), "numbers", "price", 1, target_offset=np.zeros(1), target_scale=np.ones(1))  # fmt: skip # noqa: E501


def test_json(digits, run):
    found = run("inspect", str(digits), "--json").json
    model = bl.load_model(digits)
    assert found["file"] == str(digits)
    assert found["network"]["sizes"] == [64, 30, 10]
    assert found["network"]["parameters"] == 64 * 30 + 30 + 30 * 10 + 10
    assert found["network"]["dtype"] == "float32"
    assert found["network"]["seed"] == 0
    hidden, output = found["network"]["layers"]
    assert hidden == {
        "layer": 2, "neurons": 30, "activation": "relu", "dropout": 0.0, "weights": 1920, "biases": 30,
        "largest_weight": float(np.abs(model.network.layer(2).W).max()),
    }  # fmt: skip
    assert (output["layer"], output["activation"]) == (3, "softmax")
    assert found["data"]["classes"] == list(range(10))
    assert found["data"]["image_shape"] == [8, 8]
    assert len(found["data"]["columns"]) == 64
    assert found["training"] == model.provenance
    assert found["training"]["objective"] == "cross-entropy on softmax (fused: δ = a - y)"


def test_in_words(digits, run):
    result = run("inspect", str(digits))
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == f"{digits}: 2,260 parameters, float32"
    assert lines[1].split("  ")[0] == "layer"
    assert lines[2].split() == ["1", "64", "(input)"]
    assert lines[3].split()[:6] == ["2", "30", "relu", "1,920", "30", "-"]
    words = " ".join(result.out.split())
    for said in (
        "64 columns, divided by 16: the pixels of images of 8 × 8",
        "target digit, one of 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        "objective cross-entropy on softmax (fused: δ = a - y)",
        "trained on digits",
        "ended all epochs done",
        "the best by validation",
        "rows test 360, train 1,077, validation 360",
        "test (accuracy 9",
        "optimizer adam (beta 1 0.9, beta 2 0.999, epsilon 1e-08, learning rate 0.003)",
        "epochs 15",
        "seed 0",
    ):
        assert said in words
    assert max(map(len, lines[1:])) <= 80


def test_dropout_and_standardised_columns(run):
    run("train iris --epochs 1 --layers 6,5 --dropout 0.25,0 --out m")
    words = " ".join(run("inspect m").out.split())
    assert "2 6 relu 24 6 0.25" in words
    assert "4 columns, standardised as the training rows were: sepal length (cm), " in words
    assert "one of 3 classes: setosa, versicolor, virginica" in words


def test_numbers_and_labels(run, here):
    bl.save(bl.Model(bl.Network([2, 1]), ENCODING), "numbers")
    assert "price, 1 number\n" in run("inspect numbers").out
    labels = Encoding(("x",), np.zeros(1), np.ones(1), "labels", "tags", 3)
    bl.save(bl.Model(bl.Network([1, 3], output="sigmoid"), labels), "labels")
    assert "tags, 3 labels, each yes or no\n" in run("inspect labels").out


def test_many_names_are_cut_short(run, here):
    names = tuple(f"n{k}" for k in range(100))
    encoding = Encoding(("x",), np.zeros(1), np.ones(1), "classes", "y", 100, names)
    bl.save(bl.Model(bl.Network([1, 100], output="softmax"), encoding), "many")
    words = " ".join(run("inspect many").out.split())
    assert "one of 100 classes: n0, n1, " in words
    assert "n19, …" in words
    assert "n20" not in words
    assert len(run("inspect many --json").json["data"]["classes"]) == 100


def test_a_network_alone(run, here):
    bl.save(bl.Network([3, 4, 2], seed=5), "network")
    result = run("inspect network")
    assert result.code == 0
    assert "it says nothing of the data" in result.out
    assert set(run("inspect network --json").json) == {"file", "network"}


@pytest.mark.parametrize(
    "provenance",
    [
        {},
        {"scores": "good", "options": 5, "rows": ["many"], "objective": None, "best_epoch": "last", "source": 3},
        {"scores": {"test": 0.5}, "rows": {"train": "all of them"}, "options": {"optimizer": {"speed": [1, {"a": 2}]}}},
        {"scores": {"test": {"accuracy": "high", "deep": {"deeper": None}}}, "options": {"optimizer": {}}},
        {"source": "\x1b[31mred\nnext", "objective": "", "stopped": "\x9b2J"},
    ],
)
def test_a_provenance_of_somebody_elses(provenance, run, here):
    bl.save(bl.Model(bl.Network([2, 1]), ENCODING, provenance), "m")
    result = run("inspect m")
    assert (result.code, result.err) == (0, "")
    assert "\x1b" not in result.out
    assert "\x9b" not in result.out
    assert run("inspect m --json").json["training"] == provenance
    assert run("evaluate m diabetes").code == 2  # other columns; and no traceback
