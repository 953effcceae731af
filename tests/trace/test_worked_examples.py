"""What others worked by hand and printed, reproduced by a trace and again by its JSON.

The rows here are those that are of one pass, or of updates after it. The files about an optimizer's update rule alone
(``cs231n…``, ``keras…``) have no pass to trace; they are reproduced beside the optimizers.
"""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.trace import small

FOLDER = Path(__file__).parents[3] / "shared/data/worked_examples"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the worked examples are not here (../shared/data)")

WITHOUT_A_PASS = {"cs231n_optimisers_one_step", "keras_optimisers_golden"}

# Rows that are not of the file's own network at its own weights: given outputs, other draws, thousands of updates in an
# order that no gradient descent takes, or averages of them; and what the file marks as wrong in print.
NOT_OF_THE_PASS = {
    "brownlee_2_1_2_forward_and_deltas": {"deltas (= -dE/dnet) from GIVEN outputs"},
    "mazur_2_2_2": {
        "dE_o1/dout_h1, dE_o2/dout_h1, sum", "total error after one update", "error after 10000", "outputs after 10000",
        "total error after one SEQUENTIAL", "progression, hidden layer", "progression, gradients", "error at 10000",
    },
    "han_kamber_3_2_1": {"delta 6"},
    "dlai_planar_2_4_1_tanh": {
        "cost of GIVEN", "means of hidden net", "update, learning rate", "10000 full-batch", "... final",
    },
    "melfm_notes_WRONG": {"h1, h2", "y1 net", "outputs", "errors", "y1(1-y1)"},
    "rashid_single_weight": {"WRONG COPIES"},
}  # fmt: skip


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def trace_of(name, cost="quadratic", **options):
    held = load(name)
    by_layer = {
        str(l): {"W": W, "b": b} for l, (W, b) in enumerate(zip(held["weights"], held["biases"], strict=True), start=2)
    }
    *hidden, output = held["network"]["activations"]
    net = small.network(held["network"]["sizes"], by_layer, activation=hidden, output=output)
    return bl.trace(net, held["inputs"], held["targets"], cost=cost, **options)


class FromTrace:
    def __init__(self, t):
        self.t = t

    def __getattr__(self, quantity):
        return getattr(self.t, quantity)

    def cost(self):
        return self.t.cost.total

    def row_costs(self):
        return self.t.row_costs

    def updates(self, number):
        return {l: {"W": W, "b": b} for l, (W, b) in self.t.network.split(self.t.steps[number].update).items()}


class FromJson:
    def __init__(self, t):
        self.held = json.loads(t.to_json())

    def __getattr__(self, quantity):
        return lambda l: np.array(self.held[quantity][str(l)])

    def cost(self):
        return self.held["cost"]["total"]

    def row_costs(self):
        return np.array(self.held["row_costs"])

    def updates(self, number):
        made = self.held["steps"][number]["update"]
        return {int(l): {"W": np.array(made["W"][l]), "b": np.array(made["b"][l])} for l in made["W"]}


def mazur(read, net):
    (z2, a2), (z3, a3) = ((read.z(l)[0], read.a(l)[0]) for l in (2, 3))
    moved = {l: net.layer(l).W + made["W"] for l, made in read.updates(0).items()}
    return {
        "hidden net input h1": z2[:1], "hidden outputs": a2, "output net input o1": z3[:1], "outputs": a3,
        "per-output error": 0.5 * (a3 - np.array([0.01, 0.99])) ** 2, "total error": [read.cost()],
        "dE/dw5": [read.weight_gradient(3)[0, 0]], "delta o1 (dE/dnet_o1)": [read.delta(3)[0, 0]],
        "douto1/dneto1, douth1/dneth1": [read.slope(3)[0, 0], read.slope(2)[0, 0]],
        "dE/dw1": [read.weight_gradient(2)[0, 0]], "w5..w8 after one update": moved[3].ravel(),
        "w1..w4 after one update": moved[2].ravel(),
    }  # fmt: skip


def han_kamber(read, net):
    moved = {l: (net.layer(l).W + made["W"], net.layer(l).b + made["b"]) for l, made in read.updates(0).items()}
    return {
        "net inputs 4,5": read.z(2)[0], "outputs 4,5": read.a(2)[0], "net input 6": read.z(3)[0],
        "output 6": read.a(3)[0], "delta 5, 4": -read.delta(2)[0][::-1], "w46,w56": moved[3][0].ravel(),
        "w14,w24,w34": moved[2][0][0], "w15,w25,w35": moved[2][0][1],
        "bias6, bias5, bias4": [moved[3][1][0], moved[2][1][1], moved[2][1][0]],
    }  # fmt: skip


def brownlee(read, net):
    return {"outputs for [1,0]": read.a(3)[0], "hidden output for [1,0]": read.a(2)[0]}


def dlai(read, net):
    return {
        "hidden outputs (units x samples)": read.a(2).T, "outputs": read.a(3).ravel(), "output nets": read.z(3).ravel(),
        "dW1": read.weight_gradient(2), "db1": read.bias_gradient(2), "dW2": read.weight_gradient(3).ravel(),
        "db2": read.bias_gradient(3),
    }  # fmt: skip


def saren(read, net):
    made = read.updates(0)[3]
    unit = [(net.layer(3).b + made["b"])[0], *(net.layer(3).W + made["W"])[0]]
    return {
        "hidden": read.a(2)[0], "outputs": read.a(3)[0], "cost": [read.cost()],
        "gradient of output unit 1 (bias, w)": [read.bias_gradient(3)[0], *read.weight_gradient(3)[0]],
        "new output unit 1 (bias, w)": unit,
    }  # fmt: skip


