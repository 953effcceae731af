"""The race: every search on the same task from the same start, each with the same budget of passes or of seconds."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from backlit.why.searches import Progress
from backlit.why.task import Task, costs_of

POINTS_KEPT = 400
"""Of a curve: enough to draw it."""


@dataclass(frozen=True)
class Course:
    """How one search fared: after each of some steps, the passes and seconds used and the lowest cost so far."""

    name: str
    passes: tuple[int, ...]
    seconds: tuple[float, ...]
    costs: tuple[float, ...]
    steps: int
    finished: bool
    note: str = ""

    @property
    def cost(self) -> float:
        """The lowest reached."""
        return self.costs[-1]


def run(task: Task, name: str, search: Callable[[], Progress], seconds: float, passes: int | None) -> Course:
    """Runs one search until its seconds or passes are used up; a step beyond the passes does not count."""
    start_cost = float(costs_of(task, task.network.parameters[np.newaxis])[0])
    curve = [(0, 0.0, start_cost)]
    start = perf_counter()
    steps, finished = 0, True
    with np.errstate(over="ignore", invalid="ignore"):
        for used, cost in search():
            spent = perf_counter() - start
            if (passes is not None and used > passes) or (passes is None and steps and spent > seconds):
                finished = False
                break
            steps += 1
            curve.append((used, spent, min(cost, curve[-1][2])))
            if spent > seconds:
                finished = False
                break
    kept = curve if len(curve) <= POINTS_KEPT else [curve[i] for i in _spread(len(curve))]
    columns = list(zip(*kept, strict=True))
    note = "" if steps else f"not one step fits into {passes:,} passes"
    return Course(name, columns[0], columns[1], columns[2], steps, finished, note)


def _spread(count: int) -> list[int]:
    """Indices spread evenly on a logarithmic scale, first and last among them."""
    return sorted({0, *np.unique(np.geomspace(1, count - 1, POINTS_KEPT).astype(int)).tolist()})
