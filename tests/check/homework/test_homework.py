"""``bl.check_backward``: the verdict's words, conventions, digits, bad input."""

import numpy as np
import pytest

import backlit as bl
from backlit.check.homework import digits
from backlit.errors import DataError, OptionError

NET = bl.Network([3, 4, 2], activation="sigmoid", output="sigmoid", initializer="gaussian", seed=4, dtype="float64")
RNG = np.random.default_rng(8)
X, Y = RNG.standard_normal((5, 3)), RNG.random((5, 2))
COST = {"cost": "quadratic"}


def sigma(z):
    return 1 / (1 + np.exp(-z))


def right():
    """Every quantity, by hand."""
    W, b = {l: NET.layer(l).W for l in (2, 3)}, {l: NET.layer(l).b for l in (2, 3)}
    z2 = X @ W[2].T + b[2]
    a2 = sigma(z2)
    z3 = a2 @ W[3].T + b[3]
    a3 = sigma(z3)
    d3 = (a3 - Y) * a3 * (1 - a3)
    d2 = (d3 @ W[3]) * a2 * (1 - a2)
    gW, gb = {3: d3.T @ a2 / 5, 2: d2.T @ X / 5}, {3: d3.mean(axis=0), 2: d2.mean(axis=0)}
    return {
        "z": {2: z2, 3: z3}, "a": {2: a2, 3: a3}, "delta": {3: d3, 2: d2}, "cost": ((a3 - Y) ** 2).sum() / 10,
        "weight_gradient": gW, "bias_gradient": gb,
    }  # fmt: skip


def judged(**changes):
    return bl.check_backward(NET, X, Y, {**right(), **changes}, **COST)


def test_right_numbers_are_right():
    report = judged()
    assert report.passed
    assert report.conventions == ()
    assert str(report).startswith("RIGHT: all 117 numbers given: z², a², z³, a³, C, δ³, δ², ∂C/∂b³")


def test_the_words_of_the_verdict():
    d3 = right()["delta"][3]
    missing = d3 @ NET.layer(3).W
    report = judged(
        delta={3: d3, 2: missing}, weight_gradient={2: missing.T @ X / 5}, bias_gradient={2: missing.mean(0)}
    )
    assert report.equation == "BP2, error of a hidden layer"
    text = str(report)
    assert "WRONG: the first wrong equation is BP2, error of a hidden layer, at layer 2" in text
    assert "the first is row 0, neuron 0: yours" in text
    assert "why: δ² equals δ³ W³: you left out ⊙ σ'(z²)" in text
    assert "right: z², a², z³, a³, C, δ³" in text
    assert "rightly computed from your own earlier numbers: ∂C/∂b², ∂C/∂W²" in text


def test_one_wrong_number_is_found_where_it_is():
    z = right()["z"][3].copy()
    z[3, 1] += 0.01
    report = judged(z={3: z})
    assert (report.first.quantity, report.first.layer, report.first.at) == ("z", 3, (3, 1))
    assert report.first.wrong_numbers == 1
    assert "no known mistake gives these numbers" in str(report)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: {"delta": {l: -d for l, d in r["delta"].items()}}, "δ is -∂C_i/∂z"),
        (lambda r: {"delta": {l: d / 5 for l, d in r["delta"].items()}}, "δ is ∂C_i/∂z/m"),
        (
            lambda r: {
                "cost": 5 * r["cost"],
                **{k: {l: 5 * g for l, g in r[k].items()} for k in ("weight_gradient", "bias_gradient")},
            },
            "sums over the rows in place of means",
        ),
        (
            lambda r: {
                "weight_gradient": {
                    l: np.column_stack([r["bias_gradient"][l], g]) for l, g in r["weight_gradient"].items()
                }
            },
            "a bias column in the weights' arrays",
        ),
        (lambda r: {"a": {2: np.column_stack([np.ones(5), r["a"][2]])}}, "a column of ones"),
    ],
)
def test_conventions_are_no_mistakes(change, said):
    report = judged(**change(right()))
    assert report.passed, str(report)
    assert any(said in convention for convention in report.conventions)
    assert "taken as a convention, not a mistake" in str(report)


def test_two_mistakes_in_two_places_are_both_named():
    r = right()
    report = judged(cost=2 * r["cost"], bias_gradient={3: 5 * r["bias_gradient"][3], 2: r["bias_gradient"][2]})
    assert report.equation == "cost"
    assert report.mistakes == ("½ of the cost forgotten",)
    assert "also wrong: ∂C/∂b³: it is the sum over the rows: you left out 1/m" in str(report)


