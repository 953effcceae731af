"""The record: the engine's own numbers, what is derived from them, the updates, and what is refused."""

import numpy as np
import pytest

import backlit as bl
from backlit import activations, objective
from backlit.engines import StepPlan, TrainingData, choose
from backlit.trace import Address
from backlit.trace.examples import EXAMPLES, example


def small(output="sigmoid", activation="tanh", dtype="float64", **options):
    return bl.Network([3, 4, 2], activation=activation, output=output, dtype=dtype, seed=3, **options)


X = np.array([[0.5, -1.0, 0.2], [0.1, 0.4, -0.7], [1.5, 0.0, 0.3]])
Y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_numbers_are_those_of_the_engine_bit_for_bit(dtype):
    net = small(dtype=dtype)
    t = bl.trace(net, X, Y, l2=0.5, n=30, sample_weight=[1, 2, 3])
    goal = objective.choose("sigmoid", l2=0.5, n=30)
    weights = np.array([0.5, 1.0, 1.5], dtype=dtype)
    passed = choose("auto", net).engine.backward_pass(net, goal, X.astype(dtype), Y.astype(dtype), weights)
    for l in (2, 3):
        assert np.array_equal(t.z(l), passed.forward.z[l])
        assert np.array_equal(t.a(l), passed.forward.a[l])
        assert np.array_equal(t.delta(l), passed.errors.delta[l])
        assert np.array_equal(t.weight_gradient(l), passed.gradients.W[l])
        assert np.array_equal(t.bias_gradient(l), passed.gradients.b[l])
    assert np.array_equal(t.row_costs, passed.row_costs)


def test_cost_has_its_penalty_apart():
    net = small()
    plain, penalised = bl.trace(net, X, Y), bl.trace(net, X, Y, l2=2.0, n=10)
    squares = sum(float((layer.W**2).sum()) for layer in net.layers)
    assert penalised.cost.data == plain.cost.total
    assert penalised.cost.penalty == pytest.approx(2.0 / 20 * squares, rel=1e-14)  # float64 sums of 20 terms
    assert penalised.cost.total == penalised.cost.data + penalised.cost.penalty


def test_what_is_derived_multiplies_to_what_the_engine_formed():
    t = bl.trace(small(), X, Y, cost="quadratic")
    assert np.array_equal(t.dC_da(3) * t.slope(3), t.delta(3))
    assert np.array_equal(t.dC_da(2) * t.slope(2), t.delta(2))
    fused = bl.trace(small(), X, Y)
    assert np.allclose(fused.dC_da(3) * fused.slope(3), fused.delta(3), rtol=1e-13)  # cancels but for roundings
    assert t.derived_quantities == ("slope", "dC_da")


def test_the_error_at_the_input_is_what_finite_differences_find():
    net, x, y = small(), X[:1].copy(), Y[:1]
    t, h = bl.trace(net, x, y), 1e-6
    for k in range(3):
        up, down = x.copy(), x.copy()
        up[0, k] += h
        down[0, k] -= h
        slope = (bl.trace(net, up, y).cost.total - bl.trace(net, down, y).cost.total) / (2 * h)
        assert t.dC_da(1)[0, k] == pytest.approx(slope, abs=1e-8)  # h² and 1e-16/h


def test_saturation_is_infinite_behind_a_fused_pair_and_finite_in_delta():
    net = bl.Network([1, 1], output="sigmoid", dtype="float64")
    net.parameters[:] = [800.0, 0.0]
    t = bl.trace(net, [1.0], [0.0])
    assert t.slope(2)[0, 0] == 0
    assert np.isinf(t.dC_da(2)[0, 0])
    assert t.delta(2)[0, 0] == 1
    assert t.cost.total == 800
    said = str(t.explain("delta", 2, 0))
    assert "a²₀ − y₀" in said
    assert "cancels" in said
    assert t.first_non_finite is None


def test_softmax_has_a_jacobian_and_no_slope():
    t = bl.trace(small("softmax"), X, [0, 1, 1], cost="quadratic")
    with pytest.raises(bl.OptionError, match=r"softmax has no slope.*t\.jacobian\(3\)"):
        t.slope(3)
    J = t.jacobian(3)
    for i in range(3):
        assert np.allclose(t.dC_da(3)[i] @ J[i], t.delta(3)[i], rtol=1e-12)  # one more rounding a term
        assert np.allclose(J[i], np.diag(t.a(3)[i]) - np.outer(t.a(3)[i], t.a(3)[i]), atol=1e-16)


