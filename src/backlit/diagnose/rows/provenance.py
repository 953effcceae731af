"""Where the value of one weight comes from: which rows moved it over an epoch, and by how much."""

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from backlit.diagnose.rows import shares, tables
from backlit.engines import StepRecord
from backlit.errors import OptionError
from backlit.notation import Float64Array, IndexArray
from backlit.optimizers.base import check_whole
from backlit.training import Callback, Run

SHOWN = 5


@dataclass(frozen=True, eq=False)
class WeightProvenance:
    """``after`` - ``before`` = Σ ``moved`` + ``penalty`` + ``decay`` + ``rounding``, over the steps of one epoch.

    ``moved`` (rows,): each training row's part, under its number in the data as given; with momentum also what the row
    pushed in earlier epochs and was still under way. ``penalty``: of λ/(2n) Σ‖W‖²; ``decay``: of adamw's weight decay;
    ``rounding``: the rest, for the training rounds where this account does not.
    """

    layer: int
    j: int
    k: int | None
    epoch: int
    before: float
    after: float
    rows: IndexArray
    moved: Float64Array
    penalty: float
    decay: float
    attributed: str

    @property
    def rounding(self) -> float:
        """What the account leaves open."""
        return self.after - self.before - float(self.moved.sum()) - self.penalty - self.decay

    @property
    def name(self) -> str:
        """``W²[4, 17]``, or ``b²[4]``."""
        layer = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(self.layer))
        return f"b{layer}[{self.j}]" if self.k is None else f"W{layer}[{self.j}, {self.k}]"

    def up(self, count: int = SHOWN) -> IndexArray:
        """The rows that moved it up most, the strongest first."""
        order = np.argsort(-self.moved, kind="stable")[:count]
        return self.rows[order[self.moved[order] > 0]]

    def down(self, count: int = SHOWN) -> IndexArray:
        """The rows that moved it down most, the strongest first."""
        order = np.argsort(self.moved, kind="stable")[:count]
        return self.rows[order[self.moved[order] < 0]]

    @property
    def columns(self) -> dict[str, Any]:
        """The table's columns, the rows that moved it most, either way, first."""
        order = np.argsort(-np.abs(self.moved), kind="stable")
        return {"index": self.rows[order], "moved": self.moved[order]}

    def to_polars(self) -> Any:
        """The table as a polars DataFrame."""
        return tables.frame(self.columns)

    def write(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """The table as a .csv or .parquet file.

        Raises:
            OptionError: the path ends in neither.
            OutputPathError: the file exists and ``force`` is not set, or cannot be written.
        """
        tables.write(self.columns, path, force=force)

    def to_dict(self, rows: int | None = None) -> dict[str, Any]:
        """Plain data for JSON: the account, and the ``rows`` that moved it most (None: all)."""
        found = {name: values[:rows].tolist() for name, values in self.columns.items()}
        account = {name: getattr(self, name) for name in ("before", "after", "penalty", "decay", "rounding")}
        return {
            "weight": self.name, "layer": self.layer, "j": self.j, "k": self.k, "epoch": self.epoch, **account,
            "rows_together": float(self.moved.sum()), "attributed": self.attributed,
            "table": [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)],
        }  # fmt: skip

    def __str__(self) -> str:
        of = dict(zip(self.rows.tolist(), self.moved.tolist(), strict=True))
        parts = [f"rows {self.moved.sum():+.4g}"]
        parts += [f"{name} {value:+.4g}" for name, value in (("penalty", self.penalty), ("decay", self.decay)) if value]
        lines = [
            f"{self.name} in epoch {self.epoch}: from {self.before:.6g} to {self.after:.6g}, "
            f"{self.after - self.before:+.4g} = {' '.join([*parts, f'rounding {self.rounding:+.1g}'])}"
        ]
        for way, rows in (("up", self.up()), ("down", self.down())):
            said = ", ".join(f"row {row} ({of[row]:+.3g})" for row in rows.tolist())
            lines.append(f"  {way:<5} {said or 'no row'}")
        return "\n".join([*lines, f"  ({self.attributed})"])


