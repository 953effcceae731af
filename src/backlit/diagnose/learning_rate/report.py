"""What a range test found: plain numbers, as text for a terminal and as a figure."""

from dataclasses import dataclass, field
from math import ceil, floor, isfinite, log10
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from backlit.errors import OptionError
from backlit.notation import Float64Array
from backlit.training import curves


@dataclass(frozen=True, eq=False)
class LearningRateRange:
    """The cost over learning rates, and which of them to take.

    ``rates``, ``costs`` and ``smoothed`` are (k,), one a step, up to where the first sweep ran away; costs are a mean
    over the ``sweeps``, each of a batch before its update and without the penalty. ``suggestion`` is the learning rate
    to train with, ``reason`` says by which rule; None where no rate moves the cost. ``steepest`` is where the cost
    falls fastest over log η, ``lowest`` where it is lowest, ``rises`` where it is back above its start for good or ran
    away; None where there is no such place.
    """

    rates: Float64Array
    costs: Float64Array
    smoothed: Float64Array
    suggestion: float | None
    reason: str
    steepest: float | None
    lowest: float | None
    rises: float | None
    diverged: bool
    sweeps: int
    optimizer: dict[str, Any] = field(repr=False)
    batch_size: int = field(repr=False)
    objective: str = field(repr=False)
    engine: str = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        numbers = {name: getattr(self, name).tolist() for name in ("rates", "costs", "smoothed")}
        names = (
            "suggestion", "reason", "steepest", "lowest", "rises", "diverged", "sweeps", "optimizer", "batch_size",
            "objective", "engine",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names} | numbers

    def text(self, width: int = 72, height: int = 14) -> str:
        """The curve in characters, and the suggestion with its reason."""
        return f"{_panel(self, width, height)}\n{self}"

    def plot(self, path: str | PathLike[str] | None = None, *, force: bool = False) -> Any:
        """The curve by matplotlib (``pip install 'backlit[plot]'``): a Figure, or written to ``path``.

        Raises:
            OutputPathError: the path exists and ``force`` is not set, or cannot be written.
            OptionError: matplotlib is not installed, or the path ends in none of .png, .svg, .pdf.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise OptionError(curves.NEEDS_MATPLOTLIB) from None
        figure = Figure(figsize=(6.5, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.rates, self.costs, color="0.75", linewidth=1, label="of a step's batch")
        axes.plot(self.rates, self.smoothed, linewidth=2, label="smoothed")
        for name, rate, style in (
            ("falls fastest", self.steepest, ":"), ("lowest", self.lowest, "--"), ("suggestion", self.suggestion, "-"),
        ):  # fmt: skip
            if rate is not None:
                colour = "tab:red" if name == "suggestion" else "0.4"
                axes.axvline(rate, color=colour, linestyle=style, label=f"{name}: {rate:.2g}")
        low, high = _extent(self)
        axes.set(xscale="log", xlabel="learning rate", ylabel="cost", ylim=(low, high))
        axes.grid(alpha=0.3)
        axes.legend()
        if path is not None:
            curves.write_figure(figure, Path(path), force=force)
        return figure

    def __str__(self) -> str:
        """The suggestion and its reason."""
        if self.suggestion is None:
            return f"no learning rate to suggest: {self.reason}"
        return f"learning rate {self.suggestion:.2g}: {self.reason}"

    def __repr__(self) -> str:
        found = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        return (
            f"LearningRateRange(suggestion {found}; {len(self.rates)} rates from {self.rates[0]:.2g} to "
            f"{self.rates[-1]:.2g}, {self.sweeps} sweeps)"
        )


def _extent(found: LearningRateRange) -> tuple[float, float]:
    """Of the axis of costs: where it ran away, the last of it would press all else flat."""
    low, start = float(found.smoothed.min()), float(found.smoothed[0])
    span = max(start - low, float(np.std(found.costs[: max(3, len(found.costs) // 10)])), 1e-12 * max(abs(start), 1.0))
    high = min(float(found.smoothed.max()), start + span)
    return low - 0.1 * span, max(high, start) + 0.2 * span


def _panel(found: LearningRateRange, width: int, height: int) -> str:
    import plotext

    low, high = _extent(found)
    shown = [
        (log10(rate), cost)
        for rate, cost in zip(found.rates.tolist(), found.smoothed.tolist(), strict=True)
        if isfinite(cost) and cost <= high
    ]
    plotext.main().clear_figure()  # plotext has one figure for the whole process
    plotext.limit_size(False, False)
    plotext.plot_size(width, max(height, 8))
    plotext.theme("clear")
    plotext.title("cost, smoothed")
    plotext.xlabel("learning rate")
    plotext.plot(*map(list, zip(*shown, strict=True)), marker="•")
    if found.suggestion is not None:
        plotext.vline(log10(found.suggestion))
    first, last = ceil(log10(found.rates[0]) - 1e-9), floor(log10(found.rates[-1]) + 1e-9)
    ticks = list(range(first, last + 1, max(1, ceil((last - first + 1) * 7 / max(width - 12, 7)))))
    plotext.xticks(ticks, [f"1e{tick}" for tick in ticks])
    plotext.ylim(low, high)
    text: str = plotext.uncolorize(plotext.build())
    plotext.clear_figure()
    return "\n".join(line.rstrip() for line in text.rstrip("\n").splitlines())
