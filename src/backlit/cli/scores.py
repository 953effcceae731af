"""The scores of a model as the commands report them."""

from typing import Any

from backlit import metrics
from backlit.model import Model


def of(model: Model, X: Any, y: Any) -> dict[str, float]:
    """Name → value; see :func:`backlit.metrics.evaluate` for which there are, and what is raised."""
    return metrics.evaluate(model, X, y).scores
