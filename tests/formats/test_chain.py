"""The chain that every reader fills: what becomes a layer, what is refused, what is noted as lost."""

import numpy as np
import pytest

from backlit.errors import DataError, OptionError
from backlit.formats.chain import ChainBuilder

RNG = np.random.default_rng(1)
W2, b2 = RNG.normal(size=(4, 3)), RNG.normal(size=4)
W3, b3 = RNG.normal(size=(2, 4)), RNG.normal(size=2)


def chain(first="float64", second="float64"):
    builder = ChainBuilder("file")
    builder.linear(W2.astype(first), b2.astype(first), "first")
    builder.activation("tanh", "its activation")
    builder.linear(W3.astype(second), b3.astype(second), "second")
    return builder


def test_layers_become_a_network():
    network = chain().network()
    X = RNG.normal(size=(5, 3))
    assert network.predict(X) == pytest.approx(np.tanh(X @ W2.T + b2) @ W3.T + b3, rel=1e-14)


@pytest.mark.parametrize(
    ("first", "second", "dtype"),
    [("float32", "float32", "float32"), ("float32", "float64", "float64"), ("float16", "float16", "float32")],
)
def test_the_widest_dtype_is_taken(first, second, dtype):
    builder = chain(first, second)
    network = builder.network()
    assert network.dtype == dtype
    assert np.array_equal(network.layer(3).W, W3.astype(second).astype(dtype))
    assert any("float16" in what for what in builder.lost) == (first == "float16")


def test_what_is_lost_is_noted_once():
    builder = ChainBuilder("file")
    for _ in range(3):
        builder.lose("its state")
    assert builder.lost == ["its state"]


def test_dropouts_in_a_row_keep_what_both_keep():
    builder = ChainBuilder("file")
    builder.dropout(0.1, "of the inputs")
    builder.linear(W2, b2, "first")
    builder.dropout(0.5, "one")
    builder.dropout(0.2, "other")
    builder.dropout(0.0, "none")
    builder.linear(W3, b3, "second")
    builder.dropout(0.3, "of the outputs")
    assert builder.network().dropout == (pytest.approx(0.6),)
    assert [what.split(" (")[0] for what in builder.lost] == [
        "of the inputs: dropout of the inputs", "dropout of the outputs",
    ]  # fmt: skip


def test_an_activation_within_that_is_for_outputs_names_its_layer():
    builder = ChainBuilder("file")
    builder.linear(W2, b2, "first")
    builder.activation("softmax", "its activation")
    builder.linear(W3, b3, "second")
    with pytest.raises(OptionError, match="file: layer 2 of 3 has softmax, which Backlit has for the output layer"):
        builder.network()
    with pytest.raises(OptionError, match="has no layer with weights"):
        ChainBuilder("file").network()


@pytest.mark.parametrize(
    ("W", "b", "words"),
    [
        (np.ones((2, 5)), np.ones(2), "takes 5 inputs, and what stands before it has 4 outputs"),
        (np.ones((2, 3)), np.ones(2), "takes 3 inputs, and what stands before it has 4 outputs"),
        (np.ones((2, 4)), np.ones(3), r"weights of shape \(2, 4\) and biases of \(3,\)"),
        (np.ones(4), np.ones(4), r"weights of shape \(4,\)"),
        (np.ones((0, 4)), np.ones(0), r"weights of shape \(0, 4\)"),
        (np.ones((2, 4), int), np.ones(2), "is of int64; float16, float32 and float64 are taken"),
        (np.ones((2, 4)), np.ones(2, "longdouble"), "are taken"),
        (np.full((2, 4), np.inf), np.ones(2), "not finite"),
        (np.ones((2, 4)), np.array([1, np.nan]), "not finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(W, b, words):
    builder = ChainBuilder("file")
    builder.linear(W2, b2, "first")
    with pytest.raises(DataError, match=rf"file: second .*{words}"):
        builder.linear(W, b, "second")


def test_a_layer_without_bias_gets_one_of_0():
    builder = ChainBuilder("file")
    builder.linear(W2, None, "first")
    assert not builder.network().layer(2).b.any()
    assert builder.lost == ["first has no bias: it is 0 here, and training would move it"]


@pytest.mark.parametrize("p", [-0.1, 1.0, 2.0, float("nan")])
def test_a_probability_that_is_none_is_refused(p):
    with pytest.raises(OptionError, match="drops with probability"):
        ChainBuilder("file").dropout(p, "it")
