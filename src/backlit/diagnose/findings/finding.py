"""A finding: what is wrong, where, since when, by which factor of which equation, and what to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Where:
    """The place of a finding; what does not apply is empty. Layers as the maths counts them, the rest from 0.

    ``neurons`` are of the first of ``layers`` where there are several; ``rows`` are of the data as given.
    """

    layers: tuple[int, ...] = ()
    neurons: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()


@dataclass(frozen=True)
class Remedy:
    """One thing to do. What applies it is empty where nothing of that kind does.

    Attributes:
        text: in words.
        flags: of ``backlit train``, as ``("--learning-rate", "0.001")``.
        train: the same as options of :func:`backlit.train`.
        network: the same as options of :class:`backlit.Network`.
        data: what to do with the data before: ``{"standardise": True}`` (columns of X to mean 0 and deviation 1),
            ``{"standardise_targets": True}``, ``{"drop_columns": (3,)}``, ``{"drop_rows": (17, 20)}``.
    """

    text: str
    flags: tuple[str, ...] = ()
    train: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What a rule says when it speaks: the sentences of a :class:`Finding`, which has the numbers beside them."""

    what: str
    where: Where
    since: int | None
    equation: str
    why: str
    follows: str
    remedy: Remedy


@dataclass(frozen=True)
class Finding:
    """What keeps a network from learning or generalising; or, as a ``note``, a fact that does not.

    Attributes:
        rule: its name, as ``dead-units``.
        what: one sentence.
        where: layers, neurons, rows, columns, outputs.
        since: the first step at which it was so; None where that is not known.
        equation: as ``BP2, error of a hidden layer``.
        why: the factor of that equation that carries it, with numbers, and which are in their usual range.
        follows: what comes of it.
        remedy: one thing to do.
        statistics: name → value: what the rule decided by.
        thresholds: name → the number it was held against.
        score: how far beyond its thresholds it is: 1 is just so, 10 far.
        note: whether it is harmless.
    """

    rule: str
    what: str
    where: Where
    since: int | None
    equation: str
    why: str
    follows: str
    remedy: Remedy
    statistics: Mapping[str, float]
    thresholds: Mapping[str, float]
    score: float
    note: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        plain = asdict(self)
        plain["where"] = {name: list(numbers) for name, numbers in plain["where"].items() if numbers}
        plain["remedy"] = {name: value for name, value in plain["remedy"].items() if value}
        return plain

    def __str__(self) -> str:
        since = f" (since step {self.since:,})" if self.since is not None else ""
        lines = [f"{self.rule}: {self.what}{since}", f"  {self.equation}: {self.why}", f"  It follows: {self.follows}"]
        flags = f"  [{' '.join(self.remedy.flags)}]" if self.remedy.flags else ""
        return "\n".join([*lines, f"  Remedy: {self.remedy.text}{flags}"])


@dataclass(frozen=True)
class NotJudged:
    """A rule that could not be asked, and why not."""

    rule: str
    reason: str


class CannotJudge(Exception):  # noqa: N818 - it is an answer, not an error
    """Raised by a rule: what it needs is not there. The message is the reason, for :class:`NotJudged`."""
