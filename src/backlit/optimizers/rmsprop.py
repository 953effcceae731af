"""RMSprop: each parameter's step divided by the root of its recent squared gradients."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backlit.notation import Array
from backlit.optimizers.base import Optimizer, State, check_number


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """s ← ρs + (1-ρ)g², θ ← θ - ηg / (√s + ε).

    ε stands outside the root, as in PyTorch; Keras has it inside.

    Args:
        learning_rate: η.
        decay: ρ, from 0 up to but not including 1.
        epsilon: ε, above 0.

    Raises:
        OptionError: a number out of its range.

    Source: Tieleman & Hinton, Coursera lecture 6.5, 2012.

    >>> import numpy as np
    >>> rmsprop, theta = RMSprop(learning_rate=0.1, decay=0.75), np.array([1.0])
    >>> rmsprop.update(theta, np.array([2.0]), rmsprop.init(theta), 0.1, step=1)
    >>> theta.round(6)
    array([0.8])
    """

    learning_rate: float = 0.001
    decay: float = 0.9
    epsilon: float = 1e-8

    name: ClassVar[str] = "rmsprop"
    slots: ClassVar[tuple[str, ...]] = ("square",)

    def __post_init__(self) -> None:
        check_number("rmsprop", "learning_rate", self.learning_rate, low=0, open_low=True)
        check_number("rmsprop", "decay", self.decay, low=0, high=1)
        check_number("rmsprop", "epsilon", self.epsilon, low=0, open_low=True)

    def update(self, theta: Array, gradient: Array, state: State, learning_rate: float, step: int) -> None:  # noqa: D102
        number = theta.dtype.type
        square = state["square"]
        square *= number(self.decay)
        square += number(1 - self.decay) * (gradient * gradient)
        denominator = np.sqrt(square)
        denominator += number(self.epsilon)
        theta -= number(learning_rate) * gradient / denominator
