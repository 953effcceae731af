"""A contact sheet: images of rows beside each other, each with its number, its label and what the networks say."""

import io
from importlib.util import find_spec
from math import ceil, isqrt
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from backlit.errors import DataError, OptionError
from backlit.formats import durable

if TYPE_CHECKING:
    from backlit.diagnose.rows.report import RowsReport

MOST = 60
"""Images where no rows are named."""

COLUMNS = 10


def check(path: str | PathLike[str], *, force: bool) -> None:
    """Whether :func:`write` could write there: asked before the work.

    Raises:
        OptionError: matplotlib is missing, or the path does not end in .png.
        OutputPathError: it exists and ``force`` is not set, or cannot be written.
    """
    if find_spec("matplotlib") is None:
        raise OptionError("drawing a contact sheet needs matplotlib: pip install 'backlit[plot]'")
    if Path(path).suffix.lower() != ".png":
        raise OptionError(f"cannot draw a contact sheet to {path}: its name must end in .png")
    durable.check_writable(path, force=force)


def write(
    report: "RowsReport",
    path: str | PathLike[str],
    X: ArrayLike | None,
    *,
    shape: tuple[int, int] | None,
    rows: ArrayLike | None,
    force: bool,
) -> None:
    """See :meth:`RowsReport.sheet`."""
    check(path, force=force)
    chosen = report.ranking[:MOST] if rows is None else np.asarray(rows)
    images = as_images(X, len(report.score), shape)
    if chosen.ndim != 1 or not len(chosen) or chosen.dtype.kind not in "iu":
        raise OptionError("rows of a contact sheet are one or more numbers of rows")
    outside = chosen[(chosen < 0) | (chosen >= len(images))]
    if len(outside):
        raise DataError(f"there is no row {outside[0]}: there are {len(images):,}, numbered from 0")
    content = io.BytesIO()
    _draw(report, images, chosen).savefig(content, format="png", dpi=100)
    durable.write(path, content.getvalue())


def as_images(X: ArrayLike | None, rows: int, shape: tuple[int, int] | None) -> Any:
    """(rows, height, width).

    Raises:
        OptionError: the columns are not the pixels of such images.
        DataError: not as many rows as were judged.
    """
    if X is None:
        raise OptionError("a contact sheet needs the images: give them as X")
    pixels = np.asarray(X)
    if len(pixels) != rows:
        raise DataError(f"X has {len(pixels)} rows and {rows} were judged; they must be of the same rows")
    if pixels.ndim == 3 and shape is None:
        return pixels
    flat = pixels.reshape(rows, -1)
    side = isqrt(flat.shape[1])
    height, width = shape or (side, side)
    if height * width != flat.shape[1]:
        given = f"{height} × {width}" if shape else "square"
        raise OptionError(f"{flat.shape[1]} columns are not the pixels of {given} images; give shape=(height, width)")
    return flat.reshape(rows, height, width)


def _draw(report: "RowsReport", images: Any, rows: Any) -> Any:
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(rows))
    lines = ceil(len(rows) / columns)
    figure = Figure(figsize=(1.25 * columns, 1.75 * lines))
    inches = 1.75 * lines
    figure.subplots_adjust(0.01, 0.15 / inches, 0.99, 1 - 0.55 / inches, wspace=0.05, hspace=0.55)
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, row in zip(grid, rows.tolist(), strict=False):
        axes.imshow(images[row], cmap="gray_r", vmin=images.min(), vmax=images.max())
        label, says = _short(report.label[row]), _short(report.prediction[row])
        axes.set_title(
            f"row {row}\nlabel {label}\nnetworks {says}", fontsize=7, color="black" if label == says else "firebrick"
        )
    return figure


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 12 else f"{text[:11]}…"
