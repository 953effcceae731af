"""The equations of a trace in their general form, every letter left a letter, in a notation."""

from dataclasses import replace

from backlit.trace import rules
from backlit.trace.address import Address
from backlit.trace.explain import paper
from backlit.trace.formulas import Bound, parse
from backlit.trace.notations import Notation
from backlit.trace.record import Record
from backlit.trace.words.table import say


def equations(t: Record, notation: Notation, *, latex: bool = False, lang: str = "en") -> list[tuple[str, str, str]]:
    """(its words, left side, right side) of each equation that this pass uses, in the order in which it uses them."""
    return [(say(words, lang), left, right) for words, left, right in general(t, notation, latex=latex)]


def general(t: Record, notation: Notation, *, latex: bool = False, braces: bool = False) -> list[tuple[str, str, str]]:
    """The same with the key of the words."""
    hidden = 2 if t.L > 2 else None
    any_layer = hidden or t.L
    wanted = [
        Address("z", t.L, 0, row=0),
        Address("a", t.L, 0, row=0),
        *([Address("row_cost", row=0)] if t.rows > 1 or t.objective.l2 else []),
        Address("cost"),
        Address("dC_da", t.L, 0, row=0),
        Address("delta", t.L, 0, row=0),
        *([Address("dC_da", hidden, 0, row=0), Address("delta", hidden, 0, row=0)] if hidden else []),
        Address("bias", any_layer, 0),
        Address("weight", any_layer, 0, 0),
        *([Address("update_weight", t.L, 0, 0)] if t.steps else []),
    ]
    written_on = replace(paper(t, notation, latex=latex), braces=braces)
    unbound = Bound({}, {}, None, t.rows, lambda l: 0, lambda point: 0.0)
    found, row = [], "i" if t.rows > 1 else None
    for at in wanted:
        if t.objective.fused and (at.quantity, at.layer) == ("dC_da", t.L):
            continue
        at_output = at.quantity in ("dC_da", "delta") and at.layer == t.L
        layer = "L" if at_output else "l"
        lines = rules.formulas(t, at, notation)
        if at.quantity == "dC_da" and not at_output:
            lines = [("dC_da", notation.formula("dC_da"))]
        for quantity, formula in lines:
            text = formula.replace("[l", "[L").replace(", l,", ", L,") if at_output else formula
            indices = tuple(letter for letter in ("j", "k") if getattr(at, letter) is not None)
            own = quantity in ("cost", "row_cost", "penalty")
            inside = row if quantity not in ("weight", "bias", "accumulator", "bias_accumulator", "cost") else None
            sign = written_on.symbol(quantity, None if own else (layer, 0), indices, inside)
            found.append((rules.equation(t, at), sign, written_on.symbols(parse(text), unbound, inside)))
    return found
