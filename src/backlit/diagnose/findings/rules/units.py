"""Rules about neurons through which nothing flows: saturated, dead."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.course import since
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import number, share, superscript

BP2 = "BP2, error of a hidden layer, δ^l = δ^{l+1} W^{l+1} ⊙ σ'(z^l)"

TWO_SIDED = ("sigmoid", "tanh")
"""Flat on both sides: saturated is a fault there. relu and its kin are flat on one side by design."""


def _with_rows(evidence: Evidence) -> bool:
    return evidence.given is not None and evidence.network is not None


def _saturated(evidence: Evidence) -> Measured:
    hidden = [l for l in evidence.need_hidden() if evidence.activation(l) in TWO_SIDED]
    if not hidden:
        raise CannotJudge("no hidden layer is sigmoid or tanh; of the others see dead-units")
    if _with_rows(evidence):
        shares = {l: 1 - float(evidence.passed.layers[l].open.mean()) for l in hidden}
    else:
        shares = {l: float(evidence.at_end("saturated")[l - 2]) for l in hidden}
    layer = max(shares, key=lambda l: shares[l])
    return Measured({"share": shares[layer], "behind": evidence.behind}, {"layer": layer})


def _at_start(evidence: Evidence, name: str, layer: int) -> float:
    """At the first step, or NaN where it is not known."""
    try:
        return float(evidence.at_start(name)[layer - 2])
    except CannotJudge:
        return float("nan")


def _remedy(evidence: Evidence, started: float, now: float) -> Remedy:
    """By when it came: with the first weights, or by the steps."""
    if not started < now / 2:
        return Remedy(
            "draw the weights by the activation, with biases of 0",
            ("--initializer", "auto"),
            network={"initializer": "auto"},
        )
    rate = evidence.options.get("optimizer", {}).get("learning_rate") if evidence.options else None
    if rate is None:
        return Remedy("a learning rate a tenth as large")
    lower = float(f"{rate / 10:.0e}")
    return Remedy(
        f"take the learning rate {lower:g}", ("--learning-rate", f"{lower:g}"), train={"learning_rate": lower}
    )


def _came(started: float) -> str:
    if np.isnan(started):
        return ""
    return f"; at the first step {share(started)} were"


def _tell_saturated(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    layer, part = found.facts["layer"], found.statistics["share"]
    up, started = superscript(layer), _at_start(evidence, "saturated", layer)
    neurons: tuple[int, ...] = ()
    if _with_rows(evidence):
        one = evidence.passed.layers[layer]
        slope, z, bias = one.slope, one.z, one.bias
        neurons = tuple(int(j) for j in np.flatnonzero(one.open < 0.5))
    else:
        slope, z = float(evidence.at_end("slope")[layer - 2]), float(evidence.at_end("z_rms")[layer - 2])
        bias = float(evidence.at_end("bias_norm")[layer - 2] / np.sqrt(evidence.sizes[layer - 1]))
    record = evidence.record
    return Told(
        what=(
            f"layer {layer} is saturated: in {share(part)} of its (row, neuron) σ' is below a twentieth of the steepest"
        ),
        where=Where(layers=(layer,), neurons=neurons),
        since=None if record is None else since(record, record.saturated[:, layer - 2], thresholds["share"]),
        equation=BP2,
        why=(
            f"the factor σ'(z{up}) averages {number(slope)}, because z{up} is {number(z)} in the root mean square and "
            f"{evidence.activation(layer)} is flat beyond about "
            f"{4.4 if evidence.activation(layer) == 'sigmoid' else 2.2}; "
            f"b{up} is {number(bias)} of it{_came(started)}"
        ),
        follows=f"what reaches layer {layer} from above goes no further: the layers below it stand still",
        remedy=_remedy(evidence, started, part),
    )


def _dead(evidence: Evidence) -> Measured:
    hidden = evidence.need_hidden()
    if _with_rows(evidence):
        shares = {l: float(evidence.passed.layers[l].dead.mean()) for l in hidden}
    else:
        shares = {l: float(evidence.at_end("dead")[l - 2]) for l in hidden}
    known = {l: part for l, part in shares.items() if np.isfinite(part)}
    if not known:
        raise CannotJudge("which activation the layers have is not known")
    layer = max(known, key=lambda l: known[l])
    return Measured({"share": known[layer], "behind": evidence.behind}, {"layer": layer})


def _tell_dead(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    layer, part = found.facts["layer"], found.statistics["share"]
    up, n, started = superscript(layer), evidence.sizes[layer - 1], _at_start(evidence, "dead", layer)
    neurons: tuple[int, ...] = ()
    biases = ""
    if _with_rows(evidence):
        dead = evidence.passed.layers[layer].dead
        neurons = tuple(int(j) for j in np.flatnonzero(dead))
        b = evidence.need_network().layer(layer).b[dead]
        biases = f", their b{up} is {number(float(np.median(b)))} in the median" if len(b) else ""
        rows = f"every one of {len(evidence.rows):,} rows"
    else:
        rows = "every row of the last batches"
    record = evidence.record
    return Told(
        what=(
            f"{share(part)} of the {n} neurons of layer {layer} are dead: {evidence.activation(layer)} is flat "
            f"there in {rows}"
        ),
        where=Where(layers=(layer,), neurons=neurons),
        since=None
        if record is None
        else since(record, record.dead[:, layer - 2], min(thresholds["share"], part) * 0.999),
        equation=BP2,
        why=(
            f"the factor σ'(z{up}) of these neurons is 0 whatever δ{superscript(layer + 1)} and "
            f"W{superscript(layer + 1)} are{biases}{_came(started)}"
        ),
        follows="by BP3 and BP4 their gradients are 0 too: they never come back, and the network is that much smaller",
        remedy=_remedy(evidence, started, part),
    )


RULES = (
    Rule(
        "saturated-units",
        "units",
        {
            "share": "of the (row, neuron) of a sigmoid or tanh layer, those with |σ'| below 0.05 of the steepest; the "
            "worst layer, over all rows",
            "behind": "as of unscaled-features",
        },
        _saturated,
        ((Condition("share"), Condition("behind")), (Condition("share", "above", "far"),)),
        _tell_saturated,
        notes=((Condition("share"),),),
    ),
    Rule(
        "dead-units",
        "units",
        {
            "share": "of the neurons of a hidden layer, those with |σ'| below 0.05 of the steepest in every row; the "
            "worst layer",
            "behind": "as of unscaled-features",
        },
        _dead,
        ((Condition("share"), Condition("behind")), (Condition("share", "above", "far"),)),
        _tell_dead,
        notes=((Condition("share"),),),
    ),
)
