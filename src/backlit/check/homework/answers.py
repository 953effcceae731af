"""What someone handed in, brought into shape: quantity → layer → array, each with the digits it was written with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.check.homework import digits
from backlit.check.homework.digits import Written
from backlit.check.homework.world import Key, World
from backlit.check.verdicts import superscript
from backlit.errors import DataError
from backlit.notation import Array

QUANTITIES = (
    "z", "a", "slope", "cost", "delta", "bias_gradient", "weight_gradient", "updated_weight", "updated_bias",
    "weight_change", "bias_change",
)  # fmt: skip
SIGNS = {
    "z": "z", "a": "a", "slope": "σ'(z)", "delta": "δ", "bias_gradient": "∂C/∂b", "weight_gradient": "∂C/∂W",
    "updated_weight": "the updated W", "updated_bias": "the updated b", "cost": "C", "row_cost": "C of each row",
    "output_cost": "C of each output",
}  # fmt: skip


def sign_of(quantity: str, layer: int) -> str:
    """A quantity of a layer as the maths writes it.

    >>> sign_of("delta", 2), sign_of("slope", 3), sign_of("cost", 0)
    ('δ²', "σ'(z³)", 'C')
    """
    return f"σ'(z{superscript(layer)})" if quantity == "slope" else SIGNS[quantity] + superscript(layer)


CHANGES = {"weight_change": "updated_weight", "bias_change": "updated_bias"}
EXTRA_COLUMN = "bias column not dropped"


@dataclass
class Answers:
    """Checked for shape: ``of[quantity, layer]``; the conventions that were seen from shapes; columns too many."""

    of: dict[Key, Written] = field(default_factory=dict)
    conventions: list[str] = field(default_factory=list)
    extra: dict[Key, str] = field(default_factory=dict)


def read(yours: Mapping[str, Any], world: World) -> Answers:
    """Brings the answers into shape.

    Raises:
        DataError: an unknown quantity (those understood are listed), a layer there is none of, a wrong shape (the one
            expected is named, and the transpose offered where it fits), text where a number should be.
    """
    if not isinstance(yours, Mapping) or not yours:
        raise DataError(f"yours must hold at least one quantity by its name; understood are {', '.join(QUANTITIES)}")
    answers = Answers()
    for name, by_layer in yours.items():
        if name not in QUANTITIES:
            nearest = get_close_matches(str(name).lower(), QUANTITIES, n=1, cutoff=0.5)
            hint = f"; did you mean '{nearest[0]}'?" if nearest else ";"
            raise DataError(f"'{name}' is no quantity of a pass{hint} understood are {', '.join(QUANTITIES)}")
        if name == "cost":
            _read_cost(answers, by_layer, world)
            continue
        if not isinstance(by_layer, Mapping) or not by_layer:
            raise DataError(f"{name} must say of which layer each array is, as {{'{name}': {{2: ...}}}}")
        for layer, values in by_layer.items():
            _read_one(answers, name, _layer(layer, name, world), values, world)
    return answers


def _layer(layer: Any, name: str, world: World) -> int:
    try:
        l = int(layer)
    except (TypeError, ValueError):
        l = 0
    if not (2 <= l <= world.L or (l == 1 and name == "a")):
        raise DataError(
            f"{name} is given for layer {layer!r}; this network has layers 2 to {world.L} (layer 1 is the input)"
        )
    return l


def _numbers(what: str, values: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The values, and the texts they were written as if they were texts; None and NaN stand for what is not given."""
    try:
        array = np.asarray(values)
        if array.dtype.kind == "O":
            array = np.array([np.nan if x is None else x for x in array.ravel()]).reshape(array.shape)
        if array.dtype.kind in "US":
            texts = array.astype("U")
            return texts.astype(np.float64), texts
        numbers = array if array.dtype.kind == "f" else array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"{what} must be an array of numbers; text, or rows of different lengths, cannot be read"
        ) from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} must be an array of numbers, not of {array.dtype}")
    if np.isinf(numbers).any():
        at = tuple(int(i) for i in np.argwhere(np.isinf(numbers))[0])
        raise DataError(f"{what} holds infinity at {at}; give the numbers as they are, or NaN where there is none")
    return numbers, None


def _read_cost(answers: Answers, values: Any, world: World) -> None:
    if isinstance(values, Mapping):
        raise DataError("cost has no layers: give one number, one a row, or one a row and output")
    numbers, texts = _numbers("cost", values)
    m, n_L = world.m, world.point.network.sizes[-1]
    shapes = {(): "cost", (1,): "cost", (m,): "row_cost", (m, n_L): "output_cost"}
    if m == 1:
        shapes[(n_L,)] = "output_cost" if n_L > 1 else "cost"
        shapes[(1,)] = "cost"
    quantity = shapes.get(numbers.shape)
    if quantity is None:
        raise DataError(
            f"cost has shape {numbers.shape}; expected one number, ({m},) for the rows, or ({m}, {n_L}) for rows and "
            "outputs"
        )
    shape = {"cost": (), "row_cost": (m,), "output_cost": (m, n_L)}[quantity]
    answers.of[quantity, 0] = digits.read(numbers.reshape(shape), None if texts is None else texts.reshape(shape))


