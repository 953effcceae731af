import json

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from backlit.data import Encoding, load, read
from backlit.data.dataset import Dataset
from backlit.data.encoding import fit, infer_task
from backlit.errors import BacklitError, DataError, OptionError

X = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 60.0], [6.0, 30.0]])
ROWS = np.arange(3)  # of training; the last row is held out


def dataset(y, X=X, **more):
    y = None if y is None else np.asarray(y)
    values = {"X": X, "y": y, "source": "made", "columns": ("a", "b"), "target": "t"}
    return Dataset(**(values | more))


def images(dtype=np.float32, **more):
    pixels = np.arange(16, dtype=dtype).reshape(4, 4)
    return dataset([0, 1, 0, 1], pixels, columns=tuple("abcd"), full_scale=15.0, image_shape=(2, 2), **more)


def test_tables_are_standardised_as_scikit_learn_does():
    encoding = fit(dataset([0, 1, 0, 1]), ROWS)
    scaler = StandardScaler().fit(X[ROWS])
    np.testing.assert_allclose(encoding.offset, scaler.mean_, rtol=1e-15)  # the same few additions, in another order
    np.testing.assert_allclose(encoding.scale, scaler.scale_, rtol=1e-15)
    np.testing.assert_allclose(encoding.features(X), scaler.transform(X), rtol=1e-14)
    by_hand = (6 - 2) / np.sqrt(2 / 3)  # mean and standard deviation of 1, 2, 3
    assert encoding.features(X)[3, 0] == pytest.approx(by_hand, rel=1e-15)


@pytest.mark.parametrize("y", [[0, 1, 0, 1], [0.5, 1.5, 2.25, 3], [[0, 1], [1, 1], [1, 0], [0, 0]]])
def test_only_the_training_rows_are_looked_at(y):
    changed_X, changed_y = X.copy(), np.array(y)
    changed_X[3], changed_y[3] = -1e6, changed_y[0]
    before, after = fit(dataset(y), ROWS).to_dict(), fit(dataset(changed_y, changed_X), ROWS).to_dict()
    assert before == after
    changed_X[2], changed_y[2] = -1e6, changed_y[0]  # a training row: the test can fail
    assert fit(dataset(changed_y, changed_X), ROWS).to_dict() != before


def test_a_class_of_held_out_rows_alone_is_known():
    encoding = fit(dataset(["x", "y", "x", "z"]), ROWS)
    assert encoding.classes == ("x", "y", "z")


def test_a_constant_column_becomes_zero():
    constant = X.copy()
    constant[:3, 1] = 0.1  # whose mean of three is not 0.1 in floating point
    encoding = fit(dataset([0, 1, 0, 1], constant), ROWS)
    assert (encoding.offset[1], encoding.scale[1]) == (0.1, 1)
    assert encoding.features(constant)[:3, 1].tolist() == [0, 0, 0]


def test_a_column_too_narrow_to_have_a_deviation_has_scale_1():
    narrow = X.copy()
    narrow[:, 0] = [0, 5e-324, 0, 0]  # its variance is below the smallest number
    assert fit(dataset([0, 1, 0, 1], narrow), ROWS).scale[0] == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_are_divided_by_their_full_scale(dtype):
    encoding = fit(images(), ROWS)
    features = encoding.features(images().X, dtype)
    assert features.dtype == dtype
    np.testing.assert_array_equal(features, np.arange(16, dtype=dtype).reshape(4, 4) / dtype(15))
    assert (encoding.full_scale, encoding.image_shape) == (15, (2, 2))


def test_images_may_come_with_their_shape():
    encoding = fit(images(), ROWS)
    np.testing.assert_array_equal(encoding.features(images().X.reshape(4, 2, 2)), encoding.features(images().X))
    with pytest.raises(DataError, match=r"X must be rows × 4 columns; its shape is \(2, 2, 4\)"):
        encoding.features(np.zeros((2, 2, 4)))


