"""The three answers, pass, fail and undecidable, and the report of a check: in numbers, and in words."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from backlit.notation import Array

Answer = Literal["pass", "fail", "undecidable"]

SIGNS = {
    "z": "z", "delta": "δ", "weight_gradient": "∂C/∂W", "bias_gradient": "∂C/∂b", "input_gradient": "∂C/∂x",
    "cost": "C", "a": "a", "direction": "v·∂C/∂θ",
}  # fmt: skip
INDEX_NAMES = {
    "z": ("row", "neuron"), "a": ("row", "neuron"), "delta": ("row", "neuron"), "cost": ("row",),
    "weight_gradient": ("neuron", "weight"), "bias_gradient": ("neuron",), "input_gradient": ("row", "input"),
    "direction": ("direction",),
}  # fmt: skip
EQUATION = {
    "z": "feed forward", "a": "feed forward", "cost": "cost", "weight_gradient": "BP4, gradient of the weights",
    "bias_gradient": "BP3, gradient of the biases", "input_gradient": "∂C/∂x = δ² W²",
    "direction": "one of BP1 to BP4, or the penalty",
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One number of a quantity: where it is, what it is, what it should be and how far that can be off."""

    quantity: str
    layer: int
    at: dict[str, int]
    found: float
    expected: float
    tolerance: float

    def __str__(self) -> str:
        where = ", ".join(f"{name} {number}" for name, number in self.at.items())
        return (
            f"{label(self.quantity, self.layer)}{' at ' if where else ''}{where}: {self.found:.9g}, "
            f"expected {self.expected:.9g} ± {self.tolerance:.1g}"
        )


@dataclass(frozen=True)
class QuantityCheck:
    """All numbers of one quantity in one layer. Relative errors are of numbers that stand clear of their tolerance."""

    quantity: str
    layer: int
    passed: int
    failed: int
    undecidable: int
    worst: Place | None
    worst_relative: float | None
    median_relative: float | None
    largest_tolerance: float
    failures: tuple[Place, ...] = ()
    undecided: tuple[str, ...] = ()

    @property
    def answer(self) -> Answer:
        """fail where any number fails; undecidable where none could be decided; else pass."""
        if self.failed:
            return "fail"
        return "pass" if self.passed or not self.undecidable else "undecidable"

    @property
    def equation(self) -> str:
        """The equation this quantity comes from."""
        return EQUATION.get(self.quantity, "BP2, error of a hidden layer")


@dataclass(frozen=True)
class Price:
    """What the check cost and what its rivals would: passes are sweeps through the network for one row."""

    rows: int
    parameters: int
    probes: int
    passes: float
    seconds: float
    backpropagation_seconds: float
    naive_seconds: float

    @property
    def naive_passes(self) -> int:
        """N parameters, forward differences: N + 1 forward passes a row."""
        return (self.parameters + 1) * self.rows

    @property
    def backpropagation_passes(self) -> int:
        """One forward and one backward pass a row."""
        return 2 * self.rows

    def __str__(self) -> str:
        return (
            f"{self.probes:,} probes through the layers above, the work of {self.passes:,.0f} passes, in "
            f"{_seconds(self.seconds)}; one weight at a time would take {self.naive_passes:,} passes "
            f"(N + 1 a row) and about {_seconds(self.naive_seconds)}; backpropagation took one forward and one "
            f"backward a row, {self.backpropagation_passes:,} passes, in {_seconds(self.backpropagation_seconds)}"
        )


