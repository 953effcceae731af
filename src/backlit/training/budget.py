"""A training within a number of seconds: how many steps are still to come, by how long the last ones took."""

import re
from numbers import Real

from backlit.errors import OptionError
from backlit.optimizers import Plan

UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

TIME_UP = "the time is up"

NEWEST = 0.3
"""The weight of the newest run of steps in the seconds of a step: a machine that others use too changes its pace."""


class Budget:
    """The plan of a training, held to a number of seconds; without a number, the plan it was given.

    The plan is what the schedule bends to: a training whose steps turn out slower comes to the schedule's end sooner.
    ``asked_for`` is never exceeded: a budget shortens a training and does not lengthen it.

    >>> budget = Budget(Plan(steps_per_epoch=100, epochs=50), seconds=10.0)
    >>> budget.took(steps=20, seconds=0.2)
    >>> budget.fit(step=20, elapsed=0.2)
    >>> budget.plan.steps
    1000
    """

    def __init__(self, asked_for: Plan, seconds: float | None) -> None:
        self.asked_for, self.seconds = asked_for, seconds
        self.plan = asked_for
        self._of_a_step: float | None = None
        self._of_a_validation = 0.0

    def took(self, steps: int, seconds: float) -> None:
        """A run of so many steps was made in so many seconds."""
        newest = seconds / steps
        before = newest if self._of_a_step is None else self._of_a_step
        self._of_a_step = before + NEWEST * (newest - before)

    def validated(self, seconds: float) -> None:
        """The end of an epoch, its validation above all, took so many seconds."""
        self._of_a_validation = max(seconds, 0.5 * self._of_a_validation)

    def fit(self, step: int, elapsed: float) -> None:
        """Fits the plan to what is left of the seconds after ``step`` steps; one last validation is kept time for."""
        if self.seconds is None or self._of_a_step is None:
            return
        left = self.seconds - elapsed - self._of_a_validation
        each = self._of_a_step + self._of_a_validation / self.asked_for.steps_per_epoch
        still = max(0, int(left / max(each, 1e-9)))
        per_epoch = self.asked_for.steps_per_epoch
        steps = min(max(step + still, 1), self.asked_for.steps)
        self.plan = Plan(per_epoch, -(-steps // per_epoch), steps)

    @property
    def cut_short(self) -> bool:
        """Whether the seconds end the training before all that was asked for."""
        return self.plan.steps < self.asked_for.steps


def seconds_of(time: float | str | None) -> float | None:
    """A budget in seconds: a number of them, or text as 30s, 5m or 1h.

    Raises:
        OptionError: it is neither, or not above 0.

    >>> seconds_of(2), seconds_of("30s"), seconds_of("1.5 min"), seconds_of(None)
    (2.0, 30.0, 90.0, None)
    """
    if time is None:
        return None
    found: float | None = None
    if isinstance(time, str):
        written = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(s|m|min|h|)\s*", time.lower())
        found = float(written[1]) * UNITS[written[2] or "s"] if written else None
    elif isinstance(time, Real) and not isinstance(time, bool):
        found = float(time)
    if found is None or not 0 < found < float("inf"):
        raise OptionError(f"time must be a number of seconds above 0, or as 30s, 5m or 1h, not {time!r}")
    return found
