"""Channels: all paths together are the gradient; the largest are those that brute force finds."""

import itertools
import math

import numpy as np
import pytest

import backlit as bl
from backlit.trace import channels as module
from backlit.trace.examples import example

HIDDEN = ("tanh", "sigmoid", "relu", "gelu", "softplus", "leaky-relu")
PAIRS = (("sigmoid", None), ("softmax", None), ("softmax", "quadratic"), ("tanh", "mse"), ("identity", "huber"))


def random_trace(seed):
    """A network of 1 to 4 layers of weights, 1 to 4 neurons each."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, size=rng.integers(2, 6)).tolist()
    output, cost = PAIRS[seed % len(PAIRS)]
    net = bl.Network(
        sizes, activation=HIDDEN[seed % len(HIDDEN)], output=output, initializer="gaussian", seed=seed, dtype="float64"
    )
    y = rng.dirichlet(np.ones(sizes[-1])) if output == "softmax" else rng.random(sizes[-1])
    return bl.trace(net, rng.normal(size=(1, sizes[0])), y[np.newaxis], cost=cost)


def everything(t):
    """Each weight, bias, activation and input, with its gradient found apart from the channels."""
    for l, n in enumerate(t.network.sizes, start=1):
        for j in range(n):
            yield "activation", l, j, None, t.dC_da(l)[0, j]
            if l == 1:
                yield "input", 1, j, None, t.dC_da(1)[0, j]
                continue
            yield "bias", l, j, None, t.bias_gradient(l)[j]
            for k in range(t.network.sizes[l - 2]):
                yield "weight", l, j, k, t.weight_gradient(l)[j, k]


def by_brute_force(t, kind, l, j, k):
    """Every product along every path, written out with nothing of the module's."""
    W = {layer.number: layer.W for layer in t.network.layers}
    start = t.a(l - 1)[0, k] if kind == "weight" else 1.0
    found = []
    for rest in itertools.product(*(range(n) for n in t.network.sizes[l:])):
        value, here = start, j
        for step, p in enumerate(rest, start=l + 1):
            if step > l + 1 or kind in ("weight", "bias"):
                value *= t.slope(step - 1)[0, here]
            value *= W[step][p, here]
            here = p
        found.append(value * t.delta(t.L)[0, here])
    return found


@pytest.mark.parametrize("block", range(10))
def test_all_paths_add_up_to_the_gradient_on_200_networks(block):
    for seed in range(20 * block, 20 * block + 20):
        t = random_trace(seed)
        for kind, l, j, k, gradient in everything(t):
            found = t.channels(kind, l, j, k, top=10**6)
            assert len(found.paths) == found.count
            assert found.listed == pytest.approx(gradient, abs=1e-12)
            assert found.total == pytest.approx(gradient, abs=1e-12)  # by BP2, not enumerated
            assert found.gradient == pytest.approx(gradient, abs=1e-12)
            if not (l == t.L and kind in ("activation", "input")):
                brute = by_brute_force(t, kind, l, j, k)
                assert np.allclose(sorted(p.value for p in found.paths), sorted(brute), rtol=1e-12, atol=1e-15)


def test_the_largest_paths_are_those_of_brute_force():
    for seed in range(60):
        t = random_trace(seed)
        for kind, l, j, k, _ in everything(t):
            if l == t.L:
                continue
            brute = sorted((abs(v) for v in by_brute_force(t, kind, l, j, k)), reverse=True)
            for top in (1, 3, 7):
                found = [abs(path.value) for path in t.channels(kind, l, j, k, top=top).paths]
                assert np.allclose(found, brute[:top], rtol=1e-12, atol=1e-300)


def test_the_share_that_the_listed_paths_carry():
    t = random_trace(7)
    for kind, l, j, k, _ in everything(t):
        if l == t.L:
            continue
        brute = sorted((abs(v) for v in by_brute_force(t, kind, l, j, k)), reverse=True)
        found = t.channels(kind, l, j, k, top=2)
        assert found.flow == pytest.approx(sum(brute), rel=1e-12)
        if sum(brute):
            assert found.carried == pytest.approx(sum(brute[:2]) / sum(brute), rel=1e-12)


