"""Stochastic gradient descent, with momentum and Nesterov's look-ahead."""

from dataclasses import dataclass
from typing import ClassVar

from backlit.notation import Array
from backlit.optimizers.base import Optimizer, State, check_number


@dataclass(frozen=True)
class SGD(Optimizer):
    """v ← μv - ηg, θ ← θ + v; with ``nesterov`` θ ← θ + μv - ηg (the new v); without momentum θ ← θ - ηg.

    η lies inside the velocity, as in Keras and scikit-learn; PyTorch keeps it outside, the same while η is constant.

    Args:
        learning_rate: η.
        momentum: μ, from 0 up to but not including 1.
        nesterov: look ahead along the velocity (Sutskever et al. 2013).

    Raises:
        OptionError: a number out of its range.

    >>> import numpy as np
    >>> theta = np.array([1.0])
    >>> SGD(learning_rate=0.1).update(theta, np.array([2.0]), {}, 0.1, step=1)
    >>> theta
    array([0.8])
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    name: ClassVar[str] = "sgd"

    def __post_init__(self) -> None:
        check_number("sgd", "learning_rate", self.learning_rate, low=0, open_low=True)
        check_number("sgd", "momentum", self.momentum, low=0, high=1)

    def init(self, theta: Array) -> State:
        """A velocity, where there is momentum."""
        return {"velocity": 0 * theta} if self.momentum else {}

    def update(self, theta: Array, gradient: Array, state: State, learning_rate: float, step: int) -> None:  # noqa: D102
        eta_g = gradient * theta.dtype.type(learning_rate)
        if not self.momentum:
            theta -= eta_g
            return
        mu = theta.dtype.type(self.momentum)
        velocity = state["velocity"]
        velocity *= mu
        velocity -= eta_g
        if self.nesterov:
            theta += mu * velocity
            theta -= eta_g
        else:
            theta += velocity
