"""A formula as data: written once as a line of text, read by Python's own parser, evaluated, typeset, sent to the page.

``delta[l,j] * a[l-1,k]`` points at numbers of a pass by layer and index. Indices are letters (j, k, p) or numbers, and
layers are ``l``, ``L`` or a number, plus or minus a whole number. Two calls bind a letter:

``sum(k, l-1, body)``   Σ_k over the neurons of layer l-1
``rows(i, body)``       Σ_i over the rows of the batch

Everything else is arithmetic (+ - * / **), functions (exp, ln, and what an activation is called) and the names m, n,
lam, eta, squares, penalty. What a formula *means* is here; how a textbook writes it is ``notations``.
"""

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Node = tuple[Any, ...]
"""("num", 2.0), ("name", "m"), ("at", quantity, layer, indices), ("+", a, b), ("neg", a), ("call", name, a, …),
("sum", letter, layer, body), ("rows", letter, body). A layer is (letter or number, offset)."""

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}


@lru_cache(maxsize=512)
def parse(text: str) -> Node:
    """The formula as a tree of plain tuples, ready for JSON.

    >>> parse("delta[l,j] * a[l-1,k]")
    ('*', ('at', 'delta', ('l', 0), ('j',)), ('at', 'a', ('l', -1), ('k',)))
    """
    return _node(ast.parse(text, mode="eval").body)


