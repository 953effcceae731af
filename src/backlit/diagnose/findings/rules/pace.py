"""Rules about steps that are too short or too few."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.course import course
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.steps import (
    UPDATE,
    USUAL,
    noise,
    not_by_line_search,
    path,
    rate_remedy,
    update_ratios,
)
from backlit.diagnose.findings.words import counted, number, times
from backlit.diagnose.record import LensRecord


def _alive(record: LensRecord) -> float:
    """Share of the steps whose η is above a hundredth of the largest."""
    rate = record.learning_rate
    return float((rate > 0.01 * rate.max()).mean())


def _tell_faded(record: LensRecord, alive: float) -> Told:
    rate = record.learning_rate
    last = int(record.step[np.flatnonzero(rate > 0.01 * rate.max())[-1]])
    return Told(
        what=f"the learning rate fades too early: after step {last:,} it is below a hundredth of its largest value",
        where=Where(),
        since=last + 1,
        equation=UPDATE,
        why=(
            f"the schedule takes the factor η from {number(float(rate.max()))} to {number(float(rate[-1]))}, and for "
            f"{number(100 * (1 - alive))} % of the steps it is next to nothing; ‖∂C/∂θ‖ is "
            f"{number(float(record.gradient_norm[-1]))} at the last step, so there is something left to learn"
        ),
        follows="the steps after that change nothing, and the network stays where it then was",
        remedy=Remedy(
            "keep the learning rate, or let it fade over the whole training (cosine)",
            ("--schedule", "cosine"),
            train={"schedule": "cosine"},
        ),
    )


def _low(evidence: Evidence) -> Measured:
    not_by_line_search(evidence)
    record = evidence.need_steps()
    trend = course(evidence)
    ratio = update_ratios(record)
    return Measured(
        {
            "ratio": float(np.median(ratio)),
            "path": path(record),
            "falling": trend.falling,
            "alive": _alive(record),
            "behind": evidence.shortfall,
        },
        {"steps": int(record.step[-1]) + 1},
    )


def _tell_low(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    record, s = evidence.need_steps(), found.statistics
    if s["alive"] < thresholds["alive"]:
        return _tell_faded(record, s["alive"])
    return Told(
        what=(
            f"the learning rate {number(float(record.learning_rate[0]))} is too low: in "
            f"{counted(found.facts['steps'], 'step')} the weights moved by {number(100 * s['path'])} % of their "
            "norm in all"
        ),
        where=Where(layers=tuple(range(2, len(evidence.sizes) + 1))),
        since=0,
        equation=UPDATE,
        why=(
            f"‖ΔW‖/‖W‖ is {number(s['ratio'])} in the median, in the layer where it is largest, and {USUAL:g} is "
            "usual; "
            f"‖∂C/∂θ‖ is {number(float(np.median(record.gradient_norm)))}, so it is the factor η that is small"
        ),
        follows="the network is still nearly where it began",
        remedy=rate_remedy(evidence, s["ratio"], lower=False),
    )


def _large_batch(evidence: Evidence) -> Measured:
    record, scale, m = noise(evidence)
    trend = course(evidence)
    steps = int(record.step[-1]) + 1
    return Measured(
        {
            "times": m / scale if scale > 0 else float("inf"),
            "steps": float(steps),
            "rows": m / max(record.about.rows, 1),
            "falling": trend.falling,
            "behind": evidence.shortfall,
        },
        {"scale": scale, "m": m},
    )


def _tell_large_batch(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    m, scale, s = found.facts["m"], found.facts["scale"], found.statistics
    return Told(
        what=(
            f"batches of {counted(m, 'row')} are too large: {counted(int(s['steps']), 'step')} were made in all, "
            "and the "
            "cost is still falling"
        ),
        where=Where(),
        since=0,
        equation="BP4, gradient of the weights, ∂C/∂W = (1/m) Σ w̃ δᵀ a",
        why=(
            f"the noise scale tr Σ/‖G‖² of the first epoch is {number(scale)} rows: beyond it the factor 1/m averages "
            f"rows that say the same, and m is {times(s['times'])} that"
        ),
        follows="an epoch costs as much as with small batches, and makes a few steps instead of many",
        remedy=Remedy("take batches of 32", ("--batch-size", "32"), train={"batch_size": 32}),
    )


def _few(evidence: Evidence) -> Measured:
    record = evidence.record
    trend = course(evidence)
    steps = int(record.step[-1]) + 1 if record is not None and len(record) else int(evidence.history[-1]["steps"])
    known = record is not None and len(record) > 1
    return Measured(
        {
            "falling": trend.falling,
            "late": trend.late,
            "path": path(record) if record is not None and known else 0.0,
            "behind": evidence.shortfall,
            "steps": float(steps),
            "rows": float(np.median(record.m)) / max(record.about.rows, 1) if record is not None and known else np.nan,
        },
        {
            "ratio": float(np.median(update_ratios(record))) if record is not None and known else None,
            "last": float(trend.costs[-1]),
        },
    )


def _tell_few(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    s, epochs, ratio = found.statistics, len(evidence.history), found.facts["ratio"]
    steps_are = "" if ratio is None else f"; ‖ΔW‖/‖W‖ is {number(ratio)}, and {USUAL:g} is usual"
    more = max(epochs, 1) * 5
    return Told(
        what=f"the training stopped too early, after {counted(int(s['steps']), 'step')}",
        where=Where(),
        since=None,
        equation=UPDATE,
        why=(
            f"the last fifth of the steps changed the cost by {number(-100 * s['falling'])} %, to "
            f"{number(found.facts['last'])}{steps_are}: what is missing is steps"
        ),
        follows="the network knows less than the data could teach it",
        remedy=Remedy(f"train for {more} epochs", ("--epochs", str(more)), train={"epochs": more}),
    )


RULES = (
    Rule(
        "learning-rate-too-low",
        "pace",
        {
            "ratio": "median over the steps of ‖ΔW‖/‖W‖, of the layer where it is largest",
            "path": "the sum of these over all steps",
            "falling": "by which share the last fifth of the steps has a lower cost than the fifth before",
            "alive": "share of the steps whose η is above a hundredth of the largest",
            "behind": "shortfall on the training rows: skill of simple methods less the network's",
        },
        _low,
        (
            (Condition("ratio", "below"), Condition("path", "below"), Condition("behind")),
            (Condition("alive", "below"), Condition("behind")),
        ),
        _tell_low,
    ),
    Rule(
        "batch-too-large",
        "pace",
        {
            "times": "rows of a batch over the noise scale of the first epoch",
            "steps": "of the whole training",
            "rows": "share of the training rows in a batch",
            "falling": "as of learning-rate-too-low",
            "behind": "as of learning-rate-too-low",
        },
        _large_batch,
        (
            (Condition("rows"), Condition("steps", "below"), Condition("falling"), Condition("behind")),
            (Condition("rows"), Condition("steps", "below", "fewest"), Condition("behind")),
        ),
        _tell_large_batch,
    ),
    Rule(
        "too-few-epochs",
        "pace",
        {
            "falling": "as of learning-rate-too-low",
            "late": "of the whole fall of the cost, the share that the last fifth of the steps made",
            "path": "as of learning-rate-too-low; 0 where it is not known",
            "behind": "as of learning-rate-too-low",
            "steps": "of the whole training",
            "rows": "as of batch-too-large; NaN where it is not known",
        },
        _few,
        (
            (Condition("late"), Condition("path", "below"), Condition("behind")),
            (Condition("falling"), Condition("behind")),
            (Condition("steps", "below"), Condition("rows", "below"), Condition("behind")),
        ),
        _tell_few,
    ),
)
