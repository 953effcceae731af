"""The words and symbols of notation.py are those of the code: a pass has the shapes that the table states."""

import inspect

import numpy as np
import pytest

from backlit import equations, objective
from backlit.backpropagation import Gradients, backpropagate, feed_forward, gradients
from backlit.network import Network
from backlit.notation import EQUATIONS, SYMBOLS

FUNCTION_OF = {
    "feed forward": equations.feed_forward,
    "BP1, error of the output": equations.output_error,
    "BP2, error of a hidden layer": equations.backpropagate_error,
    "BP3, gradient of the biases": equations.bias_gradient,
    "BP4, gradient of the weights": equations.weight_gradient,
}


def test_every_symbol_has_one_name_and_says_what_it_is() -> None:
    assert len({symbol.name for symbol in SYMBOLS}) == len({symbol.sign for symbol in SYMBOLS}) == len(SYMBOLS)
    assert all(symbol.shape and symbol.meaning for symbol in SYMBOLS)


def test_a_pass_has_the_shapes_the_table_states() -> None:
    m, sizes = 5, (3, 4, 2)
    net = Network(sizes, activation="tanh", output="softmax")
    X = np.ones((m, 3), np.float32)
    y = np.eye(2, dtype=np.float32)[[0, 1, 0, 1, 0]]
    goal = objective.choose("softmax")
    forward = feed_forward(net.layers, X)
    errors = backpropagate(net.layers, goal, forward, y)
    gradient = gradients(net.layers, goal, forward, errors, np.ones(m, np.float32), Gradients.empty(net))
    shape_of = {symbol.name: symbol.shape for symbol in SYMBOLS}
    for l in (2, 3):
        n_l, n_before = sizes[l - 1], sizes[l - 2]
        numbers = {"(n_l, n_{l-1})": (n_l, n_before), "(n_l,)": (n_l,), "(m, n_l)": (m, n_l)}
        arrays = {
            "W": net.layer(l).W, "b": net.layer(l).b, "z": forward.z[l], "a": forward.a[l], "delta": errors.delta[l],
        }  # fmt: skip
        for name, array in arrays.items():
            assert array.shape == numbers[shape_of[name]], (name, l)
        assert gradient.W[l].shape == (n_l, n_before)
        assert gradient.b[l].shape == (n_l,)


@pytest.mark.parametrize("words", FUNCTION_OF)
def test_an_equation_stands_in_the_docstring_of_its_function(words: str) -> None:
    first_line = (inspect.getdoc(FUNCTION_OF[words]) or "").splitlines()[0]
    said, _, _ = first_line.partition(":")
    assert said.lower() == words.lower()


def test_every_equation_of_a_pass_is_listed_in_order() -> None:
    assert list(EQUATIONS) == [*FUNCTION_OF, "penalty", "update"]
