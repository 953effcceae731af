"""Mistakes in the feed-forward equation and in the cost."""

from collections.abc import Callable

import numpy as np

from backlit.activations import ACTIVATIONS
from backlit.check.homework.mistakes.catalogue import (
    BP2,
    COST,
    FACTORS,
    FEED_FORWARD,
    MISTAKES,
    PENALTY,
    Mistake,
    named,
)
from backlit.check.homework.world import EQUATIONS, Rule, World
from backlit.notation import Array


@named(
    "z",
    FEED_FORWARD,
    "W transposed",
    "z{l} equals a{l-1} W{l} + b{l}: W must be transposed",
)
def _(world: World, l: int) -> Array | None:
    W = world.W(l)
    return world.value("a", l - 1) @ W + world.b(l) if W.shape[0] == W.shape[1] else None


@named("z", FEED_FORWARD, "bias left out", "z{l} equals a{l-1} W{l}ᵀ: you left out + b{l}")
def _(world: World, l: int) -> Array | None:
    return world.value("a", l - 1) @ world.W(l).T


@named(
    "z",
    FEED_FORWARD,
    "sign of the bias",
    "z{l} equals a{l-1} W{l}ᵀ - b{l}: the bias is added",
)
def _(world: World, l: int) -> Array | None:
    return world.value("a", l - 1) @ world.W(l).T - world.b(l)


@named(
    "z",
    FEED_FORWARD,
    "σ left out",
    "z{l} is computed from z{l-1}: it takes a{l-1} = σ(z{l-1})",
)
def _(world: World, l: int) -> Array | None:
    return world.value("z", l - 1) @ world.W(l).T + world.b(l) if l > 2 else None


@named("z", FEED_FORWARD, "off by one layer", "z{l} is computed from a{l-2}: it takes a{l-1}")
def _(world: World, l: int) -> Array | None:
    if l < 3 or world.value("a", l - 2).shape[1] != world.W(l).shape[1]:
        return None
    return world.value("a", l - 2) @ world.W(l).T + world.b(l)


@named("a", FEED_FORWARD, "σ left out", "a{l} equals z{l}: you left out σ")
def _(world: World, l: int) -> Array | None:
    return world.value("z", l)


@named("a", FEED_FORWARD, "σ' in place of σ", "a{l} equals σ'(z{l}): it is σ(z{l})")
def _(world: World, l: int) -> Array | None:
    return world.slope(l, world.value("z", l))


@named(
    "a",
    FEED_FORWARD,
    "softmax over the rows",
    "a{l} sums to 1 over the rows: softmax sums over the neurons of a row",
)
def _(world: World, l: int) -> Array | None:
    return ACTIVATIONS["softmax"].value(world.value("z", l).T).T if l == world.L else None


def _other_activation(name: str) -> Rule:
    def rule(world: World, l: int) -> Array | None:
        return (
            None if world.point.layers[l - 2].activation.name == name else ACTIVATIONS[name].value(world.value("z", l))
        )

    return rule


MISTAKES += [
    Mistake(
        f"σ is {name}", "a", FEED_FORWARD, _other_activation(name),
        f"a{{l}} equals {name}(z{{l}}): the network has another σ there",
    )
    for name in ACTIVATIONS if name != "identity"
]  # fmt: skip


@named("slope", BP2, "σ' of a instead of z", "σ' is taken at a{l}: it is taken at z{l}")
def _(world: World, l: int) -> Array | None:
    return world.slope(l, world.value("a", l))


@named("slope", BP2, "σ in place of σ'", "it equals σ(z{l}): it should be σ'(z{l})")
def _(world: World, l: int) -> Array | None:
    return world.value("a", l)


def _cost_with(penalty: Callable[[World], float]) -> Rule:
    def rule(world: World, l: int) -> Array | None:
        w = world.point.row_weights
        return np.array(float(world.row_costs() @ w) / len(w) + penalty(world))

    return rule


def _biases_in_penalty(world: World) -> float:
    o = world.point.objective
    return world.penalty() + o.l2 / (2 * o.n) * sum(float((layer.b**2).sum()) for layer in world.point.layers)


for _name, _penalty, _words in (
    ("penalty left out", lambda world: 0.0, "C has no penalty: you left out λ/(2n) Σ‖W‖²"),
    ("½ of the penalty forgotten", lambda world: 2 * world.penalty(), "C has λ/n Σ‖W‖²: the penalty is λ/(2n) Σ‖W‖²"),
    (
        "penalty not divided by n",
        lambda world: world.point.objective.n * world.penalty(),
        "C has λ/2 Σ‖W‖²: the penalty is λ/(2n) Σ‖W‖²",
    ),
    ("regularised biases", _biases_in_penalty, "the penalty in C takes the biases too: it takes the weights alone"),
):
    MISTAKES.append(Mistake(_name, "cost", PENALTY, _cost_with(_penalty), _words))


def _data_cost_times(by: Callable[[World], float]) -> Rule:
    def rule(world: World, l: int) -> Array | None:
        penalty, cost = world.penalty(), EQUATIONS["cost"](world, l)
        return np.asarray(by(world) * (cost - penalty) + penalty) if penalty and cost is not None else None

    return rule


MISTAKES += [
    Mistake(factor.name, "cost", COST, _data_cost_times(factor.by), f"apart from the penalty, {factor.words}")
    for factor in FACTORS["cost"]
]
