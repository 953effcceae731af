"""Rules about rows and their labels."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings import alone
from backlit.diagnose.findings.evidence import FEWEST_ROWS, Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.reference import NEIGHBOURS, classes_of
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import counted, listed, share, superscript, times
from backlit.diagnose.record import LensRecord

CERTAIN, LIKELY = 0.25, 0.75
"""Shares of the rows: those whose class the other rows say most clearly, and those in which a wrong label shows."""

FEWEST_CERTAIN = 15

RARE = 0.5
"""A class is rare below this share of what it would have were all classes alike."""

FEWEST_OF_A_CLASS = 5

FIRST_EPOCHS, LEAST, USUAL = 3, 0.1, 0.95


def _classes(evidence: Evidence) -> np.ndarray:
    evidence.need_classes()
    found = classes_of(evidence.rows.Y, evidence.decision)
    if found is None:
        raise CannotJudge("the targets are labels, several at once, and this is about one class a row")
    return found


def _noise(evidence: Evidence) -> Measured:
    """Wrong labels are everywhere, also far from the other classes; where all classes overlap, nobody can tell."""
    classes = _classes(evidence)
    rows, reference = evidence.need_rows(), evidence.reference
    own = classes_of(rows.Y[reference.rows], evidence.decision)
    assert own is not None
    said, margin = _answers(reference.kernel)
    order = np.argsort(-margin, kind="stable")
    certain, likely = order[: int(CERTAIN * len(order))], order[: int(LIKELY * len(order))]
    if len(certain) < FEWEST_CERTAIN:
        raise CannotJudge(f"{counted(len(own), 'row')} are too few to tell wrong labels from classes that overlap")
    enough = np.bincount(own)[own] >= 2 * NEIGHBOURS  # a rare class is outvoted
    wrong = enough & (said != own)
    count = int(wrong[certain].sum())
    contradicted = max(count - float(np.sqrt(count)), 0.0) / len(certain)
    statistics = {"contradicted": contradicted, "skill": reference.skill}
    suspicious = np.sort(likely[wrong[likely]])
    facts = {"rows": rows.called(reference.rows[suspicious]), "count": count, "of": len(certain)}
    return Measured(statistics, facts | {"classes": len(np.unique(classes))})


def _answers(predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The class that is said of each row, and how clearly: by how much it leads the next."""
    if predicted.shape[1] == 1:
        return (predicted[:, 0] >= 0.5).astype(np.int64), np.abs(predicted[:, 0] - 0.5)
    leading = np.sort(predicted, axis=1)
    return predicted.argmax(axis=1), leading[:, -1] - leading[:, -2]


