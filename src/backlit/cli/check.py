"""``backlit check``: the gradient proved against finite differences, or somebody's own backward pass judged."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import options as read_option
from backlit.cli import output
from backlit.errors import DataError, OptionError

NAME = "check"
EXAMPLES = """
backlit check digits
backlit check digits --model digits.safetensors --rows 20
backlit check digits --layers 100,50 --activation relu --all
backlit check batch.npz --model net.safetensors --yours mine.json --learning-rate 0.5
backlit check ex4.npz --yours mine.mat --activation sigmoid --output sigmoid --l2 1
"""

THE_ANSWER_IS_NO = 1
OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}


def run(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Rows to check on, as for `backlit train`.")],
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The network to check, as `backlit train` or bl.save wrote it.  [default: a new one]"
        ),
    ] = None,
    yours: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your numbers (.npz, .json or .mat): judged in place of Backlit's."),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            metavar="ROWS",
            help="How many from the top, as 10, or which, as 3,5,8-12; all for all.  [default: 10; with --yours: all]",
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="The array of an .npz file that is the target.")
    ] = None,
    layers: Annotated[
        str, typer.Option(metavar="N,N,…", help="Of a new network: neurons of the hidden layers.")
    ] = "30",
    activation: Annotated[
        str, typer.Option(metavar="NAME", help="Of a new network: of the hidden layers.")
    ] = "sigmoid",
    output_activation: Annotated[
        str | None,
        typer.Option(
            "--output", metavar="NAME", help="Of a new network: of the output layer.  [default: by the target]"
        ),
    ] = None,
    cost: Annotated[
        str | None, typer.Option(metavar="NAME", help="The cost.  [default: the one of the output activation]")
    ] = None,
    l2: Annotated[
        float, typer.Option(metavar="λ", parser=read_option.number, help="Strength of the penalty λ/(2n) Σ‖W‖².")
    ] = 0.0,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="η", parser=read_option.number, help="With --yours: of the update in it.")
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Whose backward pass is checked; another than reference is held against it, too."
        ),
    ] = "reference",
    every_one: Annotated[bool, typer.Option("--all", help="Every parameter, however long it takes.")] = False,
    seed: Annotated[
        int, typer.Option(metavar="N", parser=read_option.whole, help="Of a new network, and of random directions.")
    ] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Prove a gradient against finite differences, or judge your own.

    Answers pass, fail or undecidable, number by number, and exits with 1 unless it passes.
    With --yours, names the first wrong equation in your numbers, and the mistake that explains it.
    """
    from backlit.check import check, check_backward
    from backlit.check.engine_audit import audit_engine
    from backlit.check.homework import files

    handed_in = None if yours is None else files.read(yours)
    network, X, y = _network_and_rows(source, target, model, handed_in, layers, activation, output_activation, seed)
    chosen = _rows(rows if rows is not None else "10" if handed_in is None else "all", len(X))
    X, y = X[chosen], y[chosen]
    reports: dict[str, Any] = {}
    if handed_in is not None:
        reports["homework"] = check_backward(
            network, X, y, handed_in.yours, cost=cost, l2=l2, learning_rate=learning_rate
        )
    else:
        reports["check"] = check(network, X, y, cost=cost, l2=l2, engine=engine, all=every_one, seed=seed)
        if engine != "reference":
            reports["audit"] = audit_engine(network, X, y, engine, cost=cost, l2=l2)
    if json:
        found = {name: report.to_dict() for name, report in reports.items()}
        output.print_json({"network": repr(network), "rows": len(X), **found})
    else:
        print(repr(network))
        print("\n\n".join(str(report) for report in reports.values()))
    if not all(found.passed for found in reports.values()):
        raise typer.Exit(THE_ANSWER_IS_NO)


def _network_and_rows(
    source: str,
    target: str | None,
    model: Path | None,
    handed_in: Any,
    layers: str,
    activation: str,
    output_activation: str | None,
    seed: int,
) -> tuple[Any, Any, Any]:
    """The network, and the rows as it takes them."""
    import backlit as bl
    from backlit import data
    from backlit.cli import tables
    from backlit.data import encoding as encodings
    from backlit.formats import model_file

    held = None if model is None else model_file.read(model)
    if isinstance(held, bl.Model):
        dataset = tables.read_for(held, source, tables.options(False, None, None), target)
    else:
        dataset = data.read(source, target=target)
    if held is not None:
        if isinstance(held, bl.Model):
            return held.network, held.encoding.features(dataset.X), held.encoding.targets(dataset.known_y)
        return held, dataset.X, dataset.known_y
    if handed_in is not None:
        if not handed_in.weights:
            raise OptionError(
                "your numbers belong to a network: give it with --model, or its weights in the file as Theta1, Theta2 or W_2, b_2"
            )
        return _network_of(handed_in.weights, activation, output_activation), dataset.X, dataset.known_y
    import numpy as np

    task = encodings.infer_task(dataset.known_y)
    encoding = encodings.fit(dataset, np.arange(dataset.rows), task=task)
    sizes = [len(encoding.inputs), *read_option.layer_sizes(layers), encoding.outputs]
    network = bl.Network(
        sizes, activation=read_option.names(activation), output=output_activation or OUTPUT_OF_TASK[task], seed=seed
    )
    return network, encoding.features(dataset.X), encoding.targets(dataset.known_y)


def _network_of(weights: dict[int, tuple[Any, Any]], activation: str, output_activation: str | None) -> Any:
    """The network whose weights lie in the file, in float64 as they are."""
    import backlit as bl

    sizes = [weights[2][0].shape[1], *(len(b) for _, b in weights.values())]
    network = bl.Network(
        sizes, activation=read_option.names(activation), output=output_activation or "sigmoid", dtype="float64"
    )
    for l, (W, b) in weights.items():
        network.layer(l).W[...], network.layer(l).b[...] = W, b
    return network


def _rows(text: str, count: int) -> Any:
    """Numbers of rows: so many from the top, or those named.

    >>> _rows("2", 10), _rows("3,5-7", 10), _rows("all", 2)
    ([0, 1], [3, 5, 6, 7], [0, 1])
    """
    wrong = OptionError(f"--rows takes how many, as 10, or which, as 3,5,8-12, or all, not '{text}'")
    if text == "all":
        return list(range(count))
    parts = [part.strip().split("-") for part in text.split(",")]
    if not all(1 <= len(ends) <= 2 and all(end.isdecimal() for end in ends) for ends in parts):
        raise wrong
    if len(parts) == 1 and len(parts[0]) == 1:
        if not int(text):
            raise wrong
        return list(range(min(int(text), count)))
    chosen = [row for ends in parts for row in range(int(ends[0]), int(ends[-1]) + 1)]
    outside = [row for row in chosen if row >= count]
    if outside or not chosen:
        raise DataError(
            f"there is no row {outside[0] if outside else text}: there are {count:,}, numbered from 0 to {count - 1:,}"
        )
    return chosen
