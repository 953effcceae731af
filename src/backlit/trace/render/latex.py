"""The record as a LaTeX document that compiles on its own: equations, then every number's own line, in a notation."""

from backlit.trace.address import Address
from backlit.trace.derivation import DerivationLine, derive
from backlit.trace.explain import explain, paper
from backlit.trace.general import equations
from backlit.trace.notations import Notation, get
from backlit.trace.record import Record
from backlit.trace.render.json import reach
from backlit.trace.words.table import say

MOST = 8
"""Neurons of a layer, inputs of a neuron and rows of a batch that are written out; the rest is left out, and said."""

_HEAD = {
    "en": r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
""",
    "zh": r"""% compile with xelatex or lualatex
\documentclass[11pt,a4paper]{ctexart}
""",
}
_PACKAGES = r"""\usepackage{amsmath,amssymb}
\usepackage[margin=22mm]{geometry}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\begin{document}
"""


def document(
    t: Record, *, notation: str | Notation = "backlit", lang: str = "en", derive: bool = False, digits: int = 6
) -> str:
    """The whole document, as text.

    Raises:
        OptionError: no such notation or language.
    """
    style = get(notation)
    say("part.equations", lang)
    parts = [_HEAD[lang], _PACKAGES, _title(t, style, lang), _general(t, style, lang)]
    if derive:
        parts.append(_derivations(t, style, lang))
    parts += [_numbers(t, style, lang, digits), "\\end{document}\n"]
    return "\n".join(parts)


def formula(t: Record, at: Address, notation: str | Notation = "backlit", *, digits: int = 6) -> str:
    """One number's lines as an align* environment."""
    return _align([_lines(t, at, get(notation), digits)])


def _title(t: Record, style: Notation, lang: str) -> str:
    sizes = "-".join(map(str, t.network.sizes))
    names = ", ".join(activation.name for activation in t.network.activations)
    counting = say("part.counting", lang, first=style.first)
    notes = "".join(f"\n\n{_escape(note)}" for note in t.notes_in(lang))
    return (
        f"\\section*{{{sizes}: {_escape(names)}}}\n{_escape(say('part.objective', lang))}: "
        f"{_escape(t.objective.cost.name)}. {_escape(say('part.notation', lang))}: {_escape(style.title)}. "
        f"{_escape(counting)}.{notes}\n"
    )


def _general(t: Record, style: Notation, lang: str) -> str:
    lines = [
        rf"{left} &= {right} && \text{{{_escape(words)}}}"
        for words, left, right in equations(t, style, latex=True, lang=lang)
    ]
    whole = "".join(f"\\[ {line} \\]\n" for line in style.matrix.values())
    return f"\\subsection*{{{_escape(say('part.equations', lang))}}}\n{_align(lines)}\n{whole}"


def _derivations(t: Record, style: Notation, lang: str) -> str:
    wanted = [t.address("delta", t.L, 0, row=0), t.address("weight", t.L, 0, k=0)]
    if t.L > 2:
        wanted[1:1] = [t.address("delta", 2, 0, row=0)]
    out = [f"\\subsection*{{{_escape(say('part.derivation', lang))}}}"]
    for at in wanted:
        found = derive(t, at, style, latex=True)
        if found is None:
            continue
        out.append(f"\\paragraph{{{_escape(explain(t, at, style).title(lang))}}}")
        for words, lines in (("part.single", found.single), ("part.general", found.general)):
            out.append(f"{_escape(say(words, lang))}:\n{_align([_derived(line, lang) for line in lines])}")
    return "\n".join(out)


def _derived(line: DerivationLine, lang: str) -> str:
    left, _, right = line.formula.partition("= ")
    return rf"{left} &= {right} && \text{{{_escape(line.reason(lang))}}}"


def _numbers(t: Record, style: Notation, lang: str, digits: int) -> str:
    forward_to, back_to, gradients_to = reach(t)
    out = []
    for row in range(min(t.rows, MOST)):
        heading = f" ({say('part.row', lang, row=row + style.first)})" if t.rows > 1 else ""
        out.append(f"\\subsection*{{{_escape(say('part.forward', lang) + heading)}}}")
        for l in range(2, forward_to + 1):
            out.append(_block(t, style, digits, ("z", "a"), l, row))
        if forward_to == t.L:
            out.append(_align([_lines(t, Address("row_cost", row=row), style, digits)]))
        if back_to <= t.L:
            out.append(f"\\subsection*{{{_escape(say('part.backward', lang) + heading)}}}")
        for l in range(t.L, max(back_to, 2) - 1, -1):
            out.append(_block(t, style, digits, ("delta",), l, row))
    if forward_to == t.L:
        out += [
            f"\\subsection*{{{_escape(say('part.cost', lang))}}}",
            _align([_lines(t, Address("cost"), style, digits)]),
        ]
    if gradients_to <= t.L:
        out.append(f"\\subsection*{{{_escape(say('part.gradients', lang))}}}")
    for l in range(t.L, max(gradients_to, 2) - 1, -1):
        fan_out, fan_in = t.network.layer(l).W.shape
        lines = []
        for j in range(min(fan_out, MOST)):
            lines += [_lines(t, Address("weight", l, j, k), style, digits) for k in range(min(fan_in, MOST))]
            lines.append(_lines(t, Address("bias", l, j), style, digits))
        out.append(_align(lines))
        if fan_out > MOST or fan_in > MOST:
            shown = min(fan_out, MOST) * min(fan_in, MOST)
            out.append(
                _escape(say("part.largest", lang, shown=shown, count=fan_out * fan_in)).replace("largest", "first")
            )
    return "\n".join(out)


def _block(t: Record, style: Notation, digits: int, quantities: tuple[str, ...], l: int, row: int) -> str:
    neurons = range(min(t.network.sizes[l - 1], MOST))
    return _align([_lines(t, Address(q, l, j, row=row), style, digits) for j in neurons for q in quantities])


def _lines(t: Record, at: Address, style: Notation, digits: int) -> str:
    """sign = symbols = numbers = value, one equation of an align*."""
    found, on = explain(t, at, style), paper(t, style, latex=True, digits=digits)
    if not found.lines:
        return f"{found.sign(on)} &= {on.figure(found.value)}"
    written = []
    for line in found.lines:
        numbers, value = line.numbers(on), on.figure(line.value)
        middle = f" \\\\\n &= {numbers}" if numbers != value else ""
        written.append(f"{line.sign(on)} &= {line.symbols(on)}{middle} = {value}")
    return " \\\\\n".join(written)


def _align(lines: list[str]) -> str:
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


_SPECIAL = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "^": r"\^{}", "~": r"\~{}",
            "\\": r"\textbackslash{}", "σ": r"$\sigma$", "′": r"$'$", "δ": r"$\delta$", "Δ": r"$\Delta$",
            "∂": r"$\partial$",
            "Σ": r"$\Sigma$", "η": r"$\eta$", "θ": r"$\theta$", "Θ": r"$\Theta$", "−": r"$-$", "·": r"$\cdot$",
            "∞": r"$\infty$"}  # fmt: skip


def _escape(text: str) -> str:
    """Plain words inside LaTeX."""
    return "".join(_SPECIAL.get(letter, letter) for letter in text)
