"""The known mistakes: for each equation, the other ways people compute it, and what to say of each."""

from backlit.check.homework.mistakes import errors, forward, gradients
from backlit.check.homework.mistakes.catalogue import (
    BP1,
    BP2,
    BP3,
    BP4,
    COST,
    FACTORS,
    FEED_FORWARD,
    PENALTY,
    UPDATE,
    Factor,
    Mistake,
    of,
)

__all__ = [
    "BP1", "BP2", "BP3", "BP4", "COST", "FACTORS", "FEED_FORWARD", "PENALTY", "UPDATE", "Factor", "Mistake", "errors",
    "forward", "gradients", "of",
]  # fmt: skip
