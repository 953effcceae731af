"""What a network is trained towards: y as rows of the output layer's size, and what counts as right."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backlit.activations import Activation
from backlit.data.checks import as_numbers, check_finite, check_lengths
from backlit.errors import DataError, OptionError
from backlit.network import Network
from backlit.notation import Array, Float64Array
from backlit.objective import Objective
from backlit.optimizers.base import check_number


@dataclass(frozen=True, eq=False)
class Targets:
    """Y, (rows, n_L), and ``decision``: how a row's answer is judged.

    ``argmax``: one of n_L classes; ``threshold``: each output a yes or no; None: numbers, judged by cost and R² alone.
    """

    Y: Array
    decision: str | None

    @property
    def strata(self) -> NDArray[np.int64] | None:
        """The class of each row, for splits that keep the shares of the classes; None for anything else."""
        if self.decision == "argmax":
            return self.Y.argmax(axis=1)
        if self.decision == "threshold" and self.Y.shape[1] == 1:
            return (self.Y[:, 0] >= 0.5).astype(np.int64)
        return None


def encode(network: Network, objective: Objective, y: ArrayLike, rows: int, what: str = "y") -> Targets:
    """y as the output layer can be compared with.

    With several outputs, a y of one whole number a row is the number of its class and becomes a one-hot row. Otherwise
    y has one column an output: shares or one-hot rows for cross-entropy, 0 and 1 for binary cross-entropy, counts for
    poisson, numbers for the rest.

    Raises:
        DataError: wrong shape or length, a class the network has no output for, a value the cost cannot take, a
            number that is not finite.
    """
    array = as_numbers(what, y)
    n_L = network.sizes[-1]
    if array.ndim == 0:
        raise DataError(f"{what} is one value; give one a row, {rows} in all")
    check_lengths(what, array, rows)
    check_finite(what, array)
    if array.ndim == 1 and n_L > 1:
        return Targets(_one_hot(array, n_L, network.dtype, what), "argmax")
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or array.shape[1] != n_L:
        raise DataError(f"{what} has shape {array.shape}; the network's output layer takes ({rows}, {n_L})")
    with np.errstate(over="ignore"):
        Y: Array = np.ascontiguousarray(array, dtype=network.dtype)
    check_finite(f"{what} as {Y.dtype}", Y)
    _check_values(objective.cost.name, Y, what)
    return Targets(Y, _decision(network, Y))


def smooth(targets: Targets, objective: Objective, share: float) -> Targets:
    """Y ← (1-ε)Y + ε/K with ε the ``share``: certainty is never asked for. Of a yes or no, K is 2.

    Source: Szegedy and others, *Rethinking the inception architecture*, 2016, section 7.

    Raises:
        OptionError: the share is not a number from 0 up to but not including 1, or the targets are not of classes.

    >>> from backlit import objective
    >>> certain = Targets(np.array([[1.0, 0.0], [0.0, 1.0]]), "argmax")
    >>> smooth(certain, objective.choose("softmax"), 0.2).Y.round(6).tolist()
    [[0.9, 0.1], [0.1, 0.9]]
    """
    check_number("train", "label_smoothing", share, low=0, high=1)
    if not share:
        return targets
    output = objective.output.name
    if output not in ("softmax", "sigmoid"):
        raise OptionError(f"label_smoothing is for classes, by output softmax or sigmoid; the output is {output}")
    number = targets.Y.dtype.type
    each = number(share / (targets.Y.shape[1] if output == "softmax" else 2))
    return Targets(targets.Y * number(1 - share) + each, targets.decision)


def _one_hot(classes: NDArray[np.generic], n_L: int, dtype: np.dtype[np.generic], what: str) -> Array:
    with np.errstate(invalid="ignore"):  # a number beyond int64 becomes some other, and is found
        numbers = classes.astype(np.int64)
    wrong = np.flatnonzero((numbers != classes) | (numbers < 0) | (numbers >= n_L))
    if len(wrong):
        raise DataError(
            f"{what} has {classes[wrong[0]]} at row {wrong[0]}; with {n_L} outputs, a column of classes holds whole "
            f"numbers from 0 to {n_L - 1} (give numbers, not classes, as {n_L} columns)"
        )
    Y = np.zeros((len(numbers), n_L), dtype=dtype)
    Y[np.arange(len(numbers)), numbers] = 1
    return Y


def _check_values(cost: str, Y: Array, what: str) -> None:
    """The targets a cost can be right about."""
    if cost == "poisson":
        _refuse(Y < 0, Y, what, "poisson takes counts, 0 or more")
    if cost in ("binary-cross-entropy", "cross-entropy"):
        _refuse((Y < 0) | (Y > 1), Y, what, f"{cost} takes numbers from 0 to 1")
    if cost == "cross-entropy":
        sums = Y.sum(axis=1)
        wrong = np.flatnonzero(np.abs(sums - 1) > 1e-5)
        if len(wrong):
            raise DataError(
                f"{what} sums to {sums[wrong[0]]:g} at row {wrong[0]}; cross-entropy takes one-hot rows, or shares "
                "that sum to 1 (several classes at once: output sigmoid with binary-cross-entropy)"
            )


def check_reach(output: Activation, Y: Array, what: str = "y") -> None:
    """Raises DataError unless σ_L can come near the targets: trained towards 7, a sigmoid only learns to be large."""
    if output.lowest > -np.inf or output.highest < np.inf:
        reach = f"{output.lowest:g} and up" if output.highest == np.inf else f"{output.lowest:g} to {output.highest:g}"
        beyond = (Y < output.lowest) | (Y > output.highest)
        _refuse(beyond, Y, what, f"output {output.name} only reaches {reach}: scale the targets, or use identity")


def check_varies(targets: Targets, weights: Float64Array, what: str = "y") -> None:
    """Raises DataError where every row that counts has the same target: there is nothing to learn from that.

    A single row is spared: it is how a pass is worked through by hand.
    """
    Y = targets.Y[weights > 0]
    if len(Y) > 1 and bool((Y == Y[0]).all()):
        same = f"class {int(Y[0].argmax())}" if targets.decision == "argmax" else f"{Y[0].tolist()}"
        raise DataError(f"{what} is {same} in all of its {len(Y)} rows: give rows with different targets to learn from")


def _refuse(bad: NDArray[np.bool_], Y: Array, what: str, takes: str) -> None:
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"{what} has {Y[row, column]:g} at row {row}, column {column}; {takes}")


def _decision(network: Network, Y: Array) -> str | None:
    output = network.activations[-1].name
    if output == "softmax":
        return "argmax"
    zero_one = output == "sigmoid" and bool(np.isin(Y, (0, 1)).all())
    if not zero_one:
        return None
    one_hot = Y.shape[1] > 1 and bool((Y.sum(axis=1) == 1).all())
    return "argmax" if one_hot else "threshold"