def expected_shape(name: str, l: int, world: World) -> tuple[int, ...]:
    """The shape of a quantity of layer l."""
    n, before = world.point.network.sizes[l - 1], world.point.network.sizes[max(l - 2, 0)]
    if name in ("weight_gradient", "updated_weight"):
        return (n, before)
    return (n,) if name in ("bias_gradient", "updated_bias") else (world.m, n)


def _read_one(answers: Answers, name: str, l: int, values: Any, world: World) -> None:
    quantity = CHANGES.get(name, name)
    what = f"{name} of layer {l}"
    numbers, texts = _numbers(what, values)
    shape = expected_shape(quantity, l, world)
    if numbers.ndim == 1 and len(shape) == 2 and 1 in shape and numbers.size == shape[0] * shape[1]:
        numbers, texts = numbers.reshape(shape), None if texts is None else texts.reshape(shape)
    if len(shape) == 1 and numbers.ndim == 2 and 1 in numbers.shape and numbers.size == shape[0]:
        numbers, texts = numbers.ravel(), None if texts is None else texts.ravel()
    written = digits.read(numbers, texts)
    if numbers.shape != shape:
        written = _other_shape(answers, quantity, l, written, shape, world, what)
    if name in CHANGES:
        before = world.W(l) if name == "weight_change" else world.b(l)
        written = Written(written.values + before, written.unit, written.rounding)
        _say_once(answers, "the change an update makes, in place of what it makes of the parameters")
    answers.of[quantity, l] = written


def _other_shape(
    answers: Answers, quantity: str, l: int, written: Written, shape: tuple[int, ...], world: World, what: str
) -> Written:
    """A bias column, or a bias row nobody dropped; else an error that names the shape expected."""
    found = written.values.shape
    weights = quantity in ("weight_gradient", "updated_weight")
    if weights and found == (shape[0], shape[1] + 1):
        _say_once(answers, "a bias column in the weights' arrays")
        return _split_bias_column(answers, quantity, l, written, world)
    if quantity == "a" and found == (shape[0], shape[1] + 1):
        for ones, rest in ((0, slice(1, None)), (-1, slice(None, -1))):
            if (written.values[:, ones] == 1).all():
                _say_once(answers, "a column of ones for the biases in the activations")
                return _cut(written, (slice(None), rest))
    if quantity == "delta" and found == (shape[0], shape[1] + 1):
        answers.extra[quantity, l] = (
            f"your δ{superscript(l)} has {found[1]} columns for {shape[1]} neurons: you did not drop the bias column"
        )
        return _cut(written, (slice(None), _nearer(written, world.computed(quantity, l), axis=1)))
    if weights and found in ((shape[0] + 1, shape[1] + 1), (shape[0] + 1, shape[1])):
        answers.extra[quantity, l] = (
            f"your {sign_of(quantity, l)} has {found[0]} rows for {shape[0]} neurons: "
            f"you did not drop the bias column of δ{superscript(l)}"
        )
        inner = _cut(written, (slice(None), slice(found[1] - shape[1], None)))
        cut = _cut(written, (_nearer(inner, world.computed(quantity, l), axis=0), slice(None)))
        return cut if cut.values.shape == shape else _split_bias_column(answers, quantity, l, cut, world)
    hint = "; its transpose fits: give it as .T" if found[::-1] == shape else ""
    raise DataError(f"{what} has shape {found}, expected {shape}{hint}")


def _cut(written: Written, where: Any) -> Written:
    return Written(written.values[where], written.unit[where], written.rounding)


def _nearer(written: Written, ours: Array, axis: int) -> slice:
    """Which line is one too many: the first or the last, whichever leaves the rest nearer to a multiple of ours.

    To a multiple, as sums over the rows or a sign may be a convention.
    """
    count = ours.shape[axis]
    first = _distance(np.take(written.values, range(1, count + 1), axis=axis), ours)
    last = _distance(np.take(written.values, range(count), axis=axis), ours)
    return slice(1, None) if first <= last else slice(None, -1)


def _distance(yours: Array, ours: Array) -> float:
    """‖yours - k ours‖ with the best k."""
    x, y = np.nan_to_num(yours).ravel(), np.where(np.isfinite(yours), ours, 0).ravel()
    length = float(y @ y)
    return float(np.linalg.norm(x - (x @ y) / length * y)) if length > 0 else float(np.linalg.norm(x))


def _split_bias_column(answers: Answers, quantity: str, l: int, written: Written, world: World) -> Written:
    kept = _nearer(written, world.computed(quantity, l), axis=1)
    bias = {"weight_gradient": "bias_gradient", "updated_weight": "updated_bias"}[quantity]
    column = 0 if kept.start == 1 else -1
    answers.of.setdefault((bias, l), _cut(written, (slice(None), column)))
    return _cut(written, (slice(None), kept))


def _say_once(answers: Answers, convention: str) -> None:
    if convention not in answers.conventions:
        answers.conventions.append(convention)
