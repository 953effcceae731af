"""w: rows times classes, checked, and of mean 1."""

from typing import Any

import numpy as np
import pytest

from backlit.data.targets import Targets
from backlit.errors import BacklitError, DataError, OptionError
from backlit.training.row_weights import class_weights, mean_one, sample_weights

CLASSES = Targets(np.eye(3)[[0, 0, 0, 2, 2, 0]], "argmax")
YES_NO = Targets(np.array([[1.0], [0], [0], [0]]), "threshold")
LABELS = Targets(np.ones((4, 2)), "threshold")
NUMBERS = Targets(np.ones((4, 1)), None)


def test_without_weights_every_row_counts_one() -> None:
    assert sample_weights(None, 3).tolist() == [1, 1, 1]
    assert class_weights(None, CLASSES).tolist() == [1] * 6
    assert class_weights(None, NUMBERS).tolist() == [1] * 4


@pytest.mark.parametrize("given", [[2, 0, 1], (2, 0, 1), np.array([2, 0, 1], "u1"), np.array([2, 0, 1], "f4")])
def test_weights_are_taken_as_they_are(given: Any) -> None:
    w = sample_weights(given, 3)
    assert w.tolist() == [2, 0, 1]
    assert w.dtype == np.float64


def test_balanced_is_rows_over_classes_times_rows_of_the_class() -> None:
    """The class that no row has counts neither as one of them nor breaks the division."""
    assert class_weights("balanced", CLASSES).tolist() == [0.75, 0.75, 0.75, 1.5, 1.5, 0.75]
    assert class_weights("balanced", YES_NO) == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_a_mapping_gives_its_classes_their_weight_and_the_others_one() -> None:
    assert class_weights({2: 5, 1: 9.0}, CLASSES).tolist() == [1, 1, 1, 5, 5, 1]
    assert class_weights({np.int64(1): np.float32(0.5)}, YES_NO).tolist() == [0.5, 1, 1, 1]
    assert class_weights({0: 0}, YES_NO).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("scale", [1e-310, 1e-300, 1e-30, 1.0, 1e99])
def test_mean_one(scale: float) -> None:
    w = mean_one(scale * np.array([1.0, 0.0, 2.0, 5.0]), "training")
    np.testing.assert_allclose(w, [0.5, 0, 1, 2.5], rtol=1e-12)  # numbers as small as the first are rounded coarsely
    assert mean_one(np.full(7, scale), "training") == pytest.approx(np.ones(7), rel=1e-14)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: sample_weights([1, 2], 3), DataError, "sample_weight has 2 rows and X has 3"),
        (lambda: sample_weights(2.0, 3), DataError, "sample_weight must have one number a row"),
        (lambda: sample_weights([[1], [2]], 2), DataError, "sample_weight must have one number a row"),
        (lambda: sample_weights([1, np.nan], 2), DataError, "sample_weight has NaN at row 1"),
        (lambda: sample_weights([1, 2, -0.5], 3), DataError, "sample_weight has -0.5 at row 2; weights are 0 or more"),
        (lambda: sample_weights([0, 0], 2), DataError, "sample_weight is zero for every row"),
        (lambda: sample_weights([1, 1e300], 2), DataError, r"sample_weight has 1e\+300 at row 1; divide"),
        (lambda: sample_weights(["a", "b"], 2), DataError, "sample_weight holds 'a' where a number should be"),
        (lambda: mean_one(np.zeros(3), "validation"), DataError, "every validation row weighs 0"),
        (lambda: class_weights("balancd", CLASSES), OptionError, "did you mean 'balanced'"),
        (lambda: class_weights("balanced", NUMBERS), OptionError, "class_weight needs classes"),
        (lambda: class_weights({0: 2}, LABELS), OptionError, "class_weight needs classes"),
        (lambda: class_weights({3: 2.0}, CLASSES), OptionError, "class_weight names class 3; the classes are 0 to 2"),
        (lambda: class_weights({"a": 2.0}, CLASSES), OptionError, "class_weight names class 'a'"),
        (lambda: class_weights({True: 2.0}, CLASSES), OptionError, "class_weight names class True"),
        (lambda: class_weights({0: -1.0}, CLASSES), OptionError, "class_weight of class 0 must be a number from 0 up"),
        (lambda: class_weights({0: np.nan}, CLASSES), OptionError, "class_weight of class 0"),
        (lambda: class_weights({0: "a"}, CLASSES), OptionError, "class_weight of class 0"),
        (lambda: class_weights([1, 2, 3], CLASSES), OptionError, "class_weight must be 'balanced' or"),
    ],
)
def test_what_cannot_be_a_weight_is_refused(call: Any, kind: type[BacklitError], message: str) -> None:
    with pytest.raises(kind, match=message) as refused:
        call()
    assert "\n" not in str(refused.value)
