"""A source by its name: bundled data sets, files and folders. The one door through which data come in."""

import os
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from backlit.data.bundled import TARGETS, read_bundled
from backlit.data.dataset import Dataset
from backlit.data.tables import frames as table_frames
from backlit.data.tables import sources as table_sources
from backlit.data.tables.encoding import TableEncoding
from backlit.data.tables.openml import OPENML, open_openml
from backlit.data.tables.reading import read_table
from backlit.data.tables.sources import Progress, Raw
from backlit.data.tables.table import Table
from backlit.errors import DataError, OptionError

READABLE = (
    f"a bundled set ({', '.join(TARGETS)}), openml:NAME, a .csv or .parquet table, an .npz file, .npy files "
    "(X.npy,y.npy), or a folder of IDX files (FOLDER, FOLDER:test)"
)


def read(
    source: Any,
    *,
    target: str | Sequence[str] | None = None,
    header: bool | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    like: TableEncoding | None = None,
    needs_target: bool = True,
    as_text: bool = False,
    progress: Progress | None = None,
    stream: bool = False,
) -> Dataset | Table:
    """The data set of a source, raw; of a table, a :class:`Table`, whose columns are of any kind.

    ==================  ==============================================================================================
    ``digits``          and ``iris``, ``wine``, ``breast-cancer``, ``diabetes``: bundled with scikit-learn
    ``FILE.npz``        features under X, x, data or features; the target under y, Y, target or labels
    ``X.npy,y.npy``     features and target, in this order; ``X.npy`` alone has no target
    ``FOLDER``          the training part of IDX files in MNIST's layout, gzip or not; ``FOLDER:train`` is the same
    ``FOLDER:test``     its test part
    ``FILE.csv``        a table with a line of names, a line a row; delimiter and quotes are found out
    ``FILE.parquet``    a table
    ``openml:NAME``     a table of openml.org, which scikit-learn fetches and keeps (``openml:NAME:VERSION``)
    a frame             of pandas or polars, or a mapping of names to columns
    ==================  ==============================================================================================

    A bundled name means the bundled set; a file or folder of that name is ``./digits``. Arrays (rows, height, width)
    are images, their pixels from 0 to 255 where they are bytes.

    Args:
        source: one of these.
        target: the name of the target: of a table's column (several: a list), or of an archive's array.
        header: of a CSV: whether its first line holds the columns' names; None: it does, or as ``like`` has it.
        delimiter: of a CSV, such as ``;`` or ``tab``; None finds it out.
        encoding: of a CSV's characters; None takes UTF-8.
        like: the encoding of a model that the table is for: its columns are read as that takes them.
        needs_target: False takes a table without a target.
        as_text: the target of a table is labels of text, be they written as numbers.
        progress: told how much of a table was read, of how much.
        stream: the features of an .npz or .npy file stay there, and are read when they are needed.

    Raises:
        DataError: the source is unknown, cannot be read, or holds what cannot be used.

    >>> read("digits")
    Dataset('digits': 1,797 rows × 64 columns, target 'digit')
    """
    from backlit.data import arrays, idx, streamed  # and with them gzip and zipfile, which no other call needs

    raw = open_raw(
        source, header=like.named if header is None and like else header, delimiter=delimiter, encoding=encoding
    )
    if raw is not None:
        return read_table(raw, target, like=like, needs_target=needs_target, as_text=as_text, progress=progress)
    try:
        name = os.fsdecode(source)
    except TypeError:
        raise DataError(f"a source is a name or a path, not {type(source).__name__}. Readable: {READABLE}") from None
    if name in TARGETS and isinstance(source, str):
        if target is not None and not isinstance(target, str):
            raise _one_target(name, target)
        return read_bundled(name, target)
    if target is not None and not isinstance(target, str):
        raise _one_target(name, target)
    folder, _, part = name.rpartition(":")
    if os.path.isdir(name):
        found = idx.read_folder(Path(name))
    elif part in idx.PARTS and os.path.isdir(folder):
        found = idx.read_folder(Path(folder), part, source=name)
    elif name.endswith(".npz") and os.path.isfile(name):
        return streamed.open_npz(Path(name), target) if stream else arrays.read_npz(Path(name), target)
    elif (paths := _npy_files(name)) is not None:
        found = streamed.open_npy(*paths, source=name) if stream else arrays.read_npy(*paths, source=name)
    else:
        raise _unreadable(name)
    if target not in (None, found.target):
        raise DataError(f"{name}: the target is '{found.target}' and cannot be '{target}'")
    return found


