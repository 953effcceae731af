"""What the rules read, each fact computed once, when the first rule asks for it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from backlit import engines
from backlit.diagnose.findings import columns as column_facts
from backlit.diagnose.findings import passes, reference
from backlit.diagnose.findings.columns import Columns
from backlit.diagnose.findings.finding import CannotJudge
from backlit.diagnose.findings.passes import DataPass
from backlit.diagnose.findings.reference import Reference
from backlit.diagnose.record import LensRecord
from backlit.network import Network
from backlit.notation import Array, Float64Array, IndexArray
from backlit.objective import Objective

MOST_ROWS = 20_000
"""Of a set that is passed through the network: of more rows every k-th."""

FEWEST_ROWS = 30
"""From which on a score says anything."""

HALF = 0.5

FEWEST_STEPS = 20
"""Recorded steps from which on a rule about the course of a training says anything."""


@dataclass(frozen=True, eq=False)
class Rows:
    """X (rows, n_1), Y (rows, n_L), w̃ (rows,), and the rows' numbers in the data as given (None: as they lie)."""

    X: Array
    Y: Array
    weights: Array
    numbers: IndexArray | None = None

    def __len__(self) -> int:
        return len(self.X)

    def every(self, k: int) -> "Rows":
        """Each k-th row."""
        numbers = np.arange(len(self)) if self.numbers is None else self.numbers
        return Rows(self.X[::k], self.Y[::k], self.weights[::k], numbers[::k])

    def called(self, rows: IndexArray) -> tuple[int, ...]:
        """What those rows are called in the data as given."""
        return tuple(int(row) for row in (rows if self.numbers is None else self.numbers[rows]))


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything there is to judge by; what is None was not given.

    ``decision`` is ``argmax``, ``threshold`` or None for numbers; ``options`` are those of the training, as
    ``run.options``; ``names`` are the columns'.
    """

    network: Network | None = None
    objective: Objective | None = None
    given: Rows | None = None
    given_held_out: Rows | None = None
    record: LensRecord | None = None
    history: tuple[dict[str, Any], ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    decision: str | None = None
    names: tuple[str, ...] | None = None

    # --- what a rule asks for, or says why it cannot be asked

    def need_network(self) -> Network:
        """The network as it is now, every parameter finite."""
        if self.network is None:
            raise CannotJudge("there is no network: give the one that was trained")
        if not np.isfinite(self.network.parameters).all():
            raise CannotJudge("parameters of the network are not finite")
        return self.network

    def need_rows(self) -> Rows:
        """The training rows."""
        if self.given is None:
            raise CannotJudge("there are no rows: give X and y")
        return self.given

    def need_held_out(self) -> Rows:
        """The validation rows."""
        if self.given_held_out is None:
            raise CannotJudge("there is no validation data: give validation_data=(X, y), or train with validation=0.2")
        return self.given_held_out

    def need_steps(self, fewest: int = FEWEST_STEPS) -> LensRecord:
        """The record, of at least so many steps."""
        if self.record is None:
            raise CannotJudge("no lens watched the training: train with callbacks=[bl.Lens()]")
        if len(self.record) < fewest:
            raise CannotJudge(f"too few steps: {len(self.record)} are recorded, and it takes {fewest}")
        return self.record

    def need_trained(self) -> None:
        """So many steps, as far as is known, that what was learnt is more than where it began."""
        steps = len(self.record) if self.record is not None else None
        if self.history:
            steps = max(steps or 0, int(self.history[-1]["steps"]))
        if steps is not None and steps < FEWEST_STEPS:
            raise CannotJudge(f"too few steps: {steps} were made, and it takes {FEWEST_STEPS}")

    def need_hidden(self) -> range:
        """The numbers of the hidden layers."""
        if len(self.sizes) < 3:
            raise CannotJudge("the network has no hidden layer")
        return range(2, len(self.sizes))

    def need_classes(self) -> str:
        """How classes are told apart: ``argmax`` or ``threshold``."""
        self.need_network()
        self.need_rows()
        if self.decision is None:
            raise CannotJudge("the targets are numbers, and this is about classes")
        return self.decision

    # --- what follows from it

    @property
    def sizes(self) -> tuple[int, ...]:
        """(n_1, …, n_L) of the network, or of the record where there is none."""
        if self.network is not None:
            return self.network.sizes
        return self.record.about.sizes if self.record is not None else ()

    @property
    def subject(self) -> str:
        """Of what, in a line."""
        layers = "-".join(map(str, self.sizes))
        rows = f", {len(self.given):,} rows" if self.given is not None else ""
        steps = f", {len(self.record):,} steps recorded" if self.record is not None else ""
        return f"network {layers}{rows}{steps}"

    @property
    def activations(self) -> tuple[str, ...]:
        """Names of σ_2, …, σ_L."""
        if self.network is not None:
            return tuple(activation.name for activation in self.network.activations)
        return self.record.about.activations if self.record is not None else ()

    def activation(self, layer: int) -> str:
        """Of one layer."""
        return self.activations[layer - 2]

    @cached_property
    def columns(self) -> Columns:
        """Facts about the columns of the training rows."""
        return column_facts.facts(self.need_rows().X)

    @cached_property
    def rows(self) -> Rows:
        """The training rows that are passed through the network: all, or every k-th."""
        rows = self.need_rows()
        return rows.every(-(-len(rows) // MOST_ROWS)) if len(rows) > MOST_ROWS else rows

    @cached_property
    def held_out(self) -> Rows:
        """The same of the validation rows."""
        rows = self.need_held_out()
        return rows.every(-(-len(rows) // MOST_ROWS)) if len(rows) > MOST_ROWS else rows

    @cached_property
    def passed(self) -> DataPass:
        """The training rows through the network as it is now, there and back, without dropout."""
        return self._pass(self.rows)

    @cached_property
    def passed_held_out(self) -> DataPass:
        """The validation rows likewise."""
        return self._pass(self.held_out)

    @cached_property
    def skill(self) -> float:
        """Of the network on the training rows: 0 is a constant answer, 1 all right."""
        return reference.skill(self.passed.output, self.rows.Y, self.decision)

    @cached_property
    def skill_held_out(self) -> float:
        """The same on the validation rows."""
        return reference.skill(self.passed_held_out.output, self.held_out.Y, self.decision)

    @cached_property
    def reference(self) -> Reference:
        """What simple methods make of the training rows."""
        rows = self.need_rows()
        if len(rows) < FEWEST_ROWS:
            raise CannotJudge(f"too few rows: {len(rows)}, and it takes {FEWEST_ROWS}")
        columns = self.columns
        surplus = [column for group in columns.copies for column in group[1:].tolist()]
        kept = np.setdiff1d(np.arange(rows.X.shape[1]), surplus)
        return reference.reference(rows.X[:, kept], rows.Y, self.decision, columns.mean[kept], columns.deviation[kept])

    @cached_property
    def shortfall(self) -> float:
        """What simple methods reach on the training rows, each left out, less what the network reaches on them.

        0 where it reaches as much, or more; 1 where they know all and it nothing. NaN without rows or network.
        """
        try:
            return max(self.reference.skill - max(self.skill, 0.0), 0.0)
        except CannotJudge:
            return float("nan")

    @cached_property
    def behind(self) -> float:
        """The shortfall, or that on the validation rows where it is larger, less twice its standard error.

        Without rows or a network nothing is known of what could be reached. Then it is what the cost lacks to half of
        that of the first steps, as a share of it; NaN without costs.
        """
        found = self.shortfall
        if np.isnan(found):
            return self._unlearnt
        if self.given_held_out is None:
            return found
        error = reference.standard_error(self.passed_held_out.output, self.held_out.Y, self.decision)
        return max(found, self.reference.skill - max(self.skill_held_out, 0.0) - 2 * error)

    @property
    def _unlearnt(self) -> float:
        record = self.record
        if record is None or len(record) < FEWEST_STEPS:
            return float("nan")
        first, last = record.cost[:5].mean(), record.cost[-record.about.steps_per_epoch :].mean()
        return max(float(last / first) - HALF, 0.0) if first > 0 and np.isfinite(last) else float("nan")

    def _pass(self, rows: Rows) -> DataPass:
        network, objective = self.need_network(), self.objective
        assert objective is not None
        engine = engines.choose("auto", network, objective).engine
        with np.errstate(over="ignore", invalid="ignore"):
            return passes.pass_over(engine, network, objective, rows.X, rows.Y, rows.weights)

    def at_end(self, name: str) -> Float64Array:
        """A column of the record by layer, (L-1,): the mean over the last recorded epoch."""
        record = self.need_steps(1)
        values: Float64Array = getattr(record, name)[-record.about.steps_per_epoch :]
        return values.mean(axis=0)

    def at_start(self, name: str) -> Float64Array:
        """The same of the first recorded step, which must be the training's first."""
        record = self.need_steps(1)
        if record.step[0] != 0:
            raise CannotJudge(f"the record begins with step {record.step[0]:,}: how the network started is not known")
        values: Float64Array = getattr(record, name)[0]
        return values

    def column(self, number: int) -> str:
        """What a column is called."""
        return f"column {number}" if self.names is None else f"'{self.names[number]}'"
