"""``backlit why``: the naive ways and backpropagation on one task, measured."""

from pathlib import Path
from typing import Annotated

import typer

from backlit.cli import options as read_option
from backlit.cli import output

NAME = "why"
EXAMPLES = """
backlit why
backlit why --plot why.png
backlit why xor --passes 100000 --json
backlit why --values 1000 --evaluations-per-second 1e9
"""


def run(
    task: Annotated[str, typer.Argument(metavar="TASK", help="digits or xor.")] = "digits",
    seconds: Annotated[
        float, typer.Option(metavar="S", parser=read_option.number, help="For everything together.")
    ] = 20.0,
    passes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=read_option.at_least_one,
            help="What each search may use.  [default: what its share of the seconds allows]",
        ),
    ] = None,
    values: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=read_option.at_least_one,
            help="Values a weight, of the time all combinations would take.",
        ),
    ] = 1000,
    evaluations_per_second: Annotated[
        float, typer.Option(metavar="RATE", parser=read_option.number, help="Evaluations of the cost, of the same.")
    ] = 1e9,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the picture to a .png, .svg or .pdf file.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", parser=read_option.whole, help="Of the first parameters.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Measure why it is done by backpropagation.

    One weight at a time, all combinations on a grid, finite differences and backpropagation, with the same budget each.
    """
    from backlit.training import curves
    from backlit.why import why

    if plot is not None:
        curves.check_plot_path(plot, force=force)
    report = why(
        task, seconds=seconds, passes=passes, values=values, evaluations_per_second=evaluations_per_second, seed=seed
    )
    if plot is not None:
        report.plot(plot, force=force)
    if json:
        output.print_json(report.to_dict())
    else:
        print(report)
