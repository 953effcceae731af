"""``backlit evaluate``: how well a saved model does on data with known answers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import output

NAME = "evaluate"
EXAMPLE = "Example: backlit evaluate digits.safetensors digits"


def run(
    model: Annotated[Path, typer.Argument(help="A model file that `backlit train` wrote.")],
    source: Annotated[str, typer.Argument(help="Data with a target, as for `backlit train`.")],
    target: Annotated[str | None, typer.Option(help="Name of the target in the source.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Score a model. On the data it was trained on, the rows that chose nothing are told apart from the rest."""
    import backlit as bl
    from backlit import data
    from backlit.cli import scores

    loaded = bl.load_model(model)
    dataset = data.read(source, target=target)
    y = dataset.known_y
    found = {"all": scores.of(loaded, dataset.X, y)}
    rows = {"all": len(y)}
    parts = parts_of_training(loaded, dataset)
    for part, numbers in parts.items():
        found[part], rows[part] = scores.of(loaded, dataset.X[numbers], y[numbers]), len(numbers)
    if json:
        output.print_json({"scores": found, "rows": rows, "model": str(model), "source": source})
        return
    if parts:
        output.say(f"{source} is what {model} was trained on: only the test rows say how it does on new data")
    print(
        output.columns(
            [(f"{part} ({rows[part]:,} rows)", output.scores_in_words(values)) for part, values in found.items()], ""
        )
    )


def parts_of_training(model: Any, dataset: Any) -> dict[str, Any]:
    """The rows that trained, validated and tested the model, where this is the data it was trained on; else nothing."""
    from backlit import data

    came_from = model.provenance
    try:
        if came_from["fingerprint"] != dataset.fingerprint():
            return {}
        parts = data.split(dataset.known_y, **came_from["split"], stratify=model.encoding.task == "classes")
    except (KeyError, TypeError):  # a model that says nothing, or something else, of where it came from
        return {}
    named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
    return {name: rows for name, rows in named.items() if len(rows)}
