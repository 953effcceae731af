"""Rules about the steps: learning rate, batch, how many of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit import optimizers
from backlit.diagnose.findings.course import course, since
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import counted, number, superscript, times
from backlit.diagnose.record import LensRecord
from backlit.notation import Float64Array

UPDATE = "update, θ ← θ + Δθ with Δθ = -η times what the optimizer makes of ∂C/∂θ"

USUAL = 1e-3
"""‖ΔW‖/‖W‖ of a step that is neither too long nor too short, to an order."""

FIRST_STEPS = 20
"""In which a step that is too long shows itself before anything has adapted to it."""

FEW_STEPS = 4
"""That are enough to judge where a training broke off at a number that is not finite."""


def _optimizer(evidence: Evidence) -> dict[str, Any]:
    found = evidence.options.get("optimizer")
    return found if isinstance(found, dict) else {}


def _not_by_line_search(evidence: Evidence) -> None:
    if _optimizer(evidence).get("name") == "lbfgs":
        raise CannotJudge("lbfgs finds the length of its steps by a line search")


def _ratios(record: LensRecord) -> Float64Array:
    """‖ΔW‖/‖W‖ by step, of the layer where it is largest; where W is 0, 0."""
    ratio = record.update_ratio
    return np.where(np.isfinite(ratio), ratio, 0.0).max(axis=1)


def _other_rate(evidence: Evidence, ratio: float, *, lower: bool) -> float | None:
    """The optimizer's own learning rate where that lies on the right side, else one by the ratio; None if unknown."""
    given = _optimizer(evidence)
    rate = given.get("learning_rate")
    if rate is None:
        rate = float(evidence.record.learning_rate[0]) if evidence.record is not None else float("nan")
    if not np.isfinite(rate) or rate <= 0:
        return None
    name = str(given.get("name", ""))
    own = optimizers.get(name, None).learning_rate if name in ("sgd", "rmsprop", "adam", "adamw") else None
    if own is not None and (own < rate / 2 if lower else own > rate * 2):
        return float(own)
    factor = np.clip(USUAL / ratio, 1e-3, 0.1) if lower else np.clip(USUAL / max(ratio, 1e-12), 10, 1000)
    return float(f"{rate * factor:.0e}")


def _rate_remedy(evidence: Evidence, ratio: float, *, lower: bool) -> Remedy:
    rate = _other_rate(evidence, ratio, lower=lower)
    if rate is None:
        return Remedy(f"a learning rate {'a tenth' if lower else 'ten times'} as large")
    return Remedy(
        f"take the learning rate {rate:g}; bl.find_learning_rate looks for the best one",
        ("--learning-rate", f"{rate:g}"),
        train={"learning_rate": rate},
    )


def _high(evidence: Evidence) -> Measured:
    _not_by_line_search(evidence)
    diverged = evidence.record is not None and evidence.record.cause is not None
    record = evidence.need_steps(FEW_STEPS if diverged else 20)
    ratio = _ratios(record)
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
    ratio, s = _ratios(record), found.statistics
    largest = max(s["early"], s["late"])
    layer = int(np.argmax(np.nan_to_num(record.update_ratio[:FIRST_STEPS], posinf=0).mean(axis=0))) + 2
    rise = f"; the cost rose from {number(found.facts['first'])} to {times(s['rise'])} that" if s["rise"] > 1 else ""
    return Told(
        what=(
            f"the learning rate {number(float(record.learning_rate[0]))} is too high: a step changes "
            f"W{superscript(layer)} by {number(100 * largest)} % of its norm{rise}"
        ),
        where=Where(layers=(layer,)),
        since=since(record, ratio, thresholds["early"]) if s["late"] > thresholds["late"] else 0,
        equation=UPDATE,
        why=(
            f"‖ΔW‖/‖W‖ averages {number(s['early'])} over the first {min(FIRST_STEPS, len(record))} steps and is "
            f"{number(s['late'])} in the last epoch, where about {USUAL:g} is usual{_promise(record)}: the factor is η"
        ),
        follows="steps overshoot: the cost jumps or stalls, and neurons are thrown to where they are flat",
        remedy=_rate_remedy(evidence, largest, lower=True),
    )


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


