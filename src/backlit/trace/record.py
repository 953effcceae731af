"""The record: every number of one pass there and back, from the engine that trains, and of the updates that follow."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit import equations
from backlit.activations import Elementwise
from backlit.backpropagation import penalty
from backlit.engines import BackwardPass, Choice
from backlit.errors import OptionError
from backlit.network import Network
from backlit.notation import Array, ByLayer
from backlit.objective import Objective
from backlit.optimizers import Optimizer
from backlit.trace import address as addresses
from backlit.trace import derived
from backlit.trace.address import Address
from backlit.trace.figures import figure
from backlit.trace.words.table import say

if TYPE_CHECKING:
    from backlit.trace.tracing import Trace


@dataclass(frozen=True)
class CostParts:
    """C = data + penalty: (1/m) Σ_i w̃_i C_i, and λ/(2n) Σ‖W‖²."""

    data: float
    penalty: float

    @property
    def total(self) -> float:
        """C."""
        return self.data + self.penalty


@dataclass(frozen=True, eq=False)
class Step:
    """One update, θ ← θ + update, and C before and after it; ``number`` counts from 1. ``pass_`` is its own trace."""

    number: int
    learning_rate: float
    update: Array
    cost_before: float
    cost_after: float
    pass_: "Trace" = field(repr=False)


@dataclass(frozen=True, eq=False)
class Record:
    """Every number of one pass there and back, of one row or a batch of m.

    Layers count from 1 (the input), and the first that has weights is layer 2; neurons and rows count from 0.

    ``backward`` is the engine's own; ``derived_quantities`` names what was computed from it afterwards.
    ``steps`` holds the updates, where an optimizer was given; ``notes`` what a reader should know.
    """

    network: Network
    objective: Objective
    X: Array
    Y: Array
    row_weights: Array
    backward: BackwardPass = field(repr=False)
    choice: Choice = field(repr=False)
    optimizer: Optimizer | None = None
    steps: tuple[Step, ...] = field(default=(), repr=False)
    note_keys: tuple[str, ...] = ()

    derived_quantities = ("slope", "dC_da")

    @property
    def rows(self) -> int:
        """m."""
        return len(self.X)

    @property
    def L(self) -> int:
        """The number of the output layer."""
        return self.network.L

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know of this pass: dropout left out, a number that is not finite."""
        return self.notes_in("en")

    def notes_in(self, lang: str) -> tuple[str, ...]:
        """The same in a language, ``en`` or ``zh``."""
        bad = self.first_non_finite
        stopped = () if bad is None else (say("note.non_finite", lang, where=bad, value=figure(self.number(bad))),)
        return (*(say(key, lang) for key in self.note_keys), *stopped)

    @cached_property
    def cost(self) -> CostParts:
        """The objective and its parts."""
        penalties = penalty(self.network.layers, self.objective)
        return CostParts(equations.objective_cost(self.backward.row_costs, self.row_weights), penalties)

    @property
    def row_costs(self) -> Array:
        """C_i of each row, (m,)."""
        return self.backward.row_costs

    def z(self, layer: int) -> Array:
        """z^l, weighted inputs, (m, n_l)."""
        return self.backward.forward.z[self._layer("z", layer)]

    def a(self, layer: int) -> Array:
        """a^l, activations, (m, n_l); a^1 = x."""
        return self.backward.forward.a[self._layer("a", layer)]

    def delta(self, layer: int) -> Array:
        """δ^l = ∂C_i/∂z^l of each row's own cost, (m, n_l)."""
        return self.backward.errors.delta[self._layer("delta", layer)]

    def slope(self, layer: int) -> Array:
        """σ'(z^l), (m, n_l); derived.

        Raises:
            OptionError: the layer's activation has a full Jacobian, as softmax; :meth:`jacobian` gives it.
        """
        layer = self._layer("slope", layer)
        if layer not in self._slopes:
            name = self.network.layer(layer).activation.name
            raise OptionError(
                f"{name} has no slope of one neuron, it has a full Jacobian: t.jacobian({layer}) gives it"
            )
        return self._slopes[layer]

    def dC_da(self, layer: int) -> Array:
        """∂C_i/∂a^l of each row's own cost, (m, n_l); at layer 1, ∂C_i/∂x; derived."""
        return self._errors_of_activations[self._layer("dC_da", layer)]

    def jacobian(self, layer: int) -> Array:
        """∂a_k/∂z_j of each row, (m, n_l, n_l), k before j; derived."""
        layer = self._layer("z", layer)
        return derived.jacobian(self.network.layer(layer).activation, self.z(layer), self.a(layer))

    def weight_gradient(self, layer: int) -> Array:
        """∂C/∂W^l, the penalty's part included, (n_l, n_{l-1})."""
        return self.backward.gradients.W[self._layer("weight", layer)]

    def bias_gradient(self, layer: int) -> Array:
        """∂C/∂b^l, (n_l,)."""
        return self.backward.gradients.b[self._layer("bias", layer)]

    @cached_property
    def _slopes(self) -> ByLayer:
        return derived.slopes(self.network, self.backward.forward)

    @cached_property
    def _errors_of_activations(self) -> ByLayer:
        return derived.errors_of_activations(self.network, self.objective, self.backward, self.Y)

    @cached_property
    def first_non_finite(self) -> Address | None:
        """The first number of the pass that is not finite, in the order in which a pass makes them; None by right."""
        forward, delta = self.backward.forward, self.backward.errors.delta
        gradients, layers = self.backward.gradients, range(2, self.L + 1)
        for l in layers:
            for quantity, values in (("z", forward.z[l]), ("a", forward.a[l])):
                if not np.isfinite(values).all():
                    row, j = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
                    return Address(quantity, l, j, row=row)
        if not np.isfinite(self.row_costs).all():
            return Address("row_cost", row=int(np.flatnonzero(~np.isfinite(self.row_costs))[0]))
        for l in reversed(layers):
            if not np.isfinite(delta[l]).all():
                row, j = (int(i) for i in np.argwhere(~np.isfinite(delta[l]))[0])
                return Address("delta", l, j, row=row)
            if not np.isfinite(gradients.b[l]).all():
                return Address("bias", l, int(np.flatnonzero(~np.isfinite(gradients.b[l]))[0]))
            if not np.isfinite(gradients.W[l]).all():
                j, k = (int(i) for i in np.argwhere(~np.isfinite(gradients.W[l]))[0])
                return Address("weight", l, j, k)
        return None

    def address(self, quantity: str, layer: int | None = None, j: int | None = None, **rest: Any) -> Address:
        """One number's address, checked; ``neuron`` is another word for ``j``.

        Raises:
            OptionError: there is no such number; says what there is.
        """
        j = rest.pop("neuron", j)
        return addresses.check(self.network, self.rows, quantity, layer, j, **rest)

    def number(self, at: Address) -> float:  # noqa: PLR0911  a way out for each kind
        """The number at a checked address, as float64."""
        l, j, k, row = (0 if part is None else part for part in (at.layer, at.j, at.k, at.row))
        match at.quantity:
            case "cost":
                return self.cost.total
            case "penalty":
                return self.cost.penalty
            case "row_cost":
                return float(self.row_costs[row])
            case "x":
                return float(self.X[row, k])
            case "y":
                return float(self.Y[row, j])
            case "W":
                return float(self.network.layer(l).W[j, k])
            case "b":
                return float(self.network.layer(l).b[j])
            case "weight":
                if at.row is not None:
                    return float(self.delta(l)[row, j]) * float(self.a(l - 1)[row, k])
                return float(self.weight_gradient(l)[j, k])
            case "bias":
                return float(self.bias_gradient(l)[j]) if at.row is None else float(self.delta(l)[row, j])
            case "update_weight" | "update_bias":
                W, b = self.network.split(self._update())[l]
                return float(W[j, k] if at.quantity == "update_weight" else b[j])
            case _:
                return float(getattr(self, at.quantity)(l)[row, j])

    def _update(self) -> Array:
        if not self.steps:
            raise OptionError("no update was traced: give an optimizer, as optimizer='sgd', learning_rate=0.5")
        return self.steps[0].update

    def _layer(self, quantity: str, layer: int) -> int:
        return addresses._layer(self.network, quantity, layer)


def has_slope(t: Record, layer: int) -> bool:
    """Whether the layer's activation has a slope a neuron, or a full Jacobian."""
    return isinstance(t.network.layer(layer).activation, Elementwise)
