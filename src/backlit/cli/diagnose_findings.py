"""The findings of ``backlit diagnose`` and of ``backlit train --lens``: judged, in words, with what to type next."""

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from backlit.cli import command_line, output
from backlit.cli.recipe import Asked, Prepared
from backlit.errors import OptionError

MOST_NAMED = 20
"""Rows that are left out by their numbers; of more, by a table."""

FEW = 0.2
"""Of the rules: that so many are not judged is usual."""

MOST_COLUMNS = 100
"""Characters of a line of findings, however wide the terminal is."""


def of_training(ready: Prepared, lens: Any, completed: Any = None, *, watching: bool = False) -> Any:
    """The diagnosis of a training that is over, or failed: rows are called as the source counts them.

    Args:
        ready: what was trained.
        lens: that watched.
        completed: the run; None where the training failed.
        watching: whether somebody sees that it goes on.
    """
    from backlit.diagnose.findings.gather import gather
    from backlit.diagnose.findings.run import conclude, measure
    from backlit.diagnose.telling import at_work

    parts, X, y = ready.parts, ready.X, ready.y
    held_out = (X["validation"], y[parts.validation]) if len(parts.validation) else None
    evidence = gather(
        ready.network, X["train"], y[parts.train], run=completed, lens=lens, validation_data=held_out,
        cost=ready.options["cost"], l2=ready.options["l2"], class_weight=ready.options["class_weight"],
        names=list(ready.encoding.inputs),
    )  # fmt: skip
    if evidence.given is not None:
        evidence = replace(evidence, given=replace(evidence.given, numbers=parts.train))
    if evidence.given_held_out is not None:
        evidence = replace(evidence, given_held_out=replace(evidence.given_held_out, numbers=parts.validation))
    with at_work("judging", watching):
        return conclude(evidence, measure(evidence))


def is_lens(source: str) -> bool:
    """Whether it is the folder of a lens."""
    from backlit.diagnose import store

    return (Path(source) / store.ABOUT).is_file()


def holds(source: str) -> bool:
    """Whether it is something to judge as it is, rather than data to train on."""
    return is_lens(source) or (source.endswith(".safetensors") and Path(source).is_file())


def of_record(folder: Path, plot: Path | None, *, force: bool) -> Any:
    """The diagnosis of a lens's folder: what needs the network or the rows is not judged.

    Raises:
        DataError: it holds no record.
    """
    import backlit as bl
    from backlit.diagnose.pictures import draw_figure

    record = bl.read_lens(folder)
    if plot is not None:
        draw_figure(record, plot, force=force)
    return bl.diagnose(lens=record)


def of_model(path: Path, source: str | None, task: str | None, target: str | None, *, watching: bool = False) -> Any:
    """The diagnosis of a saved model on rows with known answers.

    Where these are the rows it was trained on, its own parts are judged as what they were.

    Raises:
        OptionError: no source. DataError: the rows are not such as it was trained on. ModelFileError: it is no model.
    """
    import numpy as np

    import backlit as bl
    from backlit import data
    from backlit.cli import matching
    from backlit.diagnose.findings.gather import gather
    from backlit.diagnose.findings.run import conclude, measure
    from backlit.diagnose.telling import at_work

    if source is None:
        raise OptionError(f"say on which rows to judge {path}: backlit diagnose {path} SOURCE")
    if task is not None:
        raise OptionError("--task is for a training; a saved model has its own")
    model = bl.load_model(path)
    dataset = data.read(source, target=target, like=model.encoding.table)
    matching.check_columns(model, dataset)
    parts = matching.parts_of_training(model, dataset)
    train = parts.get("train", np.arange(dataset.rows))
    held_out = parts.get("validation", train[:0])
    encoding, network = model.encoding, model.network
    reach = network.activations[-1]
    y = encoding.targets(dataset.known_y, network.dtype).clip(reach.lowest, reach.highest)

    def rows(numbers: Any) -> Any:
        return encoding.features(dataset.X[numbers], network.dtype), y[numbers]

    options = model.provenance.get("options", {})
    X, Y = rows(train)
    evidence = gather(
        network, X, Y, validation_data=rows(held_out) if len(held_out) else None, cost=options.get("cost"),
        l2=options.get("l2", 0.0), names=list(encoding.inputs),
    )  # fmt: skip
    assert evidence.given is not None
    evidence = replace(evidence, given=replace(evidence.given, numbers=train))
    if evidence.given_held_out is not None:
        evidence = replace(evidence, given_held_out=replace(evidence.given_held_out, numbers=held_out))
    with at_work("judging", watching):
        return conclude(evidence, measure(evidence))


