"""Rules about the errors on their way back: fading, growing, and by which factor of BP2."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.course import since
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.factors import USUAL, Factors, carrier, delta_sizes, factors
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import number, share, superscript, times

BP2 = "BP2, error of a hidden layer, δ^l = δ^{l+1} W^{l+1} ⊙ σ'(z^l)"


def _ratios(evidence: Evidence) -> dict[int, float]:
    """RMS δ of each hidden layer over that of the output: now and, where a lens watched, in the median of all steps;
    of the two the one nearer to 1, so that what was only for a while does not count.
    """
    evidence.need_hidden()
    if evidence.record is None or not len(evidence.record):
        evidence.need_network()
        evidence.need_rows()
    sizes, L = delta_sizes(evidence), len(evidence.sizes)
    if L not in sizes or sizes[L] <= 0:
        raise CannotJudge("the error of the output is 0 in every row: nothing is left to flow back")
    now = {l: size / sizes[L] for l, size in sizes.items() if l < L}
    if evidence.record is None or len(evidence.record) == 0:
        return now
    record = evidence.record
    with np.errstate(divide="ignore", invalid="ignore"):
        course = record.delta_rms / record.delta_rms[:, -1:]
    found = {}
    for l, ratio in now.items():
        own = course[:, l - 2]
        own = own[np.isfinite(own)]
        along = float(np.median(own)) if len(own) else ratio
        found[l] = min((ratio, along), key=lambda r: abs(np.log(r)) if r > 0 else np.inf)
    return found


def _vanishing(evidence: Evidence) -> Measured:
    ratios = _ratios(evidence)
    if not ratios:
        raise CannotJudge("every hidden layer is dead as a whole; see dead-units")
    layer = min(ratios, key=lambda l: ratios[l])
    slower = 1 / ratios[layer] if ratios[layer] > 0 else float("inf")
    started = _at_start(evidence, layer)
    return Measured(
        {"slower": slower, "from_start": 1 / started if started > 0 else float("nan"), "behind": evidence.behind},
        {"layer": layer, "ratio": ratios[layer]},
    )


def _exploding(evidence: Evidence) -> Measured:
    ratios = _ratios(evidence)
    if not ratios:
        raise CannotJudge("every hidden layer is dead as a whole; see dead-units")
    layer = max(ratios, key=lambda l: ratios[l])
    return Measured(
        {"faster": ratios[layer], "from_start": _at_start(evidence, layer), "behind": evidence.behind},
        {"layer": layer, "ratio": ratios[layer]},
    )


def _at_start(evidence: Evidence, layer: int) -> float:
    """RMS δ of the layer over that of the output at the first step; NaN where that is not known."""
    try:
        delta = evidence.at_start("delta_rms")
    except CannotJudge:
        return float("nan")
    return float(delta[layer - 2] / delta[-1]) if delta[-1] > 0 else float("nan")


def _usual(low: int, high: int, own: dict[int, Factors], name: str) -> str:
    """The other factor: whether it is in its usual range, a layer."""
    values = [getattr(own[l], name) for l in range(low, high + 1)]
    sign = "W" if name == "W" else "σ'"
    typical = float(np.exp(np.nanmean(np.log(np.maximum(values, 1e-300)))))
    within = USUAL[0] <= typical <= USUAL[1]
    return f"the factor {sign} is {number(typical)} a layer, {'in its usual range' if within else 'not usual either'}"


def _why(evidence: Evidence, layer: int) -> tuple[str, str]:
    """The sentence, and which factor carries it."""
    own, top = factors(evidence), len(evidence.sizes) - 1
    which, W, slope = carrier(own, layer, top)
    product = slope if which == "slope" else W
    between = f"from layer {top + 1} down to layer {layer}"
    up, here = superscript(layer), own[layer]
    a = _activations(evidence)
    if which == "slope":
        flat = f" and {share(here.saturated)} of its neurons are saturated" if here.saturated > 0.5 else ""
        mean = number(here.mean_slope)
        carried = f"the factor σ' {_leaves(product)} of an error {between}: σ'(z{up}) averages {mean}{flat}"
        other = _usual(layer, top, own, "W")
    else:
        norm = superscript(layer + 1)
        carried = f"the factor W {_leaves(product)} of an error {between}: W{norm} alone {times(here.W)}"
        other = _usual(layer, top, own, "slope")
    return f"{carried}; {other}{a}", which


def _leaves(product: float) -> str:
    return f"leaves {number(product)}" if product < 1 else f"makes {times(product)}"


def _activations(evidence: Evidence) -> str:
    """a, which has no part in BP2 but in BP4."""
    if evidence.given is not None and evidence.network is not None:
        sizes = [one.a for l, one in evidence.passed.layers.items() if l < len(evidence.sizes)]
    else:
        sizes = list(evidence.at_end("a_rms")[:-1])
    low, high = min(sizes), max(sizes)
    usual = "in its usual range" if 0.05 <= low and high <= 10 else "not in its usual range either"
    return f", and a of BP4 is {number(low)} to {number(high)}, {usual}"


def _since(evidence: Evidence, layer: int, threshold: float, *, above: bool) -> int | None:
    record = evidence.record
    if record is None or not len(record):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = record.delta_rms[:, layer - 2] / record.delta_rms[:, -1]
    return since(record, ratio, threshold, above=above)


def _tell_vanishing(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    layer, L, slower = found.facts["layer"], len(evidence.sizes), found.statistics["slower"]
    why, which = _why(evidence, layer)
    names = set(evidence.activations[:-1])
    if which == "slope" and names & {"sigmoid", "tanh"}:
        remedy = Remedy(
            "take an activation whose slope is 1 where it is open",
            ("--activation", "relu"),
            network={"activation": "relu"},
        )
    else:
        remedy = Remedy(
            "draw the weights by the activation", ("--initializer", "auto"), network={"initializer": "auto"}
        )
    return Told(
        what=(
            f"the errors vanish: δ{superscript(layer)} is {times(slower)} smaller than δ{superscript(L)} of the output"
        ),
        where=Where(layers=tuple(range(2, layer + 1))),
        since=_since(evidence, layer, 1 / thresholds["slower"], above=False),
        equation=BP2,
        why=why,
        follows=f"layer {layer} learns that many times slower than layer {L}, which is to say not at all",
        remedy=remedy,
    )


def _tell_exploding(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    layer, L, faster = found.facts["layer"], len(evidence.sizes), found.statistics["faster"]
    why, _ = _why(evidence, layer)
    return Told(
        what=(
            f"the errors explode: δ{superscript(layer)} is {times(faster)} as large as δ{superscript(L)} of the output"
        ),
        where=Where(layers=tuple(range(2, layer + 1))),
        since=_since(evidence, layer, thresholds["faster"], above=True),
        equation=BP2,
        why=why,
        follows=f"no learning rate suits layer {layer} and layer {L} at once",
        remedy=Remedy(
            "draw the weights by the activation, and bound what one step may do",
            ("--initializer", "auto", "--clip", "1"),
            train={"clip": 1.0},
            network={"initializer": "auto"},
        ),
    )


RULES = (
    Rule(
        "vanishing-errors",
        "flow",
        {
            "slower": (
                "RMS δ of the output over the smallest of a hidden layer, of its neurons that are not dead; now or "
                "in the median of the steps, whichever is less"
            ),
            "from_start": "the same at the first step, of that layer",
            "behind": "as of unscaled-features",
        },
        _vanishing,
        ((Condition("slower"), Condition("behind")), (Condition("slower", "above", "far"),)),
        _tell_vanishing,
        notes=((Condition("slower"),),),
    ),
    Rule(
        "exploding-errors",
        "flow",
        {
            "faster": "the largest RMS δ of a hidden layer over that of the output; likewise",
            "from_start": "the same at the first step, of that layer",
            "behind": "as of unscaled-features",
        },
        _exploding,
        ((Condition("faster"), Condition("behind")), (Condition("faster", "above", "far"),)),
        _tell_exploding,
        notes=((Condition("faster"),),),
    ),
)
