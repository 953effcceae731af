"""Rows that are read block by block: every epoch takes each once, window by window, by the seed and the epoch alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backlit.engines import StepPlan, Windows
from backlit.engines.order import batch_rows, epoch_order, rows_at, window_starts
from backlit.optimizers import SGD


def evenly(rows: int, block: int) -> np.ndarray:
    return np.array([*range(0, rows, block), rows])


def plan_of(rows: int, block: int, blocks: int, batch_size: int = 3, seed: int = 0, **more: int) -> StepPlan:
    return StepPlan(SGD(), batch_size, seed, windows=Windows(evenly(rows, block), blocks), **more)


sizes = st.integers(4, 200), st.integers(1, 40), st.integers(1, 9), st.integers(1, 3), st.integers(0, 3)


@settings(deadline=None)
@given(*sizes)
def test_an_epoch_is_windows_of_whole_blocks_and_each_row_comes_once(
    rows: int, block: int, blocks: int, batch: int, epoch: int
) -> None:
    plan = plan_of(rows, block, blocks, batch)
    order, starts = rows_at(plan, rows, epoch, 0, rows), window_starts(plan, rows, epoch)
    assert sorted(order) == list(range(rows))
    assert starts[0] == 0
    assert starts[-1] == rows
    of_windows = [order[first:last] for first, last in pairwise(starts)]
    for number, window in enumerate(of_windows):
        its_blocks = set(window // block)
        assert len(its_blocks) == blocks or number == len(of_windows) - 1
        assert sorted(window) == sorted(row for row in range(rows) if row // block in its_blocks)


@settings(deadline=None)
@given(*sizes)
def test_any_part_of_an_epoch_is_that_part_of_the_whole(
    rows: int, block: int, blocks: int, batch: int, epoch: int
) -> None:
    plan = plan_of(rows, block, blocks, batch)
    whole = rows_at(plan, rows, epoch, 0, rows)
    for first, last in ((0, 1), (rows // 3, rows // 2 + 1), (rows - 1, rows), (1, rows)):
        np.testing.assert_array_equal(rows_at(plan, rows, epoch, first, last), whole[first:last])
    per_epoch = -(-rows // batch)
    steps = [batch_rows(plan, rows, epoch * per_epoch + place) for place in range(per_epoch)]
    np.testing.assert_array_equal(np.concatenate(steps), whole)
    np.testing.assert_array_equal(epoch_order(plan, rows, epoch * per_epoch), whole)


def test_blocks_and_rows_come_in_a_new_order_in_every_epoch_and_with_every_seed() -> None:
    drawn = [rows_at(plan_of(200, 5, 4, seed=seed), 200, epoch, 0, 200) for seed in range(4) for epoch in range(5)]
    assert len({order.tobytes() for order in drawn}) == 20
    assert len({tuple(dict.fromkeys((order // 20).tolist())) for order in drawn}) == 20


def test_every_window_is_shuffled_in_an_order_of_its_own() -> None:
    order, plan = rows_at(plan_of(200, 10, 2), 200, 0, 0, 200), plan_of(200, 10, 2)
    starts = window_starts(plan, 200, 0)
    ranks = {np.argsort(np.argsort(order[first:last])).tobytes() for first, last in pairwise(starts)}
    assert len(ranks) == 10


def test_every_block_comes_first_equally_often() -> None:
    """Of 8 blocks over 4,000 epochs: 500 times each, give or take 5 standard deviations (of 21)."""
    firsts = [rows_at(plan_of(8, 1, 2), 8, epoch, 0, 1)[0] for epoch in range(4000)]
    counts = np.bincount(firsts, minlength=8)
    assert (np.abs(counts - 500) < 105).all()


def test_epochs_and_steps_before_count_on() -> None:
    later = plan_of(50, 4, 3, epochs_before=2)
    np.testing.assert_array_equal(rows_at(later, 50, 1, 0, 50), rows_at(plan_of(50, 4, 3), 50, 3, 0, 50))
    np.testing.assert_array_equal(window_starts(later, 50, 1), window_starts(plan_of(50, 4, 3), 50, 3))


def test_without_shuffling_they_come_as_they_lie() -> None:
    plan = StepPlan(SGD(), 3, 0, shuffle=False, windows=Windows(evenly(10, 4), 3))
    np.testing.assert_array_equal(rows_at(plan, 10, 0, 2, 9), np.arange(2, 9))
    assert epoch_order(plan, 10, 0) is None
    assert batch_rows(plan, 10, 3) == slice(9, 10)


@pytest.mark.parametrize("epoch", [0, 7])
def test_one_window_of_all_rows_still_shuffles_all_of_them(epoch: int) -> None:
    order = rows_at(plan_of(100, 10, 10), 100, epoch, 0, 100)
    assert len(set(order[:50] // 10)) == 10  # half of them at random come from all ten blocks, but once in 10^7


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=20), st.integers(1, 5), st.integers(1, 7))
def test_blocks_may_be_of_any_size_and_some_empty(sizes: list[int], blocks: int, batch: int) -> None:
    """As those of a stream of which rows are held out."""
    edges = np.cumsum([0, 3, *sizes, 3])
    rows = int(edges[-1])
    plan = StepPlan(SGD(), min(batch, rows - 1), 0, windows=Windows(edges, blocks))
    order, starts = rows_at(plan, rows, 2, 0, rows), window_starts(plan, rows, 2)
    assert sorted(order) == list(range(rows))
    of_block = np.searchsorted(edges, order, "right")
    for first, last in pairwise(starts):
        inside = set(of_block[first:last])
        assert len(inside) <= blocks
        assert not inside & set(of_block[last:])
    assert max(np.diff(starts)) <= plan.windows.most_rows
    np.testing.assert_array_equal(np.concatenate([rows_at(plan, rows, 2, i, i + 1) for i in range(rows)]), order)
