"""Ng, *Machine Learning*: Θ^(l) maps layer l to l+1, column 0 is the bias, Δ gathers the rows, D is the gradient."""

from backlit.trace.notations.base import NAMES, Notation, Symbol, symbols

NG = Notation(
    name="ng",
    title="Ng, Machine Learning",
    about="Θ^(l) maps layer l to layer l+1; its column 0 is the bias, which meets a_0 = 1; Δ gathers the rows one by "
    "one, D is the gradient; neurons and rows count from 1",
    symbols=symbols(
        weight=("Θ", r"\Theta"),
        bias=Symbol("Θ", r"\Theta", shift=-1, extra=(0,)),
        shift=-1,
        cost="J",
        sigma=("g", "g"),
        accumulator=Symbol("Δ", r"\Delta", shift=-1),
        bias_accumulator=Symbol("Δ", r"\Delta", shift=-1, extra=(0,)),
        one=Symbol("a", "a", extra=(0,)),
    )
    | {
        "weight": Symbol("D", "D", shift=-1),
        "bias": Symbol("D", "D", shift=-1, extra=(0,)),
        "update_weight": Symbol("change of ", r"\text{change of }", of="W"),
        "update_bias": Symbol("change of ", r"\text{change of }", of="b"),
    },
    formulas={
        "z": "b[l,j] * one[l-1] + sum(k, l-1, W[l,j,k] * a[l-1,k])",
        "dC_da": "sum(p, l+1, W[l+1,p,j] * delta[l+1,p])",
        "delta": "sum(p, l+1, W[l+1,p,j] * delta[l+1,p]) * slope[l,j]",
        "weight.row": "delta[l,j] * a[l-1,k]",
        "bias.row": "delta[l,j] * one[l-1]",
    },
    matrix={
        "feed forward": r"z^{(l+1)} = \Theta^{(l)} a^{(l)},\quad a^{(l)}_0 = 1,\qquad a^{(l+1)} = g(z^{(l+1)})",
        "BP1, error of the output": r"\delta^{(L)} = a^{(L)} - y",
        "BP2, error of a hidden layer": (
            r"\delta^{(l)} = \bigl(\Theta^{(l)}\bigr)^{\mathsf T}\delta^{(l+1)} \mathbin{.*} g'(z^{(l)})"
        ),
        "accumulation, row by row": r"\Delta^{(l)} := \Delta^{(l)} + \delta^{(l+1)}\bigl(a^{(l)}\bigr)^{\mathsf T}",
        "BP3, gradient of the biases": r"D^{(l)}_{j0} = \frac1m \Delta^{(l)}_{j0}",
        "BP4, gradient of the weights": (
            r"D^{(l)}_{jk} = \frac1m \Delta^{(l)}_{jk} + \frac{\lambda}{m} \Theta^{(l)}_{jk}"
        ),
        "update": r"\Theta^{(l)} := \Theta^{(l)} - \alpha\, D^{(l)}",
    },
    first=1,
    layers="parentheses",
    row="after",
    accumulates=True,
    counts_sums=True,
    names=NAMES | {"eta": ("α", r"\alpha")},
)