def _node(tree: ast.expr) -> Node:  # noqa: PLR0911  a way out for each kind
    match tree:
        case ast.Constant(value=value):
            return ("num", value)
        case ast.Name(id=name):
            return ("name", name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return ("neg", _node(operand))
        case ast.BinOp(left=left, op=op, right=right):
            return (_OPERATORS[type(op)], _node(left), _node(right))
        case ast.Call(func=ast.Name(id="sum"), args=[ast.Name(id=letter), layer, body]):
            return ("sum", letter, _layer(layer), _node(body))
        case ast.Call(func=ast.Name(id="rows"), args=[ast.Name(id=letter), body]):
            return ("rows", letter, _node(body))
        case ast.Call(func=ast.Name(id=name), args=args):
            return ("call", name, *map(_node, args))
        case ast.Subscript(value=ast.Name(id=quantity), slice=index):
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            if quantity in _WITHOUT_LAYER:
                return ("at", quantity, None, tuple(map(_index, parts)))
            return ("at", quantity, _layer(parts[0]), tuple(map(_index, parts[1:])))
    raise ValueError(f"no formula: {ast.unparse(tree)}")


_WITHOUT_LAYER = ("y", "w", "row_cost")


def _layer(tree: ast.expr) -> tuple[str | int, int]:
    match tree:
        case ast.Name(id=letter):
            return (letter, 0)
        case ast.Constant(value=int(number)):
            return (number, 0)
        case ast.BinOp(left=ast.Name(id=letter), op=op, right=ast.Constant(value=int(number))):
            return (letter, number if isinstance(op, ast.Add) else -number)
    raise ValueError(f"no layer: {ast.unparse(tree)}")


def _index(tree: ast.expr) -> str | int:
    match tree:
        case ast.Name(id=letter):
            return letter
        case ast.Constant(value=int(number)):
            return number
    raise ValueError(f"no index: {ast.unparse(tree)}")


@dataclass(frozen=True)
class Point:
    """One quantity a formula points at, its letters bound: what a link leads to."""

    quantity: str
    layer: int | None
    indices: tuple[int, ...]
    row: int | None


@dataclass(frozen=True)
class Bound:
    """What the letters of a formula stand for, and where numbers come from.

    ``letters``: layer and index letters → numbers; ``names``: m, n, lam, eta, …; ``row`` is the row of every quantity
    that has one. ``look_up`` gives the number at a point, ``size`` the neurons of a layer, ``m`` the rows.
    """

    letters: Mapping[str, int]
    names: Mapping[str, float]
    row: int | None
    m: int
    size: Callable[[int], int]
    look_up: Callable[[Point], float]

    def layer(self, layer: tuple[str | int, int]) -> int:
        """A layer of a formula as a number."""
        letter, offset = layer
        return (letter if isinstance(letter, int) else self.letters[letter]) + offset

    def having(self, letter: str, number: int) -> "Bound":
        """With one letter more."""
        return Bound({**self.letters, letter: number}, self.names, self.row, self.m, self.size, self.look_up)

    def at_row(self, letter: str, row: int) -> "Bound":
        """With every quantity taken at one row."""
        return Bound({**self.letters, letter: row}, self.names, row, self.m, self.size, self.look_up)

    def point(self, node: Node) -> Point:
        """What an ``at`` node points at."""
        _, quantity, layer, indices = node
        numbers = tuple(i if isinstance(i, int) else self.letters[i] for i in indices)
        return Point(quantity, None if layer is None else self.layer(layer), numbers, self.row)


def expand(node: Node, bound: Bound) -> list[Bound]:
    """The bindings of a ``sum`` or ``rows`` node, one a term."""
    if node[0] == "rows":
        return [bound.at_row(node[1], i) for i in range(bound.m)]
    return [bound.having(node[1], number) for number in range(bound.size(bound.layer(node[2])))]


def evaluate(node: Node, bound: Bound) -> float:
    """The formula's number, in float64, term by term as it is written."""
    kind = node[0]
    if kind == "num":
        return float(node[1])
    if kind == "name":
        return float(bound.names[node[1]])
    if kind == "at":
        return bound.look_up(bound.point(node))
    if kind in ("sum", "rows"):
        return math.fsum(evaluate(node[-1], term) for term in expand(node, bound))
    if kind == "call":
        return FUNCTIONS[node[1]](*(evaluate(part, bound) for part in node[2:]))
    parts = [evaluate(part, bound) for part in node[1:]]
    return _ARITHMETIC[kind](*parts)


def _divide(p: float, q: float) -> float:
    if q == 0:
        return math.nan if p == 0 or math.isnan(p) else math.copysign(math.inf, p) * math.copysign(1, q)
    return p / q


_ARITHMETIC: dict[str, Callable[..., float]] = {
    "+": lambda p, q: p + q,
    "-": lambda p, q: p - q,
    "*": lambda p, q: p * q,
    "/": _divide,
    "**": lambda p, q: p**q,
    "neg": lambda p: -p,
}


def _of_activation(name: str, slope: bool) -> Callable[[float], float]:
    def value(z: float) -> float:
        import numpy as np

        from backlit.activations import ACTIVATIONS

        at, activation = np.array([[z]], dtype=np.float64), ACTIVATIONS[name]
        a = activation.value(at)
        return float((activation.slope(at, a) if slope else a)[0, 0])  # type: ignore[attr-defined]

    return value


_ELEMENTWISE = ("identity", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "gelu", "silu", "softplus", "exponential")

FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": lambda x: math.exp(min(x, 709.0)),
    "ln": lambda x: math.log(x) if x > 0 else -math.inf,
    "clip": lambda x: min(max(x, -1.0), 1.0),
    "huber": lambda e: 0.5 * e * e if abs(e) <= 1 else abs(e) - 0.5,
    "named_sigmoid": _of_activation("sigmoid", slope=False),
    "named_softplus": _of_activation("softplus", slope=False),
    **{name.replace("-", "_"): _of_activation(name, slope=False) for name in _ELEMENTWISE},
    **{f"{name.replace('-', '_')}_slope": _of_activation(name, slope=True) for name in _ELEMENTWISE},
}
"""What a formula may call, by the name it is called."""


def points(node: Node, bound: Bound) -> list[Point]:
    """Every number the formula is made from, once each, in the order in which it names them."""
    found: dict[Point, None] = {}
    _gather(node, bound, found)
    return list(found)


def _gather(node: Node, bound: Bound, found: dict[Point, None]) -> None:
    if node[0] == "at":
        found[bound.point(node)] = None
    elif node[0] in ("sum", "rows"):
        for term in expand(node, bound):
            _gather(node[-1], term, found)
    else:
        for part in node[1:]:
            if isinstance(part, tuple):
                _gather(part, bound, found)


def factors(node: Node) -> list[Node]:
    """The factors of a product, left to right; the formula itself where it is no product."""
    return [*factors(node[1]), *factors(node[2])] if node[0] == "*" else [node]
