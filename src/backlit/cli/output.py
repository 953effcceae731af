"""What a command says: results on stdout, messages on stderr, one JSON document where it is asked for."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

NAMES = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "log_loss": "log loss", "cost": "cost",
    "r2": "R²", "rmse": "root mean squared error", "mae": "mean absolute error", "exact_match": "all labels right",
}  # fmt: skip
SHARES = frozenset({"accuracy", "balanced_accuracy", "exact_match"})


def say(message: str) -> None:
    """A message for a person, on stderr."""
    print(message, file=sys.stderr)


def print_json(document: Mapping[str, Any]) -> None:
    """The one document of ``--json``."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def number(name: str, value: float) -> str:
    """A score as people read it.

    >>> number("accuracy", 0.975), number("cost", 0.12345678)
    ('97.50 %', '0.1235')
    """
    return f"{100 * value:.2f} %" if name in SHARES else f"{value:.4g}"


def scores_in_words(scores: Mapping[str, float]) -> str:
    """All of one part's scores in a line.

    >>> scores_in_words({"accuracy": 0.975, "cost": 0.1})
    'accuracy 97.50 %, cost 0.1'
    """
    return ", ".join(f"{NAMES.get(name, name)} {number(name, value)}" for name, value in scores.items())


def columns(rows: Sequence[tuple[str, str]], indent: str = "  ") -> str:
    """Pairs of a word and what it is, aligned.

    >>> print(columns([("layers", "3"), ("cost", "quadratic")], indent=""))
    layers  3
    cost    quadratic
    """
    width = max(len(word) for word, _ in rows)
    return "\n".join(f"{indent}{word:<{width}}  {what}" for word, what in rows)
