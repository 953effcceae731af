"""``backlit trace``: every number of a pass, explained."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backlit.cli import options, output
from backlit.errors import OptionError

NAME = "trace"
EXAMPLES = """
backlit trace --example mazur --explain 'weight 2 0 1' --notation nielsen
backlit trace digits.safetensors digits --row 5 --html pass.html
"""


def run(
    model: Annotated[
        Path | None, typer.Argument(help="A model file that `backlit train` wrote; or use --example or --layers.")
    ] = None,
    source: Annotated[str | None, typer.Argument(help="Data with a target, as for `backlit train`.")] = None,
    target: Annotated[str | None, typer.Option(help="Name of the target in the source.")] = None,
    row: Annotated[str, typer.Option(help="Rows of the source, from 0: one, or several as 0,3,5.")] = "0",
    example: Annotated[str | None, typer.Option(help="1-1-1, 3-3-3, 2-3-1, mazur, three-layers or digits.")] = None,
    layers: Annotated[
        str | None, typer.Option(help="Sizes of all layers, as 2,3,1; with --weights, --x and --y.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help='A JSON file or inline JSON: {"2": {"W": [[…]], "b": […]}, …}.')
    ] = None,
    x: Annotated[str | None, typer.Option(help="The input, as 0.05,0.10; several rows with ; between them.")] = None,
    y: Annotated[
        str | None, typer.Option(help="The target, as 0.01,0.99, or the number of the class; rows with ;")
    ] = None,
    activation: Annotated[
        str, typer.Option(help="Of the hidden layers, with --layers: one, or one a layer.")
    ] = "sigmoid",
    output_: Annotated[
        str | None, typer.Option("--output", help="Of the output layer, with --layers; default: as the hidden ones.")
    ] = None,
    cost: Annotated[
        str | None, typer.Option(help="The cost; default: what the model was trained with, or the output's own.")
    ] = None,
    l2: Annotated[float | None, typer.Option(help="λ of the penalty.")] = None,
    n: Annotated[
        float | None, typer.Option(help="Rows of the training set, the penalty's divisor; default: the rows traced.")
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="Trace the update it would make: sgd, adam, …")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="η; alone it means plain gradient descent.")] = None,
    steps: Annotated[int | None, typer.Option(help="How many updates in a row.")] = None,
    explain: Annotated[
        str | None, typer.Option(help="One number: 'delta 2 4', 'weight 2 4 17', 'cost', … (layer neuron input).")
    ] = None,
    channels: Annotated[
        str | None, typer.Option(help="The paths of 'weight 2 4 17', 'bias 2 4', 'activation 2 4', 'input 0'.")
    ] = None,
    top: Annotated[int | None, typer.Option(help="With --channels: only the largest so many paths.")] = None,
    derive: Annotated[bool, typer.Option("--derive", help="The chain-rule lines in between.")] = False,
    notation: Annotated[str, typer.Option(help="backlit, nielsen, ng or previous-layer.")] = "backlit",
    words: Annotated[bool, typer.Option("--words", help="The pass in plain language.")] = False,
    voice: Annotated[str, typer.Option(help="plain, or company for a small network told as a company.")] = "plain",
    lang: Annotated[str, typer.Option(help="en or zh.")] = "en",
    digits: Annotated[int, typer.Option(help="Significant digits, 1 to 17.")] = 6,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page.")] = None,
    latex: Annotated[Path | None, typer.Option(help="Write a LaTeX document.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    engine: Annotated[str, typer.Option(help="Whose pass: auto or an engine's name.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show every number of one pass there and back, and the equation that made it."""
    from backlit.trace import notations
    from backlit.trace.words.table import say

    notations.get(notation)
    say("part.network", lang)
    if not 1 <= digits <= 17:
        raise OptionError(f"--digits takes 1 to 17, not {digits}")
    given = {"cost": cost, "l2": l2, "n": n, "optimizer": optimizer, "learning_rate": learning_rate, "steps": steps}
    asked = {name: value for name, value in given.items() if value is not None} | {"engine": engine}
    t = _traced(model, source, target, row, example, layers, weights, x, y, activation, output_, asked)
    if html is not None:
        t.to_html(html, force=force, notation=notation, lang=lang)
        output.say(f"the page is in {html}")
    if latex is not None:
        t.to_latex(latex, force=force, notation=notation, lang=lang, derive=derive, digits=digits)
        output.say(f"the LaTeX document is in {latex}")
    if json:
        _print_json(t, explain, channels, top, notation)
    elif explain or channels:
        _print_parts(t, explain, channels, top, derive, notation, lang, digits)
    elif words or voice != "plain":
        print(t.to_words(lang=lang, voice=voice))
    elif html is None and latex is None:
        _print_all(t, derive, notation, lang, digits)


