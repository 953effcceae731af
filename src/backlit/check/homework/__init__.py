"""Homework: someone's numbers of a backward pass against ours; the first wrong equation, and the mistake behind it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from backlit.check.homework import answers as reading
from backlit.check.homework.answers import EXTRA_COLUMN
from backlit.check.homework.explain import Explanation
from backlit.check.homework.judge import WRONG, Judgement, judge
from backlit.check.homework.mistakes import BP2
from backlit.check.homework.report import HomeworkReport
from backlit.check.homework.world import World
from backlit.check.run import point_of
from backlit.costs import Cost
from backlit.errors import OptionError
from backlit.network import Network
from backlit.optimizers.base import check_number

__all__ = ["HomeworkReport", "check_backward"]


def check_backward(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    yours: Mapping[str, Any],
    *,
    cost: str | Cost | None = None,
    l2: float = 0.0,
    n: float | None = None,
    sample_weight: ArrayLike | None = None,
    learning_rate: float | None = None,
) -> HomeworkReport:
    """Your backward pass against ours: right, or the first wrong equation, where, and the mistake that explains it.

    ``yours`` maps a quantity to its layers to an array; any part may be missing, and NaN stands for a number not given:
    ``z``, ``a``, ``slope`` (σ'(z)), ``delta`` of shape (m, n_l); ``weight_gradient``, ``updated_weight`` of W's shape;
    ``bias_gradient``, ``updated_bias``; ``cost`` (no layers) one number, one a row, or one a row and output. How
    exactly each number must agree is read off the digits it is given with. Rows, neurons and inputs count from 0.

    Other conventions (δ = -∂C/∂z, δ/m, sums for means throughout, a bias column) are recognised and reported.

    Args:
        net: the network, with the weights that fed forward.
        X: rows of inputs; one row is X[:1].
        y: targets.
        yours: your numbers.
        cost: None takes the output activation's own.
        l2: λ.
        n: the penalty's divisor; None takes the rows given.
        sample_weight: a weight a row.
        learning_rate: η of plain gradient descent, needed for updated weights.

    Raises:
        DataError: a wrong shape (the transpose is offered where it fits), an unknown quantity or layer.
        OptionError: an option cannot be used.

    >>> import backlit as bl
    >>> net = bl.Network([1, 1, 1], activation="sigmoid", output="sigmoid")
    >>> net.parameters[...] = 0.5
    >>> yours = {"a": {2: [[0.7311]]}, "delta": {3: [[0.7038]]}}
    >>> report = bl.check_backward(net, [[1.0]], [[0.0]], yours, cost="quadratic")
    >>> print(report.passed, report.mistakes)
    False ("missing σ'",)
    """
    point = point_of(net, X, y, cost=cost, l2=l2, n=n, sample_weight=sample_weight)
    if learning_rate is not None:
        check_number("check_backward", "learning_rate", learning_rate, low=0, open_low=True)
    elif isinstance(yours, Mapping) and any(
        name.startswith(("updated", "weight_change", "bias_change")) for name in yours
    ):
        raise OptionError("to check an update, its learning rate is needed: give learning_rate=...")
    answers = reading.read(yours, World(point, learning_rate))
    ruling = judge(point, answers, learning_rate)
    judgements = tuple(_with_extra_columns(judgement, answers.extra) for judgement in ruling.judgements)
    said = [str(ruling.convention)] if ruling.convention.departures else []
    return HomeworkReport(judgements, tuple(answers.conventions + said), net.L)


def _with_extra_columns(judgement: Judgement, extra: Mapping[tuple[str, int], str]) -> Judgement:
    """A column too many is a mistake whatever the numbers in the others."""
    words = extra.get((judgement.quantity, judgement.layer))
    if words is None:
        return judgement
    explanation = Explanation(EXTRA_COLUMN, BP2, judgement.layer, words)
    return replace(judgement, status=WRONG, explanations=(explanation, *judgement.explanations))
