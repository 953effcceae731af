"""scikit-learn's contract, by its own checks: every one, none expected to fail."""

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import backlit as bl

# A few epochs are what the checks ask for, so nothing converges.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@parametrize_with_checks([bl.BackpropClassifier(), bl.BackpropRegressor()])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)
