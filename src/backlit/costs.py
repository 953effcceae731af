"""C(a, y) of one row and ∂C/∂a, side by side, one class a cost.

``value(a, y)`` gives the cost of each row, shape (m,); ``gradient(a, y)`` gives ∂C_i/∂a_i, shape (m, n_L). Targets y
have a's shape: one-hot rows for classes. These are the general forms; near certainty the logarithms of some are
infinite where the pair with its output activation is not: ``objective.py`` has the forms that training uses.
"""

from abc import ABC, abstractmethod

import numpy as np

from backlit.errors import unknown_option
from backlit.notation import Array


class Cost(ABC):
    """What a cost is: a name, a value a row, a gradient. Subclass it to add one of your own."""

    name: str

    @abstractmethod
    def value(self, a: Array, y: Array) -> Array:
        """C_i of each row, shape (m,)."""

    @abstractmethod
    def gradient(self, a: Array, y: Array) -> Array:
        """∂C_i/∂a_i of each row, shape (m, n_L)."""


class Quadratic(Cost):
    """C = ½ Σ_j (a_j - y_j)²."""

    name = "quadratic"

    def value(self, a: Array, y: Array) -> Array:  # noqa: D102
        return 0.5 * _sum((a - y) ** 2)

    def gradient(self, a: Array, y: Array) -> Array:
        """∂C/∂a = a - y."""
        return a - y


class Mse(Cost):
    """C = (1/n_L) Σ_j (a_j - y_j)², the mean squared error over the outputs."""

    name = "mse"

    def value(self, a: Array, y: Array) -> Array:  # noqa: D102
        return _sum((a - y) ** 2) / a.shape[1]

    def gradient(self, a: Array, y: Array) -> Array:
        """∂C/∂a = (2/n_L)(a - y)."""
        return (a - y) * a.dtype.type(2 / a.shape[1])


class BinaryCrossEntropy(Cost):
    """C = -Σ_k [y_k ln a_k + (1 - y_k) ln(1 - a_k)], summed over the K outputs, each a yes or no of its own."""

    name = "binary-cross-entropy"

    def value(self, a: Array, y: Array) -> Array:  # noqa: D102
        return -_sum(_times_log(y, a) + _times_log(1 - y, 1 - a))

    def gradient(self, a: Array, y: Array) -> Array:
        """∂C/∂a = (a - y) / (a(1 - a)): infinite at a wrong certainty."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return (a - y) / (a * (1 - a))


class CrossEntropy(Cost):
    """C = -Σ_j y_j ln a_j, for one of K classes."""

    name = "cross-entropy"

    def value(self, a: Array, y: Array) -> Array:  # noqa: D102
        return -_sum(_times_log(y, a))

    def gradient(self, a: Array, y: Array) -> Array:
        """∂C/∂a = -y / a: infinite at a wrong certainty."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return -y / a


class Huber(Cost):
    """C = Σ_j h(a_j - y_j), with h(e) = ½e² for |e| ≤ 1 and |e| - ½ beyond: outliers pull with force 1, no more.

    Source: Huber, *Robust estimation of a location parameter*, 1964.
    """

    name = "huber"

    def value(self, a: Array, y: Array) -> Array:  # noqa: D102
        e = np.abs(a - y)
        near = np.minimum(e, 1)
        return _sum(near * (e - 0.5 * near))

    def gradient(self, a: Array, y: Array) -> Array:
        """∂C/∂a = a - y, held between -1 and 1."""
        return np.clip(a - y, -1, 1)


class Poisson(Cost):
    """C = Σ_j (a_j - y_j ln a_j), for counts y: the Poisson likelihood without its constant ln y!."""

    name = "poisson"

    def value(self, a: Array, y: Array) -> Array:  # noqa: D102
        return _sum(a - _times_log(y, a))

    def gradient(self, a: Array, y: Array) -> Array:
        """∂C/∂a = 1 - y / a."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1 - y / a


def _sum(per_output: Array) -> Array:
    total: Array = per_output.sum(axis=1)
    return total


def _times_log(y: Array, a: Array) -> Array:
    """y ln a, with 0 ln 0 = 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y == 0, a.dtype.type(0), y * np.log(a))


COSTS: dict[str, Cost] = {
    cost.name: cost for cost in (Quadratic(), Mse(), BinaryCrossEntropy(), CrossEntropy(), Huber(), Poisson())
}


def get(cost: str | Cost) -> Cost:
    """The cost of that name; a :class:`Cost` of your own passes through.

    Raises:
        OptionError: the name is unknown; the nearest is suggested.
    """
    if isinstance(cost, Cost):
        return cost
    if str(cost) not in COSTS:
        raise unknown_option("cost", cost, COSTS)
    return COSTS[str(cost)]
