"""``backlit predict``: a saved model's answer to every row."""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from backlit.cli import output

NAME = "predict"
EXAMPLES = """
backlit predict digits.safetensors digits --out predictions.csv
backlit predict digits.safetensors new-images.npz | head
"""


def run(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that `backlit train` wrote.")],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Data, as for `backlit train`; no target is needed.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="The CSV, not on stdout.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Predict every row, as CSV.

    A line a row: its number (from 0), the answer and, for classes and labels, the probability of each. A target in the
    data is not looked at.
    """
    import backlit as bl
    from backlit import data
    from backlit.cli import files, matching
    from backlit.formats import durable

    files.check_apart({"--out": out}, {"MODEL": [model], "SOURCE": files.of_source(source)})
    if out is not None:
        durable.check_writable(out, force=force)
    loaded = bl.load_model(model)
    dataset = data.read(source)
    matching.check_columns(loaded, dataset)
    predicted = table(loaded, dataset.X)
    if out is not None:
        durable.write(out, (line.encode() for line in csv_lines(predicted)))
        output.say(f"{len(dataset.X):,} predictions in {out}")
    if json:
        columns = {name: values.tolist() for name, values in predicted.items()}
        output.print_json({"predictions": columns, "rows": len(dataset.X), "model": str(model), "source": source})
    elif out is None:
        for line in csv_lines(predicted):
            print(line, end="")


def table(model: Any, X: Any) -> dict[str, Any]:
    """The columns of the answer: row, what is predicted (a column a number or label), p(…) of each class or label."""
    import numpy as np

    a = model.outputs(X)
    answers, name = model.encoding.answers(a), model.encoding.target
    columns: dict[str, Any] = {"row": np.arange(len(a))}
    if answers.ndim == 1:
        columns[f"predicted {name}"] = answers
    else:
        columns |= {f"predicted {name} {k}": answers[:, k] for k in range(answers.shape[1])}
    probabilities = model.encoding.probabilities(a)
    if probabilities is not None:
        labels = model.encoding.classes or range(probabilities.shape[1])
        columns |= {f"p({label})": probabilities[:, k] for k, label in enumerate(labels)}
    return columns


def csv_lines(columns: dict[str, Any]) -> Iterator[str]:
    """The lines of the CSV, the head first: numbers to their last bit, probabilities to six places."""
    places = {name: "{:.6f}".format for name in columns if name.startswith("p(")}
    values = [map(places.get(name, str), column.tolist()) for name, column in columns.items()]
    writer = csv.writer(SimpleNamespace(write=lambda line: line), lineterminator="\n")  # a row comes back as its line
    return map(writer.writerow, chain([columns], zip(*values, strict=True)))
