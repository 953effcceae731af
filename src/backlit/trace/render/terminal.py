"""The record on a terminal: the equations, each layer there and back, the gradients; large layers by their largest."""

import io
from typing import TYPE_CHECKING

import numpy as np

from backlit.notation import Array
from backlit.trace.explain import paper
from backlit.trace.figures import figure, spark
from backlit.trace.general import equations
from backlit.trace.notations import Notation, get
from backlit.trace.record import Record, has_slope
from backlit.trace.render.json import reach
from backlit.trace.words.table import say

if TYPE_CHECKING:
    from rich.console import Console

NEURONS, WEIGHTS, ROWS, BINS = 12, 12, 3, 24
"""How much of a layer, of its weights and of a batch is printed; the rest is summed up."""


def text(
    t: Record, *, notation: str | Notation = "backlit", lang: str = "en", digits: int = 6, width: int = 110
) -> str:
    """The whole of it as plain text."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    show(t, console, notation=notation, lang=lang, digits=digits)
    stream = console.file
    assert isinstance(stream, io.StringIO)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def show(
    t: Record, console: "Console", *, notation: str | Notation = "backlit", lang: str = "en", digits: int = 6
) -> None:
    """The whole of it on a Rich console."""
    style = get(notation)
    _head(t, console, style, lang)
    _equations(t, console, style, lang)
    for row in range(min(t.rows, ROWS)):
        _row(t, console, style, row, lang, digits)
    if t.rows > ROWS:
        console.print(f"({say('part.rest', lang, first=ROWS + style.first, last=t.rows - 1 + style.first)})\n")
    _cost(t, console, lang, digits)
    _gradients(t, console, style, lang, digits)
    _updates(t, console, lang, digits)


def _head(t: Record, console: "Console", style: Notation, lang: str) -> None:
    console.print(f"[bold]{t.network!r}[/]", markup=True)
    console.print(f"{say('part.objective', lang)}: {t.objective}", markup=False)
    console.print(f"{say('part.engine', lang)}: {t.choice.engine.name}; {say('part.notation', lang)}: {style.title}")
    console.print(say("part.counting", lang, first=style.first))
    for note in t.notes_in(lang):
        console.print(f"[yellow]{note}[/]")
    console.print()


def _equations(t: Record, console: "Console", style: Notation, lang: str) -> None:
    from rich.table import Table

    table = Table(title=say("part.equations", lang), title_justify="left", box=None, show_header=False, pad_edge=False)
    for words, left, right in equations(t, style, lang=lang):
        table.add_row(f"{left} = {right}", f"[dim]{words}[/]")
    console.print(table)
    console.print()


def _row(t: Record, console: "Console", style: Notation, row: int, lang: str, digits: int) -> None:
    from rich.table import Table

    forward_to, back_to, _ = reach(t)
    number = row + style.first
    title = f" ({say('part.row', lang, row=number)})" if t.rows > 1 else ""
    for l in range(1, min(t.L, forward_to) + 1):
        name = say("part.input", lang) if l == 1 else t.network.layer(l).activation.name
        columns: list[tuple[str, Array]] = [("a", t.a(l)[row])] if l == 1 else [("z", t.z(l)[row]), ("a", t.a(l)[row])]
        if l > 1 and has_slope(t, l):
            columns.append((style.symbols["slope"].text, t.slope(l)[row]))
        if l >= back_to:
            cost = style.symbols["cost"].text
            columns.append((f"∂{cost}/∂a", t.dC_da(l)[row]))
            if l > 1:
                columns.append((f"∂{cost}/∂z" if style.symbols["delta"].of else "δ", t.delta(l)[row]))
        shown, left = _largest(columns[-1][1], NEURONS)
        table = Table(
            title=f"{say('part.layer', lang, l=l)}: {name}{title}", title_justify="left", header_style="bold", box=None
        )
        table.add_column(say("part.neuron", lang), justify="right", style="dim")
        for sign, _ in columns:
            table.add_column(sign, justify="right")
        for j in shown:
            table.add_row(str(j + style.first), *(_coloured(values[j], digits) for _, values in columns))
        console.print(table)
        if left:
            console.print(_summary(len(shown), left, columns[-1][1], lang))
        console.print()


def _cost(t: Record, console: "Console", lang: str, digits: int) -> None:
    if t.first_non_finite is not None and t.first_non_finite.quantity in ("z", "a", "row_cost"):
        return
    parts = f"C = {figure(t.cost.total, digits)}"
    if t.objective.l2:
        parts += f" = {figure(t.cost.data, digits)} + {figure(t.cost.penalty, digits)} ({say('eq.penalty', lang)})"
    console.print(f"[bold]{say('part.cost', lang)}[/]: {parts}\n")


def _gradients(t: Record, console: "Console", style: Notation, lang: str, digits: int) -> None:
    from rich.table import Table

    _, _, gradients_to = reach(t)
    on = paper(t, style)
    for l in range(t.L, max(gradients_to, 2) - 1, -1):
        gradient, layer = t.weight_gradient(l), t.network.layer(l)
        shown, left = _largest(gradient.ravel(), WEIGHTS)
        table = Table(
            title=f"{say('part.gradients', lang)}, {say('part.layer', lang, l=l)}", title_justify="left",
            box=None, show_header=False,
        )  # fmt: skip
        for place in shown:
            j, k = divmod(place, gradient.shape[1])
            table.add_row(
                f"{on.symbol('W', (l, 0), (j, k))} = {_coloured(layer.W[j, k], digits)}",
                f"{on.symbol('weight', (l, 0), (j, k))} = {_coloured(gradient[j, k], digits)}",
            )
        for j in _largest(t.bias_gradient(l), NEURONS)[0]:
            table.add_row(
                f"{on.symbol('b', (l, 0), (j,))} = {_coloured(layer.b[j], digits)}",
                f"{on.symbol('bias', (l, 0), (j,))} = {_coloured(t.bias_gradient(l)[j], digits)}",
            )
        console.print(table)
        if left:
            console.print(_summary(len(shown), left, gradient, lang))
        console.print()


def _updates(t: Record, console: "Console", lang: str, digits: int) -> None:
    for step in t.steps:
        before, after = figure(step.cost_before, digits), figure(step.cost_after, digits)
        console.print(say("say.step", lang, number=step.number, before=before, after=after))
    if len(t.steps) > 1:
        costs = [step.cost_before for step in t.steps] + [t.steps[-1].cost_after]
        top = max(costs)
        if np.isfinite(top) and top > 0:
            console.print(spark([round(800 * cost / top) for cost in costs]))


def _largest(values: Array, most: int) -> tuple[list[int], int]:
    """The places of the largest so many, in order, and how many are left."""
    if values.size <= most:
        return list(range(values.size)), 0
    found = np.argsort(-np.abs(np.nan_to_num(values.astype(np.float64))), kind="stable")[:most]
    return sorted(int(i) for i in found), values.size - most


def _summary(shown: int, left: int, values: Array, lang: str) -> str:
    """What stands under a table that does not show all."""
    return f"  {say('part.largest', lang, shown=shown, count=shown + left)}; {_spread(values, lang)}"


def _spread(values: Array, lang: str) -> str:
    """A histogram of all of them in one line."""
    counts, edges = np.histogram(values[np.isfinite(values)], bins=BINS)
    return f"{say('part.spread', lang, low=figure(edges[0], 3), high=figure(edges[-1], 3))} {spark(counts.tolist())}"


def _coloured(value: float, digits: int) -> str:
    """Positive and negative in colours of their own; the sign is written too."""
    colour = "blue" if value > 0 else "red" if value < 0 else "dim"
    return f"[{colour}]{figure(float(value), digits)}[/]"
