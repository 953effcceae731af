"""The judge: goes through the numbers in the order of the pass and finds the first equation that is wrong.

A number is right where it is ours within the unit of its last place. Where it is not, it is computed again from the
numbers given before it: if it follows from them, the mistake is theirs, not its own. Where it does not follow, its own
equation is wrong, and the known mistakes are tried.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from backlit.check.homework.answers import Answers
from backlit.check.homework.conventions import Convention, learning_rate, possible, to_ours
from backlit.check.homework.digits import Written
from backlit.check.homework.explain import Explanation, agree, explanations
from backlit.check.homework.spread import Spread
from backlit.check.homework.world import Key, World
from backlit.check.probes import Point

RIGHT, FOLLOWS, WRONG = "right", "follows from an earlier mistake", "wrong"


@dataclass(frozen=True)
class Judgement:
    """One array of the answers."""

    quantity: str
    layer: int
    status: str
    at: tuple[int, ...] = ()
    yours: float = 0.0
    ours: float = 0.0
    tolerance: float = 0.0
    wrong_numbers: int = 0
    numbers: int = 0
    explanations: tuple[Explanation, ...] = ()


@dataclass(frozen=True)
class Ruling:
    """All arrays judged in one convention."""

    convention: Convention
    judgements: tuple[Judgement, ...]

    @property
    def wrong(self) -> int:
        """How many arrays do not follow from those before them."""
        return sum(judgement.status == WRONG for judgement in self.judgements)


def in_order(keys: Iterator[Key] | list[Key], L: int) -> list[Key]:
    """Forward from layer 2, the cost, δ from L back, the gradients from L back, the update."""
    group = {"z": 0, "a": 0, "slope": 0, "output_cost": 1, "row_cost": 1, "cost": 1, "delta": 2,
             "bias_gradient": 3, "weight_gradient": 3, "updated_bias": 4, "updated_weight": 4}  # fmt: skip
    within = list(group)

    def place(key: Key) -> tuple[int, int, int]:
        quantity, l = key
        return group[quantity], l if group[quantity] == 0 else -l, within.index(quantity)

    return sorted(keys, key=place)


def judge(point: Point, answers: Answers, rate: float | None) -> Ruling:
    """The ruling in the convention that leaves least wrong; ours where it is a tie."""
    with np.errstate(all="ignore"):  # a supposed mistake may well overflow
        plain = World(point, rate)
        ours: Ruling | None = None
        best: Ruling | None = None
        for convention in possible(answers.of, plain):
            given = to_ours(convention, answers.of, plain)
            ruling = _judge(point, given, learning_rate(convention, rate, plain), convention)
            ours = ours or ruling
            if _admissible(ruling, ours) and (best is None or ruling.wrong < best.wrong):
                best = ruling
            if best is not None and not best.wrong:
                return best
        assert best is not None
        given = to_ours(best.convention, answers.of, plain)
        return _explain(point, given, learning_rate(best.convention, rate, plain), best)


def _admissible(ruling: Ruling, ours: Ruling) -> bool:
    """A convention must hold throughout: it may not spoil what is right in ours, nor may a sum be one only in part."""
    if ruling is ours:
        return True
    spoilt = any(
        one.status == RIGHT and other.status == WRONG
        for one, other in zip(ours.judgements, ruling.judgements, strict=True)
    )
    in_part = ruling.convention.sums and any(
        judgement.status == WRONG and judgement.quantity in ("cost", "bias_gradient", "weight_gradient")
        for judgement in ruling.judgements
    )
    return not spoilt and not in_part


def _judge(point: Point, given: dict[Key, Written], rate: float | None, convention: Convention) -> Ruling:
    truth = World(point, rate)
    own = World(point, rate, {key: written.values for key, written in given.items()})
    spread = Spread(point, rate, given)
    found: list[Judgement] = []
    clean = True
    for key in in_order(list(given), point.network.L):
        judgement = _judge_one(key, given[key], truth, own, spread, clean)
        clean = clean and judgement.status == RIGHT
        found.append(judgement)
    return Ruling(convention, tuple(found))


def _judge_one(key: Key, written: Written, truth: World, own: World, spread: Spread, clean: bool) -> Judgement:
    quantity, l = key
    known = np.isfinite(written.values)
    ours = truth.computed(quantity, l)
    base = spread.own(key)
    status = RIGHT
    tolerance = base
    if not agree(written.values, ours, base):
        expected = own.computed(quantity, l)
        tolerance = base + spread.of(key)
        if agree(written.values, expected, tolerance):
            status = RIGHT if clean else FOLLOWS
        else:
            status = WRONG
            ours = expected
    with np.errstate(invalid="ignore"):
        off = np.where(known, np.abs(written.values - ours), 0)
        excess = np.where(known, off / np.maximum(tolerance, 1e-300), 0)
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(excess)), excess.shape)) if excess.ndim else ()
    first = np.argwhere(excess > 1)
    if len(first):
        at = tuple(int(i) for i in first[0])
    return Judgement(
        quantity, l, status, at, float(written.values[at]), float(ours[at]), float(np.asarray(tolerance)[at]),
        int((excess > 1).sum()), int(known.sum()),
    )  # fmt: skip


def _explain(point: Point, given: dict[Key, Written], rate: float | None, ruling: Ruling) -> Ruling:
    spread = Spread(point, rate, given)
    explained = [
        replace(judgement, explanations=explanations(point, given, rate, spread, (judgement.quantity, judgement.layer)))
        if judgement.status == WRONG
        else judgement
        for judgement in ruling.judgements
    ]
    return Ruling(ruling.convention, tuple(explained))
