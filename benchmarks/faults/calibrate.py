"""Thresholds from statistics: those move that tell the runs of the setting part apart better where they go."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from faults.judging import Judged

from backlit.diagnose.findings.rules import FAMILIES, RULES

CRY = 5.0
"""What a healthy run with a finding weighs, beside a planted one whose right finding did not come first."""

MOST = 24  # values of a threshold that are tried
DEFINED = {"behind", "found", "failed", "diverged", "notable", "converged", "recall"}
"""Thresholds that say what a word means, and are not set by measurement: no healthy training here has a rare class."""


class Bench:
    """What every rule says of every run, so that only one rule is asked again when one threshold moves."""

    def __init__(self, judged: Sequence[Judged], thresholds: dict[str, float]) -> None:
        self.judged, self.thresholds = judged, dict(thresholds)
        self.names = [rule.name for rule in RULES]
        self.family = np.array([FAMILIES.index(rule.family) for rule in RULES], dtype=float)
        self.scores = np.array([self._scores(index, self.thresholds) for index in range(len(RULES))])
        self.healthy = np.array([not one.right for one in judged])
        right = np.array([[name in one.right for one in judged] for name in self.names])
        self.right = np.vstack([right, np.zeros(len(judged), dtype=bool)])
        kinds = [one.kind for one in judged]
        self.weight = np.array([1 / kinds.count(kind) for kind in kinds])
        self.weight[~self.healthy] /= len(
            {kind for kind, healthy in zip(kinds, self.healthy, strict=True) if not healthy}
        )

    def _scores(self, index: int, thresholds: dict[str, float]) -> list[float]:
        rule = RULES[index]
        found = []
        for one in self.judged:
            statistics = one.statistics.get(rule.name)
            found.append(rule.speaks(statistics, thresholds) if statistics is not None else 0.0)
        return found

    def worth(self, scores: np.ndarray) -> float:
        """Share of right firsts, each kind counting the same, less CRY times the share of healthy runs with any."""
        speaks = scores > 0
        order = np.where(speaks, 1e6 * (len(FAMILIES) - self.family[:, np.newaxis]) + np.minimum(scores, 1e5), 0)
        first = np.where(speaks.any(axis=0), order.argmax(axis=0), len(self.names))
        hit = self.right[first, np.arange(len(self.judged))]
        return float(
            (self.weight * hit)[~self.healthy].sum() - CRY * (self.weight * speaks.any(axis=0))[self.healthy].sum()
        )

    def with_threshold(self, name: str, value: float) -> np.ndarray:
        index = self.names.index(name.partition(".")[0])
        scores = self.scores.copy()
        scores[index] = self._scores(index, {**self.thresholds, name: value})
        return scores

    def values(self, name: str) -> np.ndarray:
        """What the threshold's statistic came to in the runs, apart from what is infinite or none."""
        rule = RULES[self.names.index(name.partition(".")[0])]
        own = name.partition(".")[2]
        statistics = {c.statistic for alternative in rule.conditions for c in alternative if c.name == own}
        found = [
            one.statistics[rule.name][statistic]
            for one in self.judged
            if one.statistics.get(rule.name) is not None
            for statistic in statistics
        ]
        return np.unique([value for value in found if np.isfinite(value)])

    def move(self, name: str) -> tuple[float, float]:
        """The best value of one threshold, all others as they are, and what it is worth.

        It moves only where that is worth more: to the middle of the range of values that are worth the most, the one
        nearest to the present value, but no further than half as far again from the present value as that range's near
        edge is: beyond, it is other conditions that keep the rule from speaking.
        """
        present, values = self.thresholds[name], self.values(name)
        now = self.worth(self.scores)
        if len(values) < 2:
            return present, now
        if len(values) > MOST:
            near = values[np.argsort(np.abs(values - present))[: MOST // 3]]
            values = np.unique(np.concatenate([np.quantile(values, np.linspace(0, 1, MOST)), near]))
        middles = np.array([_middle(low, high) for low, high in pairwise(values)])
        worths = np.array([self.worth(self.with_threshold(name, value)) for value in middles])
        best = worths.max()
        if best <= now + 1e-9:
            return present, now
        good = np.flatnonzero(worths >= best - 1e-9)
        ranges = np.split(good, np.flatnonzero(np.diff(good) > 1) + 1)
        chosen = min(ranges, key=lambda cells: _apart(present, values[cells[0]], values[cells[-1] + 1]))
        low, high = values[chosen[0]], values[chosen[-1] + 1]
        edge = low if present < low else high
        furthest = present * (edge / present) ** 1.5 if present > 0 and edge > 0 else present + 1.5 * (edge - present)
        middle = _middle(low, high)
        value = float(f"{min(middle, furthest) if edge > present else max(middle, furthest):.2g}")
        worth = self.worth(self.with_threshold(name, value))
        return (value, worth) if worth > now + 1e-9 else (present, now)

    def settle(self, name: str, value: float) -> None:
        self.thresholds[name] = value
        index = self.names.index(name.partition(".")[0])
        self.scores[index] = self._scores(index, self.thresholds)


def _middle(low: float, high: float) -> float:
    return float(np.sqrt(low * high)) if low > 0 else float((low + high) / 2)


def _apart(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def calibrated(
    judged: Sequence[Judged], thresholds: dict[str, float], tell: Callable[[str], None], rounds: int = 2
) -> dict[str, float]:
    """Every threshold that measurement sets, one after the other, until none moves or so many rounds are over."""
    bench = Bench(judged, thresholds)
    tell(f"worth {bench.worth(bench.scores):.4f}")
    for _ in range(rounds):
        moved = 0
        for name in thresholds:
            if name.partition(".")[2] in DEFINED:
                continue
            value, worth = bench.move(name)
            if value != bench.thresholds[name]:
                tell(f"{name}: {bench.thresholds[name]:g} → {value:g}, worth {worth:.4f}")
                bench.settle(name, value)
                moved += 1
        if not moved:
            break
    return bench.thresholds


def write(thresholds: dict[str, float], file: Path) -> None:
    """Into the dict of the source, number by number."""
    text = file.read_text()
    for name, value in thresholds.items():
        text = re.sub(rf'("{re.escape(name)}": )[0-9.e+-]+(,)', rf"\g<1>{_number(value)}\g<2>", text)
    file.write_text(text)


def _number(value: float) -> str:
    found = f"{value:g}"
    return found if "." in found or "e" in found else f"{found}.0"
