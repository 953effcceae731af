"""The terminal: every number of a small pass; a large one by its largest entries and a histogram."""

import numpy as np
import pytest

import backlit as bl
from backlit.trace import notations
from backlit.trace.examples import example
from backlit.trace.figures import figure
from backlit.trace.render import terminal


@pytest.mark.parametrize("notation", notations.NOTATIONS)
def test_every_number_of_a_small_pass_is_there(notation):
    t = example("2-3-1").trace(learning_rate=0.5)
    text = terminal.text(t, notation=notation)
    for l in range(1, 4):
        arrays = [t.a(l), t.dC_da(l)] + (
            [t.z(l), t.slope(l), t.delta(l), t.weight_gradient(l), t.bias_gradient(l)] if l > 1 else []
        )
        for value in np.concatenate([array.ravel() for array in arrays]):
            assert figure(float(value)) in text
    for name in (
        "BP1, error of the output",
        "BP2, error of a hidden layer",
        "BP3, gradient of the biases",
        "BP4, gradient of the weights",
    ):
        assert name in text
    assert "the cost goes from" in text


def test_a_large_layer_is_its_largest_entries_and_a_histogram():
    t = example("digits").trace()
    text = terminal.text(t)
    assert "the 12 largest of 1920" in text
    assert any(block in text for block in "▂▃▄▅▆▇█")
    j, k = np.unravel_index(np.abs(t.weight_gradient(3)).argmax(), (10, 30))
    assert f"= {figure(float(t.weight_gradient(3)[j, k]))}" in text
    assert len(text.splitlines()) < 150


def test_a_long_batch_says_which_rows_it_leaves_out():
    net = bl.Network([2, 1], dtype="float64")
    text = str(bl.trace(net, np.ones((6, 2)), np.zeros((6, 1))))
    assert "rows 3 to 5 are in the record" in text


def test_chinese():
    text = terminal.text(example("mazur").trace(), lang="zh")
    assert "第 2 层: sigmoid" in text
    assert "BP2，隐藏层的误差" in text
