"""The reference engine against the equations written out here, and its session's reports and records."""

from typing import Any

import numpy as np
import pytest

from backlit import optimizers
from backlit.engines import StepPlan, TrainingData
from backlit.engines.reference import CHUNK, ReferenceEngine
from backlit.network import Network
from backlit.objective import choose
from backlit.randomness import dropout_mask, order_of_rows

ENGINE = ReferenceEngine()
RNG = np.random.default_rng(7)
X, LABELS = RNG.normal(size=(11, 3)), RNG.integers(0, 2, 11)
Y = np.eye(2)[LABELS]
W_ROWS = RNG.uniform(0.2, 2.0, 11)
DATA = TrainingData(X, Y, W_ROWS, "argmax")
GOAL = choose("softmax", l2=0.3, n=9.0)


def network(**options: Any) -> Network:
    return Network([3, 4, 2], activation="tanh", output="softmax", seed=1, dtype="float64", **options)


def by_hand(net: Network, X: np.ndarray, Y: np.ndarray, w: np.ndarray, keep: np.ndarray | float = 1.0) -> dict:
    """One pass there and back; ``keep`` is the mask over 1 - p."""
    (W2, b2), (W3, b3) = ((net.layer(l).W, net.layer(l).b) for l in (2, 3))
    z2 = X @ W2.T + b2
    a2 = np.tanh(z2) * keep
    z3 = a2 @ W3.T + b3
    e = np.exp(z3)
    a3 = e / e.sum(axis=1, keepdims=True)
    d3 = a3 - Y
    d2 = d3 @ W3 * keep * (1 - np.tanh(z2) ** 2)
    m = len(X)
    gradient = [
        (w[:, None] * d2).T @ X / m + 0.3 / 9 * W2, (w @ d2) / m,
        (w[:, None] * d3).T @ a2 / m + 0.3 / 9 * W3, (w @ d3) / m,
    ]  # fmt: skip
    return {
        "z": {2: z2, 3: z3},
        "a": {1: X, 2: a2, 3: a3},
        "delta": {2: d2, 3: d3},
        "gradient": np.concatenate([part.ravel() for part in gradient]),
        "row_costs": -np.log((a3 * Y).sum(axis=1)),
        "right": a3.argmax(axis=1) == Y.argmax(axis=1),
    }


def close(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)  # sums in another order


def session(net: Network, batch_size: int = 4, optimizer: str = "sgd", **options: Any):
    return ENGINE.session(net, GOAL, DATA, StepPlan(optimizers.get(optimizer, 0.1), batch_size, 5, **options))


def test_the_passes_agree_with_the_equations_and_with_each_other() -> None:
    net = network()
    expected = by_hand(net, X, Y, W_ROWS)
    forward = ENGINE.forward_pass(net, X)
    there_and_back = ENGINE.backward_pass(net, GOAL, X, Y, W_ROWS)
    for layer in (2, 3):
        close(forward.z[layer], expected["z"][layer])
        close(there_and_back.errors.delta[layer], expected["delta"][layer])
        np.testing.assert_array_equal(there_and_back.forward.z[layer], forward.z[layer])
    for layer in (1, 2, 3):
        close(forward.a[layer], expected["a"][layer])
    close(there_and_back.gradients.vector, expected["gradient"])
    close(there_and_back.row_costs, expected["row_costs"])
    np.testing.assert_array_equal(ENGINE.predict(net, X), forward.output)

    score = ENGINE.evaluate(net, GOAL, DATA)
    assert score.cost == pytest.approx(W_ROWS @ expected["row_costs"] / W_ROWS.sum(), rel=1e-12)
    assert score.accuracy == pytest.approx(W_ROWS @ expected["right"] / W_ROWS.sum(), rel=1e-12)


def test_passes_of_a_network_that_drops_neurons_drop_none() -> None:
    np.testing.assert_array_equal(ENGINE.predict(network(dropout=0.5), X), ENGINE.predict(network(), X))
    np.testing.assert_array_equal(
        ENGINE.backward_pass(network(dropout=0.5), GOAL, X, Y, W_ROWS).gradients.vector,
        ENGINE.backward_pass(network(), GOAL, X, Y, W_ROWS).gradients.vector,
    )


def test_more_rows_than_a_chunk_are_predicted_as_one_by_one() -> None:
    net = network()
    many = np.random.default_rng(0).normal(size=(CHUNK + 5, 3))
    out = ENGINE.predict(net, many)
    assert out.shape == (CHUNK + 5, 2)
    for row in (0, CHUNK - 1, CHUNK, CHUNK + 4):
        close(out[row], by_hand(net, many[row : row + 1], np.eye(2)[[0]], np.ones(1))["a"][3][0])


def test_a_report_sums_over_each_steps_rows_before_its_update() -> None:
    net = network()
    order = order_of_rows(5, 0, 11)
    run = session(net)
    assert run.steps_per_epoch == 3
    for step in range(3):
        rows = order[4 * step : 4 * step + 4]
        expected = by_hand(net, X[rows], Y[rows], W_ROWS[rows])
        before = net.parameters.copy()
        report = run.run(step + 1, np.array([0.1]))
        assert report.costs[0] == pytest.approx(W_ROWS[rows] @ expected["row_costs"], rel=1e-12)
        assert report.hits[0] == pytest.approx(W_ROWS[rows] @ expected["right"], rel=1e-12)
        assert report.weights[0] == pytest.approx(W_ROWS[rows].sum(), rel=1e-12)
        close(net.parameters, before - 0.1 * expected["gradient"])  # the short batch averages over its own 3 rows
        assert not report.records
        assert not report.converged


