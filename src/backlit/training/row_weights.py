"""w: how much each row counts. Row weights and class weights multiply."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backlit.data.checks import as_numbers, check_finite, check_lengths
from backlit.data.targets import Targets
from backlit.errors import DataError, OptionError, unknown_option
from backlit.notation import Float64Array

LARGEST = 1e100
"""A weight: its sum over all rows, times a class's, is still a number."""

ClassWeight = str | Mapping[Any, float] | None


def sample_weights(sample_weight: ArrayLike | None, rows: int) -> Float64Array:
    """The row weights as given, (rows,), or ones.

    Raises:
        DataError: not one number a row, one below 0 or not finite, or all of them 0.
    """
    if sample_weight is None:
        return np.ones(rows)
    given: NDArray[Any] = as_numbers("sample_weight", sample_weight)
    w = given.astype(np.float64)
    if w.ndim != 1:
        raise DataError(f"sample_weight must have one number a row; it has shape {w.shape}")
    check_lengths("sample_weight", w, rows)
    check_finite("sample_weight", w)
    if (w < 0).any():
        row = int(np.flatnonzero(w < 0)[0])
        raise DataError(f"sample_weight has {w[row]:g} at row {row}; weights are 0 or more")
    if not w.any():
        raise DataError("sample_weight is zero for every row: nothing is left to train on")
    if w.max() > LARGEST:
        raise DataError(f"sample_weight has {w.max():g} at row {int(w.argmax())}; divide them all by some number")
    return w


def class_weights(class_weight: ClassWeight, targets: Targets) -> Float64Array:
    """The weight of each row's class: ``balanced`` gives rows / (classes · rows of the class), a dict its own.

    Raises:
        OptionError: class weights without classes, a misspelt name, a class nobody has, a weight below 0.
    """
    classes = targets.strata
    if class_weight is None:
        return np.ones(len(targets.Y))
    if classes is None:
        raise OptionError("class_weight needs classes (one of K, or one yes or no); use sample_weight with numbers")
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise unknown_option("class_weight", class_weight, ["balanced"])
        counts = np.bincount(classes)
        present = int((counts > 0).sum())
        return len(classes) / (present * counts[classes].astype(np.float64))
    if not isinstance(class_weight, Mapping):
        raise OptionError(f"class_weight must be 'balanced' or {{class: weight}}, not {type(class_weight).__name__}")
    known = max(targets.Y.shape[1], 2)
    of_class = np.ones(known)
    for which, weight in class_weight.items():
        if isinstance(which, bool) or not isinstance(which, (int, np.integer)) or not 0 <= which < known:
            raise OptionError(f"class_weight names class {which!r}; the classes are 0 to {known - 1}")
        if not isinstance(weight, Real) or not 0 <= float(weight) <= LARGEST:
            raise OptionError(f"class_weight of class {which} must be a number from 0 up, not {weight!r}")
        of_class[which] = float(weight)
    return of_class[classes]


def mean_one(w: Float64Array, of: str) -> Float64Array:
    """w̃_i = w_i · rows / Σw: of mean 1 over the rows of the set.

    Raises:
        DataError: every row of the set weighs 0.
    """
    largest = w.max()
    if not largest > 0:
        raise DataError(f"every {of} row weighs 0: nothing is left; give some of them a weight above 0")
    w = w / largest  # their sum is then far from the ends of the floating point numbers
    return w * (len(w) / w.sum())
