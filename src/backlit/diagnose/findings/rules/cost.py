"""Rules about the objective: the cost, the penalty, dropout."""

from collections.abc import Mapping

import numpy as np

from backlit import objective as objectives
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import listed, number, share, superscript
from backlit.engines.statistics import flat

SATURATING = ("sigmoid", "tanh", "softmax")


def _fit(evidence: Evidence) -> Measured:
    network, decision, objective = evidence.need_network(), evidence.need_classes(), evidence.objective
    assert objective is not None
    output = network.activations[-1]
    if objective.fused is not None or output.name not in SATURATING:
        return Measured({"stalled": 0.0, "wrong": float("nan"), "behind": evidence.behind})
    passed, rows = evidence.passed, evidence.rows
    wrong = objectives.hits(decision, passed.output, rows.Y) == 0
    stuck = wrong & (passed.output_slope.max(axis=1) < flat(output))
    steep = passed.output_slope[wrong].mean() if wrong.any() else float("nan")
    return Measured(
        {"stalled": float(stuck.mean()), "wrong": float(wrong.mean()), "behind": evidence.behind},
        {"rows": rows.called(np.flatnonzero(stuck)), "slope": float(steep)},
    )


def _tell_fit(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    network, objective = evidence.need_network(), evidence.objective
    assert objective is not None
    L, output = network.L, network.activations[-1].name
    cost = objectives.DEFAULT_COST.get(output)
    up, rows = superscript(L), found.facts["rows"]
    remedy = Remedy(
        f"take the cost that {output} cancels against: {cost}" if cost else "take output softmax with cross-entropy",
        ("--cost", cost) if cost else ("--output", "softmax", "--cost", "cross-entropy"),
        train={"cost": cost or "cross-entropy"},
        network={} if cost else {"output": "softmax"},
    )
    return Told(
        what=(
            f"the cost {objective.cost.name} does not fit the output {output}: {share(found.statistics['stalled'])} of "
            f"the rows are wrong and can hardly move, as rows {listed(rows, most=4)}"
        ),
        where=Where(layers=(L,), rows=rows),
        since=None,
        equation=f"BP1, error of the output, δ{up} = ∂C/∂a{up} ⊙ σ'(z{up})",
        why=(
            f"where the answer is wrong ∂C/∂a{up} is large, but the factor σ'(z{up}) averages "
            f"{number(found.facts['slope'])}: the output is certain, and flat"
        ),
        follows="the rows that are most wrong teach least",
        remedy=remedy,
    )


def _penalty(evidence: Evidence) -> Measured:
    record = evidence.need_steps()
    options = evidence.options
    l2, n = float(options.get("l2") or 0.0), max(record.about.n, 1e-300)
    optimizer = options.get("optimizer")
    decay = float(optimizer.get("weight_decay", 0.0)) if isinstance(optimizer, dict) else 0.0
    if not options:
        raise CannotJudge("the options of the training are not known")
    first = slice(0, record.about.steps_per_epoch)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        W = np.sqrt((record.weight_norm[first] ** 2).sum(axis=1))
        by_penalty = l2 / n * W / np.sqrt((record.data_gradient[first] ** 2).sum(axis=1))
        moved = np.sqrt((record.weight_update[first] ** 2).sum(axis=1))
        by_decay = record.learning_rate[first] * decay * W / moved
    pull = max(_median(by_penalty), _median(by_decay))
    whole = np.sqrt((record.weight_norm**2).sum(axis=1))
    kept = float(whole[-1] / whole[0]) if whole[0] > 0 else float("nan")
    return Measured(
        {"pull": pull, "kept": kept, "behind": evidence.behind},
        {"by": "l2" if _median(by_penalty) >= _median(by_decay) else "decay", "l2": l2, "decay": decay, "n": n},
    )


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else 0.0


def _tell_penalty(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    pull, kept = found.statistics["pull"], found.statistics["kept"]
    by_l2 = found.facts["by"] == "l2"
    l2, n, decay = found.facts["l2"], found.facts["n"], found.facts["decay"]
    return Told(
        what=(
            f"the {'penalty' if by_l2 else 'weight decay'} is too strong: the weights end at {share(kept)} of where "
            "they began"
        ),
        where=Where(layers=tuple(range(2, len(evidence.sizes) + 1))),
        since=0,
        equation="penalty, ∂C/∂W += (λ/n) W" if by_l2 else "update, W ← (1 - η·decay) W - …",
        why=(
            f"λ/n = {number(l2)}/{number(n)}; the term (λ/n) W is {number(pull)} times ∂C/∂W of the rows in the "
            "first epoch"
            if by_l2
            else f"the decay {number(decay)} takes {number(pull)} times of each update in the first epoch"
        )
        + ", where up to 0.1 is usual",
        follows="what the rows teach is forgotten as fast as it is learnt",
        remedy=Remedy(
            "leave the penalty out, or take a hundredth of it" if by_l2 else "take adam, which has no decay",
            ("--l2", "0") if by_l2 else ("--optimizer", "adam"),
            train={"l2": 0.0} if by_l2 else {"optimizer": "adam"},
        ),
    )


def _dropout(evidence: Evidence) -> Measured:
    dropout = evidence.network.dropout if evidence.network is not None else ()
    if not any(dropout):
        if evidence.network is None:
            raise CannotJudge("there is no network: whether it has dropout is not known")
        return Measured({"p": 0.0, "times": float("nan"), "behind": evidence.behind})
    evidence.need_hidden()
    record = evidence.need_steps()
    under = float(np.mean(record.cost[-record.about.steps_per_epoch :]))
    without = float(np.average(evidence.passed.row_costs, weights=evidence.rows.weights))
    largest = int(np.argmax(dropout))
    return Measured(
        {"p": float(dropout[largest]), "times": under / without if without > 0 else np.inf, "behind": evidence.behind},
        {"layer": largest + 2, "under": under, "without": without},
    )


def _tell_dropout(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    layer, p = found.facts["layer"], found.statistics["p"]
    kept = (1 - p) * evidence.sizes[layer - 1]
    up = superscript(layer)
    return Told(
        what=(
            f"dropout is too strong: of the {evidence.sizes[layer - 1]} neurons of layer {layer} a step keeps "
            f"{number(kept)}"
        ),
        where=Where(layers=(layer,)),
        since=0,
        equation="dropout, a^l ← mask ⊙ a^l / (1-p)",
        why=(
            f"p = {number(p)} makes a{up} {number(1 / (1 - p))} times as large where it is kept; the cost is "
            f"{number(found.facts['under'])} under it and {number(found.facts['without'])} without"
        ),
        follows="each step trains another, tiny network, and they do not agree",
        remedy=Remedy(
            "leave dropout out, and come back to it, at 0.2, should the network overfit",
            ("--dropout", "0"),
            network={"dropout": 0.0},
        ),
    )


RULES = (
    Rule(
        "cost-does-not-fit",
        "cost",
        {
            "stalled": "share of the training rows that are answered wrong by outputs that are all flat",
            "wrong": "share answered wrong",
            "behind": "as of unscaled-features",
        },
        _fit,
        ((Condition("stalled"), Condition("behind")),),
        _tell_fit,
    ),
    Rule(
        "penalty-too-strong",
        "cost",
        {
            "pull": "median over the first epoch of ‖(λ/n) W‖ over ‖∂C/∂θ‖ of the rows (of decay: over ‖ΔW‖)",
            "kept": "‖W‖ at the end over that at the start",
            "behind": "as of unscaled-features",
        },
        _penalty,
        ((Condition("pull"), Condition("kept", "below"), Condition("behind")),),
        _tell_penalty,
    ),
    Rule(
        "dropout-too-strong",
        "cost",
        {
            "p": "the largest probability of dropout",
            "times": "cost under dropout in the last epoch over that without, on the training rows",
            "behind": "as of unscaled-features",
        },
        _dropout,
        ((Condition("p"), Condition("behind")),),
        _tell_dropout,
    ),
)
