"""What cannot be trained is refused before the first step: one line that says what, where and what to do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backlit as bl
from backlit.engines.reference import ReferenceEngine
from backlit.errors import BacklitError, DataError, OptionError, OutputPathError
from backlit.optimizers import schedules
from backlit.training.setup import prepare

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
CLASSES = np.arange(12) % 3
NUMBERS = X[:, 0] + X[:, 1]


def with_(array: np.ndarray, place: Any, value: Any) -> np.ndarray:
    changed = array.astype(float)
    changed[place] = value
    return changed


def classifier(**options: Any) -> bl.Network:
    return bl.Network([3, 4, 3], output="softmax", **options)


def regressor(**options: Any) -> bl.Network:
    return bl.Network([3, 4, 1], **options)


def labels() -> bl.Network:
    return bl.Network([3, 4, 2], output="sigmoid")


class Watches(bl.Callback):
    def on_train_begin(self, run: bl.Run) -> None:
        raise AssertionError("the training began")


# kind, what differs from a good call, what the message says
DATA: list[tuple[dict[str, Any], str]] = [
    ({"X": with_(X, (4, 2), np.nan)}, r"X has NaN at row 4, column 2 \(rows and columns count from 0\); fill or leave"),
    ({"X": with_(X, (0, 0), np.inf)}, "X has infinity at row 0, column 0"),
    ({"X": with_(X, (3, 1), 1e39)}, "X as float32 has infinity at row 3, column 1"),
    ({"X": X[:, :2]}, "X has 2 columns; the network's input layer takes 3"),
    ({"X": X[0]}, r"X must be a table of rows × 3 columns; it has 1 dimensions \(one row is X\[:1\]"),
    ({"X": X[:, :, None]}, "X must be a table of rows × 3 columns; it has 3 dimensions"),
    ({"X": 5.0}, "X must be a table"),
    ({"X": X[:0], "y": CLASSES[:0]}, "X has no rows"),
    ({"X": [[1, 2, 3], [4, 5]]}, "X is ragged: its rows have different lengths"),
    ({"X": [["a", 1, 2]] * 12}, "X holds 'a' where a number should be; encode text first"),
    ({"X": [[1, 2, 10**400]] * 12}, "X holds '1000"),
    ({"X": X + 1j}, "X holds values of type complex128 where a number should be"),
    ({"X": None}, "X must be a table"),
    ({"X": [[None, 1, 2]] * 12}, "X has NaN at row 0, column 0 and 11 more like it"),
    ({"y": CLASSES[:-1]}, "y has 11 rows and X has 12; they must be of the same rows"),
    ({"y": 5}, "y is one value; give one a row, 12 in all"),
    ({"y": with_(CLASSES, 7, 3)}, "y has 3.0 at row 7; with 3 outputs, a column of classes holds whole numbers from 0"),
    ({"y": with_(CLASSES, 2, -1)}, "y has -1.0 at row 2"),
    ({"y": with_(CLASSES, 2, 0.5)}, "y has 0.5 at row 2"),
    ({"y": with_(CLASSES, 2, 1e300)}, r"y has 1e\+300 at row 2"),
    ({"y": with_(CLASSES, 9, np.nan)}, "y has NaN at row 9"),
    ({"y": ["cat"] * 12}, "y holds 'cat' where a number should be; encode text first"),
    ({"y": np.eye(3)[CLASSES][:, :2]}, r"y has shape \(12, 2\); the network's output layer takes \(12, 3\)"),
    ({"y": 2 * np.eye(3)[CLASSES]}, "y has 2 at row 0, column 0; cross-entropy takes numbers from 0 to 1"),
    ({"y": np.eye(3)[CLASSES] * 0.5}, "y sums to 0.5 at row 0; cross-entropy takes one-hot rows"),
    ({"network": regressor(), "y": with_(NUMBERS, 5, -np.inf)}, "y has infinity at row 5"),
    ({"network": labels(), "y": np.full((12, 2), 1.5)}, "y has 1.5 at row 0, column 0; binary-cross-entropy takes"),
    (
        {"network": bl.Network([3, 1], output="exponential"), "y": -np.arange(12)},
        "y has -1 at row 1, column 0; poisson",
    ),
    ({"batch_size": 13}, "there are 12 training rows, fewer than one batch of 13; use batch_size='all'"),
    ({"batch_size": 10, "validation": 0.25}, "there are 9 training rows, fewer than one batch of 10"),
    ({"sample_weight": [1.0] * 11}, "sample_weight has 11 rows and X has 12"),
    ({"sample_weight": with_(np.ones(12), 3, np.nan)}, "sample_weight has NaN at row 3"),
    ({"sample_weight": with_(np.ones(12), 3, -1)}, "sample_weight has -1 at row 3; weights are 0 or more"),
    ({"sample_weight": np.zeros(12)}, "sample_weight is zero for every row"),
    ({"class_weight": {0: 0, 1: 0, 2: 0}}, "every training row weighs 0"),
    ({"validation": (X, CLASSES[:3])}, "validation y has 3 rows and X has 12"),
    ({"validation": (X[:, :1], CLASSES)}, "validation X has 1 columns; the network's input layer takes 3"),
    ({"validation": (with_(X, (1, 1), np.nan), CLASSES)}, "validation X has NaN at row 1, column 1"),
    ({"validation": (X, with_(CLASSES, 6, 5))}, "validation y has 5.0 at row 6"),
    ({"validation": 0.999}, "12 rows cannot be split: holding out 0.999 leaves none to train on"),
    (
        {"validation": 0.25, "seed": 1, "sample_weight": "all but the held-out ones weigh 0"},
        "every (training|validation) row weighs 0",
    ),
]

OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"network": "digits"}, "the first argument of train must be a backlit.Network, not str"),
    ({"cost": "cross-entrpy"}, "cost 'cross-entrpy' is not known; did you mean 'cross-entropy'"),
    ({"cost": "poisson"}, "cost 'poisson' does not go with output 'softmax'"),
    ({"optimizer": "adm"}, "optimizer 'adm' is not known; did you mean 'adam'"),
    ({"optimizer": bl.optimizers.Adam}, "optimizer .* is not known"),
    ({"optimizer": None}, "optimizer 'None' is not known"),
    ({"learning_rate": -0.1}, "learning_rate of adam must be a number above 0, not -0.1"),
    ({"learning_rate": 0}, "learning_rate of adam must be a number above 0"),
    ({"learning_rate": np.nan}, "learning_rate of adam must be a number above 0"),
    ({"learning_rate": "fast"}, "learning_rate of adam must be a number above 0, not 'fast'"),
    ({"schedule": "cosin"}, "schedule 'cosin' is not known; did you mean 'cosine'"),
    ({"schedule": schedules.Cosine}, "schedule .* is not known"),
    ({"l2": -1}, "l2 must be a number from 0 up, not -1"),
    ({"l2": "a"}, "l2 must be a number from 0 up, not 'a'"),
    ({"l2": np.inf}, "l2 must be a number from 0 up"),
    ({"clip": 0}, "clip of train must be a number above 0"),
    ({"clip": "1"}, "clip of train must be a number above 0"),
    ({"epochs": 0}, "epochs must be a whole number, at least 1, not 0"),
    ({"epochs": 2.5}, "epochs must be a whole number, at least 1, not 2.5"),
    ({"epochs": True}, "epochs must be a whole number"),
    ({"batch_size": 0}, "batch_size must be a whole number, at least 1, not 0"),
    ({"batch_size": 2.0}, "batch_size must be a whole number"),
    ({"batch_size": "everything"}, "batch_size must be a whole number of rows or 'all', not 'everything'"),
    ({"seed": -1}, r"seed must be a whole number from 0 to 2\^64 - 1"),
    ({"seed": 1.5}, "seed must be a whole number"),
    ({"validation": 0}, "validation must be a share of the rows above 0 and below 1"),
    ({"validation": 1.0}, "validation must be a share of the rows above 0 and below 1"),
    ({"validation": -0.2}, "validation must be a share of the rows above 0 and below 1"),
    ({"validation": True}, "validation must be a share of the rows above 0 and below 1"),
    ({"validation": "0.2"}, "validation must be a share of the rows above 0 and below 1, or .* not '0.2'"),
    ({"validation": X}, "validation must be a share of the rows above 0 and below 1, or .* not one ndarray"),
    ({"validation": (X, CLASSES, None)}, "validation must be a share of the rows, as 0.2, or a pair"),
    ({"early_stopping": 3}, "early stopping watches validation_cost, so it needs validation rows, as validation=0.2"),
    ({"early_stopping": 0}, "patience must be a whole number of epochs, at least 1, not 0"),
    ({"early_stopping": "yes"}, "patience must be a whole number of epochs, at least 1, not 'yes'"),
    (
        {"network": regressor(), "y": NUMBERS, "validation": 0.2,
         "early_stopping": bl.EarlyStopping(monitor="validation_accuracy")},
        "early stopping watches validation_accuracy, and numbers have none; watch validation_cost",
    ),
    (
        {"validation": 0.25, "early_stopping": bl.EarlyStopping(monitor="validation_r2")},
        "early stopping watches validation_r2, and classes have none; watch validation_accuracy",
    ),
    ({"class_weight": "balance"}, "class_weight 'balance' is not known; did you mean 'balanced'"),
    ({"class_weight": {7: 1.0}}, "class_weight names class 7; the classes are 0 to 2"),
    ({"class_weight": [1, 2, 3]}, "class_weight must be 'balanced' or {class: weight}, not list"),
    ({"network": regressor(), "y": NUMBERS, "class_weight": "balanced"}, "class_weight needs classes"),
    ({"engine": "refrence"}, "engine 'refrence' is not known; did you mean 'reference'"),
    ({"engine": None}, "engine 'None' is not known"),
    ({"resume": True}, "resume needs to know from where: give the checkpoint's path as checkpoint="),
    ({"checkpoint": 5}, "checkpoint must be a path or a backlit.Checkpoint, not int"),
    ({"callbacks": Watches()}, "callbacks must be a list of backlit.Callback instances, not Watches"),
    ({"callbacks": None}, "callbacks must be a list of backlit.Callback instances, not NoneType"),
    ({"callbacks": [Watches]}, "callbacks must be instances of backlit.Callback, not <class"),
    ({"callbacks": [print]}, "callbacks must be instances of backlit.Callback, not <built-in function print>"),
    ({"optimizer": "lbfgs", "network": classifier(dropout=0.2)}, "lbfgs cannot be combined with dropout"),
    ({"optimizer": "lbfgs", "schedule": "cosine"}, "lbfgs cannot be combined with a schedule"),
    ({"optimizer": "lbfgs", "clip": 1.0}, "lbfgs cannot be combined with clip"),
    ({"optimizer": "lbfgs", "batch_size": 4}, "lbfgs cannot be combined with a batch_size"),
    ({"optimizer": "lbfgs", "learning_rate": 0.1}, "lbfgs takes no learning_rate"),
]  # fmt: skip


def refused(kind: type[BacklitError], changed: dict[str, Any], message: str) -> None:
    call = {"network": classifier(), "X": X, "y": CLASSES, "callbacks": [Watches()], "progress": False, **changed}
    if isinstance(call.get("sample_weight"), str):
        held_out = first_run(call["validation"], call["seed"]).validation_rows
        call["sample_weight"] = np.isin(np.arange(12), held_out).astype(float)
    network, before = call.pop("network"), None
    if isinstance(network, bl.Network):
        before = network.parameters.copy()
    with pytest.raises(kind, match=message) as caught:
        bl.train(network, call.pop("X"), call.pop("y"), **call)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
    if before is not None:
        np.testing.assert_array_equal(network.parameters, before)


def first_run(validation: float, seed: int) -> bl.Run:
    return bl.train(classifier(), X, CLASSES, validation=validation, seed=seed, epochs=1, progress=False)


@pytest.mark.parametrize(("changed", "message"), DATA)
def test_unusable_data_is_refused(changed: dict[str, Any], message: str) -> None:
    refused(DataError, changed, message)


@pytest.mark.parametrize(("changed", "message"), OPTIONS)
def test_an_unusable_option_is_refused(changed: dict[str, Any], message: str) -> None:
    refused(OptionError, changed, message)


def test_an_unwritable_checkpoint_is_found_before_the_first_step(tmp_path: Path) -> None:
    refused(OutputPathError, {"checkpoint": tmp_path / "no" / "folder"}, "its folder does not exist; create it first")
    (tmp_path / "there").touch()
    refused(
        OutputPathError, {"checkpoint": str(tmp_path / "there")}, "exists; resume goes on from it, force replaces it"
    )


def test_what_an_engine_cannot_do_is_refused_by_its_name() -> None:
    class Small(ReferenceEngine):
        name = "small"

        def unsupported(self, network: Any, objective: Any = None, optimizer: Any = None) -> str | None:
            return "it has no adam" if optimizer is not None and optimizer.name == "adam" else None

    refused(OptionError, {"engine": Small()}, "engine 'small' cannot do this: it has no adam")
    run = bl.train(classifier(), X, CLASSES, engine=Small(), optimizer="sgd", epochs=1, progress=False)
    assert run.engine == "small"


def setup(**changed: Any) -> Any:
    plain = {
        "cost": None, "l2": 0.0, "label_smoothing": 0.0, "optimizer": "adam", "learning_rate": None,
        "schedule": "constant", "clip": None, "epochs": 2, "time": None, "batch_size": None, "validation": None,
        "sample_weight": None, "class_weight": None,
        "early_stopping": None, "checkpoint": None, "resume": False, "callbacks": [], "engine": "auto", "seed": 0,
    }  # fmt: skip
    return prepare(classifier(), X, CLASSES, **{**plain, **changed})


def test_what_is_put_in_order() -> None:
    found = setup(sample_weight=np.arange(12.0), l2=0.5, batch_size=5, epochs=3)
    assert found.data.X.dtype == found.data.Y.dtype == found.data.row_weights.dtype == np.float32
    assert found.data.row_weights.sum() == pytest.approx(12)
    assert found.objective.n == 66  # Σw
    assert found.data.decision == "argmax"
    assert (found.duration.steps_per_epoch, found.duration.epochs, found.plan.batch_size) == (3, 3, 5)
    assert setup().plan.batch_size == 12  # 32, where there are so many
    assert setup(batch_size="all").plan.batch_size == setup(optimizer="lbfgs").plan.batch_size == 12


def test_the_split_rows_keep_their_numbers_and_weights() -> None:
    weights = np.arange(1.0, 13)
    found = setup(validation=0.25, sample_weight=weights)
    for data, rows in ((found.data, found.train_rows), (found.validation, found.validation_rows)):
        np.testing.assert_array_equal(data.X, X[rows].astype("f4"))
        np.testing.assert_array_equal(data.Y.argmax(axis=1), CLASSES[rows])
        np.testing.assert_allclose(data.row_weights, weights[rows] / weights[rows].mean(), rtol=1e-6)
    assert found.objective.n == weights[found.train_rows].sum()


def test_data_of_the_networks_own_dtype_is_not_copied() -> None:
    ours = X.astype("f4")
    assert np.shares_memory(prepare_X(ours), ours)
    assert not np.shares_memory(prepare_X(X), X)


def prepare_X(given: np.ndarray) -> np.ndarray:
    from backlit.data.checks import as_matrix

    return as_matrix("X", given, 3, "float32")
