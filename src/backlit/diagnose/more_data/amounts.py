"""Which rows train and which judge, and how many train: nested, each class in its share in every amount."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.errors import DataError, OptionError
from backlit.notation import Float64Array, IndexArray
from backlit.randomness import split_state

AMOUNTS, SMALLEST_SHARE = 8, 1 / 8
"""How many amounts there are, evenly apart by their logarithms, and the share of the training rows the first one is."""

FEWEST, FEWEST_OF_A_CLASS = 20, 2
"""Rows, and rows of the average class, in the smallest amount."""

FEWEST_AMOUNTS = 4
"""A law of three numbers needs as many, and one more to be held against."""

WHICH_SPLIT = 2
"""Its stream of random numbers; 0 and 1 are those of test and validation rows."""


def splits(
    y: NDArray[Any], *, number: int, apart: int, seed: int, classes: bool
) -> list[tuple[IndexArray, IndexArray]]:
    """Pairs of training rows and of ``apart`` test rows.

    The first n of the training rows have each class in its share, for any n, and so have the test rows.
    """
    rng = split_state(seed, WHICH_SPLIT)
    strata = np.unique(y, return_inverse=True)[1].ravel() if classes else np.zeros(len(y), dtype=np.int64)
    found = []
    for _ in range(number):
        order = _evenly_mixed(strata, rng)
        found.append((order[apart:], order[:apart]))
    return found


def _evenly_mixed(strata: IndexArray, rng: np.random.RandomState) -> IndexArray:
    """A random order in which every stretch holds each class in its share, as nearly as may be."""
    place = np.empty(len(strata))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        place[rng.permutation(rows)] = (np.arange(len(rows)) + rng.random_sample()) / len(rows)
    return np.argsort(place, kind="stable")


def amounts(given: Sequence[float] | None, most: int, classes: int) -> IndexArray:
    """Ascending numbers of rows, ``most`` at most; those given are rows, or shares of ``most`` where all are 1 or less.

    Args:
        given: None takes eight, from an eighth of the rows to all of them.
        most: training rows of a split.
        classes: how many there are; 0 for numbers.

    Raises:
        OptionError: not four different amounts, or some are not among 2 … most.
        DataError: the rows are too few for several amounts.
    """
    if given is None:
        first = max(FEWEST, FEWEST_OF_A_CLASS * classes, round(SMALLEST_SHARE * most))
        if most < 4 * first:
            raise DataError(
                f"{most:,} training rows{f' of {classes} classes' * (classes > 0)} are too few to see what fewer of "
                f"them would give; it takes {4 * max(FEWEST, FEWEST_OF_A_CLASS * classes):,}"
            )
        return np.unique(np.geomspace(first, most, AMOUNTS).round().astype(np.int64))
    try:
        numbers: Float64Array = np.asarray(given, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        numbers = np.zeros(0)
    numbers = numbers * most if len(numbers) and (numbers <= 1).all() else numbers
    if not len(numbers) or not np.isfinite(numbers).all() or not (2 <= numbers.round().min() <= numbers.max() <= most):
        numbers = np.zeros(0)
    found = np.unique(numbers.round().astype(np.int64))
    if len(found) < FEWEST_AMOUNTS:
        raise OptionError(
            f"amounts must be at least {FEWEST_AMOUNTS} different numbers of rows from 2 to {most:,}, the training "
            f"rows of a split, or shares of them, not {given!r}"
        )
    return found
