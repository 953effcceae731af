"""An update of one number, row by row: every optimizer's step is a sum over the rows it comes from.

The gradient of one weight is a sum over rows, (1/m) Σ_i w̃_i δ_ij a_ik, plus the penalty's part. What an optimizer makes
of it is linear in the gradients, past and present, once the denominators of rmsprop and adam are taken as they were:

    sgd        Δ = -η g;  with momentum v ← μv - ηg, Δ = v (Nesterov: μv - ηg)
    rmsprop    Δ = -η g / (√s + ε),                     s ← ρs + (1-ρ)g²   of the whole gradient
    adam       Δ = -η/(1-β₁ᵗ) m / (√v/√(1-β₂ᵗ) + ε),   m ← β₁m + (1-β₁)g,   v ← β₂v + (1-β₂)g²   likewise

so each row has its own share of Δ, and the shares add up to it. Those of sgd are the whole story; in the adaptive ones
the rows also set the denominators together, and that is attributed to none of them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from backlit.errors import OptionError, unknown_option
from backlit.notation import Float64Array

Update = Callable[[Float64Array, float, int], Float64Array]
"""(each one's share of the gradient, η, number of the step from 1) → each one's share of the update."""


def get(described: dict[str, Any]) -> Update:
    """The rule of an optimizer, from :meth:`Optimizer.describe`.

    Raises:
        OptionError: lbfgs, whose steps are no sums over rows; or an optimizer of somebody's own.

    >>> update = get({"name": "sgd", "momentum": 0.5, "nesterov": False})
    >>> update(np.array([1.0, 0.0]), 0.1, 1), update(np.array([0.0, 2.0]), 0.1, 2)
    (array([-0.1,  0. ]), array([-0.05, -0.2 ]))
    """
    name = described["name"]
    if name == "lbfgs":
        raise OptionError("lbfgs: its steps are found by searches along lines, not sums over rows; train with sgd")
    if name not in _RULES:
        raise unknown_option("optimizer of the provenance", name, _RULES)
    return _RULES[name](described)


def attributed(name: str) -> str:
    """What a share is, in words."""
    if name == "sgd":
        return "exact: the shares are what each row's own gradient moved it by"
    return f"the shares of {name}'s numerator; its denominator, which the rows set together, is taken as it was"


def _sgd(described: dict[str, Any]) -> Update:
    momentum, nesterov = described["momentum"], described["nesterov"]
    velocity: list[Any] = [0.0]

    def update(g: Float64Array, learning_rate: float, step: int) -> Float64Array:
        velocity[0] = momentum * velocity[0] - learning_rate * g
        return momentum * velocity[0] - learning_rate * g if nesterov else velocity[0]

    return update


def _rmsprop(described: dict[str, Any]) -> Update:
    square = [0.0]

    def update(g: Float64Array, learning_rate: float, step: int) -> Float64Array:
        square[0] = described["decay"] * square[0] + (1 - described["decay"]) * float(g.sum()) ** 2
        return -learning_rate * g / (np.sqrt(square[0]) + described["epsilon"])

    return update


def _adam(described: dict[str, Any]) -> Update:
    beta_1, beta_2 = described["beta_1"], described["beta_2"]
    m: list[Any] = [0.0]
    v = [0.0]

    def update(g: Float64Array, learning_rate: float, step: int) -> Float64Array:
        m[0] = beta_1 * m[0] + (1 - beta_1) * g
        v[0] = beta_2 * v[0] + (1 - beta_2) * float(g.sum()) ** 2
        scale = np.sqrt(v[0]) / np.sqrt(1 - beta_2**step) + described["epsilon"]
        return -learning_rate / (1 - beta_1**step) * m[0] / scale

    return update


_RULES: dict[str, Callable[[dict[str, Any]], Update]] = {
    "sgd": _sgd, "rmsprop": _rmsprop, "adam": _adam, "adamw": _adam,
}  # fmt: skip
