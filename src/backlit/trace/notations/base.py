"""What a notation is: how a textbook writes each quantity, which layer it counts a weight to, and its own formulas."""

from collections.abc import Mapping
from dataclasses import dataclass, field

COMMON = {
    "z": "sum(k, l-1, W[l,j,k] * a[l-1,k]) + b[l,j]",
    "a.softmax": "exp(z[l,j]) / sum(k, l, exp(z[l,k]))",
    "delta.output": "dC_da[l,j] * slope[l,j]",
    "delta.fused": "a[l,j] - y[j]",
    "delta.softmax": "a[l,j] * (dC_da[l,j] - sum(k, l, dC_da[l,k] * a[l,k]))",
    "delta.jacobian": "sum(k, l, dC_da[l,k] * jacobian[l,k,j])",
    "dC_da": "sum(p, l+1, delta[l+1,p] * W[l+1,p,j])",
    "delta": "sum(p, l+1, delta[l+1,p] * W[l+1,p,j]) * slope[l,j]",
    "delta.hidden.jacobian": "sum(k, l, dC_da[l,k] * jacobian[l,k,j])",
    "weight.row": "delta[l,j] * a[l-1,k]",
    "bias.row": "delta[l,j]",
    "penalty.gradient": "lam / n * W[l,j,k]",
    "update_weight": "-(eta * weight[l,j,k])",
    "update_bias": "-(eta * bias[l,j])",
}
"""Formulas shared by every notation that has δ; a notation's own take their place."""


@dataclass(frozen=True)
class Symbol:
    """How one quantity is written: its sign as text and in LaTeX, and how far its layer number lies from Backlit's.

    ``of`` wraps another symbol: ∂C/∂{W}, σ′({z}). ``extra`` stands before the indices: the 0 of Θ_{j0}.
    """

    text: str
    latex: str
    shift: int = 0
    of: str = ""
    extra: tuple[int, ...] = ()


@dataclass(frozen=True)
class Notation:
    """One textbook's way to write a pass.

    Args:
        name: on the command line.
        title: for a reader.
        about: one sentence: what is different.
        symbols: quantity → sign.
        formulas: those that differ from :data:`COMMON`.
        matrix: the equations as whole layers, in LaTeX, by their words.
        first: the number of the first neuron, input and row.
        layers: ``plain`` ², ``parentheses`` ⁽²⁾, ``from-output`` ⁽ᴸ⁻¹⁾.
        row: where a row is written: ``index`` before the neuron, ``superscript`` x3 before the layer, ``after`` the
            layer in brackets.
        accumulates: row-by-row accumulators and the gradient in two lines.
        counts_sums: Σ says where it starts, because the bias is a term of its own at 0.
        names: how m, n, λ and η are written.
    """

    name: str
    title: str
    about: str
    symbols: Mapping[str, Symbol]
    formulas: Mapping[str, str] = field(default_factory=dict)
    matrix: Mapping[str, str] = field(default_factory=dict)
    first: int = 0
    layers: str = "plain"
    row: str = "index"
    accumulates: bool = False
    counts_sums: bool = False
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def formula(self, key: str) -> str:
        """The notation's own formula of that name, or the common one."""
        return self.formulas.get(key) or COMMON[key]


NAMES = {
    "m": ("m", "m"),
    "n": ("n", "n"),
    "lam": ("λ", r"\lambda"),
    "eta": ("η", r"\eta"),
    "squares": ("Σ‖W‖²", r"\sum\lVert W\rVert^2"),
    "penalty": ("penalty", r"\mathrm{penalty}"),
}


def symbols(
    *,
    weight: tuple[str, str] = ("W", "W"),
    bias: Symbol | None = None,
    shift: int = 0,
    cost: str = "C",
    sigma: tuple[str, str] = ("σ", r"\sigma"),
    **own: Symbol,
) -> dict[str, Symbol]:
    """The signs most textbooks share, with one's own letters."""
    text, latex = sigma
    d, d_latex = f"∂{cost}/∂", rf"\partial {cost}/\partial "
    table = {
        "W": Symbol(*weight, shift=shift),
        "b": bias or Symbol("b", "b", shift=shift),
        "z": Symbol("z", "z"),
        "a": Symbol("a", "a"),
        "y": Symbol("y", "y"),
        "x": Symbol("x", "x"),
        "w": Symbol("w̃", r"\tilde w"),
        "sigma": Symbol(text, latex),
        "slope": Symbol(f"{text}′", latex + "'", of="z"),
        "dC_da": Symbol(d, d_latex, of="a"),
        "delta": Symbol("δ", r"\delta"),
        "weight": Symbol(d, d_latex, of="W"),
        "bias": Symbol(d, d_latex, of="b"),
        "row_weight": Symbol(d, d_latex, of="W"),
        "row_bias": Symbol(d, d_latex, of="b"),
        "update_weight": Symbol("Δ", r"\Delta ", of="W"),
        "update_bias": Symbol("Δ", r"\Delta ", of="b"),
        "jacobian": Symbol("∂a/∂z", r"\partial a/\partial z"),
        "cost": Symbol(cost, cost),
        "row_cost": Symbol(cost, cost),
        "penalty": Symbol("penalty", r"\mathrm{penalty}"),
    }
    return table | own
