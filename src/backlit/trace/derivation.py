"""The chain rule in between: which terms there are, which vanish and why; for one neuron a layer and in general."""

from dataclasses import dataclass

from backlit.trace import rules
from backlit.trace.address import Address
from backlit.trace.explain import paper
from backlit.trace.notations import Notation, get
from backlit.trace.record import Record
from backlit.trace.typeset import Paper
from backlit.trace.words.table import say


@dataclass(frozen=True)
class DerivationLine:
    """One line: an equation, and why it holds (a key of the table of sentences)."""

    formula: str
    why: str

    def reason(self, lang: str = "en") -> str:
        """Why it holds, in words."""
        return say(self.why, lang)


@dataclass(frozen=True)
class Derivation:
    """The single-neuron form and the general form, side by side."""

    single: tuple[DerivationLine, ...]
    general: tuple[DerivationLine, ...]


def derive(t: Record, at: Address, notation: str | Notation = "backlit", *, latex: bool = False) -> Derivation | None:
    """The chain-rule lines behind δ, ∂C/∂a, ∂C/∂W or ∂C/∂b; None for a number that no chain rule makes."""
    if at.quantity not in ("delta", "dC_da", "weight", "bias") or at.layer is None:
        return None
    pen = _Pen(paper(t, get(notation), latex=latex), latex)
    kind = rules.delta_kind(t, at.layer) if at.layer > 1 else "delta"
    if at.quantity == "dC_da":
        return None if at.layer == t.L else _activation(pen)
    if at.quantity == "delta":
        return _output(pen, kind, t) if at.layer == t.L else _hidden(pen)
    return _parameter(pen, at.quantity, kind)


class _Pen:
    """Signs of a notation, and derivatives made of them."""

    def __init__(self, on: Paper, latex: bool) -> None:
        self.on, self.latex = on, latex
        cost = on.notation.symbols["cost"]
        self.C = cost.latex if latex else cost.text
        self.dot = r"\," if latex else " · "
        self.zero = r",\ 0" if latex else ", 0"

    def sign(self, quantity: str, *indices: str, off: int = 0) -> str:
        """A quantity at layer l + off, plain letters for a single neuron."""
        return self.on.symbol(quantity, ("l", off), indices)

    def d(self, top: str, bottom: str) -> str:
        """∂top/∂bottom."""
        return rf"\frac{{\partial {top}}}{{\partial {bottom}}}" if self.latex else f"∂{top}/∂{bottom}"

    def sum(self, letter: str) -> str:
        """Σ over a letter."""
        return rf"\sum_{{{letter}}} " if self.latex else f"Σ{letter.translate(str.maketrans('jkp', 'ⱼₖₚ'))} "


def _parameter(pen: _Pen, quantity: str, kind: str) -> Derivation:
    """A weight or a bias enters one weighted input, linearly."""
    own, d, sign, C = quantity == "weight", pen.d, pen.sign, pen.C
    theta = sign("W", "j", "k") if own else sign("b", "j")
    one = sign("W") if own else sign("b")
    came_in = pen.dot + sign("a", "k", off=-1) if own else ""
    through = d(C, sign("z", "p")) + pen.dot + d(sign("z", "p"), theta)
    general = [
        DerivationLine(f"{d(C, theta)} = {pen.sum('p')}{through}", "why.chain"),
        DerivationLine(f"= {d(C, sign('z', 'j'))}{pen.dot}{d(sign('z', 'j'), theta)}", "why.enters_one"),
        DerivationLine(f"= {d(C, sign('z', 'j'))}{came_in}", "why.linear"),
    ]
    if kind in ("delta", "delta.output"):
        end = d(C, sign("a", "j")) + pen.dot + sign("slope", "j") + came_in
        general.append(DerivationLine(f"= {end}", "why.elementwise"))
    else:
        general.append(
            DerivationLine(f"= ({sign('a', 'j')} - {pen.on.symbol('y', None, ('j',))}){came_in}", "why.cancel")
        )
    chain = pen.dot.join((d(C, sign("a")), d(sign("a"), sign("z")), d(sign("z"), one)))
    last = pen.dot.join((d(C, sign("a")), sign("slope"), *((sign("a", off=-1),) if own else ())))
    single = (DerivationLine(f"{d(C, one)} = {chain}", "why.chain"), DerivationLine(f"= {last}", "why.linear"))
    return Derivation(single, tuple(general if kind != "delta.softmax" else general[:3]))