@pytest.mark.parametrize("clip", [None, 0.05])
def test_a_record_holds_the_step_as_the_equations_have_it(clip: float | None) -> None:
    net = network(dropout=0.25)
    rows = order_of_rows(5, 1, 11)[4:8]  # step 4 is the second of epoch 1
    run = session(net, optimizer="adam", clip=clip)
    run.run(4, np.full(4, 0.1))
    before = net.parameters.copy()
    keep = dropout_mask(5, 4, 2, (4, 4), 0.25) / 0.75
    expected = by_hand(net, X[rows], Y[rows], W_ROWS[rows], keep)
    norm = np.sqrt((expected["gradient"] ** 2).sum())

    report = run.run(6, np.array([0.2, 0.3]), {4})
    (record,) = report.records
    assert record.step == 4
    assert record.learning_rate == 0.2
    np.testing.assert_array_equal(record.rows, rows)
    np.testing.assert_array_equal(record.parameters, before)
    for layer in (2, 3):
        close(record.backward.forward.z[layer], expected["z"][layer])
        close(record.backward.forward.a[layer], expected["a"][layer])
        close(record.backward.errors.delta[layer], expected["delta"][layer])
    close(record.backward.row_costs, expected["row_costs"])
    assert record.norm == pytest.approx(norm, rel=1e-12)
    assert norm > 0.05
    close(record.backward.gradients.vector, expected["gradient"] * (1 if clip is None else clip / norm))
    close(record.backward.gradients.W[3], record.backward.gradients.vector[16:24].reshape(2, 4))

    once = network(dropout=0.25)
    once_run = session(once, optimizer="adam", clip=clip)
    once_run.run(4, np.full(4, 0.1))
    once_run.run(5, np.array([0.2]))
    np.testing.assert_array_equal(record.update, once.parameters - before)


def test_a_record_does_not_change_when_training_goes_on() -> None:
    net = network(dropout=0.25)
    run = session(net, batch_size=11, optimizer="rmsprop", clip=0.1)
    (record,) = run.run(1, np.array([0.1]), {0}).records
    parts = {
        "rows": record.rows, "parameters": record.parameters, "update": record.update,
        "gradient": record.backward.gradients.vector, "costs": record.backward.row_costs,
        "mask": record.backward.forward.masks[2], **{f"z{l}": record.backward.forward.z[l] for l in (2, 3)},
        **{f"a{l}": record.backward.forward.a[l] for l in (2, 3)},
        **{f"delta{l}": record.backward.errors.delta[l] for l in (2, 3)},
    }  # fmt: skip
    copies = {name: values.copy() for name, values in parts.items()}
    run.run(20, np.full(19, 0.1), {5})
    for name, values in parts.items():
        np.testing.assert_array_equal(values, copies[name], err_msg=name)
        assert not np.shares_memory(values, net.parameters), name


@pytest.mark.parametrize("recorded", [(), range(9)])
@pytest.mark.parametrize("cuts", [[9], [1, 2, 9], list(range(1, 10)), [4, 5, 9]])
def test_neither_where_a_run_is_cut_nor_what_is_recorded_changes_a_bit(cuts: list[int], recorded: range) -> None:
    whole_net, net = network(dropout=0.5), network(dropout=0.5)
    rates = np.linspace(0.1, 0.5, 9)
    whole = session(whole_net, optimizer="adam", clip=0.5).run(9, rates)
    run, parts, start = session(net, optimizer="adam", clip=0.5), [], 0
    for until in cuts:
        parts.append(run.run(until, rates[start:until], set(recorded)))
        start = until
    np.testing.assert_array_equal(net.parameters, whole_net.parameters)
    for name in ("costs", "hits", "weights"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))
    assert [r.step for part in parts for r in part.records] == list(recorded)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_everything_stays_in_the_networks_dtype(dtype: str) -> None:
    net = Network([3, 4, 2], output="softmax", dropout=0.2, dtype=dtype)
    data = TrainingData(*(values.astype(dtype) for values in (X, Y, W_ROWS)), "argmax")
    plan = StepPlan(optimizers.AdamW(0.1), 4, 0, clip=0.1)
    run = ENGINE.session(net, GOAL, data, plan)
    report = run.run(4, np.full(4, 0.1), {2})
    record = report.records[0]
    assert report.costs.dtype == report.hits.dtype == report.weights.dtype == np.float64
    for values in (
        net.parameters, record.update, record.backward.gradients.vector, record.backward.row_costs,
        *record.backward.forward.z.values(), *record.backward.forward.a.values(),
        *record.backward.errors.delta.values(),
        *run.state.values(), ENGINE.predict(net, data.X),
    ):  # fmt: skip
        assert values.dtype == dtype


def test_numbers_that_are_not_finite_pass_through_silently() -> None:
    """Warnings are errors here: the costs tell of them, and the training names them."""
    net = Network([3, 4, 1], dtype="float64", seed=0)
    data = TrainingData(X * 1e200, np.ones((11, 1)), np.ones(11), None)
    run = ENGINE.session(net, choose("identity"), data, StepPlan(optimizers.SGD(0.1), 4, 0))
    report = run.run(6, np.full(6, 0.1))
    assert not np.isfinite(report.costs).any()
    assert not np.isfinite(ENGINE.evaluate(net, choose("identity"), data).cost)