def _traced(
    model: Path | None, source: str | None, target: str | None, row: str, example: str | None, layers: str | None,
    weights: str | None, x: str | None, y: str | None, activation: str, output_: str | None, asked: dict[str, Any],
) -> Any:  # fmt: skip
    """The trace of whichever of the three was asked for: a model's, an example's, a network's written down."""
    ways = {"a model": model, "--example": example, "--layers": layers}
    chosen = [way for way, value in ways.items() if value is not None]
    if len(chosen) != 1:
        got = " and ".join(chosen) or "none of them"
        raise OptionError(f"say which network, one of: a model file with data, --example NAME, or --layers; got {got}")
    if example is not None:
        from backlit.trace import examples

        found = examples.example(example)
        if (x is None) != (y is None):
            raise OptionError("give --x and --y together, or neither")
        from backlit.trace.tracing import trace

        if x is not None and y is not None:
            return trace(found.net, _rows("x", x), _targets(y), **{**found.options, **asked})
        return found.trace(**asked)
    if layers is not None:
        return _written_down(layers, weights, x, y, activation, output_, asked)
    assert model is not None
    return _of_model(model, source, target, row, asked)


def _written_down(
    layers: str,
    weights: str | None,
    x: str | None,
    y: str | None,
    activation: str,
    output_: str | None,
    asked: dict[str, Any],
) -> Any:
    from backlit.trace import small
    from backlit.trace.tracing import trace

    for option, value in (("--weights", weights), ("--x", x), ("--y", y)):
        if value is None:
            raise OptionError(f"--layers needs {option} too")
    assert weights is not None
    assert x is not None
    assert y is not None
    hidden = options.names(activation)
    last = output_ or (hidden if isinstance(hidden, str) else hidden[-1])
    net = small.network(options.layer_sizes(layers), small.read_weights(weights), activation=hidden, output=last)
    return trace(net, _rows("x", x), _targets(y), **asked)


def _rows(option: str, text: str) -> Any:
    from backlit.trace import small

    rows = [small.numbers(option, part) for part in text.split(";")]
    return rows if len(rows) > 1 else rows[0]


def _targets(text: str) -> Any:
    """One row's numbers, or one row a part; single whole numbers are classes where there are several outputs."""
    rows = _rows("y", text)
    if rows and isinstance(rows[0], list):
        return [row[0] for row in rows] if all(len(row) == 1 for row in rows) else rows
    return rows if len(rows) > 1 else rows[0]


def _of_model(model: Path, source: str | None, target: str | None, row: str, asked: dict[str, Any]) -> Any:
    import backlit as bl
    from backlit.cli import tables
    from backlit.trace.tracing import trace

    loaded = bl.load_model(model)
    if source is None:
        raise OptionError(f"say which data, as: backlit trace {model} digits --row 0")
    dataset = tables.read_for(loaded, source, tables.options(False, None, None), target)
    try:
        rows = [int(part) for part in row.split(",")]
    except ValueError:
        raise OptionError(f"--row takes row numbers from 0, as 0 or 0,3,5, not '{row}'") from None
    for number in rows:
        if not 0 <= number < dataset.rows:
            raise OptionError(f"there is no row {number}: {source} has rows 0 to {dataset.rows - 1}")
    X = loaded.encoding.features(dataset.X[rows], loaded.network.dtype)
    Y = loaded.encoding.targets(dataset.known_y[rows], loaded.network.dtype)
    trained = loaded.provenance.get("options")
    if isinstance(trained, dict):
        counts = loaded.provenance.get("rows")
        known = {"cost": trained.get("cost"), "l2": trained.get("l2") or None}
        if known["l2"] and isinstance(counts, dict) and counts.get("train"):
            known["n"] = counts["train"]
        asked = {**{name: value for name, value in known.items() if value is not None}, **asked}
    return trace(loaded.network, X, Y, **asked)


