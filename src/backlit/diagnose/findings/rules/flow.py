"""Rules about what flows through the layers: activations forward, errors back."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import Finding, Remedy, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import number, share, superscript, times

BP2 = "BP2, δ^l = δ^{l+1} W^{l+1} ⊙ σ'(z^l)"


def _vanishing(evidence: Evidence) -> Measured:
    hidden = evidence.need_hidden()
    delta = np.median(evidence.need_steps().delta_rms, axis=0)
    with np.errstate(divide="ignore"):
        slower = delta[-1] / delta[:-1]
    layer = hidden[int(slower.argmax())]
    return Measured({"slower": float(slower.max())}, {"layer": layer})


def _tell_vanishing(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Finding:
    layer, L = found.facts["layer"], len(evidence.sizes)
    slope = float(np.median(evidence.need_steps().slope[:, layer - 2]))
    return Finding(
        rule="vanishing-errors",
        what=f"the errors of layer {layer} are {times(found.statistics['slower'])} smaller than those of layer {L}",
        where=Where(layers=tuple(range(2, layer + 1))),
        since=0,
        equation=BP2,
        why=f"σ'(z{superscript(layer)}) averages {number(slope)}",
        follows=f"the layers up to {layer} learn as much slower",
        remedy=Remedy("take relu in the hidden layers", ("--activation", "relu"), network={"activation": "relu"}),
        statistics=found.statistics,
        thresholds=thresholds,
        score=1.0,
    )


def _dead(evidence: Evidence) -> Measured:
    hidden = evidence.need_hidden()
    layers = evidence.passed.layers if evidence.given is not None else {}
    shares = [float(layers[l].dead.mean()) if layers else float(evidence.at_end("dead")[l - 2]) for l in hidden]
    worst = int(np.argmax(shares))
    return Measured({"share": shares[worst]}, {"layer": hidden[worst]})


def _tell_dead(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Finding:
    layer = found.facts["layer"]
    neurons = np.flatnonzero(evidence.passed.layers[layer].dead) if evidence.given is not None else np.zeros(0)
    return Finding(
        rule="dead-units",
        what=f"{share(found.statistics['share'])} of the neurons of layer {layer} are dead",
        where=Where(layers=(layer,), neurons=tuple(int(j) for j in neurons)),
        since=None,
        equation=BP2,
        why=f"σ'(z{superscript(layer)}) of these neurons is 0 in every row",
        follows="they never change again, and the network is that much smaller",
        remedy=Remedy("a smaller learning rate", ("--learning-rate", "0.001"), train={"learning_rate": 0.001}),
        statistics=found.statistics,
        thresholds=thresholds,
        score=1.0,
    )


RULES = (
    Rule(
        "vanishing-errors",
        "flow",
        {"slower": "median over the steps of RMS δ of the output layer over the smallest of a hidden one"},
        _vanishing,
        ((Condition("slower"),),),
        _tell_vanishing,
    ),
    Rule(
        "dead-units",
        "flow",
        {"share": "share of the neurons of a hidden layer that are flat in every row, of the layer with most"},
        _dead,
        ((Condition("share"),),),
        _tell_dead,
    ),
)
