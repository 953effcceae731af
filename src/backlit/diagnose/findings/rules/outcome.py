"""Rules about what was learnt in the end."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.course import course
from backlit.diagnose.findings.evidence import FEWEST_ROWS, Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.reference import classes_of, standard_error
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import counted, listed, number, share, superscript


def _never(evidence: Evidence) -> Measured:
    evidence.need_classes()
    evidence.need_trained()
    rows, passed = evidence.rows, evidence.passed
    own, said = classes_of(rows.Y, evidence.decision), classes_of(passed.output, evidence.decision)
    if own is None or said is None:
        raise CannotJudge("the targets are labels, several at once, and this is about one class a row")
    K = max(rows.Y.shape[1], 2)
    shares = np.bincount(own, minlength=K) / len(own)
    silent = np.bincount(said, minlength=K) == 0
    absent = np.zeros(K)
    if evidence.given_held_out is not None:
        held = classes_of(evidence.held_out.Y, evidence.decision)
        assert held is not None
        absent = np.where(shares == 0, np.bincount(held, minlength=K) / len(held), 0.0)
    missing = np.flatnonzero(silent & (np.maximum(shares, absent) > 0))
    return Measured(
        {
            "rows": float(np.maximum(shares, absent)[missing].sum()),
            "classes": float(len(missing)),
            "from_start": _lighter(own, rows.weights, missing),
        },
        {"classes": missing, "shares": shares, "unseen": np.flatnonzero(absent > 0)},
    )


def _lighter(classes: np.ndarray, weights: np.ndarray, missing: np.ndarray) -> float:
    """How many times lighter a row of these classes is than one of the others, by the mean w̃; NaN for no rows."""
    of_missing = np.isin(classes, missing)
    if not of_missing.any() or of_missing.all():
        return float("nan")
    lightest = min(float(weights[classes == k].mean()) for k in missing if (classes == k).any())
    return float(weights[~of_missing].mean()) / lightest if lightest > 0 else float("inf")


def _tell_never(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    missing, shares, unseen = (found.facts[name] for name in ("classes", "shares", "unseen"))
    L = len(evidence.sizes)
    b = evidence.need_network().layer(L).b.astype(np.float64)
    never = len(unseen) and set(unseen.tolist()) & set(missing.tolist())
    if never:
        why = f"the factor y is 0 for {listed(sorted(never))} in every training row, so that its δ is never negative"
        remedy = Remedy("train with rows of every class: shuffle them before they are split")
    else:
        j = int(missing[0]) if len(b) > int(missing[0]) else 0
        why = (
            f"a{superscript(L)} of output {j} is never the largest, though {share(float(shares[missing[0]]))} of "
            "the rows want it; "
            f"its bias is {number(float(b[j]))}, of the others "
            f"{number(float(np.delete(b, j).mean()) if len(b) > 1 else 0.0)}"
        )
        light = found.statistics["from_start"]
        rare = float(shares[missing[0]]) < 0.5 / len(shares) or light > thresholds["from_start"]
        why += f", and w̃ of its rows a {number(light)}th of the others'" if light > thresholds["from_start"] else ""
        remedy = (
            Remedy(
                "weigh the rows so that every class counts the same",
                ("--class-weight", "balanced"),
                train={"class_weight": "balanced"},
            )
            if rare
            else Remedy(
                "draw the parameters anew, with biases of 0",
                ("--initializer", "auto", "--seed", "1"),
                network={"initializer": "auto", "seed": 1},
            )
        )
    return Told(
        what=(
            f"{'class' if len(missing) == 1 else 'classes'} {listed(missing.tolist())} "
            f"{'is' if len(missing) == 1 else 'are'} never the answer, to any row"
        ),
        where=Where(layers=(L,), outputs=tuple(int(k) for k in missing)),
        since=None,
        equation=f"BP1, error of the output, δ{superscript(L)}",
        why=why,
        follows=f"{share(found.statistics['rows'])} of the rows are answered wrong for certain",
        remedy=remedy,
    )


def _overfitting(evidence: Evidence) -> Measured:
    held = evidence.need_held_out()
    if len(held) < FEWEST_ROWS:
        raise CannotJudge(f"too few validation rows: {len(held)}, and it takes {FEWEST_ROWS}")
    evidence.need_rows()
    evidence.need_trained()
    passed = evidence.passed_held_out
    now = float(np.average(passed.row_costs, weights=evidence.held_out.weights))
    error = float(passed.row_costs.std() / np.sqrt(len(passed.row_costs)))
    along = [epoch["validation_cost"] for epoch in evidence.history if epoch.get("validation_cost") is not None]
    best = min(along) if along else float("nan")
    epoch = int(np.argmin(along)) + 1 if along else 0
    skill_error = standard_error(passed.output, evidence.held_out.Y, evidence.decision)
    gap = evidence.skill - evidence.skill_held_out
    train = float(np.average(evidence.passed.row_costs, weights=evidence.rows.weights))
    known = evidence.reference.skill if len(evidence.need_rows()) >= FEWEST_ROWS else float("nan")
    return Measured(
        {
            "rise": now / best if best > 0 else float("nan"),
            "errors": (now - best) / error if error > 0 else 0.0,
            "gap": gap - 2 * skill_error,
            "behind": known - evidence.skill_held_out - 2 * skill_error,
        },
        {"now": now, "best": best, "epoch": epoch, "train": train},
    )


def _tell_overfitting(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    s, facts = found.statistics, found.facts
    network = evidence.need_network()
    rows, parameters = len(evidence.need_rows()), network.parameters.size
    rose = s["rise"] > thresholds["rise"] and s["errors"] > thresholds["errors"]
    what = (
        f"the network overfits: the validation cost was {number(facts['best'])} after epoch {facts['epoch']} and is "
        f"{number(facts['now'])}, {number(s['errors'])} standard errors more, while that of the training is "
        f"{number(facts['train'])}"
        if rose
        else f"the network overfits: it knows {share(max(evidence.skill, 0))} of the training rows and "
        f"{share(max(evidence.skill_held_out, 0))} of the others"
    )
    stop = Remedy(
        "keep the best epoch by validation, and stop after five without a better one",
        ("--early-stopping", "5"),
        train={"early_stopping": 5},
    )
    return Told(
        what=what,
        where=Where(layers=tuple(range(2, len(evidence.sizes) + 1))),
        since=None if not rose or not facts["epoch"] else int(evidence.history[facts["epoch"] - 1]["steps"]),
        equation="the objective C = (1/m) Σ w̃ C_i + λ/(2n) Σ‖W‖²",
        why=(
            f"the first term is of {counted(rows, 'row')} alone and falls on; {counted(parameters, 'parameter')} "
            f"({number(parameters / rows)} a row) can learn them by heart, and λ is "
            f"{number(evidence.objective.l2 if evidence.objective else 0.0)}"
        ),
        follows="rows that were not trained on are answered worse than they could be",
        remedy=stop
        if rose
        else Remedy("make it harder to learn by heart", ("--dropout", "0.3"), network={"dropout": 0.3}),
    )


def _underfitting(evidence: Evidence) -> Measured:
    evidence.need_trained()
    reference, skill = evidence.reference.skill, max(evidence.skill, 0.0)
    try:
        falling = course(evidence).falling
    except CannotJudge:
        falling = float("nan")
    return Measured(
        {
            "behind": evidence.shortfall,
            "reached": skill / reference if reference > 0 else float("nan"),
            "falling": falling,
            "from_start": max(evidence.sizes[-1], 2) / min(evidence.sizes[1:-1] or (1,)),
        },
        {"skill": skill, "reference": reference, "method": evidence.reference.method},
    )


def _tell_underfitting(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    facts = found.facts
    hidden = evidence.sizes[1:-1]
    size = ", ".join(map(str, hidden)) if hidden else "no"
    wider = tuple(max(128, 2 * n) for n in hidden) if len(hidden) > 1 else (128, 128)
    return Told(
        what=(
            f"the network underfits: its skill on the training rows is {number(facts['skill'])}, and "
            f"{number(facts['reference'])} is reached by {facts['method']} (0 is a constant answer, 1 all right)"
        ),
        where=Where(layers=tuple(range(2, len(evidence.sizes) + 1))),
        since=None,
        equation="feed forward: what the network can say at all",
        why=(
            f"with {size} hidden neurons a^l = σ(a W + b) says no more than this; where nothing stands before this "
            "finding, that is what keeps it"
        ),
        follows="more training changes little",
        remedy=Remedy(
            "give it more neurons and layers",
            ("--layers", ",".join(map(str, wider))),
            network={"sizes": (evidence.sizes[0], *wider, evidence.sizes[-1])},
        ),
    )


def _plateau(evidence: Evidence) -> Measured:
    trend = course(evidence)
    record = evidence.record
    gradient = (
        float(np.median(record.gradient_norm[-record.about.steps_per_epoch :]))
        if record is not None and len(record)
        else float("nan")
    )
    reference, skill = evidence.reference.skill, max(evidence.skill, 0.0)
    return Measured(
        {
            "falling": abs(trend.falling),
            "reached": skill / reference if reference > 0 else float("nan"),
            "behind": evidence.shortfall,
        },
        {"gradient": gradient, "cost": float(trend.costs[-1]), "falling": trend.falling},
    )


def _tell_plateau(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    facts = found.facts
    gradient = f", ‖∂C/∂θ‖ is {number(facts['gradient'])}" if np.isfinite(facts["gradient"]) else ""
    change = number(100 * abs(facts["falling"]))
    if note:
        return Told(
            what=(
                f"the training has converged: the last fifth of it changed the cost, {number(facts['cost'])}, by "
                f"{change} %"
            ),
            where=Where(),
            since=None,
            equation="update, θ ← optimizer(θ, ∂C/∂θ)",
            why=f"the cost is flat{gradient}, and the network knows what the data teach",
            follows="nothing: more epochs would change little",
            remedy=Remedy("none is needed"),
        )
    return Told(
        what=(
            f"the training stands on a plateau: the cost is {number(facts['cost'])} and the last fifth changed it by "
            f"{change} %, while the network knows {share(max(found.statistics['reached'], 0))} of what simple "
            "methods do"
        ),
        where=Where(),
        since=None,
        equation="update, θ ← optimizer(θ, ∂C/∂θ)",
        why=f"the cost is flat{gradient}: this is no minimum worth having, for other methods find a better answer",
        follows="more epochs of the same change nothing",
        remedy=Remedy(
            "take adam, which leaves plateaus faster, and another seed",
            ("--optimizer", "adam", "--seed", "1"),
            train={"optimizer": "adam"},
        ),
    )


RULES = (
    Rule(
        "output-never-predicted",
        "outcome",
        {
            "rows": "share of the rows whose class is never the answer to any row",
            "classes": "how many such classes",
            "from_start": "mean w̃ of the other rows over that of the lightest such class",
        },
        _never,
        ((Condition("rows"),),),
        _tell_never,
    ),
    Rule(
        "overfitting",
        "outcome",
        {
            "rise": "validation cost now over the lowest of any epoch",
            "errors": "their difference in standard errors of the validation cost",
            "gap": "skill on the training rows less that on the validation rows, less two standard errors",
            "behind": "skill of simple methods less that on the validation rows, less two standard errors",
        },
        _overfitting,
        (
            (Condition("rise"), Condition("errors"), Condition("gap")),
            (Condition("gap", "above", "wide"), Condition("behind")),
        ),
        _tell_overfitting,
    ),
    Rule(
        "underfitting",
        "outcome",
        {
            "behind": "as of learning-rate-too-low",
            "reached": "skill of the network on the training rows over that of simple methods",
            "falling": "as of learning-rate-too-low",
            "from_start": "outputs (at least 2) over the neurons of the narrowest hidden layer, 1 where there is none",
        },
        _underfitting,
        ((Condition("behind"), Condition("reached")), (Condition("behind"), Condition("from_start"))),
        _tell_underfitting,
    ),
    Rule(
        "plateau",
        "outcome",
        {
            "falling": "size of the change of the cost from the last fifth but one to the last, as a share",
            "reached": "as of underfitting",
            "behind": "as of learning-rate-too-low",
        },
        _plateau,
        ((Condition("falling", "below"), Condition("reached", "below"), Condition("behind")),),
        _tell_plateau,
        notes=((Condition("falling", "below"), Condition("reached", "above", "converged")),),
    ),
)
