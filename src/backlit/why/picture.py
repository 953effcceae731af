"""The picture: what each search reached for its passes and its seconds, and how the time of one gradient grows."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.training import curves

if TYPE_CHECKING:
    from backlit.why.report import WhyReport

COLOURS = {
    "one weight at a time": "#b07aa1", "all combinations on a grid": "#9c9c9c", "finite differences": "#e1812c",
    "backpropagation": "#1f6fb4",
}  # fmt: skip


def draw(report: "WhyReport", path: Path, *, force: bool) -> None:
    """Three panels side by side; see :meth:`WhyReport.plot`."""
    curves.check_plot_path(path, force=force)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    _race(left, report, "passes")
    _race(middle, report, "seconds")
    _growth(right, report)
    task = report.task
    sizes = "-".join(map(str, task.network.sizes))
    figure.suptitle(f"{task.name}: a {sizes} network, {task.parameters:,} parameters, {task.rows} rows", fontsize=11)
    figure.savefig(path, dpi=150)


def _race(axes: Any, report: "WhyReport", against: str) -> None:
    for course in report.courses:
        used = np.array(getattr(course, against), dtype=np.float64)
        used[0] = used[1] if len(used) > 1 else 1  # the start, at 0, has no place on a logarithmic scale
        axes.step(used, course.costs, where="post", color=COLOURS[course.name], linewidth=2, label=course.name)
    axes.set(xscale="log", yscale="log", ylabel="cost reached")
    axes.set_xlabel("passes: sweeps through the network for one row" if against == "passes" else "seconds")
    if against == "passes":
        axes.legend(frameon=False, fontsize=9, loc="lower left")
    _bare(axes)


def _growth(axes: Any, report: "WhyReport") -> None:
    for growth in report.growth:
        N, seconds = np.array(growth.parameters), np.array(growth.seconds)
        colour = COLOURS[growth.method]
        axes.plot(N, seconds, "o", color=colour)
        label = f"{growth.method}: grows as N^{growth.power:.2f}"
        axes.plot(N, seconds[-1] * (N / N[-1]) ** growth.power, color=colour, linewidth=2, label=label)
    axes.set(xscale="log", yscale="log", xlabel="parameters N", ylabel="seconds for one gradient")
    axes.legend(frameon=False, fontsize=9, loc="center right")
    _bare(axes)


def _bare(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
