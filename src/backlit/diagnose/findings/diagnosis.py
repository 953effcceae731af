"""What a diagnosis comes to: findings, notes, and what was not judged; in words and as plain data."""

import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from backlit.diagnose.findings.finding import Finding, NotJudged


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`backlit.diagnose` returns; ``str()`` is the whole of it in words.

    Attributes:
        findings: what keeps the network from learning or generalising, a cause before its consequences.
        notes: facts that are harmless.
        not_judged: rules that could not be asked, and why not.
        statistics: rule → what it measured, whether it spoke or not.
        subject: of what, in a line.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    not_judged: tuple[NotJudged, ...] = ()
    statistics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    subject: str = ""

    @property
    def first(self) -> Finding | None:
        """The most important finding, if there is any."""
        return self.findings[0] if self.findings else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, which has neither NaN nor infinity: None stands for them."""
        document = {
            "subject": self.subject,
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": [note.to_dict() for note in self.notes],
            "not_judged": [asdict(one) for one in self.not_judged],
            "statistics": {rule: dict(values) for rule, values in self.statistics.items()},
        }
        return {name: finite(value) for name, value in document.items()}

    def text(self, width: int = 100) -> str:
        """All of it in words, in lines of at most ``width`` characters."""
        lines = [_headline(self), *([""] if self.findings else [])]
        for number, finding in enumerate(self.findings, start=1):
            lines += _paragraphs(finding, f"{number}. ", width)
        for note in self.notes:
            lines += _filled("note: ", f"{note.rule}: {note.what}", width)
        reasons: dict[str, list[str]] = {}
        for one in self.not_judged:
            reasons.setdefault(one.reason, []).append(one.rule)
        for reason, rules in reasons.items():
            lines += _filled("not judged: ", f"{', '.join(rules)}: {reason}", width)
        return "\n".join(lines).rstrip()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        found = ", ".join(finding.rule for finding in self.findings) or "no finding"
        return f"Diagnosis({found}; {len(self.notes)} notes, {len(self.not_judged)} rules not judged)"


def finite(value: Any) -> Any:
    """Plain data with None for every number that is not finite.

    >>> finite({"slower": [2.0, float("inf")]})
    {'slower': [2.0, None]}
    """
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _headline(diagnosis: Diagnosis) -> str:
    count = len(diagnosis.findings)
    found = "nothing found that keeps it from learning" if not count else f"{count} finding{'s' * (count != 1)}"
    return f"{diagnosis.subject}: {found}" if diagnosis.subject else found


def _paragraphs(finding: Finding, number: str, width: int) -> list[str]:
    since = f"; since step {finding.since:,}" if finding.since is not None else ""
    flags = f" ({' '.join(finding.remedy.flags)})" if finding.remedy.flags else ""
    lines = _filled(number, f"{finding.rule}: {finding.what}{since}", width)
    for name, text in (
        ("why: ", f"{finding.equation}: {finding.why}"),
        ("follows: ", finding.follows),
        ("remedy: ", f"{finding.remedy.text}{flags}"),
    ):
        lines += _filled(" " * len(number) + name, text, width)
    return [*lines, ""]


def _filled(start: str, text: str, width: int) -> list[str]:
    margin = " " * len(start)
    return textwrap.wrap(
        text, max(width, 40), initial_indent=start, subsequent_indent=margin, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
