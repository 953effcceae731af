"""The learning curve: cost over epochs and, beside it, the score; as text for a terminal or as a figure."""

from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count, zip_longest
from math import ceil, floor, isfinite, isnan, log10, nan
from os import PathLike
from pathlib import Path
from typing import Any

from backlit.errors import OptionError
from backlit.formats import durable
from backlit.training.history import History

SERIES = {
    "cost": ("cost", "training"),
    "validation_cost": ("cost", "validation"),
    "accuracy": ("accuracy", "training"),
    "validation_accuracy": ("accuracy", "validation"),
    "validation_r2": ("R²", "validation"),
}
"""Column of the history → the panel it is drawn in, and its name there."""

MARKERS = "·•"
"""Of the first and the second curve of a panel; the second is drawn over the first."""

GAP, NARROWEST = 3, 34
"""Characters between two panels, and of a panel that stands beside another."""

FIGURES = (".png", ".svg", ".pdf")
"""What a figure can be written as."""

NEEDS_MATPLOTLIB = "drawing to a file needs matplotlib: pip install 'backlit[plot]'"


def panels(history: History) -> dict[str, dict[str, list[float]]]:
    """What there is to draw: panel → name → one value an epoch, NaN where it was not finite.

    Raises:
        OptionError: no epoch was completed.
    """
    if not len(history):
        raise OptionError("there is no learning curve to draw: no epoch was completed")
    found: dict[str, dict[str, list[float]]] = {}
    for column, values in history.to_dict().items():
        finite = [value if value is not None and isfinite(value) else nan for value in values]
        if column in SERIES and not all(map(isnan, finite)):
            panel, name = SERIES[column]
            found.setdefault(panel, {})[name] = finite
    return found


