"""A network: layers and their parameters, in one contiguous vector. No arithmetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from backlit import activations, initializers, randomness
from backlit.activations import Activation
from backlit.errors import OptionError
from backlit.initializers import Initializer
from backlit.notation import Array

DTYPES = ("float32", "float64")

MOST_PARAMETERS = 2**40
"""4 TiB of float32: more than any machine holds, and few enough that nothing overflows on the way to saying so."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Layer l ≥ 2: z^l = a^{l-1} Wᵀ + b, a^l = σ(z^l). ``W`` and ``b`` are writable views into the network's vector."""

    number: int
    activation: Activation
    W: Array
    b: Array
    dropout: float

    def __repr__(self) -> str:
        fan_out, fan_in = self.W.shape
        dropped = f", dropout={self.dropout:g}" if self.dropout else ""
        return f"Layer({self.number}: {fan_in} → {fan_out}, {self.activation.name}{dropped})"


class Network:
    """A feed-forward network of layers 1 (the input) to L (the output).

    Args:
        sizes: neurons a layer, input first: ``[n_1, …, n_L]``.
        activation: of the hidden layers; one name, or one a hidden layer.
        output: activation of the output layer.
        initializer: ``auto``, a name, or an :class:`Initializer`.
        dropout: probability p that a hidden neuron is left out of a training step; one number, or one a hidden layer.
        seed: draws the initial parameters.
        dtype: ``float32`` or ``float64``.

    Raises:
        OptionError: a size below 1, an unknown name, a probability outside [0, 1).

    >>> net = Network([2, 3, 1], activation="tanh", output="sigmoid")
    >>> net.layer(2)
    Layer(2: 2 → 3, tanh)
    >>> net.layer(3).W.shape, net.parameters.shape
    ((1, 3), (13,))
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str | Activation | Sequence[str | Activation] = "relu",
        output: str | Activation = "identity",
        initializer: str | Initializer = "auto",
        dropout: float | Sequence[float] = 0.0,
        seed: int = 0,
        dtype: DTypeLike = "float32",
    ) -> None:
        self._sizes = _check_sizes(sizes)
        hidden = len(self._sizes) - 2
        self._activations = (
            *(
                activations.get(a, hidden=True)
                for a in _one_a_layer("activation", activation, hidden, (str, Activation))
            ),
            activations.get(output, option="output"),
        )
        self._dropout = tuple(
            _check_dropout(p) for p in _one_a_layer("dropout", dropout, hidden, (int, float, np.number, str))
        )
        self._seed = randomness.check_seed(seed)
        of_layer = [initializers.get(initializer, activation.name) for activation in self._activations]
        self._initializer = initializer if isinstance(initializer, str) else of_layer[0].name
        self._parameters = _room(self._sizes, _check_dtype(dtype))
        for layer, chosen in zip(self.layers, of_layer, strict=True):
            rng = randomness.initial_generator(self._seed, layer.number)
            layer.W[...], layer.b[...] = chosen.draw(rng, *layer.W.shape)

    @property
    def sizes(self) -> tuple[int, ...]:
        """(n_1, …, n_L)."""
        return self._sizes

    @property
    def L(self) -> int:
        """The number of the output layer."""
        return len(self._sizes)

    @property
    def parameters(self) -> Array:
        """Every W and b in one contiguous vector: W² row by row, b², W³, b³, … Write into it; it is never replaced."""
        return self._parameters

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of every number of the network."""
        return self._parameters.dtype

    @property
    def activations(self) -> tuple[Activation, ...]:
        """σ_2, …, σ_L."""
        return self._activations

    @property
    def dropout(self) -> tuple[float, ...]:
        """p of the hidden layers 2, …, L-1."""
        return self._dropout

    @property
    def seed(self) -> int:
        """What drew the initial parameters."""
        return self._seed

    @property
    def initializer(self) -> str:
        """The name of what drew the initial parameters."""
        return self._initializer

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Layers 2 to L: those that have weights."""
        return tuple(self._layer(number, W, b) for number, (W, b) in self.split(self._parameters).items())

    def layer(self, number: int) -> Layer:
        """Layer ``number``, counted as the maths counts: 2 is the first that has weights.

        Raises:
            OptionError: there is no such layer, or it is layer 1, the input, which has no weights.
        """
        if number == 1:
            raise OptionError("layer 1 is the input and has no weights; the first layer that has is layer 2")
        if not isinstance(number, (int, np.integer)) or not 2 <= number <= self.L:
            raise OptionError(f"there is no layer {number!r}; this network has weights in layers 2 to {self.L}")
        return self._layer(int(number), *self.split(self._parameters)[number])

    def _layer(self, number: int, W: Array, b: Array) -> Layer:
        dropout = self._dropout[number - 2] if number < self.L else 0.0
        return Layer(number, self._activations[number - 2], W, b, dropout)

    def split(self, vector: Array) -> dict[int, tuple[Array, Array]]:
        """Views (W^l, b^l) by layer into any vector laid out as ``parameters``: a gradient, a momentum."""
        return {l: (vector[w].reshape(shape), vector[b]) for l, shape, w, b in layout(self._sizes)}

    def predict(self, X: ArrayLike) -> Array:
        """a^L for each row of X, shape (rows, n_L), without dropout, from the fastest engine there is.

        Raises:
            DataError: X has the wrong number of columns or a number that is not finite.

        >>> Network([2, 3, 1], seed=1).predict([[0.0, 0.0]]).tolist()
        [[0.0]]
        """
        # The one door from the network to what executes it, opened only when somebody goes through.
        from backlit.engines import predict

        return predict(self, X)

    def copy(self, dtype: DTypeLike | None = None) -> "Network":
        """A network of its own with the same parameters, rounded to ``dtype`` where one is given."""
        twin = object.__new__(Network)
        twin.__dict__.update(self.__dict__)
        twin._parameters = self._parameters.astype(self.dtype if dtype is None else _check_dtype(dtype))
        return twin

    __copy__ = copy

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Of a copy that came from another process: joblib hands large arrays over as read-only views of a file."""
        self.__dict__.update(state)
        self._parameters = np.array(self._parameters)

    def __repr__(self) -> str:
        names = ", ".join(a.name for a in self._activations)
        return (
            f"Network({'-'.join(map(str, self._sizes))}, {names}: {self._parameters.size:,} parameters, {self.dtype})"
        )


