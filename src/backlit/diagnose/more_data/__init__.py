"""Would more data help? A learning curve over amounts of data, and how far it can be drawn on."""

from backlit.diagnose.more_data.find import more_data
from backlit.diagnose.more_data.report import MoreData, Prediction

__all__ = ["MoreData", "Prediction", "more_data"]
