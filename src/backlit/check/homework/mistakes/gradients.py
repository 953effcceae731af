"""Mistakes in BP3, BP4, the penalty and the update."""

from collections.abc import Callable

import numpy as np

from backlit.check.homework.mistakes.catalogue import BP3, BP4, MISTAKES, PENALTY, UPDATE, Mistake, named
from backlit.check.homework.world import EQUATIONS, Rule, World
from backlit.notation import Array


@named(
    "bias_gradient",
    PENALTY,
    "regularised biases",
    "∂C/∂b{l} has (λ/n) b{l} added: biases are not penalised",
)
def _(world: World, l: int) -> Array | None:
    o, gradient = world.point.objective, EQUATIONS["bias_gradient"](world, l)
    return gradient + o.l2 / o.n * world.b(l) if o.l2 and gradient is not None else None


@named("bias_gradient", BP3, "off by one layer", "∂C/∂b{l} is computed from δ{l+1}: it takes δ{l}")
def _(world: World, l: int) -> Array | None:
    if l >= world.L or world.W(l + 1).shape[0] != world.W(l).shape[0]:
        return None
    return EQUATIONS["bias_gradient"](world, l + 1)


@named(
    "bias_gradient",
    BP3,
    "multiplied by a",
    "∂C/∂b{l} is the mean of δ{l} ⊙ a{l}: it is the mean of δ{l} alone",
)
def _(world: World, l: int) -> Array | None:
    return np.asarray((world.value("delta", l) * world.value("a", l)).T @ world.point.row_weights / world.m)


def _weight_gradient_with(part: Callable[[World, int], Array | None]) -> Rule:
    """The data's part computed another way, the penalty as it should be."""

    def rule(world: World, l: int) -> Array | None:
        data = part(world, l)
        return None if data is None or data.shape != world.W(l).shape else data + world.penalty_gradient(l)

    return rule


def _outer(world: World, delta: Array, a: Array) -> Array:
    return (delta * (world.point.row_weights / world.m)[:, np.newaxis]).T @ a


def _transposed(world: World, l: int) -> Array | None:
    data = world.data_gradient(l)
    return data.T if data.shape[0] == data.shape[1] else None


def _a_of_own_layer(world: World, l: int) -> Array | None:
    return _outer(world, world.value("delta", l), world.value("a", l))


def _a_two_below(world: World, l: int) -> Array | None:
    return _outer(world, world.value("delta", l), world.value("a", l - 2)) if l > 2 else None


def _z_before(world: World, l: int) -> Array | None:
    return _outer(world, world.value("delta", l), world.value("z", l - 1)) if l > 2 else None


def _delta_above(world: World, l: int) -> Array | None:
    return _outer(world, world.value("delta", l + 1), world.value("a", l - 1)) if l < world.L else None


for _part, _name, _text in (
    (
        _transposed,
        "transposed",
        "∂C/∂W{l} is the transpose: row j holds the gradients of the weights into neuron j, δᵀa, not aᵀδ",
    ),
    (_a_of_own_layer, "off by one layer", "∂C/∂W{l} is computed with a{l}: it takes a{l-1}, what the weights received"),
    (_a_two_below, "off by one layer", "∂C/∂W{l} is computed with a{l-2}: it takes a{l-1}"),
    (_delta_above, "off by one layer", "∂C/∂W{l} is computed with δ{l+1}: it takes δ{l}"),
    (_z_before, "z in place of a", "∂C/∂W{l} is computed with z{l-1}: it takes a{l-1} = σ(z{l-1})"),
):
    MISTAKES.append(Mistake(_name, "weight_gradient", BP4, _weight_gradient_with(_part), _text))


def _times_penalty(factor: Callable[[World], float]) -> Rule:
    def rule(world: World, l: int) -> Array | None:
        return world.data_gradient(l) + factor(world) * world.penalty_gradient(l) if world.point.objective.l2 else None

    return rule


for _name, _factor, _text in (
    ("penalty left out", lambda world: 0.0, "∂C/∂W{l} has no penalty: you left out + (λ/n) W{l}"),
    (
        "penalty not divided by n",
        lambda world: world.point.objective.n,
        "∂C/∂W{l} has + λ W{l}: the penalty's gradient is (λ/n) W{l}",
    ),
    (
        "penalty divided by m",
        lambda world: world.point.objective.n / world.m,
        "∂C/∂W{l} has + (λ/m) W{l}: n counts the training rows, not those of the batch",
    ),
    ("sign of the penalty", lambda world: -1.0, "∂C/∂W{l} has - (λ/n) W{l}: the penalty's gradient is added"),
    (
        "½ of the penalty not cancelled",
        lambda world: 0.5,
        "∂C/∂W{l} has + (λ/2n) W{l}: the 2 of the square cancels the ½",
    ),
    ("½ of the penalty forgotten", lambda world: 2.0, "∂C/∂W{l} has + (2λ/n) W{l}: it is (λ/n) W{l}"),
):
    MISTAKES.append(Mistake(_name, "weight_gradient", PENALTY, _times_penalty(_factor), _text))


def _data_times(scale: Callable[[World], float]) -> Rule:
    """Only where there is a penalty, which stays as it is; else a factor on the whole says the same."""
    return _weight_gradient_with(
        lambda world, l: scale(world) * world.data_gradient(l) if world.point.objective.l2 else None
    )


for _name, _scale, _text in (
    ("missing 1/m", lambda world: float(world.m), "∂C/∂W{l} is the sum over the rows: you left out 1/m"),
    ("divided by m twice", lambda world: 1 / world.m, "∂C/∂W{l} is divided by m twice"),
):
    MISTAKES.append(Mistake(_name, "weight_gradient", BP4, _data_times(_scale), _text))


def _step(parameters: Callable[[World, int], Array], gradient: str, factor: Callable[[World], float]) -> Rule:
    def rule(world: World, l: int) -> Array | None:
        if world.learning_rate is None:
            return None
        return parameters(world, l) - world.learning_rate * factor(world) * world.value(gradient, l)

    return rule


for _quantity, _gradient, _theta, _sign in (
    ("updated_weight", "weight_gradient", World.W, "W"),
    ("updated_bias", "bias_gradient", World.b, "b"),
):
    for _name, _by, _text in (
        ("sign", lambda world: -1.0, "{p}{l} goes uphill: the update is {p} - η ∂C/∂{p}"),
        (
            "η left out",
            lambda world: 1 / (world.learning_rate or 1.0),
            "{p}{l} moves by the whole gradient: you left out η",
        ),
        ("not updated", lambda world: 0.0, "{p}{l} is as it was: it has not been updated"),
        ("missing 1/m", lambda world: float(world.m), "{p}{l} moves by the sum over the rows: you left out 1/m"),
        ("divided by m twice", lambda world: 1 / world.m, "{p}{l} moves by the gradient divided by m once more"),
    ):
        MISTAKES.append(
            Mistake(_name, _quantity, UPDATE, _step(_theta, _gradient, _by),
                    _text.replace("{p}", _sign))
        )  # fmt: skip


@named(
    "updated_weight",
    UPDATE,
    "gradient in place of the weight",
    "it equals -η ∂C/∂W{l}: add it to W{l}",
)
def _(world: World, l: int) -> Array | None:
    return None if world.learning_rate is None else -world.learning_rate * world.value("weight_gradient", l)
