"""A rule: numbers made of the evidence, conditions on them, and the sentences of its finding."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite, log
from typing import TYPE_CHECKING, Any, Literal

from backlit.diagnose.findings.finding import Told

if TYPE_CHECKING:
    from backlit.diagnose.findings.evidence import Evidence

Thresholds = Mapping[str, float]
"""``rule.name`` → number; :mod:`backlit.diagnose.findings.thresholds` has those in use."""


@dataclass(frozen=True)
class Measured:
    """What a rule made of the evidence: ``statistics`` decide, plain numbers; ``facts`` are for its sentences."""

    statistics: dict[str, float]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """``statistic`` is above or below the rule's threshold called ``threshold``, by default its own name."""

    statistic: str
    side: Literal["above", "below"] = "above"
    threshold: str = ""

    @property
    def name(self) -> str:
        """Of the threshold."""
        return self.threshold or self.statistic

    def holds(self, value: float, threshold: float) -> bool:
        """NaN never does."""
        return value > threshold if self.side == "above" else value < threshold

    def beyond(self, value: float, threshold: float) -> float:
        """How many times the threshold the value is, to the side that counts; at least 1."""
        over, under = (value, threshold) if self.side == "above" else (threshold, value)
        if over > 0 and under > 0:
            return max(over / under, 1.0) if isfinite(over) else inf
        return 1.0 + abs(over - under)


Tell = Callable[["Evidence", Measured, Mapping[str, float], bool], Told]


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule.

    Attributes:
        name: as ``dead-units``.
        family: start, data, step, flow, cost or outcome: by which findings are ranked.
        states: its statistics in words, for the table of the documentation: name → what it is.
        measure: evidence → statistics; raises :class:`~backlit.diagnose.findings.finding.CannotJudge`.
        conditions: it speaks where all of one of these tuples hold.
        tell: evidence, what was measured, its thresholds, whether it is a note → what is said.
        notes: it makes a note where all of one of these hold and it does not speak.
        early: the family it is ranked with where its statistic ``from_start`` is above the threshold of that name.
    """

    name: str
    family: str
    states: Mapping[str, str]
    measure: Callable[["Evidence"], Measured]
    conditions: tuple[tuple[Condition, ...], ...]
    tell: Tell
    notes: tuple[tuple[Condition, ...], ...] = ()
    early: str = "first pass"

    def own(self, thresholds: Thresholds) -> dict[str, float]:
        """The thresholds of this rule, without its name before them."""
        start = f"{self.name}."
        return {name.removeprefix(start): value for name, value in thresholds.items() if name.startswith(start)}

    def speaks(self, statistics: Mapping[str, float], thresholds: Thresholds) -> float:
        """0 where it has nothing to say, else how far beyond its thresholds the statistics are, from 1."""
        return _beyond(self.conditions, statistics, self.own(thresholds))

    def notices(self, statistics: Mapping[str, float], thresholds: Thresholds) -> float:
        """The same of its notes."""
        return _beyond(self.notes, statistics, self.own(thresholds))


def _beyond(
    alternatives: tuple[tuple[Condition, ...], ...], statistics: Mapping[str, float], thresholds: Mapping[str, float]
) -> float:
    """Of the alternatives that hold the one furthest beyond; of one, its condition that is nearest to its threshold."""
    found = 0.0
    for conditions in alternatives:
        values = [(one, statistics[one.statistic], thresholds[one.name]) for one in conditions]
        if all(one.holds(value, threshold) for one, value, threshold in values):
            nearest = min(one.beyond(value, threshold) for one, value, threshold in values)
            found = max(found, 1 + log(nearest) if isfinite(nearest) else 100.0)
    return found
