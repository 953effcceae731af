"""Backlit's own: rows are samples, W^l leads into layer l, neurons count from 0, as arrays do."""

from backlit.trace.notations.base import NAMES, Notation, symbols

BACKLIT = Notation(
    name="backlit",
    title="Backlit",
    about="rows are samples; W^l leads into layer l, row j into neuron j; neurons, inputs and rows count from 0",
    symbols=symbols(),
    matrix={
        "feed forward": r"z^l = a^{l-1}\,(W^l)^{\mathsf T} + b^l,\qquad a^l = \sigma_l(z^l)",
        "BP1, error of the output": r"\delta^L = \frac{\partial C}{\partial a^L} \odot \sigma'(z^L)",
        "BP2, error of a hidden layer": r"\delta^l = \bigl(\delta^{l+1}\,W^{l+1}\bigr) \odot \sigma'(z^l)",
        "BP3, gradient of the biases": r"\frac{\partial C}{\partial b^l} = \frac1m\sum_i \delta^l_i",
        "BP4, gradient of the weights": (
            r"\frac{\partial C}{\partial W^l} = \frac1m\sum_i (\delta^l_i)^{\mathsf T} a^{l-1}_i"
            r" + \frac{\lambda}{n} W^l"
        ),
        "update": r"W^l \leftarrow W^l - \eta\,\frac{\partial C}{\partial W^l}",
    },
    names=NAMES,
)
