"""Ramps: where they begin and end, and what they make of a number."""

import json

import numpy as np
import polars as pl
import pytest

from backlit.data.tables import ramps, stored
from backlit.data.tables.encoding import fit
from backlit.errors import DataError

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("rows", "numbers", "count"),
    [
        (12_000, 8, 64), (2_560, 8, 64), (2_559, 8, 63), (160, 8, 4), (159, 8, 0), (12_000, 0, 0),
        (12_000, 512, 4), (12_000, 513, 0), (100_000, 100, 13), (2_000_000, 20, 0), (2_000_000, 8, 8),
    ],
)  # fmt: skip
def test_how_many_there_are(rows, numbers, count):
    """40 rows each, 64 at most, 2,048 in all, and no more than 2²⁷ numbers in the matrix; fewer than 4 are none."""
    assert ramps.how_many(rows, numbers) == count


def test_they_are_cut_at_the_quantiles():
    x = RNG.permutation(np.arange(1001.0)) ** 2
    edges = ramps.fit(x, 4)
    assert edges == (0.0, 250.0**2, 500.0**2, 750.0**2, 1000.0**2)


def test_of_few_values_every_one_is_an_edge():
    assert ramps.fit(np.array([3.0, 1, 1, 2, 9, 4, 4]), 64) == (1.0, 2.0, 3.0, 4.0, 9.0)
    assert ramps.fit(np.array([3.0, 1, 1, 2, 9]), 64) == ()  # three ramps would be too few
    assert ramps.fit(np.repeat([0.0, 1.0], 50), 64) == ()


def test_a_value_that_most_rows_have_takes_many_quantiles_and_one_edge():
    x = np.concatenate([np.zeros(900), np.arange(1.0, 101)])
    edges = ramps.fit(x, 50)
    assert edges[0] == 0
    assert 4 <= len(edges) < 10


def test_what_a_float_cannot_hold_gets_none():
    assert ramps.fit(np.array([-1.7e308, -1e308, 0, 1e308, 1.7e308] * 9), 8) != ()
    assert ramps.fit(np.array([-1.7e308, 1.7e308, 1.71e308, 1.72e308, 1.73e308] * 9), 8) == ()


def test_a_number_on_the_ramps_by_hand():
    edges = (1.0, 2.0, 4.0, 8.0, 16.0)
    assert ramps.apply(np.array([0.0, 1, 3, 7, 1e308, -1e308]), edges).tolist() == [
        [0, 0, 0, 0], [0, 0, 0, 0], [1, 0.5, 0, 0], [1, 1, 0.75, 0], [1, 1, 1, 1], [0, 0, 0, 0],
    ]  # fmt: skip


def test_the_ramps_together_rise_with_the_number():
    x = np.sort(RNG.lognormal(size=500))
    assert (np.diff(ramps.apply(x, ramps.fit(x, 12)).sum(axis=1)) > 0).all()  # each value keeps its place


def test_names_tell_the_ramps_apart():
    assert ramps.names("size", (1.0, 2.5, 1e6)) == ("size: 1 to 2.5", "size: 2.5 to 1e+06")
    close = ramps.names("size", (1.0000001, 1.0000002, 1.0000003))
    assert close == ("size: 1.0000001 to 1.0000002", "size: 1.0000002 to 1.0000003")
    assert ramps.names("size", ()) == ()


# --- in the table encoding


def frame(rows=400):
    return pl.DataFrame(
        {"size": RNG.lognormal(size=rows), "kind": ["a", "b"] * (rows // 2), "few": [0, 1, 2, 3] * (rows // 4)}
    )


def test_columns_of_numbers_get_them_where_the_rows_are_enough():
    table = fit(frame())
    assert [len(column.inputs) for column in table.columns] == [
        1 + 10,
        2,
        1,
    ]  # of 400 rows, 40 a ramp; four values are three ramps
    encoded = table.features(frame())
    assert encoded.shape == (400, 14)
    assert fit(frame(120)).inputs == ("size", "kind=a", "kind=b", "few")
    assert fit(frame(), with_ramps=False).inputs == ("size", "kind=a", "kind=b", "few")


def test_only_the_training_rows_cut_them():
    data, train = frame(800), np.arange(0, 800, 2)
    changed = data.clone()
    changed[1, "size"] = 1e9
    assert fit(changed, train) == fit(data, train)
    changed[0, "size"] = 1e9
    assert fit(changed, train).columns[0].edges != fit(data, train).columns[0].edges


def test_a_missing_number_stands_where_the_median_does():
    data = frame().with_columns(size=pl.when(pl.arange(400) % 9 == 0).then(None).otherwise(pl.col("size")))
    table = fit(data)
    encoded = table.features(data)[0]
    median = table.columns[0].squash.center
    assert encoded[1:11].tolist() == ramps.apply(np.array([median]), table.columns[0].edges)[0].tolist()
    assert encoded[11] == 1  # and is said to be missing


def test_back_from_json_to_the_bit():
    table, data = fit(frame()), frame()
    again = stored.from_dict(json.loads(json.dumps(stored.to_dict(table))))
    assert again == table
    assert again.features(data).tobytes() == table.features(data).tobytes()


def test_a_file_without_ramps_is_read_and_one_with_false_ones_refused():
    held = json.loads(json.dumps(stored.to_dict(fit(frame()))))
    for false in ([1.0], [2.0, 1.0], [1.0, 1.0], [-1.7e308, 1.7e308], ["1", "2"], "12", [1.0, None]):
        held["columns"][0]["edges"] = false
        with pytest.raises(DataError, match="edges"):
            stored.from_dict(held)
    del held["columns"][0]["edges"]
    assert stored.from_dict(held).inputs == ("size", "kind=a", "kind=b", "few")


def test_it_is_said_in_words():
    assert ", and 10 ramps between its quantiles" in fit(frame()).in_words()[0][1]
