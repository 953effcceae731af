"""Rules about the columns of X."""

from collections.abc import Mapping

import numpy as np

from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Finding, Remedy, Where
from backlit.diagnose.findings.rule import Condition, Measured, Rule
from backlit.diagnose.findings.words import number

FORWARD = "feed forward, z² = x W²ᵀ + b²"


def _scales(evidence: Evidence) -> Measured:
    columns = evidence.columns
    if not len(columns.varying):
        raise CannotJudge("every column of X is constant")
    rms = columns.rms[columns.varying]
    order = columns.varying[np.argsort(-rms)]
    statistics = {"largest": float(np.median(rms)), "smallest": float(rms.max())}
    return Measured(statistics, {"columns": order, "rms": columns.rms[order]})


def _tell_scales(evidence: Evidence, found: Measured, thresholds: Mapping[str, float], note: bool) -> Finding:
    order, rms = found.facts["columns"], found.facts["rms"]
    large = found.statistics["largest"] > thresholds["largest"]
    first = ", ".join(evidence.column(int(c)) for c in order[:3])
    size = f"from {number(rms[-1])} to {number(rms[0])}"
    what = (
        f"the columns of X are not scaled: their root mean squares run {size}, the largest in {first}"
        if large
        else f"the columns of X are tiny: none has a root mean square above {number(rms[0])}"
    )
    carries = (
        "x is so large that z² is, whatever W² is drawn as"
        if large
        else "x is so small that z² is nearly b² whatever the row is"
    )
    return Finding(
        rule="unscaled-features",
        what=what,
        where=Where(columns=tuple(int(c) for c in order)),
        since=0,
        equation=FORWARD,
        why=f"{carries}; the usual size of x is 1, and BP4 makes every ∂C/∂W² as much too large or small as x is",
        follows="one learning rate cannot suit the first layer and the others",
        remedy=Remedy(
            "bring every column to mean 0 and deviation 1 (`backlit train` and its encodings do so by themselves)",
            data={"standardise": True},
        ),
        statistics=found.statistics,
        thresholds=thresholds,
        score=1.0,
    )


RULES = (
    Rule(
        "unscaled-features",
        "data",
        {
            "largest": "median over the varying columns of the root mean square of x",
            "smallest": "the largest of these root mean squares",
        },
        _scales,
        ((Condition("largest"),), (Condition("smallest", "below"),)),
        _tell_scales,
    ),
)
