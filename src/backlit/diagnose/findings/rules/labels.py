"""Rules about rows and their labels."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings import alone
from backlit.diagnose.findings.evidence import FEWEST_ROWS, Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.reference import NEIGHBOURS, classes_of
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import counted, listed, share, times
from backlit.diagnose.record import LensRecord

AGREED = 8
"""Of 10 neighbours: where so many have one class, a row of another is contradicted."""

RARE = 0.5
"""A class is rare below this share of what it would have were all classes alike."""

FEWEST_OF_A_CLASS = 5

FIRST_EPOCHS, LEAST = 3, 0.1


def _classes(evidence: Evidence) -> np.ndarray:
    evidence.need_classes()
    found = classes_of(evidence.rows.Y, evidence.decision)
    if found is None:
        raise CannotJudge("the targets are labels, several at once, and this is about one class a row")
    return found


def _noise(evidence: Evidence) -> Measured:
    classes = _classes(evidence)
    reference = evidence.reference
    assert reference.votes is not None
    rows = evidence.need_rows()
    own = classes_of(rows.Y[reference.rows], evidence.decision)
    assert own is not None
    agreed = reference.votes.max(axis=1) >= min(AGREED, NEIGHBOURS, len(own) - 1)
    if agreed.sum() < FEWEST_ROWS:
        raise CannotJudge(f"only {counted(int(agreed.sum()), 'row')} have neighbours that agree on a class")
    enough = np.bincount(own, minlength=reference.votes.shape[1])[own] >= 2 * NEIGHBOURS  # a rare class is outvoted
    wrong = agreed & enough & (reference.votes.argmax(axis=1) != own)
    statistics = {"contradicted": float(wrong.sum() / agreed.sum()), "agreed": float(agreed.mean())}
    return Measured(statistics, {"rows": rows.called(reference.rows[wrong]), "classes": len(np.unique(classes))})


def _tell_noise(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    rows, part = found.facts["rows"], found.statistics["contradicted"]
    L = len(evidence.sizes)
    return Told(
        what=(
            f"about {share(part)} of the labels are wrong: so many contradict at least {AGREED} of the row's "
            f"{NEIGHBOURS} nearest neighbours where these agree, as of rows {listed(rows, most=6)}"
        ),
        where=Where(layers=(L,), rows=rows),
        since=0,
        equation=f"BP1, error of the output, δ^{L} from a^{L} and y",
        why=(
            f"the factor y is wrong in these rows, so that their δ^{L} stays large and points away from what the "
            "others "
            f"teach; {share(found.statistics['agreed'])} of the rows have neighbours that agree, and sound data "
            "contradict these in less than 2 % of them"
        ),
        follows="the network learns the wrong labels by heart, and answers by them to rows it has not seen",
        remedy=Remedy(
            "look at these rows (bl.rows ranks all of them); until they are corrected, leave them out, or ask for less "
            "certainty and stop early",
            ("--label-smoothing", "0.1", "--early-stopping", "5"),
            train={"label_smoothing": 0.1, "early_stopping": 5},
            data={"drop_rows": rows},
        ),
    )


def _imbalance(evidence: Evidence) -> Measured:
    classes = _classes(evidence)
    predicted = classes_of(evidence.passed.output, evidence.decision)
    assert predicted is not None
    counts = np.bincount(classes)
    present = np.flatnonzero(counts >= FEWEST_OF_A_CLASS)
    rare = present[counts[present] < RARE * len(classes) / max(len(present), 1)]
    common = int(counts.argmax())
    recall = {int(k): float((predicted[classes == k] == k).mean()) for k in present}
    if not len(rare) or len(present) < 2:
        return Measured({"imbalance": float(counts.max() / max(counts[present].min(initial=counts.max()), 1)),
                         "recall": 1.0, "common": recall.get(common, 1.0)}, {})  # fmt: skip
    worst = min((int(k) for k in rare), key=lambda k: recall[k])
    return Measured(
        {"imbalance": float(counts[common] / counts[worst]), "recall": recall[worst], "common": recall[common]},
        {"class": worst, "counts": counts, "largest": common},
    )


def _tell_imbalance(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    rare, common, counts = found.facts["class"], found.facts["largest"], found.facts["counts"]
    L, each = len(evidence.sizes), times(found.statistics["imbalance"])
    return Told(
        what=(
            f"class {rare} is ignored: {counts[rare]:,} rows to {counts[common]:,} of class {common}, and "
            f"{share(found.statistics['recall'])} of them are known, of class {common} "
            f"{share(found.statistics['common'])}"
        ),
        where=Where(layers=(L,), outputs=(rare,)),
        since=None,
        equation="BP4, gradient of the weights, ∂C/∂W = (1/m) Σ w̃ δᵀ a",
        why=f"in the sum over rows class {common} has {each} as many terms, and the factor w̃ is 1 for all of them",
        follows="a high accuracy that says nothing about the rare class",
        remedy=Remedy(
            "weigh the rows so that every class counts the same",
            ("--class-weight", "balanced"),
            train={"class_weight": "balanced"},
        ),
    )


def _leakage(evidence: Evidence) -> Measured:
    rows = evidence.rows
    if len(rows) < FEWEST_ROWS:
        raise CannotJudge(f"too few rows: {len(rows)}, and it takes {FEWEST_ROWS}")
    varying = evidence.columns.varying
    if len(varying) < 3:
        raise CannotJudge(f"X has {counted(len(varying), 'varying column')}, and it takes 3 to compare")
    skills = alone.skills(rows.X[:, varying], rows.Y, evidence.decision)
    best = int(skills.argmax())
    twins = {int(c) for group in evidence.columns.copies if varying[best] in group for c in group}
    others = np.array([c not in twins and c != varying[best] for c in varying.tolist()])
    second = float(skills[others].max()) if others.any() else 0.0
    return Measured({"alone": float(skills[best]), "beyond": float(skills[best]) - max(second, 0.0)},
                    {"column": int(varying[best]), "second": second})  # fmt: skip


def _tell_leakage(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    column, skill = found.facts["column"], found.statistics["alone"]
    name = evidence.column(column)
    return Told(
        what=f"{name} of X gives the answer away: by it alone {share(skill)} of what there is to know is known",
        where=Where(layers=(2,), columns=(column,)),
        since=0,
        equation="BP4, gradient of the weights, ∂C/∂W² = (1/m) Σ w̃ δ²ᵀ x",
        why=(
            f"the factor x_{column} goes with the target in nearly every row, and no other column with more than "
            f"{share(max(found.facts['second'], 0.0))} of it, so that the weights from {name} take the whole gradient"
        ),
        follows="if it is not known when answers are asked for, the network has learnt nothing",
        remedy=Remedy(
            f"find out whether {name} is known before the answer is; if not, leave it out",
            data={"drop_columns": (column,)},
        ),
    )


def _dominating(evidence: Evidence) -> Measured:
    record = evidence.need_steps()
    out = _outlying(evidence)
    rows, sizes = _relative_gradients(record)
    if len(rows) < FEWEST_ROWS:
        raise CannotJudge(f"the gradients of {counted(len(rows), 'row')} are known, and it takes {FEWEST_ROWS}")
    top = np.argsort(-sizes, kind="stable")[: max(len(sizes) // 100, 1)]
    squares = sizes**2
    beyond = {row: out.get(row, 0.0) for row in (int(row) for row in rows[top])}
    first = max(beyond, key=lambda row: beyond[row])
    return Measured(
        {
            "share": float(squares[top].sum() / squares.sum()),
            "times": float(sizes[top[0]]),
            "out": beyond[first],
            "behind": evidence.behind,
        },
        {"rows": tuple(row for row in beyond if beyond[row] > beyond[first] / 10)},
    )


def _outlying(evidence: Evidence) -> dict[int, float]:
    """Row → how far out it lies: ‖x‖ of standardised columns over the median, or a third of |y| in deviations."""
    given = evidence.need_rows()
    mean, deviation = evidence.columns.bulk
    squares = np.zeros(len(given))
    for column in np.flatnonzero(deviation > 0):
        squares += ((given.X[:, column] - mean[column]) / deviation[column]) ** 2
    sizes = np.sqrt(squares)
    out = sizes / max(float(np.median(sizes)), 1e-12)
    if evidence.decision is None:
        Y = given.Y.astype(np.float64)
        middle = np.median(Y, axis=0)
        spread = np.maximum(1.4826 * np.median(np.abs(Y - middle), axis=0), 1e-12)
        out = np.maximum(out, (np.abs(Y - middle) / spread).max(axis=1) / 3)
    return dict(zip(given.called(np.arange(len(given))), out.tolist(), strict=True))


def _relative_gradients(record: LensRecord) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and how many times the median of its batch ‖∇C_x‖ of each was, in the epoch of the first three where it was
    least: of a row that stands out once, because the network did, nothing is left.
    """
    last = int(np.searchsorted(record.epoch, FIRST_EPOCHS, side="right"))
    steps = np.repeat(np.arange(last), record.m[:last])
    count = len(steps)
    gradients, numbers = record.row_gradient[:count].astype(np.float64), record.row[:count]
    starts = record.row_starts
    medians = np.array([np.median(gradients[starts[s] : starts[s + 1]]) for s in range(last)])
    medians = np.maximum(medians, LEAST * np.median(medians))[steps]  # rows that are known have no gradient to speak of
    known = np.isfinite(gradients) & (medians > 0) & np.isfinite(medians)
    rows, place = np.unique(numbers[known], return_inverse=True)
    least = np.full(len(rows), np.inf)
    np.minimum.at(least, place, gradients[known] / medians[known])
    return rows, least


