"""BP2 taken apart: by which factor an error grows or fades on its way from one layer to the one below."""

from dataclasses import dataclass

import numpy as np

from backlit.diagnose.findings.evidence import Evidence
from backlit.diagnose.findings.finding import CannotJudge

USUAL = (1 / 3, 3.0)
"""Between which a factor of one layer is in its usual range: errors neither fade nor grow by it."""


@dataclass(frozen=True)
class Factors:
    """Of hidden layer l, in root mean squares: ``W`` is ‖δ^{l+1} W^{l+1}‖ over ‖δ^{l+1}‖, ``slope`` ‖δ^l‖ over
    ‖δ^{l+1} W^{l+1}‖, each per neuron; ``mean_slope`` the mean |σ'(z^l)|, ``saturated`` the share of (row, neuron)
    that are flat.

    From the network and the rows they are exact; from a record alone ``W`` is ‖W^{l+1}‖/√n_l, which it is for errors
    that do not lean on any direction, and ``slope`` what is left.
    """

    layer: int
    W: float
    slope: float
    mean_slope: float
    saturated: float


def delta_sizes(evidence: Evidence) -> dict[int, float]:
    """RMS δ by layer over the neurons that are not dead: over all rows, or of the record's last epoch.

    A layer that is dead as a whole is left out: nothing flows back through it, which is another matter.
    """
    if evidence.given is not None and evidence.network is not None:
        layers = evidence.passed.layers
        alive = {l: one.delta_square[~one.dead] for l, one in layers.items()}
        L = max(layers)
        alive[L] = layers[L].delta_square
        return {l: float(np.sqrt(squares.mean())) for l, squares in alive.items() if len(squares)}
    delta, dead = evidence.at_end("delta_rms"), evidence.at_end("dead")
    L = len(evidence.sizes)
    living = np.where(np.isfinite(dead), 1 - dead, 1.0)
    living[-1] = 1.0
    return {l: float(delta[l - 2] / np.sqrt(living[l - 2])) for l in range(2, L + 1) if living[l - 2] > 0}


def factors(evidence: Evidence) -> dict[int, Factors]:
    """Of every hidden layer."""
    hidden = evidence.need_hidden()
    found = {}
    if evidence.given is not None and evidence.network is not None:
        layers = evidence.passed.layers
        for l in hidden:
            own, above = layers[l], layers[l + 1]
            found[l] = Factors(
                l, _over(own.pulled, above.delta), _over(own.delta, own.pulled), own.slope, 1 - float(own.open.mean())
            )
        return found
    if evidence.record is None:
        raise CannotJudge("there are neither rows and a network nor a record of a lens")
    delta, norm = evidence.at_end("delta_rms"), evidence.at_end("weight_norm")
    slope, saturated = evidence.at_end("slope"), evidence.at_end("saturated")
    for l in hidden:
        W = float(norm[l - 1] / np.sqrt(evidence.sizes[l - 1]))
        found[l] = Factors(
            l, W, _over(float(delta[l - 2]), float(delta[l - 1]) * W), float(slope[l - 2]), float(saturated[l - 2])
        )
    return found


def _over(value: float, by: float) -> float:
    return value / by if by > 0 else float("nan")


def carrier(found: dict[int, Factors], lowest: int, highest: int) -> tuple[str, float, float]:
    """``W`` or ``slope``, whichever made more of the change between the layers; and the products of both."""
    path = [found[l] for l in range(lowest, highest + 1) if l in found]
    with np.errstate(divide="ignore", invalid="ignore"):
        W, slope = (float(np.exp(np.nansum(np.log([getattr(f, name) for f in path])))) for name in ("W", "slope"))
    away = {"W": abs(np.log(max(W, 1e-300))), "slope": abs(np.log(max(slope, 1e-300)))}
    return max(away, key=lambda name: away[name]), W, slope
