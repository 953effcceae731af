"""Everything :func:`backlit.train` was asked for, checked and put in order before the first step."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from numbers import Real
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backlit import objective as objectives
from backlit import optimizers
from backlit.costs import Cost
from backlit.data import targets as target_encoding
from backlit.data.checks import as_matrix
from backlit.data.lazy import LazyRows, SelectedRows
from backlit.data.splits import hold_out
from backlit.data.streaming import Stream, StreamedRows
from backlit.data.targets import Targets
from backlit.engines import Choice, Engine, StepPlan, TrainingData, Windows, choose
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.notation import Array, Float64Array, IndexArray
from backlit.objective import Objective
from backlit.optimizers import Constant, Optimizer, Plan, Schedule, schedules
from backlit.optimizers.base import check_number
from backlit.randomness import check_seed
from backlit.training import budget, row_weights, stopping
from backlit.training.callbacks import Callback
from backlit.training.checkpoints import Checkpoint
from backlit.training.keeping import check_free
from backlit.training.row_weights import ClassWeight
from backlit.training.stopping import EarlyStopping

DEFAULT_BATCH_SIZE = 32

Validation = float | tuple[ArrayLike | Stream, ArrayLike | None] | Stream | None


@dataclass(frozen=True, eq=False)
class Setup:
    """A training that can begin. ``options`` says all of it in plain data, for the model file and the checkpoint."""

    network: Network
    objective: Objective
    data: TrainingData
    validation: TrainingData | None
    train_rows: IndexArray | None
    validation_rows: IndexArray | None
    plan: StepPlan
    schedule: Schedule
    duration: Plan
    seconds: float | None
    early_stopping: EarlyStopping | None
    checkpoint: Checkpoint | None
    resume: bool
    callbacks: tuple[Callback, ...]
    choice: Choice
    options: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows to train on or to validate with, and their numbers in the data as given."""

    X: Array | LazyRows
    targets: Targets
    weights: Float64Array
    numbers: IndexArray | None

    def take(self, rows: IndexArray) -> "_Rows":
        """Some of them. X stays where it is."""
        targets = Targets(self.targets.Y[rows], self.targets.decision)
        X = self.X.take(rows) if isinstance(self.X, LazyRows) else SelectedRows(self.X, rows)
        return _Rows(X, targets, self.weights[rows], rows)

    def with_targets(self, targets: Targets) -> "_Rows":
        return replace(self, targets=targets)