def udacity(read, net):
    made = read.updates(0)
    return {
        "change of hidden-to-output weights": made[3]["W"].ravel(),
        "change of input-to-hidden weights (inputs x units)": made[2]["W"].T,
        "output error term (= -dE/dnet)": -read.delta(3)[0], "hidden error terms": -read.delta(2)[0],
    }  # fmt: skip


def ng_logistic(read, net):
    return {"cost": [read.cost()], "gradient (bias, w1..w3)": [*read.bias_gradient(2), *read.weight_gradient(2)[0]]}


def melfm(read, net):
    return {"z1": read.z(2)[0][:1]}


PASSES = {
    "mazur_2_2_2": (mazur, {"learning_rate": 0.5}),
    "han_kamber_3_2_1": (han_kamber, {"learning_rate": 0.9}),
    "brownlee_2_1_2_forward_and_deltas": (brownlee, {}),
    "dlai_planar_2_4_1_tanh": (dlai, {"cost": "binary-cross-entropy"}),
    "saren_3_3_2_relu": (saren, {"learning_rate": 0.01}),
    "udacity_3_2_1_no_bias": (udacity, {"learning_rate": 0.5}),
    "ng_ex3_logistic_regularised": (ng_logistic, {"cost": "binary-cross-entropy", "l2": 3.0}),
    "melfm_notes_WRONG": (melfm, {}),
}


def compare(printed, value):
    """Within a unit of the last printed digit, and of as many roundings of it."""
    if isinstance(printed, list):
        assert len(printed) == len(value)
        return sum(compare(p, v) for p, v in zip(printed, value, strict=True))
    exact = Decimal(printed)
    unit = Decimal(1).scaleb(exact.as_tuple().exponent)
    assert abs(Decimal(float(value)) - exact) <= unit + abs(exact) * Decimal("1e-15"), (printed, value)
    return 1


@pytest.mark.parametrize("way", [FromTrace, FromJson])
@pytest.mark.parametrize("name", PASSES)
def test_what_is_printed_is_what_is_traced(name, way):
    quantities, options = PASSES[name]
    t = trace_of(name, **options)
    found, compared = quantities(way(t), t.network), 0
    for row in load(name)["expected"]:
        quantity = row["quantity"]
        if any(quantity.startswith(skipped) for skipped in NOT_OF_THE_PASS.get(name, ())):
            assert quantity not in found
            continue
        compared += compare(row["printed"], np.asarray(found.pop(quantity)).tolist())
    assert compared
    assert not found, "computed and not compared"


@pytest.mark.parametrize("way", [FromTrace, FromJson])
def test_one_sigmoid_unit(way):
    """Rashid's weight of an output unit and the table of sigmoid slopes: one neuron, its input as given."""
    held = load("rashid_single_weight")["inputs"]
    net = small.network([2, 1], {"2": {"W": [held["weights"]], "b": [0.0]}})
    # the author makes the error 1.5 up: the target that gives it is the output plus 1.5
    output = 1 / (1 + np.exp(-2.3))
    t = bl.trace(net, held["hidden_outputs"], [output + 1.5], cost="quadratic", learning_rate=held["learning_rate"])
    read = way(t)
    found = {
        "net": read.z(2)[0], "sigmoid": read.a(2)[0], "sigmoid*(1-sigmoid)": read.slope(2)[0],
        "size of the slope": [-read.weight_gradient(2)[0, 0]], "new weight": [2.0 + read.updates(0)[2]["W"][0, 0]],
    }  # fmt: skip
    for row in load("rashid_single_weight")["expected"]:
        if row["quantity"] in found:
            compare(row["printed"], np.asarray(found[row["quantity"]]).tolist())
    slopes = load("ng_sigmoid_gradient")["expected"][0]
    one = small.network([1, 1], {"2": {"W": [[1.0]]}})
    read = way(bl.trace(one, [[-1.0], [-0.5], [0.0], [0.5], [1.0]], np.zeros((5, 1)), cost="mse"))
    compare(slopes["printed"], read.slope(2).ravel().tolist())
    table = load("ng_sigmoid_gradient")["expected"][1]
    z = np.array([[-1, -2, -3], [8, 1, 6], [3, 5, 7], [4, 9, 2]], dtype=float)
    read = way(bl.trace(one, z.reshape(-1, 1), np.zeros((12, 1)), cost="mse"))
    compare(table["printed"], read.slope(2).reshape(4, 3).tolist())


def test_every_file_is_accounted_for():
    here = {path.stem for path in FOLDER.glob("*.json")}
    assert here == set(PASSES) | WITHOUT_A_PASS | {"rashid_single_weight", "ng_sigmoid_gradient"}


def test_mazurs_cost_goes_down_as_printed_with_the_biases_held():
    """The page leaves the biases alone: gradient descent whose bias updates are taken back, step by step."""
    t = trace_of("mazur_2_2_2", learning_rate=0.5)
    net, costs = t.network, []
    for number in range(1, 101):
        step = bl.trace(net, [0.05, 0.1], [0.01, 0.99], cost="quadratic", learning_rate=0.5).steps[0]
        if number in (1, 2, 5, 10, 100):
            costs.append(step.cost_before)
        for l, (W, _) in net.split(step.update).items():
            net.layer(l).W[...] += W
    compare(["0.2983711088", "0.2910277737", "0.2682327612", "0.2288087405", "0.0203118271"], costs)
