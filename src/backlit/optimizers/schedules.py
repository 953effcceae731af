"""How the learning rate changes: a factor on the optimizer's own η, step by step.

A schedule is a frozen set of numbers. ``factor(step, plan)`` depends on the step alone, and ``plan`` says how long a
training is; only reduce-on-plateau listens to the validation, and it keeps what it heard in an explicit state.
"""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from math import cos, isfinite, pi
from typing import Any, ClassVar

import numpy as np

from backlit.errors import OptionError, unknown_option
from backlit.notation import Float64Array
from backlit.optimizers.base import check_number, check_whole


@dataclass(frozen=True)
class Plan:
    """How long a training is to be; ``at_most`` steps where it is to end within an epoch."""

    steps_per_epoch: int
    epochs: int
    at_most: int | None = None

    @property
    def steps(self) -> int:
        """All of them."""
        whole = self.steps_per_epoch * self.epochs
        return whole if self.at_most is None else min(whole, self.at_most)


@dataclass(frozen=True)
class Schedule(ABC):
    """The contract. Steps count from 0, so the first step's factor is ``factor(0, plan)``."""

    name: ClassVar[str]
    needs_the_end: ClassVar[bool] = False
    """Whether the factor depends on how long the training will be: then more epochs make another training."""

    @abstractmethod
    def factor(self, step: int, plan: Plan) -> float:
        """What η is multiplied with at this step."""

    def factors(self, first: int, until: int, plan: Plan) -> Float64Array:
        """The factors of steps first … until - 1."""
        return np.array([self.factor(step, plan) for step in range(first, until)], dtype=np.float64)

    def describe(self) -> dict[str, Any]:
        """The name and the numbers, as plain data."""
        return {"name": self.name, **asdict(self)}


@dataclass(frozen=True)
class Constant(Schedule):
    """η throughout."""

    name: ClassVar[str] = "constant"

    def factor(self, step: int, plan: Plan) -> float:
        """1.

        >>> Constant().factor(7, Plan(10, 3))
        1.0
        """
        return 1.0


