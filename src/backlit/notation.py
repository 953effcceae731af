"""The words and symbols of Backlit, once: what each means, what it is called in code, what shape it has.

Rows are samples; a batch has m of them. Layers are numbered as the maths numbers them: layer 1 is the input,
layer L the output, and the first layer that has weights is layer 2. Neurons, inputs and rows count from 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
"""Numbers of a network's dtype, float32 or float64."""

Float64Array = NDArray[np.float64]

IndexArray = NDArray[np.int64]
"""Row numbers."""

ByLayer = dict[int, Array]
"""One array a layer, keyed by the layer's own number: ``delta[2]`` is δ²."""


@dataclass(frozen=True)
class Symbol:
    """One quantity of a pass: its sign in the maths, its name in code, its shape and its meaning."""

    sign: str
    name: str
    shape: str
    meaning: str


SYMBOLS = (
    Symbol("W^l", "W", "(n_l, n_{l-1})", "weights; row j holds the weights into neuron j of layer l"),
    Symbol("b^l", "b", "(n_l,)", "biases"),
    Symbol("z^l", "z", "(m, n_l)", "weighted input: what a neuron receives"),
    Symbol("a^l", "a", "(m, n_l)", "activation: what a neuron passes on; a^1 = x"),
    Symbol("δ^l", "delta", "(m, n_l)", "error ∂C_i/∂z^l_i of each row's own cost, not weighted, not divided by m"),
    Symbol("w̃", "row_weights", "(m,)", "weight of a row, mean 1 over the training set"),
    Symbol("C", "cost", "scalar", "(1/m) Σ_i w̃_i C_i + λ/(2n) Σ‖W‖², the objective on a batch"),
    Symbol("λ", "l2", "scalar", "strength of the penalty on the weights; biases are never penalised"),
    Symbol("n", "n", "scalar", "Σw over the training rows: their count, without weights"),
    Symbol("η", "learning_rate", "scalar", "how far an update goes"),
)

EQUATIONS = {
    "feed forward": "z^l = a^{l-1} W^lᵀ + b^l,  a^l = σ_l(z^l)",
    "BP1, error of the output": "δ^L = pull-back through σ_L of ∂C/∂a^L",
    "BP2, error of a hidden layer": "δ^l = pull-back through σ_l of δ^{l+1} W^{l+1}",
    "BP3, gradient of the biases": "∂C/∂b^l = (1/m) Σ_i w̃_i δ^l_i",
    "BP4, gradient of the weights": "∂C/∂W^l = (1/m) Σ_i w̃_i δ^l_iᵀ a^{l-1}_i",
    "penalty": "∂C/∂W^l += (λ/n) W^l",
    "update": "θ ← optimizer(θ, ∂C/∂θ)",
}
"""The equations by their words, which every textbook shares, where the numbers differ from book to book."""
