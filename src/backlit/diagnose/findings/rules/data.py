"""Rules about the columns of X and the size of the targets."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Remedy, Told, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import counted, number, share, superscript, times

FORWARD = "feed forward, z² = a¹ W²ᵀ + b² with a¹ = x"

STANDARDISE = Remedy(
    "bring every column to mean 0 and deviation 1; backlit train does so by itself with the columns of a table",
    data={"standardise": True},
)

FEWEST_COLUMNS = 2
"""From which on one column can stand out among others."""


def _typical(rms: np.ndarray) -> float:
    """√ of the mean of the squares: times √n_1 the size of a usual row."""
    return float(np.sqrt(np.mean(rms**2))) if len(rms) else 0.0


def _scales(evidence: Evidence) -> Measured:
    columns = evidence.columns
    order = _by_size(evidence)
    rms = columns.rms[order]
    size = _typical(rms[1:] if len(rms) >= FEWEST_COLUMNS else rms)
    return Measured({"size": size, "largest": float(rms[0]), "behind": evidence.behind}, {"columns": order, "rms": rms})


def _by_size(evidence: Evidence) -> np.ndarray:
    columns = evidence.columns
    if not len(columns.varying):
        raise CannotJudge("every column of X is constant")
    order: np.ndarray = columns.varying[np.argsort(-columns.rms[columns.varying], kind="stable")]
    return order


def _tell_scales(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    order, rms, size = found.facts["columns"], found.facts["rms"], found.statistics["size"]
    large = size > 1
    first = evidence.column(int(order[0]))
    if large:
        what = f"the columns of X are not scaled: a usual number in them is {number(size)}, in {first} {number(rms[0])}"
        why = (
            f"the factor x is in the root mean square {number(_typical(rms))} where 1 is usual, so z² starts as many "
            "times too large whatever W² is drawn as, and by BP4 so does every ∂C/∂W²"
        )
    else:
        what = f"the columns of X are tiny: the largest, {first}, is {number(rms[0])} in the root mean square"
        why = (
            f"the factor x is in the root mean square {number(_typical(rms))} where 1 is usual: z² is nearly the same "
            "in every row, and by BP4 ∂C/∂W² is as many times too small"
        )
    return Told(
        what=what,
        where=Where(layers=(2,), columns=tuple(int(c) for c in order)),
        since=0,
        equation=FORWARD,
        why=f"{why}; W² and b² are what they were drawn as",
        follows="no one learning rate suits both the first layer and the others",
        remedy=STANDARDISE,
    )


def _dominating(evidence: Evidence) -> Measured:
    order = _by_size(evidence)
    if len(order) < FEWEST_COLUMNS:
        raise CannotJudge(f"X has {counted(len(order), 'varying column')}, and it takes {FEWEST_COLUMNS} to compare")
    rms = evidence.columns.rms[order]
    rest = _typical(rms[1:])
    statistics = {
        "times": float(rms[0] / rest) if rest > 0 else float("inf"),
        "share": float(rms[0] ** 2 / (rms**2).sum()),
        "behind": evidence.behind,
    }
    return Measured(statistics, {"column": int(order[0]), "rms": float(rms[0]), "rest": rest})


def _tell_dominating(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    column, rms, rest = found.facts["column"], found.facts["rms"], found.facts["rest"]
    name, part = evidence.column(column), share(found.statistics["share"])
    return Told(
        what=(
            f"{name} of X is {times(found.statistics['times'])} as large as the others: {number(rms)}, they "
            f"{number(rest)}"
        ),
        where=Where(layers=(2,), columns=(column,)),
        since=0,
        equation=FORWARD,
        why=(
            f"{part} of Σx² is of this one column, so that z² follows it alone, and by BP4 ∂C/∂W² too; the other "
            f"columns, at {number(rest)}, and W² are in their usual range"
        ),
        follows=(
            "what the other columns say is drowned, and the learning rate that this column bears is too low for them"
        ),
        remedy=STANDARDISE,
    )


def _constant(evidence: Evidence) -> Measured:
    columns = evidence.columns
    squares = columns.rms**2
    total = float(squares.sum())
    weight = float(squares[columns.constant].sum()) / total if total > 0 else 0.0
    return Measured(
        {
            "count": float(len(columns.constant)),
            "share": len(columns.constant) / len(squares),
            "weight": weight,
            "behind": evidence.behind,
        },
        {"columns": columns.constant},
    )


def _tell_constant(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    constant = tuple(int(c) for c in found.facts["columns"])
    values = evidence.columns.low[list(constant)]
    total = len(evidence.columns.rms)
    weight = found.statistics["weight"]
    part = f", with {share(weight)} of Σx²" if weight > 0 else ""
    return Told(
        what=(
            f"{counted(len(constant), 'column')} of {total} of X {'is' if len(constant) == 1 else 'are'} constant{part}"
        ),
        where=Where(layers=(2,), columns=constant),
        since=0,
        equation=FORWARD,
        why=(
            f"a constant x_k times W²_jk is one more bias: the largest is {number(float(np.abs(values).max()))}, "
            "and by "
            "BP4 its ∂C/∂W² is ∂C/∂b² times that"
        ),
        follows=(
            "nothing: their weights act as biases"
            if note
            else "the biases that they act as move so fast that the learning rate is bound by them"
        ),
        remedy=Remedy("leave these columns out", data={"drop_columns": constant}),
    )


def _duplicated(evidence: Evidence) -> Measured:
    columns = evidence.columns
    if len(columns.varying) < 2:
        raise CannotJudge("X has fewer than two columns that vary")
    copies = columns.copies
    squares = columns.rms[columns.varying] ** 2
    beyond = sum(len(group) - 1 for group in copies)
    largest = copies[0] if copies else np.zeros(0, dtype=np.int64)
    return Measured(
        {
            "count": float(beyond),
            "share": beyond / len(columns.varying),
            "weight": float((columns.rms[largest] ** 2).sum() / squares.sum()) if squares.sum() > 0 else 0.0,
            "behind": evidence.behind,
        },
        {"groups": copies},
    )


def _tell_duplicated(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    groups = found.facts["groups"]
    surplus = tuple(sorted(int(c) for group in groups for c in group[1:]))
    first, copies = int(groups[0][0]), len(groups[0])
    return Told(
        what=(
            f"{counted(len(surplus), 'column')} of {len(evidence.columns.rms)} of X "
            f"{'is a copy' if len(surplus) == 1 else 'are copies'} of another but for offset and scale"
        ),
        where=Where(layers=(2,), columns=surplus),
        since=0,
        equation=FORWARD,
        why=(
            f"{evidence.column(first)} is there {copies} times, {share(found.statistics['weight'])} of Σx²: the "
            "copies' "
            f"weights add up in z², so that by BP4 it learns {copies} times as fast as a column by itself"
        ),
        follows=(
            "nothing that harms: what they say is said more than once"
            if note
            else "what is said many times outweighs what is said once"
        ),
        remedy=Remedy("leave the copies out", data={"drop_columns": surplus}),
    )


def _targets(evidence: Evidence) -> Measured:
    rows = evidence.need_rows()
    if evidence.decision is not None:
        raise CannotJudge("the targets are classes, which have no scale")
    if evidence.activations[-1] != "identity":
        raise CannotJudge(f"the output {evidence.activations[-1]} has a reach of its own")
    Y = rows.Y.astype(np.float64)
    size, deviation = np.sqrt((Y**2).mean(axis=0)), Y.std(axis=0)
    output = int(size.argmax())
    return Measured(
        {"size": float(size.max()), "deviation": float(deviation.max()), "behind": evidence.behind},
        {"output": output, "mean": float(Y[:, output].mean()), "deviation": float(deviation[output])},
    )


def _tell_targets(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Told:
    output, L = found.facts["output"], len(evidence.sizes)
    mean, deviation, size = found.facts["mean"], found.facts["deviation"], found.statistics["size"]
    large = size > 1
    return Told(
        what=(
            f"the targets are not scaled: those of output {output} are {number(mean)} ± {number(deviation)}, "
            "and a network begins with answers of about 0 ± 1"
        ),
        where=Where(layers=(L,), outputs=(output,)),
        since=0,
        equation=f"BP1, error of the output, δ{superscript(L)} = a{superscript(L)} - y",
        why=(
            f"the factor y is {number(size)} in the root mean square where 1 is usual, so every error begins as "
            f"{'large' if large else 'small'}, and with it every ∂C/∂W and ∂C/∂b"
        ),
        follows=(
            "the biases of the output spend the training on the way to the mean"
            if large
            else "the costs are so small that the first answers' noise outweighs what is to be learnt"
        ),
        remedy=Remedy(
            "bring the targets to mean 0 and deviation 1, and the answers back; backlit train does so by itself",
            data={"standardise_targets": True},
        ),
    )


BEHIND = "how far the network is behind simple methods on the same rows, in skill (0 a constant answer, 1 all right)"

RULES = (
    Rule(
        "unscaled-features",
        "data",
        {
            "size": "root mean square of x over the varying columns but the largest",
            "largest": "root mean square of the largest column",
            "behind": BEHIND,
        },
        _scales,
        (
            (Condition("size"), Condition("behind")),
            (Condition("largest", "below", "tiny"), Condition("behind")),
            (Condition("size", "above", "far"),),
        ),
        _tell_scales,
        notes=((Condition("size"),), (Condition("largest", "below", "tiny"),)),
    ),
    Rule(
        "dominating-feature",
        "data",
        {
            "times": "root mean square of the largest column over that of the others",
            "share": "of Σx², what the largest column has",
            "behind": BEHIND,
        },
        _dominating,
        ((Condition("times"), Condition("behind")), (Condition("times", "above", "far"),)),
        _tell_dominating,
        notes=((Condition("times"),),),
    ),
    Rule(
        "constant-features",
        "data",
        {
            "count": "constant columns",
            "share": "of the columns, the constant ones",
            "weight": "of Σx², what they have",
            "behind": BEHIND,
        },
        _constant,
        ((Condition("weight"), Condition("behind")), (Condition("weight", "above", "far"),)),
        _tell_constant,
        notes=((Condition("count"),),),
    ),
    Rule(
        "duplicated-features",
        "data",
        {
            "count": "columns that are copies of another",
            "share": "of the varying columns, the copies",
            "weight": "of Σx² over the varying columns, what the largest group of copies has",
            "behind": BEHIND,
        },
        _duplicated,
        ((Condition("weight"), Condition("share"), Condition("behind")),),
        _tell_duplicated,
        notes=((Condition("count"),),),
    ),
    Rule(
        "unscaled-targets",
        "data",
        {
            "size": "root mean square of the targets, of the output where it is largest",
            "deviation": "their standard deviation, the largest of any output",
            "behind": BEHIND,
        },
        _targets,
        ((Condition("size"), Condition("behind")), (Condition("deviation", "below"), Condition("behind"))),
        _tell_targets,
        notes=((Condition("size"),),),
    ),
)