def _low(evidence: Evidence) -> Measured:
    _not_by_line_search(evidence)
    record = evidence.need_steps()
    trend = course(evidence)
    ratio = _ratios(record)
    return Measured(
        {
            "ratio": float(np.median(ratio)),
            "path": _path(record),
            "falling": trend.falling,
            "behind": evidence.shortfall,
        },
        {"steps": int(record.step[-1]) + 1},
    )


def _tell_low(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    record, s = evidence.need_steps(), found.statistics
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
        remedy=_rate_remedy(evidence, s["ratio"], lower=False),
    )


def _noise(evidence: Evidence) -> tuple[LensRecord, float, int]:
    """The record, the noise scale of its first epoch, and the rows of a batch."""
    record = evidence.need_steps()
    m = int(np.median(record.m))
    if m < 2:
        return record, float("nan"), m
    scale = record.noise_scale()[min(record.about.steps_per_epoch, len(record)) - 1]
    return record, float(scale), m


def _small_batch(evidence: Evidence) -> Measured:
    record, _, m = _noise(evidence)
    first = slice(0, max(record.about.steps_per_epoch, 20))
    squares = record.row_gradient_squares[first].sum(axis=1) / record.m[first]
    mean = float(np.mean(squares))
    # of single rows no batch tells noise from signal: the mean of several does
    whole = evidence.passed.gradient if evidence.given is not None and evidence.network is not None else None
    signal = float((whole**2).sum()) if whole is not None else float("nan")
    trend = course(evidence)
    ratio = float(np.median(_ratios(record)))
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


def _large_batch(evidence: Evidence) -> Measured:
    record, scale, m = _noise(evidence)
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
            "path": _path(record) if record is not None and known else 0.0,
            "behind": evidence.shortfall,
            "steps": float(steps),
        },
        {"ratio": float(np.median(_ratios(record))) if record is not None and known else None, "last": trend.costs[-1]},
    )


def _path(record: LensRecord) -> float:
    """Σ ‖ΔW‖/‖W‖ over all steps, those between the recorded ones too."""
    every = max(float(np.median(np.diff(record.step))), 1.0) if len(record) > 1 else 1.0
    return float(_ratios(record).sum() * every)


def _tell_few(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    s, epochs, ratio = found.statistics, len(evidence.history), found.facts["ratio"]
    steps_are = "" if ratio is None else f"; ‖ΔW‖/‖W‖ is {number(ratio)}, and {USUAL:g} is usual"
    more = max(epochs, 1) * 5
    return Told(
        what=f"the training stopped too early: after {counted(int(s['steps']), 'step')} the cost is still falling",
        where=Where(),
        since=None,
        equation=UPDATE,
        why=(
            f"the last fifth of the steps brought the cost down by {number(100 * s['falling'])} %, to "
            f"{number(found.facts['last'])}{steps_are}: what is missing is steps"
        ),
        follows="the network knows less than the data could teach it",
        remedy=Remedy(f"train for {more} epochs", ("--epochs", str(more)), train={"epochs": more}),
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
        "learning-rate-too-low",
        "pace",
        {
            "ratio": "median over the steps of ‖ΔW‖/‖W‖, of the layer where it is largest",
            "path": "the sum of these over all steps",
            "falling": "by which share the last fifth of the steps has a lower cost than the fifth before",
            "behind": "shortfall on the training rows: skill of simple methods less the network's",
        },
        _low,
        ((Condition("ratio", "below"), Condition("path", "below"), Condition("behind")),),
        _tell_low,
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
        ((Condition("rows"), Condition("steps", "below"), Condition("falling"), Condition("behind")),),
        _tell_large_batch,
    ),
    Rule(
        "too-few-epochs",
        "pace",
        {
            "falling": "as of learning-rate-too-low",
            "path": "as of learning-rate-too-low; 0 where it is not known",
            "behind": "as of learning-rate-too-low",
            "steps": "of the whole training",
        },
        _few,
        (
            (Condition("falling"), Condition("path", "below"), Condition("behind")),
            (Condition("falling", "above", "steep"), Condition("behind")),
        ),
        _tell_few,
    ),
)
