"""What a sweep's costs say: where they fall fastest, where they are lowest, where they run away; and the rate to take.

The rule was chosen among twenty on digits, breast-cancer, diabetes, wine and 3,000 images of MNIST, with seven networks
and optimizers each, by how far the score of a training falls behind the best of a grid of rates. Half the logarithmic
way between the steepest fall and the lowest cost lost least at its worst; a tenth of the lowest was too low for sgd,
and the steepest fall alone was too low there too. ``benchmarks/README.md`` has what it came to on sets that chose
nothing.
"""

from dataclasses import dataclass

import numpy as np

from backlit.notation import Float64Array

DECADES = 0.15
"""Standard deviation of the smoothing, in powers of ten of the learning rate."""

CLEARLY = 5.0
"""A fall or a rise counts beyond so many standard errors of a smoothed cost."""


@dataclass(frozen=True)
class Reading:
    """Learning rates, or None where there is no such place."""

    suggestion: float | None
    steepest: float | None
    lowest: float | None
    rises: float | None
    reason: str


def smooth(costs: Float64Array, rates: Float64Array) -> Float64Array:
    """A mean around each, weighted by a Gaussian over log η: it lags on neither side.

    >>> smooth(np.array([1.0, 1.0, 1.0]), np.array([0.01, 0.1, 1.0]))
    array([1., 1., 1.])
    """
    weights = _kernel(rates)
    half = len(weights) // 2
    found: Float64Array = np.convolve(costs, weights)[half : half + len(costs)]
    return found / np.convolve(np.ones(len(costs)), weights)[half : half + len(costs)]


def _kernel(rates: Float64Array) -> Float64Array:
    """Symmetric weights, as many as reach four standard deviations each way."""
    steps = DECADES * (len(rates) - 1) / max(np.log10(rates[-1] / rates[0]), 1e-9)
    reach = max(1, round(4 * steps))
    kernel: Float64Array = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(steps, 1e-9)) ** 2)
    return kernel


def read(rates: Float64Array, costs: Float64Array, smoothed: Float64Array, *, to: float) -> Reading:
    """The learning rate to take, and why.

    Args:
        rates: those that were tried, ascending.
        costs: (k,), a mean over the sweeps.
        smoothed: (k,).
        to: the highest rate there was to be tried: above the last of ``rates`` where the sweeps diverged.
    """
    weights = _kernel(rates)
    tenth = max(3, len(rates) // 10)
    noise = float(np.std(costs[:tenth] - smoothed[:tenth])) * float(np.sqrt((weights**2).sum()) / weights.sum())
    start = float(costs[:tenth].mean())
    certain = CLEARLY * max(noise, 1e-9 * abs(start))
    bottom = int(np.argmin(smoothed))
    diverged = rates[-1] < to * (1 - 1e-9)
    below = np.flatnonzero(smoothed <= start + certain)
    for_good = int(below[-1]) + 1
    rises = float(rates[for_good]) if for_good < len(rates) else float(rates[-1]) if diverged else None
    if start - smoothed[bottom] > certain:
        steepest = int(np.argmin(np.diff(smoothed[: bottom + 1])))
        return _between(rates, steepest, bottom, rises)
    if rises is not None:
        reason = (
            f"the cost never falls clearly, and rises from {rises:.2g} on, of which this is a tenth: the network may "
            "be trained already, or the batches say too little in so few steps"
        )
        return Reading(rises / 10, None, None, rises, reason)
    reason = (
        f"the cost neither falls nor rises at any learning rate from {rates[0]:.2g} to {rates[-1]:.2g}: no step moves "
        "what the network says"
    )
    return Reading(None, None, None, None, reason)


def _between(rates: Float64Array, steepest: int, bottom: int, rises: float | None) -> Reading:
    fastest, best = float(rates[steepest]), float(rates[bottom])
    suggestion = float(np.sqrt(fastest * best))
    reason = (
        f"half the logarithmic way from {fastest:.2g}, where the cost falls fastest, to {best:.2g}, where it is lowest"
    )
    if rises is not None:
        reason += f"; from {rises:.2g} on it runs away"
    if bottom == len(rates) - 1 and rises is None:
        reason += "; there it still falls, so that rates above may do better: raise highest"
    if fastest < 2 * rates[0]:
        reason += "; it falls from the first rate on, so that rates below may do as well: lower lowest"
    return Reading(suggestion, fastest, best, rises, reason)