def test_the_encoding_of_pixels_is_what_loading_gives():
    digits = read("digits")
    encoded = fit(digits, np.arange(1000)).features(digits.X, np.float32)
    np.testing.assert_array_equal(encoded, load("digits")[0])


def test_encoding_leaves_the_raw_values_alone():
    raw = X.copy()
    fit(dataset([0, 1, 0, 1]), ROWS).features(raw)
    np.testing.assert_array_equal(raw, X)
    pixels = images().X
    fit(images(), ROWS).features(pixels, np.float32)
    np.testing.assert_array_equal(pixels, images().X)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (X[:, :1], "X has 1 columns where 2 are expected: 'a', 'b'"),
        (np.zeros((2, 3)), "X has 3 columns where 2 are expected"),
        (X[0], r"X must be rows × 2 columns; its shape is \(2,\)"),
        ([[1, np.nan]], r"X has NaN at row 0, column 1 \('b'\)"),
        ([[1, 2], [np.inf, 2]], r"X has infinity at row 1, column 0 \('a'\)"),
        ([["x", "y"]], "X holds 'x' where a number should be"),
        ([[1, 2], [3]], "ragged"),
        ([[1, 1e300]], "X, encoded as float32, has infinity at row 0, column 1"),
    ],
)
def test_bad_features_are_named_in_one_line(raw, says):
    with pytest.raises(DataError, match=says) as caught:
        fit(dataset([0, 1, 0, 1]), ROWS).features(raw, np.float32)
    assert "\n" not in str(caught.value)


def test_the_columns_of_a_frame_are_taken_by_name():
    encoding = fit(dataset([0, 1, 0, 1]), ROWS)
    frame = polars.DataFrame({"b": X[:, 1], "more": ["text"] * 4, "a": X[:, 0]})
    assert encoding.features(frame).tolist() == encoding.features(X).tolist()
    with pytest.raises(
        DataError, match=r"^X has no column 'a'; columns are taken by their names, and it has 'b', 'mor"
    ):
        encoding.features(frame.drop("a"))


def test_the_pixels_expected_are_named():
    with pytest.raises(DataError, match="X has 5 columns where 4 are expected: the pixels of images of 2 × 2"):
        fit(images(), ROWS).features(np.zeros((1, 5)))


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["no", "yes", "no", "yes"], ("no", "yes")),
        ([3, -1, 3, 7], (-1, 3, 7)),
        ([2.0, 1.0, 2.0, 1.0], (1, 2)),
        ([True, False, True, False], (False, True)),
    ],
)
def test_classes_go_there_and_back(y, classes):
    encoding = fit(dataset(y), ROWS)
    assert (encoding.task, encoding.classes, encoding.outputs) == ("classes", classes, len(classes))
    one_hot = encoding.targets(y, np.float32)
    assert (one_hot.dtype, one_hot.shape) == (np.float32, (4, len(classes)))
    np.testing.assert_array_equal(one_hot.sum(axis=1), 1)
    assert encoding.answers(one_hot).tolist() == y


def test_two_classes_share_a_single_output():
    encoding = fit(dataset(["no", "yes", "no", "yes"]), ROWS, single_output=True)
    assert encoding.outputs == 1
    assert encoding.targets(["yes", "no"]).tolist() == [[1], [0]]
    assert encoding.answers(np.array([[0.5], [0.49]])).tolist() == ["yes", "no"]
    np.testing.assert_array_equal(encoding.probabilities(np.array([[0.25]])), [[0.75, 0.25]])


