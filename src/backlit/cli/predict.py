"""``backlit predict``: a saved model's answer to every row."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import output

NAME = "predict"
EXAMPLE = "Example: backlit predict digits.safetensors digits -o predictions.csv"


def run(
    model: Annotated[Path, typer.Argument(help="A model file that `backlit train` wrote.")],
    source: Annotated[str, typer.Argument(help="Data as for `backlit train`; a target in it is not looked at.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A CSV file; stdout by default.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Predict every row: its number, the answer and, for classes, the probability of each."""
    import backlit as bl
    from backlit import data
    from backlit.formats import durable

    if out is not None:
        durable.check_writable(out, force=force)
    loaded = bl.load_model(model)
    columns = table(loaded, data.read(source).X)
    if out is not None:
        durable.write(out, _csv(columns).encode())
    if json:
        plain = {name: values.tolist() for name, values in columns.items()}
        output.print_json({"rows": len(plain["row"]), "predictions": plain, "out": None if out is None else str(out)})
    elif out is None:
        print(_csv(columns), end="")
    else:
        output.say(f"{len(columns['row']):,} predictions in {out}")


def table(model: Any, X: Any) -> dict[str, Any]:
    """The columns of the answer: row, the target's name (or one column a number or label), p(class)."""
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


def _csv(columns: dict[str, Any]) -> str:
    import polars

    return polars.DataFrame(columns).write_csv(float_precision=6)
