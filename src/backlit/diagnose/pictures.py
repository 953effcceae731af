"""A record to look at: a table with sparklines for a terminal, curves by matplotlib."""

from itertools import pairwise
from math import floor, isfinite, log10
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from backlit.diagnose.record import LensRecord, moving_mean
from backlit.errors import OptionError
from backlit.notation import Float64Array
from backlit.training import curves

BARS = "▁▂▃▄▅▆▇█"

LINES = (
    ("RMS of δ", "delta_rms", True),
    ("RMS of a", "a_rms", True),
    ("mean |σ'(z)|", "slope", False),
    ("saturated", "saturated", False),
    ("dead", "dead", False),
    ("‖∂C/∂W‖", "weight_gradient", True),
    ("‖ΔW‖ / ‖W‖", "update_ratio", True),
)
"""What is shown of a layer: its name, the record's column, and whether it is drawn by its logarithm."""


def draw_text(record: LensRecord, width: int = 100) -> str:
    """Of each layer a line a quantity: the means of the first and last tenth of the steps, a sparkline between.

    Sparklines of sizes are logarithmic, each from its lowest to its highest; a × stands where a number is not finite.

    Raises:
        OptionError: no step was recorded.
    """
    _check(record)
    about, bars = record.about, max(10, min(width - 46, 60))
    lines = [f"{len(record):,} steps recorded, {record.step[0]:,} to {record.step[-1]:,}, by the {about.engine} engine"]
    for number in range(2, about.L + 1):
        name = about.activations[number - 2]
        lines.append(f"\nlayer {number}  {about.sizes[number - 2]} → {about.sizes[number - 1]}, {name}")
        for title, column, by_log in LINES:
            lines.append(_line(title, getattr(record, column)[:, number - 2], by_log, bars))
    lines.append("\nall layers")
    for title, values in _of_steps(record):
        lines.append(_line(title, values, True, bars))
    if record.cause is not None:
        lines.append(f"\n{record.cause.message}")
    return "\n".join(lines)


def draw_figure(record: LensRecord, path: str | PathLike[str] | None = None, *, force: bool = False) -> Any:
    """A panel a quantity, a line a layer, by matplotlib; written to ``path`` where one is given.

    Raises:
        OptionError: no step was recorded, matplotlib is not installed, the path ends in none of .png, .svg, .pdf.
        OutputPathError: the path exists and ``force`` is not set, or cannot be written.
    """
    _check(record)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise OptionError(curves.NEEDS_MATPLOTLIB) from None
    figure = Figure(figsize=(13, 9), layout="constrained")
    panels = iter(figure.subplots(3, 3).ravel())
    window = max(1, len(record) // 200)
    for title, column, by_log in LINES:
        axes = next(panels)
        for number in range(2, record.about.L + 1):
            values = moving_mean(getattr(record, column)[:, number - 2], window)
            _draw(axes, record, values, f"layer {number}", by_log=by_log)
        axes.set_title(title, fontsize=10)
    next(iter(figure.axes)).legend(fontsize=7)
    axes = next(panels)
    for title, values in _of_steps(record):
        _draw(axes, record, moving_mean(values, window), title, by_log=True)
    axes.set_title("all layers", fontsize=10)
    axes.legend(fontsize=7)
    _draw_rows(next(panels), record)
    if path is not None:
        curves.write_figure(figure, Path(path), force=force)
    return figure


def _draw_rows(axes: Any, record: LensRecord) -> None:
    """How the rows' gradients lie: quantiles of ‖∇C_x‖ over time."""
    starts, pieces = record.row_starts, min(len(record), 100)
    edges = np.linspace(0, len(record), pieces + 1).astype(int)
    levels = (0.05, 0.5, 0.95, 1.0)
    found = []
    for first, last in pairwise(edges):
        values = record.row_gradient[starts[first] : starts[last]]
        values = values[np.isfinite(values)]
        found.append(np.quantile(values, levels) if len(values) else np.full(len(levels), np.nan))
    for level, values in zip(levels, np.array(found).T, strict=True):
        positive = np.where(values > 0, values, np.nan)
        axes.plot(record.step[edges[:-1]], positive, linewidth=1, label=f"{level:.0%}" if level < 1 else "largest")
    if np.isfinite(found).any() and np.nanmax(found) > 0:
        axes.set_yscale("log")
    axes.set_title("‖∇C_x‖ of the rows, quantiles", fontsize=10)
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def _draw(axes: Any, record: LensRecord, values: Float64Array, label: str, *, by_log: bool) -> None:
    drawn = np.where(np.isfinite(values) & ((values > 0) | (not by_log)), values, np.nan)
    axes.plot(record.step, drawn, label=label, linewidth=1)
    if by_log and not np.isnan(drawn).all():
        axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.grid(alpha=0.3)


def _of_steps(record: LensRecord) -> list[tuple[str, Float64Array]]:
    found = [("cost", record.cost), ("‖∂C/∂θ‖", record.gradient_norm), ("noise scale", record.noise_scale())]
    return [(title, values) for title, values in found if not np.isnan(values).all()]


def _line(title: str, values: Float64Array, by_log: bool, bars: int) -> str:
    tenth = max(1, len(values) // 10)
    first, last = (_mean(part) for part in (values[:tenth], values[-tenth:]))
    return f"  {title:14} {_short(first):>9}  {sparkline(values, bars, by_log=by_log)}  {_short(last):>9}"


def sparkline(values: Float64Array, bars: int, *, by_log: bool = False) -> str:
    """The values as a row of bars, the mean of a stretch each; level where nothing changes.

    >>> sparkline(np.array([1.0, 2.0, 4.0, 8.0]), 4, by_log=True), sparkline(np.array([3.0, np.inf]), 2)
    ('▁▃▆█', '▄×')
    """
    edges = np.linspace(0, len(values), min(bars, len(values)) + 1).astype(int)
    means = np.array([_mean(values[a:b]) for a, b in pairwise(edges)])
    with np.errstate(divide="ignore", invalid="ignore"):
        heights = np.log(means) if by_log else means
    seen = heights[np.isfinite(heights)]
    if not len(seen):
        return "×" * len(means)
    low, span = seen.min(), seen.max() - seen.min()

    def bar(height: float, mean: float) -> str:
        if not isfinite(mean):
            return "×"
        if not isfinite(height):
            return BARS[0]  # the logarithm of 0
        level = 0.5 if span <= 1e-12 * max(abs(low), 1e-12) else (height - low) / span
        return BARS[min(int(level * len(BARS)), len(BARS) - 1)] if level != 0.5 else BARS[3]

    return "".join(bar(height, mean) for height, mean in zip(heights, means, strict=True))


def _mean(values: Float64Array) -> float:
    return float(values.mean()) if np.isfinite(values).all() else float("nan")


def _short(value: float) -> str:
    if not isfinite(value):
        return "×"
    if value == 0:
        return "0"
    if not -4 <= floor(log10(abs(value))) < 5:
        return f"{value:.1e}"
    return f"{value:.3g}"


def _check(record: LensRecord) -> None:
    if not len(record):
        raise OptionError("there is nothing to draw: no step was recorded")