@dataclass(frozen=True)
class Step(Schedule):
    """η · drop^⌊epoch / every⌋: a drop every so many epochs.

    >>> Step(every=2, drop=0.5).factor(step=25, plan=Plan(steps_per_epoch=10, epochs=9))
    0.5
    """

    every: int = 10
    drop: float = 0.5

    name: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        check_whole("step schedule", "every", self.every)
        check_number("step schedule", "drop", self.drop, low=0, open_low=True)

    def factor(self, step: int, plan: Plan) -> float:  # noqa: D102
        return float(self.drop ** (step // plan.steps_per_epoch // self.every))


@dataclass(frozen=True)
class Cosine(Schedule):
    """η · [floor + (1 - floor) · ½(1 + cos(π · step/steps))]: from η down to floor·η along half a wave.

    Source: Loshchilov & Hutter, *SGDR*, 2017, without restarts.

    >>> Cosine().factor(step=5, plan=Plan(steps_per_epoch=10, epochs=1))
    0.5
    """

    floor: float = 0.0

    name: ClassVar[str] = "cosine"
    needs_the_end: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("cosine schedule", "floor", self.floor, low=0, high=1)

    def factor(self, step: int, plan: Plan) -> float:  # noqa: D102
        wave = round(0.5 * (1 + cos(pi * step / plan.steps)), 15)
        return self.floor + (1 - self.floor) * wave


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from η/start_divisor to η over the first ``rise`` of the steps, then down to η/end_divisor, along cosines.

    The last step of the rise has η itself, the last step of all η/end_divisor.
    Source: Smith & Topin, *Super-convergence*, 2018; the defaults are PyTorch's.

    >>> OneCycle(rise=0.5).factor(step=4, plan=Plan(steps_per_epoch=10, epochs=1))
    1.0
    """

    rise: float = 0.3
    start_divisor: float = 25.0
    end_divisor: float = 250_000.0

    name: ClassVar[str] = "one-cycle"
    needs_the_end: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("one-cycle schedule", "rise", self.rise, low=0, high=1, open_low=True)
        check_number("one-cycle schedule", "start_divisor", self.start_divisor, low=1)
        check_number("one-cycle schedule", "end_divisor", self.end_divisor, low=1)

    def factor(self, step: int, plan: Plan) -> float:  # noqa: D102
        top = max(self.rise * plan.steps - 1, 0.0)
        if step < top:
            return _half_wave(1 / self.start_divisor, 1.0, step / top)
        return _half_wave(1.0, 1 / self.end_divisor, (step - top) / max(plan.steps - 1 - top, 1))


@dataclass(frozen=True)
class WarmUp(Schedule):
    """η · (step + 1)/(k + 1) over the first k steps, then the schedule that follows it; k is ``fraction`` of all steps.

    Args:
        fraction: of the training, from above 0 up to but not including 1.
        then: what follows, counted from the end of the warm-up: a schedule, by default :class:`Constant`.

    Source: Goyal et al., *Accurate, large minibatch SGD*, 2017.

    >>> WarmUp(fraction=0.3).factor(step=1, plan=Plan(steps_per_epoch=10, epochs=1))
    0.5
    """

    fraction: float = 0.05
    then: Schedule = Constant()

    name: ClassVar[str] = "warm-up"
    needs_the_end: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("warm-up schedule", "fraction", self.fraction, low=0, high=1, open_low=True)
        if not isinstance(self.then, Schedule) or isinstance(self.then, (WarmUp, ReduceOnPlateau)):
            raise OptionError("what follows a warm-up must be a schedule that depends on the step alone, as Cosine()")

    def factor(self, step: int, plan: Plan) -> float:  # noqa: D102
        k = round(self.fraction * plan.steps)
        if step < k:
            return (step + 1) / (k + 1)
        if self.then.needs_the_end:
            return self.then.factor(step - k, Plan(plan.steps - k, 1))
        return self.then.factor(step - k, plan)

    def describe(self) -> dict[str, Any]:
        """The name and the numbers, with what follows."""
        return {"name": self.name, "fraction": self.fraction, "then": self.then.describe()}


@dataclass(frozen=True)
class Plateau:
    """What reduce-on-plateau has heard so far: η's present factor, the best cost, epochs since."""

    factor: float = 1.0
    best: float = float("inf")
    waited: int = 0


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """η · drop each time the validation cost has not fallen for ``patience`` epochs in a row; never below ``floor``·η.

    Without validation rows it listens to the training cost. Patience counts as early stopping counts it: with 2, the
    second such epoch is answered (PyTorch answers the third).

    A fall is one by more than the share ``threshold`` of the best cost so far.

    >>> schedule, heard = ReduceOnPlateau(patience=1, drop=0.5), Plateau()
    >>> for cost in (1.0, 1.0):
    ...     heard = schedule.hear(heard, cost)
    >>> heard.factor
    0.5
    """

    patience: int = 5
    drop: float = 0.5
    floor: float = 0.0
    threshold: float = 1e-4

    name: ClassVar[str] = "reduce-on-plateau"

    def __post_init__(self) -> None:
        check_whole("reduce-on-plateau schedule", "patience", self.patience)
        check_number("reduce-on-plateau schedule", "drop", self.drop, low=0, high=1, open_low=True)
        check_number("reduce-on-plateau schedule", "floor", self.floor, low=0, high=1)
        check_number("reduce-on-plateau schedule", "threshold", self.threshold, low=0, high=1)

    def factor(self, step: int, plan: Plan) -> float:
        """1: what it heard is multiplied in by the training."""
        return 1.0

    def hear(self, heard: Plateau, validation_cost: float) -> Plateau:
        """The state after an epoch with this validation cost."""
        fall = self.threshold * abs(heard.best) if isfinite(heard.best) else 0.0  # a cost may be negative
        if validation_cost < heard.best - fall:
            return Plateau(heard.factor, validation_cost, 0)
        if heard.waited + 1 < self.patience:
            return Plateau(heard.factor, heard.best, heard.waited + 1)
        return Plateau(max(heard.factor * self.drop, self.floor), heard.best, 0)


def _half_wave(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + cos(pi * min(share, 1.0)))


SCHEDULES: dict[str, type[Schedule]] = {
    schedule.name: schedule for schedule in (Constant, Step, Cosine, OneCycle, WarmUp, ReduceOnPlateau)
}


def get(schedule: str | Schedule) -> Schedule:
    """The schedule of that name with its defaults; a :class:`Schedule` passes through.

    Raises:
        OptionError: the name is unknown; the nearest is suggested.
    """
    if isinstance(schedule, Schedule):
        return schedule
    if str(schedule) not in SCHEDULES:
        raise unknown_option("schedule", schedule, SCHEDULES)
    return SCHEDULES[str(schedule)]()
