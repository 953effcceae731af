"""Rules about where the network starts: weights, biases, neurons that are all alike."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import counted, number, share, superscript
from backlit.initializers import RELU_LIKE

FORWARD = "feed forward, z^l = a^{l-1} W^lᵀ + b^l"

AUTO = Remedy(
    "draw the weights by the activation, as the initializer auto does",
    ("--initializer", "auto"),
    network={"initializer": "auto"},
)

ALIKE = 1e-4
"""Two neurons are alike whose weights and bias differ by less than this share of their norm."""


def usual(activation: str, fan_out: int, fan_in: int) -> float:
    """‖W‖/√fan_out as the initializer auto draws it: √2 for the relu family, √(2 fan_in / (fan_in + fan_out)) else.

    It is the RMS of z for inputs of RMS 1 times √fan_in/√fan_in: with fan_in inputs of size 1 z is so large.
    """
    return float(np.sqrt(2.0 if activation in RELU_LIKE else 2 * fan_in / (fan_in + fan_out)))


def _sizes(evidence: Evidence) -> tuple[dict[int, float], dict[int, float]]:
    """By layer: ‖W‖/√n_l at the first step, and that over the usual one."""
    norms, sizes = evidence.at_start("weight_norm"), evidence.sizes
    gains = {l: float(norms[l - 2] / np.sqrt(sizes[l - 1])) for l in range(2, len(sizes) + 1)}
    return gains, {l: gain / usual(evidence.activation(l), sizes[l - 1], sizes[l - 2]) for l, gain in gains.items()}


def _small(evidence: Evidence) -> Measured:
    evidence.need_steps()
    gains, ratios = _sizes(evidence)
    drawn = {l: ratio for l, ratio in ratios.items() if ratio > 0}
    if not drawn:
        raise CannotJudge("all weights start at 0, which is no size; see symmetric-units")
    layer = min(drawn, key=lambda l: drawn[l])
    mean = float(np.exp(np.mean(np.log(list(drawn.values())))))
    statistics = {"smallest": drawn[layer], "mean": mean, "behind": evidence.behind}
    return Measured(statistics, {"layer": layer, "gain": gains[layer]})


def _large(evidence: Evidence) -> Measured:
    evidence.need_steps()
    gains, ratios = _sizes(evidence)
    layer = max(ratios, key=lambda l: ratios[l])
    mean = float(np.exp(np.mean(np.log(np.maximum(list(ratios.values()), 1e-30)))))
    statistics = {"largest": ratios[layer], "mean": mean, "behind": evidence.behind}
    return Measured(statistics, {"layer": layer, "gain": gains[layer]})


def _tell_small(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    return _tell_size(evidence, found, large=False)


def _tell_large(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    return _tell_size(evidence, found, large=True)


def _tell_size(evidence: Evidence, found: Measured, *, large: bool) -> Told:
    layer, gain = found.facts["layer"], found.facts["gain"]
    ratio = found.statistics["largest" if large else "smallest"]
    z, a = evidence.at_start("z_rms")[layer - 2], evidence.at_start("a_rms")
    b = float(evidence.at_start("bias_norm")[layer - 2] / np.sqrt(evidence.sizes[layer - 1]))
    before = f"a{superscript(layer - 1)} is {number(a[layer - 3])}" if layer > 2 else "x is the data's own"
    flat = evidence.at_start("saturated")[layer - 2]
    up = superscript(layer)
    return Told(
        what=(
            f"the weights of layer {layer} start {number(ratio if large else 1 / ratio)} times too "
            f"{'large' if large else 'small'}: ‖W{up}‖/√n is {number(gain)}"
        ),
        where=Where(layers=(layer,)),
        since=0,
        equation=FORWARD,
        why=(
            f"the factor W{up} makes z{up} {number(z)} in the root mean square at step 0, with "
            f"{share(flat)} of layer {layer} saturated; {before}, b{up} is {number(b)}"
        ),
        follows=(
            "neurons begin flat or far apart, and the network keeps its first random answers"
            if large
            else "what the rows tell apart fades from layer to layer, and by BP2 so do the errors on their way back"
        ),
        remedy=AUTO,
    )


def _symmetric(evidence: Evidence) -> Measured:
    evidence.need_hidden()
    network = evidence.need_network()
    shares = {layer.number: float(_twins_of(evidence, layer.number).mean()) for layer in network.layers[:-1]}
    worst = max(shares, key=lambda l: shares[l])
    return Measured({"share": shares[worst], "behind": evidence.behind}, {"layer": worst})


def _twins_of(evidence: Evidence, number: int) -> np.ndarray:
    """Which neurons of a layer have a twin. Those that died count only where their weights are all 0: what a penalty
    has made of dead neurons is alike too.
    """
    layer = evidence.need_network().layer(number)
    own = np.concatenate([layer.W, layer.b[:, np.newaxis]], axis=1).astype(np.float64)
    found = _twins(own)
    if evidence.given is not None:
        found &= ~evidence.passed.layers[number].dead | ~layer.W.any(axis=1)
    return found


def _twins(vectors: np.ndarray) -> np.ndarray:
    """Which rows have another that is the same."""
    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=bool)
    squares = (vectors**2).sum(axis=1)
    apart = squares[:, np.newaxis] + squares - 2 * vectors @ vectors.T
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(axis=1)
    exact = ((vectors - vectors[nearest]) ** 2).sum(axis=1)  # the difference of two large squares has lost its digits
    found: np.ndarray = exact <= ALIKE**2 * squares
    return found


def _tell_symmetric(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    layer, n = found.facts["layer"], evidence.sizes[found.facts["layer"] - 1]
    network = evidence.need_network()
    W = network.layer(layer).W
    twins = tuple(int(j) for j in np.flatnonzero(_twins_of(evidence, layer)))
    up, above = superscript(layer), superscript(layer + 1)
    return Told(
        what=f"{counted(len(twins), 'neuron')} of {n} in layer {layer} have a twin with the same weights and bias",
        where=Where(layers=(layer,), neurons=twins),
        since=0,
        equation="BP2, δ^l = δ^{l+1} W^{l+1} ⊙ σ'(z^l), then BP4",
        why=(
            f"‖W{up}‖ is {number(float(np.linalg.norm(W)))} with rows that are alike: twins have one z and one σ', "
            f"the columns of W{above} out of them are alike too, so δ{up} is the same for both and so is every update"
        ),
        follows=(
            f"they stay alike for ever: layer {layer} says little more than {counted(n - len(twins) + 1, 'neuron')} "
            "could"
        ),
        remedy=Remedy(
            "draw the weights at random, which tells neurons apart",
            ("--initializer", "auto"),
            network={"initializer": "auto"},
        ),
    )


def _bias(evidence: Evidence) -> Measured:
    hidden = evidence.need_hidden()
    start, early = {}, float("nan")
    if evidence.record is not None and len(evidence.record) and evidence.record.step[0] == 0:
        record = evidence.record
        with np.errstate(divide="ignore", invalid="ignore"):
            own = record.bias_norm[0] ** 2 / np.array(evidence.sizes[1:]) / record.z_rms[0] ** 2
            ratio = np.where(record.weight_norm > 0, record.weight_update / record.weight_norm, 0)
        start = {l: float(part) for l, part in enumerate(np.nan_to_num(own), start=2)}
        early = float(ratio[:20].max(axis=1).mean())
    sizes = {l: terms for l, terms in _terms(evidence).items() if l in hidden}
    start = {l: part for l, part in start.items() if l in hidden}
    ratios = {l: bias / weighted for l, (bias, weighted) in sizes.items() if weighted > 0}
    if not ratios:
        raise CannotJudge("no hidden layer receives anything: every a W is 0")
    drowned = max(start.values(), default=0.0) > 0.5
    layer = max(start, key=lambda l: start[l]) if drowned else max(ratios, key=lambda l: ratios[l])
    bias, weighted = sizes[layer]
    return Measured(
        {
            "times": ratios.get(layer, float("inf")),
            "size": bias,
            "start": start.get(layer, float("nan")),
            "early": early,
            "behind": evidence.behind,
        },
        {"layer": layer, "bias": bias, "weighted": weighted},
    )


def _terms(evidence: Evidence) -> dict[int, tuple[float, float]]:
    """By layer, the RMS of b and of a W: over all rows, or of the record's last epoch."""
    if evidence.given is not None and evidence.network is not None:
        return {l: (one.bias, one.weighted) for l, one in evidence.passed.layers.items()}
    b, z, n = evidence.at_end("bias_norm"), evidence.at_end("z_rms"), evidence.sizes
    biases = {l: float(b[l - 2] / np.sqrt(n[l - 1])) for l in range(2, len(n) + 1)}
    return {l: (bias, float(np.sqrt(max(z[l - 2] ** 2 - bias**2, 0)))) for l, bias in biases.items()}


