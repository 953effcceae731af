"""``bl.check_gradient``: the gradient of any function, NumPy's or PyTorch's, against finite differences.

Nothing is known of the function, so its pieces cannot be compared. How far rounding carries it is measured; the step is
chosen by the quotient's own error. Then the slopes of the two sides are looked at: if they stay apart however near one
comes, the function bends there, and there is nothing to decide.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.check.projections import MISSED, surely_found
from backlit.check.subjects import STREAM, Subject, numpy_subject
from backlit.check.torch_functions import torch_subject
from backlit.check.verdicts import QuantityCheck, Report, compare
from backlit.errors import DataError, OptionError
from backlit.notation import Array
from backlit.randomness import initial_generator

EVERY_ONE = 4000
"""Up to so many numbers each is checked; more are checked along random directions."""
DIRECTIONS = 32
WIDEST_STEP = 1e-2
NEARER = 64.0
RATIO, LEVELS = 4.0, 12
NARROW_ENOUGH = 1e-7
NOISE_POINTS = 7


def check_gradient(
    f: Callable[..., Any],
    gradient: Any,
    x: Any,
    *,
    all: bool = False,
    seed: int = 0,
) -> Report:
    """∂f/∂x as you have it against (f(x + h) - f(x - h)) / 2h: pass, fail or undecidable, number by number.

    Args:
        f: takes x, returns one number. With PyTorch: a module or any function of tensors, of any output; the sum of the
            outputs with fixed random weights is checked.
        gradient: ∂f/∂x of x's shape, or a function of x that returns it. None takes PyTorch's autograd, so that a
            backward pass of your own (``autograd.Function``) is what is checked; of a module, its parameters as well.
        x: an array, a tensor, or several of them in a list (f takes them as arguments) or a dict (f takes the dict).
        all: every number, however many; otherwise more than 4,000 are checked along random directions.
        seed: of the directions and of the weights of the outputs.

    Raises:
        DataError: f gives no number, NaN, or another number the second time; the gradient has another shape than x.

    >>> report = check_gradient(lambda w: np.sum(w**3), lambda w: 3 * w**2, np.array([1.0, -2.0]))
    >>> report.passed
    True
    >>> check_gradient(lambda w: np.sum(w**3), lambda w: 2 * w**2, np.array([1.0, -2.0])).answer
    'fail'
    """
    if not callable(f):
        raise OptionError(f"the first argument must be a function, not {type(f).__name__}")
    if gradient is None or _is_torch(x) or _is_torch(f):
        subject = torch_subject(f, gradient, x, seed)
    else:
        subject = numpy_subject(f, gradient, x)
    return check_subject(subject, all, seed)


def check_subject(subject: Subject, all: bool, seed: int) -> Report:
    """The check itself."""
    start = perf_counter()
    count = _Counter(subject.value)
    first, second = count(subject.x), count(subject.x)
    if first != second:
        raise DataError(
            f"{subject.name} is not deterministic: the same x gave {first:.17g} and then {second:.17g}; fix its seed, "
            "switch dropout off (module.eval())"
        )
    noise = _noise(count, subject, first, seed)
    if all or subject.x.size <= EVERY_ONE:
        quantities = _every_number(count, subject, noise)
        notes: tuple[str, ...] = ()
    else:
        along, found = _directions(count, subject, noise, seed)
        quantities, sure = [along], ""
        if found is not None:
            sure = f", and an error of norm {found:.1e} is missed with probability below {MISSED:g}"
        directions = f"{DIRECTIONS} random directions instead of every one"
        notes = (f"{subject.x.size:,} numbers: {directions}{sure}; all=True checks each",)
    price = f"price: {count.calls:,} evaluations of {subject.name} in {perf_counter() - start:.2g} s"
    return Report(f"the gradient of {subject.name}", tuple(quantities), None, (*notes, price))


class _Counter:
    """The function, its evaluations counted and its values checked."""

    def __init__(self, f: Callable[[Array], float]) -> None:
        self.f, self.calls = f, 0

    def __call__(self, x: Array) -> float:
        self.calls += 1
        return self.f(x)


@dataclass(frozen=True)
class _Slope:
    value: float
    bound: float
    bends: str


def _every_number(f: _Counter, subject: Subject, noise: float) -> list[QuantityCheck]:
    size = np.abs(subject.x)
    here = f(subject.x)
    typical = float(np.sqrt(np.mean(subject.x**2))) if subject.x.size else 1.0
    slopes = []
    for i in range(subject.x.size):

        def along(t: float, i: int = i) -> float:
            moved = subject.x.copy()
            moved[i] += t
            return f(moved)

        slopes.append(_slope(along, here, subject.gradient[i], max(size[i], 0.1 * typical, 1e-3), noise))
    found, start = [], 0
    for name, shape in subject.parts:
        count = int(np.prod(shape))
        part = slopes[start : start + count]
        found.append(_compare(f"∂f/∂{name}", subject.gradient[start : start + count], part, shape))
        start += count
    return found


def _compare(title: str, gradient: Array, slopes: Sequence[_Slope], shape: tuple[int, ...]) -> QuantityCheck:
    def of(values: list[Any]) -> NDArray[Any]:
        return np.array(values).reshape(shape)

    bends = of([slope.bends for slope in slopes])
    return compare(
        title, 0, gradient.reshape(shape), of([slope.value for slope in slopes]), of([slope.bound for slope in slopes]),
        bends != "", lambda index: str(bends[index]),
    )  # fmt: skip


def _directions(f: _Counter, subject: Subject, noise: float, seed: int) -> tuple[QuantityCheck, float | None]:
    """The check along random directions, and the norm of the smallest error they surely find."""
    rng = initial_generator(seed, STREAM)
    here = f(subject.x)
    slopes, claimed = [], []
    for _ in range(DIRECTIONS):
        v = rng.standard_normal(subject.x.size)
        length = float(np.linalg.norm(v))

        def along(t: float, v: Array = v, length: float = length) -> float:
            return f(subject.x + t / length * v)

        claimed.append(float(v @ subject.gradient) / length)
        slopes.append(_slope(along, here, claimed[-1], 1.0, noise))
    # along a vector of unit length an error shows √size times smaller than along a normal one
    decided = np.array([slope.bound for slope in slopes if not slope.bends]) * np.sqrt(subject.x.size)
    found = surely_found(decided) if len(decided) else None
    return _compare("v·∂f/∂x", np.array(claimed), slopes, (DIRECTIONS,)), found


def _slope(along: Callable[[float], float], here: float, claimed: float, size: float, noise: float) -> _Slope:
    """f'(0): R = (16 D(h/4) - D(h)) / 15 at the step whose error bound |R - D(h/4)| + rounding is smallest."""
    f = cache(along)
    h = 2.0 ** round(np.log2(WIDEST_STEP * size))  # a power of two: x ± h is exact more often
    value, bound, best = 0.0, np.inf, h
    before = _central(f, h)
    for _ in range(LEVELS):
        narrow = _central(f, h / RATIO)
        R = (RATIO**2 * narrow - before) / (RATIO**2 - 1)
        rounding = 2 * noise * RATIO / h
        width = abs(R - narrow) + rounding
        if width < bound:
            value, bound, best = R, width, h
        if bound <= max(NARROW_ENOUGH * abs(value), 3 * rounding):
            break
        before, h = narrow, h / RATIO
    return _Slope(value, bound, _bend(f, here, best, noise, claimed))


