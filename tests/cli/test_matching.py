"""Whether data and a saved model go together, and whether they have met before."""

import numpy as np
import pytest

import backlit as bl
from backlit import data
from backlit.cli import matching
from backlit.data.encoding import Encoding, fit

IRIS = data.read("iris")
SPLIT = {"validation": 0.2, "test": 0.3, "seed": 5}


def model(provenance=None, columns=4):
    encoding = Encoding(tuple(f"x{i}" for i in range(columns)), np.zeros(columns), np.ones(columns), "classes", "y", 3, ("a", "b", "c"))  # fmt: skip # noqa: E501
    return bl.Model(bl.Network([columns, 3], output="softmax"), encoding, provenance or {})


def trained(**changes):
    return model({"fingerprint": IRIS.fingerprint(), "split": SPLIT, "source": "iris", **changes})


def test_as_many_columns_go_together():
    matching.check_columns(model(), IRIS)


@pytest.mark.parametrize(
    ("taken", "says"),
    [
        (model(columns=3), "iris has 4 columns and the model takes 3: x0, x1, x2; give it data of those columns"),
        (
            model({"source": "cars.npz"}, 5),
            "takes 5: x0, x1, x2, …; give it data like cars.npz, on which it was trained",
        ),
        (model({"source": 5}, 1), "iris has 4 columns and the model takes 1: x0; give it data of those columns"),
    ],
)
def test_other_columns_are_refused(taken, says):
    with pytest.raises(bl.DataError) as error:
        matching.check_columns(taken, IRIS)
    assert says in str(error.value)


def test_images_are_named_by_their_size():
    digits = data.read("digits")
    encoding = fit(digits, np.arange(100))
    taken = bl.Model(bl.Network([64, 10], output="softmax"), encoding)
    with pytest.raises(bl.DataError, match="the pixels of images of 8 × 8"):
        matching.check_columns(taken, IRIS)


def test_the_parts_are_those_of_the_training():
    found = matching.parts_of_training(trained(), IRIS)
    parts = data.split(IRIS.known_y, **SPLIT, stratify=True)
    assert list(found) == ["train", "validation", "test"]
    for name, rows in found.items():
        assert rows.tolist() == getattr(parts, name).tolist()


def test_a_part_without_rows_is_left_out():
    found = matching.parts_of_training(trained(split={"validation": 0, "test": 0, "seed": 1}), IRIS)
    assert list(found) == ["train"]


def test_other_data_have_no_parts():
    assert matching.parts_of_training(trained(), data.read("wine")) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": None},
        {"split": None},
        {"split": {}},
        {"split": 5},
        {"split": {**SPLIT, "more": 1}},
        {"split": {**SPLIT, "test": "most"}},
        {"split": {**SPLIT, "test": 0.9}},
        {"split": {**SPLIT, "seed": -1}},
    ],
)
def test_a_provenance_of_somebody_elses_has_no_parts(changes):
    assert matching.parts_of_training(trained(**changes), IRIS) == {}
    assert matching.parts_of_training(model(), IRIS) == {}
