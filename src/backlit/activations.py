"""σ(z) and its pull-back, side by side, one class an activation.

``pull_back(error, z, a)`` takes ∂C/∂a to ∂C/∂z: Σ_k ∂C/∂a_k ∂a_k/∂z_j. An elementwise activation has ∂a_k/∂z_j = 0 for
k ≠ j, so its pull-back is ``error * slope(z, a)``, inherited; softmax has a full Jacobian and says so.

Slopes at a kink, the same in every engine: relu'(0) = 0, leaky-relu'(0) = its slope for negative z, elu'(0) = 1.
"""

from abc import ABC, abstractmethod

import numpy as np

from backlit.errors import OptionError, unknown_option
from backlit.notation import Array


class Activation(ABC):
    """What an activation is: a name, a value, a pull-back. Subclass :class:`Elementwise` to add one of your own."""

    name: str
    output_only = False
    lowest, highest = -np.inf, np.inf  # between which σ(z) lies: no target beyond them can be reached

    @abstractmethod
    def value(self, z: Array) -> Array:
        """a = σ(z), of z's shape (m, n_l) and dtype."""

    @abstractmethod
    def pull_back(self, error: Array, z: Array, a: Array) -> Array:
        """∂C/∂z from error = ∂C/∂a, all of shape (m, n_l)."""


class Elementwise(Activation):
    """An activation whose output j depends on input j alone."""

    @abstractmethod
    def slope(self, z: Array, a: Array) -> Array:
        """σ'(z); a = σ(z) is given because many slopes are cheaper from it."""

    def pull_back(self, error: Array, z: Array, a: Array) -> Array:
        """error ⊙ σ'(z)."""
        return error * self.slope(z, a)


class Identity(Elementwise):
    """σ(z) = z."""

    name = "identity"

    def value(self, z: Array) -> Array:  # noqa: D102
        return z

    def slope(self, z: Array, a: Array) -> Array:  # noqa: D102
        return np.ones_like(z)

    def pull_back(self, error: Array, z: Array, a: Array) -> Array:
        """The error itself: the slope is 1."""
        return error


class Sigmoid(Elementwise):
    """σ(z) = 1 / (1 + e^{-z})."""

    name = "sigmoid"
    lowest, highest = 0.0, 1.0

    def value(self, z: Array) -> Array:
        """As 1/(1+e^{-z}) for z ≥ 0 and e^z/(1+e^z) below: nothing overflows, small values keep their digits."""
        e = np.exp(-np.abs(z))
        return np.where(z >= 0, z.dtype.type(1), e) / (1 + e)

    def slope(self, z: Array, a: Array) -> Array:
        """σ'(z) = a(1 - a)."""
        return a * (1 - a)


class Tanh(Elementwise):
    """σ(z) = tanh z."""

    name = "tanh"
    lowest, highest = -1.0, 1.0

    def value(self, z: Array) -> Array:  # noqa: D102
        return np.tanh(z)

    def slope(self, z: Array, a: Array) -> Array:
        """σ'(z) = 1 - a²."""
        return 1 - a * a


class Relu(Elementwise):
    """σ(z) = max(z, 0)."""

    name = "relu"
    lowest = 0.0

    def value(self, z: Array) -> Array:  # noqa: D102
        return np.maximum(z, 0)

    def slope(self, z: Array, a: Array) -> Array:
        """1 where z > 0, else 0; relu'(0) = 0."""
        return (z > 0).astype(z.dtype)


class LeakyRelu(Elementwise):
    """σ(z) = z where z > 0, else 0.01 z."""

    name = "leaky-relu"
    negative_slope = 0.01

    def value(self, z: Array) -> Array:  # noqa: D102
        return np.maximum(z, z * self.negative_slope)

    def slope(self, z: Array, a: Array) -> Array:
        """1 where z > 0, else 0.01; so leaky-relu'(0) = 0.01."""
        return np.where(z > 0, z.dtype.type(1), z.dtype.type(self.negative_slope))


class Elu(Elementwise):
    """σ(z) = z where z > 0, else e^z - 1."""

    name = "elu"
    lowest = -1.0

    def value(self, z: Array) -> Array:  # noqa: D102
        return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))

    def slope(self, z: Array, a: Array) -> Array:
        """1 where z > 0, else e^z; elu'(0) = 1."""
        return np.exp(np.minimum(z, 0))