def _central(f: Callable[[float], float], h: float) -> float:
    return (f(h) - f(-h)) / (2 * h)


def _bend(f: Callable[[float], float], here: float, h: float, noise: float, claimed: float) -> str:
    """What is to be said of a function whose two slopes stay apart as the step shrinks; nothing of a smooth one."""
    sides = [((here - f(-step)) / step, (f(step) - here) / step) for step in (h, h / NEARER)]
    (left, right), apart = sides[1], [abs(right - left) for left, right in sides]
    if apart[1] <= 0.25 * apart[0] or apart[1] <= 8 * noise * NEARER / h:
        return ""
    spare = 0.05 * apart[1]
    where = "between them" if min(left, right) - spare <= claimed <= max(left, right) + spare else "neither"
    slopes = f"its slope is {left:.4g} from below and {right:.4g} from above"
    return f"f bends here: {slopes}; yours, {claimed:.4g}, is {where}"


def _noise(f: _Counter, subject: Subject, value: float, seed: int) -> float:
    """How far rounding carries f: differences of order 3 to 5 of values at points so near that a smooth f has none.

    The middle of three directions counts, as one of them may cross a bend. Source: Moré & Wild, *Estimating
    computational noise*, 2011.
    """
    rng = initial_generator(seed, STREAM + 1)
    spacing = np.sqrt(subject.rounding)
    size = np.maximum(np.abs(subject.x), 1.0)
    found = []
    for _ in range(3):
        v = rng.uniform(-1, 1, subject.x.size) * size
        row = np.array([f(subject.x + k * spacing * v) for k in range(NOISE_POINTS)])
        levels = []
        for order in range(1, 6):
            row = np.diff(row)
            if order >= 3:
                scale = np.prod([k / (order + k) for k in range(1, order + 1)])  # (k!)²/(2k)!
                levels.append(np.sqrt(scale * np.mean(row**2)))
        found.append(min(levels))
    return 4 * max(float(np.median(found)), 4 * subject.rounding * abs(value), 1e-300)


def _is_torch(thing: Any) -> bool:
    first = thing[0] if isinstance(thing, (list, tuple)) and thing else thing
    return any(base.__module__.split(".")[0] == "torch" for base in type(first).__mro__)