def open_raw(
    source: Any, *, header: bool | None = None, delimiter: str | None = None, encoding: str | None = None
) -> Raw | None:
    """The raw columns of a source that is a table, to be read block by block; None for any other source.

    Raises:
        DataError: it cannot be opened.
        OptionError: options of a CSV for what is none, or that cannot be.
    """
    given = {"header": header, "delimiter": delimiter, "encoding": encoding}
    if table_frames.is_frame(source):
        _check_unused("a frame", given)
        return table_sources.from_frame(source)
    if not isinstance(source, (str, os.PathLike)):
        return None
    name = os.fsdecode(source)
    if isinstance(source, str) and name.startswith(OPENML):
        _check_unused(name, given)
        return open_openml(name)
    if not table_sources.is_table(name) or not os.path.isfile(name):
        _check_unused(name, given)
        return None
    if table_sources.is_parquet(name):
        _check_unused(name, given)
    return table_sources.open_table(Path(name), header=header is not False, delimiter=delimiter, encoding=encoding)


def _check_unused(source: str, given: dict[str, Any]) -> None:
    wrong = [name for name, value in given.items() if value is not None]
    if wrong:
        raise OptionError(f"{wrong[0]} is for tables in a CSV file, and {source} is none; leave it out")


def load(source: Any, *, target: str | Sequence[str] | None = None, **options: Any) -> tuple[Any, NDArray[Any]]:
    """X and y as :func:`backlit.train` takes them: pixels divided by their full scale, anything else raw.

    Of a table X is a polars frame of numbers, text, truths and moments: :func:`backlit.data.fit` makes its encoding,
    and :class:`backlit.BackpropClassifier` does all of it.

    Args:
        source: as for :func:`read`.
        target: the name of a table's target.
        options: as for :func:`read`.

    Raises:
        DataError: as :func:`read`, or the source has no target.

    >>> X, y = load("digits")
    >>> X.shape, X.dtype.name, float(X.max()), y[:3].tolist()
    ((1797, 64), 'float32', 1.0, [0, 1, 2])
    """
    dataset = read(source, target=target, **options)
    y = dataset.known_y
    if isinstance(dataset, Table):
        return dataset.X, y
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


def _one_target(name: str, targets: Sequence[str]) -> DataError:
    return DataError(f"{name}: has one target, not {', '.join(map(repr, targets))}; several are for tables")


def _unreadable(name: str) -> DataError:
    """Why a source cannot be read, and what can."""
    ending = os.path.splitext(name)[1].lower()
    if os.path.exists(name):
        hint = "; for an IDX file, give its folder" if "ubyte" in name else ""
        return DataError(f"{name}: this kind of file cannot be read{hint}. Readable: {READABLE}")
    folder, _, part = name.rpartition(":")
    if os.path.isdir(folder):
        return DataError(f"{name}: a folder has no part '{part}'; its parts are {folder}:train and {folder}:test")
    if ending in (".npz", ".npy", *table_sources.ENDINGS) or os.sep in name:
        return DataError(f"{name}: there is no such file or folder")
    nearest = get_close_matches(name.lower().replace("_", "-"), TARGETS, n=1)
    hint = f"; did you mean '{nearest[0]}'?" if nearest else "."
    return DataError(f"source '{name}' is neither a known name nor a path that exists{hint} Readable: {READABLE}")
