"""Published hand computations: those with slips are found wrong where they are, those that use -δ are accepted."""

import json
from pathlib import Path

import numpy as np
import pytest

import backlit as bl

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "worked_examples"
NOT_GIVEN = np.nan


@pytest.fixture
def example():
    def load(name, activation="sigmoid", output="sigmoid"):
        path = FOLDER / f"{name}.json"
        if not path.exists():
            pytest.skip(f"{path.name} is not there: the worked examples are no part of the project")
        found = json.loads(path.read_text("utf-8"))
        net = bl.Network(found["network"]["sizes"], activation=activation, output=output, dtype="float64")
        for layer, W, b in zip(net.layers, found["weights"], found["biases"], strict=True):
            layer.W[...], layer.b[...] = W, b
        printed = {e["quantity"]: e["printed"] for e in found["expected"]}
        return net, found["inputs"], found["targets"], printed

    return load


def statuses(report):
    return {(j.quantity, j.layer): j.status for j in report.judgements}


def test_a_page_with_slips_is_found_wrong_where_it_is_wrong(example):
    net, X, y, printed = example("melfm_notes_WRONG")
    yours = {
        "z": {2: [[*printed["z1"], "nan"]], 3: [[*printed["y1 net"], "nan"]]},
        "a": {2: [printed["h1, h2"]], 3: [printed["outputs"]]},
        "cost": printed["errors"],
        "slope": {3: [[*printed["y1(1-y1)"], "nan"]]},
    }
    report = bl.check_backward(net, X, y, yours, cost="quadratic")
    found = statuses(report)
    assert found["z", 2] == "right"
    assert (report.first.quantity, report.first.layer, report.first.at) == ("a", 2, (0, 1))  # h2, of another bias
    assert (report.equation, report.first.yours) == ("feed forward", 0.5969)
    assert found["z", 3] == "wrong"  # h1 used twice
    assert found["output_cost", 0] == "wrong"  # the second with the first one's target
    wrong_cost = next(j for j in report.judgements if j.quantity == "output_cost")
    assert wrong_cost.at == (0, 1)
    assert found["slope", 3] == "wrong"  # the error in place of the output


def test_a_page_that_is_right_is_right(example):
    net, X, y, printed = example("mazur_2_2_2")
    update = printed["w5..w8 after one update"], printed["w1..w4 after one update"]
    yours = {
        "z": {2: [[*printed["hidden net input h1"], "nan"]], 3: [[*printed["output net input o1"], "nan"]]},
        "a": {2: [printed["hidden outputs"]], 3: [printed["outputs"]]},
        "cost": float(printed["total error"][0]),
        "delta": {3: [[*printed["delta o1 (dE/dnet_o1)"], "nan"]]},
        "weight_gradient": {3: [[*printed["dE/dw5"], "nan"], ["nan", "nan"]],
                            2: [[*printed["dE/dw1"], "nan"], ["nan", "nan"]]},
        "updated_weight": {3: [update[0][:2], update[0][2:]], 2: [update[1][:2], update[1][2:]]},
    }  # fmt: skip
    report = bl.check_backward(net, X, y, yours, cost="quadratic", learning_rate=0.5)
    assert report.passed, str(report)
    sequential = dict(yours, updated_weight={3: yours["updated_weight"][3], 2: [[0.1497, 0.1996], [0.2497, 0.2995]]})
    assert not bl.check_backward(net, X, y, {**sequential, "cost": 0.31}, cost="quadratic", learning_rate=0.5).passed


def test_minus_delta_is_a_convention(example):
    net, X, y, printed = example("udacity_3_2_1_no_bias")
    yours = {
        "delta": {3: [printed["output error term (= -dE/dnet)"]], 2: [printed["hidden error terms"]]},
        "weight_change": {
            3: [printed["change of hidden-to-output weights"]],
            2: np.array(printed["change of input-to-hidden weights (inputs x units)"]).T,
        },
    }
    report = bl.check_backward(net, X, y, yours, cost="quadratic", learning_rate=0.5)
    assert report.passed, str(report)
    assert any("δ is -∂C_i/∂z" in convention for convention in report.conventions)


def test_three_digits_of_a_textbook_are_enough(example):
    net, X, y, printed = example("han_kamber_3_2_1")
    swap = printed["delta 5, 4"][::-1]
    biases = printed["bias6, bias5, bias4"]
    yours = {
        "z": {2: [printed["net inputs 4,5"]], 3: [printed["net input 6"]]},
        "a": {2: [printed["outputs 4,5"]], 3: [printed["output 6"]]},
        "delta": {3: [printed["delta 6 (= -dE/dnet)"]], 2: [swap]},
        "updated_weight": {3: [printed["w46,w56"]], 2: [printed["w14,w24,w34"], printed["w15,w25,w35"]]},
        "updated_bias": {3: biases[:1], 2: [biases[2], biases[1]]},
    }
    report = bl.check_backward(net, X, y, yours, cost="quadratic", learning_rate=0.9)
    assert report.passed, str(report)
    assert any("δ is -∂C_i/∂z" in convention for convention in report.conventions)


def test_relu_outputs(example):
    net, X, y, printed = example("saren_3_3_2_relu", "relu", "relu")
    gradient = printed["gradient of output unit 1 (bias, w)"]
    yours = {
        "a": {2: [printed["hidden"]], 3: [printed["outputs"]]},
        "cost": float(printed["cost"][0]),
        "bias_gradient": {3: [gradient[0], "nan"]},
        "weight_gradient": {3: [gradient[1:], ["nan"] * 3]},
    }
    assert bl.check_backward(net, X, y, yours, cost="quadratic").passed


def test_octaves_regularised_unit(example):
    net, X, y, printed = example("ng_ex3_logistic_regularised")
    yours = {"cost": float(printed["cost"][0]), "weight_gradient": {2: [printed["gradient (bias, w1..w3)"]]}}
    report = bl.check_backward(net, X, y, yours, l2=3)
    assert report.passed, str(report)
    assert "a bias column in the weights' arrays" in report.conventions