def prepare(
    network: Network,
    X: ArrayLike | Stream,
    y: ArrayLike | None,
    *,
    cost: str | Cost | None,
    l2: float,
    label_smoothing: float,
    optimizer: str | Optimizer,
    learning_rate: float | None,
    schedule: str | Schedule,
    clip: float | None,
    epochs: int,
    time: float | str | None,
    batch_size: int | str | None,
    validation: Validation,
    sample_weight: ArrayLike | None,
    class_weight: ClassWeight,
    early_stopping: int | bool | EarlyStopping | None,
    checkpoint: str | PathLike[str] | Checkpoint | None,
    resume: bool,
    callbacks: Sequence[Callback],
    engine: str | Engine,
    seed: int,
) -> Setup:
    """Checks every option and all the data; see :func:`backlit.train` for what they mean and what is raised."""
    if not isinstance(network, Network):
        raise OptionError(f"the first argument of train must be a backlit.Network, not {type(network).__name__}")
    if not np.isfinite(network.parameters).all():
        raise OptionError("network.parameters hold NaN or infinity before the training; start from finite numbers")
    unweighted = objectives.choose(network.activations[-1], cost, l2=l2)
    chosen = optimizers.get(optimizer, learning_rate)
    chosen_schedule = schedules.get(schedule)
    rule = stopping.get(early_stopping)
    _check_count("epochs", epochs)
    seconds = budget.seconds_of(time)
    check_seed(seed)
    if clip is not None:
        check_number("train", "clip", clip, low=0, open_low=True)
    place = _checkpoint(checkpoint, resume)
    _check_callbacks(callbacks)

    train, held_out = _rows(network, unweighted, X, y, sample_weight, validation, seed)
    weights = train.weights * row_weights.class_weights(class_weight, train.targets)
    objective = objectives.choose(network.activations[-1], cost, l2=l2, n=max(float(weights.sum()), 1e-300))
    train = train.with_targets(target_encoding.smooth(train.targets, objective, label_smoothing))
    data = _training_data(network, train, row_weights.mean_one(weights, "training"))
    judged = (
        None
        if held_out is None
        else _training_data(network, held_out, row_weights.mean_one(held_out.weights, "validation"))
    )
    if rule and rule.monitor.startswith("validation") and held_out is None:
        raise OptionError(f"early stopping watches {rule.monitor}, so it needs validation rows, as validation=0.2")
    _check_monitor(rule, data)
    if rule and rule.monitor == "validation_r2" and held_out and (held_out.targets.Y == held_out.targets.Y[0]).all():
        raise OptionError("early stopping watches validation_r2, and the validation rows all have the same target")

    plan = StepPlan(
        chosen,
        _batch_size(batch_size, chosen, data.rows),
        seed,
        None if clip is None else float(clip),
        windows=_windows(data.X),
    )
    data = _in_one_piece(data, plan)
    if chosen.whole_batch_only:
        _check_whole_batch(chosen, network, chosen_schedule, clip, plan.batch_size, data.rows)
    choice = choose(engine, network, objective, chosen)
    options = {
        "cost": objective.cost.name,
        "l2": objective.l2,
        "label_smoothing": float(label_smoothing),
        "optimizer": chosen.describe(),
        "schedule": chosen_schedule.describe(),
        "clip": plan.clip,
        "epochs": int(epochs),
        "time": seconds,
        "batch_size": plan.batch_size,
        "windows": _described(X),
        "validation": validation if isinstance(validation, Real) else None if held_out is None else "given",
        "class_weight": {str(k): v for k, v in class_weight.items()}
        if isinstance(class_weight, Mapping)
        else class_weight,
        "sample_weight": sample_weight is not None,
        "early_stopping": asdict(rule) if rule else None,
        "engine": choice.engine.name,
        "seed": int(seed),
    }
    return Setup(
        network=network,
        objective=objective,
        data=data,
        validation=judged,
        train_rows=train.numbers,
        validation_rows=None if held_out is None else held_out.numbers,
        plan=plan,
        schedule=chosen_schedule,
        duration=Plan(steps_per_epoch=-(-data.rows // plan.batch_size), epochs=int(epochs)),
        seconds=seconds,
        early_stopping=rule,
        checkpoint=place,
        resume=bool(resume),
        callbacks=tuple(callbacks),
        choice=choice,
        options=json.loads(json.dumps(options, default=_plain)),
    )


def _plain(number: Any) -> Any:
    """A NumPy number among the options, as one of Python's."""
    return number.item() if isinstance(number, np.generic) else str(number)


def _rows(
    network: Network,
    objective: Objective,
    X: ArrayLike | Stream,
    y: ArrayLike | None,
    sample_weight: ArrayLike | None,
    validation: Validation,
    seed: int,
) -> tuple[_Rows, _Rows | None]:
    """The rows to train on and those held out, checked and encoded."""

    def encoded(X: ArrayLike | Stream, y: ArrayLike | None, weight: ArrayLike | None, prefix: str = "") -> _Rows:
        matrix = _matrix(prefix + "X", X, network)
        y = X.y if y is None and isinstance(X, Stream) else y
        if y is None:
            raise DataError(f"{prefix}y is missing: give the targets of the rows of {prefix}X, one a row")
        targets = target_encoding.encode(network, objective, y, len(matrix), prefix + "y")
        return _Rows(matrix, targets, row_weights.sample_weights(weight, len(matrix)), None)

    given = encoded(X, y, sample_weight)
    target_encoding.check_varies(given.targets, given.weights)
    target_encoding.check_reach(objective.output, given.targets.Y)
    if validation is None:
        return given, None
    if isinstance(validation, Stream):
        validation = (validation, None)
    if isinstance(validation, (tuple, list)):
        if len(validation) != 2:
            raise OptionError("validation must be a share of the rows, as 0.2, or a pair (X, y)")
        held_out = encoded(*validation, None, "validation ")
        targets = Targets(held_out.targets.Y, given.targets.decision)  # few rows may look like another kind of target
        return given, _Rows(held_out.X, targets, held_out.weights, None)
    if isinstance(validation, bool) or not isinstance(validation, Real) or not 0 < validation < 1:
        got = repr(validation) if isinstance(validation, (Real, str)) else f"one {type(validation).__name__}"
        raise OptionError(f"validation must be a share of the rows above 0 and below 1, or (X, y), not {got}")
    classes = given.targets.strata
    by = np.zeros(len(given.X)) if classes is None else classes
    kept, apart = hold_out(by, float(validation), seed=seed, which=1, stratify=classes is not None)
    return given.take(kept), given.take(apart)


def _matrix(what: str, X: ArrayLike | Stream, network: Network) -> Array | LazyRows:
    """The rows, checked: an array, or those of a stream, read once from end to end."""
    if not isinstance(X, Stream):
        return as_matrix(what, X, network.sizes[0], network.dtype)
    if len(X.columns) != network.sizes[0]:
        raise DataError(f"{what} has {len(X.columns)} columns; the network's input layer takes {network.sizes[0]}")
    rows = StreamedRows(X, network.dtype)
    rows.check_finite(what)
    return rows


def _windows(X: Array | LazyRows) -> Windows | None:
    """How the rows of a stream are shuffled; those in memory all together."""
    if not isinstance(X, StreamedRows):
        return None
    return Windows(X.edges, X.stream.blocks)


def _described(X: ArrayLike | Stream) -> dict[str, str] | None:
    """How the rows of a stream are shuffled, in words; and what tells one cut of them into blocks from another."""
    if not isinstance(X, Stream):
        return None
    return {"shuffled": X.shuffling, "edges": blake2b(X.edges.astype("<i8").tobytes(), digest_size=8).hexdigest()}


def _in_one_piece(data: TrainingData, plan: StepPlan) -> TrainingData:
    """Where a batch takes all rows, they have to be in memory, and side by side."""
    if not isinstance(data.X, LazyRows) or plan.batch_size < data.rows:
        return data
    if isinstance(data.X, StreamedRows):
        raise OptionError(
            f"{plan.optimizer.name} with batches of all {data.rows:,} rows needs them in memory, and X is a stream: "
            "take a smaller batch_size, or sgd or adam, or an array"
        )
    return replace(data, X=data.X[: data.rows])


def _training_data(network: Network, rows: _Rows, weights: Float64Array) -> TrainingData:
    return TrainingData(rows.X, rows.targets.Y, weights.astype(network.dtype), rows.targets.decision)


def _batch_size(batch_size: int | str | None, optimizer: Optimizer, rows: int) -> int:
    if batch_size is None:
        return rows if optimizer.whole_batch_only else min(DEFAULT_BATCH_SIZE, rows)
    if batch_size == "all":
        return rows
    if isinstance(batch_size, str):
        raise OptionError(f"batch_size must be a whole number of rows or 'all', not {batch_size!r}")
    _check_count("batch_size", batch_size)
    if batch_size > rows:
        raise DataError(f"there are {rows} training rows, fewer than one batch of {batch_size}; use batch_size='all'")
    return int(batch_size)


def _check_callbacks(callbacks: object) -> None:
    if not isinstance(callbacks, (list, tuple)):
        raise OptionError(f"callbacks must be a list of backlit.Callback instances, not {type(callbacks).__name__}")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise OptionError(f"callbacks must be instances of backlit.Callback, not {callback!r}")


def _check_count(option: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise OptionError(f"{option} must be a whole number, at least 1, not {value!r}")


def _check_monitor(rule: EarlyStopping | None, data: TrainingData) -> None:
    if rule and rule.monitor.endswith("accuracy") and data.decision is None:
        raise OptionError(f"early stopping watches {rule.monitor}, and numbers have none; watch validation_cost")
    if rule and rule.monitor.endswith("r2") and data.decision is not None:
        raise OptionError(f"early stopping watches {rule.monitor}, and classes have none; watch validation_accuracy")


def _check_whole_batch(
    optimizer: Optimizer, network: Network, schedule: Schedule, clip: float | None, batch_size: int, rows: int
) -> None:
    """What an optimizer with a line search cannot be combined with."""
    refused = {
        "dropout": any(network.dropout),
        "a schedule": not isinstance(schedule, Constant),
        "clip": clip is not None,
        "a batch_size": batch_size != rows,
    }
    for what, present in refused.items():
        if present:
            raise OptionError(
                f"{optimizer.name} cannot be combined with {what}: it needs the same cost of all rows at every "
                "evaluation; leave it out, or use adam"
            )


def _checkpoint(checkpoint: str | PathLike[str] | Checkpoint | None, resume: bool) -> Checkpoint | None:
    if checkpoint is None:
        if resume:
            raise OptionError("resume needs to know from where: give the checkpoint's path as checkpoint=...")
        return None
    place = checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)
    check_free(place, resume=resume)
    return place
