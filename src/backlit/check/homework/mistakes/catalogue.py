"""What a known mistake is: a rule that takes an equation's place, or a factor on what the right equation gives.

A rule answers None where it does not apply: a transposed W where W is not square, a neighbouring layer of another size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backlit.check.homework.world import Rule, World
from backlit.check.verdicts import superscript

FEED_FORWARD, COST = "feed forward", "cost"
BP1, BP2 = "BP1, error of the output", "BP2, error of a hidden layer"
BP3, BP4 = "BP3, gradient of the biases", "BP4, gradient of the weights"
PENALTY, UPDATE = "penalty", "update"


@dataclass(frozen=True)
class Mistake:
    """One wrong way: a short name, the quantity it spoils, its equation, the rule, and the words.

    In the words {l}, {l+1}, {l-1}, {l-2} stand for the layer and its neighbours as the maths writes them.
    """

    name: str
    quantity: str
    equation: str
    rule: Rule
    words: str

    def say(self, l: int) -> str:
        """The words for layer l."""
        said = self.words.replace("{layer}", str(l))
        for mark, number in (("{l}", l), ("{l+1}", l + 1), ("{l-1}", l - 1), ("{l-2}", l - 2)):
            said = said.replace(mark, superscript(number))
        return said


def named(quantity: str, equation: str, name: str, words: str) -> Callable[[Rule], Rule]:
    """Enters a rule into the list of mistakes."""

    def enter(rule: Rule) -> Rule:
        MISTAKES.append(Mistake(name, quantity, equation, rule, words))
        return rule

    return enter


MISTAKES: list[Mistake] = []


@dataclass(frozen=True)
class Factor:
    """A number that multiplies a whole quantity by mistake."""

    name: str
    by: Callable[[World], float]
    words: str


def _where_the_cost_is(names: tuple[str, ...], by: Callable[[World], float]) -> Callable[[World], float]:
    """The factor, for these costs; 1, which is no mistake, for others."""
    return lambda world: by(world) if world.point.objective.cost.name in names else 1.0


def _n_L(world: World) -> float:
    return float(world.point.network.sizes[-1])


SIGN = Factor("sign", lambda world: -1.0, "it has the opposite sign")
SUM = Factor("missing 1/m", lambda world: float(world.m), "it is the sum over the rows: you left out 1/m")
TWICE = Factor("divided by m twice", lambda world: 1 / world.m, "it is divided by m once too often")
HALF = Factor(
    "½ of the cost forgotten",
    _where_the_cost_is(("quadratic", "huber"), lambda world: 2.0),
    "it is twice what it should be: the ½ of the cost is forgotten",
)
HALVED = Factor(
    "½ too much",
    _where_the_cost_is(("quadratic", "mse", "huber"), lambda world: 0.5),
    "it is half what it should be: the 2 of the square has cancelled the ½ already",
)
OUTPUTS = Factor(
    "mean over outputs",
    lambda world: 1.0 if world.point.objective.cost.name == "mse" else 1 / _n_L(world),
    "it is divided by the number of outputs: this cost is a sum over them",
)
OUTPUTS_2 = Factor(
    "mean over outputs",
    _where_the_cost_is(("quadratic",), lambda world: 2 / _n_L(world)),
    "it is 2/n of what it should be, n the number of outputs: that is the mean squared error's, not this cost's",
)
OUTPUTS_SUM = Factor(
    "sum over outputs",
    _where_the_cost_is(("mse",), _n_L),
    "it is multiplied by the number of outputs: this cost is a mean over them",
)

FACTORS: dict[str, tuple[Factor, ...]] = {
    "cost": (SIGN, SUM, TWICE, HALF, HALVED, OUTPUTS, OUTPUTS_2, OUTPUTS_SUM),
    "row_cost": (SIGN, HALF, HALVED, OUTPUTS, OUTPUTS_2, OUTPUTS_SUM, TWICE),
    "output_cost": (SIGN, HALF, HALVED, TWICE),
    "delta": (SIGN, HALF, HALVED, OUTPUTS, OUTPUTS_2, OUTPUTS_SUM, TWICE),
    "bias_gradient": (SIGN, SUM, TWICE, HALF, HALVED, OUTPUTS),
    "weight_gradient": (SIGN, SUM, TWICE, HALF, HALVED, OUTPUTS),
}


def of(quantity: str) -> Iterator[Mistake]:
    """The mistakes that spoil a quantity."""
    return (mistake for mistake in MISTAKES if mistake.quantity == quantity)
