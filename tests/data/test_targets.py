"""y as the output layer can be compared with, and what counts as right."""

from typing import Any

import numpy as np
import pytest

from backlit.activations import ACTIVATIONS
from backlit.data.targets import Targets, check_reach, check_varies, encode, smooth
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.objective import choose
from backlit.training import train


def encoded(
    output: str, outputs: int, y: Any, cost: str | None = None, dtype: str = "float32", rows: int | None = None
):
    network = Network([2, outputs], output=output, dtype=dtype)
    return encode(network, choose(output, cost), y, len(y) if rows is None else rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", [[2, 0, 1, 2], [2.0, 0.0, 1.0, 2.0], np.array([2, 0, 1, 2], "u1")])
@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity", "tanh"])
def test_classes_become_one_hot_rows_whatever_the_output(output: str, given: Any, dtype: str) -> None:
    targets = encoded(output, 3, given, dtype=dtype)
    np.testing.assert_array_equal(targets.Y, [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert targets.Y.dtype == dtype
    assert targets.decision == "argmax"
    assert targets.strata.tolist() == [2, 0, 1, 2]


def test_booleans_are_classes_and_a_yes_or_no() -> None:
    assert encoded("softmax", 2, [True, False]).Y.tolist() == [[0, 1], [1, 0]]
    assert encoded("sigmoid", 1, [True, False]).Y.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    ("output", "y", "decision", "strata"),
    [
        ("softmax", [[0, 1], [1, 0], [0, 1]], "argmax", [1, 0, 1]),
        ("softmax", [[0.25, 0.75], [0.5, 0.5]], "argmax", [1, 0]),  # shares
        ("sigmoid", [[0, 1], [1, 0]], "argmax", [1, 0]),  # one-hot: one of two
        ("sigmoid", [[0, 1], [1, 1]], "threshold", None),  # several at once
        ("sigmoid", [[0, 0], [0, 1]], "threshold", None),
        ("sigmoid", [[0.5, 0], [0, 1]], None, None),  # shares of a yes are numbers
        ("sigmoid", [[0], [1], [1]], "threshold", [0, 1, 1]),
        ("sigmoid", [0, 1, 1], "threshold", [0, 1, 1]),
        ("sigmoid", [[1], [1]], "threshold", [1, 1]),  # not one of one
        ("sigmoid", [0.1, 0.9], None, None),
        ("identity", [[0, 1], [1, 0]], None, None),
        ("identity", [0.5, -3], None, None),
        ("tanh", [1, -1], None, None),
    ],
)
def test_what_counts_as_right(output: str, y: Any, decision: str | None, strata: list[int] | None) -> None:
    targets = encoded(output, 1 if np.ndim(y) == 1 else np.shape(y)[1], y)
    assert targets.decision == decision
    assert (None if targets.strata is None else targets.strata.tolist()) == strata
    np.testing.assert_array_equal(targets.Y, np.reshape(y, targets.Y.shape).astype("f4"))


@pytest.mark.parametrize("y", [[0, 3, 1.5], [[0], [3], [1.5]]])
def test_counts_and_numbers_are_columns(y: Any) -> None:
    targets = encoded("exponential", 1, y)
    assert targets.Y.tolist() == [[0], [3], [1.5]]
    assert targets.decision is None


def test_numbers_that_fit_already_are_not_copied() -> None:
    y = np.zeros((4, 2), "f4")
    assert encoded("identity", 2, y).Y is y


def test_shares_may_be_rounded_to_float32() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(50), size=20)
    assert encoded("softmax", 50, shares).decision == "argmax"


REFUSED: list[tuple[str, int, Any, str]] = [
    ("softmax", 3, [0, 1, 3], "y has 3 at row 2; with 3 outputs, a column of classes holds whole numbers from 0 to 2"),
    ("softmax", 3, [0, -1, 3], "y has -1 at row 1"),
    ("softmax", 3, [0.0, 1.5], r"y has 1.5 at row 1; .* \(give numbers, not classes, as 3 columns\)"),
    ("softmax", 3, [1e300, 0], r"y has 1e\+300 at row 0"),
    ("softmax", 3, np.array([2**63 + 1], "u8"), "y has 9223372036854775809 at row 0"),
    ("identity", 3, [0.1, 0.2], "y has 0.1 at row 0; with 3 outputs"),
    ("softmax", 3, [[0], [1]], r"y has shape \(2, 1\); the network's output layer takes \(2, 3\)"),
    ("identity", 1, [[0, 1], [1, 2]], r"y has shape \(2, 2\); the network's output layer takes \(2, 1\)"),
    ("identity", 1, [[[0]], [[1]]], r"y has shape \(2, 1, 1\)"),
    ("identity", 1, [np.nan, 1], "y has NaN at row 0"),
    ("softmax", 2, [0, np.inf], "y has infinity at row 1"),
    ("identity", 2, [[0, 1], [1, np.nan]], "y has NaN at row 1, column 1"),
    ("identity", 1, [0, 1e39], "y as float32 has infinity at row 1"),
    ("identity", 1, ["a", "b"], "y holds 'a' where a number should be"),
    ("identity", 1, [[1], [2, 3]], "y is ragged"),
    ("sigmoid", 1, [0, 2], "y has 2 at row 1, column 0; binary-cross-entropy takes numbers from 0 to 1"),
    ("sigmoid", 2, [[0, -0.5]], "y has -0.5 at row 0, column 1; binary-cross-entropy takes"),
    ("softmax", 2, [[0, 2.0]], "y has 2 at row 0, column 1; cross-entropy takes numbers from 0 to 1"),
    ("softmax", 2, [[0, 1], [1, 1]], "y sums to 2 at row 1; cross-entropy takes one-hot rows, or shares that sum to 1"),
    ("softmax", 2, [[0, 0]], "y sums to 0 at row 0"),
    ("exponential", 1, [1, -2], "y has -2 at row 1, column 0; poisson takes counts, 0 or more"),
]


@pytest.mark.parametrize(("output", "outputs", "y", "message"), REFUSED)
def test_what_the_output_cannot_be_compared_with_is_refused(output: str, outputs: int, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message) as refused:
        encoded(output, outputs, y)
    assert "\n" not in str(refused.value)


def test_one_value_for_all_rows_and_another_number_of_rows_are_refused() -> None:
    with pytest.raises(DataError, match="y is one value; give one a row, 7 in all"):
        encoded("identity", 1, 5, rows=7)
    with pytest.raises(DataError, match="y has 2 rows and X has 7"):
        encoded("identity", 1, [1, 2], rows=7)


def test_other_costs_take_other_numbers() -> None:
    """Cross-entropy's targets are shares; a quadratic cost takes any that its output can come near."""
    assert encoded("softmax", 2, [[0.5, 1.0]], cost="quadratic").Y.tolist() == [[0.5, 1.0]]
    assert encoded("tanh", 1, [-0.5], cost="mse").decision is None
    assert encoded("identity", 1, [-4.0], cost="huber").Y.tolist() == [[-4]]


@pytest.mark.parametrize(
    ("output", "beyond", "reach"),
    [
        ("sigmoid", 1.5, "0 to 1"), ("sigmoid", -0.1, "0 to 1"), ("tanh", 1.01, "-1 to 1"), ("softmax", 3, "0 to 1"),
        ("relu", -0.5, "0 and up"), ("softplus", -0.5, "0 and up"), ("elu", -1.5, "-1 and up"),
    ],
)  # fmt: skip
def test_a_target_the_output_cannot_reach_is_refused(output: str, beyond: float, reach: str) -> None:
    with pytest.raises(DataError, match=f"^y has {beyond:g} at row 1, column 0; output {output} only reaches {reach}:"):
        check_reach(ACTIVATIONS[output], np.array([[0.0], [beyond]]))


def test_a_target_at_the_end_of_the_reach_is_taken() -> None:
    check_reach(ACTIVATIONS["tanh"], np.array([[-1.0], [1.0]]))
    check_reach(ACTIVATIONS["leaky-relu"], np.array([[-9.0]]))
    with pytest.raises(DataError, match="output tanh only reaches"):
        train(Network([1, 1], output="tanh"), [[0.0], [1.0]], [0.0, 1.5], progress=False)


def test_targets_that_are_all_the_same_teach_nothing() -> None:
    classes = encoded("softmax", 3, [1, 1, 1, 2])
    check_varies(classes, np.ones(4))
    with pytest.raises(DataError, match=r"^y is class 1 in all of its 3 rows: give rows with different targets"):
        check_varies(classes, np.array([1, 1, 1, 0.0]))  # the row that differs does not count
    with pytest.raises(DataError, match=r"^y is \[2.5\] in all of its 2 rows"):
        check_varies(encoded("identity", 1, [2.5, 2.5]), np.ones(2))
    check_varies(encoded("identity", 1, [2.5]), np.ones(1))  # one row is a pass worked through by hand


def test_the_name_of_the_data_is_in_the_message() -> None:
    with pytest.raises(DataError, match="validation y has 5 at row 0"):
        encode(Network([2, 3], output="softmax"), choose("softmax"), [5], 1, "validation y")


def test_strata_of_numbers_there_are_none() -> None:
    assert Targets(np.ones((2, 1)), None).strata is None
    assert Targets(np.ones((2, 2)), "threshold").strata is None


# --- label smoothing


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_smoothed_classes_by_hand(dtype: str) -> None:
    """ε = 0.3 of 3 classes: 0.7 + 0.1 for the right one, 0.1 for each other."""
    certain = encoded("softmax", 3, [2, 0], dtype=dtype)
    found = smooth(certain, choose("softmax"), 0.3)
    assert found.Y == pytest.approx(np.array([[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]]), rel=1e-6)
    assert (found.Y.dtype, found.decision) == (dtype, "argmax")
    assert certain.Y.tolist() == [[0, 0, 1], [1, 0, 0]]  # those given are not written into


def test_of_a_yes_or_no_two_classes_share() -> None:
    """ε = 0.2: 0.8 + 0.1 for a yes, 0.1 for a no, however many there are."""
    assert smooth(encoded("sigmoid", 1, [0, 1]), choose("sigmoid"), 0.2).Y == pytest.approx(np.array([[0.1], [0.9]]))
    labels = smooth(encoded("sigmoid", 3, [[0, 1, 1]]), choose("sigmoid"), 0.2)
    assert labels.Y == pytest.approx(np.array([[0.1, 0.9, 0.9]]))
    assert labels.decision == "threshold"


def test_no_smoothing_leaves_them_as_they_are() -> None:
    targets = encoded("identity", 1, [0.5, 2.0])
    assert smooth(targets, choose("identity"), 0.0) is targets


def test_smoothing_that_cannot_be_is_refused() -> None:
    with pytest.raises(OptionError, match="is for classes, by output softmax or sigmoid; the output is identity"):
        smooth(encoded("identity", 1, [0.5, 2.0]), choose("identity"), 0.1)
    for share in (1, -0.1, "much"):
        with pytest.raises(OptionError, match="label_smoothing of train must be a number at least 0 and below 1"):
            smooth(encoded("softmax", 2, [0, 1]), choose("softmax"), share)


def test_the_first_step_of_a_training_with_smoothed_labels_by_hand() -> None:
    """At θ = 0 softmax gives ½ and ½, so δ = a - y is ∓0.4 with ε = 0.2, and W moves by η (±0.4) x."""
    network = Network([2, 2], output="softmax", dtype="float64", seed=0)
    network.parameters[...] = 0
    X, y = np.array([[1.0, 2.0], [1.0, 2.0]]), [1, 1]
    options = {"optimizer": "sgd", "learning_rate": 0.5, "batch_size": "all", "epochs": 1, "progress": False}
    train(network, np.vstack([X, 0 * X]), [*y, 0, 1], label_smoothing=0.2, **options)
    # four rows, of which two have x = 0: the mean over them is half of one such row's
    assert network.layer(2).W == pytest.approx(0.5 * 0.5 * 0.4 * np.array([[-1, -2], [1, 2]]), rel=1e-12)


def test_validation_keeps_its_labels_and_training_loses_its_certainty() -> None:
    X, y = np.array([[-1.0], [1.0]] * 8), [0, 1] * 8
    costs = []
    for share in (0.0, 0.3):
        network = Network([1, 2], output="softmax", dtype="float64", seed=0)
        network.parameters[...] = [-3, 3, 0, 0]
        run = train(
            network, X, y, label_smoothing=share, validation=(X, y), optimizer="sgd", learning_rate=1e-300,
            batch_size="all", epochs=1, progress=False,
        )  # fmt: skip
        costs.append((run.history[0].cost, run.history[0].validation_cost))
    ln = np.log1p(np.exp(-6))  # of the right class; the wrong one costs 6 more
    assert costs[0] == pytest.approx((ln, ln), rel=1e-9)
    assert costs[1] == pytest.approx((ln + 0.15 * 6, ln), rel=1e-9)
    assert run.options["label_smoothing"] == 0.3
