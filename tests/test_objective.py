"""Valid pairs and no others; fused forms equal to the general path; every pair finite and right at z = ±800."""

import copy
import math
from decimal import Decimal, localcontext
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

from backlit import activations, costs, equations, objective
from backlit.activations import ACTIVATIONS, Elementwise
from backlit.costs import COSTS, Cost
from backlit.errors import OptionError
from backlit.objective import FUSED, VALID_OUTPUTS, Objective

PAIRS = [(output, cost) for cost, outputs in VALID_OUTPUTS.items() for output in outputs]
INVALID = [pair for pair in product(ACTIVATIONS, COSTS) if pair not in PAIRS]
DTYPES = [np.float32, np.float64]


def output_error(goal: Objective, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> np.ndarray:
    if goal.fused:
        return equations.fused_output_error(a, y)
    return equations.output_error(goal.output, goal.cost, z, a, y)


def test_the_table_of_pairs() -> None:
    all_but_exponential = set(ACTIVATIONS) - {"exponential"}
    assert {cost: set(outputs) for cost, outputs in VALID_OUTPUTS.items()} == {
        "quadratic": all_but_exponential,
        "mse": all_but_exponential,
        "huber": all_but_exponential,
        "binary-cross-entropy": {"sigmoid"},
        "cross-entropy": {"softmax"},
        "poisson": {"exponential"},
    }
    assert len(PAIRS) == 33
    assert {pair: form.name for pair, form in FUSED.items()} == {
        ("softmax", "cross-entropy"): "softmax + cross-entropy",
        ("sigmoid", "binary-cross-entropy"): "sigmoid + binary cross-entropy",
        ("exponential", "poisson"): "exponential + poisson",
    }


@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_a_valid_pair_is_accepted(output: str, cost: str) -> None:
    goal = objective.choose(output, cost, l2=0.5, n=7)
    assert (goal.output.name, goal.cost.name, goal.l2, goal.n) == (output, cost, 0.5, 7.0)
    assert goal.fused is FUSED.get((output, cost))
    assert objective.choose(output, cost, fused=False).fused is None


@pytest.mark.parametrize(("output", "cost"), INVALID)
def test_any_other_pair_is_refused_by_name(output: str, cost: str) -> None:
    with pytest.raises(OptionError, match=f"cost '{cost}' does not go with output '{output}'") as caught:
        objective.choose(output, cost)
    message = str(caught.value)
    assert f"it needs {VALID_OUTPUTS[cost][0]}" in message
    for goes in (c for c, outputs in VALID_OUTPUTS.items() if output in outputs):
        assert goes in message.partition(f"{output} goes with ")[2]
    assert "\n" not in message


@pytest.mark.parametrize("output", ACTIVATIONS)
def test_the_default_cost_of_an_output(output: str) -> None:
    special = {"softmax": "cross-entropy", "sigmoid": "binary-cross-entropy", "exponential": "poisson"}
    assert objective.choose(output).cost.name == special.get(output, "quadratic")


@pytest.mark.parametrize("l2", [-1e-9, np.nan, np.inf, "0.1", None])
def test_a_bad_penalty_is_refused(l2: Any) -> None:
    with pytest.raises(OptionError, match="l2 must be a number from 0 up, not "):
        objective.choose("softmax", l2=l2)


@pytest.mark.parametrize("n", [0, -1, np.nan])
def test_a_bad_divisor_of_the_penalty_is_refused(n: float) -> None:
    with pytest.raises(OptionError, match="must be above 0, not "):
        objective.choose("softmax", n=n)


def test_a_misspelt_name_is_refused() -> None:
    with pytest.raises(OptionError, match="output 'softmx' is not known; did you mean 'softmax'"):
        objective.choose("softmx")
    with pytest.raises(OptionError, match="cost 'hubber' is not known; did you mean 'huber'"):
        objective.choose("identity", "hubber")
    with pytest.raises(OptionError, match="is not known"):
        objective.choose("identity", ["huber"])  # type: ignore[arg-type]


def test_what_an_objective_says_of_itself() -> None:
    assert str(objective.choose("softmax", l2=0.1)) == "cross-entropy on softmax (fused: δ = a - y), l2 0.1"
    assert str(objective.choose("tanh")) == "quadratic on tanh (general path)"


class Absolute(Cost):
    name = "absolute"

    def value(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.abs(a - y).sum(axis=1)

    def gradient(self, a: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.sign(a - y)


class Cube(Elementwise):
    name = "cube"

    def value(self, z: np.ndarray) -> np.ndarray:
        return z**3

    def slope(self, z: np.ndarray, a: np.ndarray) -> np.ndarray:
        return 3 * z * z


def test_of_ones_own_parts_one_judges_oneself() -> None:
    goal = objective.choose(Cube(), Absolute())
    assert goal.fused is None
    z = np.array([[2.0, -1.0]])
    a = goal.output.value(z)  # 8, -1; errors 5, -2; δ = sign(error) · 3z²
    assert goal.row_costs(z, a, np.array([[3.0, 1.0]])).tolist() == [7.0]
    assert output_error(goal, z, a, np.array([[3.0, 1.0]])).tolist() == [[12.0, -3.0]]
    assert objective.choose("softmax", Absolute()).cost.name == "absolute"
    assert objective.choose(Cube()).cost.name == "quadratic"


def test_a_name_alone_does_not_fuse() -> None:
    class Steep(Elementwise):
        name = "sigmoid"  # as Backlit's own, and another function

        def value(self, z: np.ndarray) -> np.ndarray:
            return ACTIVATIONS["sigmoid"].value(2 * z)

        def slope(self, z: np.ndarray, a: np.ndarray) -> np.ndarray:
            return 2 * a * (1 - a)

    goal = objective.choose(Steep(), "binary-cross-entropy")
    assert goal.fused is None
    # At z = 0 a is ½ and σ' ½: ∂C/∂a = (½ - 1)/¼ = -2, δ = -1; a - y were -½.
    assert output_error(goal, np.zeros((1, 1)), np.full((1, 1), 0.5), np.ones((1, 1))).tolist() == [[-1.0]]


def test_a_copy_of_backlits_own_fuses() -> None:
    goal = objective.choose(copy.deepcopy(ACTIVATIONS["softmax"]), copy.deepcopy(COSTS["cross-entropy"]))
    assert goal.fused is FUSED["softmax", "cross-entropy"]


# Fused and general


def targets(cost: str, m: int, dtype: type) -> np.ndarray:
    """Targets of three outputs as the cost takes them."""
    if cost == "cross-entropy":
        return np.eye(3, dtype=dtype)[np.arange(m) % 3]
    if cost == "binary-cross-entropy":
        return (np.arange(3 * m).reshape(m, 3) * 5 % 7 < 3).astype(dtype)
    if cost == "poisson":
        return (np.arange(3 * m).reshape(m, 3) * 5 % 7).astype(dtype)
    return np.linspace(-1, 2, 3 * m, dtype=dtype).reshape(m, 3)


@pytest.mark.parametrize(("output", "cost"), FUSED)
def test_the_fused_form_is_the_general_path_where_that_is_finite(output: str, cost: str) -> None:
    rng = np.random.default_rng(4)
    z = rng.uniform(-1, 1, (500, 3)) * np.linspace(0, 800, 500)[:, np.newaxis]
    y = targets(cost, 500, np.float64)
    fused, general = (objective.choose(output, cost, fused=form) for form in (True, False))
    a = fused.output.value(z)
    assert fused.fused is not None
    with np.errstate(all="ignore"):
        delta = output_error(general, z, a, y)
        row_costs = general.row_costs(z, a, y)
    finite = np.isfinite(delta)
    assert 0.02 < finite.mean() < 1  # both happen: the general path is infinite where a is 0, or 1
    # What differs is rounding: an error of a unit of a, or of the counts up to 6 that are taken from it.
    assert output_error(fused, z, a, y)[finite] == pytest.approx(delta[finite], rel=1e-14, abs=1e-14)
    # The general cost takes the logarithm of a or of 1 - a, which near 1 hold fewer digits: a relative eps / (1 - a),
    # at |z| < 12 below 2e-16 · e^{12} = 4e-11. Farther out the fused form is the better one.
    near = np.abs(z).max(axis=1) < 12
    assert near.sum() >= 7
    assert fused.row_costs(z, a, y)[near] == pytest.approx(row_costs[near], rel=1e-10, abs=1e-10)


def test_fused_row_costs_by_hand() -> None:
    # softmax of ln 1, ln 2, ln 5 is 1/8, 2/8, 5/8: -ln 2/8 = ln 4
    z, a = np.log(np.array([[1.0, 2.0, 5.0]])), np.array([[0.125, 0.25, 0.625]])
    goal = objective.choose("softmax")
    assert goal.row_costs(z, a, np.array([[0.0, 1.0, 0.0]])) == pytest.approx(np.log([4]), rel=1e-15)
    # sigmoid of ln 3 is 3/4, of -ln 4 is 1/5: -ln 3/4 - ln 4/5 = ln 5/3
    z, a = np.array([[np.log(3), -np.log(4)]]), np.array([[0.75, 0.2]])
    goal = objective.choose("sigmoid")
    assert goal.row_costs(z, a, np.array([[1.0, 0.0]])) == pytest.approx(np.log([5 / 3]), rel=1e-15)
    # e^{ln 2} - 3 ln 2 + e^0 - 0
    z, a = np.array([[np.log(2), 0.0]]), np.array([[2.0, 1.0]])
    goal = objective.choose("exponential")
    assert goal.row_costs(z, a, np.array([[3.0, 0.0]])) == pytest.approx(np.array([3 - 3 * np.log(2)]), rel=1e-15)


# Extremes: the truth, from the textbook formulas in arithmetic of 400 digits (e^{-800} begins with 347 zeros)


def exact_row(output: str, cost: str, z: list[float], y: list[float], largest: float) -> tuple[Decimal, list[Decimal]]:
    """C_i and δ_i of one row."""
    a, slope = exact_output(output, [Decimal(x) for x in z], Decimal(largest))
    targets = [Decimal(t) for t in y]
    e = [p - t for p, t in zip(a, targets, strict=True)]
    if cost == "cross-entropy":
        return sum((-ln(p) for p, t in zip(a, targets, strict=True) if t), Decimal(0)), e
    if cost == "binary-cross-entropy":
        return sum((-ln(p if t else 1 - p) for p, t in zip(a, targets, strict=True)), Decimal(0)), e
    if cost == "poisson":
        return sum((p - t * Decimal(x) for p, t, x in zip(a, targets, z, strict=True)), Decimal(0)), e
    value, gradient = {
        "quadratic": (sum(x * x for x in e) / 2, e),
        "mse": (sum(x * x for x in e) / Decimal(3), [2 * x / 3 for x in e]),
        "huber": (
            sum(x * x / 2 if abs(x) <= 1 else abs(x) - Decimal("0.5") for x in e),
            [max(Decimal(-1), min(Decimal(1), x)) for x in e],
        ),
    }[cost]
    if output == "softmax":
        mean = sum(g * p for g, p in zip(gradient, a, strict=True))
        return Decimal(value), [p * (g - mean) for g, p in zip(gradient, a, strict=True)]
    return Decimal(value), [g * s for g, s in zip(gradient, slope, strict=True)]


def exact_output(output: str, z: list[Decimal], largest: Decimal) -> tuple[list[Decimal], list[Decimal]]:
    """a and, for an elementwise output, σ'(z)."""
    if output == "softmax":
        raised = [exp(x) for x in z]
        return [r / sum(raised) for r in raised], []
    if output == "exponential":
        held = [exp(min(x, largest)) for x in z]  # as its docstring says
        return held, held
    neurons = [exact_neuron(output, x) for x in z]
    return [value for value, _ in neurons], [slope for _, slope in neurons]


@cache
def exp(x: Decimal) -> Decimal:
    return x.exp()


@cache
def ln(x: Decimal) -> Decimal:
    return x.ln()


def s(x: Decimal) -> Decimal:
    return 1 / (1 + exp(-x))


@cache
def exact_neuron(output: str, x: Decimal) -> tuple[Decimal, Decimal]:
    """σ(x) and σ'(x)."""
    one, small = Decimal(1), Decimal(ACTIVATIONS["leaky-relu"].negative_slope)  # type: ignore[attr-defined]
    # of the normal distribution float64 has enough digits: z is moderate, or far beyond them
    normal = Decimal(math.erfc(-float(x) / math.sqrt(2))) / 2
    density = exp(-x * x / 2) / Decimal(2 * math.pi).sqrt()
    return {
        "identity": lambda: (x, one),
        "sigmoid": lambda: (s(x), s(x) * s(-x)),
        "tanh": lambda: (s(2 * x) - s(-2 * x), 4 * s(2 * x) * s(-2 * x)),
        "relu": lambda: (max(x, 0 * x), one * (x > 0)),
        "leaky-relu": lambda: (max(x, small * x), one if x > 0 else small),
        "elu": lambda: (x, one) if x > 0 else (exp(x) - 1, exp(x)),
        "gelu": lambda: (x * normal, normal + x * density),
        "silu": lambda: (x * s(x), s(x) * (1 + x * s(-x))),
        "softplus": lambda: (ln(1 + exp(x)), s(x)),
    }[output]()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("output", "cost"), PAIRS)
def test_every_pair_is_finite_and_right_at_800(output: str, cost: str, dtype: type) -> None:
    z = np.array(list(product([-800, -1.25, 0.5, 800], repeat=3)), dtype)
    y = targets(cost, len(z), dtype)
    goal = objective.choose(output, cost)
    a = goal.output.value(z)
    row_costs, delta = goal.row_costs(z, a, y), output_error(goal, z, a, y)
    assert row_costs.dtype == delta.dtype == dtype
    assert np.isfinite(row_costs).all()
    assert np.isfinite(delta).all()
    eps = float(np.finfo(dtype).eps)
    largest = float(dtype(ACTIVATIONS["exponential"].largest_z(np.dtype(dtype))))  # type: ignore[attr-defined]
    # A few roundings of the largest of the numbers that are added; in an exponential those of its argument, up to 700.
    units = 16 + (largest if output == "exponential" else 0)
    with localcontext(prec=400):
        for i in range(len(z)):
            true_cost, errors = exact_row(output, cost, z[i].tolist(), y[i].tolist(), largest)
            found = [row_costs[i].item(), *delta[i].tolist()]
            for number, true in zip(found, [true_cost, *errors], strict=True):
                assert abs(Decimal(number) - true) <= Decimal(units * eps) * max(1, abs(true)), (z[i], y[i])


def test_hits() -> None:
    a = np.array([[0.2, 0.7], [0.6, 0.4], [0.5, 0.1]])
    one_hot = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    assert objective.hits("argmax", a, one_hot).tolist() == [1, 0, 1]
    # sides of ½: (no, yes), (yes, no), (yes, no)
    assert objective.hits("threshold", a, np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])).tolist() == [1, 0, 1]
    assert objective.hits("argmax", a, one_hot).dtype == np.float64


def test_names_come_from_the_tables() -> None:
    assert costs.get("mse") is objective.choose("identity", "mse").cost
    assert activations.get("tanh") is objective.choose("tanh").output
