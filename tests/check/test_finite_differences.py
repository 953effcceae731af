"""The check on random networks: no false alarm, few left undecided, every planted error found."""

from dataclasses import replace

import numpy as np
import pytest

import backlit as bl
from backlit.activations import ACTIVATIONS
from backlit.backpropagation import Gradients
from backlit.check import finite_differences
from backlit.check.run import check
from backlit.engines.reference import ReferenceEngine
from backlit.objective import VALID_OUTPUTS

HIDDEN = [name for name, activation in ACTIVATIONS.items() if not activation.output_only]
PAIRS = [(output, cost) for cost, outputs in VALID_OUTPUTS.items() for output in outputs]
REACH = {name: (activation.lowest, activation.highest) for name, activation in ACTIVATIONS.items()}


def random_problem(seed):
    """A network of 2 to 5 layers, rows, targets, an objective; every activation and every pair has its turn."""
    rng = np.random.default_rng(seed)
    L = int(rng.integers(2, 6))
    sizes = rng.integers(1, 9, L).tolist()
    output, cost = PAIRS[seed % len(PAIRS)]
    hidden = [HIDDEN[(seed + i * int(rng.integers(1, 4))) % len(HIDDEN)] for i in range(L - 2)]
    initializer = ["auto", "gaussian", "small-uniform", "lecun-uniform"][seed % 4]
    dtype = ["float32", "float64"][seed // 2 % 2]
    net = bl.Network(sizes, activation=hidden, output=output, initializer=initializer, seed=seed, dtype=dtype)
    m = int(rng.integers(1, 7))
    X = rng.standard_normal((m, sizes[0])) * rng.choice([0.1, 1, 5])
    X[rng.random(X.shape) < 0.1] = 0
    Y = rng.standard_normal((m, sizes[-1])) * 2
    if cost == "binary-cross-entropy":
        Y = rng.integers(0, 2, Y.shape)
    elif cost == "cross-entropy":
        Y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], m)]
    elif cost == "poisson":
        Y = rng.poisson(2, Y.shape)
    Y = np.clip(Y, *REACH.get(output, (-np.inf, np.inf)))
    options = {"cost": cost, "l2": float(rng.choice([0, 0.3])), "n": 50.0}
    if seed % 3 == 0:
        options["sample_weight"] = rng.integers(0, 3, m) + (np.arange(m) == 0)
    return net, X, Y, options


class Planting(ReferenceEngine):
    """The reference engine with one number of its gradient put wrong."""

    def __init__(self, at, relative=0.0, absolute=0.0):
        self.at, self.relative, self.absolute = at, relative, absolute

    def backward_pass(self, network, objective, X, Y, row_weights):
        backward = super().backward_pass(network, objective, X, Y, row_weights)
        vector = backward.gradients.vector.copy()
        vector[self.at] += self.relative * vector[self.at] + self.absolute
        return replace(backward, gradients=Gradients.of(network, vector))


def held_numbers(monkeypatch, net, X, Y, options, **more):
    """The report, and what every quantity was held against: (found, expected, tolerance, undecided)."""
    held = {}
    original = finite_differences.compare

    def watching(quantity, layer, found, expected, tolerance, undecided=None, why=""):
        undecided = np.zeros(found.shape, dtype=bool) if undecided is None else undecided
        held[quantity, layer] = found, expected, tolerance, undecided
        return original(quantity, layer, found, expected, tolerance, undecided, why)

    with monkeypatch.context() as patch:
        patch.setattr(finite_differences, "compare", watching)
        report = check(net, X, Y, **options, **more)
    return report, held


def survey(monkeypatch, seeds):
    """(numbers, undecidable, false alarms, plants due, plants missed) over the networks of these seeds."""
    numbers = undecidable = due = missed = end_to_end = 0
    alarms = []
    for seed in seeds:
        net, X, Y, options = random_problem(seed)
        report, held = held_numbers(monkeypatch, net, X, Y, options)
        numbers += sum(q.passed + q.failed + q.undecidable for q in report.quantities)
        undecidable += report.undecidable
        if report.failures:
            alarms.append((seed, str(report.failures[0])))
        rng = np.random.default_rng(seed)
        for (quantity, _), (found, expected, tolerance, undecided) in held.items():
            if quantity != "weight_gradient":
                continue
            relative = ~undecided & (np.abs(found) * 1e-4 > tolerance)
            absolute = ~undecided & ~relative
            for which, wrong in (
                (relative, found * (1 + 1e-4)),
                (absolute, found + 2.01 * tolerance + 1e-30),
            ):  # a tolerance may be 0
                due += int(which.sum())
                missed += int((which & (np.abs(wrong - expected) <= tolerance)).sum())
        layer = int(rng.integers(2, net.L + 1))
        found, _, tolerance, undecided = held["weight_gradient", layer]
        candidates = np.argwhere(~undecided & (np.abs(found) * 1e-4 > 2 * tolerance))
        if len(candidates):
            j, k = map(int, candidates[rng.integers(len(candidates))])
            at = np.flatnonzero(net.split(np.arange(net.parameters.size))[layer][0].ravel()[j * found.shape[1] + k]
                                == np.arange(net.parameters.size))[0]  # fmt: skip
            caught = check(net, X, Y, **options, engine=Planting(at, relative=1e-4))
            place = caught.failures[0]
            assert (place.quantity, place.layer, place.at) == ("weight_gradient", layer, {"neuron": j, "weight": k})
            end_to_end += 1
    return numbers, undecidable, alarms, due, missed, end_to_end


def test_random_networks(monkeypatch):
    """No false alarm, at most 1 % undecidable, every plant above its bound found."""
    numbers, undecidable, alarms, due, missed, end_to_end = survey(monkeypatch, range(60))
    assert not alarms
    assert undecidable <= 0.01 * numbers
    assert due > 1000
    assert end_to_end > 40
    assert missed == 0


@pytest.mark.slow
def test_five_hundred_random_networks(monkeypatch, capsys):
    numbers, undecidable, alarms, due, missed, end_to_end = survey(monkeypatch, range(500))
    with capsys.disabled():
        print(f"\n{numbers=:,} {undecidable=:,} alarms={len(alarms)} {due=:,} {missed=} {end_to_end=}")
    assert not alarms
    assert undecidable <= 0.01 * numbers
    assert missed == 0
