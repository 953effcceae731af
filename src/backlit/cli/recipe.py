"""What trains: read → split → encode → network, as ``backlit train`` and ``backlit diagnose`` both have it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from backlit.cli import left_out, tables
from backlit.cli import options as read_option
from backlit.cli.training_options import OUTPUT_OF_TASK
from backlit.errors import DivergenceError, OptionError


@dataclass(frozen=True)
class Asked:
    """The options of a training, as they were given."""

    target: str | None = None
    task: str | None = None
    validation: float = 0.2
    test: float = 0.2
    no_header: bool = False
    delimiter: str | None = None
    characters: str | None = None
    window: int | None = None
    leave_out: str | None = None
    class_weight: str | None = None
    layers: str | None = None
    activation: str | None = None
    output_activation: str | None = None
    initializer: str = "auto"
    dropout: str | None = None
    dtype: str = "float32"
    cost: str | None = None
    l2: float = 0.0
    label_smoothing: float | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    momentum: float | None = None
    nesterov: bool = False
    schedule: str | None = None
    batch_size: str | None = None
    epochs: int | None = None
    time: str | None = None
    clip: float | None = None
    early_stopping: int | None = None
    seed: int = 0
    engine: str = "auto"

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Asked":
        """From a command's own parameters, by their names."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})

    def given(self) -> dict[str, Any]:
        """Of :func:`backlit.training.defaults.choose`, read.

        Raises:
            OptionError: an option that cannot be read, or does not go with another.
        """
        return {
            "layers": None if self.layers is None else read_option.layer_sizes(self.layers),
            "activation": None if self.activation is None else read_option.names(self.activation),
            "dropout": None if self.dropout is None else read_option.one_or_more("dropout", self.dropout),
            "batch_size": read_option.batch_size(self.batch_size),
            "optimizer": _optimizer(self.optimizer, self.momentum, self.nesterov),
            "label_smoothing": self.label_smoothing, "learning_rate": self.learning_rate, "schedule": self.schedule,
            "epochs": self.epochs, "l2": self.l2,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Prepared:
    """A training that can begin: the encoded rows of each part, the network, and everything it was asked."""

    asked: Asked
    dataset: Any
    parts: Any
    encoding: Any
    X: dict[str, Any]
    y: Any
    settled: Any
    network: Any
    rows: tuple[Any, Any]
    """X and y to train on."""
    options: dict[str, Any]
    """Of :func:`backlit.train`, the validation rows among them."""
    notes: list[str]
    """What a user should know of the data."""
    to_train_on: Any
    """What made these rows of encoded ones; while there is this, there is the file that a window keeps them in."""

    def train(self, **more: Any) -> Any:
        """The training.

        Raises:
            DivergenceError: rows are counted as the source counts them.
        """
        import backlit as bl

        X, y = self.rows
        try:
            return bl.train(self.network, X, y, **self.options, **more)
        except bl.DivergenceError as divergence:
            raise _in_rows_of_the_source(divergence, self.parts.train) from None

    def scores(self, *named: str) -> dict[str, dict[str, float]]:
        """Of the network as it is, on each of these parts that there is."""
        from backlit.cli import scores

        found = [part for part in named if part in self.X]
        y, rows = self.dataset.known_y, vars(self.parts)
        return {part: scores.of(self.encoding, self.network.predict(self.X[part]), y[rows[part]]) for part in found}

    def __str__(self) -> str:
        return _what_is_trained(self.dataset, self.encoding, self.network, self.parts, self.settled)


def prepare(source: str, asked: Asked, *, beside: Path, quiet: bool) -> Prepared:
    """Reads the source and encodes its rows; says what there is to say of them.

    Args:
        source: as :func:`backlit.data.read` takes it.
        asked: the options.
        beside: with a window, encoded rows are kept in a file beside this one.
        quiet: nothing is said.

    Raises:
        OptionError, DataError: an option, or the data, cannot be used.
    """
    from backlit import data
    from backlit.cli import stored

    with tables.progress(source, watching=not quiet) as tell:
        dataset = data.read(
            source, target=asked.target, progress=tell, stream=asked.window is not None,
            **tables.options(asked.no_header, asked.delimiter, asked.characters),
        )  # fmt: skip
        parts = _split(dataset, asked.task, asked.validation, asked.test, asked.seed)
        parts, said = _without(parts, asked.leave_out, dataset.rows)
        make_room, to_train_on = stored.room(asked.window, beside)
        ready = of_rows(dataset, parts, asked, make_room=make_room, to_train_on=to_train_on)
    ready.notes.extend([said] if said else [])
    tables.say(ready.notes, quiet=quiet)
    return ready


def of_rows(
    dataset: Any,
    parts: Any,
    asked: Asked,
    *,
    epochs: int | None = None,
    make_room: Any = None,
    to_train_on: Callable[[Any], Any] = lambda X: X,
) -> Prepared:
    """The training of these rows; ``epochs`` in the place of what was asked for.

    Raises:
        OptionError, DataError: an option, or the data, cannot be used.
    """
    import backlit as bl
    from backlit import data
    from backlit.training import defaults

    encoding = _encode(dataset, parts, asked.task, asked.output_activation)
    X = data.encode_parts(dataset, encoding, vars(parts), asked.dtype, make_room)
    y = encoding.targets(dataset.known_y, asked.dtype)
    notes = _notes(dataset, encoding, y, asked.class_weight)
    given = asked.given() if epochs is None else {**asked.given(), "epochs": epochs}
    settled = defaults.choose(
        len(parts.train), len(encoding.inputs), encoding.task, pixels=encoding.full_scale is not None, given=given
    )
    network = bl.Network(
        [len(encoding.inputs), *settled.layers, encoding.outputs],
        activation=settled.activation, output=asked.output_activation or OUTPUT_OF_TASK[encoding.task],
        initializer=asked.initializer, dropout=settled.dropout, seed=asked.seed, dtype=asked.dtype,
    )  # fmt: skip
    reach = network.activations[-1]  # held-out numbers may lie beyond it, and its end is as near to them as it comes
    y = y.clip(reach.lowest, reach.highest)
    held_out = (to_train_on(X["validation"]), y[parts.validation]) if len(parts.validation) else None
    stopping = asked.early_stopping
    rows = to_train_on(X["train"]), y[parts.train]
    options = {
        "validation": held_out, "class_weight": asked.class_weight,
        "cost": cost_of_task(encoding.task, encoding.target, asked.output_activation, asked.cost), "l2": asked.l2,
        "label_smoothing": settled.label_smoothing, "optimizer": settled.make_optimizer(),
        "learning_rate": None if asked.optimizer is None else asked.learning_rate, "schedule": settled.schedule,
        "clip": asked.clip, "batch_size": settled.batch_size, "epochs": settled.epochs, "time": asked.time,
        "early_stopping": bl.EarlyStopping(patience=stopping) if held_out or stopping is not None else None,
        "seed": asked.seed, "engine": asked.engine,
    }  # fmt: skip
    return Prepared(asked, dataset, parts, encoding, X, y, settled, network, rows, options, notes, to_train_on)


def _optimizer(name: str | None, momentum: float | None, nesterov: bool) -> Any:
    """The name, for bl.train to look up; with momentum, the optimizer that has it."""
    if momentum is None and not nesterov:
        return name
    if name != "sgd":
        raise OptionError(f"--momentum and --nesterov belong to --optimizer sgd, and the optimizer is {name or 'adam'}")
    if nesterov and not momentum:
        raise OptionError("--nesterov looks ahead along the momentum: give it some, as --momentum 0.9")
    from backlit.optimizers import SGD

    return SGD(momentum=momentum or 0.0, nesterov=nesterov)


def _split(dataset: Any, task: str | None, validation: float, test: float, seed: int) -> Any:
    from backlit import data
    from backlit.data.encoding import infer_task

    y = dataset.known_y
    return data.split(y, validation=validation, test=test, seed=seed, stratify=(task or infer_task(y)) == "classes")


def _without(parts: Any, leave_out: str | None, rows: int) -> tuple[Any, str | None]:
    """The parts less the training rows that are to be left out; those that choose and those that judge stay."""
    if leave_out is None:
        return parts, None
    from dataclasses import replace

    import numpy as np

    numbers = left_out.rows_of(leave_out, rows)
    train = np.setdiff1d(parts.train, numbers)
    gone = len(parts.train) - len(train)
    if not len(train):
        raise OptionError("--leave-out leaves no row to train on")
    said = f"left out: {gone:,} of the training rows; {len(numbers) - gone:,} more of those named choose or judge, and stay"
    return replace(parts, train=train), said if len(numbers) > gone else f"left out: {gone:,} of the training rows"


def _encode(dataset: Any, parts: Any, task: str | None, output_activation: str | None) -> Any:
    """The encoding, fitted on the training rows. Two classes share one output, unless it is softmax."""
    import numpy as np

    from backlit.data import encoding

    y = dataset.known_y
    task = task or encoding.infer_task(y)
    single_output = (
        task == "classes" and y.ndim == 1 and output_activation not in (None, "softmax") and len(np.unique(y)) == 2
    )
    reach = output_activation or OUTPUT_OF_TASK.get(task, "identity")
    return encoding.fit(dataset, parts.train, task=task, single_output=single_output, output=reach)


def cost_of_task(task: str, target: str, output_activation: str | None, cost: str | None) -> str | None:
    """The cost that was asked for; numbers are no probabilities, so a sigmoid has not its own but the quadratic one.

    Raises:
        OptionError: probabilities are to be compared with numbers.
    """
    if task != "numbers":
        return cost
    probabilities = f"{cost} compares" if cost in ("cross-entropy", "binary-cross-entropy") else None
    if output_activation == "softmax":
        probabilities = "softmax gives"
    if probabilities:
        raise OptionError(
            f"the target '{target}' is numbers, and {probabilities} probabilities: "
            "take --output identity, or --task classes"
        )
    return "quadratic" if cost is None and output_activation == "sigmoid" else cost


def _notes(dataset: Any, encoding: Any, y: Any, class_weight: str | None) -> list[str]:
    """What a user should know of the data before they are trained on."""
    said = [*getattr(dataset, "remarks", ()), *tables.on_columns(encoding)]
    of_classes = tables.on_classes(encoding, y, class_weight)
    return [*said, of_classes] if of_classes else said


def _what_is_trained(dataset: Any, encoding: Any, network: Any, parts: Any, settled: Any) -> str:
    what = {"classes": f"{len(encoding.classes)} classes", "labels": f"{encoding.outputs} labels", "numbers": "numbers"}
    rows = ((parts.train, "train"), (parts.validation, "choose the best epoch"), (parts.test, "judge"))
    return (
        f"{dataset.source}: {dataset.rows:,} rows × {len(dataset.columns)} columns, "
        f"target '{dataset.target}', {what[encoding.task]}\n"
        f"rows: {', '.join(f'{len(numbers):,} {purpose}' for numbers, purpose in rows if len(numbers))}\n"
        f"{network!r}" + (f"\nby rule: {settled}" if str(settled) else "")
    )


def _in_rows_of_the_source(divergence: DivergenceError, rows: Any) -> DivergenceError:
    """The training saw its own rows alone, and counted those."""
    from backlit.training.divergence import explained

    row = divergence.where.get("row")
    return divergence if row is None else explained({**divergence.where, "row": int(rows[row])})
