"""Which rows train, which choose, which judge: apart before anything is learnt from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.errors import DataError, OptionError
from backlit.notation import IndexArray
from backlit.randomness import check_seed, split_state

TEST, VALIDATION = 0, 1
"""Which split: each draws from its own stream of random numbers."""


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the three parts, each ascending, together every row once; validation and test may be empty."""

    train: IndexArray
    validation: IndexArray
    test: IndexArray


def split(y: NDArray[Any], *, validation: float, test: float, seed: int, stratify: bool) -> Split:
    """The rows in three parts: the test rows are set apart first, then the validation rows out of the rest.

    Both are shares of the whole, rounded up to rows. See :func:`hold_out` for ``stratify``.

    Raises:
        OptionError: a share is not a number from 0 up to but not including 1, or they leave nothing to train on.
        DataError: the rows are too few for it.

    >>> parts = split(np.array([0, 1] * 10), validation=0.2, test=0.1, seed=0, stratify=True)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (14, 4, 2)
    """
    rows = len(y)
    for_test, for_validation = _rows_of("test", test, rows), _rows_of("validation", validation, rows)
    if test + validation >= 1:
        raise OptionError(f"validation {validation:g} and test {test:g} leave nothing to train on; take less than 1")
    if rows - for_test - for_validation < 1:
        raise DataError(
            f"{rows} rows are too few: {for_validation} for validation and {for_test} for test leave none to train on"
        )
    rest, test_rows = _set_apart(y, for_test, seed, TEST, stratify)
    kept, held_out = _set_apart(y[rest], for_validation, seed, VALIDATION, stratify)
    return Split(train=rest[kept], validation=rest[held_out], test=test_rows)


def hold_out(
    y: NDArray[Any] | Sequence[Any], share: float, *, seed: int, which: int, stratify: bool
) -> tuple[IndexArray, IndexArray]:
    """The rows kept and the rows held out, ⌈share · rows⌉ of them, each ascending.

    Args:
        y: one value, or one row of values, a row; only its length matters unless ``stratify``.
        share: of the rows, from 0 (none) up to but not including 1.
        seed: of the draw.
        which: the split that this is, :data:`TEST` or :data:`VALIDATION`.
        stratify: both parts get each value of y in its share, as classes want it. Where a class has fewer than 2 rows,
            a part has fewer rows than there are classes, or y has several columns, the rows are shuffled plainly.

    Raises:
        OptionError: the share is not such a number.
        DataError: the rows are too few: none would be kept.
    """
    y = np.asarray(y)
    rows = len(y)
    held_out = _rows_of("validation" if which == VALIDATION else "test", share, rows)
    if held_out >= rows:
        raise DataError(f"{rows} row{'s' * (rows != 1)} cannot be split: holding out {share:g} leaves none to train on")
    return _set_apart(y, held_out, seed, which, stratify)


def can_stratify(y: NDArray[Any], held_out: int) -> bool:
    """Whether both parts of a split can have each value of y in its share."""
    if y.ndim != 1:
        return False
    counts = np.unique(y, return_counts=True)[1]
    return bool(counts.min() >= 2 and len(counts) <= min(held_out, len(y) - held_out))


def _rows_of(part: str, share: float, rows: int) -> int:
    if isinstance(share, bool) or not isinstance(share, Real) or not 0 <= share < 1:
        raise OptionError(f"{part} is a share of the rows from 0 up to but not including 1, not {share!r}")
    at_least = 1 if share > 0 else 0
    return max(at_least, ceil(round(share * rows, 9)))  # 0.07 · 100 is 7.000000000000001 in floating point


def _set_apart(y: NDArray[Any], held_out: int, seed: int, which: int, stratify: bool) -> tuple[IndexArray, IndexArray]:
    rows = np.arange(len(y), dtype=np.int64)
    check_seed(seed)
    if not held_out:
        return rows, rows[:0]
    from sklearn.model_selection import train_test_split

    kept, apart = train_test_split(
        rows,
        test_size=held_out,
        random_state=split_state(seed, which),
        stratify=y if stratify and can_stratify(y, held_out) else None,
    )
    return np.sort(kept), np.sort(apart)
