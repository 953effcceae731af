"""A source by its name: bundled data sets, files and folders. The one door through which data come in."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from backlit.data.bundled import TARGETS, read_bundled
from backlit.data.dataset import Dataset
from backlit.errors import DataError
from backlit.notation import Array

READABLE = (
    f"a bundled set ({', '.join(TARGETS)}), an .npz file, .npy files (X.npy,y.npy), or a folder of IDX files (FOLDER, "
    "FOLDER:test)"
)
NOT_YET = (".csv", ".tsv", ".parquet")
OPENML = "openml:"


def read(source: str | os.PathLike[str], *, target: str | None = None) -> Dataset:
    """The data set of a source, raw.

    ==================  ==============================================================================================
    ``digits``          and ``iris``, ``wine``, ``breast-cancer``, ``diabetes``: bundled with scikit-learn
    ``FILE.npz``        features under X, x, data or features; the target under y, Y, target or labels
    ``X.npy,y.npy``     features and target, in this order; ``X.npy`` alone has no target
    ``FOLDER``          the training part of IDX files in MNIST's layout, gzip or not; ``FOLDER:train`` is the same
    ``FOLDER:test``     its test part
    ==================  ==============================================================================================

    A bundled name means the bundled set; a file or folder of that name is ``./digits``. Arrays (rows, height, width)
    are images, their pixels from 0 to 255 where they are bytes.

    Args:
        source: one of these.
        target: the name of the target, where it has another name in the archive.

    Raises:
        DataError: the source is unknown, cannot be read, or holds what cannot be used.

    >>> read("digits")
    Dataset('digits': 1,797 rows × 64 columns, target 'digit')
    """
    from backlit.data import arrays, idx  # and with them gzip and zipfile, which no other call needs

    try:
        name = os.fsdecode(source)
    except TypeError:
        raise DataError(f"a source is a name or a path, not {type(source).__name__}. Readable: {READABLE}") from None
    if name in TARGETS and isinstance(source, str):
        return read_bundled(name, target)
    folder, _, part = name.rpartition(":")
    if os.path.isdir(name):
        found = idx.read_folder(Path(name))
    elif part in idx.PARTS and os.path.isdir(folder):
        found = idx.read_folder(Path(folder), part, source=name)
    elif name.endswith(".npz") and os.path.isfile(name):
        return arrays.read_npz(Path(name), target)
    elif (paths := _npy_files(name)) is not None:
        found = arrays.read_npy(*paths, source=name)
    else:
        raise _unreadable(name)
    if target not in (None, found.target):
        raise DataError(f"{name}: the target is '{found.target}' and cannot be '{target}'")
    return found


def load(source: str | os.PathLike[str]) -> tuple[Array, NDArray[Any]]:
    """X and y as :func:`backlit.train` takes them: pixels divided by their full scale, anything else raw.

    Raises:
        DataError: as :func:`read`, or the source has no target.

    >>> X, y = load("digits")
    >>> X.shape, X.dtype.name, float(X.max()), y[:3].tolist()
    ((1797, 64), 'float32', 1.0, [0, 1, 2])
    """
    dataset = read(source)
    y = dataset.known_y
    X = dataset.X if dataset.full_scale is None else dataset.X / dataset.X.dtype.type(dataset.full_scale)
    return X, y


def _npy_files(name: str) -> tuple[Path] | tuple[Path, Path] | None:
    """One .npy file, or two with a comma between them."""
    if name.endswith(".npy") and os.path.isfile(name):
        return (Path(name),)
    first, comma, second = name.partition(".npy,")
    if comma and second.endswith(".npy"):
        return Path(f"{first}.npy"), Path(second)
    return None


def _unreadable(name: str) -> DataError:
    """Why a source cannot be read, and what can."""
    ending = os.path.splitext(name)[1].lower()
    if name.startswith(OPENML) or ending in NOT_YET:
        kind = "openml: sources" if name.startswith(OPENML) else f"{ending} files"
        return DataError(f"{name}: {kind} cannot be read yet. Readable: {READABLE}")
    if os.path.exists(name):
        hint = "; for an IDX file, give its folder" if "ubyte" in name else ""
        return DataError(f"{name}: this kind of file cannot be read{hint}. Readable: {READABLE}")
    folder, _, part = name.rpartition(":")
    if os.path.isdir(folder):
        return DataError(f"{name}: a folder has no part '{part}'; its parts are {folder}:train and {folder}:test")
    if ending in (".npz", ".npy") or os.sep in name:
        return DataError(f"{name}: there is no such file or folder")
    nearest = get_close_matches(name.lower().replace("_", "-"), TARGETS, n=1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else "."
    return DataError(f"source '{name}' is neither a known name nor a path that exists{hint} Readable: {READABLE}")
