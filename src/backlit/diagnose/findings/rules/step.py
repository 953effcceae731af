"""Rules about steps that are too long or too noisy."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.course import course, since
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.steps import (
    UPDATE,
    USUAL,
    noise,
    not_by_line_search,
    rate_remedy,
    update_ratios,
)
from backlit.diagnose.findings.words import counted, number, superscript, times
from backlit.diagnose.record import LensRecord

FIRST_STEPS = 20
"""In which a step that is too long shows itself before anything has adapted to it."""

FEW_STEPS = 4
"""That are enough to judge where a training broke off at a number that is not finite."""


def _high(evidence: Evidence) -> Measured:
    not_by_line_search(evidence)
    diverged = evidence.record is not None and evidence.record.cause is not None
    record = evidence.need_steps(FEW_STEPS if diverged else 20)
    ratio = update_ratios(record)
    early, late = float(ratio[:FIRST_STEPS].mean()), float(np.median(ratio[-record.about.steps_per_epoch :]))
    trend = course(evidence) if len(record) >= 20 else None
    return Measured(
        {
            "early": early,
            "late": late,
            "rise": trend.rise if trend is not None else float("nan"),
            "lost": trend.lost if trend is not None else float("nan"),
            "diverged": float(diverged),
            "behind": evidence.behind,
        },
        {"first": trend.first if trend is not None else float(record.cost[0])},
    )


def _tell_high(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    record = evidence.need_steps(FEW_STEPS)
    ratio, s = update_ratios(record), found.statistics
    largest = max(s["early"], s["late"])
    layer = int(np.argmax(np.nan_to_num(record.update_ratio[:FIRST_STEPS], posinf=0).mean(axis=0))) + 2
    rise = f"; the cost rose from {number(found.facts['first'])} to {times(s['rise'])} that" if s["rise"] > 1 else ""
    return Told(
        what=(
            f"the learning rate {number(float(record.learning_rate[0]))} is too high: a step changes "
            f"W{superscript(layer)} by {_part(largest)} its norm{rise}"
        ),
        where=Where(layers=(layer,)),
        since=since(record, ratio, thresholds["early"]) if s["late"] > thresholds["late"] else 0,
        equation=UPDATE,
        why=(
            f"‖ΔW‖/‖W‖ averages {number(s['early'])} over the first {min(FIRST_STEPS, len(record))} steps and is "
            f"{number(s['late'])} in the last epoch, where about {USUAL:g} is usual{_promise(record)}: the factor is η"
        ),
        follows="steps overshoot: the cost jumps or stalls, and neurons are thrown to where they are flat",
        remedy=rate_remedy(evidence, largest, lower=True),
    )


def _part(ratio: float) -> str:
    return f"{number(100 * ratio)} % of" if ratio < 1 else f"{number(ratio)} times"


def _promise(record: LensRecord) -> str:
    """What the first steps promise to first order, beside what they did: the rest is curvature."""
    steps = min(FIRST_STEPS, len(record) - 1)
    with np.errstate(invalid="ignore", over="ignore"):
        promised, done = float(record.descent[:steps].sum()), float(record.cost[steps] - record.cost[0])
    if not (np.isfinite(promised) and np.isfinite(done) and done > promised):
        return ""
    return (
        f"; to first order the first {steps} steps change the cost by {number(promised)}, and it changed by "
        f"{number(done)}, the curvature along the steps making the difference"
    )


def _small_batch(evidence: Evidence) -> Measured:
    record, _, m = noise(evidence)
    first = slice(0, max(record.about.steps_per_epoch, 20))
    squares = record.row_gradient_squares[first].sum(axis=1) / record.m[first]
    mean = float(np.mean(squares))
    # of single rows no batch tells noise from signal: the mean of several does
    whole = evidence.passed.gradient if evidence.given is not None and evidence.network is not None else None
    signal = float((whole**2).sum()) if whole is not None else float("nan")
    trend = course(evidence)
    ratio = float(np.median(update_ratios(record)))
    return Measured(
        {"rows": float(m), "ratio": ratio, "falling": trend.falling, "behind": evidence.behind},
        {"noise": mean / signal if signal and signal > 0 else float("inf"), "squares": mean},
    )


def _tell_small_batch(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    record, m = evidence.need_steps(), int(found.statistics["rows"])
    return Told(
        what=f"batches of {counted(m, 'row')} are too small: the steps are mostly noise, and the cost no longer falls",
        where=Where(),
        since=0,
        equation="BP4, gradient of the weights, ∂C/∂W = (1/m) Σ w̃ δᵀ a",
        why=(
            f"the factor 1/m averages {counted(m, 'row')}, whose ‖∇C_x‖² is {number(found.facts['squares'])} in the "
            "mean, "
            f"and {number(found.facts['noise'])} times ‖∂C/∂θ‖² over all rows; ‖ΔW‖/‖W‖ is "
            f"{number(found.statistics['ratio'])}, where about {USUAL:g} is usual"
        ),
        follows="each step undoes part of the one before",
        remedy=Remedy(
            "take batches of 32", ("--batch-size", "32"), train={"batch_size": min(32, max(record.about.rows, 1))}
        ),
    )


RULES = (
    Rule(
        "learning-rate-too-high",
        "step",
        {
            "early": "mean over the first 20 steps of ‖ΔW‖/‖W‖, of the layer where it is largest",
            "late": "median of the same over the last epoch",
            "rise": "the highest cost of 20 windows of the training over that of the first steps",
            "lost": "the cost of the last tenth over the lowest of a window",
            "diverged": "1 where the training ended at a number that is not finite",
            "behind": "as of unscaled-features",
        },
        _high,
        (
            (Condition("rise"), Condition("early"), Condition("behind")),
            (Condition("early", "above", "far"), Condition("behind")),
            (Condition("late"), Condition("behind")),
            (Condition("diverged"), Condition("early")),
        ),
        _tell_high,
    ),
    Rule(
        "batch-too-small",
        "step",
        {
            "rows": "of a batch",
            "ratio": "median over the steps of ‖ΔW‖/‖W‖",
            "falling": "as of learning-rate-too-low",
            "behind": "as of unscaled-features",
        },
        _small_batch,
        ((Condition("rows", "below"), Condition("falling", "below"), Condition("behind")),),
        _tell_small_batch,
    ),
)
