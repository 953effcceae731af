"""From trainings to judgements: two rounds, the second without the rows that the first found clearly wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backlit.data.targets import Targets
from backlit.diagnose.rows import neighbours, suspicion
from backlit.diagnose.rows.dynamics import Dynamics
from backlit.diagnose.rows.trainings import Plan, Told, round_of_trainings
from backlit.engines import TrainingData
from backlit.network import Network
from backlit.notation import Float64Array
from backlit.objective import Objective

FAR_OFF = 5.0
"""Robust standard deviations from which a number takes no part in the second round."""

KNOWN = 0.999
"""The least probability of its label, among networks that never saw it, of a row they do not need."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What two rounds found; the networks of ``second`` trained without the rows that ``first`` found clearly wrong.

    ``P``: of classes (rows, K), of labels P(yes), of numbers the prediction; ``outside`` the same by networks that
    never saw the row; ``score`` (rows,); ``transitions`` of classes alone.
    """

    first: Dynamics
    second: Dynamics
    P: Float64Array
    outside: Float64Array
    score: Float64Array
    transitions: Float64Array | None


def judge(network: Network, objective: Objective, data: TrainingData, plan: Plan, told: Told) -> Judgement:
    """Both rounds and the scores; ``told`` hears how many of all trainings are done."""
    each = plan.folds * plan.seeds
    everyone = np.ones(data.rows, dtype=bool)
    first = round_of_trainings(network, objective, data, plan, 0, everyone, lambda done, _: told(done, 2 * each))
    kept = trained_again(first, data)
    second = round_of_trainings(network, objective, data, plan, 1, kept, lambda done, _: told(each + done, 2 * each))
    outside = second.outside / second.outside_count[:, np.newaxis]
    if data.decision is None:
        _, off = suspicion.residuals(outside, data.Y.astype(np.float64))
        return Judgement(first, second, outside, outside, off.max(axis=1), None)
    P = _with_neighbours(_probabilities(suspicion.opinions_of_rows(second), data), data, kept)
    score, transitions = _wrong(P, data)
    return Judgement(first, second, P, _probabilities(outside, data), score, transitions)


def trained_again(first: Dynamics, data: TrainingData) -> NDArray[np.bool_]:
    """The rows that the second round trains with, (rows,): all but the clearly wrong; of no class fewer than half."""
    outside = first.outside / first.outside_count[:, np.newaxis]
    if data.decision is None:
        _, off = suspicion.residuals(outside, data.Y.astype(np.float64))
        return off.max(axis=1) < FAR_OFF
    clearly = of_given(_probabilities(outside, data), data) < suspicion.CLEARLY_WRONG
    strata = Targets(data.Y, data.decision).strata
    if strata is not None:
        for k in np.unique(strata):
            rows = np.flatnonzero(strata == k)
            if clearly[rows].mean() > 0.5:
                clearly[rows] = False
    return ~clearly


def of_given(P: Float64Array, data: TrainingData) -> Float64Array:
    """The probability of what each row is labelled, (rows,); of several labels, that of the least probable one."""
    if data.decision == "argmax":
        return P[np.arange(len(P)), data.Y.argmax(axis=1)]
    if P.shape[1] == 2 and data.Y.shape[1] == 1:
        return P[np.arange(len(P)), (data.Y[:, 0] >= 0.5).astype(np.int64)]
    return np.where(data.Y >= 0.5, P, 1 - P).min(axis=1)


def _probabilities(opinions: Float64Array, data: TrainingData) -> Float64Array:
    """Of classes (rows, K), also where two share one output; of labels P(yes), (rows, n_L)."""
    P = suspicion.probabilities(opinions, data.decision or "")
    return np.hstack([1 - P, P]) if data.decision == "threshold" and P.shape[1] == 1 else P


def _with_neighbours(P: Float64Array, data: TrainingData, trusted: NDArray[np.bool_]) -> Float64Array:
    """Of classes the geometric mean with what the neighbours say, which has a third of the weight."""
    strata = Targets(data.Y, data.decision).strata
    if strata is None:
        return P
    third = neighbours.opinions(data.X, strata, P.shape[1], trusted)
    return suspicion.probabilities((2 * np.log(np.maximum(P, suspicion.CERTAIN)) + third) / 3, "argmax")


def _wrong(P: Float64Array, data: TrainingData) -> tuple[Float64Array, Float64Array | None]:
    strata = Targets(data.Y, data.decision).strata
    if strata is not None:
        return suspicion.wrong_labels(P, strata)
    labels = (data.Y >= 0.5).astype(np.int64)
    each = [suspicion.wrong_labels(np.column_stack([1 - P[:, k], P[:, k]]), labels[:, k])[0] for k in range(P.shape[1])]
    return np.max(each, axis=0), None
