import json
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from backlit.data.tables import stored
from backlit.data.tables.columns import Category, LeftOut, Moment, Number, Presence, Truth
from backlit.data.tables.encoding import fit

ROWS = 240


def mixed(rows=ROWS):
    """One column of every kind, missing cells among them."""
    rng = np.random.default_rng(0)
    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "size": [None if i % 7 == 0 else float(x) for i, x in enumerate(rng.lognormal(size=rows))],
            "count": rng.integers(0, 5, rows),
            "open": rng.integers(0, 2, rows).astype(bool),
            "kind": [("red", "green", None, "blue")[i % 4] if i > 3 else f"once{i}" for i in range(rows)],
            "when": [start + timedelta(hours=11 * i) for i in range(rows)],
            "day": [date(2020, 1, 1) + timedelta(days=i) for i in range(rows)],
            "at": [time(i % 24, i % 60) for i in range(rows)],
            "name": [f"person {i}" for i in range(rows)],
            "cabin": [f"C{i}" if i % 3 else None for i in range(rows)],
            "same": ["x"] * rows,
            "row": range(rows),
            "nothing": [None] * rows,
        }
    )


def test_each_kind_of_column_becomes_what_it_should():
    table = fit(mixed(), with_ramps=False)
    kinds = [Number, Number, Truth, Category, Moment, Moment, Moment, LeftOut, Presence, LeftOut, LeftOut, LeftOut]
    assert [type(column) for column in table.columns] == kinds
    assert table.inputs == (
        "size", "size is missing", "count", "open",
        "kind=blue", "kind=green", "kind=red", "kind=(other)", "kind is missing",
        "when: days", "when: sine of the year", "when: cosine of the year", "when: sine of the week",
        "when: cosine of the week", "when: sine of the day", "when: cosine of the day",
        "day: days", "day: sine of the year", "day: cosine of the year", "day: sine of the week",
        "day: cosine of the week",
        "at: sine of the day", "at: cosine of the day", "cabin is missing",
    )  # fmt: skip
    assert [name for name, _ in table.left_out] == ["name", "cabin", "same", "row", "nothing"]
    encoded = table.features(mixed())
    assert encoded.shape == (ROWS, len(table.inputs))
    assert np.isfinite(encoded).all()
    assert np.abs(encoded).max() < 8


def test_twice_gives_the_same_bits_and_back_from_json_too():
    frame = mixed()
    table = fit(frame)
    again = stored.from_dict(json.loads(json.dumps(stored.to_dict(fit(frame)))))
    assert again == table
    assert again.features(frame).tobytes() == table.features(frame).tobytes()


def test_the_order_of_the_columns_does_not_matter():
    frame = mixed()
    shuffled = frame.select(np.random.default_rng(1).permutation(frame.columns).tolist()).with_columns(extra=pl.lit(1))
    table = fit(frame)
    assert table.features(shuffled).tobytes() == table.features(frame).tobytes()


@pytest.mark.parametrize("column", ["size", "count", "open", "kind", "when", "cabin"])
def test_only_the_training_rows_are_looked_at(column):
    frame, train = mixed(), np.arange(0, ROWS, 2)
    a_test_row, a_training_row = frame.clone(), frame.clone()
    for changed, row in ((a_test_row, 9), (a_training_row, 10)):
        changed[row, column] = None if frame[row, column] is not None else "C0"
    assert fit(a_test_row, train) == fit(frame, train)
    if column != "cabin":  # of which nothing is learnt but that it can be missing
        assert fit(a_training_row, train) != fit(frame, train)  # so the test can fail
    moved = frame.with_columns(pl.when(pl.arange(ROWS) % 2 == 1).then(None).otherwise(pl.col(column)).alias(column))
    assert fit(moved, train) == fit(frame, train)
