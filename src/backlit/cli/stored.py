"""Where the encoded rows are while a network trains on them: in memory, or in a file that goes when the command ends."""

import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from backlit.formats import durable

Room = Callable[[str, tuple[int, int], Any], Any]
"""(name of a part, shape, dtype) → an array for its rows."""


def room(window: int | None, beside: Path) -> tuple[Room, Callable[[Any], Any]]:
    """What makes room for encoded rows, and what makes of these rows something to train on.

    With a window the rows go to a folder beside the model, are read from there, and shuffled within so many.
    """
    if window is None:
        return (lambda name, shape, dtype: np.empty(shape, dtype)), (lambda rows: rows)
    folder = _Folder(beside)

    def rows(stored: Any) -> Any:
        from backlit import data

        stored.flush()
        assert folder.path  # as long as there are rows of it, there is the folder
        return data.stream(stored.filename, window=window)

    return folder.make, rows


class _Folder:
    """A folder that is gone when nobody has it any more, or the command ends."""

    def __init__(self, beside: Path) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix=".backlit-rows-", dir=beside.absolute().parent))
        except OSError as failure:
            raise durable.explained(beside.absolute().parent, failure) from None
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def make(self, name: str, shape: tuple[int, int], dtype: Any) -> Any:
        """An .npy file, mapped. Its space is taken beforehand: a mapped file that has none ends the process."""
        path = self.path / f"{name}.npy"
        try:
            with path.open("wb") as stream:
                header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(stream, header)
                start, size = stream.tell(), math.prod(shape) * np.dtype(dtype).itemsize
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(stream.fileno(), start, size)
                else:
                    for first in range(0, size, 1 << 24):
                        stream.write(bytes(min(1 << 24, size - first)))
            return np.memmap(path, dtype, "r+", start, shape)
        except OSError as failure:
            raise durable.explained(path, failure) from None
