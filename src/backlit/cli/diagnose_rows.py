"""The rows of ``backlit diagnose``: labels likely wrong, what pushed a prediction, what moved a weight."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backlit.cli import files, output
from backlit.cli import options as read_option
from backlit.errors import OptionError

OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}


@dataclass(frozen=True)
class Results:
    """Where what is found goes."""

    out: Path | None
    sheet: Path | None
    top: int
    force: bool
    json: bool
    quiet: bool


@dataclass(frozen=True)
class Training:
    """Of the one network that --influence and --weight train."""

    layers: str
    optimizer: str
    learning_rate: float | None
    epochs: int
    seed: int


@dataclass(frozen=True, eq=False)
class Rows:
    """The source, encoded by all of its rows: X as networks take it, y raw, with names for classes where it has some."""

    dataset: Any
    encoding: Any
    X: Any
    y: Any


def read(source: str, target: str | None, task: str | None, results: Results) -> Rows:
    """The data, after the files that will be written were found to be writable."""
    import numpy as np

    from backlit import data
    from backlit.data import encoding as encodings
    from backlit.diagnose.rows import sheet, tables

    files.check_apart({"--out": results.out, "--sheet": results.sheet}, {"SOURCE": files.of_source(source)})
    if results.out is not None:
        tables.check(results.out, force=results.force)
    if results.sheet is not None:
        sheet.check(results.sheet, force=results.force)
    dataset = data.read(source, target=target)
    if results.sheet is not None and getattr(dataset, "image_shape", None) is None:
        raise OptionError(f"--sheet draws images, and the rows of {source} are none; leave it out")
    encoding = encodings.fit(dataset, np.arange(len(dataset.X)), task=task)
    X = encoding.features(dataset.X, np.float32)
    y = encoding.answers(encoding.targets(dataset.known_y)) if encoding.task == "classes" else dataset.known_y
    return Rows(dataset, encoding, X, y)


def judge(
    rows: Rows, results: Results, *, folds: int, seeds: int, epochs: int | None, learning_rate: float | None, seed: int
) -> None:
    """--rows."""
    from backlit.diagnose.rows.find import rows as judged
    from backlit.diagnose.rows.telling import in_words

    report = judged(
        rows.X, rows.y, task=rows.encoding.task, standardise=False, folds=folds, seeds=seeds, epochs=epochs,
        learning_rate=learning_rate, seed=seed, progress=False if results.quiet else None,
    )  # fmt: skip
    if results.out is not None:
        report.write(results.out, force=results.force)
        output.say(f"{len(report.score):,} rows in {results.out}, the most suspicious first")
    if results.sheet is not None:
        report.sheet(results.sheet, rows.dataset.X, shape=rows.dataset.image_shape, force=results.force)
        output.say(f"the most suspicious images in {results.sheet}")
    if results.json:
        output.print_json({"source": rows.dataset.source, **report.to_dict(results.top)})
    else:
        print(in_words(report, results.top))


def explain_row(rows: Rows, results: Results, training: Training, row: int) -> None:
    """--influence ROW."""
    import backlit as bl
    from backlit.diagnose.rows.influence import influence
    from backlit.errors import DataError

    if not 0 <= row < len(rows.X):
        raise DataError(f"there is no row {row}: there are {len(rows.X):,}, numbered from 0")
    kept = bl.rows.Snapshots()
    network, y = _train(rows, results, training, kept)
    found = influence(kept, rows.X, y, row, classes=rows.encoding.classes or None)
    if rows.encoding.task == "numbers":
        found = _in_own_units(found, rows, network, row)
    _tell(found, rows, results, network)


def _in_own_units(found: Any, rows: Rows, network: Any, row: int) -> Any:
    """The answer, the pushes and the targets as the source has them, where networks see standardised numbers."""
    from dataclasses import replace

    answer = rows.encoding.answers(network.predict(rows.X[row : row + 1]))[0]
    first = f"{answer.flat[0]:.4g}" if answer.ndim else f"{answer:.4g}"
    return replace(
        found, label=rows.y[found.rows], score=found.score * rows.encoding.target_scale[0],
        what=found.what[: found.what.rindex(" is ")] + f" is {first}",
    )  # fmt: skip


def explain_weight(rows: Rows, results: Results, training: Training, weight: str, epoch: int) -> None:
    """--weight L,J,K."""
    import backlit as bl

    parts = [part.strip() for part in weight.split(",")]
    if not 2 <= len(parts) <= 3 or not all(part.isdecimal() for part in parts):
        raise OptionError(
            f"--weight takes layer, neuron and input, as 2,4,17, or layer and neuron for a bias, not '{weight}'"
        )
    watch = bl.rows.Provenance(*map(int, parts), epoch=epoch)
    network, _ = _train(rows, results, training, watch)
    _tell(watch.result, rows, results, network)


def _train(rows: Rows, results: Results, training: Training, watch: Any) -> tuple[Any, Any]:
    """One network, trained on all rows while ``watch`` watches; and the targets it was given."""
    import backlit as bl

    encoding = rows.encoding
    network = bl.Network(
        [rows.X.shape[1], *read_option.layer_sizes(training.layers), encoding.outputs],
        output=OUTPUT_OF_TASK[encoding.task], seed=training.seed,
    )  # fmt: skip
    y = encoding.targets(rows.dataset.known_y, network.dtype)
    bl.train(
        network, rows.X, y, optimizer=training.optimizer, learning_rate=training.learning_rate,
        epochs=training.epochs, seed=training.seed, callbacks=[watch], progress=False if results.quiet else None,
    )  # fmt: skip
    return network, y


def _tell(found: Any, rows: Rows, results: Results, network: Any) -> None:
    if results.out is not None:
        found.write(results.out, force=results.force)
        output.say(f"{len(found.rows):,} rows in {results.out}")
    if results.json:
        document = {"source": rows.dataset.source, "network": repr(network), **found.to_dict(results.top)}
        output.print_json(document)
    else:
        print(f"{network!r}\n{found}")
