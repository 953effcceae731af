"""``backlit evaluate``: how well a saved model does on data with known answers."""

from pathlib import Path
from typing import Annotated

import typer

from backlit.cli import output

NAME = "evaluate"
EXAMPLES = """
backlit evaluate digits.safetensors digits
backlit evaluate mnist.safetensors mnist:test --json
"""


def run(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that `backlit train` wrote.")],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Data with a target, as for `backlit train`.")],
    target: Annotated[str | None, typer.Option(metavar="NAME", help="The array of an .npz that is the target.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Score a saved model on data with known answers.

    On the data it was trained on, the rows that chose nothing are told apart from the rest.
    """
    import backlit as bl
    from backlit import data
    from backlit.cli import matching, scores

    loaded = bl.load_model(model)
    dataset = data.read(source, target=target)
    y = dataset.known_y
    matching.check_columns(loaded, dataset)
    parts = matching.parts_of_training(loaded, dataset)
    found = {"all": scores.of(loaded, dataset.X, y)}
    found |= {part: scores.of(loaded, dataset.X[numbers], y[numbers]) for part, numbers in parts.items()}
    rows = {"all": len(y), **{part: len(numbers) for part, numbers in parts.items()}}
    if parts:
        output.say(f"{source} is what the model was trained on: only the test rows say how it does on new data")
    if json:
        output.print_json({"scores": found, "rows": rows, "model": str(model), "source": source})
    else:
        print(output.scores_table(found, rows, {"test": "chose nothing"}))
