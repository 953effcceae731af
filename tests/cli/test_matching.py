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


def drawn(split):
    return matching.fingerprint_of(data.split(IRIS.known_y, **split, stratify=True))


def trained(**changes):
    came_from = {"fingerprint": IRIS.fingerprint(), "split": SPLIT, "split_fingerprint": drawn(SPLIT), "source": "iris"}
    return model({**came_from, **changes})


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
    all_train = {"validation": 0, "test": 0, "seed": 1}
    found = matching.parts_of_training(trained(split=all_train, split_fingerprint=drawn(all_train)), IRIS)
    assert list(found) == ["train"]


def test_rows_that_are_drawn_otherwise_than_they_were_are_no_parts(monkeypatch):
    """As another version of scikit-learn may draw them: the rows it would call test rows may have trained the model."""
    model = trained()
    assert matching.parts_of_training(model, IRIS) != {}
    split = data.split

    def otherwise(*arguments, **options):
        parts = split(*arguments, **options)
        test = parts.test.copy()
        test[0], train = parts.train[0], parts.train.copy()
        train[0] = parts.test[0]
        return data.Split(np.sort(train), parts.validation, np.sort(test))

    monkeypatch.setattr(data, "split", otherwise)
    assert matching.parts_of_training(model, IRIS) == {}


def test_the_fingerprint_of_a_split():
    a, b, c = np.arange(3), np.arange(3, 5), np.arange(5, 9)
    first = matching.fingerprint_of(data.Split(a, b, c))
    assert first == matching.fingerprint_of(data.Split(a, b.astype(np.int32), c))  # on a machine of 32 bits
    assert (
        len({first, *(matching.fingerprint_of(data.Split(a, *two)) for two in ((c, b), (b, c[:3]), (b[:1], c)))}) == 4
    )
    both = np.arange(3, 9)
    assert matching.fingerprint_of(data.Split(a, both, c[:0])) != matching.fingerprint_of(data.Split(a, c[:0], both))


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
        {"split_fingerprint": None},
        {"split_fingerprint": 5},
    ],
)
def test_a_provenance_of_somebody_elses_has_no_parts(changes):
    assert matching.parts_of_training(trained(**changes), IRIS) == {}
    assert matching.parts_of_training(model(), IRIS) == {}
