"""Offset and scale of columns of numbers, from the training rows: (x - offset) / scale is what the network sees."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from backlit.activations import Activation
from backlit.errors import DataError
from backlit.notation import Array, Float64Array, IndexArray

MOST_LOG = 300.0
"""An answer beyond is held there, where its exponential is still a number."""


def standard(X: Array, what: str) -> tuple[Float64Array, Float64Array]:
    """Mean and standard deviation of each column; of a constant one its value and 1, so that it is encoded as 0.

    Raises:
        DataError: a column's numbers are too far apart for either to be finite.
    """
    constant = X.max(axis=0) == X.min(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        offset: Float64Array = np.where(constant, X[0], X.mean(axis=0, dtype=np.float64))
        scale: Float64Array = np.where(constant, 1.0, X.std(axis=0, dtype=np.float64))
    return _checked(offset, scale, f"{what} has numbers too far apart to standardise")


def standard_of_blocks(blocks: Callable[[], Iterable[Array]], what: str) -> tuple[Float64Array, Float64Array]:
    """As :func:`standard`, of rows that come block by block, twice: sums of sums differ in their last digits.

    Raises:
        DataError: as :func:`standard`.
    """
    count = 0
    total: Any = 0.0
    low: Any = np.inf
    high: Any = -np.inf
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks():
            count += len(block)
            total = total + block.sum(axis=0, dtype=np.float64)
            low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
        offset: Float64Array = np.where(low == high, low, total / count).astype(np.float64)
        squares: Any = 0.0
        for block in blocks():
            squares = squares + np.square(block - offset).sum(axis=0)
        scale: Float64Array = np.where(low == high, 1.0, np.sqrt(squares / count))
    return _checked(offset, scale, f"{what} has numbers too far apart to standardise")


def within_reach(
    table: Float64Array, rows: IndexArray, output: Activation, what: str
) -> tuple[Float64Array, Float64Array]:
    """Offset and scale that bring the targets of the training rows to where the output layer can answer.

    An output between two ends (sigmoid, tanh): the smallest target is encoded as the lower, the largest as the upper.
    One with a lower end alone (relu, softplus, elu): 0 stays 0, and the targets are divided by their root mean square,
    or by more where the smallest would lie below that end. The exponential's are counts, taken as they are. Any other:
    as :func:`standard`.

    Raises:
        DataError: a target, of whichever row, is below 0 for an output that never is; numbers too far apart.
    """
    train = table[rows]
    low, high = train.min(axis=0), train.max(axis=0)
    if output.lowest == -np.inf:
        return standard(train, what)
    if output.highest < np.inf:
        with np.errstate(over="ignore", invalid="ignore"):
            scale = np.where(high > low, high - low, 1.0) / (output.highest - output.lowest)
            offset = low - output.lowest * scale
        return _checked(offset, scale, f"{what} has numbers too far apart for output {output.name}")
    nothing, one = np.zeros(table.shape[1]), np.ones(table.shape[1])
    if output.lowest == 0:
        _check_not_negative(table, output, what)
    if output.name == "exponential":
        return nothing, one
    largest = np.maximum(-low, high)
    largest[largest == 0] = 1
    scale = largest * np.sqrt(np.mean((train / largest) ** 2, axis=0))
    if output.lowest < 0:
        scale = np.maximum(scale, low / output.lowest)
    return _checked(nothing, scale, what)


def log_units(train: Float64Array) -> Float64Array:
    """The unit of each column's logarithm: the size below which it is counted plainly, a tenth of the median size."""
    sizes = np.abs(train)
    units = [np.median(column[column > 0]) / 10 if column.any() else 1.0 for column in sizes.T]
    return np.maximum(units, np.finfo(np.float64).tiny)


def to_log(y: Float64Array, units: Float64Array) -> Float64Array:
    """sign(y) ln(1 + |y|/unit), column by column: nearly a logarithm far from 0, and a number for every y.

    Columns whose unit is 0, and all of them where there are no units, stay as they are.

    >>> y = np.array([[-5.0, 3.0], [1e6, 4.0]])
    >>> from_log(to_log(y, np.array([10.0, 0.0])), np.array([10.0, 0.0])).round(6).tolist()
    [[-5.0, 3.0], [1000000.0, 4.0]]
    """
    if not units.any():
        return y
    safe = np.where(units > 0, units, 1)
    return np.where(units > 0, np.sign(y) * np.log1p(np.abs(y) / safe), y)


def from_log(t: Float64Array, units: Float64Array) -> Float64Array:
    """What :func:`to_log` made t of: sign(t) unit (e^|t| - 1)."""
    if not units.any():
        return t
    size = np.minimum(np.abs(t), MOST_LOG)
    return np.where(units > 0, np.sign(t) * units * np.expm1(np.where(units > 0, size, 0)), t)


def _checked(offset: Float64Array, scale: Float64Array, otherwise: str) -> tuple[Float64Array, Float64Array]:
    wide = np.flatnonzero(~(np.isfinite(offset) & np.isfinite(scale)))
    if len(wide):
        raise DataError(f"{otherwise} in column {wide[0]}; bring them nearer to 0")
    scale[scale == 0] = 1  # numbers so close that their variance is below the smallest number
    return offset, scale


def _check_not_negative(table: Float64Array, output: Activation, what: str) -> None:
    if table.min() < 0:
        row, column = (int(i) for i in np.unravel_index(table.argmin(), table.shape))
        place = f"row {row}" if table.shape[1] == 1 else f"row {row}, column {column}"
        raise DataError(
            f"{what} goes down to {table[row, column]:g} (in {place}), and output {output.name} never goes below 0: "
            "take output identity"
        )
