"""The explanation of one number: its formula, the same with this pass's numbers, its factors, where it leads."""

from dataclasses import dataclass
from typing import Any

from backlit.trace import rules
from backlit.trace.address import Address
from backlit.trace.figures import figure
from backlit.trace.formulas import Bound, Node, Point, evaluate, factors, parse, points
from backlit.trace.notations import Notation, get
from backlit.trace.record import Record
from backlit.trace.typeset import Paper
from backlit.trace.values import accumulated, squares
from backlit.trace.words.table import say

SMALL = {"accumulator", "bias_accumulator", "one", "w", "jacobian"}
"""What a formula may point at that is no number of the record on its own."""


@dataclass(frozen=True, eq=False)
class Line:
    """One equation: what stands on the left, the formula on the right, and what it comes to."""

    left: Point
    node: Node
    bound: Bound
    value: float

    def sign(self, paper: Paper) -> str:
        """The left side."""
        layer = None if self.left.layer is None else (self.left.layer, 0)
        return paper.symbol(self.left.quantity, layer, self.left.indices, self.left.row)

    def symbols(self, paper: Paper) -> str:
        """The formula in signs."""
        return paper.symbols(self.node, self.bound)

    def numbers(self, paper: Paper) -> str:
        """The formula with this pass's numbers."""
        return paper.numbers(self.node, self.bound)


@dataclass(frozen=True)
class Factor:
    """One factor of a product: what it is in words, its sign, its number, and where it stands."""

    name: str
    sign: str
    value: float
    address: Address | None


@dataclass(frozen=True, eq=False)
class Explanation:
    """How one number came to be.

    ``value`` is the record's number; ``lines`` the equations, of which the last gives it; ``factors`` multiply to it,
    where it is a product; ``made_from`` and ``leads_to`` are the numbers one step back and one step on. ``derived``
    says that no engine forms it.
    """

    trace: Record
    address: Address
    notation: Notation
    equation: str
    lines: tuple[Line, ...]
    factors: tuple[Factor, ...]
    value: float
    made_from: tuple[Address, ...]
    leads_to: tuple[Address, ...]
    derived: bool
    note_keys: tuple[tuple[str, dict[str, Any]], ...]

    def paper(self, *, latex: bool = False, digits: int = 6) -> Paper:
        """What it is written on."""
        return paper(self.trace, self.notation, latex=latex, digits=digits)

    def title(self, lang: str = "en") -> str:
        """The equation by its words."""
        return say(self.equation, lang)

    def notes(self, lang: str = "en") -> tuple[str, ...]:
        """What to know beside the formula."""
        return tuple(say(key, lang, **values) for key, values in self.note_keys)

    def text(self, *, digits: int = 6, lang: str = "en") -> str:
        """All of it, as on the terminal."""
        paper = self.paper(digits=digits)
        out = [f"{self.title(lang)}: {self.sign(paper)} = {figure(self.value, digits)}"]
        for line in self.lines:
            out.append(f"  {line.sign(paper)} = {line.symbols(paper)}")
            numbers, result = line.numbers(paper), figure(line.value, digits)
            out += [f"  = {numbers}"] * (numbers != result) + [f"  = {result}"]
        for part in self.factors if len(self.factors) > 1 else ():
            out.append(f"    {part.sign} = {figure(part.value, digits)}  {say(part.name, lang)}")
        out += [f"  ({note})" for note in self.notes(lang)]
        return "\n".join(out)

    def sign(self, paper: Paper) -> str:
        """The number's own sign."""
        return _sign(self.address, paper, self.trace)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        paper = self.paper()
        exact = self.paper(digits=17)
        return {
            "quantity": self.address.quantity,
            "at": str(self.address),
            "notation": self.notation.name,
            "equation": self.title(),
            "sign": self.sign(paper),
            "value": self.value,
            "derived": self.derived,
            "lines": [
                {"left": l.sign(paper), "symbols": l.symbols(paper), "numbers": l.numbers(exact), "value": l.value}
                for l in self.lines
            ],
            "factors": [{"name": say(f.name), "sign": f.sign, "value": f.value} for f in self.factors],
            "made_from": [str(at) for at in self.made_from],
            "leads_to": [str(at) for at in self.leads_to],
            "notes": list(self.notes()),
        }

    def __str__(self) -> str:
        return self.text()