def test_an_update_is_what_the_optimizer_makes_of_the_gradient():
    net = small()
    before = net.parameters.copy()
    t = bl.trace(net, X, Y, optimizer="sgd", learning_rate=0.5)
    assert len(t.steps) == 1
    assert np.array_equal(t.steps[0].update, (before - 0.5 * t.backward.gradients.vector) - before)
    assert np.array_equal(net.parameters, before)  # the network is left as it was


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
def test_steps_follow_the_training_bit_for_bit(optimizer):
    net = small()
    t = bl.trace(net, X, Y, optimizer=optimizer, steps=4)
    twin = net.copy()
    bl.train(twin, X, Y, optimizer=optimizer, batch_size="all", epochs=4)
    assert np.array_equal(t.steps[-1].pass_.network.parameters + t.steps[-1].update, twin.parameters)
    assert [step.number for step in t.steps] == [1, 2, 3, 4]
    assert t.steps[0].cost_before == t.cost.total
    for earlier, later in zip(t.steps, t.steps[1:], strict=False):
        assert earlier.cost_after == later.cost_before
    after = bl.trace(twin, X, Y).cost.total
    assert t.steps[-1].cost_after == after


def test_traced_or_not_a_training_gives_the_same_bits():
    nets = [small(dropout=0.3) for _ in range(2)]
    for number, net in enumerate(nets):
        for seed in range(3):
            bl.train(net, X, Y, epochs=2, batch_size=2, seed=seed)
            if number:
                bl.trace(net, X, Y, optimizer="adam", steps=2).to_json()
    assert np.array_equal(nets[0].parameters, nets[1].parameters)


def test_a_network_with_dropout_is_traced_without_it_and_that_is_said():
    net = small(dropout=0.5)
    t = bl.trace(net, X, Y, steps=1, learning_rate=0.1)
    assert np.array_equal(t.a(3), net.predict(X))
    assert "without it" in t.notes[0]
    assert np.array_equal(t.steps[0].pass_.delta(2), t.delta(2))  # its steps drop nothing either
    assert bl.trace(small(), X, Y).notes == ()


def test_the_record_keeps_still_when_the_network_goes_on():
    net = small()
    t = bl.trace(net, X, Y)
    z = t.z(2).copy()
    net.parameters[:] = 0
    assert np.array_equal(t.z(2), z)
    assert t.number(Address("W", 2, 0, 0)) != 0