def layout(sizes: Sequence[int]) -> Iterator[tuple[int, tuple[int, int], slice, slice]]:
    """For each layer l ≥ 2: l, the shape of W^l, and where W^l and b^l lie in the vector of parameters."""
    start = 0
    for number, (fan_in, fan_out) in enumerate(pairwise(sizes), start=2):
        bias = start + fan_in * fan_out
        yield number, (fan_out, fan_in), slice(start, bias), slice(bias, bias + fan_out)
        start = bias + fan_out


def count_parameters(sizes: Sequence[int]) -> int:
    """Σ_l n_l (n_{l-1} + 1).

    >>> count_parameters([784, 30, 10])
    23860
    """
    return sum(n * (before + 1) for before, n in pairwise(sizes))


def _check_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        checked = tuple(sizes)
    except TypeError:
        raise OptionError(f"sizes must be neurons a layer, input first, as [64, 30, 10], not {sizes!r}") from None
    if len(checked) < 2:
        raise OptionError(f"a network needs an input and an output layer, as [64, 10]; sizes was {list(checked)}")
    for number, n in enumerate(checked, start=1):
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise OptionError(f"layer {number} must have a whole number of neurons, at least 1, not {n!r}")
    return tuple(int(n) for n in checked)


def _room(sizes: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    parameters = count_parameters(sizes)
    try:
        if parameters <= MOST_PARAMETERS:
            return np.zeros(parameters, dtype=dtype)
    except MemoryError:
        pass
    raise OptionError(
        f"layers of {', '.join(f'{n:,}' for n in sizes)} neurons need {parameters:,} parameters: too many"
    )


def _check_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        name = "" if dtype is None else np.dtype(dtype).name
    except TypeError:
        name = ""
    if name not in DTYPES:
        raise OptionError(f"dtype must be float32 or float64, not {dtype!r}")
    return np.dtype(name)


def _check_dropout(p: float) -> float:
    if not isinstance(p, (int, float, np.number)) or not 0 <= p < 1:
        raise OptionError(f"dropout is a probability from 0 up to but not including 1, not {p!r}")
    return float(p)


def _one_a_layer(option: str, value: Any, hidden: int, single: tuple[type, ...]) -> list[Any]:
    """One value a hidden layer: the same for all, or as many as there are."""
    if isinstance(value, single):
        return [value] * hidden
    try:
        values = list(value)
    except TypeError:
        raise OptionError(f"{option} must be one value or one a hidden layer, not {value!r}") from None
    if len(values) != hidden:
        raise OptionError(f"{option} has {len(values)} values for {hidden} hidden layers; give one, or one a layer")
    return values
