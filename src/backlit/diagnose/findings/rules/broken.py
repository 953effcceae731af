"""Rules about numbers that are none, and gradients that are wrong."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from backlit import activations, costs
from backlit.backpropagation import feed_forward
from backlit.check.run import check
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import number, share, superscript
from backlit.diagnose.record import LensRecord
from backlit.network import Network

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
    largest = float(np.abs(evidence.given.X).max()) if evidence.given is not None else float("nan")
    return Measured({"found": float(record.cause is not None), "from_start": largest})


def _tell_nan(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    record = evidence.record
    assert record is not None
    assert record.cause is not None
    where, before = record.cause.where, record.cause.network
    layer, neuron, row, step = (where.get(name) for name in ("layer", "neuron", "row", "step"))
    first = step == 0 and "update" not in str(where.get("quantity"))
    rate = float(where.get("learning_rate") or (record.learning_rate[-1] if len(record) else float("nan")))
    lower = float(f"{rate / 10:.0e}") if np.isfinite(rate) and rate > 0 else None
    place = [f"{name} {where[name]}" for name in ("layer", "neuron", "row") if where.get(name) is not None]
    reached = number(float(where.get("value") or where.get("cost") or np.nan))
    remedy = (
        Remedy("look at the row and at the first parameters: no step has been made yet", data={"standardise": True})
        if first
        else Remedy(
            "make the steps smaller and bound them; the lens keeps the network just before, for bl.trace",
            (*(("--learning-rate", f"{lower:g}") if lower else ()), "--clip", "1"),
            train={"clip": 1.0, **({"learning_rate": lower} if lower else {})},
        )
    )
    cost = f", and the cost of the row {number(float(where['cost']))}" if where.get("cost") is not None else ""
    grew = "" if first else f"; {_growth(record)}, by the learning rate {number(rate)}"
    return Told(
        what=(
            f"the training broke off at step {step}: {where.get('quantity')} of {', '.join(place) or 'a batch'} is "
            f"{reached}{cost}"
        ),
        where=Where(
            layers=() if layer is None else (int(layer),),
            neurons=() if neuron is None else (int(neuron),),
            rows=() if row is None else (int(row),),
        ),
        since=None if step is None else int(step),
        equation=EQUATION_OF.get(str(where.get("quantity")), "update, θ ← optimizer(θ, ∂C/∂θ)"),
        why=f"{_terms(evidence, before, where)}{grew}",
        follows="nothing after it can be computed; the network was put back to its last completed epoch",
        remedy=remedy,
    )


def _growth(record: LensRecord) -> str:
    norms = record.weight_norm[np.isfinite(record.weight_norm).all(axis=1)]
    if len(norms) < 2:
        return "the steps before are too few to say which weights grew"
    with np.errstate(divide="ignore", invalid="ignore"):
        worst = int(np.argmax(np.nan_to_num(norms[-1] / norms[0])))
    return f"‖W{superscript(worst + 2)}‖ went from {number(norms[0, worst])} to {number(norms[-1, worst])}"


def _terms(evidence: Evidence, before: Network | None, where: Mapping[str, Any]) -> str:
    """The largest terms of the sum that broke, from the network just before it."""
    layer, row = where.get("layer"), where.get("row")
    if before is None:
        return "the step could not be replayed"
    largest = f"the largest parameter just before was {number(float(np.abs(before.parameters).max()))}"
    given = evidence.given
    if layer is None or row is None or given is None:
        return largest
    numbers = np.arange(len(given)) if given.numbers is None else given.numbers
    found = np.flatnonzero(numbers == row)
    if not len(found):
        return largest
    twin = before.copy("float64")
    with np.errstate(all="ignore"):
        a = feed_forward(twin.layers, given.X[found[:1]].astype(np.float64)).a
        W = twin.layer(int(layer)).W
        neuron = where.get("neuron")
        of_neuron = W if neuron is None else W[int(neuron)]
        up, below = superscript(int(layer)), superscript(int(layer) - 1)
    return (
        f"the factors of that row just before: |W{up}| up to {number(float(np.abs(of_neuron).max()))}, |a{below}| "
        "up to "
        f"{number(float(np.nanmax(np.abs(a[int(layer) - 1]))))}, |x| up to {number(float(np.abs(a[1]).max()))}"
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
        {"found": "1 where the training ended at a number that is not finite", "from_start": "the largest |x|"},
        _nan,
        ((Condition("found"),),),
        _tell_nan,
        early="broken",
    ),
)
