"""Difference quotients: the error bound holds, a kink is kept out, the step shrinks, a bend nobody declared is seen."""

import numpy as np
import pytest

from backlit.check.differences import differentiate, undeclared_kinks


def functions(values):
    """f(x + t) of a vectorised function at P points, with the pieces of a kink at 0."""

    def at(f, x, kinked=False):
        def moved(which, t):
            there = x[which] + t
            same = (there > 0) == (x[which] > 0) if kinked else np.ones(len(there), dtype=bool)
            return f(there), same

        return moved

    return at(*values)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.exp, np.exp),
        (np.sin, np.cos),
        (lambda x: 1 / (1 + np.exp(-30 * x)), lambda x: 30 * np.exp(-30 * x) / (1 + np.exp(-30 * x)) ** 2),
        (lambda x: x**5, lambda x: 5 * x**4),
    ],
)
def test_the_bound_holds_and_is_narrow(f, slope):
    x = np.linspace(-2, 2, 41)
    found = differentiate(functions((f, x)), np.full(41, 1e-3), 4e-16 * (1 + np.abs(f(x))))
    off = np.abs(found.value - slope(x))
    assert (off <= found.bound).all()
    assert (found.bound <= 1e-5 * np.abs(slope(x)) + 1e-10).all()
    assert found.decided.all()


def test_a_kink_on_one_side_gives_the_slope_of_the_other():
    """max(x, 0) at 0: by convention 0 lies on the piece below, whose slope is 0; beside it the step shrinks."""
    x = np.array([0.0, 1e-9, 1e-5, 0.5, -1e-9])
    found = differentiate(functions((lambda v: np.maximum(v, 0) + v**2, x, True)), np.full(5, 1e-3), np.full(5, 4e-16))
    assert found.decided.all()
    expected = (x > 0) + 2 * x
    assert (np.abs(found.value - expected) <= found.bound).all()


def test_no_piece_of_ones_own_on_either_side_is_undecided():
    def f(which, t):
        return np.abs(t), t == 0

    found = differentiate(f, np.array([1e-3]), np.array([1e-16]))
    assert not found.decided[0]


def test_a_bend_nobody_declared_is_seen():
    x = np.array([0.0, 0.3, 0.0])
    seen = undeclared_kinks(functions((np.abs, x)), np.array([0, 1]), np.full(2, 1e-3), np.full(2, 1e-16))
    assert seen.tolist() == [True, False]
    smooth = undeclared_kinks(functions((np.sin, x)), np.array([0, 1]), np.full(2, 1e-3), np.full(2, 1e-16))
    assert not smooth.any()
