"""Conventions: other people's δ and gradients, right in their own way, and how they are brought to ours.

δ may be -∂C/∂z, may carry 1/m already, or the row's weight; gradients may be sums over the rows with the cost a sum
too; a gradient may be the direction of descent. A convention must hold throughout, or it is none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from backlit.check.homework.digits import Written
from backlit.check.homework.world import Key, World
from backlit.notation import Array

GRADIENTS = ("bias_gradient", "weight_gradient")


@dataclass(frozen=True)
class Convention:
    """Yours = ours × these, throughout."""

    delta_negative: bool = False
    delta_divided: bool = False
    delta_weighted: bool = False
    sums: bool = False
    descent: bool = False

    @property
    def departures(self) -> int:
        """In how many ways it is another than ours."""
        return sum((self.delta_negative, self.delta_divided, self.delta_weighted, self.sums, self.descent))

    def __str__(self) -> str:
        said = []
        if self.delta_negative or self.delta_divided or self.delta_weighted:
            weight = "w̃ " if self.delta_weighted else ""
            share = "/m" if self.delta_divided else ""
            said.append(f"δ is {'-' if self.delta_negative else ''}{weight}∂C_i/∂z{share}")
        if self.sums:
            said.append("sums over the rows in place of means, throughout")
        if self.descent:
            said.append("gradients are given as the direction of descent, -∂C/∂θ")
        return "; ".join(said)


OURS = Convention()


def possible(given: dict[Key, Written], world: World) -> Iterator[Convention]:
    """Every convention that could show in these numbers; ours first, then by how far they depart."""
    quantities = {quantity for quantity, _ in given}
    m, w = world.m, world.point.row_weights
    delta = "delta" in quantities
    gradients = bool(quantities & set(GRADIENTS))
    choices = product(
        (False, True) if delta else (False,),
        (False, True) if delta and m > 1 else (False,),
        (False, True) if delta and bool(np.ptp(w) > 0) else (False,),
        (False, True) if m > 1 and (gradients or "cost" in quantities) else (False,),
        (False, True) if gradients and "updated_weight" in quantities else (False,),
    )
    yield from sorted((Convention(*choice) for choice in choices), key=lambda convention: convention.departures)


def to_ours(convention: Convention, given: dict[Key, Written], world: World) -> dict[Key, Written]:
    """The numbers as they would be in our convention."""
    return {key: _scaled(written, factor(convention, key[0], world)) for key, written in given.items()}


def factor(convention: Convention, quantity: str, world: World) -> Array | float:
    """What ours is multiplied by to give theirs."""
    if quantity == "delta":
        by = (-1.0 if convention.delta_negative else 1.0) / (world.m if convention.delta_divided else 1)
        return by * world.point.row_weights[:, np.newaxis] if convention.delta_weighted else by
    if quantity in GRADIENTS:
        return (-1.0 if convention.descent else 1.0) * (world.m if convention.sums else 1)
    return float(world.m) if quantity == "cost" and convention.sums else 1.0


def _scaled(written: Written, by: Array | float) -> Written:
    """Theirs divided by the factor; a row of weight 0 has nothing to say."""
    if isinstance(by, float) and by == 1.0:
        return written
    safe = np.where(np.asarray(by) == 0, np.nan, by)
    values = np.asarray(written.values / safe)
    return Written(values, np.nan_to_num(np.asarray(written.unit / np.abs(safe))), written.rounding)


def learning_rate(convention: Convention, rate: float | None, world: World) -> float | None:
    """η of our gradients: sums make steps m times as long."""
    return rate if rate is None or not convention.sums else rate * world.m