def next_steps(finding: Any, source: str | None, asked: Asked | None) -> list[str]:
    """Command lines that apply the remedy, ready to paste; none where no flag does."""
    remedy = finding.remedy
    wrong = remedy.data.get("drop_rows", ()) if remedy.data else ()
    if source is None or asked is None:
        return [f"the same training with {shlex.join(remedy.flags)}"] if remedy.flags else []
    found = []
    if remedy.flags:
        found.append(command_line.of_train(source, asked, remedy.flags))
    if wrong and finding.rule == "label-noise":
        data = [word for name in ("target", "task") if (word := _given(asked, name))]
        found = [
            " ".join(["backlit diagnose", shlex.quote(source), *data, "--rows --out rows.csv"]),
            command_line.of_train(source, asked, ("--leave-out", "rows.csv")),
        ]
    elif wrong and len(wrong) <= MOST_NAMED:
        found.append(command_line.of_train(source, asked, ("--leave-out", ",".join(map(str, wrong)))))
    return found


def _given(asked: Asked, name: str) -> str:
    value = getattr(asked, name)
    return "" if value is None else f"--{name} {shlex.quote(value)}"


def in_words(diagnosis: Any, source: str | None = None, asked: Asked | None = None) -> str:
    """Findings first, each with what to type; then notes; then, shortly, what was not judged."""
    width = min(output.width(), MOST_COLUMNS)
    count = len(diagnosis.findings)
    lines = [f"{count} finding{'s' * (count != 1)}" if count else _nothing(diagnosis)]
    for number, finding in enumerate(diagnosis.findings, start=1):
        lines += ["", *_paragraph(f"{number}. ", _told(finding), width)]
        rows = [
            ("why", f"{finding.equation}: {finding.why}"), ("so", finding.follows), ("remedy", finding.remedy.text),
        ]  # fmt: skip
        lines += ["   " + line for line in _columns(rows, width - 3)]
        lines += [f"   $ {command}" for command in next_steps(finding, source, asked)]
    rest = [("note", f"{note.rule}: {note.what}") for note in diagnosis.notes]
    reasons: dict[str, list[str]] = {}
    for one in diagnosis.not_judged:
        reasons.setdefault(one.reason, []).append(one.rule)
    rest += [("not judged", f"{', '.join(rules)}: {reason}") for reason, rules in reasons.items()]
    return "\n".join([*lines, "", *_columns(rest, width)] if rest else lines)


def _nothing(diagnosis: Any) -> str:
    """That there is no finding, and how much was not looked at where that is much."""
    missing = len(diagnosis.not_judged)
    asked = missing + len(diagnosis.statistics)
    silent = f"; but {missing} of {asked} questions could not be asked" if missing > FEW * asked else ""
    return f"nothing found that keeps it from learning{silent}"


def _told(finding: Any) -> str:
    since = "" if finding.since is None else f"; since step {finding.since:,}"
    return f"{finding.rule}: {finding.what}{since}"


def _columns(rows: list[tuple[str, str]], width: int) -> list[str]:
    indent = max(len(word) for word, _ in rows) + 2
    return [line for word, text in rows for line in _paragraph(f"{word:<{indent}}", text, width)]


def _paragraph(start: str, text: str, width: int) -> list[str]:
    """Wrapped beneath itself; a number stays with its unit."""
    import textwrap

    joined = re.sub(r"(?<=\d) (?=%)", "\u00a0", output.printable(text))
    room = max(width - len(start), output.NARROWEST)
    lines = textwrap.wrap(joined, room, break_on_hyphens=False, break_long_words=False) or [""]
    return [(start if not i else " " * len(start)) + line.replace("\u00a0", " ") for i, line in enumerate(lines)]


def wrapped(text: str, width: int) -> list[str]:
    """A sentence in lines of the terminal."""
    return _paragraph("", text, width)


def to_dict(diagnosis: Any, source: str | None = None, asked: Asked | None = None) -> dict[str, Any]:
    """Plain data for JSON, with the command lines."""
    document: dict[str, Any] = diagnosis.to_dict()
    for plain, finding in zip(document["findings"], diagnosis.findings, strict=True):
        plain["commands"] = next_steps(finding, source, asked)
    return document
