"""Nielsen, *Neural Networks and Deep Learning*, chapter 2: column vectors, w^l a^{l-1}, neurons from 1, η."""

from backlit.trace.notations.base import NAMES, Notation, symbols

NIELSEN = Notation(
    name="nielsen",
    title="Nielsen, Neural Networks and Deep Learning",
    about="activations are columns: z^l = w^l a^{l-1} + b^l; w^l_jk leads from neuron k of layer l-1 to neuron j of "
    "layer l; neurons count from 1",
    symbols=symbols(weight=("w", "w")),
    formulas={
        "dC_da": "sum(p, l+1, W[l+1,p,j] * delta[l+1,p])",
        "delta": "sum(p, l+1, W[l+1,p,j] * delta[l+1,p]) * slope[l,j]",
        "weight.row": "a[l-1,k] * delta[l,j]",
    },
    matrix={
        "feed forward": r"z^l = w^l a^{l-1} + b^l,\qquad a^l = \sigma(z^l)",
        "BP1, error of the output": r"\delta^L = \nabla_a C \odot \sigma'(z^L)",
        "BP2, error of a hidden layer": r"\delta^l = \bigl((w^{l+1})^{\mathsf T}\delta^{l+1}\bigr) \odot \sigma'(z^l)",
        "BP3, gradient of the biases": r"\frac{\partial C}{\partial b^l_j} = \delta^l_j",
        "BP4, gradient of the weights": r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k\,\delta^l_j",
        "update": (
            r"w^l \rightarrow \Bigl(1-\frac{\eta\lambda}{n}\Bigr) w^l "
            r"- \frac{\eta}{m}\sum_x \delta^{x,l}(a^{x,l-1})^{\mathsf T}"
        ),
    },
    first=1,
    row="superscript",
    names=NAMES,
)