def explain(t: Record, at: Address, notation: str | Notation = "backlit") -> Explanation:
    """The explanation of the number at a checked address, in a notation.

    Raises:
        OptionError: no such notation; or an update is asked for, and none was traced.
    """
    style = get(notation)
    value = t.number(at)
    bound = bind(t, at)
    lines = []
    for quantity, formula in rules.formulas(t, at, style):
        node = parse(formula)
        whole = quantity == at.quantity
        lines.append(Line(_left(at, quantity), node, bound, value if whole else evaluate(node, bound)))
    parts = _factors(t, at, bound, style)
    made: dict[Address, None] = {}
    for line in lines:
        for point in points(line.node, line.bound):
            found = to_address(point)
            if found is not None and found != at:
                made[found] = None
    return Explanation(
        trace=t,
        address=at,
        notation=style,
        equation=rules.equation(t, at),
        lines=tuple(lines),
        factors=parts,
        value=value,
        made_from=tuple(made),
        leads_to=rules.leads_to(t, at),
        derived=at.quantity in t.derived_quantities,
        note_keys=rules.notes(t, at),
    )


def bind(t: Record, at: Address) -> Bound:
    """The letters l, j, k, L of a formula bound to an address, and its numbers to the trace."""
    letters = {"l": at.layer or t.L, "L": t.L}
    letters |= {letter: n for letter, n in (("j", at.j), ("k", at.k)) if n is not None}
    names = {
        "m": t.rows,
        "n": t.objective.n,
        "lam": t.objective.l2,
        "eta": t.steps[0].learning_rate if t.steps else 0.0,
        "squares": squares(t),
        "penalty": t.cost.penalty,
    }
    row = at.row if at.row is not None or t.rows > 1 else 0
    return Bound(letters, names, row, t.rows, lambda l: t.network.sizes[l - 1], lambda point: look_up(t, point))


def look_up(t: Record, point: Point) -> float:
    """The number a formula points at."""
    if point.quantity == "one":
        return 1.0
    if point.quantity == "w":
        return float(t.row_weights[point.row or 0])
    if point.quantity == "jacobian":
        assert point.layer is not None
        k, j = point.indices
        return float(t.jacobian(point.layer)[point.row or 0, k, j])
    if point.quantity in ("accumulator", "bias_accumulator"):
        assert point.layer is not None
        return accumulated(t, point.layer, point.indices[0], *(point.indices[1:] or (None,)))
    at = to_address(point)
    assert at is not None
    return t.number(at)


def to_address(point: Point) -> Address | None:
    """Where a point of a formula stands in the record; None for the 1 of a bias and the like."""
    if point.quantity in SMALL:
        return None
    if point.quantity == "row_cost":
        return Address("row_cost", row=point.row)
    j, k = (*point.indices, None, None)[:2]
    row = point.row if point.quantity in ("z", "a", "slope", "dC_da", "delta", "y") else None
    return Address(point.quantity, point.layer, j, k, row)


def _left(at: Address, quantity: str) -> Point:
    indices = tuple(i for i in (at.j, at.k) if i is not None)
    if at.quantity in ("weight", "bias") and at.row is not None:
        quantity = f"row_{quantity}"
    return Point(quantity, at.layer, indices, at.row)


def _sign(at: Address, paper: Paper, t: Record) -> str:
    left = _left(at, at.quantity)
    if at.quantity == "x":
        return paper.symbol("a", (1, 0), left.indices, at.row)
    return paper.symbol(left.quantity, None if left.layer is None else (left.layer, 0), left.indices, left.row)


def _factors(t: Record, at: Address, bound: Bound, notation: Notation) -> tuple[Factor, ...]:
    """The factors of a product of the pass, each with its name and its number; () where there is no one product."""
    formula = rules.product(t, at)
    if formula is None:
        return ()
    written_on, named = paper(t, notation), []
    for part in factors(parse(formula)):
        found = to_address(bound.point(part)) if part[0] == "at" else None
        name = {"sum": "factor.sum", "-": "factor.difference", "name": "factor.eta", "neg": "factor.eta"}.get(part[0])
        named.append(
            Factor(
                name or f"factor.{_FACTORS.get(part[1], part[1])}",
                written_on.symbols(part, bound),
                evaluate(part, bound),
                found,
            )
        )
    return tuple(named)


_FACTORS = {"weight": "gradient", "bias": "gradient"}


def paper(t: Record, notation: Notation, *, latex: bool = False, digits: int = 6) -> Paper:
    """What a trace's formulas are written on."""
    return Paper(notation, t.L, t.rows, t.rows > 1 or bool(t.objective.l2), latex, digits)
