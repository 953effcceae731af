"""A world: every quantity of a pass and an update, computed from the equations, from someone's own earlier numbers
where they gave them, and with a mistake in one equation where one is supposed.

So one question is asked of every number given: does it follow from the numbers before it? And where not: would it, if
a known mistake had been made?
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from backlit import equations
from backlit.activations import Elementwise
from backlit.check.probes import Point
from backlit.notation import Array

Key = tuple[str, int]
"""(quantity, layer); the cost has layer 0."""

Rule = Callable[["World", int], Array | None]
"""A way to compute a quantity of a layer; None where it does not apply."""


@dataclass
class World:
    """Quantities on demand. ``given`` overrides what would be computed; ``rules`` replaces equations."""

    point: Point
    learning_rate: float | None = None
    given: Mapping[Key, Array] = field(default_factory=dict)
    rules: Mapping[Key, Rule] = field(default_factory=dict)
    jitter: Callable[[Key, Array], Array] | None = None
    _made: dict[Key, Array | None] = field(default_factory=dict)

    @property
    def L(self) -> int:
        """The output layer."""
        return self.point.network.L

    @property
    def m(self) -> int:
        """Rows."""
        return len(self.point.X)

    def W(self, l: int) -> Array:
        """W^l that fed forward."""
        return self.point.layers[l - 2].W

    def b(self, l: int) -> Array:
        """b^l that fed forward."""
        return self.point.layers[l - 2].b

    def value(self, quantity: str, l: int) -> Array:
        """The number everything after it is computed from: as given, else as computed.

        Raises:
            LookupError: it cannot be computed, as a supposed mistake does not apply.
        """
        if quantity == "a" and l == 1:
            return self.point.X
        computed = None
        key = (quantity, l)
        if key in self.given:
            own = self.given[key]
            if np.isfinite(own).all():
                return own
            computed = self.computed(quantity, l)
            return np.where(np.isfinite(own), own, computed)
        computed = self.computed(quantity, l)
        return computed if self.jitter is None else self.jitter(key, computed)

    def computed(self, quantity: str, l: int) -> Array:
        """The number as it follows from those before it."""
        key = (quantity, l)
        if key not in self._made:
            rule = self.rules.get(key)
            self._made[key] = rule(self, l) if rule is not None else EQUATIONS[quantity](self, l)
        found = self._made[key]
        if found is None:
            raise LookupError(key)
        return found

    def gradient_of_cost(self) -> Array:
        """∂C_i/∂a^L."""
        return self.point.objective.cost.gradient(self.value("a", self.L), self.point.Y)

    def slope(self, l: int, at: Array | None = None) -> Array | None:
        """σ_l'(z^l), or at other numbers; None for an activation that is not elementwise."""
        activation = self.point.layers[l - 2].activation
        if not isinstance(activation, Elementwise):
            return None
        if at is None:
            return self.value("slope", l)
        return activation.slope(at, activation.value(at))

    def data_gradient(self, l: int) -> Array:
        """∂C/∂W^l without the penalty."""
        return equations.weight_gradient(self.value("delta", l), self.value("a", l - 1), self.point.row_weights)

    def penalty_gradient(self, l: int) -> Array:
        """(λ/n) W^l."""
        objective = self.point.objective
        return equations.penalty_gradient(self.W(l), objective.l2, objective.n)

    def row_costs(self) -> Array:
        """C_i, from z where it is known and from a where only that was given."""
        objective, L = self.point.objective, self.L
        a = self.value("a", L)
        if ("a", L) in self.given and ("z", L) not in self.given:
            return objective.cost.value(a, self.point.Y)
        return objective.row_costs(self.value("z", L), a, self.point.Y)

    def penalty(self) -> float:
        """λ/(2n) Σ‖W‖²."""
        objective = self.point.objective
        return sum(equations.penalty(layer.W, objective.l2, objective.n) for layer in self.point.layers)


def _z(world: World, l: int) -> Array:
    return world.value("a", l - 1) @ world.W(l).T + world.b(l)


def _a(world: World, l: int) -> Array:
    return world.point.layers[l - 2].activation.value(world.value("z", l))


def _slope(world: World, l: int) -> Array | None:
    activation = world.point.layers[l - 2].activation
    if not isinstance(activation, Elementwise):
        return None
    return activation.slope(world.value("z", l), world.value("a", l))


def _cost(world: World, _: int) -> Array:
    return np.array(equations.objective_cost(world.row_costs(), world.point.row_weights, world.penalty()))


def _row_cost(world: World, _: int) -> Array:
    return world.row_costs()


def _output_cost(world: World, _: int) -> Array:
    """Each output's share of C_i, (m, n_L), of a cost that is a sum over outputs."""
    a, y, cost = world.value("a", world.L), world.point.Y, world.point.objective.cost
    shares = np.stack([cost.value(a[:, [j]], y[:, [j]]) for j in range(a.shape[1])], axis=1)
    return shares / a.shape[1] if cost.name == "mse" else shares


def _delta(world: World, l: int) -> Array:
    if l == world.L:
        objective, a = world.point.objective, world.value("a", l)
        if objective.fused:
            return equations.fused_output_error(a, world.point.Y)
        return pulled_back(world, l, world.gradient_of_cost())
    return pulled_back(world, l, world.value("delta", l + 1) @ world.W(l + 1))


def pulled_back(world: World, l: int, error: Array) -> Array:
    """An error in a^l taken through σ_l, with the slopes someone gave where they gave them."""
    activation = world.point.layers[l - 2].activation
    if isinstance(activation, Elementwise) and ("slope", l) in world.given:
        return error * world.value("slope", l)
    return activation.pull_back(error, world.value("z", l), world.value("a", l))


def _bias_gradient(world: World, l: int) -> Array:
    return equations.bias_gradient(world.value("delta", l), world.point.row_weights)


def _weight_gradient(world: World, l: int) -> Array:
    return world.data_gradient(l) + world.penalty_gradient(l)


def _updated_weight(world: World, l: int) -> Array | None:
    if world.learning_rate is None:
        return None
    return world.W(l) - world.learning_rate * world.value("weight_gradient", l)


def _updated_bias(world: World, l: int) -> Array | None:
    if world.learning_rate is None:
        return None
    return world.b(l) - world.learning_rate * world.value("bias_gradient", l)


EQUATIONS: dict[str, Rule] = {
    "z": _z, "a": _a, "slope": _slope, "cost": _cost, "row_cost": _row_cost, "output_cost": _output_cost,
    "delta": _delta, "bias_gradient": _bias_gradient, "weight_gradient": _weight_gradient,
    "updated_weight": _updated_weight, "updated_bias": _updated_bias,
}  # fmt: skip
"""The right way to compute each quantity, from what stands before it."""
