"""Where a network starts: initial weights and biases, one layer at a time.

fan_in = n_{l-1} is what feeds a neuron, fan_out = n_l how many of them there are. Numbers are drawn in float64 and
rounded to the network's dtype, so that a float32 and a float64 network of one seed start at the same place.

Sources: Glorot & Bengio 2010 (glorot), He et al. 2015 (he), LeCun et al. 1998 (lecun), Nielsen 2015 (gaussian).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backlit.errors import OptionError, unknown_option
from backlit.notation import Float64Array

RELU_LIKE = frozenset({"relu", "leaky-relu", "elu", "gelu", "silu"})


@dataclass(frozen=True)
class Initializer:
    """A named way to draw (W, b) of shapes (fan_out, fan_in) and (fan_out,)."""

    name: str
    draw_weights: Callable[[np.random.Generator, int, int], Float64Array]
    draw_biases: Callable[[np.random.Generator, int, int], Float64Array] = lambda rng, fan_out, fan_in: np.zeros(
        fan_out
    )

    def draw(self, rng: np.random.Generator, fan_out: int, fan_in: int) -> tuple[Float64Array, Float64Array]:
        """The weights, then the biases, from one generator."""
        return self.draw_weights(rng, fan_out, fan_in), self.draw_biases(rng, fan_out, fan_in)


def _uniform(name: str, variance: Callable[[int, int], float]) -> Initializer:
    """Uniform on ±√(3·variance), which has that variance."""

    def draw(rng: np.random.Generator, fan_out: int, fan_in: int) -> Float64Array:
        limit = np.sqrt(3 * variance(fan_out, fan_in))
        return rng.uniform(-limit, limit, (fan_out, fan_in))

    return Initializer(name, draw)


def _normal(name: str, variance: Callable[[int, int], float]) -> Initializer:
    def draw(rng: np.random.Generator, fan_out: int, fan_in: int) -> Float64Array:
        return rng.standard_normal((fan_out, fan_in)) * np.sqrt(variance(fan_out, fan_in))

    return Initializer(name, draw)


def _glorot(fan_out: int, fan_in: int) -> float:
    return 2 / (fan_in + fan_out)


def _he(fan_out: int, fan_in: int) -> float:
    return 2 / fan_in


def _lecun(fan_out: int, fan_in: int) -> float:
    return 1 / fan_in


def small_uniform(epsilon: float = 0.12) -> Initializer:
    """Weights and biases uniform on ±ε: just enough to break the symmetry of the neurons.

    Raises:
        OptionError: ε is not a positive number.
    """
    if not 0 < epsilon < np.inf:
        raise OptionError(f"epsilon of small-uniform must be a positive number, not {epsilon!r}")
    return Initializer(
        "small-uniform",
        lambda rng, fan_out, fan_in: rng.uniform(-epsilon, epsilon, (fan_out, fan_in)),
        lambda rng, fan_out, fan_in: rng.uniform(-epsilon, epsilon, fan_out),
    )


def glorot_with_biases(factor: float = 6.0) -> Initializer:
    """Weights and biases uniform on ±√(factor / (fan_in + fan_out)): how scikit-learn's networks start.

    Its factor is 6, which is Glorot's, and 2 where the hidden layers are sigmoids.
    """

    def limit(fan_out: int, fan_in: int) -> float:
        return float(np.sqrt(factor / (fan_in + fan_out)))

    def weights(rng: np.random.Generator, fan_out: int, fan_in: int) -> Float64Array:
        return rng.uniform(-limit(fan_out, fan_in), limit(fan_out, fan_in), (fan_out, fan_in))

    def biases(rng: np.random.Generator, fan_out: int, fan_in: int) -> Float64Array:
        return rng.uniform(-limit(fan_out, fan_in), limit(fan_out, fan_in), fan_out)

    return Initializer(f"glorot-uniform, biases too, factor {factor:g}", weights, biases)


GAUSSIAN = Initializer(
    "gaussian",
    lambda rng, fan_out, fan_in: rng.standard_normal((fan_out, fan_in)),
    lambda rng, fan_out, fan_in: rng.standard_normal(fan_out),
)

INITIALIZERS: dict[str, Initializer] = {
    initializer.name: initializer
    for initializer in (
        _uniform("glorot-uniform", _glorot), _normal("glorot-normal", _glorot),
        _uniform("he-uniform", _he), _normal("he-normal", _he),
        _uniform("lecun-uniform", _lecun), _normal("lecun-normal", _lecun),
        GAUSSIAN, small_uniform(),
    )
}  # fmt: skip


def get(initializer: str | Initializer, activation: str) -> Initializer:
    """The initializer of that name; ``auto`` is he-normal for the relu family and glorot-uniform for the rest.

    Raises:
        OptionError: the name is unknown; the nearest is suggested.
    """
    if isinstance(initializer, Initializer):
        return initializer
    if initializer == "auto":
        return INITIALIZERS["he-normal" if activation in RELU_LIKE else "glorot-uniform"]
    if str(initializer) not in INITIALIZERS:
        raise unknown_option("initializer", initializer, [*INITIALIZERS, "auto"])
    return INITIALIZERS[str(initializer)]
