"""The order in which an epoch takes the rows: a function of the plan and the epoch, of nothing that happened before.

Rows in memory are shuffled all together. Rows that are read block by block are shuffled within windows: the blocks come
in a new order in every epoch, so many at a time make a window, and the rows of a window are shuffled together.
"""

from functools import lru_cache

import numpy as np

from backlit.engines.base import StepPlan, Windows
from backlit.notation import IndexArray
from backlit.randomness import BLOCKS, order_of_rows


def batch_rows(plan: StepPlan, rows: int, step: int) -> IndexArray | slice:
    """The rows of a step's batch: its place in its epoch's order of rows; the last batch of an epoch may be short.

    A batch of all rows takes them as they lie: their order cannot matter, and nothing need be gathered.
    """
    epoch, place = divmod(step, -(-rows // plan.batch_size))
    first = place * plan.batch_size
    last = min(first + plan.batch_size, rows)
    return slice(first, last) if as_they_lie(plan, rows) else rows_at(plan, rows, epoch, first, last)


def as_they_lie(plan: StepPlan, rows: int) -> bool:
    """Whether the rows are not shuffled: nobody wants it, or a batch takes all of them."""
    return plan.batch_size >= rows or not plan.shuffle


def epoch_order(plan: StepPlan, rows: int, step: int) -> IndexArray | None:
    """The order of all rows in the epoch that a step belongs to; None where they are taken as they lie."""
    if as_they_lie(plan, rows):
        return None
    return rows_at(plan, rows, step // -(-rows // plan.batch_size), 0, rows)


def rows_at(plan: StepPlan, rows: int, epoch: int, first: int, last: int) -> IndexArray:
    """Which rows come at the places ``first`` to ``last`` - 1 of an epoch."""
    if as_they_lie(plan, rows):
        return np.arange(first, last)
    epoch += plan.epochs_before
    if plan.windows is None:
        return _order_of_rows(plan.seed, epoch, rows)[first:last]
    starts = window_starts(plan, rows, epoch - plan.epochs_before)
    touched = range(int(np.searchsorted(starts, first, "right")) - 1, int(np.searchsorted(starts, last, "left")))
    parts = []
    for window in touched:
        start = int(starts[window])
        order = _window_order(plan.seed, epoch, plan.windows, window)
        parts.append(order[max(first - start, 0) : last - start])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def window_starts(plan: StepPlan, rows: int, epoch: int) -> IndexArray:
    """The place in the epoch at which each window begins, and at the end the number of rows."""
    assert plan.windows is not None
    _, ends = _order_of_blocks(plan.seed, plan.epochs_before + epoch, plan.windows)
    return np.concatenate(([0], ends[plan.windows.blocks - 1 : -1 : plan.windows.blocks], [rows]))


@lru_cache(maxsize=2)
def _order_of_blocks(seed: int, epoch: int, windows: Windows) -> tuple[IndexArray, IndexArray]:
    """The blocks in the epoch's order, and the place at which each ends."""
    order = order_of_rows(seed, epoch, len(windows.edges) - 1, purpose=BLOCKS)
    return order, np.cumsum(np.diff(windows.edges)[order])


@lru_cache(maxsize=2)
def _window_order(seed: int, epoch: int, windows: Windows, window: int) -> IndexArray:
    """The rows of one window, in the order in which they are taken."""
    order, _ = _order_of_blocks(seed, epoch, windows)
    its_own = order[window * windows.blocks : (window + 1) * windows.blocks]
    lying = np.concatenate([np.arange(windows.edges[block], windows.edges[block + 1]) for block in its_own])
    return lying[order_of_rows(seed, epoch, len(lying), window=window + 1)]


_order_of_rows = lru_cache(maxsize=2)(order_of_rows)
