"""What a command says: results on stdout, messages on stderr, one JSON document where it is asked for."""

import json
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

NAMES = {
    "balanced_accuracy": "balanced accuracy", "log_loss": "log loss", "auc": "AUC", "r2": "R²", "rmse": "RMSE", "mae": "MAE",
    "exact_match": "all labels right", "label_accuracy": "labels right",
}  # fmt: skip
SHARES = frozenset({"accuracy", "balanced_accuracy", "exact_match", "label_accuracy"})

NARROWEST = 24
"""Characters a wrapped text gets, however narrow the terminal is."""


def say(message: str) -> None:
    """A message for a person, on stderr."""
    if sys.stderr is not None:  # closed: print would take stdout in its place
        print(message, file=sys.stderr)


def print_json(document: Mapping[str, Any]) -> None:
    """The one document of ``--json``. JSON has no NaN and no infinity: null stands for them."""
    characters = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    print(json.dumps(finite(document), ensure_ascii=characters != "utf8", allow_nan=False, indent=2))


def finite(value: Any) -> Any:
    """Plain data with None for every number that is not finite.

    >>> finite({"cost": [0.5, float("nan")]})
    {'cost': [0.5, None]}
    """
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(name: str, value: float) -> str:
    """A score as people read it.

    >>> number("accuracy", 0.975), number("log_loss", 0.12345678)
    ('97.50 %', '0.1235')
    """
    return f"{100 * value:.2f} %" if name in SHARES else f"{value:.4g}"


def scores_in_words(scores: Mapping[str, float]) -> str:
    """All of one part's scores in a line.

    >>> scores_in_words({"accuracy": 0.975, "log_loss": 0.1})
    'accuracy 97.50 %, log loss 0.1'
    """
    return ", ".join(f"{NAMES.get(name, name)} {number(name, value)}" for name, value in scores.items())


def scores_table(scores: Mapping[str, Mapping[str, float]], rows: Mapping[str, int], notes: Mapping[str, str]) -> str:
    """The scores of each part of the data, a line a part; in words where a line is too long for the terminal.

    >>> print(scores_table({"test": {"accuracy": 0.975, "log_loss": 0.1}}, {"test": 360}, {"test": "chose nothing"}))
          rows  accuracy  log loss
    test   360   97.50 %       0.1  chose nothing
    """
    names = list(dict.fromkeys(name for values in scores.values() for name in values))
    lines = [["", "rows", *(NAMES.get(name, name) for name in names), ""]]
    for part, values in scores.items():
        cells = [number(name, values[name]) if name in values else "-" for name in names]
        lines.append([part, f"{rows[part]:,}", *cells, notes.get(part, "")])
    text = table(lines, left=(0, len(names) + 2))
    if max(map(len, text.splitlines())) <= width():
        return text
    of = {part: ", ".join(filter(None, (f"{rows[part]:,} rows", notes.get(part)))) for part in scores}
    return columns([(part, f"{scores_in_words(values)} ({of[part]})") for part, values in scores.items()])


def table(rows: Sequence[Sequence[str]], left: Collection[int] = ()) -> str:
    """Cells under each other, to the right of their columns but for those that stand to the ``left``.

    >>> print(table([("layer", "neurons"), ("1", "1,000")], left=[0]))
    layer  neurons
    1        1,000
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = ([f"{cell:{'<' if i in left else '>'}{widths[i]}}" for i, cell in enumerate(row)] for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in aligned)


def width() -> int:
    """Of a line: the terminal's (``COLUMNS`` where it is set), or 80 characters where there is none."""
    return shutil.get_terminal_size().columns


def columns(rows: Sequence[tuple[str, str]]) -> str:
    """Pairs of a word and what it is, aligned; what is too long for the terminal goes on beneath itself.

    >>> print(columns([("layers", "3"), ("cost", "quadratic")]))
    layers  3
    cost    quadratic
    """
    indent = max((len(word) for word, _ in rows), default=0) + 2
    room = max(width() - indent, NARROWEST)
    lines = []
    for word, what in rows:
        first, *rest = textwrap.wrap(printable(what), room, break_on_hyphens=False) or [""]
        lines += [f"{word:<{indent}}{first}", *(" " * indent + line for line in rest)]
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str) -> str:
    """In one line, and without the characters that command a terminal: a file may have brought them.

    >>> printable("two\\nlines, \\x1b[31mred")
    'two lines, ?[31mred'
    """
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", re.sub(r"[\t\r\n]+", " ", text))
