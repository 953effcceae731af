"""The last equation, θ ← optimizer(θ, ∂C/∂θ): one file an optimizer, and the schedules of their learning rates."""

from dataclasses import replace

import numpy as np

from backlit.errors import unknown_option
from backlit.notation import Array
from backlit.optimizers.adam import Adam, AdamW
from backlit.optimizers.base import Optimizer, State, check_number
from backlit.optimizers.lbfgs import LBFGS, Minimum
from backlit.optimizers.rmsprop import RMSprop
from backlit.optimizers.schedules import (
    Constant,
    Cosine,
    OneCycle,
    Plan,
    Plateau,
    ReduceOnPlateau,
    Schedule,
    Step,
    WarmUp,
)
from backlit.optimizers.sgd import SGD
from backlit.sums import dot

__all__ = [
    "LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "Constant", "Cosine", "Minimum", "OneCycle", "Optimizer", "Plan",
    "Plateau", "RMSprop", "ReduceOnPlateau", "Schedule", "State", "Step", "WarmUp", "clip_by_global_norm", "get",
    "global_norm",
]  # fmt: skip

OPTIMIZERS: dict[str, type[Optimizer]] = {optimizer.name: optimizer for optimizer in (SGD, RMSprop, Adam, AdamW, LBFGS)}


def get(optimizer: str | Optimizer, learning_rate: float | None = None) -> Optimizer:
    """The optimizer of that name, or the one given; ``learning_rate`` takes the place of its own.

    Raises:
        OptionError: the name is unknown (the nearest is suggested), or the learning rate is not above 0.
    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise unknown_option("optimizer", optimizer, OPTIMIZERS)
        optimizer = OPTIMIZERS[optimizer]()
    if not isinstance(optimizer, Optimizer):
        raise unknown_option("optimizer", optimizer, OPTIMIZERS)
    if learning_rate is None:
        return optimizer
    check_number(optimizer.name, "learning_rate", learning_rate, low=0, open_low=True)
    return replace(optimizer, learning_rate=float(learning_rate))


def global_norm(gradient: Array) -> float:
    """‖g‖ over all parameters. Squares of large float32 numbers overflow: they are summed in float64.

    >>> global_norm(np.array([3.0, 4.0], dtype=np.float32))
    5.0
    """
    exact = gradient.astype(np.float64, copy=False)
    return float(np.sqrt(dot(exact, exact)))


def clip_by_global_norm(gradient: Array, largest: float) -> float:
    """g ← g · largest/‖g‖ where ‖g‖ over all parameters is larger, in place; returns ‖g‖ as it was.

    Source: Pascanu et al., *On the difficulty of training recurrent neural networks*, 2013.

    >>> g = np.array([3.0, 4.0])
    >>> clip_by_global_norm(g, 1.0), g.round(6).tolist()
    (5.0, [0.6, 0.8])
    """
    norm = global_norm(gradient)
    if norm > largest:
        gradient *= gradient.dtype.type(largest / norm)
    return norm
