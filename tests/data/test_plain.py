import copy
import json
import random

import numpy as np
import pytest

from backlit.data import Encoding
from backlit.errors import BacklitError, DataError

CLASSES = {
    "columns": ["a", "b"],
    "offset": [0.5, 1.5],
    "scale": [1.0, 2.0],
    "task": "classes",
    "target": "t",
    "outputs": 3,
    "classes": ["x", "y", "z"],
    "codes": [0, 1, 2],
    "target_offset": [],
    "target_scale": [],
    "image_shape": None,
    "full_scale": None,
    "table": None,
    "target_log": [],
}
NUMBERS = CLASSES | {
    "task": "numbers",
    "outputs": 1,
    "classes": [],
    "codes": [],
    "target_offset": [3.0],
    "target_scale": [0.5],
    "image_shape": [1, 2],
    "full_scale": 255.0,
    "offset": [0.0, 0.0],
    "scale": [255.0, 255.0],
}


def test_both_are_good_as_they_are():
    assert Encoding.from_dict(CLASSES).to_dict() == CLASSES
    assert Encoding.from_dict(NUMBERS).to_dict() == NUMBERS


def test_files_from_before_there_were_tables_are_read():
    older = {name: value for name, value in CLASSES.items() if name not in ("table", "target_log")}
    assert Encoding.from_dict(older).to_dict() == CLASSES


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"columns": "ab"}, "columns is of type str, not a list"),
        ({"columns": ["a", 1]}, r"columns\[1\] is of type int, not text"),
        ({"columns": ["a", "\ud800"]}, r"columns\[1\] is text with characters that do not exist"),
        ({"columns": [], "offset": [], "scale": []}, "columns are none"),
        ({"offset": [0.5]}, "offset has 1 values where there must be 2"),
        ({"offset": None}, "offset is missing, not a list"),
        ({"offset": {"0": 1}}, "offset is of type dict, not a list"),
        ({"offset": [0.5, "1"]}, r"offset\[1\] is of type str, not a number"),
        ({"offset": [0.5, True]}, r"offset\[1\] is of type bool, not a number"),
        ({"offset": [0.5, float("nan")]}, r"offset\[1\] is not finite"),
        ({"offset": [10**400, 1]}, r"offset\[0\] is not finite"),
        ({"scale": [1.0, 0.0]}, r"scale\[1\] is 0, and must be above 0"),
        ({"scale": [1.0, -2.0]}, r"scale\[1\] is -2, and must be above 0"),
        ({"scale": [1.0, float("inf")]}, r"scale\[1\] is not finite"),
        ({"task": "guess"}, "task is 'guess', none of classes, labels, numbers"),
        ({"task": ["classes"]}, "task is of type list, not text"),
        ({"target": 3}, "target is of type int, not text"),
        ({"outputs": 2}, "outputs are 2 for 3 classes"),
        ({"outputs": 1}, "outputs are 1 for 3 classes"),
        ({"outputs": 0}, "outputs is out of range"),
        ({"outputs": 3.0}, "outputs is of type float, not a whole number"),
        ({"outputs": True}, "outputs is of type bool"),
        ({"classes": ["x", "y", "y"]}, "classes has the same value twice"),
        ({"classes": ["x", "y", 3]}, r"classes\[2\] is of type int, not text"),
        ({"classes": [1, 2, True]}, r"classes\[2\] is of type bool, not a whole number"),
        ({"classes": [1, 2, 2**63]}, r"classes\[2\] is out of range"),
        ({"classes": [1, 2, 2.5]}, r"classes\[2\] is of type float"),
        ({"classes": [["x"], "y", "z"]}, r"classes\[0\] is of type list"),
        ({"classes": ["x"], "outputs": 1, "codes": []}, "classes are 1, and must be at least 2"),
        ({"classes": [5, 6, 7]}, "codes stand for names alone"),
        ({"codes": [0, 1]}, "codes are 2 for 3 classes"),
        ({"codes": [0, 1, 1]}, "codes has the same value twice"),
        ({"target_offset": [1.0]}, "target_offset has 1 values where there must be 0"),
        ({"image_shape": [1, 3]}, "image_shape is 1 × 3 for 2 columns"),
        ({"image_shape": [2]}, "image_shape has 1 values where there must be 2"),
        ({"image_shape": [-1, -2]}, r"image_shape\[0\] is out of range"),
        ({"image_shape": 2}, "image_shape is of type int, not a list"),
        ({"full_scale": 0.0}, "full_scale is 0, and must be above 0"),
        ({"full_scale": 255.0}, "offset and scale are not those of pixels"),
        ({"more": 1}, "'more' unknown; a newer version may have written it"),
        ({"task": "labels"}, "classes and codes must be none for labels"),
        ({"task": "numbers"}, "target_offset has 0 values where there must be 3"),
    ],
)
def test_every_value_is_checked(changes, says):
    with pytest.raises(DataError, match=says) as caught:
        Encoding.from_dict(CLASSES | changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - {"table", "target_log"}))
def test_every_value_must_be_there(name):
    with pytest.raises(DataError, match=f"encoding: {name} missing"):
        Encoding.from_dict({key: value for key, value in CLASSES.items() if key != name})


@pytest.mark.parametrize("values", [None, [], "text", 3])
def test_what_is_no_mapping(values):
    with pytest.raises(DataError, match="not a mapping"):
        Encoding.from_dict(values)


HOSTILE = (
    None, True, -1, 0, 1, 2**63, 10**400, 1e308, -0.0, float("nan"), float("inf"), "", "x", "\ud800", [], [[]], {},
    {"a": 1}, [None], [1, 1], ["x", "x"], "classes", "labels", "numbers", [1, 2], [2, 1], [0.0, 0.0], [True, False],
)  # fmt: skip


def test_any_mixture_is_an_encoding_that_works_or_a_line():
    worked = 0
    for seed in range(3000):
        chance = random.Random(seed)
        values = copy.deepcopy(chance.choice((CLASSES, NUMBERS)))
        for _ in range(chance.choice((1, 1, 2, 3))):
            values[chance.choice(list(values))] = chance.choice(HOSTILE)
        try:
            encoding = Encoding.from_dict(values)
        except BacklitError:
            continue
        worked += 1
        features = encoding.features(np.zeros((2, len(encoding.columns))))
        assert np.isfinite(features).all()
        assert len(encoding.answers(np.zeros((2, encoding.outputs)))) == 2
        json.dumps(encoding.to_dict(), allow_nan=False)
        repr(encoding)
    assert worked > 20