def _tell_bias(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    layer, bias, weighted = found.facts["layer"], found.facts["bias"], found.facts["weighted"]
    up = superscript(layer)
    return Told(
        what=f"the biases of layer {layer} drown its inputs: b{up} is {number(bias)}, a W{up} {number(weighted)}",
        where=Where(layers=(layer,)),
        since=0 if found.statistics["start"] > 0.5 else None,
        equation=FORWARD,
        why=(
            f"the term b{up} is {number(found.statistics['times'])} times the term a W{up}, in the root mean square "
            "over all rows"
        ),
        follows=f"layer {layer} answers nearly the same to every row",
        remedy=Remedy(
            "start the biases at 0, as the initializer auto does, and let the learning rate be smaller if they grew",
            ("--initializer", "auto"),
            network={"initializer": "auto"},
        ),
    )


RULES = (
    Rule(
        "symmetric-units",
        "start",
        {
            "share": (
                "of the neurons of a hidden layer, those with a twin of the same weights and bias; the worst layer"
            ),
            "behind": "as of unscaled-features",
        },
        _symmetric,
        ((Condition("share"), Condition("behind")),),
        _tell_symmetric,
        notes=((Condition("share"),),),
    ),
    Rule(
        "exploding-bias",
        "start",
        {
            "times": "RMS of b over RMS of a W, of the hidden layer where it is largest",
            "size": "RMS of that b",
            "start": "share of b² in z² at the first step",
            "early": "mean over the first 20 steps of ‖ΔW‖/‖W‖, of the layer where it is largest",
            "behind": "as of unscaled-features",
        },
        _bias,
        (
            (Condition("start"), Condition("size"), Condition("behind")),
            (Condition("times"), Condition("size"), Condition("early", "below"), Condition("behind")),
        ),
        _tell_bias,
    ),
    Rule(
        "initialisation-too-small",
        "start",
        {
            "smallest": "‖W‖/√n_l at step 0 over that of the initializer auto, of the layer where it is smallest",
            "mean": "geometric mean of these over the layers",
            "behind": "as of unscaled-features",
        },
        _small,
        ((Condition("mean", "below"), Condition("behind")), (Condition("smallest", "below"), Condition("behind"))),
        _tell_small,
    ),
    Rule(
        "initialisation-too-large",
        "start",
        {
            "largest": "‖W‖/√n_l at step 0 over that of the initializer auto, of the layer where it is largest",
            "mean": "geometric mean of these over the layers",
            "behind": "as of unscaled-features",
        },
        _large,
        ((Condition("mean"), Condition("behind")), (Condition("largest"), Condition("behind"))),
        _tell_large,
    ),
)
