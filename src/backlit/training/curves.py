"""The learning curve: cost over epochs and, beside it, the score; as text for a terminal or as a figure."""

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


def panels(history: History) -> dict[str, dict[str, list[float]]]:
    """What there is to draw: panel → name → one value an epoch.

    Raises:
        OptionError: no epoch was completed.
    """
    if not len(history):
        raise OptionError("there is no learning curve to draw: no epoch was completed")
    found: dict[str, dict[str, list[float]]] = {}
    for column, values in history.to_dict().items():
        if column in SERIES:
            panel, name = SERIES[column]
            found.setdefault(panel, {})[name] = values
    return found


def draw_text(history: History, width: int = 72, height: int = 16) -> str:
    """The panels side by side in characters, without colours; the last values stand in the titles."""
    import plotext

    drawn = panels(history)
    plotext.clear_figure()
    plotext.subplots(1, len(drawn))
    plotext.plot_size(width, height)
    for place, (panel, lines) in enumerate(drawn.items(), start=1):
        plotext.subplot(1, place)
        plotext.plot_size(width // len(drawn), height)
        plotext.theme("clear")
        plotext.title(f"{panel}, last: " + ", ".join(f"{name} {line[-1]:.4g}" for name, line in lines.items()))
        for marker, (name, line) in zip("·▪", lines.items(), strict=False):
            epochs = list(range(1, len(line) + 1))
            plotext.plot(epochs, line, label=name, marker=marker if len(lines) > 1 else "▪")
        plotext.xlabel("epoch")
    text: str = plotext.uncolorize(plotext.build())
    plotext.clear_figure()
    return "\n".join(line.rstrip() for line in text.splitlines())


def draw_figure(
    history: History, path: str | Path | None = None, *, force: bool = False, best_epoch: int | None = None
) -> Any:
    """The panels by matplotlib; written to ``path`` where one is given, in the format of its ending.

    Raises:
        OptionError: matplotlib is not installed, does not know the ending, or there is no epoch to draw.
        OutputPathError: the path exists and ``force`` is not set, or cannot be written.
    """
    drawn = panels(history)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise OptionError("drawing needs matplotlib: pip install 'backlit[plot]'") from None
    figure = Figure(figsize=(5 * len(drawn), 3.6), layout="constrained")
    for axes, (panel, lines) in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn.items(), strict=True):
        for name, line in lines.items():
            axes.plot(range(1, len(line) + 1), line, label=name, marker="." if len(line) < 40 else None)
        if best_epoch is not None:
            axes.axvline(best_epoch, color="0.7", linestyle=":", label=f"best epoch, {best_epoch}")
        axes.set(xlabel="epoch", ylabel=panel)
        axes.grid(alpha=0.3)
        axes.legend()
    if path is not None:
        _write(figure, Path(path), force=force)
    return figure


def check_plot_path(path: str | Path, *, force: bool) -> None:
    """Found before the training, not after it.

    Raises:
        OptionError: matplotlib is not installed or does not know the path's ending.
        OutputPathError: the path exists and ``force`` is not set, or cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError:
        raise OptionError("--plot needs matplotlib: pip install 'backlit[plot]'") from None
    known = FigureCanvasAgg.get_supported_filetypes()
    if Path(path).suffix.lstrip(".").lower() not in known:
        raise OptionError(f"cannot draw to {path}: its name must end in one of {', '.join(sorted(known))}")
    durable.check_writable(path, force=force)


def _write(figure: Any, path: Path, *, force: bool) -> None:
    import io

    check_plot_path(path, force=force)
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.lstrip(".").lower(), dpi=150)
    durable.write(path, content.getvalue())
