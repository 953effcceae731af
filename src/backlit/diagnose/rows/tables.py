"""A table of columns: as a frame, as a CSV or Parquet file."""

import io
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from backlit.errors import OptionError
from backlit.formats import durable

ENDINGS = (".csv", ".parquet")


def frame(columns: Mapping[str, Any]) -> Any:
    """A polars DataFrame."""
    import polars

    return polars.DataFrame(
        {name: list(values) if values.dtype.kind in "OU" else values for name, values in columns.items()}
    )


def check(path: str | PathLike[str], *, force: bool) -> None:
    """Whether :func:`write` could write there: asked before the work.

    Raises:
        OptionError: the path ends in neither .csv nor .parquet.
        OutputPathError: it exists and ``force`` is not set, or cannot be written.
    """
    if Path(path).suffix.lower() not in ENDINGS:
        raise OptionError(f"cannot write a table to {path}: its name must end in {' or '.join(ENDINGS)}")
    durable.check_writable(path, force=force)


def write(columns: Mapping[str, Any], path: str | PathLike[str], *, force: bool) -> None:
    """Writes them to a .csv or .parquet file.

    Raises:
        OptionError, OutputPathError: as :func:`check`.
    """
    check(path, force=force)
    content = io.BytesIO()
    table = frame(columns)
    if Path(path).suffix.lower() == ".csv":
        table.write_csv(content)
    else:
        table.write_parquet(content)
    durable.write(path, content.getvalue())


def joined(values: Any) -> Any:
    """Several values a row as one text, for a table's cell.

    >>> import numpy as np
    >>> joined(np.array([[1.0, 0.5]])).tolist()
    ['1 0.5']
    """
    import numpy as np

    return np.array([" ".join(f"{value:.6g}" for value in row) for row in values.tolist()], dtype=object)
