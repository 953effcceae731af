"""Whether a network computes what its source computes, or what was made from it does: the largest difference, measured.

Of the outputs: max |ours - theirs| / max |theirs|, over random rows or real ones. Of the gradients, where the other
side can compute them: the same over every ∂C/∂W and ∂C/∂b at once, for C = (1/m) Σ_i Σ_j G_ij a_ij with random G, which
puts every output and no cost of anybody's to the test.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit import backpropagation, engines
from backlit.backpropagation import Gradients
from backlit.costs import Cost
from backlit.errors import OptionError
from backlit.network import Network
from backlit.notation import Array
from backlit.objective import Objective

ROWS = 64
LARGEST = {"float32": 1e-4, "float64": 1e-8}
"""What rounding and other people's shortcuts may come to; more is another function."""

Outputs = Callable[[Array], NDArray[Any]]
"""X → what the other side computes, (rows, n_L)."""
GradientsOf = Callable[[Array, Array], list[tuple[Any, Any]]]
"""X, G → the other side's (∂C/∂W, ∂C/∂b) of each layer, W of shape (neurons, inputs); None where there is no b."""


@dataclass(frozen=True)
class Agreement:
    """The largest difference found; ``gradients`` is None where the other side computes none."""

    against: str
    rows: int
    data: str
    outputs: float
    gradients: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        kept = f"outputs differ from {self.against}'s by at most {self.outputs:.1e} of the largest"
        if self.gradients is not None:
            kept += f", gradients by {self.gradients:.1e}"
        return f"{kept}, over {self.rows:,} {self.data} rows"


def measure(
    network: Network,
    against: str,
    outputs: Outputs,
    gradients: GradientsOf | None = None,
    *,
    arithmetic: str | None = None,
    seed: int = 0,
) -> Agreement:
    """The agreement over random rows, standard normal; ``arithmetic`` is the other side's, where not the network's.

    Raises:
        OptionError: the difference is more than rounding explains: it is another function.
    """
    rng = np.random.default_rng(seed)
    X: Array = rng.normal(size=(ROWS, network.sizes[0])).astype(network.dtype)
    G: Array = rng.normal(size=(ROWS, network.sizes[-1])).astype(network.dtype)
    gradients_off = None
    with np.errstate(over="ignore", invalid="ignore"):  # weights as large as they come; what is not finite is refused
        off = difference(engines.predict(network, X), outputs(X))
        if gradients is not None:
            pairs = [
                (ours, np.asarray(theirs))
                for of_layer, its in zip(gradient(network, X, G), gradients(X, G), strict=True)
                for ours, theirs in zip(of_layer, its, strict=True)
                if theirs is not None
            ]
            gradients_off = difference(
                *(np.concatenate([part.ravel() for part in side]) for side in zip(*pairs, strict=True))
            )
    found = Agreement(against, ROWS, "random", off, gradients_off)
    require(found, arithmetic or network.dtype.name)
    return found


def require(found: Agreement, dtype: str) -> None:
    """Raises OptionError where the difference is more than rounding explains, or is no number."""
    worst = max(found.outputs, found.gradients or 0.0)
    if worst == np.inf:
        raise OptionError(
            f"this cannot be held against {found.against}: on {found.data} rows a number is not finite, or the outputs "
            "are not as many; nothing was made from it"
        )
    if not worst <= LARGEST[dtype]:
        raise OptionError(
            f"this does not compute what {found.against} computes: {found}; nothing was made from it, for it would be "
            "another function"
        )


def difference(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """max |ours - theirs| / max |theirs|; infinite where the shapes differ or a number is not finite.

    >>> difference(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    0.5
    """
    if ours.shape != theirs.shape:
        return np.inf
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore"):
        worst, largest = float(np.abs(ours - theirs).max(initial=0)), float(np.abs(theirs).max(initial=0))
    if not np.isfinite(worst) or not np.isfinite(largest):
        return np.inf
    return worst / largest if worst else 0.0


def gradient(network: Network, X: Array, G: Array) -> list[tuple[Array, Array]]:
    """(∂C/∂W, ∂C/∂b) of every layer for C = (1/m) Σ_i Σ_j G_ij a_ij, by the equations."""
    objective = Objective(network.activations[-1], _WeighedSum())
    passed = backpropagation.backward_pass(
        network.layers, objective, X, G, np.ones(len(X), X.dtype), Gradients.empty(network)
    )
    return [(passed.gradients.W[l], passed.gradients.b[l]) for l in sorted(passed.gradients.W)]


class _WeighedSum(Cost):
    """C = Σ_j G_j a_j, with G in the target's place."""

    name = "weighed-sum"

    def value(self, a: Array, y: Array) -> Array:
        total: Array = (a * y).sum(axis=1)
        return total

    def gradient(self, a: Array, y: Array) -> Array:
        return y
