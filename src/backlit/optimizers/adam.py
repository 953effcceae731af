"""Adam and AdamW: momentum over root mean square, both corrected for starting at zero."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backlit.notation import Array
from backlit.optimizers.base import Optimizer, State, check_number


@dataclass(frozen=True)
class Adam(Optimizer):
    """m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², θ ← θ - η m̂ / (√v̂ + ε), with m̂ = m/(1-β₁ᵗ), v̂ = v/(1-β₂ᵗ).

    ε is added to the corrected root, as in the paper's Algorithm 1 and PyTorch; scikit-learn and Keras add it to the
    uncorrected one.

    Args:
        learning_rate: η.
        beta_1: β₁, from 0 up to but not including 1.
        beta_2: β₂, likewise.
        epsilon: ε, above 0.

    Raises:
        OptionError: a number out of its range.

    Source: Kingma & Ba, *Adam: a method for stochastic optimization*, 2015.

    >>> import numpy as np
    >>> adam, theta = Adam(), np.array([1.0])
    >>> adam.update(theta, np.array([5.0]), adam.init(theta), 0.001, step=1)
    >>> theta.round(6)
    array([0.999])
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    name: ClassVar[str] = "adam"
    slots: ClassVar[tuple[str, ...]] = ("m", "v")

    def __post_init__(self) -> None:
        check_number(self.name, "learning_rate", self.learning_rate, low=0, open_low=True)
        check_number(self.name, "beta_1", self.beta_1, low=0, high=1)
        check_number(self.name, "beta_2", self.beta_2, low=0, high=1)
        check_number(self.name, "epsilon", self.epsilon, low=0, open_low=True)

    def update(self, theta: Array, gradient: Array, state: State, learning_rate: float, step: int) -> None:
        """One step; written as θ ← θ - (η/(1-β₁ᵗ)) m / (√v/√(1-β₂ᵗ) + ε), which needs no m̂ and no v̂."""
        number = theta.dtype.type
        m, v = state["m"], state["v"]
        scratch = gradient * number(1 - self.beta_1)
        m *= number(self.beta_1)
        m += scratch
        np.multiply(gradient, gradient, out=scratch)
        scratch *= number(1 - self.beta_2)
        v *= number(self.beta_2)
        v += scratch
        np.sqrt(v, out=scratch)
        scratch *= number(1 / np.sqrt(1 - self.beta_2**step))
        scratch += number(self.epsilon)
        np.divide(m, scratch, out=scratch)
        scratch *= number(learning_rate / (1 - self.beta_1**step))
        theta -= scratch


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ - η·decay·θ, then Adam's step.

    Unlike ``l2``, the decay does not pass through the division by √v̂; it takes weights and biases alike, as in PyTorch.

    Args:
        learning_rate: η.
        beta_1: β₁.
        beta_2: β₂.
        epsilon: ε.
        weight_decay: from 0 up.

    Raises:
        OptionError: a number out of its range.

    Source: Loshchilov & Hutter, *Decoupled weight decay regularization*, 2019.

    >>> import numpy as np
    >>> adamw, theta = AdamW(weight_decay=0.1), np.array([1.0])
    >>> adamw.update(theta, np.array([5.0]), adamw.init(theta), 0.001, step=1)
    >>> theta.round(6)
    array([0.9989])
    """

    weight_decay: float = 0.01

    name: ClassVar[str] = "adamw"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("adamw", "weight_decay", self.weight_decay, low=0)

    def update(self, theta: Array, gradient: Array, state: State, learning_rate: float, step: int) -> None:  # noqa: D102
        theta *= theta.dtype.type(1 - learning_rate * self.weight_decay)
        super().update(theta, gradient, state, learning_rate, step)
