"""Where the raw columns of a table come from: a CSV, a Parquet file, a frame; read in blocks, as often as needed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backlit.data.tables import delimited, frames, parquet

if TYPE_CHECKING:
    import polars as pl

ENDINGS = {".csv": "CSV", ".tsv": "CSV", ".txt": "CSV", ".tab": "CSV", ".parquet": "Parquet", ".pq": "Parquet"}
"""How the name of a table's file ends → what it is."""

ROWS = 1 << 16
"""Rows of a block of a frame."""

Progress = Callable[[int, int], None]
"""Told how much was read, of how much in all."""


@dataclass(frozen=True, eq=False)
class Raw:
    """Raw columns.

    Args:
        source: how the user named it.
        names: of the columns, the target's among them.
        named: whether the names are the source's own.
        size: bytes of the file; of a frame in memory, 0.
        blocks: reads from the start: frames of consecutive rows, text where the file has no types.
        remarks: what a user should know.
        targets: what the source itself says is the target.
    """

    source: str
    names: tuple[str, ...]
    named: bool
    size: int
    blocks: Callable[[Progress | None], Iterator["pl.DataFrame"]]
    remarks: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


def is_table(name: str) -> bool:
    """Whether a path is a table's, by how it ends."""
    return Path(name).suffix.lower() in ENDINGS


def is_csv(name: str) -> bool:
    """Whether a path is a CSV file's, by how it ends."""
    return is_table(name) and not is_parquet(name)


def is_parquet(name: str) -> bool:
    """Whether a table's file is a Parquet file, by how its name ends."""
    return ENDINGS.get(Path(name).suffix.lower()) == "Parquet"


def open_table(path: Path, *, header: bool = True, delimiter: str | None = None, encoding: str | None = None) -> Raw:
    """The raw columns of a file; see :func:`backlit.data.tables.delimited.look_at` for the options, which are a CSV's.

    Raises:
        DataError: it cannot be read, or is not what its name says.
    """
    if is_parquet(path.name):
        return _open_parquet(path)
    if delimiter is None and path.suffix.lower() in (".tsv", ".tab"):
        delimiter = "\t"
    layout = delimited.look_at(path, header=header, delimiter=delimiter, encoding=encoding)
    size = path.stat().st_size

    def blocks(progress: Progress | None) -> Iterator["pl.DataFrame"]:
        return delimited.blocks(layout, None if progress is None else lambda done: progress(done, size))

    return Raw(str(path), layout.names, header, size, blocks, layout.remarks)


def from_frame(X: Any, source: str = "the frame") -> Raw:
    """The raw columns of a frame of pandas or polars, or of a mapping of names to columns."""
    frame = frames.as_frame(source, X)

    def blocks(progress: Progress | None) -> Iterator["pl.DataFrame"]:
        return frame.iter_slices(ROWS)

    return Raw(source, tuple(frame.columns), True, 0, blocks)


def _open_parquet(path: Path) -> Raw:
    names, rows = parquet.look_at(path)

    def blocks(progress: Progress | None) -> Iterator["pl.DataFrame"]:
        done = 0
        for block in parquet.blocks(path):
            done += block.height
            if progress is not None:
                progress(done, rows)
            yield block

    return Raw(str(path), names, True, path.stat().st_size, blocks)
