"""The sweep: a training of a few hundred steps on a copy of the network, each with a higher learning rate."""

from collections.abc import Callable

import numpy as np

from backlit.engines import Session
from backlit.errors import TrainingInterrupted
from backlit.notation import Float64Array
from backlit.training import interrupts

Told = Callable[[int], None]
"""Hears how many more steps were made."""

CHUNK = 10
"""Steps between two looks at whether the cost has run away."""

AWAY = 4.0
"""A sweep ends where the cost is so many times as far above its lowest as that was below the start."""


def sweep(session: Session, rates: Float64Array, told: Told) -> Float64Array:
    """The mean cost of each step's batch, before its update, (k,): of all the rates, or of those before it ran away.

    Raises:
        TrainingInterrupted: Ctrl-C or SIGTERM.
    """
    costs = np.empty(len(rates))
    start, scale, lowest = np.nan, np.nan, np.nan
    with interrupts.deferred() as interrupted:
        for first in range(0, len(rates), CHUNK):
            until = min(first + CHUNK, len(rates))
            report = session.run(until, rates[first:until])
            with np.errstate(invalid="ignore", divide="ignore"):
                costs[first:until] = report.costs / report.weights
            told(until - first)
            if interrupted.pressed:
                raise TrainingInterrupted(
                    "interrupted before the range of learning rates was tried: there is nothing to report; the network "
                    "is as it was",
                    signal=interrupted.signal or 2,
                    at_once=interrupted.at_once,
                )
            now = _mean(costs[first:until])
            if not first and np.isfinite(now):
                start, scale, lowest = now, max(float(np.std(costs[:until])), 0.1 * abs(now)), now
            limit = lowest + AWAY * max(start - lowest, scale)
            if not now <= limit:
                return costs[: first + int(np.argmin(costs[first:until] <= limit))]
            lowest = min(lowest, now)
    return costs


def _mean(costs: Float64Array) -> float:
    """Not finite where one of them is not."""
    with np.errstate(over="ignore"):
        return float(costs.mean())
