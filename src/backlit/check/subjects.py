"""What ``check_gradient`` checks: a function of named arrays as one of a single vector, with its claimed gradient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.errors import DataError
from backlit.notation import Array

STREAM = 1 << 34
"""Of random numbers: far from those that draw networks."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A function of named arrays, as a function of one float64 vector."""

    value: Callable[[Array], float]
    gradient: Array
    x: Array
    parts: tuple[tuple[str, tuple[int, ...]], ...]
    rounding: float
    name: str


def numpy_subject(f: Callable[..., Any], gradient: Any, x: Any) -> Subject:
    """f of arrays, as a function of one float64 vector.

    Raises:
        DataError: x or the gradient is not numbers, not finite, or of the wrong shape.
    """
    arrays, rebuild, names = _parts_of(x)
    flat = np.concatenate([array.ravel() for array in arrays]).astype(np.float64)
    if not np.isfinite(flat).all():
        raise DataError(f"x holds {'NaN' if np.isnan(flat).any() else 'infinity'}; check at a point where f is defined")
    shapes = [array.shape for array in arrays]

    def parts(vector: Array) -> list[Array]:
        cuts = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        return [piece.reshape(shape) for piece, shape in zip(np.split(vector, cuts), shapes, strict=True)]

    name = getattr(f, "__name__", type(f).__name__)
    name = "f" if name == "<lambda>" else name

    def value(vector: Array) -> float:
        return as_number(rebuild(f, parts(vector.copy())), name)

    claimed = rebuild(gradient, parts(flat.copy())) if callable(gradient) else gradient
    single = np.asarray(rebuild(f, parts(flat.copy()))).dtype == np.float32
    return Subject(
        value,
        flatten_gradient(claimed, list(zip(names, shapes, strict=True)), x),
        flat,
        tuple(zip(names, shapes, strict=True)),
        float(np.finfo(np.float32 if single else np.float64).eps) / 2,
        name,
    )


def _parts_of(x: Any) -> tuple[list[NDArray[Any]], Callable[[Any, list[Array]], Any], list[str]]:
    """The arrays in x, how f takes them, and their names."""
    if isinstance(x, Mapping):
        keys = list(x)
        return (
            [_array(x[key], str(key)) for key in keys],
            lambda f, arrays: f(dict(zip(keys, arrays, strict=True))),
            [str(key) for key in keys],
        )
    several = isinstance(x, (list, tuple)) and any(np.ndim(part) > 0 for part in x) and not _is_table(x)
    if several:
        names = [f"x[{i}]" for i in range(len(x))]
        return [_array(part, name) for part, name in zip(x, names, strict=True)], lambda f, arrays: f(*arrays), names
    return [_array(x, "x")], lambda f, arrays: f(arrays[0]), ["x"]


def _is_table(x: Any) -> bool:
    """A list of lists of numbers is one array; a list with arrays in it is several."""
    return not any(isinstance(part, np.ndarray) for part in x)


def _array(values: Any, name: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
        return array if array.dtype.kind == "f" else array.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must be numbers to differentiate by, not {type(values).__name__}") from None


def as_number(result: Any, name: str) -> float:
    """What f returned, if it is one finite number.

    Raises:
        DataError: it is not.
    """
    try:
        array = np.asarray(result, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} returned {type(result).__name__}, not a number; a check needs one number") from None
    if array.size != 1:
        raise DataError(f"{name} returned an array of shape {array.shape}; a check needs one number: sum it")
    number = float(array.reshape(()))
    if not np.isfinite(number):
        what = "NaN" if np.isnan(number) else "infinity"
        raise DataError(f"{name} returned {what} at x or near it; check at a point where it is defined")
    return number


def flatten_gradient(gradient: Any, parts: list[tuple[str, tuple[int, ...]]], x: Any) -> Array:
    """The gradient as one vector, every part of the shape of its own x.

    Raises:
        DataError: a part is missing or has another shape; the transpose is offered where it fits.
    """
    if isinstance(x, Mapping):
        missing = [name for name, _ in parts if not isinstance(gradient, Mapping) or name not in gradient]
        if missing:
            raise DataError(f"the gradient must be a dict like x; it has no {missing[0]!r}")
        given = [gradient[name] for name, _ in parts]
    elif len(parts) == 1:
        given = [gradient]
    elif isinstance(gradient, (list, tuple)) and len(gradient) == len(parts):
        given = list(gradient)
    else:
        raise DataError(f"the gradient must have {len(parts)} parts, one for each of x")
    flat = []
    for (name, shape), value in zip(parts, given, strict=True):
        array = _array(value, f"the gradient by {name}")
        if array.shape != shape:
            hint = "; its transpose fits: give it as .T" if array.shape[::-1] == shape else ""
            raise DataError(f"the gradient by {name} has shape {array.shape}, expected {shape}{hint}")
        if not np.isfinite(array).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise DataError(f"the gradient by {name} is {array[at]} at {at}; it must be a number")
        flat.append(array.astype(np.float64).ravel())
    return np.concatenate(flat)
