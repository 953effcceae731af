"""``bl.trace``: a pass recorded, and every face that its record has."""

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backlit import objective as objectives
from backlit.costs import Cost
from backlit.data import targets
from backlit.data.checks import as_matrix, as_numbers
from backlit.engines import Engine, choose
from backlit.errors import DataError, OptionError
from backlit.initializers import Initializer
from backlit.network import Network
from backlit.notation import Array
from backlit.optimizers import Optimizer
from backlit.trace import explain as explaining
from backlit.trace import stepping
from backlit.trace.channels import Channels, channels
from backlit.trace.explain import Explanation
from backlit.trace.record import Record
from backlit.training import row_weights

StrPath = str | PathLike[str] | None


@dataclass(frozen=True, eq=False)
class Trace(Record):
    """A record with its faces: explanations, channels, terminal, page, LaTeX, JSON, words.

    Every number is in :class:`Record`, which knows nothing of how it is shown; this class adds no number to it.
    """

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
    ) -> Explanation:
        """How one number came to be: its formula, the same with this pass's numbers, its factors, its neighbours.

        Args:
            quantity: cost, penalty, row_cost, x, y, W, b, z, a, slope (σ'), dC_da, delta, weight (∂C/∂W), bias (∂C/∂b),
                update_weight, update_bias.
            layer: from 1; j or neuron, k: the neuron and the input, from 0; row: needed only where there are several.
            notation: backlit, nielsen, ng or previous-layer.

        Raises:
            OptionError: there is no such number, or no such notation.
        """
        at = self.address(quantity, layer, j if neuron is None else neuron, k=k, row=row)
        return explaining.explain(self, at, notation)

    def channels(self, kind: str, layer: int = 1, j: int = 0, k: int | None = None, **options: Any) -> Channels:
        """Every path by which a weight, bias, activation or input reaches the cost: see :mod:`backlit.trace.channels`.

        Raises:
            OptionError: there is no such number.
        """
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
        from backlit.trace.words.telling import tell

        return tell(self, lang=lang, voice=voice)

    def __str__(self) -> str:
        from backlit.trace.render import terminal

        return terminal.text(self)


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


def _written(content: str, path: StrPath, force: bool) -> str:
    """The content, written to a file too where one is named."""
    if path is not None:
        from backlit.formats import durable

        durable.check_writable(path, force=force)
        durable.write(path, content.encode())
    return content
