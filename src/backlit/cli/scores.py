"""The scores of a model as the commands report them."""

from typing import Any

from backlit import metrics
from backlit.data.encoding import Encoding
from backlit.notation import Array


def of(encoding: Encoding, a: Array, y: Any) -> dict[str, float]:
    """Name → value of outputs a^L against raw y; see :func:`backlit.metrics.evaluate` for which, and what is raised."""
    return metrics.judge(encoding, a, y).scores
