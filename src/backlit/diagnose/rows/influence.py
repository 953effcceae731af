"""Which training rows pushed a prediction up or down, from snapshots of θ along the training.

One step of gradient descent on row i moves θ by -(η/m) w̃_i ∇C_i, and so the cost of another row x, to first order, by
-(η/m) w̃_i ⟨∇C_i, ∇C_x⟩. Summed over snapshots k, each standing for the e_k epochs since the one before it:

    influence of row i on row x = Σ_k e_k (η_k / m) w̃_i ⟨∇C_i, ∇C_x⟩(θ_k),

how much C_x is lower for row i, in units of the cost. The inner products are factored (:mod:`.gradients`): one pass of
the training rows a snapshot, no gradient formed. Where x has no target its prediction takes the target's place.

It is first order, it knows the rows' own pushes and not how they enable each other's, and passes are without dropout.
In the last, short batch of an epoch rows push harder, by m over the rows in it, which is left out of account.
With momentum steps are up to 1/(1 - μ) times as long; adam and rmsprop scale each parameter's step, which the inner
product does not: there the order of the rows is what counts, not the units.
Source: Pruthi et al., *Estimating training data influence by tracing gradient descent*, 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backlit import equations
from backlit import objective as objectives
from backlit.costs import Cost
from backlit.data import targets as target_encoding
from backlit.data.checks import as_matrix
from backlit.diagnose.rows import gradients, tables
from backlit.diagnose.rows.gradients import RowPass
from backlit.diagnose.rows.snapshots import Snapshots
from backlit.engines import Engine, choose
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.notation import Array, Float64Array, IndexArray
from backlit.objective import Objective

SHOWN = 5


@dataclass(frozen=True, eq=False)
class Influence:
    """What each training row did to the answer to one row.

    ``rows`` are the training rows, as numbers of the data as given; ``score`` (rows,) how much each pushed ``what`` up
    (above 0) or down; ``label`` their targets as given; ``explained`` the row's number, None for one from elsewhere.
    """

    rows: IndexArray
    score: Float64Array
    label: NDArray[Any]
    what: str
    snapshots: int
    optimizer: str
    explained: int | None = None

    def up(self, count: int = SHOWN) -> IndexArray:
        """The rows that pushed it up most, the strongest first."""
        order = np.argsort(-self.score, kind="stable")[:count]
        return self.rows[order[self.score[order] > 0]]

    def down(self, count: int = SHOWN) -> IndexArray:
        """The rows that pushed it down most, the strongest first."""
        order = np.argsort(self.score, kind="stable")[:count]
        return self.rows[order[self.score[order] < 0]]

    @property
    def columns(self) -> dict[str, Any]:
        """The table's columns, the rows that pushed it up most first."""
        order = np.argsort(-self.score, kind="stable")
        label = self.label if self.label.ndim == 1 else tables.joined(self.label)
        return {"index": self.rows[order], "influence": self.score[order], "label": label[order]}

    def to_polars(self) -> Any:
        """The table as a polars DataFrame."""
        return tables.frame(self.columns)

    def write(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """The table as a .csv or .parquet file.

        Raises:
            OptionError: the path ends in neither.
            OutputPathError: the file exists and ``force`` is not set, or cannot be written.
        """
        tables.write(self.columns, path, force=force)

    def to_dict(self, rows: int | None = None) -> dict[str, Any]:
        """Plain data for JSON: the ``rows`` strongest either way (None: all)."""
        found = {name: values.tolist() for name, values in self.columns.items()}
        table = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
        kept = table if rows is None or 2 * rows >= len(table) else table[:rows] + table[-rows:]
        return {"row": self.explained, "what": self.what, "snapshots": self.snapshots, "table": kept}

    def __str__(self) -> str:
        of = dict(zip(self.rows.tolist(), zip(self.score.tolist(), self.label.tolist(), strict=True), strict=True))
        lines = [f"{self.what}: what {len(self.rows):,} training rows did to it, over {self.snapshots} snapshots"]
        for way, rows in (("up", self.up()), ("down", self.down())):
            lines.append(f"pushed it {way}" if len(rows) else f"no row pushed it {way}")
            lines += [f"  row {row}  {of[row][0]:+.4g}  label {of[row][1]}" for row in rows.tolist()]
        if self.optimizer not in ("sgd", "lbfgs"):
            lines.append(f"({self.optimizer} scales each parameter's step: the order counts, not the units)")
        return "\n".join(lines)


def influence(
    snapshots: Snapshots,
    X: ArrayLike,
    y: ArrayLike,
    x: int | ArrayLike,
    y_x: Any = None,
    *,
    output: int = 0,
    classes: Sequence[Any] | None = None,
    cost: str | Cost | None = None,
    engine: str | Engine = "auto",
) -> Influence:
    """Σ_k e_k (η_k / m) w̃_i ⟨∇C_i, ∇C_x⟩(θ_k): which training rows pushed the answer to one row up or down.

    Args:
        snapshots: of the training: a callback it was given.
        X, y: as the training was given them; rows it held out are left out here, too.
        x: the row: a number of X's, or its features, (n_1,).
        y_x: its target: the answer to judge is -C_x. None: the network's own prediction, the class it says or the
            number it gives; of a training row as well.
        output: which, where the network gives several numbers and ``y_x`` is None.
        classes: what to call the classes 0, 1, …
        cost: of the training, where it was one of your own.
        engine: ``"auto"`` takes the fastest.

    Raises:
        OptionError: no snapshots were kept, or there is no such output.
        DataError: the data are not those of the training, or there is no such row.

    Takes a pass there and back of all rows a snapshot.

    >>> import backlit as bl
    >>> X, y = bl.data.load("digits")
    >>> kept = bl.rows.Snapshots()
    >>> run = bl.train(bl.Network([64, 20, 10], output="softmax"), X, y, epochs=5, callbacks=[kept])
    >>> found = bl.rows.influence(kept, X, y, 0)
    >>> found.what, set(y[found.up(20)].tolist())
    ('row 0 is class 0', {0})
    """
    network = snapshots.network
    objective = objectives.choose(network.activations[-1], snapshots.cost if cost is None else cost)
    chosen = choose(engine, network, objective).engine
    matrix = as_matrix("X", X, network.sizes[0], network.dtype)
    targets = target_encoding.encode(network, objective, y, len(matrix))
    rows = np.arange(len(matrix)) if snapshots.train_rows is None else snapshots.train_rows
    if snapshots.row_weights is None or len(snapshots.row_weights) != len(rows) or rows.max(initial=-1) >= len(matrix):
        raise DataError(f"X has {len(matrix):,} rows, which are not those of the training that the snapshots are of")
    number, features = _row(x, matrix, network)
    wanted, what = _target(chosen, network, objective, features, y_x, targets.decision, output, number, classes)
    data_X, data_Y = (matrix, targets.Y) if snapshots.train_rows is None else (matrix[rows], targets.Y[rows])
    score: Float64Array = np.zeros(len(rows))
    before = 0
    for snapshot in snapshots:
        network.parameters[...] = snapshot.parameters
        if wanted is None:
            of_x = _pass_of_number(chosen, network, features, output)
        else:
            _, of_x = next(gradients.row_passes(chosen, network, objective, features, wanted))
        step = (snapshot.epoch - before) * snapshot.learning_rate / snapshots.batch_size
        for part, passed in gradients.row_passes(chosen, network, objective, data_X, data_Y):
            score[part] += step * gradients.inner_products(passed, of_x)[:, 0]
        before = snapshot.epoch
    score *= snapshots.row_weights
    label = np.asarray(y)[rows]
    label = label[:, 0] if label.ndim == 2 and label.shape[1] == 1 else label
    strata = targets.strata
    if classes is not None and strata is not None:
        label = np.array(classes)[strata[rows]]
    return Influence(rows, score, label, what, len(snapshots), snapshots.optimizer, number)


def _row(x: int | ArrayLike, matrix: Array, network: Network) -> tuple[int | None, Array]:
    if isinstance(x, (int, np.integer)) and not isinstance(x, bool):
        if not 0 <= x < len(matrix):
            raise DataError(f"there is no row {x}: there are {len(matrix):,}, numbered from 0")
        return int(x), matrix[int(x) : int(x) + 1]
    features = np.asarray(x)
    features = as_matrix("x", features[np.newaxis] if features.ndim == 1 else features, network.sizes[0], network.dtype)
    if len(features) != 1:
        raise DataError(f"x has {len(features)} rows; influence is on one row at a time")
    return None, features


def _target(
    engine: Engine, network: Network, objective: Objective, features: Array, y_x: Any, decision: str | None,
    output: int, number: int | None, classes: Sequence[Any] | None,
) -> tuple[Array | None, str]:  # fmt: skip
    """The target that stands for the answer, None for a number itself; and the answer in words."""
    row = "the row" if number is None else f"row {number}"
    n_L = network.sizes[-1]
    if y_x is not None:
        given = np.asarray(y_x)
        target = target_encoding.encode(network, objective, given[np.newaxis], 1, "y_x").Y
        return target, f"{row} fits its target {given.tolist()}"
    a = engine.predict(network, features)
    if decision == "argmax":
        k = int(a[0].argmax())
        return np.eye(n_L, dtype=network.dtype)[[k]], f"{row} is {_class(k, classes)}"
    if decision == "threshold":
        said = (a >= 0.5).astype(network.dtype)
        words = _class(int(said[0, 0]), classes) if n_L == 1 else f"{said[0].astype(int).tolist()}"
        return said, f"{row} is {words}"
    if not isinstance(output, (int, np.integer)) or not 0 <= output < n_L:
        raise OptionError(f"there is no output {output!r}: they are numbered from 0 to {n_L - 1}")
    name = f"output {output} of {row}" if n_L > 1 else f"the answer to {row}"
    return None, f"{name} is {a[0, output]:.4g}"


def _class(k: int, classes: Sequence[Any] | None) -> str:
    return f"class {k}" if classes is None else f"{classes[k]}"


def _pass_of_number(engine: Engine, network: Network, features: Array, output: int) -> RowPass:
    """δ of -a^L_j, whose lowering is the number's rising: BP1 with ∂C/∂a = -1, then BP2."""
    forward = engine.forward_pass(network, features)
    L = network.L
    slope = np.zeros_like(forward.output)
    slope[:, output] = -1
    delta = {L: network.activations[-1].pull_back(slope, forward.z[L], forward.sigma[L])}
    for layer, after in zip(reversed(network.layers[:-1]), reversed(network.layers[1:]), strict=True):
        l = layer.number
        delta[l] = equations.backpropagate_error(
            delta[l + 1], after.W, layer.activation, forward.z[l], forward.sigma[l]
        )
    return RowPass(forward.a, delta, -forward.output[:, output])
