"""The learning-rate range test: which learning rate to train with."""

from backlit.diagnose.learning_rate.find import find_learning_rate
from backlit.diagnose.learning_rate.report import LearningRateRange

__all__ = ["LearningRateRange", "find_learning_rate"]
