"""Passes that others worked by hand and published, reproduced to their printed digits.

Every row of every file is accounted for: it is computed here and compared with what is printed, and where a file marks
a printed figure as wrong, the figure must be wrong and the row must stand in :data:`MISPRINTED` with the reason. The
files about updates alone are reproduced beside the optimizers.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backlit import equations, objective
from backlit.activations import ACTIVATIONS
from backlit.backpropagation import Errors, ForwardPass, Gradients, backpropagate, feed_forward, gradients, penalty
from backlit.costs import COSTS
from backlit.network import Network
from backlit.objective import Objective
from backlit.optimizers import SGD

FOLDER = Path(__file__).parents[2] / "shared/data/worked_examples"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the worked examples are not here (../shared/data)")

Found = dict[str, Any]
SIGMOID, QUADRATIC = ACTIVATIONS["sigmoid"], COSTS["quadratic"]

# What the files mark as wrong in print, and why it cannot be reproduced.
MISPRINTED = {
    ("han_kamber_3_2_1", "delta 6 (= -dE/dnet)"): "worked from an output rounded to 0.474",
    ("mazur_2_2_2", "dE_o1/dout_h1, dE_o2/dout_h1, sum"): "the second is one off in its last place",
    ("mazur_2_2_2", "total error after one update"): "that of the sequential order, a row of its own",
    ("mazur_2_2_2", "error after 10000 iterations"): "seen at pass 10000, after 9999 updates: a row of its own",
    ("mazur_2_2_2", "outputs after 10000 iterations"): "those of the sequential order, a row of its own",
    ("melfm_notes_WRONG", "h1, h2"): "h2 was copied from another network",
    ("melfm_notes_WRONG", "y1 net"): "uses h1 twice",
    ("melfm_notes_WRONG", "outputs"): "follow from the wrong net input",
    ("melfm_notes_WRONG", "errors"): "the second takes the first one's target",
    ("melfm_notes_WRONG", "y1(1-y1)"): "the error in place of the output",
    ("rashid_single_weight", "WRONG COPIES (two of the re-typed ones): new weight"): "a sign slip of the copies",
}


def load(name: str) -> dict[str, Any]:
    example: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return example


def network_of(example: dict[str, Any]) -> tuple[Network, np.ndarray, np.ndarray]:
    """The network, X and y of a file."""
    *hidden, output = example["network"]["activations"]
    net = Network(example["network"]["sizes"], activation=hidden, output=output, dtype="float64")
    for layer, W, b in zip(net.layers, example["weights"], example["biases"], strict=True):
        layer.W[...], layer.b[...] = W, b
    return net, np.array(example["inputs"]), np.array(example["targets"])


def run(net: Network, goal: Objective, X: np.ndarray, y: np.ndarray) -> tuple[ForwardPass, Errors, Gradients, float]:
    """One pass there and back, and the cost."""
    forward = feed_forward(net.layers, X)
    errors = backpropagate(net.layers, goal, forward, y)
    ones = np.ones(len(X))
    gradient = gradients(net.layers, goal, forward, errors, ones, Gradients.empty(net))
    rows = goal.row_costs(forward.z[net.L], forward.output, y)
    return forward, errors, gradient, equations.objective_cost(rows, ones, penalty(net.layers, goal))


def error_of_each_output(a: np.ndarray, y: np.ndarray) -> np.ndarray:
    """½(a_j - y_j)²: each output as a row of its own."""
    return QUADRATIC.value(a.T, y.T)


# Mazur, and a learner's copy of it


def mazur_pass(example: dict[str, Any]) -> Found:
    net, X, y = network_of(example)
    forward, errors, gradient, cost = run(net, objective.choose("sigmoid", "quadratic"), X, y)
    through_h1 = errors.delta[3][0] * net.layer(3).W[:, 0]
    found = {
        "hidden net input h1": [forward.z[2][0, 0]],
        "hidden outputs": forward.a[2][0],
        "output net input o1": [forward.z[3][0, 0]],
        "outputs": forward.output[0],
        "per-output error": error_of_each_output(forward.output, y),
        "total error": [cost],
        "dE/dw5": [gradient.W[3][0, 0]],
        "delta o1 (dE/dnet_o1)": [errors.delta[3][0, 0]],
        "dE_o1/dout_h1, dE_o2/dout_h1, sum": [*through_h1, through_h1.sum()],
        "douto1/dneto1, douth1/dneth1": [
            SIGMOID.pull_back(np.ones((1, 2)), forward.z[l], forward.a[l])[0, 0] for l in (3, 2)
        ],
        "dE/dw1": [gradient.W[2][0, 0]],
    }
    mazur_update(net, X, y)
    found["w5..w8 after one update"] = net.layer(3).W.ravel().copy()
    found["w1..w4 after one update"] = net.layer(2).W.ravel().copy()
    return found


def mazur_update(net: Network, X: np.ndarray, y: np.ndarray, sequential: bool = False) -> tuple[float, np.ndarray]:
    """One update of the weights alone; the cost and the outputs before it.

    ``sequential`` does on purpose what BP2 warns of: it takes the output weights that the update has already changed.
    """
    forward, errors, gradient, cost = run(net, objective.choose("sigmoid", "quadratic"), X, y)
    sgd = SGD(0.5)
    for l in (3, 2):
        if sequential and l == 2:
            W_changed = net.layer(3).W
            delta = equations.backpropagate_error(errors.delta[3], W_changed, SIGMOID, forward.z[2], forward.a[2])
            equations.weight_gradient(delta, X, np.ones(1), out=gradient.W[2])
        sgd.update(net.layer(l).W, gradient.W[l], {}, 0.5, 1)
    return cost, forward.output[0]


def mazur(example: dict[str, Any]) -> Found:
    found = mazur_pass(example)
    costs: dict[bool, list[float]] = {}
    outputs = {}
    for sequential in (False, True):
        net, X, y = network_of(example)
        passes = [mazur_update(net, X, y, sequential) for _ in range(10_001)]  # the last for what it sees before it
        costs[sequential] = [cost for cost, _ in passes]
        outputs[sequential] = passes[-1][1]
    seen_at = np.array([1, 2, 5, 10, 100, 1000]) - 1
    progression = "progression, gradients from old weights: error before update number 1,2,5,10,100,1000"
    return found | {
        "total error after one update": [costs[False][1]],
        "total error after one SEQUENTIAL update": [costs[True][1]],
        "error after 10000 iterations": [costs[False][10_000]],
        "outputs after 10000 iterations": outputs[False],
        "outputs after 10000 SEQUENTIAL updates (hidden layer updated after, and with, the new output weights)": (
            outputs[True]
        ),
        progression: np.array(costs[False])[seen_at],
        "progression, hidden layer updated after and with the new output weights": np.array(costs[True])[seen_at],
        "error at 10000, both orders (old weights, new weights)": [costs[False][9_999], costs[True][9_999]],
    }


def melfm(example: dict[str, Any]) -> Found:
    net, X, y = network_of(example)
    forward = feed_forward(net.layers, X)
    return {
        "z1": [forward.z[2][0, 0]],
        "h1, h2": forward.a[2][0],
        "y1 net": [forward.z[3][0, 0]],
        "outputs": forward.output[0],
        "errors": error_of_each_output(forward.output, y),
        "y1(1-y1)": [SIGMOID.pull_back(np.ones((1, 2)), forward.z[3], forward.output)[0, 0]],
    }


# Others, whose δ is often -∂E/∂net


def brownlee(example: dict[str, Any]) -> Found:
    net, X, y = network_of(example)
    forward = feed_forward(net.layers, X)
    given, hidden = np.array([[0.6213859615555266, 0.6573693455986976]]), np.array([[0.7105668883115941]])
    z3, z2 = np.log(given / (1 - given)), np.log(hidden / (1 - hidden))
    output = equations.output_error(SIGMOID, QUADRATIC, z3, given, y)
    delta = equations.backpropagate_error(output, net.layer(3).W, SIGMOID, z2, hidden)
    return {
        "outputs for [1,0]": forward.output[0],
        "hidden output for [1,0]": forward.a[2][0],
        "deltas (= -dE/dnet) from GIVEN outputs 0.6213859615555266, 0.6573693455986976 and hidden 0.7105668883115941, "
        "target [0,1]: output1, output2, hidden": [*-output[0], *-delta[0]],
    }


def han_kamber(example: dict[str, Any]) -> Found:
    net, X, y = network_of(example)
    forward, errors, gradient, _ = run(net, objective.choose("sigmoid", "quadratic"), X, y)
    SGD().update(net.parameters, gradient.vector, {}, 0.9, 1)
    (b4, b5), (b6,) = net.layer(2).b, net.layer(3).b
    return {
        "net inputs 4,5": forward.z[2][0],
        "outputs 4,5": forward.a[2][0],
        "net input 6": forward.z[3][0],
        "output 6": forward.output[0],
        "delta 6 (= -dE/dnet)": -errors.delta[3][0],
        "delta 5, 4": -errors.delta[2][0, ::-1],
        "w46,w56": net.layer(3).W[0],
        "w14,w24,w34": net.layer(2).W[0],
        "w15,w25,w35": net.layer(2).W[1],
        "bias6, bias5, bias4": [b6, b5, b4],
    }


def udacity(example: dict[str, Any]) -> Found:
    net, X, y = network_of(example)
    _, errors, gradient, _ = run(net, objective.choose("sigmoid", "quadratic"), X, y)
    before = net.copy()
    SGD().update(net.parameters, gradient.vector, {}, 0.5, 1)
    return {
        "change of hidden-to-output weights": (net.layer(3).W - before.layer(3).W)[0],
        "change of input-to-hidden weights (inputs x units)": (net.layer(2).W - before.layer(2).W).T,
        "output error term (= -dE/dnet)": -errors.delta[3][0],
        "hidden error terms": -errors.delta[2][0],
    }


def saren(example: dict[str, Any]) -> Found:
    net, X, y = network_of(example)
    forward, _, gradient, cost = run(net, objective.choose("relu", "quadratic"), X, y)
    slope = [gradient.b[3][0], *gradient.W[3][0]]
    SGD().update(net.parameters, gradient.vector, {}, 0.01, 1)
    return {
        "hidden": forward.a[2][0],
        "outputs": forward.output[0],
        "cost": [cost],
        "gradient of output unit 1 (bias, w)": slope,
        "new output unit 1 (bias, w)": [net.layer(3).b[0], *net.layer(3).W[0]],
    }


def rashid(example: dict[str, Any]) -> Found:
    given = example["inputs"]
    a_before, W = np.array([given["hidden_outputs"]]), np.array([given["weights"]])
    z, a = equations.feed_forward(a_before, W, np.zeros(1), SIGMOID)
    delta = equations.output_error(SIGMOID, QUADRATIC, z, a, a + given["error_target_minus_output"])
    gradient = equations.weight_gradient(delta, a_before, np.ones(1))
    SGD().update(W, gradient, {}, given["learning_rate"], 1)
    return {
        "net": z[0],
        "sigmoid": a[0],
        "sigmoid*(1-sigmoid)": SIGMOID.pull_back(np.ones((1, 1)), z, a)[0],
        "size of the slope": [abs(gradient[0, 0])],
        "new weight": [W[0, 0]],
        "WRONG COPIES (two of the re-typed ones): new weight": [W[0, 0]],
    }


def ng_logistic(example: dict[str, Any]) -> Found:
    net, X, y = network_of(example)
    _, _, gradient, cost = run(net, objective.choose("sigmoid", l2=example["lambda_"], n=len(X)), X, y)
    return {"cost": [cost], "gradient (bias, w1..w3)": [*gradient.b[2], *gradient.W[2][0]]}


def ng_slope(_: dict[str, Any]) -> Found:
    def slope(z: Any) -> np.ndarray:
        z = np.array(z, float)
        return SIGMOID.pull_back(np.ones_like(z), z, SIGMOID.value(z))

    magic = [[8, 1, 6], [3, 5, 7], [4, 9, 2]]
    return {
        "at [-1,-0.5,0,0.5,1]": slope([[-1, -0.5, 0, 0.5, 1]])[0],
        "at [[-1,-2,-3]; magic(3)]": slope([[-1, -2, -3], *magic]),
    }


def planar(example: dict[str, Any]) -> Found:
    net, X, y = network_of(example)
    goal = objective.choose("sigmoid")
    forward, _, gradient, _ = run(net, goal, X, y)
    given = np.array([[0.5002307], [0.49985831], [0.50023963]])
    rows = COSTS["binary-cross-entropy"].value(given, np.array([[1.0], [0.0], [0.0]]))
    biased, draws = net.copy(), np.random.RandomState(1)
    draws.randn(2, 3)  # the inputs
    biased.layer(2).b[...], biased.layer(3).b[...] = draws.randn(4, 1)[:, 0], -1.3
    means = feed_forward(biased.layers, X)
    # the course's own case for the update
    W1 = np.array([[-0.00615039, 0.0169021], [-0.02311792, 0.03137121], [-0.0169217, -0.01752545],
                   [0.00935436, -0.05018221]])  # fmt: skip
    dW1 = np.array([[0.00023322, -0.00205423], [0.00082222, -0.00700776], [-0.00031831, 0.0028636],
                    [-0.00092857, 0.00809933]])  # fmt: skip
    SGD().update(W1, dW1, {}, 1.2, 1)
    return planar_training(net, X, y) | {
        "hidden outputs (units x samples)": forward.a[2].T,
        "outputs": forward.output[:, 0],
        "output nets": forward.z[3][:, 0],
        "dW1": gradient.W[2],
        "db1": gradient.b[2],
        "dW2": gradient.W[3][0],
        "db2": gradient.b[3],
        "cost of GIVEN outputs 0.5002307 0.49985831 0.50023963, targets 1,0,0 (randn(1,3)>0, seed 1)": [
            equations.objective_cost(rows, np.ones(3))
        ],
        "means of hidden net, hidden out, output net, output with biases randn(4,1) (next draws) and -1.3": [
            array.mean() for array in (means.z[2], means.a[2], means.z[3], means.output)
        ],
        "update, learning rate 1.2: W1 from GIVEN W1, dW1": W1,
    }


def planar_training(net: Network, X: np.ndarray, y: np.ndarray) -> Found:
    net, goal, sgd, draws = net.copy(), objective.choose("sigmoid"), SGD(1.2), np.random.RandomState(3)
    net.parameters[:] = 0
    net.layer(2).W[...] = draws.randn(4, 2) * 0.01
    net.layer(3).W[...] = draws.randn(1, 4) * 0.01
    *_, first = run(net, goal, X, y)
    for step in range(1, 10_001):
        _, _, gradient, _ = run(net, goal, X, y)
        sgd.update(net.parameters, gradient.vector, {}, 1.2, step)
    start = "10000 full-batch steps of 1.2 from randn*0.01 (seed3: W1 (4,2) then W2 (1,4), zero biases), X as above, "
    return {
        start + "Y=randn(1,3)>0 next draws: first cost": [first],
        "... final W1": net.layer(2).W,
        "... final b1": net.layer(2).b,
        "... final W2": net.layer(3).W[0],
        "... final b2": net.layer(3).b,
    }


PASSES: dict[str, Callable[[dict[str, Any]], Found]] = {
    "brownlee_2_1_2_forward_and_deltas": brownlee,
    "dlai_planar_2_4_1_tanh": planar,
    "han_kamber_3_2_1": han_kamber,
    "mazur_2_2_2": mazur,
    "melfm_notes_WRONG": melfm,
    "ng_ex3_logistic_regularised": ng_logistic,
    "ng_sigmoid_gradient": ng_slope,
    "rashid_single_weight": rashid,
    "saren_3_3_2_relu": saren,
    "udacity_3_2_1_no_bias": udacity,
}
UPDATES = {"cs231n_optimisers_one_step", "keras_optimisers_golden"}  # beside the optimizers

ROWS = [(name, row["quantity"]) for name in PASSES for row in load(name)["expected"]] if FOLDER.is_dir() else []


@cache
def reproduced(name: str) -> Found:
    return PASSES[name](load(name))


def test_every_file_is_accounted_for() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(PASSES) | UPDATES


@pytest.mark.parametrize("name", PASSES)
def test_every_row_is_accounted_for(name: str) -> None:
    rows = load(name)["expected"]
    assert sorted(row["quantity"] for row in rows) == sorted(reproduced(name))
    misprinted = {(name, row["quantity"]) for row in rows if not row["right_to_printed_digits"]}
    assert misprinted == {key for key in MISPRINTED if key[0] == name}


@pytest.mark.parametrize(("name", "quantity"), ROWS)
def test_a_row_is_reproduced_to_its_printed_digits(name: str, quantity: str) -> None:
    (row,) = (row for row in load(name)["expected"] if row["quantity"] == quantity)
    printed, found = np.array(row["printed"]), np.array(reproduced(name)[quantity], float)
    # The files' own high-precision computation; 10,000 steps carry the rounding of float64 on.
    assert found == pytest.approx(np.array(row["computed"]), rel=1e-9, abs=1e-15)
    wrong = {tuple(slip["at"]) for slip in row.get("mismatches", [])}
    assert printed.shape == found.shape
    for at, text in np.ndenumerate(printed):
        half_a_unit = 0.5 * 10.0 ** int(Decimal(str(text)).as_tuple().exponent)
        slack = 1e-9 * half_a_unit + 1e-15 * abs(found[at])  # of figures printed with more digits than float64 has
        right = abs(found[at] - float(text)) <= half_a_unit + slack
        assert right == (at not in wrong), f"{quantity} {at}: printed {text}, found {found[at]!r}"
