"""What is measured is the largest difference, of outputs and of gradients, and another function is refused."""

import numpy as np
import pytest

from backlit.errors import OptionError
from backlit.formats import agreement
from backlit.formats.agreement import Agreement
from backlit.network import Network


def test_the_difference_is_a_share_of_the_largest():
    ours, theirs = np.array([[1.0, -8.0]]), np.array([[1.5, -10.0]])
    assert agreement.difference(ours, theirs) == 0.2
    assert agreement.difference(np.zeros(3), np.zeros(3)) == 0


@pytest.mark.parametrize(
    "theirs", [np.zeros((2, 2)), np.array([np.nan, 0.0]), np.array([np.inf, 0.0]), np.zeros(3)], ids=str
)
def test_what_cannot_be_compared_differs_without_bound(theirs):
    assert agreement.difference(np.array([np.inf, 0.0])[: theirs.size], theirs) == np.inf


def test_the_gradient_is_that_of_the_weighed_sum():
    """A layer of identity has ∂C/∂W = Gᵀ X / m, ∂C/∂b the mean of G."""
    network = Network([3, 2], dtype="float64")
    rng = np.random.default_rng(0)
    X, G = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    ((W, b),) = agreement.gradient(network, X, G)
    assert W == pytest.approx(G.T @ X / 7, rel=1e-14)
    assert b == pytest.approx(G.mean(axis=0), rel=1e-14)


def test_outputs_and_gradients_are_both_measured():
    network = Network([3, 2], dtype="float64")
    right = agreement.measure(network, "itself", network.predict, lambda X, G: agreement.gradient(network, X, G))
    assert (right.outputs, right.gradients, right.rows) == (0, 0, 64)
    with pytest.raises(OptionError, match=r"does not compute what X computes: outputs differ .* by at most 1.0e-06"):
        agreement.measure(network, "X", lambda X: network.predict(X) * (1 + 1e-6))
    off = lambda X, G: [(1.001 * W, None) for W, b in agreement.gradient(network, X, G)]  # noqa: E731
    with pytest.raises(OptionError, match=r"gradients by 1.0e-03"):
        agreement.measure(network, "X", network.predict, off)


def test_numbers_that_are_not_finite_are_refused_and_not_warned_of():
    network = Network([3, 2, 1], activation="identity", dtype="float64")
    network.parameters[:] = 1e300
    theirs = lambda X: (X @ network.layer(2).W.T) @ network.layer(3).W.T  # noqa: E731
    with pytest.raises(OptionError, match="cannot be held against X: on random rows a number is not finite"):
        agreement.measure(network, "X", theirs, lambda X, G: agreement.gradient(network, X, G))
    with pytest.raises(OptionError, match="the outputs are not as many"):
        agreement.measure(Network([3, 2]), "X", lambda X: X[:, :1])


def test_the_arithmetic_of_the_other_side_sets_the_limit():
    network = Network([3, 2], dtype="float64")
    nearly = lambda X: network.predict(X) * (1 + 1e-6)  # noqa: E731
    assert agreement.measure(network, "X", nearly, arithmetic="float32").outputs == pytest.approx(1e-6, rel=1e-3)


def test_it_says_what_it_found():
    assert str(Agreement("X", 64, "random", 1e-7, 2e-7)) == (
        "outputs differ from X's by at most 1.0e-07 of the largest, gradients by 2.0e-07, over 64 random rows"
    )
    assert Agreement("X", 1, "real", 0.0).to_dict() == {
        "against": "X", "rows": 1, "data": "real", "outputs": 0.0, "gradients": None,
    }  # fmt: skip
