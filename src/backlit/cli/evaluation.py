"""An evaluation for people: which classes are taken for which, in words and as a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from backlit.cli import output
from backlit.metrics import Evaluation, most_confused

MOST_IN_A_MATRIX = 12
"""Classes that a matrix in a terminal has room for; of more, the mistakes made most often are named."""

MOST_CELLS_WRITTEN = 20
"""Classes of a picture whose cells have their numbers written in them."""


def in_words(found: Evaluation, part: str) -> str:
    """What there is to say beyond the scores: nothing for numbers and labels."""
    if found.task != "classes":
        return ""
    names = [output.printable(str(label)) for label in found.classes]
    text = _matrix(found, names, part) if len(names) <= MOST_IN_A_MATRIX else ""
    if not text or max(map(len, text.splitlines())) > output.width():
        text = _mistakes(found, names, part)
    return text


def _matrix(found: Evaluation, names: list[str], part: str) -> str:
    by_class = found.by_class()
    heads = ["true ↓ answer →", *names, "recall", "precision"]
    lines = [
        [name, *(f"{n:,}" for n in counts), *(output.number("accuracy", of[what]) for what in ("recall", "precision"))]
        for name, counts, of in zip(names, found.confusion.tolist(), by_class, strict=True)
    ]
    return f"confusion matrix, {part}\n" + output.table([heads, *lines], left=[0])


def _mistakes(found: Evaluation, names: list[str], part: str) -> str:
    wrong = most_confused(found.confusion)
    if not wrong:
        return f"no mistakes, {part}"
    of_class = found.confusion.sum(axis=1)
    lines = [(f"{n:,} of {of_class[i]:,}", f"{names[i]}  taken for  {names[j]}") for i, j, n in wrong]
    return f"the most frequent mistakes, {part}\n" + output.columns(lines)


def draw(found: Evaluation, path: Path, part: str, *, force: bool) -> None:
    """The confusion matrix; of numbers, predicted against true; of labels, the share of each that is right.

    Raises:
        OptionError: matplotlib is not installed, or the path has an ending that figures cannot be written as.
        OutputPathError: the path exists and ``force`` is not set, or cannot be written.
    """
    from backlit.training import curves

    curves.check_plot_path(path, force=force)
    from matplotlib.figure import Figure

    drawn = {"classes": _draw_classes, "numbers": _draw_numbers, "labels": _draw_labels}[found.task]
    outputs = 1 if found.task == "classes" or found.truth.ndim == 1 else found.truth.shape[1]
    figure = Figure(layout="constrained")
    drawn(figure, found, outputs)
    scores = output.scores_in_words(found.scores)
    figure.suptitle(f"{output.printable(found.target)}: {part}\n{scores}", fontsize=9)
    curves.write_figure(figure, path, force=force)


def _draw_classes(figure: Any, found: Evaluation, outputs: int) -> None:
    """Colours are shares of the true class, so that a rare one is seen as well as a frequent one."""
    K = len(found.classes)
    side = min(max(4.0, 0.5 * K + 2.5), 14.0)
    figure.set_size_inches(side + 1, side)
    axes = figure.subplots()
    counts = found.confusion.astype(np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class", fraction=0.046)
    every = -(-K // 40)
    names = [output.printable(str(label))[:20] for label in found.classes]
    axes.set(xlabel="answer", ylabel="true class")
    axes.set_xticks(range(0, K, every), names[::every], rotation=90 if max(map(len, names)) > 4 else 0)
    axes.set_yticks(range(0, K, every), names[::every])
    if K <= MOST_CELLS_WRITTEN:
        for i, j in np.argwhere(found.confusion):
            colour = "white" if shares[i, j] > 0.5 else "black"
            axes.text(j, i, f"{found.confusion[i, j]:,}", ha="center", va="center", fontsize=8, color=colour)


def _draw_numbers(figure: Any, found: Evaluation, outputs: int) -> None:
    """A point a row and the line on which it should lie; of many rows, how many lie where."""
    truth, answers = (values.reshape(len(values), -1).astype(np.float64) for values in (found.truth, found.answers))
    across = min(outputs, 4)
    down = -(-outputs // across)
    figure.set_size_inches(4.6 * across, 4.6 * down)
    for k, axes in enumerate(figure.subplots(down, across, squeeze=False).ravel()):
        if k >= outputs:
            axes.set_visible(False)
            continue
        x, y = truth[:, k], answers[:, k]
        low, high = min(x.min(), y.min()), max(x.max(), y.max())
        if len(x) > 3000 and high > low:
            axes.hexbin(x, y, gridsize=60, bins="log", cmap="Blues", mincnt=1, extent=(low, high, low, high))
        else:
            axes.plot(x, y, ".", markersize=4, alpha=0.5, color="#1f6fb4")
        axes.axline((low, low), slope=1, color="0.4", linewidth=0.8)
        which = f" {k}" if outputs > 1 else ""
        axes.set(xlabel=f"true{which}", ylabel=f"predicted{which}")
        axes.set_aspect("equal", adjustable="datalim")


def _draw_labels(figure: Any, found: Evaluation, outputs: int) -> None:
    right = (found.truth == found.answers).reshape(len(found.truth), -1).mean(axis=0)
    figure.set_size_inches(5.5, min(max(2.0, 0.3 * outputs + 1), 12))
    axes = figure.subplots()
    axes.barh(range(outputs), right, color="#1f6fb4")
    axes.set(xlabel="share of the rows with this label right", ylabel="label", xlim=(0, 1))
    axes.set_yticks(range(outputs))
    axes.invert_yaxis()
