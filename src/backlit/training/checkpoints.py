"""The whole state of a training in one file: a stop loses at most the interval, and resuming changes no bit."""

import json
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from math import isfinite
from os import PathLike
from typing import Any

import numpy as np

from backlit.engines import StepsReport, TrainingData
from backlit.errors import CheckpointError, OptionError
from backlit.formats import container, durable
from backlit.formats.container import Claim, damaged
from backlit.network import Network
from backlit.notation import Array, Float64Array
from backlit.optimizers import Plateau, State
from backlit.optimizers.base import check_number
from backlit.training.history import COLUMNS, EpochRecord
from backlit.training.stopping import Best

MOST_KEPT = 100
"""Files of one training."""


class OtherTrainingError(CheckpointError):
    """A checkpoint that is whole, and of another training than the one that is to be resumed."""


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often a training is saved: at whichever of the intervals comes first, and at its end.

    Args:
        path: of the file, replaced as a whole each time.
        every_seconds: None for no such interval.
        every_steps: likewise.
        every_epochs: likewise.
        keep: how many are kept: FILE is the newest, FILE.1 the one before it, and so on. Where the newest turns out to
            be damaged, a resumed training goes on from the one before it.
        force: may replace a file that is there when the training starts anew.

    Raises:
        OptionError: a path that is none, seconds below 0, steps, epochs or files below 1.
    """

    path: str | PathLike[str]
    every_seconds: float | None = 10.0
    every_steps: int | None = None
    every_epochs: int | None = None
    keep: int = 2
    force: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.path, (str, PathLike)):
            raise OptionError(f"checkpoint must be a path or a backlit.Checkpoint, not {type(self.path).__name__}")
        if self.every_seconds is not None:
            check_number("the checkpoint", "every_seconds", self.every_seconds, low=0)
        for option in ("every_steps", "every_epochs"):
            value = getattr(self, option)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise OptionError(f"{option} of the checkpoint must be a whole number, at least 1, not {value!r}")
        if isinstance(self.keep, bool) or not isinstance(self.keep, int) or not 1 <= self.keep <= MOST_KEPT:
            raise OptionError(f"keep of the checkpoint must be a whole number, 1 to {MOST_KEPT}, not {self.keep!r}")


@dataclass(frozen=True)
class Sums:
    """Of the epoch under way, over the rows seen so far: Σ w̃_i C_i, Σ w̃_i [right], Σ w̃_i, and how many rows."""

    cost: float = 0.0
    hits: float = 0.0
    weight: float = 0.0

    def add(self, report: StepsReport) -> "Sums":
        """One step after the other, so that the sum does not depend on where a run of steps was cut."""
        return Sums(
            _add_in_order(self.cost, report.costs),
            _add_in_order(self.hits, report.hits),
            _add_in_order(self.weight, report.weights),
        )


def _add_in_order(start: float, terms: Any) -> float:
    return float(np.add.accumulate(np.concatenate(([start], terms)))[-1])


@dataclass(frozen=True, eq=False)
class Snapshot:
    """θ and the optimizer's state at one step, copied out."""

    step: int
    parameters: Array
    optimizer: State


@dataclass(eq=False)
class TrainingState:
    """All that a training is, between two steps.

    ``now`` is where it stands, ``epoch_start`` where the epoch under way began: what a failure goes back to, and what a
    divergence is replayed from; ``start_parameters`` is θ before the first step, which divergence is measured by.
    """

    now: Snapshot
    epoch_start: Snapshot
    start_parameters: Array
    sums: Sums = field(default_factory=Sums)
    plateau: Plateau = field(default_factory=Plateau)
    best: Best = field(default_factory=Best)
    best_parameters: Array | None = None
    history: list[EpochRecord] = field(default_factory=list)
    usual_cost: float | None = None
    seconds: float = 0.0
    finished: str | None = None


def identity(
    network: Network,
    options: dict[str, Any],
    data: TrainingData,
    validation: TrainingData | None,
    *,
    n: float,
    needs_end: bool,
) -> dict[str, Any]:
    """What must be the same for a training to be resumed; ``epochs`` may differ where the schedule needs no end."""
    same = {option: value for option, value in options.items() if option != "epochs" or needs_end}
    described = {
        "layers": list(network.sizes),
        "activations": [activation.name for activation in network.activations],
        "dropout": list(network.dropout),
        "initializer": network.initializer,
        "network_seed": network.seed,
        "dtype": str(network.dtype),
        **same,
        "training_data": _digest(data),
        "validation_data": None if validation is None else _digest(validation),
        "n": n,
    }
    plain: dict[str, Any] = json.loads(json.dumps(described))
    return plain


ROWS_AT_ONCE = 1 << 14
"""Rows of the data that are looked at together, be they in memory or not."""


def _digest(data: TrainingData) -> str:
    digest = blake2b(digest_size=16)
    for values in (data.X, data.Y, data.row_weights):
        digest.update(f"{values.shape}{values.dtype}".encode())
        for first in range(0, len(values), ROWS_AT_ONCE):
            digest.update(np.ascontiguousarray(values[first : first + ROWS_AT_ONCE]).data)
    return digest.hexdigest()


