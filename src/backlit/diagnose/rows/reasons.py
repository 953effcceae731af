"""Why a row is where it is in the ranking, in a sentence made of its own numbers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backlit.notation import Float64Array, IndexArray

Named = Callable[[int], str]
"""Number of a class, as the user knows it."""


def of_classes(
    named: Named,
    labels: IndexArray,
    P: Float64Array,
    votes: Float64Array,
    forgotten: Float64Array,
    unlearnt: Float64Array,
    copies: IndexArray,
    contradictions: IndexArray,
    numbers: IndexArray,
) -> list[str]:
    """One a row: what networks that never saw it say, whether those that did could learn it, and its copies."""
    said: list[str] = []
    for i in numbers.tolist():
        label, predicted = int(labels[i]), int(P[i].argmax())
        asked, agree = votes[i].sum(), votes[i, label]
        if predicted != label:
            most = int(votes[i].argmax())
            parts = [
                f"{votes[i, most]:.0f} of {asked:.0f} networks that never saw it say {named(most)}, "
                f"{agree:.0f} its label {named(label)}; probability of the label {share(P[i, label])}"
            ]
        elif agree < asked:
            parts = [f"{agree:.0f} of {asked:.0f} networks that never saw it say its label {named(label)}"]
        else:
            parts = [f"all {asked:.0f} networks that never saw it say its label {named(label)}"]
        if unlearnt[i] >= 0.5:
            parts.append(f"{share(unlearnt[i])} of those that trained with it never learnt it")
        elif forgotten[i] >= 1:
            parts.append(f"learnt and forgotten {forgotten[i]:.1f} times a training")
        said.append("; ".join([*parts, *_about_copies(i, copies, contradictions)]))
    return said


def of_labels(
    names: Sequence[str], Y: Float64Array, P: Float64Array, copies: IndexArray, contradictions: IndexArray,
    numbers: IndexArray,
) -> list[str]:  # fmt: skip
    """One a row: of several yes-or-no labels, the one that is least probable."""
    said = []
    for i in numbers.tolist():
        right = np.where(Y[i] >= 0.5, P[i], 1 - P[i])
        worst = int(right.argmin())
        held = "yes" if Y[i, worst] >= 0.5 else "no"
        first = f"{names[worst]} is {held}, to which the networks give a probability of {share(right[worst])}"
        said.append("; ".join([first, *_about_copies(i, copies, contradictions)]))
    return said


def of_numbers(
    names: Sequence[str], off: Float64Array, scaled: Float64Array, copies: IndexArray, numbers: IndexArray
) -> list[str]:
    """One a row: how far its target is from what the networks predict, in robust standard deviations of all rows."""
    said = []
    for i in numbers.tolist():
        worst = int(scaled[i].argmax())
        way = "above" if off[i, worst] > 0 else "below"
        output = f"{names[worst]} " if off.shape[1] > 1 else ""
        away = f"{abs(off[i, worst]):.4g} {way} the prediction, {scaled[i, worst]:.1f} times the usual"
        first = f"its {output}target is {away}"
        said.append("; ".join([first, *_about_copies(i, copies, None)]))
    return said


def _about_copies(i: int, copies: IndexArray, contradictions: IndexArray | None) -> list[str]:
    said: list[str] = []
    if contradictions is not None and contradictions[i] >= 0:
        said.append(f"row {contradictions[i]} has the same features and another label")
    if copies[i] >= 0:
        said.append(f"a copy of row {copies[i]}")
    return said


def share(value: Any) -> str:
    """A probability or a share, in per cent.

    >>> share(0.5), share(0.004), share(1e-7)
    ('50 %', '0.4 %', 'below 0.1 %')
    """
    if 0 < value < 0.001:
        return "below 0.1 %"
    return f"{100 * value:.0f} %" if value >= 0.0995 else f"{100 * value:.1f} %"
