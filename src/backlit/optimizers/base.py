"""What an optimizer is: hyperparameters that never change, a state that is explicit, one update.

``init`` makes the state as named arrays of the length of θ; ``update`` changes θ and the state in place. Nothing else
is remembered, so saving θ, the state and the number of the step is saving everything.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from backlit.errors import OptionError
from backlit.notation import Array

State = dict[str, Array]


@dataclass(frozen=True)
class Optimizer(ABC):
    """The contract. Subclass it (a frozen dataclass) to bring one of your own."""

    learning_rate: float = 0.01

    name: ClassVar[str]
    slots: ClassVar[tuple[str, ...]] = ()
    whole_batch_only: ClassVar[bool] = False

    @abstractmethod
    def update(self, theta: Array, gradient: Array, state: State, learning_rate: float, step: int) -> None:
        """θ ← …, in place. ``step`` counts from 1; ``learning_rate`` is η at this step, after the schedule."""

    def init(self, theta: Array) -> State:
        """The state before the first step: a vector of zeros a slot."""
        return {slot: np.zeros_like(theta) for slot in self.slots}

    def describe(self) -> dict[str, Any]:
        """The name and the hyperparameters, as plain data."""
        return {"name": self.name, **asdict(self)}


def check_whole(owner: str, option: str, value: object, *, low: int = 1) -> None:
    """Raises OptionError unless the value is a whole number, at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise OptionError(f"{option} of {owner} must be a whole number, at least {low}, not {value!r}")


def check_number(
    owner: str, option: str, value: float, *, low: float, high: float = np.inf, open_low: bool = False
) -> None:
    """Raises OptionError unless low ≤ value < high (low < value with ``open_low``)."""
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not number or not (low < value if open_low else low <= value) or not value < high:
        at_least = f"above {low:g}" if open_low else f"at least {low:g}"
        below = "" if high == np.inf else f" and below {high:g}"
        raise OptionError(f"{option} of {owner} must be a number {at_least}{below}, not {value!r}")
