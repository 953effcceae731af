"""What the rules about steps share: how long steps are, what another learning rate would be."""

from typing import Any

import numpy as np

from backlit import optimizers
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy
from backlit.diagnose.record import LensRecord
from backlit.notation import Float64Array

UPDATE = "update, θ ← θ + Δθ with Δθ = -η times what the optimizer makes of ∂C/∂θ"

USUAL = 1e-3
"""‖ΔW‖/‖W‖ of a step that is neither too long nor too short, to an order."""


def optimizer_of(evidence: Evidence) -> dict[str, Any]:
    """As it describes itself; empty where it is not known."""
    found = evidence.options.get("optimizer")
    return found if isinstance(found, dict) else {}


def not_by_line_search(evidence: Evidence) -> None:
    """Raises CannotJudge of an optimizer whose learning rate is no length of a step."""
    if optimizer_of(evidence).get("name") == "lbfgs":
        raise CannotJudge("lbfgs finds the length of its steps by a line search")


def update_ratios(record: LensRecord) -> Float64Array:
    """‖ΔW‖/‖W‖ by step, of the layer where it is largest; where W is 0, 0."""
    ratio = record.update_ratio
    return np.where(np.isfinite(ratio), ratio, 0.0).max(axis=1)


def _other_rate(evidence: Evidence, ratio: float, *, lower: bool) -> float | None:
    """The optimizer's own learning rate where that lies on the right side, else one by the ratio; None if unknown."""
    given = optimizer_of(evidence)
    rate = given.get("learning_rate")
    if rate is None:
        rate = float(evidence.record.learning_rate[0]) if evidence.record is not None else float("nan")
    if not np.isfinite(rate) or rate <= 0:
        return None
    name = str(given.get("name", ""))
    own = optimizers.get(name, None).learning_rate if name in ("sgd", "rmsprop", "adam", "adamw") else None
    if own is not None and (own < rate / 2 if lower else own > rate * 2):
        return float(own)
    factor = 10.0  # of steps that change nothing at all, no ratio says by how much
    if lower or ratio > 0:
        factor = np.clip(USUAL / ratio, 1e-3, 0.1) if lower else np.clip(USUAL / ratio, 10, 1000)
    return float(f"{rate * factor:.0e}")


def rate_remedy(evidence: Evidence, ratio: float, *, lower: bool) -> Remedy:
    """Another learning rate, by its flag."""
    rate = _other_rate(evidence, ratio, lower=lower)
    if rate is None:
        return Remedy(f"a learning rate {'a tenth' if lower else 'ten times'} as large")
    return Remedy(
        f"take the learning rate {rate:g}; bl.find_learning_rate looks for the best one",
        ("--learning-rate", f"{rate:g}"),
        train={"learning_rate": rate},
    )


def noise(evidence: Evidence) -> tuple[LensRecord, float, int]:
    """The record, the noise scale of its first epoch, and the rows of a batch."""
    record = evidence.need_steps()
    m = int(np.median(record.m))
    if m < 2:
        return record, float("nan"), m
    scale = record.noise_scale()[min(record.about.steps_per_epoch, len(record)) - 1]
    return record, float(scale), m


def path(record: LensRecord) -> float:
    """Σ ‖ΔW‖/‖W‖ over all steps, those between the recorded ones too."""
    every = max(float(np.median(np.diff(record.step))), 1.0) if len(record) > 1 else 1.0
    return float(update_ratios(record).sum() * every)
