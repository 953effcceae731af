"""Data sets of NumPy's own files whose features stay in their file: for those that are larger than the memory."""

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from backlit.data import arrays
from backlit.data.arrays import Place
from backlit.data.dataset import Dataset, as_target
from backlit.data.streaming import StreamedRows, stored
from backlit.notation import Array


def open_npz(path: Path, target: str | None = None) -> Dataset:
    """As :func:`backlit.data.arrays.read_npz`, the features left where they are unless they are packed.

    Raises:
        DataError: as there.
    """
    features, place, y, label = arrays.locate_in_npz(path, target)
    if place is None:
        from dataclasses import replace

        said = f"{path}: {features} is packed, and was unpacked into memory; what numpy.savez writes stays in its file"
        return replace(arrays.read_npz(path, target), remarks=(said,))
    return _dataset(path, place, y, str(path), features, label)


def open_npy(features: Path, target: Path | None = None, *, source: str | None = None) -> Dataset:
    """As :func:`backlit.data.arrays.read_npy`, the features left where they are.

    Raises:
        DataError: as there.
    """
    y = None if target is None else arrays.read_values(target)
    return _dataset(features, arrays.locate(features), y, source or str(features), "X", "y")


def _dataset(
    path: Path, place: Place, y: NDArray[Any] | None, source: str, features: str, target: str | None
) -> Dataset:
    """Every number is read once, to see that it is finite."""
    _, shape, _, kind = place
    images = len(shape) == 3
    pixels = images and kind == np.uint8
    rows = stored(source, path, place, None, None, scaled=False)
    X = StreamedRows(rows, np.dtype(np.float32 if pixels else np.float64))
    X.check_finite(f"{source}: X")
    return Dataset(
        X=cast(Array, X),
        y=None if y is None else as_target(y, f"{source}: {target}"),
        source=source,
        columns=rows.columns,
        target=target or "y",
        full_scale=255.0 if pixels else None,
        image_shape=(shape[1], shape[2]) if images else None,
    )
