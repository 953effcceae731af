"""A table's columns as ONNX nodes: numbers and truths in, one matrix of float64 in which NaN is a missing cell.

What stands for a missing number, how its tails are drawn in, its ramps and its indicator are as in
:mod:`backlit.data.tables`. Text and moments are no numbers, and refused by their columns' names.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.data.tables.columns import Column, LeftOut, Number, Presence, Truth, as_numbers, as_text, as_truths
from backlit.data.tables.encoding import TableEncoding
from backlit.data.tables.squash import FARTHEST
from backlit.errors import OptionError
from backlit.formats.onnx_graph import Graph
from backlit.notation import Float64Array

FLOAT64 = np.dtype(np.float64)


def check_columns(table: TableEncoding) -> None:
    """Raises OptionError naming the columns that a graph of numbers cannot take."""
    wrong = [column for column in table.columns if not isinstance(column, (Number, Truth, Presence, LeftOut))]
    if wrong:
        named = ", ".join(f"'{column.name}' ({column.kind})" for column in wrong[:5])
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise OptionError(
            f"an ONNX graph of numbers cannot take the columns {named}{more}: train without them, or export the "
            "network alone with network_only=True, whose inputs are the encoded columns"
        )


def add_table(graph: Graph, table: TableEncoding, raw: str) -> str:
    """The encoded inputs, (rows, inputs) in float64, of the columns that are needed, (rows, needed), in their order."""
    needed = [column for column in table.columns if column.inputs]
    empty = graph.add("IsNaN", raw, name="X.empty")
    pieces: list[str] = []
    widths: list[int] = []
    order: dict[tuple[int, str], int] = {}  # (column, which of its parts) → where its first input is, once joined

    def joined(name: str, part: str, width_of: dict[int, int]) -> None:
        at = sum(widths)
        for column, width in width_of.items():
            order[column, part] = at
            at += width
        widths.append(sum(width_of.values()))
        pieces.append(name)

    numbers = [(i, column) for i, column in enumerate(needed) if isinstance(column, Number)]
    if numbers:
        filled = _filled(graph, raw, empty, numbers)
        joined(_squashed(graph, filled, [column for _, column in numbers]), "value", {i: 1 for i, _ in numbers})
        if any(column.edges for _, column in numbers):
            ramps = _ramps(graph, filled, [column for _, column in numbers])
            joined(ramps, "ramps", {i: len(column.edges) - 1 for i, column in numbers if column.edges})
    truths = [i for i, column in enumerate(needed) if isinstance(column, Truth)]
    if truths:
        joined(_truths(graph, raw, empty, truths), "value", dict.fromkeys(truths, 1))
    absent = [i for i, column in enumerate(needed) if getattr(column, "missing", False)]
    if absent:
        which = _take(graph, empty, absent, "X.absent")
        joined(graph.add("Cast", which, name="X.missing", to=11), "missing", dict.fromkeys(absent, 1))
    whole = pieces[0] if len(pieces) == 1 else graph.add("Concat", *pieces, name="X.parts", axis=1)
    return _take(graph, whole, _places(needed, order), "X.encoded")


def _places(needed: list[Column], order: dict[tuple[int, str], int]) -> list[int]:
    """Where each of the encoding's inputs is among the joined parts: value, ramps, missing, column by column."""
    places: list[int] = []
    for i, column in enumerate(needed):
        if (i, "value") in order:
            places.append(order[i, "value"])
        if (i, "ramps") in order and isinstance(column, Number):
            places += range(order[i, "ramps"], order[i, "ramps"] + len(column.edges) - 1)
        if (i, "missing") in order:
            places.append(order[i, "missing"])
    return places


def _filled(graph: Graph, raw: str, empty: str, numbers: list[tuple[int, Number]]) -> str:
    """The columns of numbers, the median where one is missing."""
    at = [i for i, _ in numbers]
    median = _row(graph, "median", [column.squash.center for _, column in numbers])
    x, absent = _take(graph, raw, at, "X.numbers"), _take(graph, empty, at, "X.numbers.empty")
    return graph.add("Where", absent, median, x, name="X.filled")


