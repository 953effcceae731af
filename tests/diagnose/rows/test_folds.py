"""Folds: every row is held out once, the folds are equal, and each has every class in its share."""

import numpy as np
import pytest

from backlit.diagnose.rows.folds import fold_of_rows
from backlit.errors import DataError, OptionError


@pytest.mark.parametrize(("rows", "folds"), [(10, 2), (103, 5), (7, 7)])
def test_the_folds_are_equal_and_have_each_class_in_its_share(rows, folds):
    strata = np.random.default_rng(1).choice(3, rows, p=[0.6, 0.3, 0.1])
    fold = fold_of_rows(strata, rows, folds, seed=3)
    assert fold.min() == 0
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for k in range(3):
        of_class = np.bincount(fold[strata == k], minlength=folds)
        assert of_class.max() - of_class.min() <= 1


def test_another_seed_deals_otherwise_and_the_same_one_alike():
    strata = np.zeros(50, dtype=np.int64)
    once, again, other = (fold_of_rows(strata, 50, 5, seed) for seed in (1, 1, 2))
    assert (once == again).all()
    assert (once != other).any()
    assert not (once == np.arange(50) % 5).all()


def test_numbers_have_no_classes():
    assert np.bincount(fold_of_rows(None, 9, 3, 0)).tolist() == [3, 3, 3]


@pytest.mark.parametrize("folds", [1, 0, 2.5, True])
def test_too_few_folds(folds):
    with pytest.raises(OptionError, match="folds must be a whole number, at least 2"):
        fold_of_rows(None, 10, folds, 0)


def test_too_few_rows():
    with pytest.raises(DataError, match="3 rows cannot be held out in 5 folds"):
        fold_of_rows(None, 3, 5, 0)
