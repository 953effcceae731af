"""The networks behind scikit-learn's interface: one class for classes, one for numbers."""

from backlit.estimators.classifier import BackpropClassifier
from backlit.estimators.regressor import BackpropRegressor

__all__ = ["BackpropClassifier", "BackpropRegressor"]
