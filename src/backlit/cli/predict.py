"""``backlit predict``: a saved model's answer to every row."""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from backlit.cli import output, tables

NAME = "predict"
EXAMPLES = """
backlit predict digits.safetensors digits --out predictions.csv
backlit predict titanic.safetensors new.csv --out predictions.csv
backlit predict digits.safetensors new-images.npz | head
"""


def run(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that `backlit train` wrote.")],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Data, as for `backlit train`; no target is needed.")],
    no_header: tables.NoHeader = False,
    delimiter: tables.Delimiter = None,
    characters: tables.Characters = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The CSV, not on stdout.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Predict every row, as CSV.

    A line a row: its number (from 0), the answer and, for classes and labels, the probability of each. A target in the
    data is not looked at. The columns of a table may stand in any order, with others between them; its rows are read,
    answered and written block by block, however long it is.
    """
    import backlit as bl
    from backlit.cli import files
    from backlit.formats import durable

    files.check_apart({"--out": out}, {"MODEL": [model], "SOURCE": files.of_source(source)})
    if out is not None:
        durable.check_writable(out, force=force)
    loaded = bl.load_model(model)
    with tables.progress(source, watching=out is not None) as tell:
        answered = _Counted(answers(loaded, source, tables.options(no_header, delimiter, characters), tell))
        if json:
            columns = _joined(answered)
        if out is not None:
            durable.write(out, (line.encode() for line in csv_lines([columns] if json else answered)))
            output.say(f"{answered.rows:,} predictions in {out}")
    if json:
        output.print_json({"predictions": columns, "rows": answered.rows, "model": str(model), "source": source})
    elif out is None:
        for line in csv_lines(answered):
            print(line, end="")


class _Counted:
    """Blocks of answers, and the rows in those that have gone by."""

    def __init__(self, blocks: Iterator[dict[str, Any]]) -> None:
        self._blocks, self.rows = blocks, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for block in self._blocks:
            self.rows += len(block["row"])
            yield block


def answers(model: Any, source: str, given: dict[str, Any], tell: Any = None) -> Iterator[dict[str, Any]]:
    """The columns of the answer, block by block; see :func:`table`.

    Raises:
        DataError: the source has not the columns that the model takes, or a cell is of another kind; found in the
            first block where that can be.
    """
    from backlit import data
    from backlit.cli import matching
    from backlit.data.tables.known import as_known
    from backlit.data.tables.reading import parts_of
    from backlit.errors import DataError

    encoding = model.encoding
    known = encoding.table
    given = tables.as_in_training(model, source, given)
    raw = data.open_raw(source, **given)
    if raw is None or known is None:
        dataset = data.read(source, needs_target=False, progress=tell, **given)
        matching.check_columns(model, dataset)
        yield table(model, dataset.X)
        return
    raw = as_known(raw, known, parts_of(encoding.target))
    tables.say(raw.remarks)
    first = 0
    for block in raw.blocks(tell):
        X = known.features(block, model.network.dtype, what=source, first_row=first)
        yield columns_of(model, model.network.predict(X), first)
        first += block.height
    if not first:
        raise DataError(f"{source}: has names and no rows")


def table(model: Any, X: Any) -> dict[str, Any]:
    """The columns of the answer to all rows of X; see :func:`columns_of`."""
    return columns_of(model, model.outputs(X))


def columns_of(model: Any, a: Any, first_row: int = 0) -> dict[str, Any]:
    """The columns of the answer: row, what is predicted (a column a number or label), p(…) of each class or label."""
    import numpy as np

    found, name = model.encoding.answers(a), model.encoding.target
    columns: dict[str, Any] = {"row": np.arange(first_row, first_row + len(a))}
    if found.ndim == 1:
        columns[f"predicted {name}"] = found
    else:
        columns |= {f"predicted {each}": found[:, k] for k, each in enumerate(_each(name, found.shape[1]))}
    probabilities = model.encoding.probabilities(a)
    if probabilities is not None:
        labels = model.encoding.classes or range(probabilities.shape[1])
        columns |= {f"p({label})": probabilities[:, k] for k, label in enumerate(labels)}
    return columns


def _each(name: str, count: int) -> list[str]:
    """The names of several targets: their own where they are those of a table's columns, else with numbers."""
    parts = name.split(", ")
    return parts if len(parts) == count == len(set(parts)) else [f"{name} {k}" for k in range(count)]


def csv_lines(blocks: Any) -> Iterator[str]:
    """The lines of the CSV, the head first: numbers to their last bit, probabilities to six places."""
    writer = csv.writer(SimpleNamespace(write=lambda line: line), lineterminator="\n")  # a row comes back as its line
    for number, columns in enumerate([blocks] if isinstance(blocks, dict) else blocks):
        places = {name: "{:.6f}".format for name in columns if name.startswith("p(")}
        values = [map(places.get(name, str), list_of(column)) for name, column in columns.items()]
        head = [] if number else [columns]
        yield from map(writer.writerow, chain(head, zip(*values, strict=True)))


def list_of(column: Any) -> list[Any]:
    """A column's values as Python's own."""
    return column.tolist() if hasattr(column, "tolist") else column


def _joined(blocks: Any) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for block in blocks:
        for name, values in block.items():
            columns.setdefault(name, []).extend(values.tolist())
    return columns
