"""``bl.check``: its verdicts in words, kinks hit on the nose, planted mistakes of an engine, bad input."""

from dataclasses import replace

import numpy as np
import pytest

import backlit as bl
from backlit.activations import Elementwise
from backlit.check.run import check, work
from backlit.engines.reference import ReferenceEngine
from backlit.errors import DataError, OptionError

X, Y = bl.data.load("iris")


class Broken(ReferenceEngine):
    """The reference engine with one equation changed."""

    name = "broken"

    def __init__(self, change):
        self.change = change

    def backward_pass(self, network, objective, X, Y, row_weights):
        backward = super().backward_pass(network, objective, X, Y, row_weights)
        return self.change(backward)


def shifted(what, by):
    """A backward pass whose quantity of one layer is multiplied."""

    def change(backward):
        quantity, layer = what
        if quantity == "delta":
            delta = {**backward.errors.delta, layer: backward.errors.delta[layer] * by}
            return replace(backward, errors=replace(backward.errors, delta=delta))
        if quantity == "z":
            z = {**backward.forward.z, layer: backward.forward.z[layer] * by}
            return replace(backward, forward=replace(backward.forward, z=z))
        name = {"weight_gradient": "W", "bias_gradient": "b"}[quantity]
        arrays = {**getattr(backward.gradients, name), layer: getattr(backward.gradients, name)[layer] * by}
        return replace(backward, gradients=replace(backward.gradients, **{name: arrays}))

    return change


def test_a_right_network_passes():
    report = check(bl.Network([4, 6, 3], output="softmax"), X, Y, rows=range(12), l2=0.5)
    assert report.answer == "pass"
    assert str(report).startswith("PASS: backpropagation (reference engine) against finite differences, 12 rows: all")
    by_name = {(q.quantity, q.layer): q for q in report.quantities}
    assert by_name["weight_gradient", 2].passed == 24
    assert by_name["input_gradient", 1].passed == 12 * 4
    assert by_name["delta", 3].passed == 12 * 3
    # eight digits of a central difference with Richardson's correction, for the typical number
    assert by_name["weight_gradient", 2].median_relative < 1e-8


def test_the_price_is_counted_as_stated():
    report = check(bl.Network([4, 6, 3], output="softmax"), X, Y, rows=range(12))
    price = report.price
    N = 4 * 6 + 6 + 6 * 3 + 3
    assert price.parameters == N
    assert price.naive_passes == (N + 1) * 12
    assert price.backpropagation_passes == 24
    assert price.probes >= 4 * 12 * (4 + 6 + 3)  # four points for each input and each z
    assert price.passes < price.naive_passes


@pytest.mark.parametrize(
    ("what", "equation"),
    [
        (("z", 2), "feed forward"),
        (("delta", 3), "BP1, error of the output"),
        (("delta", 2), "BP2, error of a hidden layer"),
        (("bias_gradient", 3), "BP3, gradient of the biases"),
        (("weight_gradient", 2), "BP4, gradient of the weights"),
    ],
)
def test_the_first_wrong_equation_is_named(what, equation):
    report = check(bl.Network([4, 6, 3], activation="tanh", output="softmax"), X, Y, rows=range(12),
                   engine=Broken(shifted(what, 1.001)))  # fmt: skip
    assert report.answer == "fail"
    assert (report.first_failure.quantity, report.first_failure.layer) == what
    assert f"The first wrong equation is {equation}, at layer {what[1]}" in str(report)


def test_relu_at_exactly_zero_is_not_failed():
    """Zero rows and zero biases put every z of layer 2 on the kink; the slope of one side is ours, by convention."""
    net = bl.Network([2, 3, 3, 1], activation="relu")
    report = check(net, np.zeros((4, 2)), np.ones(4), cost="quadratic")
    assert not report.failures
    one_hidden = check(bl.Network([2, 3, 1], activation="relu"), np.zeros((4, 2)), np.ones(4), cost="quadratic")
    by_name = {(q.quantity, q.layer): q for q in one_hidden.quantities}
    # one neuron at a time crosses its kink: the side it lies on decides
    assert (by_name["delta", 2].passed, by_name["delta", 2].undecidable) == (12, 0)
    assert by_name["bias_gradient", 2].undecidable == 0
    leaky = bl.Network([2, 3, 1], activation="leaky-relu")
    report = check(leaky, np.zeros((4, 2)), np.ones(4), cost="quadratic")
    assert not report.failures


