"""The files a command reads and those it writes: none that is written may be one that is read, or written twice."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from backlit.errors import OptionError


def check_apart(written: Mapping[str, Path | None], read: Mapping[str, Sequence[Path]]) -> None:
    """Compares the files themselves, to which two names may lead, by links or through ``..``.

    Args:
        written: option → the file it names, or None.
        read: argument → the files that it stands for.

    Raises:
        OptionError: one file is to be written by two options, or written while it is what is read: forced or not.
    """
    options = [(option, path) for option, path in written.items() if path is not None]
    for number, (option, path) in enumerate(options):
        for other, its_path in options[:number]:
            if same(path, its_path):
                raise OptionError(f"{other} and {option} are one file, {path}; they must be different files")
        for argument, paths in read.items():
            if any(same(path, its_path) for its_path in paths):
                raise OptionError(f"{option} {path} is the file that is read as {argument}; choose another name")


def same(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same place, whether there is a file or not."""
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return os.path.samefile(one, other)  # by another name of it, as on a disk that knows no capitals
    except OSError:
        return False


def of_source(source: str) -> list[Path]:
    """The files a source is read from; none for a bundled set.

    >>> [str(path) for path in of_source("X.npy,y.npy")]
    ['X.npy,y.npy', 'X.npy', 'y.npy']
    """
    from backlit.data.bundled import TARGETS

    if source in TARGETS:
        return []
    first, pair, second = source.partition(".npy,")
    found = [Path(source), *([Path(f"{first}.npy"), Path(second)] if pair else [])]
    for folder in filter(None, {source, source.rpartition(":")[0]}):
        with suppress(OSError):  # it is none, or nobody may look into it
            found += [path for path in Path(folder).iterdir() if "ubyte" in path.name]  # a model may lie beside them
    return found
