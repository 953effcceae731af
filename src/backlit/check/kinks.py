"""Kinks: where an activation or a cost passes from one smooth piece to another, and which piece a number lies on.

Two points on the same pieces are joined by a smooth cost, and a difference quotient means something. So the pieces of
every neuron are compared between the base point and each probe; nothing is guessed from the size of a difference.

relu and leaky-relu bend at 0; elu and Huber's corner bend in their second derivative, which spoils the error term of a
difference formula as surely. The exponential is held from where its sum could overflow: beyond, its slope is a
convention. An activation of your own names its kinks in an attribute ``kinks``, a tuple of numbers.
"""

import numpy as np
from numpy.typing import NDArray

from backlit.activations import Activation, Exponential
from backlit.costs import Cost
from backlit.network import Layer
from backlit.notation import Array
from backlit.objective import Objective

KINKS: dict[str, tuple[float, ...]] = {"relu": (0.0,), "leaky-relu": (0.0,), "elu": (0.0,)}
HUBER_CORNER = 1.0

Pieces = NDArray[np.bool_]
"""One truth a (probe, neuron, kink): whether the number lies beyond the kink."""


def of_activation(activation: Activation) -> tuple[float, ...]:
    """The z at which an activation bends."""
    if isinstance(activation, Exponential):
        return (Exponential.largest_z(np.dtype(np.float64)),)
    own = getattr(activation, "kinks", None)
    return tuple(own) if own is not None else KINKS.get(activation.name, ())


def pieces(activation: Activation, z: Array) -> list[Pieces]:
    """Which piece of σ each z lies on: z > kink; z at the kink belongs to the piece below, as its slope does."""
    return [z > kink for kink in of_activation(activation)]


def pieces_of_cost(objective: Objective, a: Array, y: Array) -> list[Pieces]:
    """Which piece of the cost each output lies on: Huber's middle, its upper or its lower arm."""
    if objective.cost.name != "huber":
        return []
    return [a - y > HUBER_CORNER, a - y < -HUBER_CORNER]


def same(here: list[Pieces], there: list[Pieces]) -> NDArray[np.bool_]:
    """For each probe (row of the arrays): do all its neurons lie on the same pieces here and there?"""
    agree = [(one == other).all(axis=1) for one, other in zip(here, there, strict=True)]
    return np.logical_and.reduce(agree)


def bends(activation: Activation) -> str:
    """What to call an activation's kink in a message.

    >>> from backlit.activations import ACTIVATIONS
    >>> bends(ACTIVATIONS["relu"])
    'the kink of relu at 0'
    """
    where = " and ".join(f"{kink:g}" for kink in of_activation(activation))
    return f"the kink of {activation.name} at {where}"


def may_be_undeclared(layers: tuple[Layer, ...], objective: Objective) -> bool:
    """Is there an activation that is not Backlit's and names no kinks, or a cost that is not Backlit's?"""
    strangers = [layer.activation for layer in layers if getattr(layer.activation, "kinks", None) is None]
    own = all(type(activation).__module__ == Activation.__module__ for activation in strangers)
    return not own or type(objective.cost).__module__ != Cost.__module__
