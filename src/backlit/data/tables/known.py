"""A table brought to a model that knows its columns: the raw columns by the names they had in training."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from backlit.data.frames import some
from backlit.data.tables import frames
from backlit.data.tables.encoding import TableEncoding
from backlit.data.tables.sources import Progress, Raw
from backlit.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def as_known(raw: Raw, table: TableEncoding, targets: Sequence[str]) -> Raw:
    """The same columns under the names that the model knows; remarks name those that it has no use for.

    By name, in whatever order, where both have names of their own; else by place. The target may be there or not.

    Raises:
        DataError: a column is missing, or by place there are not as many as in training.
    """
    frames.check_names(raw.source, raw.names)
    names = raw.names if raw.named and table.named else _by_place(raw, table)
    frames.check_there(raw.source, names, table.needed)
    known = {*table.names, *targets}
    extra = [name for name in names if name not in known]
    remarks = [f"columns that the model does not know are ignored: {some(extra)}"] if extra else []

    def blocks(progress: Progress | None) -> Iterator["pl.DataFrame"]:
        for block in raw.blocks(progress):
            yield block.rename(dict(zip(raw.names, names, strict=True))) if names != raw.names else block

    return replace(raw, names=names, named=table.named, blocks=blocks, remarks=tuple(remarks))


def _by_place(raw: Raw, table: TableEncoding) -> tuple[str, ...]:
    there, known = len(raw.names), len(table.columns)
    if there == known:
        return table.names
    if there == known + 1 and not table.named:
        return tuple(f"column_{i}" for i in range(there))
    given = (
        "one file has names for its columns and the other has none, so they go by place"
        if table.named
        else ("the columns have no names, so they go by place")
    )
    with_target = "" if table.named else f", or {known + 1} with the target"
    raise DataError(f"{raw.source}: has {there} columns where {known} are expected{with_target}; {given}")