def test_a_kink_with_both_sides_off_its_piece_is_undecidable_and_named():
    """z² = 0 in two neurons that an input moves in opposite directions: each side of the probe leaves a piece."""
    net = bl.Network([1, 2, 1], activation="relu")
    net.layer(2).W[...] = [[1.0], [-1.0]]
    net.layer(2).b[...] = 0
    net.layer(3).W[...] = [[1.0, 2.0]]
    net.layer(3).b[...] = 0
    report = check(net, [[0.0]], [1.0], cost="quadratic")
    inputs = next(q for q in report.quantities if q.quantity == "input_gradient")
    assert (inputs.answer, inputs.undecidable) == ("undecidable", 1)
    assert "∂C/∂x at row 0, input 0: the row sits on the kink of relu at 0" in str(report)
    assert report.answer == "undecidable"
    assert not report.passed


def test_a_kink_of_an_activation_of_ones_own_is_seen():
    class Fold(Elementwise):
        name = "fold"

        def value(self, z):
            return np.abs(z)

        def slope(self, z, a):
            return np.sign(z)

    net = bl.Network([2, 3, 1], activation=Fold())
    report = check(net, np.zeros((2, 2)), np.ones(2), cost="quadratic")
    assert not report.failures
    assert report.undecidable > 0


def test_a_wrong_slope_of_ones_own_is_failed():
    class Bent(Elementwise):
        name = "bent"

        def value(self, z):
            return z**3

        def slope(self, z, a):
            return 2 * z**2

    net = bl.Network([4, 3, 1], activation=Bent())
    report = check(net, X[:5], np.ones(5), cost="quadratic")
    assert report.first_failure.equation == "BP2, error of a hidden layer"


def test_random_directions_for_what_is_too_large(monkeypatch):
    from backlit.check import run

    monkeypatch.setattr(run, "WORK_AT_ONCE", 0)
    net = bl.Network([4, 8, 8, 3], activation="relu", output="softmax")
    report = check(net, X, Y, rows=range(20), l2=0.1)
    assert report.passed
    assert "random directions" in str(report)
    assert "is missed with probability below 1e-06" in str(report)
    broken = check(net, X, Y, rows=range(20), engine=Broken(shifted(("weight_gradient", 3), 1.0001)))
    assert (broken.first_failure.quantity, broken.first_failure.layer) == ("direction", 3)
    assert "one of BP1 to BP4, or the penalty, at layer 3" in str(broken)
    assert "random directions" not in str(check(net, X, Y, rows=range(20), all=True))


def test_work_grows_with_the_network():
    from backlit.check.run import point_of

    def of(sizes):
        net = bl.Network(sizes, output="softmax")
        return work(point_of(net, np.zeros((10, sizes[0])), np.zeros(10), cost=None, l2=0, n=None, sample_weight=None))

    assert of([784, 30, 10]) < 1e9 < of([784, 2000, 2000, 2000, 10])


def test_the_network_is_left_as_it_was_and_training_gives_the_same_bits():
    def trained(checked):
        net = bl.Network([4, 5, 3], output="softmax", dropout=0.2, seed=3)
        if checked:
            before = net.parameters.copy()
            bl.check(net, X, Y, rows=range(5))
            bl.check_backward(net, X[:3], Y[:3], {"cost": 1.0})
            np.testing.assert_array_equal(net.parameters, before)
        bl.train(net, X, Y, epochs=2, seed=5, engine="reference")
        return net.parameters

    np.testing.assert_array_equal(trained(True), trained(False))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"rows": [500]}, DataError, "there is no row 500: X has 150 rows, numbered from 0 to 149"),
        ({"rows": []}, OptionError, "at least one"),
        ({"cost": "quadratc"}, OptionError, "did you mean 'quadratic'"),
        ({"engine": "fastest"}, OptionError, "engine 'fastest' is not known"),
        ({"sample_weight": np.ones(3)}, DataError, "sample_weight has 3 rows"),
    ],
)
def test_bad_input_is_named(options, error, words):
    with pytest.raises(error, match=words):
        check(bl.Network([4, 5, 3], output="softmax"), X, Y, **options)


def test_a_network_that_is_not_finite_is_refused():
    net = bl.Network([4, 3], output="softmax")
    net.layer(2).W[0, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        check(net, X, Y)
