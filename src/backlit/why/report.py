"""What ``why`` found: one table, one picture, plain data."""

from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from backlit.why.counts import GridTime, backpropagation_passes, finite_difference_passes, in_words, neuron_visits
from backlit.why.growth import Growth
from backlit.why.race import Course
from backlit.why.task import Task

EXAMPLE_WEIGHTS = 30_000


@dataclass(frozen=True, eq=False)
class WhyReport:
    """The race, the growth and the grid's times; ``str()`` is the table, ``plot(path)`` the picture."""

    task: Task
    courses: tuple[Course, ...]
    growth: tuple[Growth, ...]
    grid: tuple[GridTime, ...]
    grid_values: int
    seconds: float
    budget: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        N, m = self.task.parameters, self.task.rows
        return {
            "task": self.task.name,
            "network": list(self.task.network.sizes),
            "parameters": N,
            "rows": m,
            "budget": self.budget,
            "passes_a_gradient": {
                "finite differences, forward": finite_difference_passes(N, m),
                "finite differences, central": finite_difference_passes(N, m, central=True),
                "backpropagation": backpropagation_passes(m),
            },
            "searches": [{**asdict(course), "cost": course.cost} for course in self.courses],
            "growth": [asdict(growth) for growth in self.growth],
            "grid": [{**asdict(time), "seconds": time.seconds, "in_words": str(time)} for time in self.grid],
            "seconds": self.seconds,
        }

    def plot(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Draws the picture to a .png, .svg or .pdf file.

        Raises:
            OutputPathError: it cannot be written there. OptionError: matplotlib is not installed.
        """
        from backlit.why.picture import draw

        draw(self, Path(path), force=force)

    def __str__(self) -> str:
        N, m, task = self.task.parameters, self.task.rows, self.task
        sizes = "-".join(map(str, task.network.sizes))
        lines = [
            f"{task.name}: a {sizes} network, N = {N:,} parameters, m = {m} rows; each search gets {self.budget}",
            "a pass is one sweep through the network, forward or backward, for one row",
            "",
            *self._table(),
            "",
        ]
        lines += [f"{course.name}: {course.note}" for course in self.courses if course.note]
        lines.append("one gradient, counted:")
        lines += _columns(
            [
                ("finite differences, forward", f"(N + 1) m = {finite_difference_passes(N, m):,} passes"),
                ("finite differences, central", f"2 N m = {finite_difference_passes(N, m, central=True):,} passes"),
                ("backpropagation", f"2 m = {backpropagation_passes(m):,} passes: one forward, one backward a row"),
                (
                    f"{EXAMPLE_WEIGHTS:,} weights, one row",
                    f"{finite_difference_passes(EXAMPLE_WEIGHTS):,} passes against 1 + 1",
                ),
                (
                    "L layers of n neurons",
                    "each weight tried once: (L-1)(n+1)n m sweeps, against 2 m; "
                    f"L = 3, n = 100, m = 1: {neuron_visits(3, 100, 1):,} against 2",
                ),
            ]
        )
        lines.append("one gradient, timed:")
        lines += _columns([(growth.method, _growth_in_words(growth)) for growth in self.growth])
        first = self.grid[0]
        lines.append(
            f"all combinations of {first.values:,} values a weight, at {first.evaluations_per_second:,.3g} "
            "evaluations a second:"
        )
        lines += _columns(
            [(f"{time.parameters:,} weight{'s' * (time.parameters > 1)}", str(time)) for time in self.grid]
        )
        lines.append(f"measured in {self.seconds:.1f} s")
        return "\n".join(lines)

    def _table(self) -> list[str]:
        N = self.task.parameters
        a_step = {
            "one weight at a time": "20 m",
            "all combinations on a grid": "m",
            "finite differences": "(N + 1) m",
            "backpropagation": "2 m",
        }
        rows = [("search", "passes a step", "steps", "passes used", "seconds", "cost reached")]
        for course in self.courses:
            steps = f"{course.steps:,}"
            if course.name.startswith("all"):
                done = (course.passes[-1] - self.task.rows) // self.task.rows
                steps = f"{max(done, 0):,} of {self.grid_values}^{N}"
            rows.append(
                (
                    course.name,
                    a_step[course.name],
                    steps,
                    f"{course.passes[-1]:,}",
                    f"{course.seconds[-1]:.2f}",
                    f"{course.cost:.3g}",
                )
            )
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


def _growth_in_words(growth: Growth) -> str:
    times = f"{in_words(growth.seconds[0])} at N = {growth.parameters[0]:,}"
    if len(growth.seconds) > 1:
        times += f", {in_words(growth.seconds[-1])} at N = {growth.parameters[-1]:,}"
    return f"{times}: grows as N^{growth.power:.2f}"


def _columns(rows: list[tuple[str, str]]) -> list[str]:
    width = max(len(word) for word, _ in rows)
    return [f"  {word:<{width}}  {what}" for word, what in rows]
