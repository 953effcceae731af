"""How far a right number can be from ours: the machine's rounding, and the rounding of the numbers it came from.

Numbers are handed in with few digits, and those after them were computed from more digits, or from these few. So what
stands before a number is moved within its last place at random, some times over, and the number is computed again.
"""

from collections.abc import Mapping

import numpy as np

from backlit import backpropagation as bp
from backlit.check import rounding
from backlit.check.homework.digits import Written
from backlit.check.homework.world import Key, Rule, World
from backlit.check.probes import Point
from backlit.notation import Array, ByLayer
from backlit.randomness import initial_generator

DRAWS = 12
STREAM = 1 << 33
ROUNDING_SPARE = 8.0
"""Another order of summation, another form of the same σ: so much more rounding than ours is nobody's mistake."""


class Spread:
    """How far numbers can spread because those before them were rounded to the digits given, or by the machine."""

    def __init__(self, point: Point, rate: float | None, given: Mapping[Key, Written]) -> None:
        self.point, self.rate, self.given = point, rate, given
        self._noise: dict[float, dict[Key, Array]] = {}

    def own(self, key: Key) -> Array:
        """The unit of the number's own last place, and the machine's rounding."""
        written = self.given[key]
        return written.unit * 1.0001 + self._noise_of(key, written.rounding)

    def of(self, key: Key, rules: Mapping[Key, Rule] | None = None) -> Array:
        """The largest change of a computed number over the draws, and half as much again.

        Raises:
            LookupError: it cannot be computed by these rules.
        """
        rng = initial_generator(0, STREAM)
        written = self.given[key]
        half = float(written.unit.max(initial=0.0)) / 2
        rules = rules or {}

        def jitter(at: Key, computed: Array) -> Array:
            size = np.maximum(half, self._noise_of(at, written.rounding))
            return computed + rng.uniform(-1, 1, computed.shape) * size

        def moved(w: Written, at: Key) -> Array:
            size = np.maximum(w.unit, self._noise_of(at, w.rounding))
            return w.values + rng.uniform(-1, 1, w.values.shape) * size

        centre = World(self.point, self.rate, {k: w.values for k, w in self.given.items()}, rules).computed(*key)
        widest = np.zeros_like(centre)
        for _ in range(DRAWS):
            given = {k: moved(w, k) for k, w in self.given.items()}
            world = World(self.point, self.rate, given, rules, jitter)
            widest = np.maximum(widest, np.abs(world.computed(*key) - centre))
        return 1.5 * widest

    def _noise_of(self, key: Key, u: float) -> Array:
        if u not in self._noise:
            self._noise[u] = _rounding_of_everything(self.point, u, self.rate)
        return self._noise[u].get(key, np.array(0.0))


def _rounding_of_everything(point: Point, u: float, rate: float | None) -> dict[Key, Array]:
    """Bounds of the machine's rounding for every quantity."""
    z_off, a_off = rounding.of_forward(point, u)
    errors = bp.backpropagate(point.layers, point.objective, point.forward, point.Y)
    delta_off = rounding.of_errors(point, errors, u)
    L = point.network.L
    carried: ByLayer = {L: delta_off[L] + a_off[L]}  # a rounded forward pass gives a rounded δ
    for layer, above in zip(reversed(point.layers[:-1]), reversed(point.layers[1:]), strict=True):
        slope = rounding.slope_sizes(point, layer)
        error = np.abs(errors.delta[above.number]) @ np.abs(above.W)
        carried[layer.number] = (
            delta_off[layer.number] + (carried[above.number] @ np.abs(above.W)) * slope + error * z_off[layer.number]
        )
    found: dict[Key, Array] = {}
    for l, (W_off, b_off) in rounding.of_gradients(point, errors, carried, u).items():
        a_part = (np.abs(errors.delta[l]) * (point.row_weights / len(point.X))[:, np.newaxis]).T @ a_off[l - 1]
        found["weight_gradient", l], found["bias_gradient", l] = W_off + a_part, b_off
        layer = point.layers[l - 2]
        step = abs(rate or 0.0)
        found["updated_weight", l] = 4 * u * np.abs(layer.W) + step * found["weight_gradient", l]
        found["updated_bias", l] = 4 * u * np.abs(layer.b) + step * b_off
        found["z", l], found["a", l], found["slope", l] = z_off[l], a_off[l], z_off[l] + 8 * u
        found["delta", l] = carried[l]
    rows = rounding.of_row_costs(point, u, 1) + u * np.abs(point.row_costs)
    found["row_cost", 0] = rows
    found["cost", 0] = np.array(rows.max() * 2 + 8 * u * bp.penalty(point.layers, point.objective))
    found["output_cost", 0] = np.broadcast_to(rows[:, np.newaxis], (len(rows), point.network.sizes[-1]))
    return {key: ROUNDING_SPARE * bound for key, bound in found.items()}
