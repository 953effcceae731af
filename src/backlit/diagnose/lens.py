"""The lens: a callback that records what every step comes to, from the engine's own pass, without changing its bits."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backlit.diagnose.record import About, Cause, Histogram, LensRecord, arrays_of, joined
from backlit.engines import Statistics, StepRecord
from backlit.errors import DivergenceError, OptionError
from backlit.notation import IndexArray
from backlit.training import Callback, Run

Schedule = int | Callable[[int], bool]


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
        row_numbers: what to call the rows given to :func:`backlit.train`; by default 0, 1, 2, …

    Raises:
        OptionError: a schedule below 1 or of another kind, fewer than 1 bin.

    A step takes 8 · (16 (L-1) + 6) + 12 m bytes of memory.

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
        self._about: About | None = None
        self._run: Run | None = None
        self._numbers: IndexArray | None = None
        self._parts: list[dict[str, Any]] = []
        self._histograms: list[Histogram] = []
        self._cause: Cause | None = None

    @property
    def record(self) -> LensRecord:
        """Everything recorded so far: also while the training runs.

        Raises:
            OptionError: no training has begun.
        """
        if self._about is None or self._run is None:
            raise OptionError("this lens has seen no training: pass it to bl.train(callbacks=[lens]) first")
        return joined(
            self._about,
            self._parts,
            histograms=tuple(self._histograms),
            cause=self._cause,
            history=tuple(self._run.history.records()),
            stopped=self._run.stopped,
        )

    def on_train_begin(self, run: Run) -> None:
        """Begins a record; of a resumed training, the one there is goes on from the step that is resumed."""
        about = _about(run)
        goes_on = run.resumed_from_step > 0 and self._about is not None and self._about.sizes == about.sizes
        kept = self.record.between(0, run.resumed_from_step) if goes_on else None
        self._about, self._run, self._cause, run.lens = about, run, None, self
        self._numbers = _chained(run.train_rows, self._row_numbers)
        self._parts = [_arrays(kept)] if kept is not None else []
        self._histograms = list(kept.histograms) if kept is not None else []

    def measures(self, steps: range) -> Collection[int]:
        """Those of the schedule."""
        if callable(self._every):
            return {step for step in steps if self._every(step)}
        return range(-(-steps.start // self._every) * self._every, steps.stop, self._every)

    def on_statistics(self, run: Run, statistics: Statistics) -> None:
        """Takes them in."""
        assert self._about is not None
        self._parts.append(arrays_of(self._about, statistics, self._numbers))

    def on_step(self, run: Run, record: StepRecord) -> None:
        """Counts the histograms of a step that was copied out."""
        forward, delta = record.backward.forward, record.backward.errors.delta
        for layer in delta:
            for quantity, values in (("z", forward.z[layer]), ("a", forward.a[layer]), ("delta", delta[layer])):
                self._histograms.append(histogram(record.step, layer, quantity, values, self._bins))

    def on_train_end(self, run: Run) -> None:
        """Keeps what a divergence came from."""
        if isinstance(run.failure, DivergenceError):
            self._cause = _cause(run, run.failure, self._row_numbers)

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


def _arrays(record: LensRecord) -> dict[str, Any]:
    from backlit.diagnose.record import BY_LAYER, BY_ROW, BY_STEP

    return {name: getattr(record, name) for name in (*BY_STEP, *BY_LAYER, *BY_ROW)}


def _cause(run: Run, failure: DivergenceError, numbers: IndexArray | None) -> Cause:
    """Where it was first, and the network as it was before that step."""
    where, step = dict(failure.where), failure.record
    if numbers is not None and where.get("row") is not None:
        where["row"] = int(numbers[where["row"]])
    if step is None:
        return Cause(where, str(failure))
    before = run.network.copy()
    before.parameters[...] = step.parameters
    called = _chained(run.train_rows, numbers)
    return Cause(where, str(failure), before, step.rows if called is None else called[step.rows])
