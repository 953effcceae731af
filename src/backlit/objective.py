"""The objective: cost × output activation × penalty. Which pairs are valid, and which have a fused form.

A **fused form** of a pair gives δ^L = a - y without passing through ∂C/∂a, which is infinite where the network is
certain and wrong, and gives each row's cost from z, where the logarithm of a would be infinite. Every pair without one
is finite and right from its general path at z = ±800 (a test holds it to that); any other pair is refused by name.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backlit import activations, costs
from backlit.activations import Activation
from backlit.costs import Cost
from backlit.errors import OptionError
from backlit.notation import Array, Float64Array


@dataclass(frozen=True)
class FusedForm:
    """A pair whose output error is a - y. ``row_cost(z, a, y)`` is its cost, finite at any finite z."""

    name: str
    row_cost: Callable[[Array, Array, Array], Array]


def _softmax_cross_entropy(z: Array, a: Array, y: Array) -> Array:
    """Σ_j y_j (ln Σ_k e^{z_k} - z_j), with the largest z taken off first."""
    from_top = z - z.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(from_top).sum(axis=1, keepdims=True))
    cost: Array = (y * (log_sum - from_top)).sum(axis=1)
    return cost


def _sigmoid_binary_cross_entropy(z: Array, a: Array, y: Array) -> Array:
    """Σ_k [ln(1 + e^{z_k}) - y_k z_k] = Σ_k [max(z_k, 0) - y_k z_k + ln(1 + e^{-|z_k|})]."""
    cost: Array = (np.maximum(z, 0) - y * z + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)
    return cost


def _exponential_poisson(z: Array, a: Array, y: Array) -> Array:
    """Σ_j (e^{z_j} - y_j z_j)."""
    cost: Array = (a - y * z).sum(axis=1)
    return cost


FUSED = {
    ("softmax", "cross-entropy"): FusedForm("softmax + cross-entropy", _softmax_cross_entropy),
    ("sigmoid", "binary-cross-entropy"): FusedForm("sigmoid + binary cross-entropy", _sigmoid_binary_cross_entropy),
    ("exponential", "poisson"): FusedForm("exponential + poisson", _exponential_poisson),
}

_BOUNDED_OR_LINEAR = (
    "identity", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "gelu", "silu", "softplus", "softmax",
)  # fmt: skip

VALID_OUTPUTS: dict[str, tuple[str, ...]] = {
    "quadratic": _BOUNDED_OR_LINEAR,
    "mse": _BOUNDED_OR_LINEAR,
    "huber": _BOUNDED_OR_LINEAR,
    "binary-cross-entropy": ("sigmoid",),
    "cross-entropy": ("softmax",),
    "poisson": ("exponential",),
}
"""cost → the output activations it goes with."""

DEFAULT_COST = {"softmax": "cross-entropy", "sigmoid": "binary-cross-entropy", "exponential": "poisson"}
"""Output activation → its cost where none is asked for; any other output gets ``quadratic``."""


@dataclass(frozen=True)
class Objective:
    """C = (1/m) Σ_i w̃_i C_i + λ/(2n) Σ‖W‖², over one batch.

    ``fused`` is the pair's fused form, or None where BP1 takes the general path.
    """

    output: Activation
    cost: Cost
    l2: float = 0.0
    n: float = 1.0
    fused: FusedForm | None = None

    def row_costs(self, z: Array, a: Array, y: Array) -> Array:
        """C_i of each row from the output layer's z and a, shape (m,): unweighted, without the penalty."""
        return self.fused.row_cost(z, a, y) if self.fused else self.cost.value(a, y)

    def __str__(self) -> str:
        form = "fused: δ = a - y" if self.fused else "general path"
        penalty = f", l2 {self.l2:g}" if self.l2 else ""
        return f"{self.cost.name} on {self.output.name} ({form}){penalty}"


def choose(
    output: str | Activation, cost: str | Cost | None = None, *, l2: float = 0.0, n: float = 1.0, fused: bool = True
) -> Objective:
    """The objective of an output activation and a cost.

    Args:
        output: the output layer's activation.
        cost: a name or a :class:`Cost`; None takes the output's own (:data:`DEFAULT_COST`).
        l2: λ.
        n: Σw over the training rows, the penalty's divisor.
        fused: False takes the general path even where the pair has a fused form.

    Raises:
        OptionError: the pair is not valid, a name is unknown, or λ is negative.

    >>> print(choose("softmax"))
    cross-entropy on softmax (fused: δ = a - y)
    """
    output = activations.get(output, option="output")
    cost = costs.get(DEFAULT_COST.get(output.name, "quadratic") if cost is None else cost)
    built_in = _is_backlits_own(output, cost)  # whether a pair of the user's own is valid, the user judges
    valid = VALID_OUTPUTS[cost.name] if built_in else ()
    if built_in and output.name not in valid:
        goes_with = " or ".join(c for c, outputs in VALID_OUTPUTS.items() if output.name in outputs)
        raise OptionError(
            f"cost '{cost.name}' does not go with output '{output.name}': "
            f"it needs {' or '.join(valid)}; {output.name} goes with {goes_with}"
        )
    if not isinstance(l2, (int, float, np.number)) or isinstance(l2, bool) or not 0 <= l2 < np.inf:
        raise OptionError(f"l2 must be a number from 0 up, not {l2!r}")
    if not n > 0:
        raise OptionError(f"n, the sum of the training rows' weights, must be above 0, not {n!r}")
    form = FUSED.get((output.name, cost.name)) if fused and built_in else None
    return Objective(output, cost, float(l2), float(n), form)


def _is_backlits_own(output: Activation, cost: Cost) -> bool:
    """By type, not by name: a user's own may carry a name that is taken."""
    return type(output) is type(activations.ACTIVATIONS.get(output.name)) and type(cost) is type(
        costs.COSTS.get(cost.name)
    )


def hits(decision: str, a: Array, y: Array) -> Float64Array:
    """1 for each row whose decision is right, else 0, shape (m,).

    ``argmax``: the largest output is the target's largest. ``threshold``: every output is on its target's side of ½.
    """
    if decision == "argmax":
        right = a.argmax(axis=1) == y.argmax(axis=1)
    else:
        right = ((a >= 0.5) == (y >= 0.5)).all(axis=1)
    return right.astype(np.float64)