class Gelu(Elementwise):
    """σ(z) = z Φ(z), exact: Φ is the standard normal distribution function.

    Source: Hendrycks & Gimpel, *Gaussian error linear units*, 2016.
    """

    name = "gelu"

    def value(self, z: Array) -> Array:  # noqa: D102
        return z * _normal_distribution(z)

    def slope(self, z: Array, a: Array) -> Array:
        """σ'(z) = Φ(z) + z φ(z), φ the normal density."""
        return _normal_distribution(z) + z * _normal_density(z)


class Silu(Elementwise):
    """σ(z) = z · sigmoid(z), also called swish."""

    name = "silu"

    def value(self, z: Array) -> Array:  # noqa: D102
        return z * SIGMOID.value(z)

    def slope(self, z: Array, a: Array) -> Array:
        """σ'(z) = s + a(1 - s) with s = sigmoid(z)."""
        s = SIGMOID.value(z)
        return s + a * (1 - s)


class Softplus(Elementwise):
    """σ(z) = ln(1 + e^z), a smooth relu."""

    name = "softplus"
    lowest = 0.0

    def value(self, z: Array) -> Array:
        """As max(z, 0) + ln(1 + e^{-|z|}), so that nothing overflows."""
        return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))

    def slope(self, z: Array, a: Array) -> Array:
        """σ'(z) = sigmoid(z)."""
        return SIGMOID.value(z)


class Exponential(Elementwise):
    """σ(z) = e^z, the rate of a Poisson count; for the output only.

    e^800 is beyond every float. So z is held at the point from where 2²⁴ outputs can still be summed to a finite
    number (693 in float64, 72 in float32): past it a, the cost and δ = a - y stay finite and keep their signs.
    """

    name = "exponential"
    output_only = True
    lowest = 0.0

    def value(self, z: Array) -> Array:  # noqa: D102
        return np.exp(np.minimum(z, self.largest_z(z.dtype)))

    def slope(self, z: Array, a: Array) -> Array:
        """σ'(z) = a."""
        return a

    @staticmethod
    def largest_z(dtype: np.dtype) -> float:
        """ln(largest float / 2²⁴)."""
        return float(np.log(float(np.finfo(dtype).max)) - 24 * np.log(2))


class Softmax(Activation):
    """a_j = e^{z_j} / Σ_k e^{z_k}: positive, summing to 1 over the layer; for the output only."""

    name = "softmax"
    output_only = True
    lowest, highest = 0.0, 1.0

    def value(self, z: Array) -> Array:
        """With the largest z of each row taken off first, which changes nothing but keeps e^z finite."""
        e = np.exp(z - z.max(axis=1, keepdims=True))
        e /= e.sum(axis=1, keepdims=True)
        return e

    def pull_back(self, error: Array, z: Array, a: Array) -> Array:
        """With ∂a_k/∂z_j = a_k([j=k] - a_j): δ_j = a_j (error_j - Σ_k error_k a_k)."""
        return a * (error - (error * a).sum(axis=1, keepdims=True))


def _normal_distribution(z: Array) -> Array:
    from scipy.special import ndtr

    phi: Array = ndtr(z)
    return phi


def _normal_density(z: Array) -> Array:
    """φ(z) = e^{-z²/2} / √(2π); beyond |z| = 1000 it is 0, and z² could overflow."""
    near = np.minimum(np.abs(z), 1000)
    return np.exp(-0.5 * near * near) * z.dtype.type(1 / np.sqrt(2 * np.pi))


SIGMOID = Sigmoid()

ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Identity(), SIGMOID, Tanh(), Relu(), LeakyRelu(), Elu(), Gelu(), Silu(), Softplus(), Exponential(), Softmax(),
    )
}  # fmt: skip


def get(activation: str | Activation, *, option: str = "activation", hidden: bool = False) -> Activation:
    """The activation of that name; an :class:`Activation` of your own passes through.

    Raises:
        OptionError: the name is unknown (the nearest is suggested), or it is for outputs only and ``hidden`` is set.
    """
    found = activation if isinstance(activation, Activation) else ACTIVATIONS.get(str(activation))
    if found is None:
        raise unknown_option(option, activation, (n for n, a in ACTIVATIONS.items() if not (hidden and a.output_only)))
    if hidden and found.output_only:
        raise OptionError(f"{option} '{found.name}' is for the output layer only; give a hidden layer another, as relu")
    return found