class Provenance(Callback):
    """Watches one weight or bias while a network trains, and books every step's update to the rows it came from.

    Over the steps of the epoch, w ← w + Δ, and each Δ is a sum over rows (:mod:`backlit.diagnose.rows.shares` has the
    formulas): exactly for sgd, with and without momentum; for rmsprop, adam and adamw with their denominators as they
    were. All steps up to the end of the epoch are recorded, for momentum carries over from one to the next.

    Args:
        layer: of the weight; 2 is the first that has weights.
        j: the neuron it leads into.
        k: the neuron or input it comes from; None for the bias of neuron j.
        epoch: from 1.

    Raises:
        OptionError: there is no such weight (when the training begins), or it trains with lbfgs or an optimizer of
            somebody's own, or was resumed and momentum from before it is unknown.

    >>> import backlit as bl
    >>> X, y = bl.data.load("iris")
    >>> watch = bl.rows.Provenance(layer=2, j=0, k=3)
    >>> net = bl.Network([4, 3], output="softmax", dtype="float64")
    >>> run = bl.train(net, X, y, optimizer="sgd", epochs=1, callbacks=[watch])
    >>> found = watch.result
    >>> len(found.rows), abs(found.rounding) < 1e-14
    (150, True)
    """

    def __init__(self, layer: int, j: int, k: int | None = None, *, epoch: int = 1) -> None:
        check_whole("the provenance", "layer", layer, low=2)
        check_whole("the provenance", "j", j, low=0)
        check_whole("the provenance", "epoch", epoch)
        if k is not None:
            check_whole("the provenance", "k", k, low=0)
        self._layer, self._j, self._k, self._epoch = int(layer), int(j), None if k is None else int(k), int(epoch)
        self._place: tuple[int, ...] = (self._j,) if k is None else (self._j, int(k))
        self._done = False

    def on_train_begin(self, run: Run) -> None:
        """Checks that there is such a weight, and that this optimizer's steps can be booked."""
        sizes, optimizer = run.network.sizes, run.options["optimizer"]
        if self._layer > len(sizes) or self._j >= sizes[self._layer - 1]:
            raise OptionError(f"there is no neuron {self._j} in layer {self._layer} of a network of {list(sizes)}")
        if self._k is not None and self._k >= sizes[self._layer - 2]:
            raise OptionError(
                f"there is no weight from neuron {self._k} of layer {self._layer - 1}: it has {sizes[self._layer - 2]}"
            )
        if self._epoch > run.epochs:
            raise OptionError(f"there is no epoch {self._epoch}: the training has {run.epochs}")
        if run.resumed_from_step and not self._moved_so_far(run):
            raise OptionError("a training that was resumed cannot be booked to its rows: start it anew")
        if run.resumed_from_step:
            return
        self._update = shares.get(optimizer)
        self._optimizer, self._clip = optimizer, run.options["clip"]
        self._l2_over_n = run.options["l2"] / run.n
        self._weights = np.asarray(run.row_weights, dtype=np.float64)
        self._rows = np.arange(run.rows) if run.train_rows is None else run.train_rows
        self._first, self._end = (self._epoch - 1) * run.steps_per_epoch, self._epoch * run.steps_per_epoch
        self._moved: Float64Array = np.zeros(run.rows + 1)  # the last one is the penalty
        self._decay = 0.0
        self._before = self._after = float("nan")
        self._done, self._booked = False, 0

    def _moved_so_far(self, run: Run) -> bool:
        return getattr(self, "_booked", -1) == run.resumed_from_step

    def wants(self, step: int) -> bool:
        """Every step up to the end of the epoch."""
        return step < self._end

    def on_step(self, run: Run, record: StepRecord) -> None:
        """Books it: each row's share of the gradient, and what the optimizer makes of it."""
        passed, W_or_b = record.backward, self._of(run, record.parameters)
        m = len(record.rows)
        g = np.zeros(len(self._moved))
        share = passed.errors.delta[self._layer][:, self._j].astype(np.float64) * self._weights[record.rows] / m
        if self._k is not None:
            share = share * passed.forward.a[self._layer - 1][:, self._k]
            g[-1] = self._l2_over_n * W_or_b
        g[record.rows] = share
        if self._clip is not None and record.norm > self._clip:
            g *= self._clip / record.norm
        moved = self._update(g, record.learning_rate, record.step + 1)
        self._booked = record.step + 1
        if record.step < self._first:
            return
        if record.step == self._first:
            self._before = W_or_b
        self._moved += moved
        self._decay -= record.learning_rate * self._optimizer.get("weight_decay", 0.0) * W_or_b
        if record.step == self._end - 1:
            self._after, self._done = W_or_b + self._of(run, record.update), True

    def _of(self, run: Run, vector: Any) -> float:
        W, b = run.network.split(vector)[self._layer]
        return float(b[self._place] if self._k is None else W[self._place])

    @property
    def result(self) -> WeightProvenance:
        """The account.

        Raises:
            OptionError: no training has come to the end of the epoch.
        """
        if not self._done:
            raise OptionError(
                f"no training came to the end of epoch {self._epoch}: give this to bl.train(callbacks=[...])"
            )
        return WeightProvenance(
            layer=self._layer, j=self._j, k=self._k, epoch=self._epoch, before=self._before, after=self._after,
            rows=self._rows, moved=self._moved[:-1].copy(), penalty=float(self._moved[-1]), decay=self._decay,
            attributed=shares.attributed(self._optimizer["name"]),
        )  # fmt: skip