def _place(option: str, text: str) -> tuple[str, list[int]]:
    """A quantity and its numbers, as 'weight 2 4 17'."""
    word, *numbers = text.replace(",", " ").split() or [""]
    try:
        return word, [int(number) for number in numbers]
    except ValueError:
        raise OptionError(f"--{option} takes a quantity and whole numbers, as 'weight 2 4 17', not '{text}'") from None


def _address(t: Any, text: str) -> Any:
    """'delta 2 4' is layer 2, neuron 4; with several rows, the row comes last."""
    from backlit.trace.address import QUANTITIES

    word, numbers = _place("explain", text)
    needs = QUANTITIES.get(word, "ljk")
    names = [{"l": "layer", "j": "j", "k": "k", "r": "row"}[letter] for letter in needs]
    if word in ("weight", "bias"):
        names.append("row")
    if len(numbers) > len(names):
        raise OptionError(f"--explain '{text}' has {len(numbers)} numbers; {word} takes {', '.join(names) or 'none'}")
    given: dict[str, Any] = dict(zip(names, numbers, strict=False))
    return t.address(word, given.pop("layer", None), given.pop("j", None), **given)


def _channels(t: Any, text: str, top: int | None) -> Any:
    kind, numbers = _place("channels", text)
    names = {"weight": ("layer", "j", "k"), "bias": ("layer", "j"), "activation": ("layer", "j"), "input": ("j",)}
    takes = (*names.get(kind, ("layer", "j", "k")), "row")
    if len(numbers) > len(takes):
        raise OptionError(f"--channels '{text}' has {len(numbers)} numbers; {kind} takes {', '.join(takes)}")
    if len(numbers) < len(takes) - 1 and kind in names:
        raise OptionError(f"--channels '{text}' has {len(numbers)} numbers; {kind} takes {', '.join(takes[:-1])}")
    return t.channels(kind, top=top, **dict(zip(takes, numbers, strict=False)))


def _print_json(t: Any, explain: str | None, channels: str | None, top: int | None, notation: str) -> None:
    from backlit.trace.explain import explain as explained

    document = t.to_dict()
    if explain:
        document["explanation"] = explained(t, _address(t, explain), notation).to_dict()
    if channels:
        document["channels"] = _channels(t, channels, top).to_dict()
    output.print_json(document)


def _print_parts(
    t: Any,
    explain: str | None,
    channels: str | None,
    top: int | None,
    derive: bool,
    notation: str,
    lang: str,
    digits: int,
) -> None:
    from backlit.trace.explain import explain as explained
    from backlit.trace.render import paths

    if explain:
        at = _address(t, explain)
        print(explained(t, at, notation).text(digits=digits, lang=lang))
        if derive:
            _print_derivation(t, at, notation, lang)
    if channels:
        print(paths.text(_channels(t, channels, top), digits=digits, lang=lang))


def _print_derivation(t: Any, at: Any, notation: str, lang: str) -> None:
    from backlit.trace.derivation import derive
    from backlit.trace.words.table import say

    found = derive(t, at, notation)
    if found is None:
        return
    for words, lines in (("part.single", found.single), ("part.general", found.general)):
        width = max(len(line.formula) for line in lines)
        print(f"  {say(words, lang)}:")
        print("\n".join(f"    {line.formula:<{width}}  {line.reason(lang)}" for line in lines))


def _print_all(t: Any, derive: bool, notation: str, lang: str, digits: int) -> None:
    import sys

    from rich.console import Console

    from backlit.trace.render import terminal

    terminal.show(
        t,
        Console(highlight=False, width=None if sys.stdout.isatty() else 110),
        notation=notation,
        lang=lang,
        digits=digits,
    )
    if derive:
        for at in (t.address("delta", t.L, 0, row=0), t.address("delta", 2, 0, row=0), t.address("weight", 2, 0, k=0)):
            _print_derivation(t, at, notation, lang)
