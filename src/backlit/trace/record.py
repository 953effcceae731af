"""The record: every number of one pass there and back, from the engine that trains, and of the updates that follow."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from backlit import equations
from backlit import objective as objectives
from backlit.activations import Elementwise
from backlit.backpropagation import penalty
from backlit.costs import Cost
from backlit.data import targets
from backlit.data.checks import as_matrix, as_numbers
from backlit.engines import BackwardPass, Choice, Engine, choose
from backlit.errors import DataError, OptionError
from backlit.initializers import Initializer
from backlit.network import Network
from backlit.notation import Array, ByLayer
from backlit.objective import Objective
from backlit.optimizers import Optimizer
from backlit.trace import address as addresses
from backlit.trace import derived
from backlit.trace.address import Address

if TYPE_CHECKING:
    from backlit.trace.channels import Channels
    from backlit.trace.explain import Explanation

StrPath = Any


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
class Trace:
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
        from backlit.trace.figures import figure
        from backlit.trace.words.table import say

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

    def number(self, at: Address) -> float:
        """The number at an address, as float64."""
        from backlit.trace.values import number

        return number(self, at)

    def explain(
        self,
        quantity: str,
        layer: int | None = None,
        j: int | None = None,
        k: int | None = None,
        *,
        neuron: int | None = None,
        row: int | None = None,
        notation: str = "backlit",
    ) -> "Explanation":
        """How one number came to be: its formula, the same with this pass's numbers, its factors, its neighbours.

        Args:
            quantity: cost, penalty, row_cost, x, y, W, b, z, a, slope (σ'), dC_da, delta, weight (∂C/∂W), bias (∂C/∂b),
                update_weight, update_bias.
            layer: from 1; j or neuron, k: the neuron and the input, from 0; row: needed only where there are several.
            notation: backlit, nielsen, ng or previous-layer.

        Raises:
            OptionError: there is no such number, or no such notation.
        """
        from backlit.trace.explain import explain

        at = self.address(quantity, layer, j if neuron is None else neuron, k=k, row=row)
        return explain(self, at, notation)

    def channels(self, kind: str, layer: int = 1, j: int = 0, k: int | None = None, **options: Any) -> "Channels":
        """Every path by which a weight, bias, activation or input reaches the cost: see :mod:`backlit.trace.channels`.

        Raises:
            OptionError: there is no such number.
        """
        from backlit.trace.channels import channels

        return channels(self, kind, layer, j, k, **options)

    def to_dict(self) -> dict[str, Any]:
        """The whole record as plain data, as docs/trace-json.md describes it."""
        from backlit.trace.render.json import document

        return document(self)

    def to_json(self, path: StrPath = None, *, force: bool = False) -> str:
        """The whole record as JSON; written to ``path`` too, where one is given."""
        from backlit.trace.render import json

        return _written(json.text(self), path, force)

    def to_latex(self, path: StrPath = None, *, force: bool = False, **options: Any) -> str:
        """The pass as a LaTeX document; ``notation``, ``lang`` and ``derive`` as on the command line."""
        from backlit.trace.render import latex

        return _written(latex.document(self, **options), path, force)

    def to_html(self, path: StrPath = None, *, force: bool = False, **options: Any) -> str:
        """The pass as one self-contained page that needs no network; ``notation`` and ``lang`` set how it opens."""
        from backlit.trace.render import html

        return _written(html.page(self, **options), path, force)

    def to_words(self, *, lang: str = "en", voice: str = "plain") -> str:
        """The pass in plain language, from its own numbers."""
        from backlit.trace.words import tell

        return tell(self, lang=lang, voice=voice)

    def __str__(self) -> str:
        from backlit.trace.render import terminal

        return terminal.text(self)

    def _layer(self, quantity: str, layer: int) -> int:
        return addresses._layer(self.network, quantity, layer)


def trace(
    net: Network,
    x: ArrayLike,
    y: ArrayLike,
    *,
    cost: str | Cost | None = None,
    l2: float = 0.0,
    n: float | None = None,
    sample_weight: ArrayLike | None = None,
    optimizer: str | Optimizer | None = None,
    learning_rate: float | None = None,
    steps: int | None = None,
    engine: str | Engine = "auto",
) -> Trace:
    """Every z, a, σ', ∂C/∂a, δ, ∂C/∂W and ∂C/∂b of one pass, and the updates that would follow. The network stays.

    Args:
        net: any network; one with dropout is traced without it, and the trace says so.
        x: one row (n_1,), or a batch (m, n_1).
        y: its target: for classes, the number of the class or a one-hot row; else one number an output.
        cost: as in ``bl.train``; None takes the output's own.
        l2: λ.
        n: the penalty's divisor, Σw over the training rows; by default the rows given.
        sample_weight: one weight a row, scaled to mean 1 over the rows given.
        optimizer: a name or an optimizer of :mod:`backlit.optimizers`; with it the updates are recorded.
        learning_rate: takes the place of the optimizer's own.
        steps: how many updates in a row, all rows in each; 1 where an optimizer is given.
        engine: whose pass it is.

    Raises:
        DataError: x or y do not fit the network, or hold a number that is not finite.
        OptionError: an unknown name, or a number out of range.

    >>> net = Network([1, 1, 1], activation="sigmoid", output="sigmoid", seed=0, dtype="float64")
    >>> t = trace(net, [0.5], [1.0], cost="mse")
    >>> bool(t.weight_gradient(2)[0, 0] == t.delta(2)[0, 0] * 0.5)
    True
    """
    from backlit.trace import stepping
    from backlit.training import row_weights

    if not isinstance(net, Network):
        raise OptionError(f"the first argument of trace must be a backlit.Network, not {type(net).__name__}")
    network, note_keys = _without_dropout(net)
    X = _rows_of(x, network)
    goal = objectives.choose(network.activations[-1], cost, l2=l2, n=len(X) if n is None else n)
    Y = targets.encode(network, goal, _targets_of(y, len(X), network), len(X)).Y
    weights = row_weights.mean_one(row_weights.sample_weights(sample_weight, len(X)), "traced").astype(network.dtype)
    chosen = stepping.optimizer(optimizer, learning_rate, steps)
    choice = choose(engine, network, goal, chosen)
    first = Trace(
        network=network,
        objective=goal,
        X=X,
        Y=Y,
        row_weights=weights,
        backward=choice.engine.backward_pass(network, goal, X, Y, weights),
        choice=choice,
        optimizer=chosen,
        note_keys=note_keys,
    )
    return first if chosen is None else stepping.with_steps(first, chosen, 1 if steps is None else steps)


def _without_dropout(net: Network) -> tuple[Network, tuple[str, ...]]:
    """A copy that nobody else changes, and that leaves no neuron out."""
    nothing = Initializer(net.initializer, lambda rng, fan_out, fan_in: np.broadcast_to(0.0, (fan_out, fan_in)))
    *hidden, output = net.activations
    twin = Network(net.sizes, activation=hidden, output=output, initializer=nothing, seed=net.seed, dtype=net.dtype)
    twin.parameters[...] = net.parameters
    dropped = any(net.dropout)
    return twin, ("note.dropout",) * dropped


def _rows_of(x: ArrayLike, network: Network) -> Array:
    values = as_numbers("x", x)
    return as_matrix("x", values[np.newaxis] if values.ndim == 1 else values, network.sizes[0], network.dtype)


def _targets_of(y: ArrayLike, rows: int, network: Network) -> ArrayLike:
    """For one row, y may be the class, or the numbers of the outputs without brackets around the row."""
    values, n_L = as_numbers("y", y), network.sizes[-1]
    if values.ndim == 0:
        if rows > 1:
            raise DataError(f"y is one number, and x has {rows} rows; give one target a row")
        return values.reshape(1)
    if values.ndim == 1 and rows == 1 and len(values) == n_L:
        return values.reshape(1, n_L)
    if values.ndim == 1 and rows == 1 and n_L > 1 and len(values) > 1:
        raise DataError(f"y has {len(values)} numbers; the network has {n_L} outputs (or give the class alone)")
    return values


def has_slope(t: Trace, layer: int) -> bool:
    """Whether the layer's activation has a slope a neuron, or a full Jacobian."""
    return isinstance(t.network.layer(layer).activation, Elementwise)


def _written(content: str, path: StrPath, force: bool) -> str:
    """The content, written to a file too where one is named."""
    if path is not None:
        from backlit.formats import durable

        durable.check_writable(path, force=force)
        durable.write(path, content.encode())
    return content
