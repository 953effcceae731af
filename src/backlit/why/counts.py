"""How much work each way takes, counted: the formulas, each with its own definition of what is counted.

A **pass** is one sweep through the network, forward or backward, for one row. N is the number of parameters, m of rows.
"""

from dataclasses import dataclass

SECONDS_OF = (
    ("years", 365.25 * 86400),
    ("days", 86400.0),
    ("hours", 3600.0),
    ("minutes", 60.0),
    ("s", 1.0),
    ("ms", 1e-3),
    ("µs", 1e-6),
)
LONGEST = 1e9
"""Years from which on only the power of ten is worth saying."""


def finite_difference_passes(parameters: int, rows: int = 1, *, central: bool = False) -> int:
    """Of one gradient: N + 1 forward passes a row with forward differences, 2N with central ones.

    >>> finite_difference_passes(30_000), finite_difference_passes(30_000, central=True)
    (30001, 60000)
    """
    return (2 * parameters if central else parameters + 1) * rows


def backpropagation_passes(rows: int = 1) -> int:
    """Of one gradient: one forward and one backward pass a row, however many parameters there are.

    >>> backpropagation_passes()
    2
    """
    return 2 * rows


def neuron_visits(layers: int, neurons: int, rows: int) -> int:
    """Neurons visited when each weight of L layers of n neurons is tried once on m rows: (L-1)(n+1)n·m sweeps' worth.

    L - 1 layers have weights, each n neurons with n weights and a bias: (L-1)(n+1)n parameters, one sweep a row each.

    >>> neuron_visits(3, 100, 1)
    20200
    """
    return (layers - 1) * (neurons + 1) * neurons * rows


def combinations(values: int, parameters: int) -> int:
    """All settings of N parameters with v values each: v^N.

    >>> combinations(1000, 4)
    1000000000000
    """
    return values**parameters


@dataclass(frozen=True)
class GridTime:
    """How long all combinations take: v^N evaluations at so many a second."""

    values: int
    parameters: int
    evaluations_per_second: float

    @property
    def seconds(self) -> float:
        """v^N / rate; infinite beyond the largest float."""
        try:
            return combinations(self.values, self.parameters) / self.evaluations_per_second
        except OverflowError:
            return float("inf")

    def __str__(self) -> str:
        from math import log10

        seconds = self.seconds
        if seconds < LONGEST * SECONDS_OF[0][1]:
            return in_words(seconds)
        power = self.parameters * log10(self.values) - log10(self.evaluations_per_second * SECONDS_OF[0][1])
        return f"10^{power:.0f} years"


def in_words(seconds: float) -> str:
    """A time as people say it.

    >>> in_words(1e-3), in_words(1000), in_words(1e6)
    ('1 ms', '16.7 minutes', '11.6 days')
    """
    for unit, length in SECONDS_OF:
        if seconds >= length:
            return f"{seconds / length:,.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