def test_targets_of_one_row_come_as_a_class_a_row_or_a_number():
    net = small("softmax")
    by_class, by_row = bl.trace(net, X[0], 1), bl.trace(net, X[0], [0.0, 1.0])
    assert np.array_equal(by_class.delta(3), by_row.delta(3))
    assert np.array_equal(by_class.Y, [[0, 1]])
    one = bl.Network([3, 1], dtype="float64")
    assert bl.trace(one, X[0], 2.5).Y.tolist() == bl.trace(one, X[:1], [[2.5]]).Y.tolist() == [[2.5]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: bl.trace(net, X, [0.5]), "y has 1 rows"),
        (lambda net: bl.trace(net, [1.0, 2.0], Y[0]), "x has 2 columns"),
        (lambda net: bl.trace(net, [1.0, np.nan, 2.0], Y[0]), "x has NaN at row 0, column 1"),
        (lambda net: bl.trace(net, X[0], [1.0, 0.0, 0.0]), "y has 3 numbers; the network has 2 outputs"),
        (lambda net: bl.trace(net, X, 1), "y is one number, and x has 3 rows"),
        (lambda net: bl.trace("net", X, Y), "first argument of trace must be a backlit.Network, not str"),
        (lambda net: bl.trace(net, X, Y, cost="cross-entropy"), "does not go with output 'sigmoid'"),
        (lambda net: bl.trace(net, X, Y, optimizer="lbfgs"), "lbfgs makes several passes a step"),
        (lambda net: bl.trace(net, X, Y, steps=0), "steps must be a whole number, at least 1, not 0"),
        (lambda net: bl.trace(net, X, Y, optimizer="adm"), "did you mean 'adam'"),
        (lambda net: bl.trace(net, X, Y).explain("update_weight", 2, 0, 0), "no update was traced"),
        (lambda net: bl.trace(net, X, Y).explain("delta", 1, 0, row=0), "layer 1 is the input: it has no weights"),
        (lambda net: bl.trace(net, X, Y).explain("delta", 7, 0, row=0), "there is no layer 7"),
        (
            lambda net: bl.trace(net, X, Y).explain("delta", 2, 4, row=0),
            "no neuron 4 in layer 2: neurons count from 0 to 3",
        ),
        (lambda net: bl.trace(net, X, Y).explain("weight", 2, 0, 3), "no input 3 of layer 2: inputs count from 0 to 2"),
        (lambda net: bl.trace(net, X, Y).explain("delta", 2, 0, row=3), "no row 3: rows count from 0 to 2"),
        (lambda net: bl.trace(net, X, Y).explain("delta", 2, 0), "say which row: row=0 to 2"),
        (lambda net: bl.trace(net, X, Y).explain("weight", 2, 0), "say which input of layer 2: k=0 to 2"),
        (lambda net: bl.trace(net, X, Y).explain("wieght", 2, 0, 0), "did you mean 'weight'"),
        (lambda net: bl.trace(net, X, Y).delta(1), "layer 1 is the input"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(bl.BacklitError, match=message) as caught:
        call(small())
    assert "\n" not in str(caught.value)


def test_a_pass_that_is_not_finite_is_traced_up_to_its_first_such_number():
    net = bl.Network([2, 3, 2, 1], activation="relu", dtype="float64")
    net.parameters[:] = 1e200
    t = bl.trace(net, [1.0, 1.0], [0.0])
    assert t.first_non_finite == Address("z", 3, 0, row=0)
    assert t.z(2)[0, 0] == 3e200
    assert "z layer 3 neuron 0 row 0 is ∞" in t.notes[-1]
    document = t.to_dict()
    assert list(document["z"]) == ["2", "3"]  # up to the layer that holds it
    assert document["delta"] == {}
    assert "layer 2: relu" in str(t)
    assert "layer 4" not in str(t)
    assert "1e200 · 1 + 1e200 · 1 + 1e200" in str(t.explain("z", 2, 0))


def test_a_fused_delta_counts_as_the_engines_own_when_the_cost_overflows():
    net = bl.Network([1, 1], dtype="float64")
    net.parameters[:] = [1e200, 0]
    t = bl.trace(net, [1.0], [0.0])  # z is finite, its square is not
    assert t.first_non_finite == Address("row_cost", row=0)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_whole(name):
    t = example(name).trace()
    assert t.first_non_finite is None
    assert np.isfinite(t.cost.total)


def test_the_example_1_1_1_has_the_numbers_it_promises():
    t = example("1-1-1").trace()
    assert t.a(3)[0, 0] == pytest.approx(0.68, abs=1e-15)  # one rounding of the logarithm
    assert t.cost.total == pytest.approx(0.1024, abs=1e-15)
    assert t.dC_da(3)[0, 0] == pytest.approx(-0.64, abs=1e-15)


def test_an_activation_of_ones_own_is_traced_without_a_formula():
    class Cube(activations.Elementwise):
        name = "cube"

        def value(self, z):
            return z**3

        def slope(self, z, a):
            return 3 * z * z

    net = bl.Network([2, 2, 1], activation=Cube(), dtype="float64", seed=1)
    t = bl.trace(net, [1.0, 2.0], [0.0])
    assert t.explain("a", 2, 0).lines == ()
    assert t.explain("slope", 2, 0).lines == ()
    found = t.explain("delta", 2, 0)
    assert found.value == pytest.approx(found.factors[0].value * found.factors[1].value, rel=1e-14)


def test_data_that_training_sees_is_the_trace_of_its_first_batch():
    net = small()
    session = choose("auto", net).engine.session(
        net.copy(),
        objective.choose("sigmoid"),
        TrainingData(X, Y, np.ones(3), None),
        StepPlan(bl.optimizers.SGD(), 3, 0),
    )
    record = session.run(1, np.array([0.1]), [0]).records[0]
    assert np.array_equal(record.backward.errors.delta[2], bl.trace(net, X, Y).delta(2))