def test_names_stand_for_numbers_where_the_source_knows_them():
    encoding = fit(dataset([0, 1, 0, 1], classes=("ash", "oak", "elm")), ROWS)
    assert (encoding.classes, encoding.codes, encoding.outputs) == (("ash", "oak", "elm"), (0, 1, 2), 3)
    np.testing.assert_array_equal(encoding.targets([2, 0, 1]), np.eye(3)[[2, 0, 1]])
    np.testing.assert_array_equal(encoding.targets(["elm", "ash", "oak"]), np.eye(3)[[2, 0, 1]])
    assert encoding.answers(np.eye(3)).tolist() == ["ash", "oak", "elm"]
    with pytest.raises(DataError, match="2 names stand for 0 to 1"):
        fit(dataset([0, 1, 0, 5], classes=("ash", "oak")), ROWS)


def test_text_classes_are_not_told_by_numbers():
    with pytest.raises(DataError, match="unknown class 0 in row 0 and in 1 more; known: 'no', 'yes'"):
        fit(dataset(["no", "yes", "no", "yes"]), ROWS).targets([0, 1])


def test_labels_go_there_and_back():
    y = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 1]])
    encoding = fit(dataset(y), ROWS)
    assert (encoding.task, encoding.outputs) == ("labels", 3)
    np.testing.assert_array_equal(encoding.answers(encoding.targets(y)), y)
    np.testing.assert_array_equal(encoding.answers(np.array([[0.5, 0.49, 0.51]])), [[1, 0, 1]])
    np.testing.assert_array_equal(encoding.probabilities(np.array([[0.5, -0.1, 1.1]])), [[0.5, 0, 1]])


def test_numbers_go_there_and_back():
    y = np.array([1.0, 2.0, 6.0, 10.5])
    encoding = fit(dataset(y), ROWS)
    assert (encoding.task, encoding.outputs) == ("numbers", 1)
    encoded = encoding.targets(y)
    assert encoded[:3].mean() == pytest.approx(0, abs=1e-15)
    assert encoded[:3].std() == pytest.approx(1, rel=1e-15)
    np.testing.assert_allclose(encoding.answers(encoded), y, rtol=1e-15)  # one rounding there, one back
    assert encoding.probabilities(encoded) is None


@pytest.mark.parametrize(
    ("output", "encoded"),
    [
        ("identity", (np.array([1.0, 2.0, 6.0, 10.5]) - 3) / np.sqrt(14 / 3)),
        ("sigmoid", [0, 0.2, 1, 1.9]),
        ("tanh", [-1, -0.6, 1, 2.8]),
        ("relu", np.array([1.0, 2.0, 6.0, 10.5]) / np.sqrt(41 / 3)),
        ("exponential", [1, 2, 6, 10.5]),
    ],
)
def test_numbers_are_brought_to_where_the_output_can_answer(output, encoded):
    y = np.array([1.0, 2.0, 6.0, 10.5])
    encoding = fit(dataset(y), ROWS, output=output)
    np.testing.assert_allclose(encoding.targets(y).ravel(), encoded, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(encoding.answers(encoding.targets(y)), y, rtol=1e-14)
    assert fit(dataset([0, 1, 0, 1]), ROWS, output=output).targets([1, 0]).tolist() == [[0, 1], [1, 0]]  # classes


def test_several_numbers_keep_their_units():
    y = np.column_stack([[1.0, 2, 6, 10.5], [100.0, -300, 50, 0]])
    encoding = fit(dataset(y), ROWS)
    assert encoding.outputs == 2
    np.testing.assert_allclose(encoding.answers(encoding.targets(y)), y, atol=1e-12)
    np.testing.assert_allclose(encoding.answers(np.zeros((1, 2))), [y[:3].mean(axis=0)])


def test_probabilities_of_independent_outputs_sum_to_one():
    encoding = fit(dataset([0, 1, 2, 1]), ROWS)
    a = np.array([[0.2, 0.2, 0.4], [0.0, 0.0, 0.0], [-1.0, 1.0, 3.0]], np.float32)
    probabilities = encoding.probabilities(a)
    np.testing.assert_allclose(probabilities, [[0.25, 0.25, 0.5], [1 / 3, 1 / 3, 1 / 3], [0, 0.25, 0.75]], rtol=1e-7)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-15)


