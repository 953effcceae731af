"""``backlit diagnose``: why it does not learn, and which rows to look at."""

from pathlib import Path
from typing import Annotated

import typer

from backlit.cli import diagnose_rows
from backlit.cli import options as read_option
from backlit.errors import OptionError

NAME = "diagnose"
EXAMPLES = """
backlit diagnose digits --rows --out rows.csv --sheet sheet.png
backlit diagnose mnist --rows --seeds 2 --json
backlit diagnose digits --influence 17
backlit diagnose digits --weight 2,4,20 --epoch 3 --optimizer sgd
"""

DATA, ROWS, RESULTS = "Data", "Rows", "Results"


def run(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Data with a target, as for `backlit train`.")],
    target: Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="NAME", help="The name of the target.")] = None,
    task: Annotated[str | None, typer.Option(rich_help_panel=DATA, metavar="TASK", help="classes, labels or numbers.  [default: seen from the target]")] = None,
    rows: Annotated[bool, typer.Option("--rows", rich_help_panel=ROWS, help="Judge every row: labels likely wrong, rows never learnt or forgotten again and again, redundant rows.")] = False,
    folds: Annotated[int, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.whole, help="With --rows: each row is held out by one network in so many.")] = 5,
    seeds: Annotated[int, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.at_least_one, help="With --rows: how often all of it is repeated.")] = 3,
    sheet: Annotated[Path | None, typer.Option(rich_help_panel=ROWS, metavar="FILE", help="With --rows: a contact sheet of the most suspicious images, a .png file.")] = None,
    influence: Annotated[int | None, typer.Option(rich_help_panel=ROWS, metavar="ROW", parser=read_option.whole, help="Train, and say which rows pushed the prediction of this one up or down.")] = None,
    weight: Annotated[str | None, typer.Option(rich_help_panel=ROWS, metavar="L,J,K", help="Train, and say which rows moved the weight from neuron K into neuron J of layer L; L,J for a bias.")] = None,
    epoch: Annotated[int, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.at_least_one, help="With --weight: over which epoch.")] = 1,
    layers: Annotated[str, typer.Option(rich_help_panel=ROWS, metavar="N,N,…", help="With --influence and --weight: neurons of the hidden layers.")] = "100",
    optimizer: Annotated[str, typer.Option(rich_help_panel=ROWS, metavar="NAME", help="With --influence and --weight: {optimizers}.")] = "adam",
    learning_rate: Annotated[float | None, typer.Option(rich_help_panel=ROWS, metavar="η", parser=read_option.number, help="Of the trainings.  [default: with --rows 0.002, else the optimizer's own]")] = None,
    epochs: Annotated[int | None, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.at_least_one, help="Of the trainings.  [default: with --rows by the number of rows, else 20]")] = None,
    seed: Annotated[int, typer.Option(rich_help_panel=ROWS, metavar="N", parser=read_option.whole, help="Draws all that is random.")] = 0,
    top: Annotated[int, typer.Option(rich_help_panel=RESULTS, metavar="N", parser=read_option.at_least_one, help="Rows to show.")] = 10,
    out: Annotated[Path | None, typer.Option("--out", "-o", rich_help_panel=RESULTS, metavar="FILE", help="Write the whole table to a .csv or .parquet file.")] = None,
    force: Annotated[bool, typer.Option("--force", rich_help_panel=RESULTS, help="Overwrite files that exist.")] = False,
    json: Annotated[bool, typer.Option("--json", rich_help_panel=RESULTS, help="One JSON document on stdout.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=RESULTS, help="No progress, the result alone.")] = False,
) -> None:
    """Find the rows to look at.

    With --rows, networks that never saw a row and networks that trained with it judge its label. A table of all rows
    goes to --out, the images to --sheet.
    """
    asked = {"--rows": rows, "--influence": influence is not None, "--weight": weight is not None}
    modes = [option for option, given in asked.items() if given]
    if len(modes) != 1:
        raise OptionError(f"say what to diagnose: one of {', '.join(asked)}{f', not {len(modes)} at once' if modes else ''}")
    if sheet is not None and not rows:
        raise OptionError("--sheet belongs to --rows: it shows the images of the rows that are suspicious")
    results = diagnose_rows.Results(out=out, sheet=sheet, top=top, force=force, json=json, quiet=quiet)
    data = diagnose_rows.read(source, target, task, results)
    if rows:
        diagnose_rows.judge(data, results, folds=folds, seeds=seeds, epochs=epochs, learning_rate=learning_rate, seed=seed)
        return
    training = diagnose_rows.Training(layers, optimizer, learning_rate, epochs or 20, seed)
    if influence is not None:
        diagnose_rows.explain_row(data, results, training, influence)
    elif weight is not None:
        diagnose_rows.explain_weight(data, results, training, weight, epoch)