def _squashed(graph: Graph, filled: str, numbers: list[Number]) -> str:
    """(s - offset)/scale with s = u/√(1 + (u/limit)²) and u = (x - center)/spread."""

    def row(name: str, values: list[float]) -> str:
        return _row(graph, f"squash.{name}", values)

    far = graph.add("Sub", filled, row("center", [c.squash.center for c in numbers]), name="u.far")
    u = graph.add("Div", far, row("spread", [c.squash.spread for c in numbers]), name="u.wide")
    u = graph.add(
        "Min", graph.add("Max", u, row("least", [-FARTHEST]), name="u.least"), row("most", [FARTHEST]), name="u"
    )
    inverse = [1 / c.squash.limit if c.squash.limit else 0.0 for c in numbers]
    share = graph.add("Mul", u, row("1/limit", inverse), name="u/limit")
    under = graph.add("Add", graph.add("Mul", share, share, name="u/limit^2"), row("one", [1.0]), name="u.under")
    s = graph.add("Div", u, graph.add("Sqrt", under, name="u.root"), name="s")
    centred = graph.add("Sub", s, row("offset", [c.squash.offset for c in numbers]), name="s.centred")
    return graph.add("Div", centred, row("scale", [c.squash.scale for c in numbers]), name="s.standardised")


def _ramps(graph: Graph, filled: str, numbers: list[Number]) -> str:
    """(x - begin)/(end - begin), held between 0 and 1."""
    at = [place for place, column in enumerate(numbers) for _ in column.edges[:-1]]
    begin = [edge for column in numbers for edge in column.edges[:-1]]
    end = [edge for column in numbers for edge in column.edges[1:]]
    x = _take(graph, filled, at, "ramps.x")
    along = graph.add("Sub", x, _row(graph, "ramps.begin", begin), name="ramps.along")
    width = _row(graph, "ramps.width", (np.array(end) - np.array(begin)).tolist())
    least, most = _row(graph, "ramps.least", [0.0]), _row(graph, "ramps.most", [1.0])
    share = graph.add("Div", along, width, name="ramps.share")
    return graph.add("Min", graph.add("Max", share, least, name="ramps.from"), most, name="ramps.held")


def _truths(graph: Graph, raw: str, empty: str, at: list[int]) -> str:
    """1 of 1, -1 of 0, and 0 where it is missing."""
    half, yes, no = (_row(graph, f"truth.{v:g}", [v]) for v in (0.5, 1.0, -1.0))
    above = graph.add("Greater", _take(graph, raw, at, "X.truths"), half, name="truth.above")
    truth = graph.add("Where", above, yes, no, name="truth.given")
    return graph.add(
        "Where", _take(graph, empty, at, "X.truths.empty"), _row(graph, "truth.0", [0.0]), truth, name="truth"
    )


def _take(graph: Graph, name: str, columns: list[int], new: str) -> str:
    return graph.add("Gather", name, graph.constant(f"{new}.at", np.array(columns, np.int64)), name=new, axis=1)


def _row(graph: Graph, name: str, values: list[float]) -> str:
    return graph.constant(name, np.array(values, FLOAT64))


def matrix(table: TableEncoding, rows: Any) -> Float64Array:
    """The cells of a frame as the graph takes them: (rows, needed), float64, NaN where one is missing."""
    columns = [_numbers(column, rows[column.name]) for column in table.columns if column.inputs]
    return np.stack(columns, axis=1)


def _numbers(column: Column, values: Any) -> NDArray[Any]:
    spelling = getattr(column, "spelling", None)
    assert spelling is not None
    if isinstance(column, Truth):
        found = as_truths(values, spelling, "rows", 0)
    elif isinstance(column, Number):
        found = as_numbers(values, spelling, "rows", 0)
    else:
        found = as_text(values, spelling, "rows").is_not_null().replace({False: None})
    numbers: NDArray[Any] = found.cast(float).fill_null(np.nan).to_numpy()
    return numbers


def random_frame(table: TableEncoding, rows: int) -> Any:
    """Rows about where the training rows were, some of them far out, a tenth of the cells missing."""
    import polars as pl

    rng = np.random.default_rng(0)
    frame: dict[str, Any] = {}
    for column in table.columns:
        if not column.inputs:
            continue
        missing = rng.random(rows) < 0.1
        if isinstance(column, Number):
            drawn = column.squash.center + column.squash.spread * rng.standard_cauchy(rows)
            frame[column.name] = [None if gone else x for gone, x in zip(missing, drawn.tolist(), strict=True)]
        else:
            heads = rng.random(rows) < 0.5
            frame[column.name] = [None if gone else bool(x) for gone, x in zip(missing, heads, strict=True)]
    return pl.DataFrame(frame)