def _tell_noise(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    rows, count, of = found.facts["rows"], found.facts["count"], found.facts["of"]
    L = len(evidence.sizes)
    return Told(
        what=(
            f"about {share(count / of)} of the labels are wrong: so many of the rows whose class the others say most "
            f"clearly have another label; as rows {listed(rows, most=6)}"
        ),
        where=Where(layers=(L,), rows=rows),
        since=0,
        equation=f"BP1, error of the output, δ{superscript(L)} from a{superscript(L)} and y",
        why=(
            f"the factor y is wrong in these rows, so that their δ{superscript(L)} stays large and points away from "
            "what the "
            f"others teach: {count:,} of the {of:,} rows that a kernel regression on the other rows is surest of; "
            f"where the labels are sound, fewer than {share(thresholds['contradicted'])} of these contradict it"
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
    weights = np.bincount(classes, weights=evidence.rows.weights.astype(np.float64))
    present = np.flatnonzero(counts >= FEWEST_OF_A_CLASS)
    if len(present) < 2:
        raise CannotJudge(f"fewer than two classes have {FEWEST_OF_A_CLASS} rows")
    common = int(weights.argmax())
    known = {int(k): float((predicted[classes == k] == k).mean()) for k in present}
    if evidence.given_held_out is not None:
        known = {k: min(recall, _held_out_recall(evidence, k)) for k, recall in known.items()}
    rare = [int(k) for k in present if counts[k] < RARE * len(classes) / len(present)]
    worst = min(rare or present.tolist(), key=lambda k: known[k])
    return Measured(
        {
            "imbalance": float(weights[common] / weights[worst]) if weights[worst] > 0 else float("inf"),
            "rare": float(bool(rare)),
            "recall": known[worst],
            "common": known.get(common, float("nan")),
        },
        {"class": worst, "counts": counts, "largest": common},
    )


def _held_out_recall(evidence: Evidence, k: int) -> float:
    """1 where too few validation rows are of the class."""
    own = classes_of(evidence.held_out.Y, evidence.decision)
    said = classes_of(evidence.passed_held_out.output, evidence.decision)
    assert own is not None
    assert said is not None
    of_class = own == k
    return float((said[of_class] == k).mean()) if of_class.sum() >= FEWEST_OF_A_CLASS else 1.0


def _tell_imbalance(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    rare, common, counts = found.facts["class"], found.facts["largest"], found.facts["counts"]
    L, each = len(evidence.sizes), times(found.statistics["imbalance"])
    return Told(
        what=(
            f"class {rare} is neglected: {counts[rare]:,} rows to {counts[common]:,} of class {common}, and "
            f"{share(found.statistics['recall'])} of them are known, of class {common} "
            f"{share(found.statistics['common'])}"
        ),
        where=Where(layers=(L,), outputs=(rare,)),
        since=None,
        equation="BP4, gradient of the weights, ∂C/∂W = (1/m) Σ w̃ δᵀ a",
        why=f"in the sum over rows class {common} weighs {each} as much: Σw̃ of its rows over that of the others",
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
    left = float((1 - skills[best]) / (1 - second)) if second < 1 else 1.0
    return Measured({"alone": float(skills[best]), "left": left}, {"column": int(varying[best]), "second": second})


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
    if record.step[0] != 0:
        raise CannotJudge(f"the record begins with step {record.step[0]:,}: the first epochs are not in it")
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
    """Row → how far out it lies: ‖x‖ of standardised columns over that of the 95th of 100, or a third of |y| in
    deviations.
    """
    given = evidence.need_rows()
    mean, deviation = evidence.columns.mean, evidence.columns.deviation
    squares = np.zeros(len(given))
    for column in np.flatnonzero(deviation > 0):
        squares += ((given.X[:, column] - mean[column]) / deviation[column]) ** 2
    sizes = np.sqrt(squares)
    out = sizes / max(float(np.quantile(sizes, USUAL)), 1e-12)
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
            "contradicted": (
                "of the quarter of the rows whose class a kernel regression on the other rows says most clearly, the "
                "share with another label, less a standard error"
            ),
            "skill": "of simple methods on these rows: below some, classes overlap, and look the same as wrong labels",
        },
        _noise,
        ((Condition("contradicted"), Condition("skill")), (Condition("contradicted", "above", "far"),)),
        _tell_noise,
    ),
    Rule(
        "class-imbalance",
        "data",
        {
            "imbalance": "Σw̃ of the class with the largest over that of the rare class that is known worst",
            "rare": "1 where a class has less than half as many rows as if all had the same",
            "recall": "of that class's rows, those answered right: training or validation, whichever is less",
            "common": "of the largest class's rows, likewise",
        },
        _imbalance,
        ((Condition("rare"), Condition("imbalance"), Condition("recall", "below"), Condition("common")),),
        _tell_imbalance,
        notes=(
            (
                Condition("rare"),
                Condition("imbalance", "above", "notable"),
            ),
        ),
    ),
    Rule(
        "leakage",
        "data",
        {
            "alone": "skill of the best single column, answering by the four rows nearest in it",
            "left": "what is left to know beside it, over what is left beside the second best column",
        },
        _leakage,
        ((Condition("alone"), Condition("left", "below")),),
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
                "how far out the furthest of these rows lies: ‖x‖ of standardised columns over that of the "
                "95th of 100, or a third of |y| in standard deviations"
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
