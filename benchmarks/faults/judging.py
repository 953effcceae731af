"""What counts: as hurt, as healthy, as restored; and what was said of a run."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backlit.diagnose.findings.run import ranked

NEAR = 0.03  # of accuracy or R²: as good as the best
LOST = 1.25  # a validation cost this many times its lowest is no healthy end


def difference(better: np.ndarray, other: np.ndarray, of_seed: float = 0.0) -> tuple[float, float]:
    """Mean of what the same rows brought one network more than the other, and the noise of that: two standard errors.

    ``of_seed``: how far the score of one network lies apart from seed to seed, a standard deviation.
    """
    apart = better - other
    error = apart.std() / np.sqrt(len(apart))
    return float(apart.mean()), float(2 * np.hypot(error, of_seed))


def is_worse(better: np.ndarray, other: np.ndarray, of_seed: float = 0.0) -> bool:
    """By more than the noise, and by more than what counts as good as the best."""
    mean, noise = difference(better, other, of_seed)
    return mean > max(noise, NEAR)


def kept_its_cost(history: list[dict[str, Any]]) -> bool:
    """Whether the validation cost ended near its lowest."""
    costs = [epoch["validation_cost"] for epoch in history]
    return bool(costs) and costs[-1] <= LOST * min(costs) + 1e-3


@dataclass(frozen=True, eq=False)
class Judged:
    """A run with what was measured of it; ``right`` is empty for a healthy one."""

    kind: str
    part: str
    data: str
    number: int
    right: tuple[str, ...]
    statistics: dict[str, Any]
    scores: dict[str, float] = field(default_factory=dict)

    def said(self, thresholds: dict[str, float] | None = None) -> list[str]:
        return ranked({name: one for name, one in self.statistics.items() if one is not None}, thresholds)


def share(values: Iterable[bool]) -> float:
    values = list(values)
    return sum(values) / len(values) if values else float("nan")
