"""The verdict on homework, in numbers and in words a student can use."""

from dataclasses import asdict, dataclass
from typing import Any

from backlit.check.homework.answers import EXTRA_COLUMN, sign_of
from backlit.check.homework.explain import Explanation, equation_of
from backlit.check.homework.judge import FOLLOWS, RIGHT, WRONG, Judgement


@dataclass(frozen=True)
class HomeworkReport:
    """What was found; ``str()`` is the verdict in words."""

    judgements: tuple[Judgement, ...]
    conventions: tuple[str, ...]
    L: int

    @property
    def passed(self) -> bool:
        """Nothing is wrong."""
        return self.first is None

    @property
    def first(self) -> Judgement | None:
        """The first array that does not follow from those before it."""
        wrong = [judgement for judgement in self.judgements if judgement.status == WRONG]
        return wrong[0] if wrong else None

    @property
    def equation(self) -> str | None:
        """The first wrong equation."""
        if self.first is None:
            return None
        equations = {explanation.equation for explanation in self.first.explanations}
        return equations.pop() if len(equations) == 1 else equation_of((self.first.quantity, self.first.layer), self.L)

    @property
    def layer(self) -> int | None:
        """The layer of the first wrong equation; 0 for the cost."""
        if self.first is None:
            return None
        layers = {explanation.layer for explanation in self.first.explanations}
        return layers.pop() if len(layers) == 1 else self.first.layer

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The names of the known mistakes that give the first wrong numbers; several where they give the same."""
        return tuple(explanation.name for explanation in self.first.explanations) if self.first else ()

    @property
    def explanations(self) -> tuple[Explanation, ...]:
        """The same, in words."""
        return self.first.explanations if self.first else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "passed": self.passed,
            "verdict": str(self),
            "equation": self.equation,
            "layer": self.layer,
            "mistakes": list(self.mistakes),
            "conventions": list(self.conventions),
            "quantities": [asdict(judgement) for judgement in self.judgements],
        }

    def __str__(self) -> str:
        lines = [self._headline(), *self._why()]
        lines += [f"taken as a convention, not a mistake: {convention}" for convention in self.conventions]
        return "\n".join(lines)

    def _headline(self) -> str:
        first = self.first
        if first is None:
            count = sum(judgement.numbers for judgement in self.judgements)
            arrays = ", ".join(name_of(judgement) for judgement in self.judgements)
            return f"RIGHT: {f'all {count:,} numbers' if count > 1 else 'the number'} given: {arrays}"
        layer = f", at layer {self.layer}" if self.layer else ""
        return f"WRONG: the first wrong equation is {self.equation}{layer}"

    def _why(self) -> list[str]:
        first = self.first
        if first is None:
            return []
        lines = []
        if any(explanation.name == EXTRA_COLUMN for explanation in first.explanations):
            pass
        elif first.wrong_numbers:
            numbers = f"yours {first.yours:.10g}, it should be {first.ours:.10g}"
            if first.numbers == 1:
                lines.append(f"{name_of(first)} does not follow from what stands before: {numbers}")
            else:
                lines.append(
                    f"{first.wrong_numbers} of {first.numbers} numbers of {name_of(first)} do not follow from what "
                    f"stands before; the first is {_place(first)}: {numbers}"
                )
        if len(first.explanations) == 1:
            lines.append(f"why: {first.explanations[0].words}")
        elif first.explanations:
            lines.append("why, each of these gives exactly your numbers:")
            lines += [f"  {explanation.name}: {explanation.words}" for explanation in first.explanations]
        else:
            lines.append("no known mistake gives these numbers; compute that one again by hand")
        lines += self._the_rest(first)
        return lines

    def _the_rest(self, first: Judgement) -> list[str]:
        lines = []
        right = [name_of(j) for j in self.judgements if j.status == RIGHT]
        follows = [name_of(j) for j in self.judgements if j.status == FOLLOWS]
        if right:
            lines.append(f"right: {', '.join(right)}")
        if follows:
            lines.append(f"rightly computed from your own earlier numbers: {', '.join(follows)}")
        for judgement in self.judgements:
            if judgement.status == WRONG and judgement is not first:
                why = "; or ".join(e.words for e in judgement.explanations) or "no known mistake gives these numbers"
                lines.append(f"also wrong: {name_of(judgement)}: {why}")
        return lines


def name_of(judgement: Judgement) -> str:
    """δ² and the like."""
    return sign_of(judgement.quantity, judgement.layer)


def _place(judgement: Judgement) -> str:
    names = {
        "weight_gradient": ("neuron", "weight"), "updated_weight": ("neuron", "weight"), "bias_gradient": ("neuron",),
        "updated_bias": ("neuron",), "row_cost": ("row",), "output_cost": ("row", "output"), "cost": (),
    }.get(judgement.quantity, ("row", "neuron"))  # fmt: skip
    return ", ".join(f"{name} {i}" for name, i in zip(names, judgement.at, strict=True))
