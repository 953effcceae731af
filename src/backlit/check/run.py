"""``bl.check``: one call from a network and rows of data to a verdict."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from backlit import engines
from backlit import objective as objectives
from backlit.check import finite_differences, projections
from backlit.check.probes import Point
from backlit.check.verdicts import Report
from backlit.costs import Cost
from backlit.data import targets
from backlit.data.checks import as_matrix
from backlit.engines import Engine
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.training import row_weights

WORK_AT_ONCE = 3e10
"""Multiplications a full check may cost before random directions take its place: some seconds on one core."""


def check(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cost: str | Cost | None = None,
    l2: float = 0.0,
    n: float | None = None,
    sample_weight: ArrayLike | None = None,
    rows: Sequence[int] | None = None,
    engine: str | Engine = "reference",
    all: bool = False,
    seed: int = 0,
) -> Report:
    """Backpropagation against finite differences, number by number: pass, fail or undecidable.

    Both sides are computed in float64 whatever the network's dtype; dropout is off. Checked are z and C (feed forward),
    δ (BP1, BP2), ∂C/∂b (BP3), ∂C/∂W (BP4 and the penalty) and ∂C/∂x. Each number's tolerance is the error of its own
    difference formula: truncation, estimated, and rounding, bounded.

    Args:
        net: the network. It is not changed.
        X: rows of inputs, (rows, n_1).
        y: targets, as for :func:`backlit.train`.
        cost: None takes the output activation's own.
        l2: λ.
        n: Σw over the training rows, the penalty's divisor; None takes the rows given.
        sample_weight: a weight a row.
        rows: numbers of the rows to take; None takes all.
        engine: whose backward pass is checked; it must be able to run in float64.
        all: every parameter, whatever it costs; otherwise a network too large for that is checked along random
            directions, and the report says what they can miss.
        seed: of the random directions.

    Raises:
        OptionError: an option cannot be used. DataError: the data cannot be used.

    >>> import backlit as bl
    >>> X, y = bl.data.load("iris")
    >>> report = bl.check(bl.Network([4, 5, 3], output="softmax"), X, y, rows=range(10))
    >>> report.passed, report.undecidable
    (True, 0)
    """
    point = point_of(net, X, y, cost=cost, l2=l2, n=n, sample_weight=sample_weight, rows=rows)
    chosen = engines.choose(engine, point.network, point.objective).engine
    subject = f"backpropagation ({chosen.name} engine) against finite differences, {len(point.X):,} rows"
    if not all and work(point) > WORK_AT_ONCE:
        return projections.check_directions(point, chosen, subject, seed)
    return finite_differences.check_all(point, chosen, subject)


def point_of(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    cost: str | Cost | None,
    l2: float,
    n: float | None,
    sample_weight: ArrayLike | None,
    rows: Sequence[int] | None = None,
) -> Point:
    """The point to check at, in float64, after every input has been checked."""
    if not isinstance(net, Network):
        raise OptionError(f"the first argument must be a backlit.Network, not {type(net).__name__}")
    twin = net.copy("float64")
    bad = np.flatnonzero(~np.isfinite(twin.parameters))
    if len(bad):
        raise DataError(f"{len(bad)} parameters of the network are not finite; a check needs a network that computes")
    matrix = as_matrix("X", X, net.sizes[0], np.float64)
    objective = objectives.choose(net.activations[-1], cost)
    Y = targets.encode(twin, objective, y, len(matrix)).Y
    w = row_weights.sample_weights(sample_weight, len(matrix))
    if rows is not None:
        chosen = _rows(rows, len(matrix))
        matrix, Y, w = matrix[chosen], Y[chosen], w[chosen]
    objective = objectives.choose(net.activations[-1], cost, l2=l2, n=float(w.sum()) if n is None else n)
    return Point(twin, objective, matrix, Y.astype(np.float64), row_weights.mean_one(w, "the checked rows"))


def _rows(rows: Sequence[int], count: int) -> np.ndarray:
    chosen = np.asarray(list(rows))
    if not chosen.size or chosen.dtype.kind not in "iu":
        raise OptionError("rows must be numbers of rows, as range(10), and at least one")
    wrong = chosen[(chosen < 0) | (chosen >= count)]
    if len(wrong):
        raise DataError(f"there is no row {wrong[0]}: X has {count:,} rows, numbered from 0 to {count - 1:,}")
    return chosen


def work(point: Point) -> float:
    """Multiplications of a full check."""
    sizes, total = point.network.sizes, 0.0
    above = 0.0  # weights from layer l+2 up
    for l in range(point.network.L, 0, -1):
        next_column = sizes[l] if l < point.network.L else sizes[-1]
        total += 4 * len(point.X) * sizes[l - 1] * (above + 8 * next_column)
        above += sizes[l] * sizes[l - 1] if l < point.network.L else 0
    return total
