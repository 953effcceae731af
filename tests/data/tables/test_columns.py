"""What each kind of column makes of its cells, by hand."""

from datetime import date, datetime, timedelta
from math import cos, pi, sin

import numpy as np
import polars as pl
import pytest

from backlit.data.tables.columns import Category, LeftOut, Moment, Number, Presence, Truth, hash_of
from backlit.data.tables.encoding import BUCKETS, MOST_ONE_HOT, fit
from backlit.data.tables.squash import Squash
from backlit.errors import DataError

PLAIN = Squash(center=10, spread=2, limit=0, offset=0, scale=1)


def encode(column, values, **options):
    return column.encode(pl.Series(column.name, values, **options), "t.csv", 100).tolist()


def fitted(values, **options):
    return fit(pl.DataFrame({"c": pl.Series(values, **options), "more": range(len(values))}), numbers=None).columns[0]


def test_a_number():
    number = Number("c", PLAIN, missing=True)
    assert encode(number, [12.0, None, 6.0, float("nan")]) == [[1, 0], [0, 1], [-2, 0], [0, 1]]
    assert encode(number, ["12", " ? ", "6"]) == [[1, 0], [0, 1], [-2, 0]]
    assert encode(number, [True, False]) == [[-4.5, 0], [-5, 0]]
    assert encode(Number("c", PLAIN), [None, 12]) == [[0], [1]]  # missing where no training row was: the median


def test_a_truth():
    truth = Truth("c", missing=True)
    assert encode(truth, [True, False, None]) == [[1, 0], [-1, 0], [0, 1]]
    assert encode(truth, ["Yes", "f", "NA"]) == encode(truth, [1, 0, None]) == encode(truth, [True, False, None])


def test_a_category():
    category = Category("c", ("a", "b"), other=True, missing=True, different=5)
    assert category.inputs == ("c=a", "c=b", "c=(other)", "c is missing")
    rows = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert encode(category, ["a", " b ", "never seen", None]) == rows
    assert encode(Category("c", ("a", "b"), different=2), ["a", "never seen", None]) == [[1, 0], [0, 0], [0, 0]]
    assert encode(Category("c", ("1", "2"), different=2), [1, 2]) == [[1, 0], [0, 1]]
    assert encode(Category("c", ("1", "2"), different=2), [1.0, float("nan"), 2.0]) == [[1, 0], [0, 0], [0, 1]]


def test_many_values_share_buckets_by_a_hash_that_knows_no_target():
    category = Category("c", ("a",), buckets=4, different=100)
    values = ["a", *(f"v{i}" for i in range(50))]
    encoded = np.array(encode(category, values))
    assert (encoded.sum(axis=1) == 1).all()
    assert encoded[1:, 1:].argmax(axis=1).tolist() == [hash_of(value, 4) for value in values[1:]]
    assert (encoded[1:].sum(axis=0)[1:] > 3).all()
    assert [hash_of(value, 16) for value in ("a", "b", "é")] == [0, 4, 11]  # forever: it is in the models there are


def test_a_moment():
    linear = Squash(center=0, spread=1, limit=0, offset=0, scale=1)
    moment = Moment("c", linear, ("week", "day"), missing=True)
    (row, nothing) = encode(moment, [datetime(1970, 1, 3, 6), None])
    expected = [2.25, sin(2 * pi * 2.25 / 7), cos(2 * pi * 2.25 / 7), 1, 0, 0]
    assert row == pytest.approx(expected, abs=1e-15)
    assert nothing == [0, 0, 0, 0, 0, 1]
    in_tokyo = pl.Series("c", [datetime(1970, 1, 3, 15)]).dt.replace_time_zone("Asia/Tokyo")
    assert moment.encode(in_tokyo, "t", 0).tolist()[0] == pytest.approx(expected, abs=1e-15)
    later = Moment("c", Squash(center=100, spread=10, limit=0, offset=0, scale=1), (), missing=True)
    assert encode(later, [None, date(1970, 4, 21)]) == [[0, 1], [1, 0]]  # the median stands for what is missing
    assert encode(moment, ["1970-01-03 06:00"])[0] == pytest.approx(expected, abs=1e-15)
    assert encode(moment, [date(1970, 1, 8)])[0][1:3] == pytest.approx([0, 1], abs=1e-15)  # a week later


