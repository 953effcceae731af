"""The lens: a callback that records what every step comes to, from the engine's own pass, without changing its bits."""

import time
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backlit.diagnose import store
from backlit.diagnose.record import About, Cause, Histogram, LensRecord, arrays_of, joined, parts_of
from backlit.diagnose.store import Store
from backlit.engines import Statistics, StepRecord
from backlit.engines.statistics import joined as statistics_joined
from backlit.errors import DivergenceError, LensWarning, OptionError, OutputPathError
from backlit.notation import IndexArray
from backlit.training import Callback, Run
from backlit.training.divergence import explained

Schedule = int | Callable[[int], bool]

FLUSH_SECONDS, FLUSH_SHARE = 2.0, 0.02
"""A part is written after so many seconds, or after this share of the training so far: few parts of a long one."""


class Lens(Callback):
    """Records, while a network trains, what its diagnosis stands on; its training has the same bits without it.

    Of every recorded step and layer: the sizes (RMS) of z, a and δ, the mean slope |σ'(z)|, the shares of saturated,
    dead and exactly-zero neurons, the norms of weights, gradients and updates; of every row ‖∇C_x‖, free from the
    outer-product form of BP4, ‖δ_x‖² (1 + ‖a_x‖²) a layer, hence gradient variance, noise scale and signal-to-noise
    ratio; and the first cause of a NaN or infinity. :class:`~backlit.diagnose.record.LensRecord` gives the formulas.

    Args:
        every: each so many steps are recorded; or a schedule, step → bool.
        histograms: the same for histograms of z, a and δ of every layer; such a step is slow. None: no histograms.
        bins: of a histogram.
        path: a folder for the record, written while the training runs, part by part, and readable at any moment by
            :func:`backlit.read_lens` or any reader of Parquet; without one it is kept in memory, where a step takes
            8 · (16 (L-1) + 6) + 12 m bytes.
        force: may replace a record that is there.
        row_numbers: what to call the rows given to :func:`backlit.train`; by default 0, 1, 2, …

    Raises:
        OptionError: a schedule below 1 or of another kind, fewer than 1 bin.
        OutputPathError: the folder exists, or cannot be written; found before the first step.

    >>> import backlit as bl
    >>> X, y = bl.data.load("iris")
    >>> net, lens = bl.Network([4, 8, 3], activation="tanh", output="softmax"), bl.Lens()
    >>> run = bl.train(net, X, y, epochs=2, callbacks=[lens])
    >>> run.lens.record
    LensRecord(10 steps, 0 to 9, of layers 2 to 3)
    >>> bool((run.lens.record.update_ratio[:, 0] < 0.1).all())
    True
    """

    def __init__(
        self,
        every: Schedule = 1,
        *,
        histograms: Schedule | None = None,
        bins: int = 64,
        path: str | PathLike[str] | None = None,
        force: bool = False,
        row_numbers: ArrayLike | None = None,
    ) -> None:
        self._every = check_schedule("every", every)
        if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or bins < 1:
            raise OptionError(f"bins of a histogram must be a whole number, at least 1, not {bins!r}")
        self._bins = int(bins)
        self._row_numbers = None if row_numbers is None else np.asarray(row_numbers, dtype=np.int64)
        if histograms is not None:
            wanted = check_schedule("histograms", histograms)
            self.__dict__["wants"] = wanted if callable(wanted) else lambda step: step % wanted == 0
        self._path, self._force = None if path is None else Path(path), bool(force)
        if self._path is not None:
            store.check_free(self._path, force=True)  # whether a record may be replaced depends on what is resumed
        self._about: About | None = None
        self._run: Run | None = None
        self._numbers: IndexArray | None = None
        self._kept: list[dict[str, Any]] = []  # arrays of a training that was resumed
        self._parts: list[Statistics] = []
        self._histograms: list[Histogram] = []
        self._cause: Cause | None = None
        self._store: Store | None = None
        self._written, self._began, self._flushed = False, 0.0, 0.0

    @property
    def record(self) -> LensRecord:
        """Everything recorded so far: also while the training runs.

        Raises:
            OptionError: no training has begun.
        """
        if self._about is None or self._run is None:
            raise OptionError("this lens has seen no training: pass it to bl.train(callbacks=[lens]) first")
        if self._written and self._path is not None:
            if self._store is not None:
                self._store.wait()
            before = store.read_lens(self._path)
            arrays, histograms = [parts_of(before), *self._arrays()], (*before.histograms, *self._histograms)
        else:
            arrays, histograms = self._arrays(), tuple(self._histograms)
        return self._complete(joined(self._about, arrays, histograms=histograms))

    def on_train_begin(self, run: Run) -> None:
        """Begins a record; of a resumed training, the one there is goes on from the step that is resumed."""
        about, kept = _about(run), self._before(run)
        self._about, self._run, self._cause, run.lens = about, run, None, self
        self._numbers = _chained(run.train_rows, self._row_numbers)
        self._kept = [] if kept is None else [parts_of(kept)]
        self._parts, self._histograms = [], [] if kept is None else list(kept.histograms)
        self._written, self._began = False, time.monotonic()
        self._flushed = self._began
        if self._path is not None:
            self._store = Store(self._path, force=self._force or kept is not None)
            self._store.describe(self._complete(joined(about, [])))
            self._flush()

    def _before(self, run: Run) -> LensRecord | None:
        """What was recorded of this training before it was resumed; in the folder, if not by this lens."""
        if not run.resumed_from_step:
            return None
        if self._about is not None:
            before = self.record
        elif self._path is not None and (self._path / store.ABOUT).is_file():
            before = store.read_lens(self._path)
        else:
            return None
        return before.between(0, run.resumed_from_step) if before.about.sizes == run.network.sizes else None

    def measures(self, steps: range) -> Collection[int]:
        """Those of the schedule."""
        if callable(self._every):
            return {step for step in steps if self._every(step)}
        return range(-(-steps.start // self._every) * self._every, steps.stop, self._every)

    def on_statistics(self, run: Run, statistics: Statistics) -> None:
        """Takes them in."""
        self._parts.append(statistics)
        now = time.monotonic()
        if self._store is not None and now - self._flushed > max(FLUSH_SECONDS, FLUSH_SHARE * (now - self._began)):
            self._flushed = now
            self._flush()

    def on_step(self, run: Run, record: StepRecord) -> None:
        """Counts the histograms of a step that was copied out."""
        forward, delta = record.backward.forward, record.backward.errors.delta
        for layer in delta:
            for quantity, values in (("z", forward.z[layer]), ("a", forward.a[layer]), ("delta", delta[layer])):
                self._histograms.append(histogram(record.step, layer, quantity, values, self._bins))

    def on_train_end(self, run: Run) -> None:
        """Keeps what a divergence came from; what is not in the folder yet is written."""
        if isinstance(run.failure, DivergenceError):
            self._cause = _cause(run, run.failure, self._row_numbers)
        self._flush()
        if self._store is not None and self._about is not None:
            with self._warning():
                self._store.describe(self._complete(joined(self._about, [])))
                self._store.close()
            self._store = None

    def _arrays(self) -> list[dict[str, Any]]:
        """Of what is in memory."""
        assert self._about is not None
        found = [arrays_of(self._about, statistics_joined(self._parts), self._numbers)] if self._parts else []
        return [*self._kept, *found]

    def _flush(self) -> None:
        """From memory to the folder, on a thread of its own."""
        arrays, about = self._arrays(), self._about
        if self._store is None or about is None or not (arrays or self._histograms):
            return
        with self._warning():
            self._store.write(arrays, about, self._histograms)
            self._kept, self._parts, self._histograms, self._written = [], [], [], True

    @contextmanager
    def _warning(self) -> Iterator[None]:
        """A disk that is full ends the writing, not the training."""
        try:
            yield
        except OutputPathError as failure:
            self._store = None
            warnings.warn(f"the lens no longer writes to {self._path}: {failure}", LensWarning, stacklevel=2)

    def _complete(self, record: LensRecord) -> LensRecord:
        assert self._run is not None
        return replace(record, cause=self._cause, history=tuple(self._run.history.records()), stopped=self._run.stopped)

    def plot(self, path: str | PathLike[str] | None = None, *, force: bool = False) -> Any:
        """The record as curves by matplotlib; see :func:`backlit.diagnose.pictures.draw_figure`."""
        from backlit.diagnose.pictures import draw_figure

        return draw_figure(self.record, path, force=force)

    def text(self, width: int = 100) -> str:
        """The record as a table for a terminal; see :func:`backlit.diagnose.pictures.draw_text`."""
        from backlit.diagnose.pictures import draw_text

        return draw_text(self.record, width)

    def __repr__(self) -> str:
        return f"Lens({self.record!r})" if self._about else "Lens(no training yet)"


def histogram(step: int, layer: int, quantity: str, values: Any, bins: int) -> Histogram:
    """The numbers counted in bins of equal width from the lowest to the highest finite one."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    counts, edges = np.histogram(finite, bins)
    return Histogram(step, layer, quantity, counts.astype(np.int64), edges, len(flat) - len(finite))


def check_schedule(option: str, value: Any) -> Schedule:
    """A number of steps, at least 1, or a function step → bool."""
    if callable(value):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise OptionError(
            f"{option} of a lens is a number of steps, at least 1, or a schedule step → bool, not {value!r}"
        )
    return int(value)


def _chained(rows: IndexArray | None, numbers: IndexArray | None) -> IndexArray | None:
    """Training row → what it is called."""
    if numbers is None:
        return rows
    return numbers if rows is None else numbers[rows]


def _about(run: Run) -> About:
    network = run.network
    return About(
        sizes=network.sizes,
        activations=tuple(activation.name for activation in network.activations),
        dropout=network.dropout,
        dtype=str(network.dtype),
        rows=run.rows,
        steps_per_epoch=run.steps_per_epoch,
        decision=run.decision,
        objective=run.objective,
        l2=float(run.options["l2"]),
        n=run.n,
        engine=run.engine,
        options=run.options,
    )


def _cause(run: Run, failure: DivergenceError, numbers: IndexArray | None) -> Cause:
    """Where it was first, and the network as it was before that step."""
    where, step = dict(failure.where), failure.record
    if numbers is not None and where.get("row") is not None:
        where["row"] = int(numbers[where["row"]])
    message = str(explained(where))
    if step is None:
        return Cause(where, message)
    before = run.network.copy()
    before.parameters[...] = step.parameters
    called = _chained(run.train_rows, numbers)
    return Cause(where, message, before, step.rows if called is None else called[step.rows])
