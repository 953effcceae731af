"""A table encoding as plain data, and back: every value checked, for it may come from a file that anybody wrote."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from backlit.data import plain
from backlit.data.plain import require
from backlit.data.tables.cells import FORMATS, PLAIN, Spelling
from backlit.data.tables.columns import PERIODS, Category, Column, LeftOut, Moment, Number, Presence, Truth
from backlit.data.tables.encoding import TableEncoding
from backlit.data.tables.numerals import COMMAS
from backlit.data.tables.squash import Squash
from backlit.data.tables.words import Words

VERSION = 1
"""Of the form of the data: a reader refuses what is newer than itself."""


def to_dict(table: TableEncoding) -> dict[str, Any]:
    """Plain data for JSON: :func:`from_dict` gives the same encoding back, to the bit."""
    return {"version": VERSION, "named": table.named, "columns": [_column(column) for column in table.columns]}


def from_dict(values: Any) -> TableEncoding:
    """The encoding that :func:`to_dict` wrote.

    Raises:
        DataError: a value is missing, unknown, of another type, or in conflict with another.
    """
    held = plain.mapping(values, ("version", "named", "columns"))
    require(
        plain.whole("table.version", held["version"], least=1) <= VERSION, "table.version is newer than this Backlit"
    )
    columns = tuple(
        _read_column(f"table.columns[{i}]", item)
        for i, item in enumerate(plain.listed("table.columns", held["columns"]))
    )
    table = TableEncoding(columns, plain.truth("table.named", held["named"]))
    require(len(set(table.names)) == len(table.names), "table.columns has the same name twice")
    require(len(table.inputs) > 0, "table.columns are all left out")
    return table


def _column(column: Column) -> dict[str, Any]:
    return {"kind": column.kind, **asdict(column)}  # type: ignore[call-overload]  # every kind is a dataclass


def _read_column(where: str, value: Any) -> Column:
    require(isinstance(value, Mapping) and isinstance(value.get("kind"), str), f"{where} is no column with a kind")
    read = READERS.get(value["kind"])
    if read is None:
        require(False, f"{where}.kind is {value['kind'][:40]!r}, none of {', '.join(READERS)}")
        raise AssertionError
    return read(where, {key: item for key, item in value.items() if key != "kind"})


def _number(where: str, value: Mapping[str, Any]) -> Number:
    held = plain.mapping({"edges": [], **value}, ("name", "squash", "missing", "spelling", "edges"))
    edges = tuple(
        plain.number(f"{where}.edges[{i}]", edge)
        for i, edge in enumerate(plain.listed(f"{where}.edges", held["edges"]))
    )
    rising = all(0 < end - begin < math.inf for begin, end in pairwise(edges))
    require(len(edges) != 1 and rising, f"{where}.edges do not rise, by what a float can hold")
    return Number(
        _name(where, held), _squash(where, held["squash"]), _missing(where, held), _spelling(where, held), edges
    )


def _truth(where: str, value: Mapping[str, Any]) -> Truth:
    held = plain.mapping(value, ("name", "missing", "spelling"))
    return Truth(_name(where, held), _missing(where, held), _spelling(where, held))


def _category(where: str, value: Mapping[str, Any]) -> Category:
    held = plain.mapping(value, ("name", "values", "other", "buckets", "missing", "different", "spelling"))
    values = plain.texts(f"{where}.values", held["values"])
    require(0 < len(values) == len(set(values)), f"{where}.values are none, or one is there twice")
    buckets = plain.whole(f"{where}.buckets", held["buckets"], least=0)
    require(buckets <= MOST_BUCKETS, f"{where}.buckets are {buckets}, more than {MOST_BUCKETS}")
    other = plain.truth(f"{where}.other", held["other"])
    require(not (other and buckets), f"{where} has both buckets and others")
    different = plain.whole(f"{where}.different", held["different"], least=len(values))
    return Category(
        _name(where, held), values, other, buckets, _missing(where, held), different, _spelling(where, held)
    )


def _moment(where: str, value: Mapping[str, Any]) -> Moment:
    held = plain.mapping(value, ("name", "linear", "circles", "missing", "spelling"))
    circles = plain.texts(f"{where}.circles", held["circles"])
    known = set(circles) <= set(PERIODS) and len(set(circles)) == len(circles)
    require(known, f"{where}.circles are not of {', '.join(PERIODS)}")
    linear = None if held["linear"] is None else _squash(where, held["linear"])
    require(linear is not None or bool(circles), f"{where} is a moment of which nothing is taken")
    return Moment(_name(where, held), linear, circles, _missing(where, held), _spelling(where, held))


def _words(where: str, value: Mapping[str, Any]) -> Words:
    held = plain.mapping(value, ("name", "words", "missing", "different", "spelling"))
    words = plain.texts(f"{where}.words", held["words"])
    require(0 < len(words) == len(set(words)), f"{where}.words are none, or one is there twice")
    different = plain.whole(f"{where}.different", held["different"], least=1)
    return Words(_name(where, held), words, _missing(where, held), different, _spelling(where, held))


def _presence(where: str, value: Mapping[str, Any]) -> Presence:
    held = plain.mapping(value, ("name", "why", "spelling"))
    return Presence(_name(where, held), plain.text(f"{where}.why", held["why"]), _spelling(where, held))


def _left_out(where: str, value: Mapping[str, Any]) -> LeftOut:
    held = plain.mapping(value, ("name", "why"))
    return LeftOut(_name(where, held), plain.text(f"{where}.why", held["why"]))


READERS: dict[str, Callable[[str, Mapping[str, Any]], Column]] = {
    Number.kind: _number,
    Truth.kind: _truth,
    Category.kind: _category,
    Moment.kind: _moment,
    Words.kind: _words,
    Presence.kind: _presence,
    LeftOut.kind: _left_out,
}

MOST_BUCKETS = 1 << 16


def _name(where: str, held: Mapping[str, Any]) -> str:
    return plain.text(f"{where}.name", held["name"])


def _missing(where: str, held: Mapping[str, Any]) -> bool:
    return plain.truth(f"{where}.missing", held["missing"])


def _squash(where: str, value: Any) -> Squash:
    held = plain.mapping(value, tuple(Squash.__dataclass_fields__))
    return Squash(
        center=plain.number(f"{where}.center", held["center"]),
        spread=plain.number(f"{where}.spread", held["spread"], positive=True),
        limit=plain.number(f"{where}.limit", held["limit"], least=0),
        offset=plain.number(f"{where}.offset", held["offset"]),
        scale=plain.number(f"{where}.scale", held["scale"], positive=True),
    )


def _spelling(where: str, owner: Mapping[str, Any]) -> Spelling:
    held = plain.mapping(owner["spelling"], tuple(Spelling.__dataclass_fields__), later={"before": "", "behind": ""})
    missing = plain.texts(f"{where}.spelling.missing", held["missing"])
    moment, comma = held["moment"], held["comma"]
    require(moment is None or moment in FORMATS, f"{where}.spelling.moment is no format that is known")
    require(comma in COMMAS, f"{where}.spelling.comma is none of decimal, thousands, european")
    before, behind = (plain.text(f"{where}.spelling.{name}", held[name]) for name in ("before", "behind"))
    found = Spelling(missing, moment, comma, before, behind)
    return PLAIN if found == PLAIN else found
