"""The rows of a fit: X and y as arrays of the network's dtype, weights, and which rows are held out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.data.checks import check_finite
from backlit.data.splits import can_stratify
from backlit.engines import TrainingData
from backlit.errors import DataError, OptionError
from backlit.notation import Array, Float64Array, IndexArray
from backlit.training import row_weights


@dataclass(frozen=True, eq=False)
class Rows:
    """X (rows, n_1), Y (rows, n_L) and w (rows,), checked; ``numbers`` are those of the rows in the data as given."""

    X: Array
    Y: Array
    weights: Float64Array
    numbers: IndexArray | None = None

    def take(self, rows: IndexArray) -> "Rows":
        """Some of them."""
        return Rows(self.X[rows], self.Y[rows], self.weights[rows], rows)

    def as_training_data(self, decision: str | None, which: str) -> TrainingData:
        """What an engine takes: w̃ of mean 1."""
        weights = row_weights.mean_one(self.weights, which)
        return TrainingData(self.X, self.Y, weights.astype(self.X.dtype), decision)


def dense(X: Any, dtype: Any = None) -> Array:
    """X as a C-contiguous array, of ``dtype`` where one is given; a sparse one becomes rows × columns numbers.

    Raises:
        DataError: there is no memory for that; a number is beyond the dtype.
    """
    try:
        found: Array = X.toarray(order="C") if hasattr(X, "toarray") else X
    except MemoryError:
        gigabytes = X.shape[0] * X.shape[1] * X.dtype.itemsize / 1e9
        raise DataError(
            f"X of {X.shape[0]:,} × {X.shape[1]:,} takes {gigabytes:.1f} GB as a dense array, which is what is "
            "trained on; train on parts of it by partial_fit, or leave out columns"
        ) from None
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(found, dtype=found.dtype if dtype is None else dtype)
    if array.dtype != found.dtype:
        check_finite(f"X as {array.dtype}", array)
    return array


def numbers(y: Any, dtype: Any, what: str = "y") -> Array:
    """A target of numbers as (rows, outputs) of the dtype.

    Raises:
        DataError: a number beyond the dtype.
    """
    with np.errstate(over="ignore"):
        Y: Array = np.ascontiguousarray(dense(y).reshape(len(y) if y.ndim == 1 else y.shape[0], -1), dtype=dtype)
    check_finite(f"{what} as {Y.dtype}", Y)
    return Y


def pair(validation_data: Any) -> tuple[Any, Any, Any]:
    """(X, y) or (X, y, sample_weight).

    Raises:
        OptionError: it is neither.
    """
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
        raise OptionError("validation_data must be (X, y) or (X, y, sample_weight)")
    return (*validation_data, None) if len(validation_data) == 2 else tuple(validation_data)


def hold_out(
    Y: Array, fraction: float, rng: np.random.RandomState, decision: str | None
) -> tuple[IndexArray, IndexArray]:
    """The numbers of the rows to train on and of those that judge, drawn by scikit-learn; classes keep their shares.

    Raises:
        ValueError: the rows are too few, or one of two classes has a single row.
    """
    from sklearn.model_selection import train_test_split

    classes = None
    if decision == "argmax":
        classes = Y.argmax(axis=1)
        classes = classes if can_stratify(classes, int(np.ceil(fraction * len(classes)))) else None
    elif decision == "threshold" and Y.shape[1] == 1:
        classes = Y > 0
    everything = np.arange(len(Y))
    kept, apart = train_test_split(everything, test_size=fraction, random_state=rng, stratify=classes)
    if len(apart) < 2:
        raise DataError(
            f"The validation set is too small: validation_fraction={fraction:g} of {len(everything)} rows is "
            f"{len(apart)}; raise it, or give more rows"
        )
    return kept, apart
