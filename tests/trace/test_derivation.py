"""The chain rule in between: the lines there are, in every notation, and that each holds for this pass's numbers."""

import numpy as np
import pytest

import backlit as bl
from backlit.trace import notations
from backlit.trace.derivation import derive
from backlit.trace.examples import example


def reasons(lines):
    return [line.why for line in lines]


@pytest.mark.parametrize("notation", notations.NOTATIONS)
def test_single_and_general_forms_stand_side_by_side(notation):
    t = example("2-3-1").trace()
    for at in (
        t.address("delta", 3, 0),
        t.address("delta", 2, 0),
        t.address("dC_da", 2, 0),
        t.address("weight", 2, 0, k=0),
        t.address("bias", 2, 0),
    ):
        found = derive(t, at, notation)
        assert len(found.single) == 2
        assert len(found.general) >= 2
        assert found.single[0].why == found.general[0].why == "why.chain"
        assert "Σ" not in found.single[0].formula
        assert "Σ" in found.general[0].formula


def test_terms_vanish_for_sigmoid_and_not_for_softmax():
    sigmoid, softmax = example("mazur").trace(), example("3-3-3").trace(cost="quadratic")
    assert "why.elementwise" in reasons(derive(sigmoid, sigmoid.address("delta", 3, 0)).general)
    found = derive(softmax, softmax.address("delta", 3, 0)).general
    assert "why.elementwise" not in reasons(found)
    assert "no term vanishes" in found[1].reason()
    a, (row,) = softmax.a(3)[0], softmax.jacobian(3)
    assert found[1].formula == "∂aˡₚ/∂zˡⱼ = aˡₚ · ([p = j] − aˡⱼ)"
    assert np.allclose(row, a[:, None] * (np.eye(3) - a[None, :]), atol=1e-16)  # the line, in numbers


@pytest.mark.parametrize(
    ("output", "cost", "before"),
    [
        ("sigmoid", "binary-cross-entropy", lambda a, y: (a - y) / (a * (1 - a)) * a * (1 - a)),
        (
            "softmax",
            "cross-entropy",
            lambda a, y: np.array(
                [sum(-y[p] / a[p] * a[p] * ((p == j) - a[j]) for p in range(len(a))) for j in range(len(a))]
            ),
        ),
        ("exponential", "poisson", lambda a, y: (1 - y / a) * a),
    ],
)
def test_the_cancellation_behind_a_fused_pair_is_shown_and_holds(output, cost, before):
    net = bl.Network([2, 3], output=output, dtype="float64", seed=1)
    y = np.array([0.0, 1.0, 0.0])
    t = bl.trace(net, [0.3, -0.8], y, cost=cost)
    found = derive(t, t.address("delta", 2, 0)).general
    assert reasons(found)[-2:] == ["why.cancel", "why.cancel"]
    assert found[-1].formula == "= aˡⱼ − yⱼ"
    assert np.allclose(before(t.a(2)[0], y), t.delta(2)[0], atol=1e-15)


def test_a_given_number_has_no_derivation():
    t = example("mazur").trace()
    assert derive(t, t.address("W", 2, 0, k=0)) is None
    assert derive(t, t.address("dC_da", 3, 0)) is None
