"""``bl.diagnose``: why a network does not learn, in findings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backlit.costs import Cost
from backlit.diagnose.findings.diagnosis import Diagnosis
from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge, Finding, NotJudged
from backlit.diagnose.findings.gather import gather
from backlit.diagnose.findings.rule import Measured, Rule, Thresholds
from backlit.diagnose.findings.rules import FAMILIES, RULES
from backlit.diagnose.findings.thresholds import THRESHOLDS
from backlit.errors import unknown_option
from backlit.network import Network
from backlit.training import Run
from backlit.training.row_weights import ClassWeight

FROM_START = "from_start"
"""A statistic: how much of it there was before the first update. Above the rule's threshold of that name the rule is
ranked with the first pass, for no step has brought it about.
"""


def diagnose(
    net: Network | None = None,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    run: Run | None = None,
    lens: Any = None,
    validation_data: Any = None,
    cost: str | Cost | None = None,
    l2: float | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight = None,
    names: Sequence[str] | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> Diagnosis:
    """Why a network does not learn: what is wrong, where, since which step, by which factor of which equation.

    Every rule reads a few numbers off the record of the training, the network and the data, and speaks from a threshold
    on; thresholds were set by measurement, and ``docs/diagnose.md`` has how often they are wrong. What there is nothing
    to judge by is listed as not judged, with the reason; nothing is guessed.

    Args:
        net: the network as the training left it; by default the run's. Without one, what the record says is judged.
        X: the rows as :func:`backlit.train` was given them. Where it split validation rows off, they are found.
        y: their targets, as for :func:`backlit.train`.
        run: the training, for its history, its options and its split.
        lens: a :class:`~backlit.Lens`, what :func:`backlit.lens_torch` returned, a record, or the folder of one; by
            default the run's.
        validation_data: (X, y) of rows that did not train.
        cost, l2, sample_weight, class_weight: of the training; by default the run's or the record's.
        names: of the columns, for the sentences.
        thresholds: ``rule.statistic`` → number, in place of those in use.

    Returns:
        The :class:`Diagnosis`: findings, a cause before its consequences; notes; what was not judged. ``print`` it.

    Raises:
        OptionError: nothing was given to judge by, an option of the wrong kind, or an unknown threshold.
        DataError: the data cannot be used, or are not those of this network or training.

    >>> import backlit as bl
    >>> X, y = bl.data.load("iris")
    >>> net = bl.Network([4, 16, 3], output="softmax", seed=0)
    >>> run = bl.train(net, X * 1000, y, epochs=5, callbacks=[bl.Lens()])
    >>> bl.diagnose(net, X * 1000, y, run=run).first.rule
    'unscaled-features'
    """
    evidence = gather(
        net, X, y, run=run, lens=lens, validation_data=validation_data, cost=cost, l2=l2, sample_weight=sample_weight,
        class_weight=class_weight, names=names,
    )  # fmt: skip
    measured = measure(evidence)
    return conclude(evidence, measured, changed(thresholds))


def changed(thresholds: Mapping[str, float] | None) -> dict[str, float]:
    """Those in use, with some in their place.

    Raises:
        OptionError: there is no threshold of that name.
    """
    for name in thresholds or {}:
        if name not in THRESHOLDS:
            raise unknown_option("threshold", name, THRESHOLDS)
    return {**THRESHOLDS, **(thresholds or {})}


def measure(evidence: Evidence, rules: Iterable[Rule] = ()) -> dict[str, Measured | NotJudged]:
    """What each rule makes of the evidence, by its name: all that is slow, and nothing that depends on a threshold."""
    found: dict[str, Measured | NotJudged] = {}
    for rule in tuple(rules) or RULES:
        try:
            with np.errstate(all="ignore"):  # of a training that ran away, what follows from its numbers is what it is
                found[rule.name] = rule.measure(evidence)
        except CannotJudge as reason:
            found[rule.name] = NotJudged(rule.name, str(reason))
    return found


def ranked(statistics: Mapping[str, Mapping[str, float]], thresholds: Thresholds | None = None) -> list[str]:
    """The names of the rules that speak, the most important first: from statistics alone, as a calibration needs it.

    Families stand in the order in which one brings about the next; within one, what is furthest beyond its thresholds.
    """
    thresholds = THRESHOLDS if thresholds is None else thresholds
    found = []
    for rule in RULES:
        own = statistics.get(rule.name)
        if own is not None and (score := rule.speaks(own, thresholds)):
            at_once = own.get(FROM_START, 0) > rule.own(thresholds).get(FROM_START, np.inf)
            family = rule.early if at_once else rule.family
            found.append((FAMILIES.index(family), -score, rule.name))
    return [name for _, _, name in sorted(found, key=lambda one: one[:2])]


def conclude(
    evidence: Evidence, measured: Mapping[str, Measured | NotJudged], thresholds: Thresholds | None = None
) -> Diagnosis:
    """Findings and notes in words, of what was measured."""
    thresholds = THRESHOLDS if thresholds is None else thresholds
    known = {name: one for name, one in measured.items() if isinstance(one, Measured)}
    statistics = {name: one.statistics for name, one in known.items()}
    by_name = {rule.name: rule for rule in RULES}
    findings = [_told(by_name[name], evidence, known[name], thresholds) for name in ranked(statistics, thresholds)]
    spoken = {finding.rule for finding in findings}
    notes = [
        _told(rule, evidence, known[rule.name], thresholds, note=True)
        for rule in RULES
        if rule.name in known
        and rule.name not in spoken
        and rule.notices(known[rule.name].statistics, thresholds)
    ]  # fmt: skip
    return Diagnosis(
        findings=tuple(findings),
        notes=tuple(notes),
        not_judged=tuple(one for one in measured.values() if isinstance(one, NotJudged)),
        statistics=statistics,
        subject=evidence.subject,
    )


def _told(rule: Rule, evidence: Evidence, measured: Measured, thresholds: Thresholds, *, note: bool = False) -> Finding:
    own = rule.own(thresholds)
    score = (rule.notices if note else rule.speaks)(measured.statistics, thresholds)
    with np.errstate(all="ignore"):
        told = vars(rule.tell(evidence, measured, own, note))
    return Finding(rule.name, **told, statistics=measured.statistics, thresholds=own, score=score, note=note)
