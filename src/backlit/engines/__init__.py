"""Who executes the equations: the seam, the engines behind it, and the choice among them."""

from numpy.typing import ArrayLike

from backlit.backpropagation import BackwardPass
from backlit.data.checks import as_matrix
from backlit.engines.base import (
    Engine,
    Score,
    Session,
    StepPlan,
    StepRecord,
    StepsReport,
    TrainingData,
    Windows,
)
from backlit.engines.choose import ENGINES, Choice, choose
from backlit.engines.statistics import Statistics
from backlit.network import Network
from backlit.notation import Array

__all__ = [
    "ENGINES", "BackwardPass", "Choice", "Engine", "Score", "Session", "Statistics", "StepPlan", "StepRecord",
    "StepsReport", "TrainingData", "Windows", "choose", "predict",
]  # fmt: skip


def predict(network: Network, X: ArrayLike, engine: str | Engine = "auto") -> Array:
    """a^L of every row of X, after X has been checked: the body of ``Network.predict``."""
    matrix = as_matrix("X", X, network.sizes[0], network.dtype)
    return choose(engine, network).engine.predict(network, matrix)
