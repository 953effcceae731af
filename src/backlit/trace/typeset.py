"""A formula on paper: its symbols in a notation, or the numbers of a pass put in, as text or as LaTeX."""

from dataclasses import dataclass

from backlit.trace.figures import figure, figure_latex
from backlit.trace.formulas import Bound, Node, evaluate, expand
from backlit.trace.notations.base import Notation

MOST_TERMS = 6
"""Terms of a sum written out with their numbers; of more, the largest, and the rest as one number."""

_SUPER = str.maketrans("0123456789+-()lLxij,", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ˡᴸˣⁱʲ˒")
_SUB = str.maketrans("0123456789ijklmpx=", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₘₚₓ₌")

_SUM, _ADD, _MULTIPLY, _POWER, _ATOM = 1.5, 1.0, 2.0, 3.0, 4.0
_HAS_ROW = frozenset({"z", "a", "slope", "dC_da", "delta", "y", "x", "jacobian", "one", "row_weight", "row_bias"})


@dataclass(frozen=True)
class Paper:
    """What is written on: the notation, L, the rows m, text or LaTeX, how many digits.

    ``split`` says that C is more than one row's cost: of several rows, or with a penalty. ``braces``
    writes text with ^{…} and _{…}, for a page to set.
    """

    notation: Notation
    L: int
    m: int
    split: bool = False
    latex: bool = False
    digits: int = 6
    braces: bool = False

    def figure(self, value: float) -> str:
        """A number."""
        return figure_latex(value, self.digits) if self.latex else figure(value, self.digits)

    def symbol(
        self,
        quantity: str,
        layer: tuple[str | int, int] | None,
        indices: tuple[str | int, ...] = (),
        row: str | int | None = None,
    ) -> str:
        """A quantity's sign with its layer, indices and row, as this notation writes it."""
        symbol = self.notation.symbols[quantity]
        if quantity in ("cost", "row_cost"):
            return symbol.text if quantity == "cost" or not self.split else self._of_row(quantity, row)
        if symbol.of:
            of_row = quantity in _OF_ROW_COST
            inner = self.symbol(symbol.of, layer, indices, None if of_row else row)
            head = symbol.latex if self.latex else symbol.text
            if quantity == "slope":
                return f"{head}({inner})"
            if of_row and self.m > 1 and row is not None:
                cost = self.notation.symbols["cost"].text
                head = head.replace(f"{cost}/", f"{self._of_row('cost', row)}/")
            if self.latex and head.startswith(r"\partial "):
                top, _, bottom = head.partition("/")
                return rf"\frac{{{top}}}{{{bottom}{inner}}}"
            return head + inner
        with_row = row if quantity in _HAS_ROW else None
        if self.m == 1:
            with_row = None
        above = "" if layer is None else self._layer(layer, symbol.shift)
        above, before = self._place(above, with_row)
        sign = symbol.latex if self.latex else symbol.text
        return sign + self._above(above) + self._subscript(before, symbol.extra, None, indices)

    def _above(self, text: str) -> str:
        if self.latex or self.braces:
            return f"^{{{text}}}" if text else ""
        return text.translate(_SUPER)

    def _layer(self, layer: tuple[str | int, int], shift: int) -> str:
        letter, offset = layer
        style = self.notation.layers
        if isinstance(letter, int):
            number = letter + offset + shift
            if style == "from-output":
                text = "L" if number == self.L else f"L-{self.L - number}"
            else:
                text = str(number)
        else:
            offset += shift
            text = letter + (f"{offset:+d}" if offset else "")
        return text if style == "plain" else f"({text})"

    def _place(self, above: str, row: str | int | None) -> tuple[str, tuple[str, ...]]:
        """What stands above, and what stands before the indices, with the row where this notation writes it."""
        if row is None:
            return above, ()
        number = self.count(row)
        if self.notation.row == "superscript":
            inside = "x" if number == "i" else f"x{number}"
            return f"{inside},{above}" if above else inside, ()
        if self.notation.row == "after":
            return f"{above}({number})", ()
        return above, (number,)

    def count(self, index: str | int) -> str:
        """An index as this notation counts it."""
        return index if isinstance(index, str) else str(index + self.notation.first)

    def _subscript(
        self,
        before: tuple[str, ...],
        extra: tuple[int, ...],
        row: str | int | None,
        indices: tuple[str | int, ...] = (),
    ) -> str:
        after = [self.count(i) for i in indices] + [str(e) for e in extra]
        if row is not None:
            after = [self.count(row)]
        comma = any(len(part) > 1 for part in after)
        text = ",".join(filter(None, [*before, (",".join(after) if comma else "".join(after))]))
        if not text:
            return ""
        return f"_{{{text}}}" if self.latex or self.braces else text.translate(_SUB)

    def symbols(self, node: Node, bound: Bound, row: str | int | None = None) -> str:
        """The formula in signs; letters of sums stay letters."""
        return self._symbols(node, bound, frozenset(), bound.row if row is None else row)[0]

    def _symbols(self, node: Node, bound: Bound, free: frozenset[str], row: str | int | None) -> tuple[str, float]:  # noqa: PLR0911  a way out for each kind
        kind = node[0]
        if kind == "num":
            return self.figure(node[1]), _ATOM
        if kind == "name":
            return self.notation.names[node[1]][self.latex], _ATOM
        if kind == "at":
            _, quantity, layer, indices = node
            placed = tuple(i if isinstance(i, int) or i in free else bound.letters.get(i, i) for i in indices)
            at = None if layer is None else _placed(layer, bound)
            if quantity in ("w", "row_cost"):
                return self._of_row(quantity, row), _ATOM
            return self.symbol(quantity, at, placed, row), _ATOM
        if kind == "sum":
            body = self._child(self._symbols(node[3], bound, free | {node[1]}, row), _MULTIPLY)
            start = f"={self.notation.first}" if self.notation.counts_sums else ""
            return self._sigma(node[1] + start) + body, _SUM
        if kind == "rows":
            letter = "x" if self.notation.row == "superscript" else node[1]
            body = self._child(self._symbols(node[2], bound, free, node[1]), _MULTIPLY)
            return self._sigma(letter) + body, _SUM
        if kind == "call":
            return self._call(node[1], [self._symbols(part, bound, free, row)[0] for part in node[2:]], True), _ATOM
        return self._arithmetic(kind, [self._symbols(part, bound, free, row) for part in node[1:]])

    def _of_row(self, quantity: str, row: str | int | None) -> str:
        symbol = self.notation.symbols[quantity]
        row = "x" if row == "i" and self.notation.row == "superscript" else row
        return (symbol.latex if self.latex else symbol.text) + ("" if row is None else self._subscript((), (), row))

    def _sigma(self, letter: str) -> str:
        return (
            rf"\sum_{{{letter}}} "
            if self.latex
            else "Σ" + (f"_{{{letter}}} " if self.braces else f"{letter.translate(_SUB)} ")
        )

    def numbers(self, node: Node, bound: Bound) -> str:
        """The same formula with this pass's numbers put in; evaluated as written, it gives the result."""
        return self._numbers(node, bound)[0]

    def _numbers(self, node: Node, bound: Bound) -> tuple[str, float]:
        kind = node[0]
        if kind in ("num", "name", "at"):
            text = self.figure(evaluate(node, bound))
            return text, _ADD if text.startswith(("−", "-")) else _ATOM
        if kind in ("sum", "rows"):
            return self._written_out(node, bound)
        if kind == "call":
            return self._call(node[1], [self._numbers(part, bound)[0] for part in node[2:]], False), _ATOM
        return self._arithmetic(kind, [self._numbers(part, bound) for part in node[1:]])

    def _written_out(self, node: Node, bound: Bound) -> tuple[str, float]:
        terms = expand(node, bound)
        shown = range(len(terms))
        rest = ""
        if len(terms) > MOST_TERMS:
            values = [evaluate(node[-1], term) for term in terms]
            largest = sorted(shown, key=lambda i: (-abs(values[i]), i))[: MOST_TERMS - 1]
            shown = sorted(largest)  # type: ignore[assignment]
            left = sum(value for i, value in enumerate(values) if i not in largest)
            rest = f"[{len(terms) - len(largest)} more: {self.figure(left)}]"
            if self.latex:
                rest = rf"\underbrace{{({self.figure(left)})}}_{{{len(terms) - len(largest)}\text{{ more}}}}"
        texts = [self._child(self._numbers(node[-1], terms[i]), _MULTIPLY) for i in shown]
        joined = texts[0]
        for text in texts[1:]:
            joined = _plus(joined, text)
        return (f"{joined} + {rest}", _ADD) if rest else (joined, _ADD if len(texts) > 1 else _MULTIPLY)

    def _call(self, name: str, parts: list[str], symbolic: bool) -> str:
        sigma = self.notation.symbols["sigma"]
        is_slope, plain = name.endswith("_slope"), name.removesuffix("_slope")
        if name.startswith("named_"):
            word = name.removeprefix("named_")
            sign = rf"\operatorname{{{word}}}" if self.latex else word
        elif name in ("exp", "ln"):
            sign = rf"\{name}" if self.latex else name
        elif name in ("clip", "huber"):
            sign = rf"\mathrm{{{name}}}" if self.latex else name
        elif symbolic:
            sign = (sigma.latex if self.latex else sigma.text) + ("'" if self.latex else "′") * is_slope
        else:
            word = plain.replace("_", "-")
            sign = (rf"\operatorname{{{word}}}" if self.latex else word) + ("'" if self.latex else "′") * is_slope
        return f"{sign}({', '.join(parts)})"

    def _arithmetic(self, kind: str, parts: list[tuple[str, float]]) -> tuple[str, float]:  # noqa: PLR0911  a way out for each kind
        if kind == "neg":
            return ("-" if self.latex else "−") + self._child(parts[0], _MULTIPLY), _ADD
        left, right = parts
        if kind == "+":
            return _plus(left[0], right[0]), _ADD
        if kind == "-":
            minus = " - " if self.latex else " − "
            return left[0] + minus + self._child(right, _SUM), _ADD
        if kind == "*":
            dot = r" \cdot " if self.latex else " · "
            first = left[0] if left[1] >= _MULTIPLY else self._child(left, _MULTIPLY)
            last = right[0] if right[1] == _SUM else self._child(right, _MULTIPLY + 0.1)
            return first + dot + last, _MULTIPLY if right[1] != _SUM else _SUM
        if kind == "/":
            if self.latex:
                return rf"\frac{{{left[0]}}}{{{right[0]}}}", _ATOM
            return f"{self._child(left, _MULTIPLY)} / {self._child(right, _MULTIPLY + 0.1)}", _MULTIPLY
        base = self._child(left, _POWER + 0.1)
        return base + self._above(right[0]), _POWER

    def _child(self, part: tuple[str, float], least: float) -> str:
        """In parentheses where it binds less than it must."""
        if part[1] >= least:
            return part[0]
        return rf"\left({part[0]}\right)" if self.latex else f"({part[0]})"


_OF_ROW_COST = frozenset({"dC_da", "row_weight", "row_bias", "delta"})
"""Derivatives of one row's own cost: the row stands at the C."""


def _plus(left: str, right: str) -> str:
    """Joined by + or, before a minus sign, by −."""
    if right.startswith("−"):
        return f"{left} − {right[1:]}"
    if right.startswith("-"):
        return f"{left} - {right[1:]}"
    return f"{left} + {right}"


def _placed(layer: tuple[str | int, int], bound: Bound) -> tuple[str | int, int]:
    letter, offset = layer
    return (letter if isinstance(letter, int) else bound.letters.get(letter, letter), offset)
