"""Explanations: which known mistake gives exactly these numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from backlit.check.homework import mistakes
from backlit.check.homework.answers import sign_of
from backlit.check.homework.digits import Written
from backlit.check.homework.mistakes import FACTORS, Mistake
from backlit.check.homework.spread import Spread
from backlit.check.homework.world import EQUATIONS, Key, Rule, World
from backlit.check.probes import Point
from backlit.notation import Array

FAR = 1e4
"""Numbers so many tolerances apart are not brought together by the rounding of those before them."""


@dataclass(frozen=True)
class Explanation:
    """A mistake that gives exactly these numbers: its name, its equation and layer, and the words for it."""

    name: str
    equation: str
    layer: int
    words: str


@dataclass(frozen=True)
class _Supposition:
    """A mistake made in some layers: the rules that make it, and where they turned out to apply."""

    mistake: Mistake | None
    rules: dict[Key, Rule]
    applied: set[int]

    @property
    def explanation(self) -> Explanation:
        """In the words of the layer where it shows first, in the order of the pass."""
        assert self.mistake is not None
        forward = self.mistake.quantity in ("z", "a", "slope")
        layer = min(self.applied) if forward else max(self.applied)
        return Explanation(self.mistake.name, self.mistake.equation, layer, self.mistake.say(layer))


NOTHING = _Supposition(None, {}, set())


def agree(yours: Array, ours: Array, tolerance: Array) -> bool:
    """Is every number given within its tolerance?"""
    if yours.shape != ours.shape:
        return False
    known = np.isfinite(yours)
    return bool((np.abs(yours - ours)[known] <= np.broadcast_to(tolerance, yours.shape)[known]).all())


def explanations(
    point: Point, given: dict[Key, Written], rate: float | None, spread: Spread, key: Key
) -> tuple[Explanation, ...]:
    """Every known mistake that gives the numbers; single ones first, and pairs only where no single one does."""
    written = given[key]
    values = {k: w.values for k, w in given.items()}
    own = spread.own(key)
    right = World(point, rate, values)
    single: list[Explanation] = []
    pairs: list[Explanation] = []
    for supposition in [NOTHING, *_suppositions(key, values, point.network.L)]:
        rules = supposition.rules
        computed = [_computed(World(point, rate, given_before, rules), key) for given_before in (values, {})]
        wide: Array | None = None
        for factor in (None, *FACTORS.get(key[0], ())):
            by = 1.0 if factor is None else factor.by(right)
            if (factor is None and supposition is NOTHING) or (factor is not None and by == 1):
                continue
            near = [
                c
                for c in computed
                if c is not None
                and (supposition is NOTHING or supposition.applied)
                and agree(written.values, by * c, FAR * own)
            ]
            if not near:
                continue
            wide = np.nan_to_num(spread.of(key, rules)) if wide is None else wide
            if not any(agree(written.values, by * c, own + max(1.0, abs(by)) * wide) for c in near):
                continue
            if factor is None:
                single.append(supposition.explanation)
                break
            if supposition is NOTHING:
                single.append(Explanation(factor.name, equation_of(key, point.network.L), key[1], factor.words))
            else:
                one = supposition.explanation
                both = f"{one.name} and {factor.name}", f"{one.words}; besides, {factor.words}"
                pairs.append(replace(one, name=both[0], words=both[1]))
    return tuple(_once(single or pairs))


def _computed(world: World, key: Key) -> Array | None:
    """The number in that world; None where the mistake does not apply."""
    try:
        return world.computed(*key)
    except LookupError:
        return None


def _once(explanations: list[Explanation]) -> list[Explanation]:
    seen: dict[tuple[str, str], Explanation] = {}
    for explanation in explanations:
        seen.setdefault((explanation.name, explanation.equation), explanation)
    return list(seen.values())


def _suppositions(key: Key, values: Mapping[Key, Array], L: int) -> Iterator[_Supposition]:
    """Every known mistake in the array's own equation, or in one before it whose numbers were not given."""
    for mistake in mistakes.of(key[0]):
        yield _supposed(mistake, (key[1],))
    for quantity, layers in _not_given_before(key, values, L):
        for mistake in mistakes.of(quantity):
            if len(layers) > 1:
                yield _supposed(mistake, layers)
            for l in layers:
                yield _supposed(mistake, (l,))
        for factor in FACTORS.get(quantity, ()):
            for l in layers:
                yield _supposed(_as_mistake(quantity, factor, L, l), (l,))


def _as_mistake(quantity: str, factor: mistakes.Factor, L: int, l: int) -> Mistake:
    """A factor on a quantity that was not given, which shows in those after it."""

    def rule(world: World, l: int) -> Array | None:
        computed = EQUATIONS[quantity](world, l)
        return None if computed is None else factor.by(world) * computed

    return Mistake(
        factor.name, quantity, equation_of((quantity, l), L), rule, f"{sign_of(quantity, l)}: {factor.words}"
    )


def _supposed(mistake: Mistake, layers: tuple[int, ...]) -> _Supposition:
    applied: set[int] = set()

    def where_it_applies(world: World, l: int) -> Array | None:
        found = mistake.rule(world, l)
        if found is not None:
            applied.add(l)
        elif len(layers) > 1:
            return EQUATIONS[mistake.quantity](world, l)
        return found

    return _Supposition(mistake, {(mistake.quantity, l): where_it_applies for l in layers}, applied)


def _not_given_before(key: Key, values: Mapping[Key, Array], L: int) -> list[tuple[str, tuple[int, ...]]]:
    """The quantities this one is computed from, step by step back, as far as nobody gave them."""
    needed: dict[Key, None] = {}

    def visit(at: Key) -> None:
        for before in _inputs(at, L):
            if before not in values and before not in needed:
                needed[before] = None
                visit(before)

    visit(key)
    quantities = list(dict.fromkeys(quantity for quantity, _ in needed))
    return [(q, tuple(sorted(l for other, l in needed if other == q))) for q in quantities]


def _inputs(key: Key, L: int) -> list[Key]:
    """What a quantity is computed from, directly."""
    quantity, l = key
    before: dict[str, list[Key]] = {
        "z": [("a", l - 1)] if l > 2 else [],
        "a": [("z", l)],
        "slope": [("z", l), ("a", l)],
        "delta": [*([("delta", l + 1)] if l < L else []), ("slope", l), ("z", l), ("a", l)],
        "bias_gradient": [("delta", l)],
        "weight_gradient": [("delta", l), *([("a", l - 1)] if l > 2 else [])],
        "updated_weight": [("weight_gradient", l)],
        "updated_bias": [("bias_gradient", l)],
    }
    return before.get(quantity, [("z", L), ("a", L)])


def equation_of(key: Key, L: int) -> str:
    """The equation a quantity comes from."""
    quantity, l = key
    if quantity in ("z", "a"):
        return mistakes.FEED_FORWARD
    if quantity in ("cost", "row_cost", "output_cost"):
        return mistakes.COST
    if quantity in ("delta", "slope"):
        return mistakes.BP1 if l == L else mistakes.BP2
    if quantity == "bias_gradient":
        return mistakes.BP3
    return mistakes.BP4 if quantity == "weight_gradient" else mistakes.UPDATE