@dataclass(frozen=True)
class Report:
    """The result of a check; ``str()`` is the verdict in words."""

    subject: str
    quantities: tuple[QuantityCheck, ...]
    price: Price | None = None
    notes: tuple[str, ...] = ()
    output_layer: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def answer(self) -> Answer:
        """fail where anything fails; undecidable where a whole quantity is; else pass."""
        answers = {quantity.answer for quantity in self.quantities}
        return "fail" if "fail" in answers else "undecidable" if "undecidable" in answers else "pass"

    @property
    def passed(self) -> bool:
        """Nothing fails, and no quantity is left undecided as a whole."""
        return self.answer == "pass"

    @property
    def undecidable(self) -> int:
        """How many numbers could be neither passed nor failed."""
        return sum(quantity.undecidable for quantity in self.quantities)

    @property
    def failures(self) -> tuple[Place, ...]:
        """The numbers that fail, at most a few a quantity, in the order of the quantities."""
        return tuple(place for quantity in self.quantities for place in quantity.failures)

    @property
    def first_failure(self) -> QuantityCheck | None:
        """The quantity that fails first in the order of the pass: feed forward, then from layer L back."""
        failing = [quantity for quantity in self.quantities if quantity.failed]
        return failing[0] if failing else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "answer": self.answer,
            "passed": self.passed,
            "subject": self.subject,
            "verdict": self._headline(),
            "quantities": [
                {**asdict(quantity), "answer": quantity.answer, "equation": self._equation(quantity)}
                for quantity in self.quantities
            ],
            "price": None if self.price is None else {
                **asdict(self.price),
                "naive_passes": self.price.naive_passes,
                "backpropagation_passes": self.price.backpropagation_passes,
            },
            "notes": list(self.notes),
            **self.extra,
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [self._headline(), "", *self._table()]
        for quantity in self.quantities:
            lines += [f"fails: {place}" for place in quantity.failures[:3]]
            lines += [f"undecidable: {what}" for what in quantity.undecided[:3]]
        lines += self.notes
        if self.price:
            lines.append(f"price: {self.price}")
        return "\n".join(lines)

    def _headline(self) -> str:
        decided = sum(q.passed + q.failed for q in self.quantities)
        left = f"; {self.undecidable:,} undecidable, at kinks" if self.undecidable else ""
        first = self.first_failure
        if first is not None:
            failed = sum(q.failed for q in self.quantities)
            what = f"FAIL: {self.subject}: {failed:,} of {decided:,} numbers are wrong{left}."
            if first.quantity not in SIGNS:
                return f"{what} The first is in {first.quantity}"
            place = f", at layer {first.layer}" if first.layer else ""
            return f"{what} The first wrong equation is {self._equation(first)}{place}"
        if self.answer == "undecidable":
            return f"UNDECIDABLE: {self.subject}: nothing is wrong as far as can be seen{left}"
        return f"PASS: {self.subject}: all {decided:,} numbers agree within their tolerance{left}"

    def _equation(self, quantity: QuantityCheck) -> str:
        if quantity.quantity not in SIGNS:
            return quantity.quantity
        if quantity.quantity == "delta" and quantity.layer == self.output_layer:
            return "BP1, error of the output"
        return quantity.equation

    def _table(self) -> list[str]:
        heads = ("quantity", "answer", "pass", "fail", "undecidable", "worst rel. error", "median", "where")
        rows = [heads]
        for q in self.quantities:
            at = "" if q.worst is None else ", ".join(f"{k} {v}" for k, v in q.worst.at.items())
            rows.append(
                (
                    label(q.quantity, q.layer), q.answer, f"{q.passed:,}", f"{q.failed:,}",
                    f"{q.undecidable:,}", _short(q.worst_relative), _short(q.median_relative), at,
                )
            )  # fmt: skip
        widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
        return ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def compare(
    quantity: str,
    layer: int,
    found: Array,
    expected: Array,
    tolerance: Array,
    undecided: NDArray[np.bool_] | None = None,
    why_undecided: str | Callable[[tuple[int, ...]], str] = "",
) -> QuantityCheck:
    """Holds a quantity against what it should be, number by number."""
    undecided = np.zeros(found.shape, dtype=np.bool_) if undecided is None else undecided
    with np.errstate(invalid="ignore"):
        off = np.abs(found - expected)
        wrong = ~undecided & ~(off <= tolerance)
    size = np.maximum(np.abs(found), np.abs(expected))
    clear = ~undecided & (size > tolerance) & np.isfinite(off)
    relative = np.where(clear, off / np.where(clear, size, 1), 0)
    names = INDEX_NAMES.get(quantity) or _generic_names(found.ndim)

    def place(index: tuple[int, ...]) -> Place:
        at = {name: int(i) for name, i in zip(names, index, strict=True)}
        return Place(quantity, layer, at, float(found[index]), float(expected[index]), float(tolerance[index]))

    def indices(mask: NDArray[np.bool_], most: int) -> list[tuple[int, ...]]:
        by_excess = np.flatnonzero(mask)
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.nan_to_num(off.ravel()[by_excess] / tolerance.ravel()[by_excess], nan=np.inf)
        return [tuple(map(int, np.unravel_index(i, found.shape))) for i in by_excess[np.argsort(-excess)][:most]]

    failures = tuple(place(index) for index in indices(wrong, 5))
    worst = failures[0] if failures else None
    if worst is None and clear.any():
        worst = place(tuple(map(int, np.unravel_index(relative.argmax(), found.shape))))
    named = []
    for index in np.argwhere(undecided)[:5]:
        at = ", ".join(f"{name} {i}" for name, i in zip(names, index, strict=True))
        why = why_undecided if isinstance(why_undecided, str) else why_undecided(tuple(map(int, index)))
        named.append(f"{label(quantity, layer)} at {at}: {why}")
    return QuantityCheck(
        quantity=quantity,
        layer=layer,
        passed=int((~undecided & ~wrong).sum()),
        failed=int(wrong.sum()),
        undecidable=int(undecided.sum()),
        worst=worst,
        worst_relative=float(relative.max()) if clear.any() else None,
        median_relative=float(np.median(relative[clear])) if clear.any() else None,
        largest_tolerance=float(np.where(undecided, 0, tolerance).max(initial=0.0)),
        failures=failures,
        undecided=tuple(named),
    )


def _generic_names(dimensions: int) -> tuple[str, ...]:
    few = {1: ("index",), 2: ("row", "column")}
    return few.get(dimensions, tuple(f"axis {axis}" for axis in range(dimensions)))


def label(quantity: str, layer: int) -> str:
    """A quantity as the maths writes it; a name it does not know stands for itself.

    >>> label("weight_gradient", 2), label("input_gradient", 1), label("cost", 0)
    ('∂C/∂W²', '∂C/∂x', 'C')
    """
    return SIGNS.get(quantity, quantity) + (superscript(layer) if quantity != "input_gradient" else "")


def superscript(layer: int) -> str:
    """A layer's number as the maths writes it: δ².

    >>> superscript(2), superscript(13), superscript(0)
    ('²', '¹³', '')
    """
    return str(layer).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")) if layer else ""


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 100 else f"{value:,.0f} s"
