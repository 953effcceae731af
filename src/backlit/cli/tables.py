"""Tables on the command line: their options, a line of progress while they are read, and what is to be said of them."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from backlit.cli import output

PANEL = "Tables"

NoHeader = Annotated[
    bool,
    typer.Option(
        "--no-header", rich_help_panel=PANEL, help="A CSV's first line is a row; its columns go by place, from 0."
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter", rich_help_panel=PANEL, metavar="C", help="Of a CSV, as ; or tab.  [default: found out]"
    ),
]
Characters = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        rich_help_panel=PANEL,
        metavar="NAME",
        help="Of a CSV's characters, as windows-1252.  [default: utf-8]",
    ),
]

SAID = ("left out", "presence", "words")
"""Kinds of columns of which not all that they say is learnt."""


def options(no_header: bool, delimiter: str | None, encoding: str | None) -> dict[str, Any]:
    """As :func:`backlit.data.read` takes them."""
    return {"header": False if no_header else None, "delimiter": delimiter, "encoding": encoding}


@contextmanager
def progress(source: str, *, watching: bool = True) -> Iterator[Any]:
    """A line on stderr of how much has been read; yields what to tell it, or None where nobody would see it."""
    if not watching or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as line:
        task = line.add_task(output.printable(f"reading {source}").replace("[", r"\["), total=None)
        yield lambda done, total: line.update(task, completed=done, total=total)


def read_for(model: Any, source: str, given: dict[str, Any], target: str | None = None, tell: Any = None) -> Any:
    """The data a model is to be judged on; a table's columns as the model takes them, its target as the model's."""
    from backlit import data

    encoding, given = model.encoding, as_in_training(model, source, given)
    if encoding.table is None or data.open_raw(source, **given) is None:
        return data.read(source, target=target, **given)
    of_text = bool(encoding.classes) and isinstance(encoding.classes[0], str)
    return data.read(
        source, target=target or encoding.target, like=encoding.table, as_text=of_text, progress=tell, **given
    )


def as_in_training(model: Any, source: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options, a CSV being without names where the model's own was."""
    from backlit.data.tables import sources

    table = model.encoding.table
    if table is None or table.named or given["header"] is not None or not sources.is_csv(source):
        return given
    return {**given, "header": False}


def outputs(model: Any, dataset: Any) -> Any:
    """a^L of every row; of a table block by block."""
    import numpy as np

    from backlit.data import Table

    if not isinstance(dataset, Table) or model.encoding.table is None:
        return model.outputs(dataset.X)
    found, first = [], 0
    for block in dataset.blocks():
        numbers = dataset.numbers_from(first, block.height)
        X = model.encoding.table.features(block, model.network.dtype, what=dataset.source, first_row=numbers)
        found.append(model.network.predict(X))
        first += block.height
    return np.concatenate(found)


def say(remarks: Iterable[str | None], *, quiet: bool = False) -> None:
    """Each remark on its line, on stderr."""
    for remark in remarks:
        if remark and not quiet:
            output.say(output.printable(f"note: {remark}"))


def on_columns(encoding: Any) -> list[str]:
    """The columns of which little or nothing is learnt, and why; or words alone, and which."""
    columns = encoding.table.columns if encoding.table else ()
    return [f"column '{column.name}': {column.in_words()}" for column in columns if column.kind in SAID]


def on_classes(encoding: Any, targets: Any, class_weight: str | None) -> str | None:
    """How uneven the classes are, where the largest has more than twice the rows of the smallest."""
    import numpy as np

    if encoding.task != "classes" or class_weight is not None:
        return None
    which = targets[:, 0].astype(np.int64) if encoding.outputs == 1 else targets.argmax(axis=1)
    counts = np.bincount(which, minlength=len(encoding.classes))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] <= 2 * counts[least]:
        return None
    share = counts / counts.sum()
    return (
        f"the classes are uneven: {share[most]:.1%} of the rows are '{encoding.classes[most]}', {share[least]:.1%} "
        f"'{encoding.classes[least]}' (--class-weight balanced makes each class count alike)"
    )


def task_in_words(encoding: Any, forced: bool) -> str:
    """What is learnt, and who said so."""
    what = {
        "classes": f"one of {len(encoding.classes)} classes",
        "labels": f"{encoding.outputs} labels, each yes or no",
        "numbers": f"{encoding.outputs} numbers" if encoding.outputs > 1 else "a number",
    }
    return f"'{encoding.target}' is {what[encoding.task]}, {'as --task says' if forced else 'by its values (--task forces)'}"