NOT_FINITE = {text: float(text) for text in ("inf", "-inf", "nan")}
"""What JSON has no numbers for, as the validation's cost of an outlier may be: written as text."""


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_json(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_as_json(entry) for entry in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _from_json(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_from_json(entry) for entry in value]
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value


def save(path: str | PathLike[str], state: TrainingState, who: dict[str, Any], *, keep: int = 1) -> None:
    """Writes the state: to a new file, synced, renamed, and the folder synced; what was there before is kept.

    Raises:
        OutputPathError: the file cannot be written.
    """
    tensors: dict[str, Array] = {"start.parameters": state.start_parameters}
    for name, snapshot in (("now", state.now), ("epoch_start", state.epoch_start)):
        tensors[f"{name}.parameters"] = snapshot.parameters
        for slot, values in snapshot.optimizer.items():
            tensors[f"{name}.optimizer.{slot}"] = values
    if state.best_parameters is not None:
        tensors["best.parameters"] = state.best_parameters
    if state.history:
        tensors["history"] = _history_table(state.history)
    document: dict[str, Any] = {
        "identity": who,
        "step": state.now.step,
        "epoch_start": state.epoch_start.step,
        "sums": asdict(state.sums),
        "plateau": asdict(state.plateau),
        "best": asdict(state.best),
        "history": _columns_in_use(state.history),
        "usual_cost": state.usual_cost,
        "seconds": state.seconds,
        "finished": state.finished,
    }
    durable.write(path, container.pack(tensors, _as_json(document), "checkpoint"), keep=keep)


def load(path: str | PathLike[str], who: dict[str, Any], network: Network, slots: State) -> TrainingState:
    """Reads the state of a training that is the same as this one.

    Raises:
        OtherTrainingError: it is of another training: the first thing that differs is named.
        CheckpointError: the file is damaged.
    """

    def check(document: dict[str, Any], claims: dict[str, Claim]) -> None:
        _check_identity(document.get("identity"), who)
        _check_tensors(claims, network, slots)

    found = container.read(path, ["checkpoint"], check=check, error=CheckpointError)
    document, tensors = found.document, found.tensors
    try:
        document = _from_json(document)
        return TrainingState(
            now=_snapshot(document["step"], "now", tensors, slots),
            epoch_start=_snapshot(document["epoch_start"], "epoch_start", tensors, slots),
            start_parameters=tensors["start.parameters"],
            sums=Sums(**{name: float(value) for name, value in document["sums"].items()}),
            plateau=Plateau(**document["plateau"]),
            best=Best(**document["best"]),
            best_parameters=tensors.get("best.parameters"),
            history=_history(tensors.get("history"), document["history"]),
            usual_cost=None if document["usual_cost"] is None else float(document["usual_cost"]),
            seconds=float(document["seconds"]),
            finished=document["finished"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as failure:
        raise CheckpointError(f"{path} is damaged: its state cannot be read ({failure}); start anew") from None


def _columns_in_use(history: list[EpochRecord]) -> list[str]:
    """The columns that apply to this training; of the others every value is None."""
    return [name for name in COLUMNS if any(getattr(record, name) is not None for record in history)]


def _history_table(history: list[EpochRecord]) -> Float64Array:
    """A row an epoch, a column each of those in use: as JSON, a long history would outgrow the file's header."""
    columns = _columns_in_use(history)
    return np.array([[getattr(record, name) for name in columns] for record in history], dtype=np.float64)


def _history(table: Float64Array | None, columns: list[str]) -> list[EpochRecord]:
    none: dict[str, Any] = dict.fromkeys(COLUMNS)
    rows = [] if table is None else table.tolist()
    records = [none | dict(zip(columns, row, strict=True)) for row in rows]
    return [EpochRecord(**{**r, "epoch": int(r["epoch"]), "steps": int(r["steps"])}) for r in records]


def _snapshot(step: Any, name: str, tensors: dict[str, Array], slots: State) -> Snapshot:
    if isinstance(step, bool) or not isinstance(step, int) or step < 0:
        raise ValueError(f"step {step!r}")
    optimizer = {slot: tensors[f"{name}.optimizer.{slot}"] for slot in slots}
    return Snapshot(step, tensors[f"{name}.parameters"], optimizer)


def _check_identity(theirs: object, ours: dict[str, Any]) -> None:
    if not isinstance(theirs, dict):
        raise damaged("it does not say of which training it is")
    for what, value in ours.items():
        if theirs.get(what) == value:
            continue
        if what.endswith("_data"):
            raise container.Refusal(
                f"is of another training: its {what.replace('_', ' ')} is not this one's; "
                "use the same rows and weights, or start anew with another checkpoint",
                OtherTrainingError,
            )
        raise container.Refusal(
            f"is of another training: {what} was {theirs.get(what)!r} there and is {value!r} here; "
            "use the same options, or start anew with another checkpoint",
            OtherTrainingError,
        )


def _check_tensors(claims: dict[str, Claim], network: Network, slots: State) -> None:
    places = ("now", "epoch_start")
    needed = {f"{place}.parameters" for place in ("start", *places)}
    needed |= {f"{place}.optimizer.{slot}" for place in places for slot in slots}
    if not needed <= set(claims) <= needed | {"best.parameters", "history"}:
        raise damaged("its tensors are not those of this optimizer")
    table = claims.get("history")
    if table and (len(table.shape) != 2 or table.dtype != np.float64):
        raise damaged("its history is not a table of numbers")
    for name, claim in claims.items():
        if name == "history":
            continue
        if claim.shape != network.parameters.shape or claim.dtype != network.dtype:
            raise damaged(f"its tensor {name!r} is not of this network's shape and dtype")
