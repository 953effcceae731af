import copy
import json
import random
from datetime import date

import numpy as np
import polars as pl
import pytest

from backlit.data.tables import stored
from backlit.data.tables.encoding import fit
from backlit.errors import DataError

FRAME = pl.DataFrame(
    {
        "number": [1.5, None, 3.0] * 20, "truth": [True, False, None] * 20, "kind": ["a", "b", "a"] * 20,
        "when": [date(2024, 1, 1 + i % 20) for i in range(60)],
        "cabin": [f"C{i}" if i % 2 else None for i in range(60)], "same": [1] * 60,
        "note": [f"{('good', 'bad')[i % 2]} no{i} {i}" for i in range(60)],
    }
)  # fmt: skip
TABLE = fit(FRAME)
PLAIN = json.loads(json.dumps(stored.to_dict(TABLE)))


def test_there_and_back():
    assert stored.from_dict(PLAIN) == TABLE
    assert {column["kind"] for column in PLAIN["columns"]} == set(stored.READERS)


def at(place, value):
    changed = copy.deepcopy(PLAIN)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (["version"], 2, "table.version is newer than this Backlit"),
        (["version"], 0, "table.version is out of range"),
        (["named"], 1, "table.named is of type int, not true or false"),
        (["columns"], {}, "table.columns is of type dict, not a list"),
        (["columns"], [], "table.columns are all left out"),
        (["columns", 0], 3, r"table.columns\[0\] is no column with a kind"),
        (["columns", 0, "kind"], "nmuber", r"table.columns\[0\].kind is 'nmuber', none of number"),
        (["columns", 0, "name"], "kind", "table.columns has the same name twice"),
        (["columns", 0, "squash", "spread"], 0, "spread is 0, and must be above 0"),
        (["columns", 0, "squash", "scale"], float("nan"), "scale is not finite"),
        (["columns", 0, "squash", "limit"], -1, "limit is -1, and must be 0 or more"),
        (["columns", 0, "squash", "more"], 1, "unknown"),
        (["columns", 0, "missing"], "no", "missing is of type str"),
        (["columns", 0, "spelling", "comma"], "dot", "comma is none of"),
        (["columns", 0, "spelling", "moment"], "%Q", "moment is no format that is known"),
        (["columns", 2, "values"], ["a", "a"], "one is there twice"),
        (["columns", 2, "values"], [], "are none"),
        (["columns", 2, "buckets"], 10**9, "buckets are 1000000000, more than"),
        (["columns", 2, "buckets"], -1, "out of range"),
        (["columns", 2, "different"], 0, "different is out of range"),
        (["columns", 3, "circles"], ["month"], "circles are not of"),
        (["columns", 3, "circles"], ["day", "day"], "circles are not of"),
        (["columns", 4, "why"], None, "why is missing"),
        (["columns", 6, "words"], [], "words are none"),
        (["columns", 6, "words"], ["bad", "bad"], "one is there twice"),
        (["columns", 6, "words"], [1], "words"),
        (["columns", 6, "different"], 0, "different is out of range"),
    ],
)
def test_what_makes_no_sense_is_named(place, value, says):
    with pytest.raises(DataError, match=says) as caught:
        stored.from_dict(at(place, value))
    assert "\n" not in str(caught.value)


def places(value, before=()):
    if isinstance(value, dict):
        return [place for key, inner in value.items() for place in places(inner, (*before, key))] + [before] * bool(
            before
        )
    if isinstance(value, list):
        return [place for i, inner in enumerate(value) for place in places(inner, (*before, i))] + [before]
    return [before]


def test_whatever_stands_there_is_read_or_refused_in_one_line():
    rng = random.Random(0)
    values = [
        None,
        True,
        -1,
        0,
        3,
        1e308,
        -1e308,
        5e-324,
        float("nan"),
        10**30,
        "",
        "x",
        "\ud800",
        [],
        {},
        [1],
        ["a"],
        [[]],
    ]
    read, refusals = 0, []
    for place in places(PLAIN):
        for value in rng.sample(values, 8):
            try:
                encoded = stored.from_dict(at(place, value)).features(FRAME, np.float32)
            except DataError as refusal:
                refusals.append(str(refusal))
            else:
                read += 1
                assert np.isfinite(encoded).all()
    assert read > 30
    assert not any("\n" in refusal for refusal in refusals)
