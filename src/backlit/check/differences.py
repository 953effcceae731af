"""Difference quotients with their error: a derivative, and how far from it the quotient can be.

Central, with step t and t/2: D(t) = (f(t) - f(-t)) / 2t = f' + c t² + O(t⁴), and Richardson's R = (4 D(t/2) - D(t)) / 3
has no t². One-sided, for a number whose row changes pieces on its other side: T = (8 D(t/4) - 6 D(t/2) + D(t)) / 3.

Error of R: |R - D(t/2)|, which is the error of the coarser formula and so bounds the finer one's, plus 3ρ/t where ρ is
how far rounding can carry f. Where the bound is too wide, or a kink lies inside, the step shrinks eightfold; the best
bound met is kept. A step a kink lies inside of never counts.

Sources: Richardson 1911; Ridders, *Accurate computation of F'(x)*, 1982.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backlit.notation import Array

Function = Callable[[NDArray[np.int64], Array], tuple[Array, NDArray[np.bool_]]]
"""(which of the P functions, how far each argument moves) → values, and whether each is still on its own pieces."""

SHRINK = 8.0
ROUNDS = 8
NARROW_ENOUGH = 1e-7
"""A bound below this share of the derivative is not narrowed further."""


@dataclass(frozen=True)
class Derivatives:
    """P derivatives with their error bounds; where ``decided`` is False a kink lay inside every probe.

    ``jumps``: no declared kink was met, yet the slopes of the two sides do not approach each other.
    """

    value: Array
    bound: Array
    step: Array
    decided: NDArray[np.bool_]
    evaluations: int


def differentiate(f: Function, first_step: Array, rho: Array) -> Derivatives:
    """f'(0) of P functions at once, each with its own step.

    Args:
        f: the functions.
        first_step: the widest step to try, (P,).
        rho: how far rounding can carry each function's value, (P,).
    """
    P = len(first_step)
    value, bound, step = np.zeros(P), np.full(P, np.inf), first_step.copy()
    open_ = np.arange(P)
    t = first_step.copy()
    evaluations = 0
    for _ in range(ROUNDS):
        found, width, used = _central(f, open_, t[open_], rho[open_])
        evaluations += used
        blocked = ~np.isfinite(width)
        if blocked.any():
            at = open_[blocked]
            found[blocked], width[blocked], used = _one_sided(f, at, t[at] / SHRINK, rho[at])
            evaluations += used
        better = width < bound[open_]
        at = open_[better]
        value[at], bound[at], step[at] = found[better], width[better], t[at]
        with np.errstate(invalid="ignore"):
            narrow = bound[open_] <= np.maximum(NARROW_ENOUGH * np.abs(value[open_]), 6 * rho[open_] / t[open_])
        open_ = open_[~narrow]
        if not len(open_):
            break
        t[open_] /= SHRINK
    return Derivatives(value, bound, step, np.isfinite(bound), evaluations)


def _central(f: Function, which: NDArray[np.int64], t: Array, rho: Array) -> tuple[Array, Array, int]:
    """R and its error bound; infinite where any of the four points is on other pieces."""
    (above, on_1), (below, on_2) = f(which, t), f(which, -t)
    (near_above, on_3), (near_below, on_4) = f(which, t / 2), f(which, -t / 2)
    wide, narrow = (above - below) / (2 * t), (near_above - near_below) / t
    R = (4 * narrow - wide) / 3
    bound = np.abs(R - narrow) + 3 * rho / t
    return R, np.where(on_1 & on_2 & on_3 & on_4, bound, np.inf), 4 * len(which)


def _one_sided(f: Function, which: NDArray[np.int64], t: Array, rho: Array) -> tuple[Array, Array, int]:
    """T of the side that is on the base's own pieces: the side whose slope the base has, by convention."""
    here, _ = f(which, np.zeros_like(t))
    best, bound = np.zeros_like(t), np.full_like(t, np.inf)
    for s in (t, -t):
        points = [f(which, s / k) for k in (1, 2, 4)]
        wide, middle, narrow = ((value - here) * k / s for k, (value, _) in zip((1, 2, 4), points, strict=True))
        T = (8 * narrow - 6 * middle + wide) / 3
        width = np.abs(T - (2 * narrow - middle)) + 30 * rho / t
        width = np.where(np.logical_and.reduce([on for _, on in points]), width, np.inf)
        best, bound = np.where(width < bound, T, best), np.minimum(bound, width)
    return best, bound, 7 * len(which)


def undeclared_kinks(f: Function, which: NDArray[np.int64], t: Array, rho: Array) -> NDArray[np.bool_]:
    """Do the slopes from above and from below stay apart as the step shrinks? Then f bends where nobody said it would.

    A smooth f brings them together in proportion to the step: |D₊ - D₋| ≈ t |f''|. At a bend they keep their distance.
    """
    here, _ = f(which, np.zeros_like(t))
    gaps = []
    for step in (t, t / 64):
        up, down = f(which, step)[0] - here, here - f(which, -step)[0]
        gaps.append(np.abs(up - down) / step)
    return (gaps[1] > 0.25 * gaps[0]) & (gaps[1] > 8 * rho * 64 / t)
