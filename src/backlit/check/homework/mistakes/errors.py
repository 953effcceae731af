"""Mistakes in BP1 and BP2, the errors δ."""

from backlit.check.homework.mistakes.catalogue import BP1, BP2, named
from backlit.check.homework.world import World, pulled_back
from backlit.notation import Array


@named("delta", BP1, "missing σ'", "δ{l} equals ∂C/∂a{l}: you left out ⊙ σ'(z{l})")
def _(world: World, l: int) -> Array | None:
    return world.gradient_of_cost() if l == world.L else None


@named(
    "delta",
    BP1,
    "σ' of a instead of z",
    "δ{l} equals ∂C/∂a{l} ⊙ σ'(a{l}): σ' is taken at z{l}",
)
def _(world: World, l: int) -> Array | None:
    slope = world.slope(l, world.value("a", l)) if l == world.L else None
    return None if slope is None else world.gradient_of_cost() * slope


@named("delta", BP1, "σ in place of σ'", "δ{l} equals ∂C/∂a{l} ⊙ σ(z{l}): it takes σ'(z{l})")
def _(world: World, l: int) -> Array | None:
    return world.gradient_of_cost() * world.value("a", l) if l == world.L else None


@named(
    "delta",
    BP1,
    "extra σ'",
    "δ{l} equals (a{l} - y) ⊙ σ'(z{l}): for this pair of cost and output σ' cancels, δ{l} = a{l} - y",
)
def _(world: World, l: int) -> Array | None:
    if l != world.L or not world.point.objective.fused:
        return None
    a = world.value("a", l)
    slope = world.slope(l)
    return (a - world.point.Y) * (a * (1 - a) if slope is None else slope)


@named(
    "delta",
    BP1,
    "softmax treated elementwise",
    "δ{l} equals ∂C/∂a{l} ⊙ a{l}(1 - a{l}): softmax is not elementwise, each output moves them all",
)
def _(world: World, l: int) -> Array | None:
    if l != world.L or world.point.layers[-1].activation.name != "softmax":
        return None
    a = world.value("a", l)
    return world.gradient_of_cost() * a * (1 - a)


def _back(world: World, l: int, W: Array | None = None) -> Array | None:
    """δ^{l+1} W^{l+1}, or with another matrix; None at the output layer or where shapes do not fit."""
    if l >= world.L:
        return None
    W = world.W(l + 1) if W is None else W
    delta = world.value("delta", l + 1)
    if delta.shape[1] != W.shape[0] or W.shape[1] != world.W(l).shape[0]:
        return None
    return delta @ W


def _pulled(world: World, l: int, error: Array | None) -> Array | None:
    return None if error is None else pulled_back(world, l, error)


@named("delta", BP2, "missing σ'", "δ{l} equals δ{l+1} W{l+1}: you left out ⊙ σ'(z{l})")
def _(world: World, l: int) -> Array | None:
    return _back(world, l)


@named("delta", BP2, "σ' of a instead of z", "δ{l} takes σ' at a{l}: it is σ'(z{l})")
def _(world: World, l: int) -> Array | None:
    error, slope = _back(world, l), None if l == world.L else world.slope(l, world.value("a", l))
    return None if error is None or slope is None else error * slope


@named(
    "delta",
    BP2,
    "σ in place of σ'",
    "δ{l} equals δ{l+1} W{l+1} ⊙ σ(z{l}): it takes σ'(z{l})",
)
def _(world: World, l: int) -> Array | None:
    error = _back(world, l)
    return None if error is None else error * world.value("a", l)


@named(
    "delta",
    BP2,
    "W not transposed",
    "δ{l} is computed with W{l+1}ᵀ: row j of W holds the weights into neuron j, so it is δ{l+1} W{l+1} ⊙ σ'(z{l})",
)
def _(world: World, l: int) -> Array | None:
    if l >= world.L or world.W(l + 1).shape[0] != world.W(l + 1).shape[1]:
        return None
    return _pulled(world, l, _back(world, l, world.W(l + 1).T))


@named(
    "delta",
    BP2,
    "new weights",
    "δ{l} is computed with the updated W{l+1}: use the one that fed forward, and update all layers at the end",
)
def _(world: World, l: int) -> Array | None:
    if l >= world.L or (world.learning_rate is None and ("updated_weight", l + 1) not in world.given):
        return None
    return _pulled(world, l, _back(world, l, world.value("updated_weight", l + 1)))


@named(
    "delta",
    BP2,
    "off by one layer",
    "δ{l} is computed with W{l}: it takes W{l+1}, the weights that leave layer {layer}",
)
def _(world: World, l: int) -> Array | None:
    return _pulled(world, l, _back(world, l, world.W(l))) if l < world.L else None


@named("delta", BP2, "off by one layer", "δ{l} takes σ' at z{l+1}: it is σ'(z{l})")
def _(world: World, l: int) -> Array | None:
    return _with_slope_at(world, l, l + 1)


@named("delta", BP2, "off by one layer", "δ{l} takes σ' at z{l-1}: it is σ'(z{l})")
def _(world: World, l: int) -> Array | None:
    return _with_slope_at(world, l, l - 1)


def _with_slope_at(world: World, l: int, other: int) -> Array | None:
    """σ_l' at another layer's z (at x for layer 1), where it has as many neurons."""
    error = _back(world, l)
    if error is None:
        return None
    z = world.point.X if other == 1 else world.value("z", other)
    slope = world.slope(l, z) if z.shape == error.shape else None
    return None if slope is None else error * slope


@named("delta", BP2, "W left out", "δ{l} equals δ{l+1} ⊙ σ'(z{l}): you left out W{l+1}")
def _(world: World, l: int) -> Array | None:
    if l >= world.L or world.W(l + 1).shape[0] != world.W(l).shape[0]:
        return None
    return _pulled(world, l, world.value("delta", l + 1))
