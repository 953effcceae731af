"""Rules about numbers that are none, and gradients that are wrong."""

from collections.abc import Mapping

import numpy as np

from backlit import activations, costs
from backlit.check.run import check
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import number, share, superscript

EQUATION_OF = {
    "z": "feed forward, z^l = a^{l-1} W^lᵀ + b^l",
    "a": "feed forward, a^l = σ(z^l)",
    "cost": "the cost C_i of a row",
    "delta": "BP1 and BP2, the errors",
    "gradient of the weights": "BP4, gradient of the weights",
    "gradient of the biases": "BP3, gradient of the biases",
}

CHECKED_ROWS = 8


def _nan(evidence: Evidence) -> Measured:
    record = evidence.record
    if record is None:
        raise CannotJudge("no lens watched the training: train with callbacks=[bl.Lens()]")
    return Measured({"found": float(record.cause is not None)})


def _tell_nan(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    record = evidence.record
    assert record is not None
    assert record.cause is not None
    where, before = record.cause.where, record.cause.network
    layer, neuron, row, step = (where.get(name) for name in ("layer", "neuron", "row", "step"))
    growth = ""
    if len(record) > 1:
        first, last = record.weight_norm[0], record.weight_norm[-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.nan_to_num(last / first)
        worst = int(np.argmax(ratio))
        growth = f"‖W{superscript(worst + 2)}‖ went from {number(first[worst])} to {number(last[worst])}"
    state = (
        ""
        if before is None
        else f"; the largest parameter just before was {number(float(np.abs(before.parameters).max()))}"
    )
    rate = float(record.learning_rate[-1]) if len(record) else float("nan")
    lower = float(f"{rate / 10:.0e}") if np.isfinite(rate) and rate > 0 else None
    flags = (*(("--learning-rate", f"{lower:g}") if lower else ()), "--clip", "1")
    return Told(
        what=f"the training ended at a number that is none: {record.cause.message}",
        where=Where(
            layers=() if layer is None else (int(layer),),
            neurons=() if neuron is None else (int(neuron),),
            rows=() if row is None else (int(row),),
        ),
        since=None if step is None else int(step),
        equation=EQUATION_OF.get(str(where.get("quantity")), "update, θ ← optimizer(θ, ∂C/∂θ)"),
        why=f"{growth or 'the steps before are too few to say what grew'}{state}; the learning rate was {number(rate)}",
        follows="everything after that number is none either; the network was put back to its last completed epoch",
        remedy=Remedy(
            "make the steps smaller and bound them; the lens keeps the state just before, bl.trace shows the "
            "number made",
            flags,
            train={"clip": 1.0, **({"learning_rate": lower} if lower else {})},
        ),
    )


def _gradients(evidence: Evidence) -> Measured:
    network, objective = evidence.need_network(), evidence.objective
    assert objective is not None
    own = {
        layer.number: layer.activation.name
        for layer in network.layers
        if type(layer.activation) is not type(activations.ACTIVATIONS.get(layer.activation.name))
    }
    own_cost = type(objective.cost) is not type(costs.COSTS.get(objective.cost.name))
    if not own and not own_cost:
        return Measured({"failed": 0.0}, {})  # Backlit's own pass their checks in its tests
    rows = evidence.need_rows()
    few = slice(0, CHECKED_ROWS)
    Y = rows.Y[few]
    report = check(network, rows.X[few], Y, cost=objective.cost)
    decided = sum(q.passed + q.failed for q in report.quantities)
    failed = sum(q.failed for q in report.quantities)
    return Measured({"failed": failed / max(decided, 1)}, {"report": report, "own": own, "cost": own_cost})


def _tell_gradients(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    report, own = found.facts["report"], found.facts["own"]
    first = report.failures[0]
    names = [f"activation '{name}' of layer {layer}" for layer, name in own.items()]
    names += [f"cost '{evidence.objective.cost.name}'"] if found.facts["cost"] and evidence.objective else []
    neuron = first.at.get("neuron")
    return Told(
        what=(
            f"the gradients are wrong: {share(found.statistics['failed'])} of them fail the check; yours is "
            f"{', '.join(names)}"
        ),
        where=Where(layers=(first.layer,), neurons=() if neuron is None else (neuron,)),
        since=0,
        equation="BP1 and BP2: ∂C/∂z from ∂C/∂a by the activation's pull-back",
        why=f"{first}; the others' factors are Backlit's own, which agree with finite differences",
        follows="the steps do not go downhill",
        remedy=Remedy("correct the slope or pull_back; bl.check(net, X[:8], y[:8]) shows every number"),
    )


RULES = (
    Rule(
        "gradient-check",
        "broken",
        {
            "failed": (
                "share of δ and gradients of 8 rows that differ from finite differences (0 where all is Backlit's own)"
            )
        },
        _gradients,
        ((Condition("failed"),),),
        _tell_gradients,
    ),
    Rule(
        "nan-source",
        "flow",
        {"found": "1 where the training ended at a number that is not finite"},
        _nan,
        ((Condition("found"),),),
        _tell_nan,
    ),
)