MULTI = [[0, 1], [1, 0], [1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("known", "y", "says"),
    [
        (["no", "yes", "no", "yes"], ["no", "maybe"], "target 't' has the unknown class 'maybe' in row 1; known: 'no'"),
        ([0, 1, 2, 0], [0, 7], "unknown class 7 in row 1; known: 0, 1, 2"),
        ([0, 1, 2, 0], [0.5, 1], "unknown class 0.5 in row 0"),
        ([0, 1, 2, 0], ["1"], "unknown class '1' in row 0"),
        ([0, 1, 2, 0], [1, np.nan], "target 't' has NaN at row 1"),
        ([0, 1, 2, 0], [[0, 1]], "target 't' has 2 columns; classes are one a row"),
        ([0.5, 1, 2, 3], ["x"], "target 't' is text .'x' in row 0. where numbers are expected"),
        ([0.5, 1, 2, 3], [1, np.inf], "target 't' has infinity at row 1"),
        ([0.5, 1, 2, 3], [[1.5, 2]], "target 't' has 2 columns where 1 are expected"),
        ([0.5, 1, 2, 3], [1e300], "target 't', encoded as float32, has infinity at row 0"),
        (MULTI, [[0, 1], [0, 2]], "target 't' is 2 in row 1, column 1; labels are 0 or 1"),
        (MULTI, [[0, 1, 1]], "target 't' has 3 columns where 2 are expected"),
    ],
)
def test_bad_targets_are_named_in_one_line(known, y, says):
    with pytest.raises(DataError, match=says) as caught:
        fit(dataset(known), ROWS).targets(y, np.float32)
    assert "\n" not in str(caught.value)


def test_the_classes_named_fit_a_line():
    y = np.arange(40)
    many = dataset(y, np.zeros((40, 2)))
    with pytest.raises(DataError, match=r"known: 0, 1, .*, 11, … \(40 in all\)"):
        fit(many, y, task="classes").targets([99])


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["a", "b"], "classes"),
        ([True, False], "classes"),
        (np.arange(20), "classes"),
        (np.arange(21), "numbers"),
        (np.arange(900) % 30, "classes"),  # 30 different values are √900
        (np.arange(900) % 31, "numbers"),
        ([1.0, 2.0, 2.0], "classes"),
        ([1.0, 2.5, 2.0], "numbers"),
        ([[0, 1], [1, 1]], "labels"),
        ([[0.0, 1.0], [1.0, 1.0]], "labels"),
        ([[True, False]], "labels"),
        ([[0, 1], [1, 2]], "numbers"),
        ([[0.5, 1]], "numbers"),
        ([[1], [2]], "classes"),
    ],
)
def test_the_task_is_seen_from_the_target(y, task):
    assert infer_task(y) == task


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast-cancer", "diabetes"])
def test_the_bundled_sets_have_the_task_they_are_known_for(name):
    dataset = read(name)
    encoding = fit(dataset, np.arange(0, len(dataset.X), 2))
    assert encoding.task == ("numbers" if name == "diabetes" else "classes")
    assert np.isfinite(encoding.features(dataset.X, np.float32)).all()
    encoded = encoding.targets(dataset.known_y)
    np.testing.assert_allclose(encoding.targets(encoding.answers(encoded)), encoded, atol=1e-12)