def _tell_dominating(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    rows = found.facts["rows"]
    return Told(
        what=(
            f"{counted(len(rows), 'row')} {'carries' if len(rows) == 1 else 'carry'} "
            f"{share(found.statistics['share'])} of the gradient: {listed(rows, most=6)}"
        ),
        where=Where(rows=rows),
        since=0,
        equation="BP4, ‖∇C_x‖² = ‖δ_x‖²(1 + ‖a_x‖²)",
        why=(
            f"‖∇C_x‖ of row {rows[0]} is {times(found.statistics['times'])} the median of its batch, in each of the "
            "first "
            "epochs, and 3× to 10× is usual"
        ),
        follows="each step that meets them undoes what the other rows taught",
        remedy=Remedy(
            "look at these rows; leave them out if they are mistakes, or bound what one step may do",
            ("--clip", "1"),
            train={"clip": 1.0},
            data={"drop_rows": rows},
        ),
    )


RULES = (
    Rule(
        "label-noise",
        "data",
        {
            "contradicted": "of the rows of whose 10 nearest neighbours 8 or more agree, those with another label",
            "agreed": "of all rows, those whose neighbours agree",
        },
        _noise,
        ((Condition("contradicted"), Condition("agreed")),),
        _tell_noise,
    ),
    Rule(
        "class-imbalance",
        "data",
        {
            "imbalance": "rows of the largest class over those of the rare class that is known worst",
            "recall": "of that class's training rows, those answered right",
            "common": "of the largest class's rows, likewise",
        },
        _imbalance,
        ((Condition("imbalance"), Condition("recall", "below"), Condition("common")),),
        _tell_imbalance,
        notes=((Condition("imbalance", "above", "notable"),),),
    ),
    Rule(
        "leakage",
        "data",
        {
            "alone": "skill of the best single column, answering by the four rows nearest in it",
            "beyond": "that less the skill of the second best column",
        },
        _leakage,
        ((Condition("alone"), Condition("beyond")),),
        _tell_leakage,
    ),
    Rule(
        "dominating-rows",
        "data",
        {
            "share": "of Σ‖∇C_x‖², each over the median of its batch and of the first three epochs the least, what the "
            "hundredth of the rows with the largest has",
            "times": "the largest of these",
            "out": (
                "how far out the furthest of these rows lies: ‖x‖ of standardised columns over the median, or a "
                "third of |y| in standard deviations"
            ),
            "behind": "as of unscaled-features",
        },
        _dominating,
        (
            (Condition("share"), Condition("out"), Condition("behind")),
            (Condition("share", "above", "far"), Condition("out")),
        ),
        _tell_dominating,
        notes=((Condition("share"), Condition("out")),),
    ),
)
