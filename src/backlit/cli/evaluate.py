"""``backlit evaluate``: how well a saved model does on data with known answers."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import output, tables

NAME = "evaluate"
EXAMPLES = """
backlit evaluate digits.safetensors digits
backlit evaluate digits.safetensors digits --plot confusion.png
backlit evaluate mnist.safetensors mnist:test --json
"""


def run(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file that `backlit train` wrote.")],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Data with a target, as for `backlit train`.")],
    target: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The column, or the array of an .npz, that is the target.  [default: of the name in training]",
        ),
    ] = None,
    no_header: tables.NoHeader = False,
    delimiter: tables.Delimiter = None,
    characters: tables.Characters = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw the confusion matrix, or predicted against true, to a .png, .svg or .pdf file."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the picture if it exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Score a saved model on data with known answers.

    On the data it was trained on, the rows that chose nothing are told apart from the rest, and the confusion matrix
    and the picture are of those rows alone.
    """
    import backlit as bl
    from backlit import metrics
    from backlit.cli import evaluation, files, matching
    from backlit.training import curves

    files.check_apart({"--plot": plot}, {"MODEL": [model], "SOURCE": files.of_source(source)})
    if plot is not None:
        curves.check_plot_path(plot, force=force)
    loaded = bl.load_model(model)
    reading = tables.options(no_header, delimiter, characters)
    with tables.progress(source) as tell:
        dataset = tables.read_for(loaded, source, reading, target, tell)
        tables.say(getattr(dataset, "remarks", ()))
        matching.check_columns(loaded, dataset)
        a = tables.outputs(loaded, dataset)
    y = dataset.known_y
    parts = matching.parts_of_training(loaded, dataset)
    found = {"all": metrics.judge(loaded.encoding, a, y, getattr(dataset, "numbers", None))}
    found |= {part: metrics.judge(loaded.encoding, a[numbers], y[numbers]) for part, numbers in parts.items()}
    rows = {"all": len(y), **{part: len(numbers) for part, numbers in parts.items()}}
    judged = "test" if "test" in found else "all"
    shown = f"{rows[judged]:,} test rows" if judged == "test" else f"all {rows[judged]:,} rows"
    if parts:
        output.say(f"{source} is what the model was trained on: only the test rows say how it does on new data")
    if plot is not None:
        evaluation.draw(found[judged], plot, shown, force=force)
    if json:
        output.print_json(_document(found, rows, judged) | {"model": str(model), "source": source})
    else:
        scores = {part: each.scores for part, each in found.items()}
        print(output.scores_table(scores, rows, {"test": "chose nothing"}))
        if words := evaluation.in_words(found[judged], shown):
            print(f"\n{words}")


def _document(found: dict[str, Any], rows: dict[str, int], judged: str) -> dict[str, Any]:
    by_class = found[judged].to_dict()
    del by_class["scores"]
    more = {"by_class_of": judged, **by_class} if by_class else {}
    return {"scores": {part: each.scores for part, each in found.items()}, "rows": rows, **more}
