"""Where a run of steps finds its rows: in the data as they are, or in a buffer that is filled as the epoch goes on.

An engine is given three arrays once, X, Y and w̃, and is told for each run of steps which of their rows to take. For
rows that are not in memory in one piece the arrays are buffers: :class:`BufferedFeed` fills them with the rows of the
next steps, in the order in which these take them. An engine need not know the difference.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from backlit.data.lazy import LazyRows
from backlit.engines.base import StepPlan, TrainingData
from backlit.engines.order import epoch_order, rows_at, window_starts
from backlit.notation import Array, IndexArray

BUFFER_BYTES = 1 << 24
"""Of rows gathered from memory: little enough to be worth a cache, enough for some thousand steps of small rows."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """The step asked about takes batch number ``place`` of ``order``, and so on up to the step ``until``.

    ``order`` are row numbers in the feed's arrays, as many as these have rows; None where the rows come as they lie.
    """

    order: IndexArray | None
    place: int
    until: int


class Feed(ABC):
    """X, Y and w̃ as an engine takes them: contiguous, of the network's dtype, never moved."""

    X: Array
    Y: Array
    row_weights: Array

    def __init__(self, data: TrainingData, plan: StepPlan) -> None:
        self._data, self._plan, self._rows = data, plan, data.rows
        self._per_epoch = -(-data.rows // plan.batch_size)

    @abstractmethod
    def at(self, step: int) -> Stretch:
        """Where a step, and those after it, find their rows. Fetches them, where need be."""

    def batch(self, step: int) -> tuple[Array, Array, Array]:
        """X, Y and w̃ of one step."""
        stretch = self.at(step)
        first = stretch.place * self._plan.batch_size
        place = slice(first, min(first + self._plan.batch_size, len(self.X)))
        rows = place if stretch.order is None else stretch.order[place]
        return self.X[rows], self.Y[rows], self.row_weights[rows]


def feed(data: TrainingData, plan: StepPlan) -> Feed:
    """The feed for these data."""
    return BufferedFeed(data, plan, data.X) if isinstance(data.X, LazyRows) else WholeFeed(data, plan, data.X)


class WholeFeed(Feed):
    """The data themselves: nothing is copied that is contiguous and of the right dtype."""

    def __init__(self, data: TrainingData, plan: StepPlan, X: Array) -> None:
        super().__init__(data, plan)
        self.X, self.Y, self.row_weights = map(np.ascontiguousarray, (X, data.Y, data.row_weights))

    def at(self, step: int) -> Stretch:
        """A whole epoch."""
        epoch, place = divmod(step, self._per_epoch)
        return Stretch(epoch_order(self._plan, self._rows, step), place, (epoch + 1) * self._per_epoch)


class BufferedFeed(Feed):
    """A buffer with the rows of the steps to come, in their order.

    An epoch is cut into spans: the windows, or, of rows in memory, so many that the buffer is worth a cache. A batch
    that begins in one span and ends in the next takes the rows it has of the first along into the second's buffer.
    """

    def __init__(self, data: TrainingData, plan: StepPlan, X: LazyRows) -> None:
        super().__init__(data, plan)
        self._source, batch = X, plan.batch_size
        row_bytes = X.shape[1] * X.dtype.itemsize
        self._span = max(1, BUFFER_BYTES // (batch * row_bytes)) * batch
        most = self._span if plan.windows is None else plan.windows.most_rows + batch - 1
        self._places = -(-min(most, self._rows) // batch)
        rows = self._places * batch + self._rows % batch  # so that a short last batch ends where the buffer ends
        self.X = np.empty((rows, X.shape[1]), dtype=X.dtype)
        self.Y = np.empty((rows, data.Y.shape[1]), dtype=data.Y.dtype)
        self.row_weights = np.empty(rows, dtype=data.row_weights.dtype)
        self._epoch = self._held = -1
        self._batches = range(0)

    def at(self, step: int) -> Stretch:
        """What is left of the buffer; filled anew where the step is not in it."""
        epoch, batch = divmod(step, self._per_epoch)
        if epoch != self._epoch or batch not in self._batches:
            self._fill(epoch, batch)
        place = self._place + batch - self._batches.start
        return Stretch(None, place, step + self._batches.stop - batch)

    def _starts(self, epoch: int) -> list[int]:
        if self._plan.windows is None:
            return [*range(0, self._rows, self._span), self._rows]
        return window_starts(self._plan, self._rows, epoch).tolist()

    def _fill(self, epoch: int, batch: int) -> None:
        """The rest of the span in which this batch ends, from that batch on which was not done before it."""
        size, rows = self._plan.batch_size, self._rows
        starts = self._starts(epoch)
        span = bisect_right(starts, min((batch + 1) * size, rows) - 1)
        first, end = starts[span - 1] // size * size, starts[span]
        kept = self._kept(epoch, first, end)
        self._epoch = -1  # until all of it is there
        short = end == rows and rows % size > 0
        batches = range(first // size, -(-end // size) if end == rows else end // size)
        self._place = self._places + 1 - len(batches) if short else 0
        at = self._place * size
        self.X[at : at + len(kept)] = kept
        numbers = rows_at(self._plan, rows, epoch, first, end)
        self._source.gather(numbers[len(kept) :], self.X[at + len(kept) : at + len(numbers)])
        self.Y[at : at + len(numbers)] = self._data.Y[numbers]
        self.row_weights[at : at + len(numbers)] = self._data.row_weights[numbers]
        self._epoch, self._batches, self._held = epoch, batches, end

    def _kept(self, epoch: int, first: int, end: int) -> Array:
        """Of the rows from ``first`` on those that the buffer holds already, at its end."""
        if epoch != self._epoch or not self._batches.start * self._plan.batch_size <= first < self._held < end:
            return self.X[:0]
        at = self._place * self._plan.batch_size + first - self._batches.start * self._plan.batch_size
        return self.X[at : at + self._held - first].copy()
