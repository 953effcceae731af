import numpy as np
import pytest

from backlit.data.dataset import Dataset, as_target
from backlit.errors import BacklitError, DataError


def dataset(**changes):
    values = {
        "X": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        "y": np.array([0, 1, 0]),
        "source": "made",
        "columns": ("a", "b"),
        "target": "t",
    }
    return Dataset(**(values | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"X": np.zeros((0, 2)), "y": np.zeros(0)}, "at least one of each"),
        ({"X": np.zeros((3, 0)), "columns": ()}, "at least one of each"),
        ({"X": np.zeros(3)}, r"X has shape \(3,\)"),
        ({"columns": ("a",)}, "1 names for 2 columns"),
        ({"y": np.array([0, 1])}, "3 rows of features and 2 of targets"),
        ({"X": np.array([[1, 2], [3, np.nan], [5, 6]])}, r"made: X has NaN at row 1, column 1 \('b'\)"),
        ({"X": np.array([[1, 2], [3, 4], [-np.inf, 6]])}, r"made: X has infinity at row 2, column 0 \('a'\)"),
        ({"y": np.array([0.5, 1.5, np.nan])}, "made: target 't' has NaN at row 2"),
    ],
)
def test_what_a_data_set_cannot_be(changes, says):
    with pytest.raises(DataError, match=says) as caught:
        dataset(**changes)
    assert "\n" not in str(caught.value)


def test_a_target_is_known_or_the_error_says_that_there_is_none():
    assert dataset().known_y.tolist() == [0, 1, 0]
    with pytest.raises(DataError, match="made: has no target"):
        _ = dataset(y=None).known_y


def test_the_fingerprint_is_of_the_contents_alone():
    plain = dataset().fingerprint()
    X = np.asfortranarray(dataset().X.astype(">f8"))
    assert dataset(X=X, source="elsewhere", columns=("c", "d")).fingerprint() == plain
    text = dataset(y=np.array(["a", "b", "a"])).fingerprint()
    assert dataset(y=np.array(["a", "b", "a"], dtype="U9")).fingerprint() == text


@pytest.mark.parametrize(
    "changes",
    [
        {"X": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, np.nextafter(6.0, 7)]])},
        {"X": np.array([[1.0, 2.0], [5.0, 6.0], [3.0, 4.0]])},
        {"X": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), "y": np.array([0, 1]), "columns": tuple("abc")},
        {"y": np.array([0, 1, 1])},
        {"y": np.array([0.0, 1.0, 0.0])},
        {"y": np.array(["0", "1", "0"])},
        {"y": None},
    ],
)
def test_the_fingerprint_sees_every_change(changes):
    assert dataset(**changes).fingerprint() != dataset().fingerprint()


def test_text_that_joins_to_the_same_is_not_the_same():
    one, other = np.array(["ab", "c", "d"]), np.array(["a", "bc", "d"])
    assert dataset(y=one).fingerprint() != dataset(y=other).fingerprint()


@pytest.mark.parametrize(
    ("values", "dtype", "as_list"),
    [
        (np.array([1, 2], np.uint8), np.int64, [1, 2]),
        (np.array([1, 2], ">i4"), np.int64, [1, 2]),
        (np.array([1.5, 2], np.float32), np.float64, [1.5, 2.0]),
        ([True, False], np.bool_, [True, False]),
        ([[1], [2]], np.int64, [1, 2]),
        ([[1, 2], [3, 4]], np.int64, [[1, 2], [3, 4]]),
        (np.array([b"caf\xc3\xa9", b"b"]), "U4", ["café", "b"]),
        (np.array(["a", "b"], ">U3"), "U3", ["a", "b"]),
        (np.array(["a", "bc"], object), "U2", ["a", "bc"]),
        (np.array([1, 2.5], object), np.float64, [1.0, 2.5]),
    ],
)
def test_a_target_becomes_one_of_four_kinds(values, dtype, as_list):
    target = as_target(values, "y")
    assert target.dtype == dtype
    assert target.tolist() == as_list
    assert target.flags.c_contiguous


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([[1, 2], [3]], "ragged"),
        (3, "one value a row"),
        ([], "one value a row"),
        (np.zeros((2, 2, 2)), "one value a row"),
        ([["a", "b"]], "text in 2 columns"),
        ([1 + 2j, 3], "complex128"),
        (np.array(["2020-01-01"], "M8[D]"), "datetime64"),
        (["a", None], "row 1 is 'None', not text"),
        ([1, None], "row 1 is 'None', not a number"),
        (np.array(["a", np.nan], object), "row 1 is 'nan', not text"),
        (np.array([[1, 2], [3, "x"]], object), "row 1 is 'x', not a number"),
        ([2**70], "not a number"),
        (np.array([2**64 - 1], np.uint64), "more than a label"),
        (np.array([b"\xff"]), "characters that do not exist"),
        (np.array([0x110000, 65], np.uint32).view("U1"), "characters that do not exist"),
        (np.array([0xD800, 65], np.uint32).view("U1"), "characters that do not exist"),
        (np.array([0x80000000], np.uint32).view("U1"), "characters that do not exist"),
    ],
)
def test_what_a_target_cannot_be(values, says):
    with pytest.raises(BacklitError, match=says) as caught:
        as_target(values, "y")
    assert "\n" not in str(caught.value)