def _output(pen: _Pen, kind: str, t: Record) -> Derivation:
    """BP1: every output the weighted input reaches; one, or with softmax all."""
    d, sign, C = pen.d, pen.sign, pen.C
    z, a, y = sign("z", "j"), sign("a", "j"), pen.on.symbol("y", None, ("j",))
    first = DerivationLine(
        f"{d(C, z)} = {pen.sum('p')}{d(C, sign('a', 'p'))}{pen.dot}{d(sign('a', 'p'), z)}", "why.chain"
    )
    softmax = t.network.activations[-1].name == "softmax"
    if softmax:
        same = r"\,([p = j] - " if pen.latex else " · ([p = j] − "
        general = [
            first,
            DerivationLine(f"{d(sign('a', 'p'), z)} = {sign('a', 'p')}{same}{a})", "why.softmax"),
        ]
    else:
        general = [
            first,
            DerivationLine(f"= {d(C, a)}{pen.dot}{d(a, z)}", "why.elementwise"),
            DerivationLine(f"= {d(C, a)}{pen.dot}{sign('slope', 'j')}", "why.by_definition"),
        ]
    single = [
        DerivationLine(f"{d(C, sign('z'))} = {d(C, sign('a'))}{pen.dot}{d(sign('a'), sign('z'))}", "why.chain"),
        DerivationLine(f"= {d(C, sign('a'))}{pen.dot}{sign('slope')}", "why.by_definition"),
    ]
    if kind == "delta.fused":
        minus = "-" if pen.latex else "−"
        general.append(DerivationLine(f"= {_before_cancelling(pen, t)}", "why.cancel"))
        general.append(DerivationLine(f"= {a} {minus} {y}", "why.cancel"))
        single.append(DerivationLine(f"= {sign('a')} {minus} {pen.on.symbol('y', None)}", "why.cancel"))
    return Derivation(tuple(single), tuple(general))


def _before_cancelling(pen: _Pen, t: Record) -> str:
    """The product in which the infinities stand, before they cancel."""
    a, y, minus = pen.sign("a", "j"), pen.on.symbol("y", None, ("j",)), "-" if pen.latex else "−"
    one_less = f"(1 {minus} {a})"
    if t.network.activations[-1].name == "softmax":
        a_p, y_p = pen.sign("a", "p"), pen.on.symbol("y", None, ("p",))
        ratio = rf"\Bigl(-\frac{{{y_p}}}{{{a_p}}}\Bigr)" if pen.latex else f"(−{y_p} / {a_p})"
        return f"{pen.sum('p')}{ratio}{pen.dot}{a_p}{pen.dot}([p = j] {minus} {a})"
    if t.network.activations[-1].name == "sigmoid":
        bottom = f"{a}{pen.dot}{one_less}"
        top = f"{a} {minus} {y}"
        ratio = rf"\frac{{{top}}}{{{bottom}}}" if pen.latex else f"({top}) / ({bottom})"
        return f"{ratio}{pen.dot}{a}{pen.dot}{one_less}"
    ratio = rf"\Bigl(1 - \frac{{{y}}}{{{a}}}\Bigr)" if pen.latex else f"(1 − {y} / {a})"
    return f"{ratio}{pen.dot}{a}"


def _hidden(pen: _Pen) -> Derivation:
    """BP2: through every weighted input of the next layer."""
    d, sign, C = pen.d, pen.sign, pen.C
    z, after = sign("z", "j"), sign("z", "p", off=1)
    W = sign("W", "p", "j", off=1)
    general = (
        DerivationLine(f"{d(C, z)} = {pen.sum('p')}{d(C, after)}{pen.dot}{d(after, z)}", "why.chain"),
        DerivationLine(f"{d(after, z)} = {W}{pen.dot}{sign('slope', 'j')}", "why.elementwise"),
        DerivationLine(
            f"{d(C, z)} = ({pen.sum('p')}{d(C, after)}{pen.dot}{W}){pen.dot}{sign('slope', 'j')}", "why.linear"
        ),
    )
    chain = pen.dot.join((d(C, sign("z", off=1)), d(sign("z", off=1), sign("a")), d(sign("a"), sign("z"))))
    last = pen.dot.join((d(C, sign("z", off=1)), sign("W", off=1), sign("slope")))
    single = (DerivationLine(f"{d(C, sign('z'))} = {chain}", "why.chain"), DerivationLine(f"= {last}", "why.linear"))
    return Derivation(single, general)


def _activation(pen: _Pen) -> Derivation:
    """An activation reaches the cost through every weighted input of the next layer."""
    d, sign, C = pen.d, pen.sign, pen.C
    a, after = sign("a", "j"), sign("z", "p", off=1)
    general = (
        DerivationLine(f"{d(C, a)} = {pen.sum('p')}{d(C, after)}{pen.dot}{d(after, a)}", "why.chain"),
        DerivationLine(f"= {pen.sum('p')}{d(C, after)}{pen.dot}{sign('W', 'p', 'j', off=1)}", "why.linear"),
    )
    chain = d(C, sign("z", off=1)) + pen.dot + d(sign("z", off=1), sign("a"))
    last = d(C, sign("z", off=1)) + pen.dot + sign("W", off=1)
    single = (DerivationLine(f"{d(C, sign('a'))} = {chain}", "why.chain"), DerivationLine(f"= {last}", "why.linear"))
    return Derivation(single, general)