def test_a_wide_network_is_searched_not_enumerated():
    net = bl.Network([20, 200, 200, 200, 5], activation="tanh", output="softmax", dtype="float64", seed=0)
    t = bl.trace(net, np.linspace(-1, 1, 20), 2)
    found = t.channels("weight", 2, 3, 4)
    assert (found.count, len(found.paths), found.complete) == (200 * 200 * 5, 10, False)
    assert found.total == pytest.approx(found.gradient, rel=1e-9)
    # brute force by products of arrays: every one of the 200,000 paths
    W, s = {layer.number: layer.W for layer in net.layers}, {l: t.slope(l)[0] for l in (2, 3, 4)}
    first = t.a(1)[0, 4] * s[2][3] * W[3][:, 3] * s[3]
    every = first[:, None] * W[4].T * s[4]
    every = np.abs(every[:, :, None] * W[5].T[None] * t.delta(5)[0]).ravel()
    assert np.allclose([abs(p.value) for p in found.paths], np.sort(every)[::-1][:10], rtol=1e-12)
    assert found.flow == pytest.approx(every.sum(), rel=1e-9)


def test_equal_weights_do_not_make_the_search_wander():
    net = bl.Network([4, 30, 30, 30, 1], activation="identity", dtype="float64")
    net.parameters[:] = 0.1
    popped, pop = [], module.heapq.heappop
    t = bl.trace(net, np.ones(4), [0.0])
    module.heapq.heappop = lambda queue: popped.append(1) or pop(queue)
    try:
        found = t.channels("input", j=0, top=5)
    finally:
        module.heapq.heappop = pop
    assert len(found.paths) == 5
    assert len(popped) < 60  # five paths of four steps, not 27,000


def test_factors_multiply_to_the_path_and_neurons_lead_from_it_to_the_output():
    t = example("3-3-3").trace()
    for path in t.channels("weight", 2, 1, 0).paths:
        assert math.prod(value for _, value in path.factors) == path.value
        assert path.neurons[0] == (1, 0)
        assert path.neurons[1] == (2, 1)
        assert path.neurons[-1][0] == 3
        assert [sign for sign, _ in path.factors][-1] == f"δ[3][{path.neurons[-1][1]}]"


def test_a_batch_is_followed_one_row_at_a_time():
    t = example("three-layers").trace(l2=0.0)
    with pytest.raises(bl.OptionError, match="one row at a time: say which, row=0 to 4"):
        t.channels("weight", 2, 0, 0)
    mean = sum(t.channels("weight", 2, 0, 0, row=i).listed for i in range(5)) / 5
    assert mean == pytest.approx(t.weight_gradient(2)[0, 0], abs=1e-16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("wieght", 2, 0, 0), "did you mean 'weight'"),
        (("weight", 1, 0, 0), "layer 1 is the input"),
        (("weight", 2, 0, 9), "no input 9 of layer 2"),
        (("bias", 9, 0), "no layer 9"),
        (("input", 1, 5), "no neuron 5 in layer 1"),
    ],
)
def test_what_does_not_exist_is_named(arguments, message):
    with pytest.raises(bl.OptionError, match=message):
        example("3-3-3").trace().channels(*arguments)
    with pytest.raises(bl.OptionError, match="top must be a whole number of paths"):
        example("3-3-3").trace().channels("bias", 2, 0, top=0)


def test_it_is_said_where_paths_end_and_what_they_prove():
    said = str(example("3-3-3").trace().channels("weight", 2, 1, 0))
    assert "by 3 paths" in said
    assert "with δ^L as their last factor" in said
    assert "all paths together, by BP2" in said


def test_a_broken_sum_would_be_seen(monkeypatch):
    t = example("3-3-3").trace()
    monkeypatch.setattr(module._Search, "_start", lambda self: 0.5)  # a wrong activation before the weight
    found = t.channels("weight", 2, 1, 0)
    assert found.listed != pytest.approx(found.gradient, abs=1e-12)
