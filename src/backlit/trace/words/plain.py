"""The pass in plain language: forward, the mistake, back, what each weight is told."""

import numpy as np

from backlit.trace.figures import figure
from backlit.trace.record import Record, Step, has_slope
from backlit.trace.words.table import say

MOST = 6
"""Neurons of a layer that are told of; of more, those with the largest errors."""
FLAT = 0.01


def tell(t: Record, lang: str = "en") -> str:
    """Every row of the pass, one paragraph a stage; up to three rows."""
    paragraphs = list(t.notes_in(lang))
    for row in range(min(t.rows, 3)):
        paragraphs += _row(t, row, lang)
    if t.first_non_finite is None:
        paragraphs.append(_weights(t, lang))
        paragraphs += [_step(step, lang) for step in t.steps]
    return "\n\n".join(paragraphs)


def _row(t: Record, row: int, lang: str) -> list[str]:
    from backlit.trace.render.json import reach

    forward_to, back_to, _ = reach(t)
    told = [say("say.row", lang, row=row)] if t.rows > 1 else []
    start = say("say.start", lang, n=t.network.sizes[0], outputs=_list(t.a(t.L)[row]), target=_list(t.Y[row]))
    told.append(start)
    for l in range(2, forward_to + 1):
        told.append(_forward(t, l, row, lang))
    if forward_to == t.L:
        told.append(_cost(t, row, lang))
    for l in range(t.L, max(back_to, 2) - 1, -1):
        told.append(_back(t, l, row, lang))
    return told


def _forward(t: Record, l: int, row: int, lang: str) -> str:
    sentences, name = [], t.network.layer(l).activation.name
    shown, left = _shown(t, l, row)
    for j in shown:
        z, a = t.z(l)[row, j], t.a(l)[row, j]
        sentences.append(say("say.z", lang, j=j, l=l, value=_figure(z)))
        sentences.append(say("say.a", lang, activation=name, z=_figure(z), value=_figure(a), j=j, l=l))
    return _joined(sentences, left, l, lang)


def _cost(t: Record, row: int, lang: str) -> str:
    sentences = []
    shown, left = _shown(t, t.L, row)
    for j in shown:
        a, y = float(t.a(t.L)[row, j]), float(t.Y[row, j])
        kind = "right" if a == y else "high" if a > y else "low"
        sentences.append(say(f"say.output.{kind}", lang, j=j, a=_figure(a), y=_figure(y), gap=_figure(abs(a - y))))
    sentences.append(say("say.cost", lang, value=_figure(t.row_costs[row])))
    if t.objective.l2:
        sentences.append(say("say.penalty", lang, value=_figure(t.cost.penalty)))
    return _joined(sentences, left, t.L, lang)


def _back(t: Record, l: int, row: int, lang: str) -> str:
    sentences = []
    shown, left = _shown(t, l, row)
    for j in shown:
        delta = float(t.delta(l)[row, j])
        kind = "none" if delta == 0 else "up" if delta > 0 else "down"
        sentences.append(say(f"say.delta.{kind}", lang, j=j, l=l, value=_figure(delta)))
        if has_slope(t, l) and not (l == t.L and t.objective.fused):
            slope = float(t.slope(l)[row, j])
            sentences.append(say("say.slope.flat" if slope < FLAT else "say.slope", lang, value=_figure(slope)))
    return _joined(sentences, left, l, lang)


def _weights(t: Record, lang: str) -> str:
    sentences = []
    for l in range(t.L, 1, -1):
        gradient = t.weight_gradient(l)
        j, k = (int(i) for i in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
        sentences.append(say("say.largest", lang, l=l, k=k, j=j, value=_figure(gradient[j, k])))
    return (" " if lang == "en" else "").join(sentences)


def _step(step: Step, lang: str) -> str:
    before, after = _figure(step.cost_before), _figure(step.cost_after)
    return say("say.step", lang, number=step.number, before=before, after=after)


def _shown(t: Record, l: int, row: int) -> tuple[list[int], int]:
    n = t.network.sizes[l - 1]
    if n <= MOST:
        return list(range(n)), 0
    largest = np.argsort(-np.abs(np.nan_to_num(t.delta(l)[row])), kind="stable")[:MOST]
    return sorted(int(j) for j in largest), n - MOST


def _joined(sentences: list[str], left: int, l: int, lang: str) -> str:
    if left:
        sentences = [*sentences, say("say.more", lang, count=left, l=l)]
    return (" " if lang == "en" else "").join(sentences)


def _figure(value: float) -> str:
    return figure(float(value), 4)


def _list(values: np.ndarray) -> str:
    shown = ", ".join(_figure(v) for v in values[:10])
    return shown if len(values) == 1 else f"({shown}{', …' if len(values) > 10 else ''})"
