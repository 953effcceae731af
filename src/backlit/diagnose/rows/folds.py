"""Which rows a network trains with and which it never sees: every row is held out once."""

import numpy as np
from numpy.typing import NDArray

from backlit.errors import DataError, OptionError
from backlit.notation import IndexArray
from backlit.randomness import order_of_rows


def fold_of_rows(strata: NDArray[np.int64] | None, rows: int, folds: int, seed: int) -> IndexArray:
    """The fold of each row, (rows,), from 0: equally many rows in each, and each class in its share.

    The rows are dealt out in turn, in a random order, class after class.

    Raises:
        OptionError: fewer than 2 folds.
        DataError: fewer rows than folds.

    >>> fold_of_rows(np.array([0, 0, 0, 0, 1, 1]), 6, folds=2, seed=0).tolist()
    [1, 0, 1, 0, 1, 0]
    """
    if isinstance(folds, bool) or not isinstance(folds, (int, np.integer)) or folds < 2:
        raise OptionError(f"folds must be a whole number, at least 2, not {folds!r}")
    if rows < folds:
        raise DataError(f"{rows} rows cannot be held out in {folds} folds; give more rows, or fewer folds")
    dealt = order_of_rows(seed, 0, rows)
    if strata is not None:
        dealt = dealt[np.argsort(strata[dealt], kind="stable")]
    fold = np.empty(rows, dtype=np.int64)
    fold[dealt] = np.arange(rows) % folds
    return fold
