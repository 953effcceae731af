"""Layers named from the output, w^(L-1) and b^(L-1) between L-1 and L; the recursion is on ∂C/∂a, and there is no δ."""

from backlit.trace.notations.base import NAMES, Notation, Symbol, symbols

PREVIOUS_LAYER = Notation(
    name="previous-layer",
    title="By the previous layer",
    about="layers are named from the output, L, L-1, …; w^(L-1) and b^(L-1) stand between L-1 and L; the recursion "
    "runs on ∂C/∂a, and there is no δ (what others call δ is written out, ∂C/∂z)",
    symbols=symbols(weight=("w", "w"), shift=-1) | {"delta": Symbol("∂C/∂", r"\partial C/\partial ", of="z")},
    formulas={
        "delta.output": "slope[l,j] * dC_da[l,j]",
        "dC_da": "sum(p, l+1, W[l+1,p,j] * slope[l+1,p] * dC_da[l+1,p])",
        "dC_da.whole": "sum(p, l+1, W[l+1,p,j] * delta[l+1,p])",
        "dC_da.fused": "sum(p, l+1, W[l+1,p,j] * (a[l+1,p] - y[p]))",
        "delta": "slope[l,j] * dC_da[l,j]",
        "weight.row": "a[l-1,k] * slope[l,j] * dC_da[l,j]",
        "weight.row.whole": "a[l-1,k] * delta[l,j]",
        "weight.row.fused": "a[l-1,k] * (a[l,j] - y[j])",
        "bias.row": "slope[l,j] * dC_da[l,j]",
        "bias.row.whole": "delta[l,j]",
        "bias.row.fused": "a[l,j] - y[j]",
    },
    matrix={
        "feed forward": r"z^{(L)} = w^{(L-1)} a^{(L-1)} + b^{(L-1)},\qquad a^{(L)} = \sigma(z^{(L)})",
        "BP1, error of the output": (
            r"\frac{\partial C}{\partial z^{(L)}} = \sigma'(z^{(L)}) \odot \frac{\partial C}{\partial a^{(L)}}"
        ),
        "BP2, error of a hidden layer": (
            r"\frac{\partial C}{\partial a^{(L-1)}_k} = \sum_j w^{(L-1)}_{jk}\,\sigma'(z^{(L)}_j)\,"
            r"\frac{\partial C}{\partial a^{(L)}_j}"
        ),
        "BP3, gradient of the biases": (
            r"\frac{\partial C}{\partial b^{(L-1)}_j} = \sigma'(z^{(L)}_j)\,\frac{\partial C}{\partial a^{(L)}_j}"
        ),
        "BP4, gradient of the weights": (
            r"\frac{\partial C}{\partial w^{(L-1)}_{jk}} = a^{(L-1)}_k\,\sigma'(z^{(L)}_j)\,"
            r"\frac{\partial C}{\partial a^{(L)}_j}"
        ),
        "update": r"w^{(L-1)} \leftarrow w^{(L-1)} - \eta\,\frac{\partial C}{\partial w^{(L-1)}}",
    },
    layers="from-output",
    row="after",
    names=NAMES,
)
