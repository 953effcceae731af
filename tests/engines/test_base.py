"""The seam: which rows a step takes, how many steps an epoch has, and putting a session back."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from backlit import optimizers
from backlit.engines import ENGINES, Engine, StepPlan, TrainingData
from backlit.engines.order import batch_rows
from backlit.engines.reference import ReferenceEngine
from backlit.network import Network
from backlit.objective import choose
from backlit.randomness import order_of_rows


def plan_of(batch_size: int, seed: int = 0) -> StepPlan:
    return StepPlan(optimizers.SGD(0.1), batch_size, seed)


@pytest.mark.parametrize(("rows", "batch_size"), [(10, 3), (12, 3), (7, 6), (5, 1), (2, 1), (9, 8)])
def test_an_epoch_takes_each_row_once_in_its_drawn_order(rows: int, batch_size: int) -> None:
    per_epoch = ceil(rows / batch_size)
    for epoch in range(3):
        steps = range(epoch * per_epoch, (epoch + 1) * per_epoch)
        batches = [batch_rows(plan_of(batch_size, seed=5), rows, step) for step in steps]
        assert [len(batch) for batch in batches[:-1]] == [batch_size] * (per_epoch - 1)
        assert len(batches[-1]) == rows - batch_size * (per_epoch - 1)
        np.testing.assert_array_equal(np.concatenate(batches), order_of_rows(5, epoch, rows))


def test_another_epoch_and_another_seed_have_another_order() -> None:
    first, second = (batch_rows(plan_of(25), 26, step) for step in (0, 2))
    other = batch_rows(plan_of(25, seed=1), 26, 0)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_batch_of_all_rows_takes_them_as_they_lie() -> None:
    for step in (0, 1, 7):
        assert batch_rows(plan_of(6), 6, step) == slice(0, 6)


def test_without_shuffling_every_epoch_takes_the_rows_as_they_lie() -> None:
    plan = replace(plan_of(3), shuffle=False)
    assert [batch_rows(plan, 7, step) for step in range(4)] == [slice(0, 3), slice(3, 6), slice(6, 7), slice(0, 3)]


ENGINES_HERE = [engine for engine in ENGINES.values() if engine.unsupported(Network([1, 1])) is None]


@pytest.mark.parametrize("engine", ENGINES_HERE, ids=lambda engine: engine.name)
def test_a_session_that_takes_over_goes_on_as_the_first_would_have(engine: Engine) -> None:
    """Adam's corrections, the dropout masks and the orders of rows count on from the steps and epochs before."""
    rng = np.random.default_rng(0)
    data = TrainingData(*(rng.normal(size=size).astype("f4") for size in ((7, 3), (7, 2))), np.ones(7, "f4"), None)
    plan = StepPlan(optimizers.Adam(0.05), 3, seed=4)
    net = Network([3, 16, 2], seed=1, dropout=0.5)
    whole = engine.session(net, choose("identity"), data, plan)
    whole.run(6, np.full(6, 0.05))
    twin, state = net.copy(), {slot: values.copy() for slot, values in whole.state.items()}
    whole.run(9, np.full(3, 0.05))

    later = engine.session(twin, choose("identity"), data, replace(plan, steps_before=6, epochs_before=2))
    later.restore(twin.parameters.copy(), state, 0)
    later.run(2, np.full(2, 0.05))
    later.run(3, np.full(1, 0.05), [2])
    np.testing.assert_array_equal(twin.parameters, net.parameters)


@pytest.mark.parametrize("engine", ENGINES_HERE, ids=lambda engine: engine.name)
def test_without_shuffling_an_epoch_is_steps_on_one_slice_after_the_other(engine: Engine) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    plan = StepPlan(optimizers.SGD(0.1), 3, seed=4, shuffle=False)
    net = Network([3, 4, 2], seed=1, dtype="float64")
    by_hand = net.copy()
    engine.session(net, choose("identity"), TrainingData(X, Y, np.ones(7), None), plan).run(3, np.full(3, 0.1))
    for rows in (slice(0, 3), slice(3, 6), slice(6, 7)):
        x, y = X[rows], Y[rows]
        gradient = engine.backward_pass(by_hand, choose("identity"), x, y, np.ones(len(x))).gradients.vector
        by_hand.parameters[...] -= 0.1 * gradient
    # 1e-13: another order of the same sums, over three steps
    np.testing.assert_allclose(net.parameters, by_hand.parameters, rtol=1e-13, atol=1e-14)


def test_interleaved_trainings_keep_their_orders() -> None:
    """The order is remembered for the sake of speed; two sessions of other seeds must not get each other's."""
    for step in range(4):
        for seed in (1, 2, 3):
            place = step % 2
            expected = order_of_rows(seed, step // 2, 5)[3 * place : 3 * place + 3]
            np.testing.assert_array_equal(batch_rows(plan_of(3, seed), 5, step), expected)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
def test_restored_a_session_makes_the_same_steps_again(optimizer: str) -> None:
    rng = np.random.default_rng(0)
    net = Network([3, 4, 2], seed=1)
    data = TrainingData(
        rng.normal(size=(7, 3)).astype("f4"), rng.normal(size=(7, 2)).astype("f4"), np.ones(7, "f4"), None
    )
    plan = replace(plan_of(3), optimizer=optimizers.get(optimizer, 0.05))
    session = ReferenceEngine().session(net, choose("identity"), data, plan)
    assert session.steps_per_epoch == 3
    session.run(2, np.full(2, 0.05))
    parameters, state = net.parameters.copy(), {slot: values.copy() for slot, values in session.state.items()}
    once = session.run(8, np.full(6, 0.05))
    after = net.parameters.copy()

    session.restore(parameters, state, 2)
    assert session.step == 2
    np.testing.assert_array_equal(net.parameters, parameters)
    again = session.run(8, np.full(6, 0.05))
    np.testing.assert_array_equal(net.parameters, after)
    np.testing.assert_array_equal(once.costs, again.costs)
    assert not np.array_equal(parameters, after)
