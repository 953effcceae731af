"""A small network as a company: reports go up and are weighed, blame comes back along the reporting lines."""

from backlit.errors import OptionError
from backlit.trace.figures import figure
from backlit.trace.record import Record, Step, has_slope
from backlit.trace.words.table import say

LARGEST = 24
"""Neurons, inputs counted, that a company can tell of by name."""


def tell(t: Record, lang: str = "en") -> str:
    """Each row, and each step: what goes up, what the head finds, what comes back, how trust changes.

    Raises:
        OptionError: the network is too large to be a company, or has no layer between reports and head.
    """
    if sum(t.network.sizes) > LARGEST:
        raise OptionError(
            f"a company of {sum(t.network.sizes)} is too large to be told by name (up to {LARGEST}); use voice 'plain'"
        )
    told = [say("company.start", lang, reports=t.network.sizes[0], layers=t.L - 2), *t.notes_in(lang)]
    if t.first_non_finite is not None:
        return "\n\n".join(told)
    if not t.steps:
        return "\n\n".join([*told, *_round(t, lang)])
    for step in t.steps:
        told += [say("company.day", lang, number=step.number), *_round(step.pass_, lang)]
        told += [_trust(t, step, lang), _outcome(step, lang)]
    first, last = t.steps[0].cost_before, t.steps[-1].cost_after
    told.append(say("company.end", lang, steps=len(t.steps), before=_figure(first), after=_figure(last)))
    return "\n\n".join(told)


def _round(t: Record, lang: str) -> list[str]:
    """One pass, row by row."""
    told = []
    for row in range(t.rows):
        told += [_joined(part(t, row, lang), lang) for part in (_up, _found, _blame)]
    return told


def _up(t: Record, row: int, lang: str) -> list[str]:
    told = [say("company.report", lang, who=_who(t, 1, k, lang), value=_figure(x)) for k, x in enumerate(t.X[row])]
    for layer in t.network.layers:
        l = layer.number
        for j in range(t.network.sizes[l - 1]):
            trusts = ", ".join(f"{_who(t, l - 1, k, lang)} × {_figure(w)}" for k, w in enumerate(layer.W[j]))
            told.append(
                say(
                    "company.weigh",
                    lang,
                    who=_who(t, l, j, lang),
                    trusts=trusts,
                    lean=_figure(layer.b[j]),
                    z=_figure(t.z(l)[row, j]),
                    a=_figure(t.a(l)[row, j]),
                )
            )
    return told


def _found(t: Record, row: int, lang: str) -> list[str]:
    told = []
    for j in range(t.network.sizes[-1]):
        a, y = float(t.a(t.L)[row, j]), float(t.Y[row, j])
        kind = "right" if a == y else "high" if a > y else "low"
        told.append(
            say(
                f"company.head.{kind}",
                lang,
                who=_who(t, t.L, j, lang),
                a=_figure(a),
                y=_figure(y),
                gap=_figure(abs(a - y)),
            )
        )
    told.append(say("company.cost", lang, value=_figure(t.row_costs[row])))
    return told


def _blame(t: Record, row: int, lang: str) -> list[str]:
    told = []
    for l in range(t.L, 1, -1):
        for j in range(t.network.sizes[l - 1]):
            delta = float(t.delta(l)[row, j])
            kind = "none" if delta == 0 else "less" if delta > 0 else "more"
            told.append(say(f"company.blame.{kind}", lang, who=_who(t, l, j, lang), delta=_figure(delta)))
            if has_slope(t, l):
                told.append(say("company.move", lang, slope=_figure(t.slope(l)[row, j])))
    return told


def _trust(t: Record, step: Step, lang: str) -> str:
    told = []
    for l, (W, b) in t.network.split(step.update).items():
        for j in range(W.shape[0]):
            changes = ", ".join(f"{_who(t, l - 1, k, lang)} {_signed(w)}" for k, w in enumerate(W[j]))
            told.append(say("company.trust", lang, who=_who(t, l, j, lang), changes=changes, lean=_signed(b[j])))
    return _joined([say("company.rule", lang, eta=_figure(step.learning_rate)), *told], lang)


def _joined(sentences: list[str], lang: str) -> str:
    """Sentences side by side, each begun with a capital where the script has them."""
    return (" " if lang == "en" else "").join(sentence[0].upper() + sentence[1:] for sentence in sentences)


def _outcome(step: Step, lang: str) -> str:
    kind = "better" if step.cost_after < step.cost_before else "worse"
    return say(f"company.{kind}", lang, before=_figure(step.cost_before), after=_figure(step.cost_after))


def _who(t: Record, l: int, j: int, lang: str) -> str:
    """A member by place: a report, somebody in between, a head."""
    if l == 1:
        return say("company.name.report", lang, j=j)
    if l == t.L:
        return say("company.name.head" if t.network.sizes[-1] == 1 else "company.name.heads", lang, j=j)
    return say("company.name.middle" if t.L == 3 else "company.name.deep", lang, j=j, l=l)


def _figure(value: float) -> str:
    return figure(float(value), 3)


def _signed(value: float) -> str:
    text = _figure(value)
    return text if text.startswith("−") or text == "0" else f"+{text}"