def test_presence():
    assert encode(Presence("c", "why"), ["x", None, "?", "y"]) == [[0], [1], [1], [0]]


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        (Number("c", PLAIN), ["1", "x"], "t.csv: column 'c' has 'x' in row 101, where a number should be"),
        (Number("c", PLAIN), ["1", "x", "y", "x"], "'x' in row 101 and in 2 more, where a number"),
        (Number("c", PLAIN), [1.0, float("inf")], "has inf in row 101, where a number should be finite"),
        (Number("c", PLAIN), ["1e999"], "has inf in row 100"),
        (Number("c", PLAIN), [date(2024, 1, 1)], "has '2024-01-01' in row 100, where a number should be"),
        (Truth("c"), ["true", "maybe"], "has 'maybe' in row 101, where yes or no"),
        (Truth("c"), [2], "has '2' in row 100, where yes or no"),
        (Moment("c", PLAIN, ()), ["2024-02-30"], "has '2024-02-30' in row 100, where a date or time like"),
        (Number("c", PLAIN), ["x" * 100], "'x{40}…' in row 100"),
    ],
)
def test_cells_of_another_kind_are_named_in_one_line(column, values, says):
    with pytest.raises(DataError, match=says) as caught:
        encode(column, values)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([None] * 30, LeftOut),
        ([5] * 30, LeftOut),
        ([5, None] * 15, Presence),
        (["x"] * 30, LeftOut),
        ([f"n{i}" for i in range(30)], LeftOut),
        ([f"n{i}" for i in range(29)] + [None], Presence),
        (["a", "b"] * 15, Category),
        ([True] * 30, LeftOut),
        ([True, False] * 15, Truth),
        (list(range(100, 130)), LeftOut),  # counts the rows
        (list(range(0, 60, 2)), Number),
        ([0.5 * i for i in range(30)], Number),
        ([date(2024, 1, 1)] * 30, LeftOut),
        ([date(2024, 1, 1 + i) for i in range(30)], Moment),
        ([timedelta(hours=i * i) for i in range(30)], Number),
    ],
)
def test_what_becomes_of_a_column(values, kind):
    frame = pl.DataFrame({"c": values, "more": [0.5 * (i % 7) for i in range(30)]})
    column = fit(frame).columns[0]
    assert type(column) is kind
    assert bool(column.inputs) == (kind is not LeftOut)
    assert column.in_words()


def test_rare_values_are_pooled():
    column = fit(pl.DataFrame({"c": ["a"] * 500 + ["b"] * 480 + ["c"] * 9 + ["d"] * 11})).columns[0]
    assert (column.values, column.other, column.different) == (("a", "b", "d"), True, 4)
    few = fit(pl.DataFrame({"c": ["a"] * 9 + ["b"]})).columns[0]
    assert (few.values, few.other) == (("a",), True)


def test_a_column_of_a_hundred_thousand_values_stays_small():
    rng = np.random.default_rng(0)
    values = [f"v{i}" for i in range(100_000)] + [f"v{i}" for i in rng.integers(0, 1000, 150_000)]
    frame = pl.DataFrame({"c": values, "x": rng.normal(size=len(values))})
    assert frame["c"].n_unique() == 100_000
    (column, _) = fit(frame).columns
    assert (len(column.values), column.buckets, len(column.inputs)) == (MOST_ONE_HOT, BUCKETS, MOST_ONE_HOT + BUCKETS)


def test_the_libraries_agree():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "n": [1, None, 3], "t": pandas.array([True, None, False], dtype="boolean"), "s": ["a", None, "b"],
            "d": pandas.to_datetime(["2024-01-01", None, "2024-02-01"]), "c": pandas.Categorical(["u", "v", None]),
            "o": [1, "x", None], "i": pandas.array([1, None, 3], dtype="Int64"),
        }
    )  # fmt: skip
    ours = pl.DataFrame(
        {
            "n": [1.0, None, 3], "t": [True, None, False], "s": ["a", None, "b"],
            "d": [datetime(2024, 1, 1), None, datetime(2024, 2, 1)], "c": ["u", "v", None], "o": ["1", "x", None],
            "i": [1, None, 3],
        }
    )  # fmt: skip
    table = fit(ours)
    assert table == fit(frame) == fit(ours.to_dict(as_series=False))
    by_place = table.features([list(row) for row in ours.rows()])
    assert table.features(frame).tobytes() == table.features(ours).tobytes() == by_place.tobytes()
