"""What :func:`backlit.rows` was given, checked and put into the form that trainings take."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backlit import objective as objectives
from backlit.costs import Cost
from backlit.data import scaling
from backlit.data import targets as target_encoding
from backlit.data.checks import as_matrix, as_numbers, check_finite, check_lengths
from backlit.data.dataset import as_target
from backlit.data.labels import infer_task
from backlit.data.targets import Targets
from backlit.engines import TrainingData
from backlit.errors import DataError, OptionError, unknown_option
from backlit.network import Network
from backlit.notation import Array, Float64Array
from backlit.objective import Objective
from backlit.training import row_weights
from backlit.training.row_weights import ClassWeight

OUTPUT_OF_TASK = {"classes": "softmax", "labels": "sigmoid", "numbers": "identity"}

WIDTH = 256
DROPOUT_OF_TASK = {"classes": 0.5, "labels": 0.5, "numbers": 0.1}
FEW_COLUMNS = 200
"""Up to which the network gets a second hidden layer: measured to help there, and to take too long beyond."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The network to make others like, its objective, the data, and how to say what is found in the user's terms."""

    network: Network
    objective: Objective
    data: TrainingData
    task: str
    labels: NDArray[Any]
    classes: tuple[Any, ...]
    target_offset: Float64Array
    target_scale: Float64Array


def understand(
    X: ArrayLike, y: ArrayLike, network: Network | None, task: str | None, standardise: bool | None,
    cost: str | Cost | None, l2: float, sample_weight: ArrayLike | None, class_weight: ClassWeight,
) -> Asked:  # fmt: skip
    """All of it; see :func:`backlit.rows`.

    Raises:
        OptionError, DataError: as there.
    """
    if network is None:
        network, matrix, targets, labels, classes, offset, scale = _by_the_data(X, y, task, standardise)
    elif isinstance(network, Network):
        chosen = objectives.choose(network.activations[-1], cost, l2=l2)
        matrix = as_matrix("X", X, network.sizes[0], network.dtype)
        targets = target_encoding.encode(network, chosen, y, len(matrix))
        target_encoding.check_reach(chosen.output, targets.Y)
        labels, classes = _as_given(targets)
        offset, scale = np.zeros(targets.Y.shape[1]), np.ones(targets.Y.shape[1])
    else:
        raise OptionError(f"network must be a backlit.Network, not {type(network).__name__}")
    weights = row_weights.sample_weights(sample_weight, len(matrix))
    target_encoding.check_varies(targets, weights)
    weights = weights * row_weights.class_weights(class_weight, targets)
    objective = objectives.choose(network.activations[-1], cost, l2=l2, n=max(float(weights.sum()), 1e-300))
    tilde = row_weights.mean_one(weights, "training").astype(network.dtype)
    data = TrainingData(matrix, targets.Y, tilde, targets.decision)
    return Asked(network, objective, data, task_of(targets), labels, classes, offset, scale)


def task_of(targets: Targets) -> str:
    """classes, labels or numbers."""
    if targets.decision is None:
        return "numbers"
    return "labels" if targets.strata is None else "classes"


def _as_given(targets: Targets) -> tuple[NDArray[Any], tuple[Any, ...]]:
    strata = targets.strata
    if strata is not None:
        return strata, tuple(range(max(targets.Y.shape[1], 2)))
    columns = targets.Y.shape[1]
    return (targets.Y[:, 0] if columns == 1 else targets.Y), tuple(range(columns))


def _by_the_data(
    X: ArrayLike, y: ArrayLike, task: str | None, standardise: bool | None
) -> tuple[Network, Array, Targets, NDArray[Any], tuple[Any, ...], Any, Any]:
    """A network of the kind that was found to judge rows best, and the data as it takes them."""
    raw = as_numbers("X", X)
    if raw.ndim < 2 or not raw.size:
        raise DataError(f"X must be a table of rows × columns, or images; it has shape {raw.shape}")
    raw = raw.reshape(len(raw), -1)
    check_finite("X", raw)
    target = as_target(y, "y")
    check_lengths("y", target, len(raw))
    check_finite("y", target)
    task = infer_task(target) if task is None else task
    if task not in OUTPUT_OF_TASK:
        raise unknown_option("task", task, OUTPUT_OF_TASK)
    _check_kind(target, task)
    classes: tuple[Any, ...] = ()
    offset, scale = np.zeros(1), np.ones(1)
    if task == "classes":
        names, numbers = np.unique(target, return_inverse=True)
        if len(names) < 2:
            raise DataError(
                f"y is {names[0].item()!r} in all of its {len(target)} rows: give rows with different targets"
            )
        classes = tuple(names.tolist())
        decision: str | None = "argmax"
        Y = np.eye(len(names), dtype=np.float32)[numbers.ravel()]
    else:
        table = target.reshape(len(target), -1).astype(np.float64)
        classes = tuple(range(table.shape[1]))
        decision = "threshold" if task == "labels" else None
        if task == "numbers":
            offset, scale = scaling.standard(table, "y")
        Y = ((table - offset) / scale).astype(np.float32)
    hidden = [WIDTH] * (2 if raw.shape[1] <= FEW_COLUMNS else 1)
    network = Network([raw.shape[1], *hidden, Y.shape[1]], output=OUTPUT_OF_TASK[task], dropout=DROPOUT_OF_TASK[task])
    X_scaled = _scaled(raw, standardise)
    return network, X_scaled, Targets(Y, decision), target, classes, offset, scale


def _check_kind(target: NDArray[Any], task: str) -> None:
    """Raises DataError unless such targets can be of the task."""
    if task == "classes" and target.ndim != 1:
        raise DataError(f"y has {target.shape[1]} columns; classes are one a row")
    if task != "classes" and target.dtype.kind == "U":
        raise DataError(f"y is text, which is classes and cannot be {task}")
    if task == "labels" and not np.isin(target, (0, 1)).all():
        raise DataError("labels are 0 or 1, and y has other numbers; take the task classes or numbers")


def _scaled(raw: NDArray[Any], standardise: bool | None) -> Array:
    """Standardised column by column; None: unless all of it lies between 0 and 1, as pixels do."""
    if standardise is False or (standardise is None and raw.min() >= 0 and raw.max() <= 1):
        return raw.astype(np.float32)
    offset, scale = scaling.standard(raw.astype(np.float64), "X")
    return ((raw - offset) / scale).astype(np.float32)
