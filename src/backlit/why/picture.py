"""The picture: what each search reached for the passes it used, and how the time of one gradient grows."""

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
    """Two panels side by side; see :meth:`WhyReport.plot`."""
    curves.check_plot_path(path, force=force)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _race(left, report)
    _growth(right, report)
    figure.savefig(path, dpi=150)


def _race(axes: Any, report: "WhyReport") -> None:
    for course in report.courses:
        passes = np.maximum(course.passes, 1)
        axes.step(passes, course.costs, where="post", color=COLOURS[course.name], linewidth=2, label=course.name)
    task = report.task
    sizes = "-".join(map(str, task.network.sizes))
    axes.set(xscale="log", xlabel="passes (one sweep through the network for one row)", ylabel="cost reached")
    axes.set_yscale("log")
    axes.set_title(f"{task.name}, {sizes}: {task.parameters:,} parameters, {task.rows} rows", fontsize=11)
    axes.legend(frameon=False, fontsize=9)
    _bare(axes)


def _growth(axes: Any, report: "WhyReport") -> None:
    for growth in report.growth:
        N, seconds = np.array(growth.parameters), np.array(growth.seconds)
        colour = COLOURS[growth.method]
        axes.plot(N, seconds, "o", color=colour)
        label = f"{growth.method}: grows as N^{growth.power:.2f}"
        axes.plot(N, seconds[-1] * (N / N[-1]) ** growth.power, color=colour, linewidth=2, label=label)
    axes.set(xscale="log", yscale="log", xlabel="parameters N", ylabel="seconds for one gradient")
    axes.set_title("The time of one gradient", fontsize=11)
    axes.legend(frameon=False, fontsize=9)
    _bare(axes)


def _bare(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