def draw_text(history: History, width: int = 72, height: int = 14) -> str:
    """The panels in characters, without colours, the last values beneath; one below the other where it is narrow.

    Args:
        history: at least one epoch.
        width: of a line, in characters.
        height: of a panel, in lines; at least 8 are drawn.

    Raises:
        OptionError: no epoch was completed.
    """
    drawn = panels(history)
    beside = width >= len(drawn) * NARROWEST
    each = max((width - GAP * (len(drawn) - 1)) // len(drawn) if beside else width, NARROWEST // 2)
    blocks = [_panel(name, lines, each, max(height, 8)) for name, lines in drawn.items()]
    rows = zip_longest(*blocks, fillvalue="") if beside else ((line,) for block in blocks for line in block)
    return "\n".join((" " * GAP).join(f"{part:<{each}}" for part in row).rstrip() for row in rows)


def _panel(name: str, lines: dict[str, list[float]], width: int, height: int) -> list[str]:
    """One panel: its title, the plot, and a line a curve with its marker and its last value."""
    import plotext

    epochs = len(next(iter(lines.values())))
    values = [value for line in lines.values() for value in line if not isnan(value)]
    marked = dict(zip(lines, MARKERS if len(lines) > 1 else MARKERS[-1:], strict=False))
    plotext.main().clear_figure()  # plotext has one figure for the whole process
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    plotext.theme("clear")
    plotext.title(name)
    plotext.xlabel("epoch")
    for line_name, line in lines.items():
        drawn = [(epoch, value) for epoch, value in enumerate(line, start=1) if not isnan(value)]
        plotext.plot(*map(list, zip(*drawn, strict=True)), marker=marked[line_name])
    plotext.xticks(epoch_ticks(epochs, at_most=max(2, (width - 8) // (len(str(epochs)) + 4))))
    ticks = _value_ticks(min(values), max(values), at_most=height // 3)
    if name == "accuracy":
        ticks = [tick for tick in ticks if tick < 1 + 1e-9]
    plotext.yticks(ticks, [_value(name, tick, ticks[1] - ticks[0]) for tick in ticks])
    plotext.ylim(ticks[0], ticks[-1])
    text: str = plotext.uncolorize(plotext.build())
    plotext.clear_figure()
    legend = (f"     {marked[line_name]} {line_name} {_value(name, line[-1])}" for line_name, line in lines.items())
    return [*text.rstrip("\n").splitlines(), *legend]


def epoch_ticks(epochs: int, at_most: int) -> list[int]:
    """Whole epochs to write under an axis: the first, the last and round numbers between them.

    >>> epoch_ticks(50, at_most=6), epoch_ticks(42, at_most=6), epoch_ticks(3, at_most=6), epoch_ticks(1, at_most=6)
    ([1, 10, 20, 30, 40, 50], [1, 10, 20, 30, 42], [1, 2, 3], [1])
    >>> epoch_ticks(20, at_most=10)
    [1, 5, 10, 15, 20]
    """
    step = next(step for step in _round_steps(0) if step != 2 and epochs / step <= at_most)  # 1, 4, 6 reads badly
    apart = 0.6 * step
    between = [tick for tick in range(int(step), epochs, int(step)) if tick - 1 >= apart and epochs - tick >= apart]
    return sorted({1, *between, epochs})


def _value_ticks(low: float, high: float, at_most: int) -> list[float]:
    """Round numbers, evenly apart, from just below the lowest value to just above the highest."""
    if high - low <= 1e-6 * abs(high):  # a level line, or one epoch: a range around it
        margin = abs(high) / 10 or 1.0
        low, high = low - margin, high + margin
    finest = floor(log10((high - low) / at_most))
    for step in _round_steps(finest):
        first, last = floor(low / step), ceil(high / step)
        if last - first <= at_most:
            break
    return [tick * step for tick in range(first, last + 1)]


def _round_steps(power: int) -> Iterator[float]:
    """1, 2, 5, 10, 20, 50, … times a power of ten."""
    return (digit * 10.0**exponent for exponent in count(power) for digit in (1, 2, 5))


def _value(panel: str, value: float, step: float | None = None) -> str:
    """As it is written beside its panel; a tick with as many digits as tell it from the next."""
    if panel == "accuracy":
        return f"{value:.2%}".replace("%", " %") if step is None else f"{100 * value:.6g} %"
    return f"{value:.4g}" if step is None else f"{round(value / step) * step:.6g}"


def draw_figure(
    history: History, path: str | Path | None = None, *, force: bool = False, best_epoch: int | None = None
) -> Any:
    """The panels by matplotlib; written to ``path`` where one is given, in the format of its ending.

    Raises:
        OptionError: matplotlib is not installed, the path ends in none of :data:`FIGURES`, or there is no epoch.
        OutputPathError: the path exists and ``force`` is not set, or cannot be written.
    """
    drawn = panels(history)
    if path is not None and not isinstance(path, (str, PathLike)):
        raise OptionError(f"a learning curve is drawn to a path, as 'curve.png', not to {path!r}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise OptionError(NEEDS_MATPLOTLIB) from None
    figure = Figure(figsize=(5 * len(drawn), 3.6), layout="constrained")
    for axes, (panel, lines) in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn.items(), strict=True):
        for name, line in lines.items():
            axes.plot(range(1, len(line) + 1), line, label=name, marker="." if len(line) < 40 else None)
        if best_epoch is not None:
            axes.axvline(best_epoch, color="0.7", linestyle=":", label=f"best epoch, {best_epoch}")
        axes.set(xlabel="epoch", ylabel=panel)
        axes.set_xticks(epoch_ticks(len(history), at_most=8))
        axes.grid(alpha=0.3)
        axes.legend()
    if path is not None:
        write_figure(figure, Path(path), force=force)
    return figure


def check_plot_path(path: str | Path, *, force: bool) -> None:
    """Whether a figure could be written there: asked before the work, not after it.

    Raises:
        OptionError: matplotlib is not installed, or the path ends in none of :data:`FIGURES`.
        OutputPathError: the path exists and ``force`` is not set, or cannot be written.
    """
    if find_spec("matplotlib") is None:
        raise OptionError(NEEDS_MATPLOTLIB)
    if Path(path).suffix.lower() not in FIGURES:
        raise OptionError(f"cannot draw to {path}: its name must end in {', '.join(FIGURES)}")
    durable.check_writable(path, force=force)


def write_figure(figure: Any, path: Path, *, force: bool) -> None:
    """The figure in the format of the path's ending, as :func:`check_plot_path` allows it."""
    import io

    check_plot_path(path, force=force)
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.lstrip(".").lower(), dpi=150)
    durable.write(path, content.getvalue())