@pytest.mark.parametrize(
    ("y", "options", "kind", "says"),
    [
        (None, {}, DataError, "made: has no target"),
        (["a", "a", "a", "b"], {}, DataError, "made: target 't' is 'a' in each of the 3 training rows"),
        ([5, 5, 5, 5], {}, DataError, "is 5 in each of the 3 training rows; there is nothing to learn"),
        ([2.5, 2.5, 2.5, 1], {}, DataError, "is 2.5 in each"),
        ([[0, 1]] * 4, {}, DataError, r"is \[0, 1\] in each"),
        ([0, 1, 2, 1], {"task": "class"}, OptionError, "task 'class' is not known; did you mean 'classes'"),
        ([0.5, 1, 2, 1], {"task": "classes"}, DataError, "is 0.5 in row 0; classes are text or whole numbers"),
        ([1e30, 1, 2, 1], {"task": "classes"}, DataError, r"is 1e\+30 in row 0; classes are text or whole numbers"),
        ([[0, 1], [1, 0]] * 2, {"task": "classes"}, DataError, "has 2 columns; classes are one a row"),
        (["a", "b"] * 2, {"task": "numbers"}, DataError, "is text, which is classes and cannot be numbers"),
        ([0, 1, 2, 1], {"task": "labels"}, DataError, "is 2 in row 2, column 0; labels are 0 or 1"),
        ([0.5, -1, 2, 1], {"output": "relu"}, DataError, r"goes down to -1 \(in row 1\), and output relu never goes"),
        ([0.5, -1, 2, 1], {"output": "rleu"}, OptionError, "output 'rleu' is not known; did you mean 'relu'"),
        ([0, 1, 2, 1], {"single_output": True}, OptionError, "a single output tells two classes apart; .* has 3"),
        ([1e308, -1e308, 0.5, 0], {}, DataError, "target 't' has numbers too far apart to standardise in column 0"),
    ],
)
def test_what_cannot_be_fitted_is_named_in_one_line(y, options, kind, says):
    with pytest.raises(kind, match=says) as caught:
        fit(dataset(y), ROWS, **options)
    assert "\n" not in str(caught.value)


def test_features_too_far_apart_are_named():
    wide = np.array([[1e308, 1], [-1e308, 2], [0, 3], [0, 4]])
    with pytest.raises(DataError, match="made: X has numbers too far apart to standardise in column 0"):
        fit(dataset([0, 1, 0, 1], wide), ROWS)


def test_there_must_be_training_rows():
    with pytest.raises(DataError, match="there are no training rows"):
        fit(dataset([0, 1, 0, 1]), np.arange(0))


ENCODINGS = (
    fit(dataset(["no", "yes", "ähm", "yes"]), ROWS),
    fit(dataset([True, False, True, False]), ROWS, single_output=True),
    fit(dataset([0, 1, 0, 1], classes=("ash", "oak", "elm")), ROWS),
    fit(dataset(MULTI), ROWS),
    fit(dataset([[0.1, 1 / 3], [1e-300, 0], [1, 1e140], [0, 0]], X / 3), ROWS),
    fit(images(), ROWS),
)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=repr)
def test_an_encoding_goes_through_json_to_the_bit(encoding):
    written = json.dumps(encoding.to_dict(), allow_nan=False)
    back = Encoding.from_dict(json.loads(written))
    assert vars(back).keys() == vars(encoding).keys()
    for name, value in vars(encoding).items():
        again = getattr(back, name)
        assert type(again) is type(value)
        if isinstance(value, np.ndarray):
            assert again.dtype == value.dtype
            assert again.tobytes() == value.tobytes()
        else:
            assert again == value
    assert [type(label) for label in back.classes] == [type(label) for label in encoding.classes]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), min_size=2, max_size=6))
def test_every_float_goes_through_json_to_the_bit(values):
    column = np.array(values)[:, np.newaxis]
    try:
        encoding = fit(dataset(np.arange(len(values)), column, columns=("a",)), np.arange(len(values)))
    except BacklitError:
        assert np.abs(column).max() > 1e150  # the sum or the variance overflows
        return
    back = Encoding.from_dict(json.loads(json.dumps(encoding.to_dict())))
    assert (back.offset.tobytes(), back.scale.tobytes()) == (encoding.offset.tobytes(), encoding.scale.tobytes())
    assert np.isfinite(encoding.features(column)).all()