def test_rounding_on_the_way_is_no_mistake():
    """A student who writes down four decimals and goes on with these."""
    W, b = {l: NET.layer(l).W for l in (2, 3)}, {l: NET.layer(l).b for l in (2, 3)}
    z2 = np.round(X @ W[2].T + b[2], 4)
    a2 = np.round(sigma(z2), 4)
    z3 = np.round(a2 @ W[3].T + b[3], 4)
    a3 = np.round(sigma(z3), 4)
    d3 = np.round((a3 - Y) * a3 * (1 - a3), 4)
    d2 = np.round((d3 @ W[3]) * a2 * (1 - a2), 4)
    yours = {"z": {2: z2, 3: z3}, "a": {2: a2, 3: a3}, "delta": {3: d3, 2: d2}, "weight_gradient": {2: np.round(d2.T @ X / 5, 4)}}  # fmt: skip # noqa: E501
    assert bl.check_backward(NET, X, Y, yours, **COST).passed


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([0.7491, 0.7703], [1e-4, 1e-4]),
        ([0.7491, 0.77], [1e-4, 1e-3]),
        ([1.23e-4, 5.0e-1], [1e-6, 1e-3]),  # three significant digits
        ([1 / 3, 2 / 3], [0, 0]),
        ([np.float64(np.float32(1 / 3))], [0]),
        ([12.0, 3.0], [0.1, 0.1]),
    ],
)
def test_digits_are_read_off_floats(values, unit):
    np.testing.assert_allclose(digits.read(np.array(values)).unit, unit)


def test_digits_are_read_off_texts_and_float32_is_recognised():
    texts = np.array(["0.50", "0.2500"])
    assert digits.read(texts.astype(float), texts).unit.tolist() == [0.01, 0.0001]
    assert digits.read(np.array([1 / 3], dtype=np.float32)).rounding == 2.0**-24
    assert digits.read(np.array([float(np.float32(1 / 3))])).rounding == 2.0**-24
    assert digits.read(np.array([1 / 3])).rounding == 2.0**-53


@pytest.mark.parametrize(
    ("yours", "words"),
    [
        ({"weight_gradient": {2: np.zeros((3, 4))}}, r"shape \(3, 4\), expected \(4, 3\); its transpose fits"),
        ({"weight_gradient": {2: np.zeros((9, 9))}}, r"shape \(9, 9\), expected \(4, 3\)$"),
        ({"delta": {7: np.zeros((5, 2))}}, "given for layer 7; this network has layers 2 to 3"),
        ({"delta": {"two": np.zeros((5, 2))}}, "given for layer 'two'"),
        ({"delte": {2: np.zeros((5, 4))}}, "did you mean 'delta'"),
        ({"delta": np.zeros((5, 4))}, "must say of which layer"),
        ({"delta": {2: [["a"] * 4] * 5}}, "must be an array of numbers"),
        ({"delta": {2: np.full((5, 4), np.inf)}}, "holds infinity"),
        ({"cost": [1.0, 2.0]}, r"cost has shape \(2,\)"),
        ({"cost": {2: 1.0}}, "cost has no layers"),
        ({}, "at least one quantity"),
    ],
)
def test_bad_input_is_named(yours, words):
    with pytest.raises(DataError, match=words):
        bl.check_backward(NET, X, Y, yours, **COST)


def test_an_update_needs_its_learning_rate():
    with pytest.raises(OptionError, match="learning_rate"):
        bl.check_backward(NET, X, Y, {"updated_weight": {2: np.zeros((4, 3))}}, **COST)


def test_row_weights_and_the_penalty_count():
    w = np.array([1.0, 2, 0, 1, 4])
    share = (w / w.mean() / 5)[:, None]
    r = right()
    gradient = (share * r["delta"][3]).T @ r["a"][2] + 0.7 / w.sum() * NET.layer(3).W
    options = {**COST, "l2": 0.7, "sample_weight": w}
    assert bl.check_backward(NET, X, Y, {"weight_gradient": {3: gradient}}, **options).passed
    without = gradient - 0.7 / w.sum() * NET.layer(3).W
    report = bl.check_backward(NET, X, Y, {"weight_gradient": {3: without}}, **options)
    assert (report.equation, report.mistakes) == ("penalty", ("penalty left out",))


def test_a_mistake_in_what_was_not_given_is_named_with_its_own_layer():
    r = right()
    left_out = r["delta"][3] @ NET.layer(3).W
    report = bl.check_backward(
        NET, X, Y, {"weight_gradient": {3: r["weight_gradient"][3], 2: left_out.T @ X / 5}}, **COST
    )
    assert (report.equation, report.layer, report.mistakes) == ("BP2, error of a hidden layer", 2, ("missing σ'",))
    assert "why: δ² equals δ³ W³" in str(report)
    d3 = (r["a"][3] - Y) @ NET.layer(3).W * r["a"][2] * (1 - r["a"][2])
    report = bl.check_backward(NET, X, Y, {"bias_gradient": {2: d3.mean(axis=0)}}, **COST)
    assert (report.equation, report.layer, report.mistakes) == ("BP1, error of the output", 3, ("missing σ'",))
    assert "BP1, error of the output, at layer 3" in str(report)


def test_numbers_computed_from_more_digits_than_were_written_down_still_follow():
    """z without its bias, written with two decimals; a from all its digits, written with six."""
    z = X @ NET.layer(2).W.T
    yours = {"z": {2: z.round(2)}, "a": {2: sigma(z).round(6)}}
    report = bl.check_backward(NET, X, Y, yours, **COST)
    assert report.mistakes == ("bias left out",)
    assert [j.status for j in report.judgements] == ["wrong", "follows from an earlier mistake"]
