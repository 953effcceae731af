"""The explanation of one number: its factors, its notes, and the way from the cost to any weight and back."""

import math

import numpy as np
import pytest

import backlit as bl
from backlit.trace import Address, explain, notations
from backlit.trace.examples import EXAMPLES, example


def factors(found):
    return {part.name.removeprefix("factor."): part.value for part in found.factors}


def test_a_weight_has_its_three_named_factors():
    t = example("1-1-1").trace()
    found = t.explain("weight", layer=3, j=0, k=0)
    assert list(factors(found)) == ["dC_da", "slope", "a"]
    assert factors(found)["dC_da"] == pytest.approx(-0.64, abs=1e-15)
    assert math.prod(factors(found).values()) == pytest.approx(found.value, rel=1e-15)
    assert "how far this neuron can still move" in str(found)


@pytest.mark.parametrize("name", EXAMPLES)
def test_factors_multiply_to_the_number(name):
    t = example(name).trace()
    row = t.rows - 1
    exact = 1e-13 if t.network.dtype == np.float64 else 1e-5
    for l in range(2, t.L + 1):
        for quantity, k in (("delta", None), ("weight", 0), ("bias", None)):
            found = t.explain(quantity, l, 0, k, row=row)
            if found.factors:
                penalty = (
                    t.objective.l2 / t.objective.n * t.network.layer(l).W[0, 0]
                    if quantity == "weight" and t.rows == 1
                    else 0
                )
                assert math.prod(factors(found).values()) + penalty == pytest.approx(found.value, rel=exact)


def test_what_no_engine_forms_is_marked():
    t = example("mazur").trace()
    assert [t.explain(q, 3, 0).derived for q in ("z", "a", "slope", "dC_da", "delta", "bias")] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert "derived: the engine never forms this number" in str(t.explain("slope", 3, 0))


def test_a_kink_is_named():
    net = bl.Network([1, 1, 1], activation="relu", dtype="float64")
    net.parameters[:] = [1.0, -1.0, 1.0, 0.0]
    t = bl.trace(net, [1.0], [0.0])
    assert "z is exactly 0, where relu has a kink; Backlit takes the slope 0 there" in str(t.explain("slope", 2, 0))
    assert "kink" not in str(bl.trace(net, [1.1], [0.0]).explain("slope", 2, 0))


def test_softmax_says_that_no_term_vanishes():
    assert "no term vanishes" in str(example("3-3-3").trace().explain("delta", 3, 0))
    assert "no term vanishes" not in str(example("mazur").trace().explain("delta", 3, 0))


def walk(t, start, way, notation):
    """All that is reached from a number, link by link."""
    seen, queue = {start}, [start]
    while queue:
        found = explain.explain(t, queue.pop(), notation)
        for at in getattr(found, way):
            if at not in seen:
                seen.add(at)
                queue.append(at)
    return seen


@pytest.mark.parametrize("notation", notations.NOTATIONS)
@pytest.mark.parametrize("name", ["2-3-1", "3-3-3", "three-layers"])
def test_links_lead_from_the_cost_back_to_every_weight_and_on_to_it(name, notation):
    t = example(name).trace()
    weights = {
        Address("W", l, j, k)
        for l in range(2, t.L + 1)
        for j in range(t.network.sizes[l - 1])
        for k in range(t.network.sizes[l - 2])
    }
    assert weights <= walk(t, Address("cost"), "made_from", notation)
    for weight in weights:
        assert Address("cost") in walk(t, weight, "leads_to", notation)


def test_every_link_leads_to_a_number_that_exists():
    t = example("three-layers").trace(learning_rate=0.1)
    everything = walk(t, Address("cost"), "made_from", "ng") | walk(t, Address("x", k=0, row=0), "leads_to", "ng")
    for at in everything:
        assert t.address(at.quantity, at.layer, at.j, k=at.k, row=at.row) == at


def test_an_explanation_in_chinese_has_the_same_formulas():
    found = example("mazur").trace().explain("weight", 3, 0, 0)
    english, chinese = found.text(), found.text(lang="zh")
    assert "BP4，权重的梯度" in chinese
    lines = [line for line in english.splitlines() if line.startswith("  ") and "  " not in line.strip()]
    assert lines
    assert all(line in chinese for line in lines)


def test_digits_are_what_was_asked_for():
    found = example("mazur").trace().explain("weight", 3, 0, 0)
    assert "= 0.0822\n" in found.text(digits=3) + "\n"
    assert "0.082167040564230" in found.text(digits=17)


def test_other_optimizers_updates_are_not_written_as_descent():
    found = example("mazur").trace(optimizer="adam", learning_rate=0.01).explain("update_weight", 2, 0, 0)
    assert found.lines == ()
    assert "only plain gradient descent is −η ∂C/∂θ" in str(found)


def test_plain_data_of_an_explanation():
    held = example("mazur").trace().explain("weight", 3, 0, 0, notation="nielsen").to_dict()
    assert held["sign"] == "∂C/∂w³₁₁"
    assert held["lines"][0]["symbols"] == "a²₁ · δ³₁"
    assert held["value"] == pytest.approx(0.082167041, abs=1e-9)
    assert {"delta layer 3 neuron 0 row 0", "a layer 2 neuron 0 row 0"} == set(held["made_from"])
