"""The little language of formulas: what it parses, what it refuses, how it is written with all its brackets."""

import math

import pytest

from backlit.trace.figures import figure, figure_latex, spark
from backlit.trace.formulas import FUNCTIONS, Bound, evaluate, expand, factors, parse, points
from backlit.trace.notations import get
from backlit.trace.typeset import Paper

NAMES = {"m": 3.0, "n": 2.0, "lam": 0.5, "eta": 0.1}


def bound(numbers=None):
    numbers = numbers or {}
    return Bound(
        {"l": 2, "j": 0, "k": 1},
        NAMES,
        0,
        3,
        lambda l: 4,
        lambda p: numbers.get((p.quantity, *p.indices), 1.0 + sum(p.indices)),
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("m - (n - 1)", 2.0),
        ("m / (n * n)", 0.75),
        ("m - n - 1", 0.0),
        ("-(m + n)", -5.0),
        ("(m + n) * (m - n)", 5.0),
        ("m * (n / m)", 2.0),
        ("(m - n) ** 2", 1.0),
        ("sum(k, l, a[l,k])", 10.0),
        ("2 * sum(k, l, a[l,k] + 1)", 28.0),
        ("sum(k, l, a[l,k]) * m", 30.0),
        ("rows(i, m)", 9.0),
        ("exp(ln(m))", 3.0),
        ("clip(m)", 1.0),
        ("huber(m)", 2.5),
    ],
)
def test_a_formula_means_what_it_says_and_its_numbers_read_back_as_the_same(text, value):
    node = parse(text)
    assert evaluate(node, bound()) == pytest.approx(value, abs=1e-14)
    written = Paper(get("backlit"), 3, 1, digits=17).numbers(node, bound())
    python = written.replace("·", "*").replace("−", "-").replace("²", "**2").replace("^", "**")
    clip, huber = FUNCTIONS["clip"], FUNCTIONS["huber"]
    assert eval(python, {"exp": math.exp, "ln": math.log, "clip": clip, "huber": huber}) == pytest.approx(
        value, abs=1e-14
    )


@pytest.mark.parametrize(
    "text", ["import os", "a.b", "[1]", "a[l][j]", "x if y else z", "f(*k)", "a[b[0]]", "'text' + a"]
)
def test_anything_else_is_no_formula(text):
    with pytest.raises((ValueError, SyntaxError, KeyError)):
        evaluate(parse(text), bound())


def test_a_long_sum_is_written_by_its_largest_terms_and_the_rest():
    numbers = {("a", k): float(k) for k in range(10)}
    wide = Bound({"l": 2}, NAMES, 0, 1, lambda l: 10, lambda p: numbers[(p.quantity, *p.indices)])
    written = Paper(get("backlit"), 3, 1).numbers(parse("sum(k, l, a[l,k])"), wide)
    assert written == "5 + 6 + 7 + 8 + 9 + [5 more: 10]"


def test_points_and_factors():
    node = parse("delta[l,j] * a[l-1,k]")
    assert [(p.quantity, p.layer, p.indices) for p in points(node, bound())] == [("delta", 2, (0,)), ("a", 1, (1,))]
    assert len(factors(node)) == 2
    assert len(expand(parse("sum(k, l, a[l,k])"), bound())) == 4


def test_division_by_nothing_is_infinite_or_undefined():
    assert evaluate(parse("m / (n - n)"), bound()) == math.inf
    assert math.isnan(evaluate(parse("(n - n) / (n - n)"), bound()))
    assert evaluate(parse("ln(n - n)"), bound()) == -math.inf


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1e-4, "0.0001"),
        (1e-5, "1e−5"),
        (123456.7, "123457"),
        (1e6, "1e6"),
        (-2.5, "−2.5"),
        (math.nan, "undefined"),
        (-math.inf, "−∞"),
    ],
)
def test_figures(value, text):
    assert figure(value) == text


def test_figures_in_latex_and_histograms():
    assert figure_latex(-1.5e-7) == r"-1.5\cdot 10^{-7}"
    assert figure_latex(math.inf) == r"\infty"
    assert spark([]) == ""
    assert spark([0, 8]) == " █"
