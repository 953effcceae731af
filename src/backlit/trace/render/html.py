"""The record as one page: it opens from disk, asks nothing of any network, and recomputes the pass when edited.

The page's own files lie in ``page/``. They are given the record, and the formulas as trees: what stands in the page's
formulas is what Python parsed, and a test holds the two to the same text and the same numbers.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from backlit.activations import ACTIVATIONS
from backlit.costs import COSTS
from backlit.errors import OptionError
from backlit.notation import Array
from backlit.trace import rules
from backlit.trace.address import Address
from backlit.trace.formulas import parse
from backlit.trace.general import general
from backlit.trace.notations import NOTATIONS, Notation, get
from backlit.trace.record import Record
from backlit.trace.render import json as record
from backlit.trace.values import squares
from backlit.trace.words.table import LANGUAGES, SENTENCES, say

MOST_WEIGHTS = 10_000
"""A network of more is shown by its largest parts."""
MOST_NEURONS = 24
"""Of each layer, where that is so."""
SCRIPTS = ("pass.js", "formulas.js", "model.js", "network.js", "panel.js", "main.js")


def page(t: Record, *, notation: str | Notation = "backlit", lang: str = "en") -> str:
    """The page, as text.

    Raises:
        OptionError: no such notation or language; or the pass is not finite, which a page cannot draw.
    """
    style = get(notation)
    say("page.title", lang)
    if t.first_non_finite is not None:
        raise OptionError(f"{t.notes[-1]}; a page needs a whole pass: the terminal and JSON show it up to there")
    data = json.dumps(_data(t, style, lang), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    parts = {
        "/*css*/": _file("page.css"),
        "/*script*/": '"use strict";\n' + "\n".join(_file(name) for name in SCRIPTS),
        "/*data*/": data.replace("<", "\\u003c"),  # nothing in the data can end its element
    }
    html = _file("page.html")
    for mark, content in parts.items():
        html = html.replace(mark, content, 1)
    return html


@cache
def _file(name: str) -> str:
    return files("backlit.trace.render").joinpath("page", name).read_text(encoding="utf-8")


def _data(t: Record, style: Notation, lang: str) -> dict[str, Any]:
    neurons = kept(t)
    whole = all(len(js) == n for js, n in zip(neurons.values(), t.network.sizes, strict=True))
    tables = _tables(t)
    notes: list[tuple[str, dict[str, Any]]] = [(key, {}) for key in t.note_keys]
    if not whole:
        count = sum(layer.W.size for layer in t.network.layers)
        notes.append(("page.largest", {"weights": f"{count:,}", "shown": MOST_NEURONS}))
    if t.network.dtype == np.float32 and _editable(t, whole):
        notes.append(("page.float32", {}))
    return {
        "record": _record(t, neurons),
        "neurons": {str(l): js for l, js in neurons.items()},
        "squares": squares(t),
        **tables,
        "notations": {name: _notation(n) for name, n in NOTATIONS.items()},
        "equations": {name: [list(line) for line in general(t, n, braces=True)] for name, n in NOTATIONS.items()},
        "sentences": {
            key: dict(zip(LANGUAGES, texts, strict=True))
            for key, texts in SENTENCES.items()
            if not key.startswith(("company.", "why."))
        },
        "notation": style.name,
        "lang": lang,
        "editable": _editable(t, whole),
        "learning_rate": t.steps[0].learning_rate if t.steps else 0.5,
        "page_notes": notes,
        "first": _first(t, neurons),
    }


def kept(t: Record) -> dict[int, list[int]]:
    """The neurons of each layer that are in the page: all, or those that matter most to the first row."""
    sizes = t.network.sizes
    if sum(layer.W.size for layer in t.network.layers) <= MOST_WEIGHTS:
        return {l: list(range(n)) for l, n in enumerate(sizes, start=1)}
    found = {}
    for l, n in enumerate(sizes, start=1):
        matter = np.abs(t.delta(l)[0]) if l > 1 else np.abs(t.dC_da(1)[0] * t.a(1)[0])
        found[l] = sorted(int(j) for j in np.argsort(-matter, kind="stable")[: min(n, MOST_NEURONS)])
    return found


def _record(t: Record, neurons: dict[int, list[int]]) -> dict[str, Any]:
    """The document of the JSON rendering, cut to the neurons that are shown."""
    full = record.document(t)
    if all(len(js) == n for js, n in zip(neurons.values(), t.network.sizes, strict=True)):
        return full
    net = t.network

    def columns(values: Array, js: list[int]) -> Any:
        return record.plain(values[:, js])

    def matrix(values: Array, l: int) -> Any:
        return record.plain(values[np.ix_(neurons[l], neurons[l - 1])])

    layers = range(2, t.L + 1)
    return full | {
        "network": full["network"]
        | {
            "W": {str(l): matrix(net.layer(l).W, l) for l in layers},
            "b": {str(l): record.plain(net.layer(l).b[neurons[l]]) for l in layers},
        },
        "x": columns(t.X, neurons[1]),
        "y": columns(t.Y, neurons[t.L]),
        "z": {str(l): columns(t.z(l), neurons[l]) for l in layers},
        "a": {str(l): columns(t.a(l), neurons[l]) for l in range(1, t.L + 1)},
        "slope": {l: columns(t.slope(int(l)), neurons[int(l)]) for l in full["slope"]},
        "dC_da": {str(l): columns(t.dC_da(l), neurons[l]) for l in range(1, t.L + 1)},
        "delta": {str(l): columns(t.delta(l), neurons[l]) for l in layers},
        "weight_gradient": {str(l): matrix(t.weight_gradient(l), l) for l in layers},
        "bias_gradient": {str(l): record.plain(t.bias_gradient(l)[neurons[l]]) for l in layers},
        "steps": [],
    }


def _editable(t: Record, whole: bool) -> bool:
    """Whether the page can run the pass itself: every weight is in it, and every function is Backlit's own."""
    return (
        whole
        and all(rules.is_own(activation, ACTIVATIONS) for activation in t.network.activations)
        and rules.is_own(t.objective.cost, COSTS)
    )


