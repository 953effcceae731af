"""A chain: what every foreign format is read into, and a network is made from. Weights, activations, and what is lost.

A reader hands over what it meets, in its order: :meth:`ChainBuilder.linear`, ``activation``, ``dropout``. What Backlit
has a place for gets it; what it has none for is refused, or noted under ``lost`` where the outputs do not depend on it.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.activations import ACTIVATIONS
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.notation import Array

FLOATS = {np.dtype(np.float32), np.dtype(np.float64)}


@dataclass(frozen=True, eq=False)
class Dense:
    """One layer as a source has it: z = a Wᵀ + b, W of shape (neurons, inputs); dropout follows its activation."""

    W: Array
    b: Array
    activation: str = "identity"
    dropout: float = 0.0
    closed: bool = False
    """Whether its activation has been met, be it the identity."""


@dataclass(eq=False)
class ChainBuilder:
    """Layers as they are met, from the input on; ``what`` names the source in messages."""

    what: str
    layers: list[Dense] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def linear(self, W: NDArray[Any], b: NDArray[Any] | None, name: str) -> None:
        """A layer's weights, (neurons, inputs), and biases; None where the source has none.

        Raises:
            DataError: the shapes do not go with each other or with the layer before, or a number is not finite.
        """
        W = self._numbers(W, name)
        if b is None:
            b = np.zeros(len(W), W.dtype)
            self.lose(f"{name} has no bias: it is 0 here, and training would move it")
        b = self._numbers(b, name)
        if W.ndim != 2 or b.shape != W.shape[:1] or not W.size:
            raise DataError(f"{self.what}: {name} has weights of shape {W.shape} and biases of {b.shape}")
        if self.layers and W.shape[1] != len(self.layers[-1].W):
            raise DataError(
                f"{self.what}: {name} takes {W.shape[1]:,} inputs, and what stands before it has "
                f"{len(self.layers[-1].W):,} outputs"
            )
        self.layers.append(Dense(W, b))

    def activation(self, activation: str, name: str) -> None:
        """What follows a layer's weights.

        Raises:
            OptionError: there is no layer yet, or it has an activation already.
        """
        if activation == "identity":
            return
        if not self.layers:
            raise OptionError(f"{self.what}: {name} stands before the first layer's weights, where Backlit has none")
        last = self.layers[-1]
        if last.closed:
            raise OptionError(f"{self.what}: {name} is a second activation of one layer; Backlit's layers have one")
        self.layers[-1] = replace(last, activation=activation, closed=True)

    def dropout(self, p: float, name: str) -> None:
        """Dropout after a layer; two in a row are one that keeps what both keep.

        Raises:
            OptionError: p is no probability below 1.
        """
        if not 0 <= p < 1:
            raise OptionError(f"{self.what}: {name} drops with probability {p:g}; Backlit takes 0 up to, not with, 1")
        if not p:
            return
        if not self.layers:
            self.lose(f"{name}: dropout of the inputs (probability {p:g}), which Backlit does not have")
            return
        last = self.layers[-1]
        self.layers[-1] = replace(last, dropout=1 - (1 - last.dropout) * (1 - p) if last.dropout else p)

    def lose(self, what: str) -> None:
        """Notes what the network made from this will not have; once."""
        if what not in self.lost:
            self.lost.append(what)

    def network(self, *, seed: int = 0) -> Network:
        """The network of these layers, in the widest of their dtypes.

        Raises:
            OptionError: there is no layer, or an activation that is for outputs only stands within.
        """
        if not self.layers:
            raise OptionError(f"{self.what}: has no layer with weights")
        for number, layer in enumerate(self.layers[:-1], start=2):
            if ACTIVATIONS[layer.activation].output_only:
                raise OptionError(
                    f"{self.what}: layer {number} of {len(self.layers) + 1} has {layer.activation}, "
                    "which Backlit has for the output layer only"
                )
        last = self.layers[-1]
        if last.dropout:
            self.lose(f"dropout of the outputs (probability {last.dropout:g}), which Backlit does not have")
        network = Network(
            [self.layers[0].W.shape[1], *(len(layer.W) for layer in self.layers)],
            activation=[layer.activation for layer in self.layers[:-1]],
            output=last.activation,
            dropout=[layer.dropout for layer in self.layers[:-1]],
            seed=seed,
            dtype=np.result_type(*(part for layer in self.layers for part in (layer.W, layer.b))),
        )
        for place, layer in zip(network.layers, self.layers, strict=True):
            place.W[...], place.b[...] = layer.W, layer.b
        return network

    def _numbers(self, values: NDArray[Any], name: str) -> Array:
        """In float32 or float64; a half is widened, which loses nothing."""
        if values.dtype == np.float16:
            self.lose(f"that {name} was of float16: it is float32 here, every number the same")
            values = values.astype(np.float32)
        if values.dtype not in FLOATS:
            raise DataError(f"{self.what}: {name} is of {values.dtype}; float16, float32 and float64 are taken")
        if not np.isfinite(values).all():
            raise DataError(f"{self.what}: {name} holds a number that is not finite")
        return values
