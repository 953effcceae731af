"""The seam: which rows a step takes, how many steps an epoch has, and putting a session back."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from backlit import optimizers
from backlit.engines import StepPlan, TrainingData
from backlit.engines.base import batch_rows
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