def _tables(t: Record) -> dict[str, Any]:
    """By kind of number and layer: formulas by notation, product, words and notes. Each tree is kept once."""
    trees: dict[str, Any] = {}
    formulas: dict[str, dict[str, list[list[str]]]] = {name: {} for name in NOTATIONS}
    products, titles, notes = {}, {}, {}

    def keep(text: str) -> str:
        trees[text] = parse(text)
        return text

    for key, at in _kinds(t):
        for name, style in NOTATIONS.items():
            try:
                lines = rules.formulas(t, at, style)
            except OptionError:
                continue
            formulas[name][key] = [[quantity, keep(text)] for quantity, text in lines]
        product = rules.product(t, at) if not at.quantity.startswith("update") else None
        if product:
            products[key] = keep(product)
        titles[key] = rules.equation(t, at)
        notes[key] = [note for note in rules.notes(t, at) if note[0] not in ("note.kink", "note.cost_from_z")]
    from_z = rules.FROM_Z.get(t.objective.cost.name) if t.objective.fused else None
    general_cost = rules.ROW_COSTS.get(t.objective.cost.name)
    for name in NOTATIONS:
        if general_cost and formulas[name].get("row_cost:"):
            formulas[name]["row_cost:"] = [["row_cost", keep(general_cost.replace("{n_L}", str(t.network.sizes[-1])))]]
        if from_z:
            formulas[name]["row_cost.z:"] = [["row_cost", keep(from_z)]]
    return {"trees": trees, "formulas": formulas, "products": products, "titles": titles, "notes": notes}


def _kinds(t: Record) -> list[tuple[str, Address]]:
    """One address of every kind of number and layer."""
    row = None if t.rows > 1 else 0
    found = [(f"{q}:", Address(q, row=0)) for q in ("row_cost",)] + [(f"{q}:", Address(q)) for q in ("cost", "penalty")]
    found += [("x:", Address("x", k=0, row=0)), ("y:", Address("y", j=0, row=0))]
    for l in range(1, t.L + 1):
        quantities = ("a", "dC_da") if l == 1 else ("z", "a", "slope", "dC_da", "delta")
        found += [(f"{q}:{l}", Address(q, l, 0, row=0)) for q in quantities]
        if l > 1:
            found += [
                (f"{q}:{l}", Address(q, l, 0, 0 if q in ("W", "weight") else None))
                for q in ("W", "b", "weight", "bias")
            ]
            if row is None:
                found += [
                    (f"{q}.row:{l}", Address(q, l, 0, 0 if q == "weight" else None, 0)) for q in ("weight", "bias")
                ]
    return found


def _notation(style: Notation) -> dict[str, Any]:
    return {
        "name": style.name,
        "title": style.title,
        "about": {lang: say(f"about.{style.name}", lang) for lang in LANGUAGES},
        "symbols": {
            q: {"text": s.text, "shift": s.shift, "of": s.of, "extra": s.extra} for q, s in style.symbols.items()
        },
        "names": {name: [text] for name, (text, _) in style.names.items()},
        "first": style.first,
        "layers": style.layers,
        "counts_sums": style.counts_sums,
        "row": style.row,
    }


def _first(t: Record, neurons: dict[int, list[int]]) -> str:
    """What is explained when the page opens: the steepest weight of the first layer that has weights, and its paths."""
    gradient = np.abs(t.weight_gradient(2)[np.ix_(neurons[2], neurons[1])])
    j, k = np.unravel_index(int(gradient.argmax()), gradient.shape)
    return f"weight:2:{neurons[2][int(j)]}:{neurons[1][int(k)]}:"
