"""``--leave-out``: rows not to train on, by their numbers or as a table that ``backlit diagnose --rows`` wrote."""

import re
from pathlib import Path
from typing import Any

from backlit.errors import DataError, OptionError

WRONG = 0.5
"""From this score on a label is more likely wrong than right."""


def rows_of(text: str, rows: int) -> Any:
    """Row numbers between commas, or those of a table whose score says that their label is likely wrong, ascending.

    Raises:
        OptionError: neither. DataError: the table cannot be read, or a number is none of a row.

    >>> rows_of("17,3", 20)
    array([ 3, 17])
    """
    import numpy as np

    if re.fullmatch(r"\s*\d+(\s*,\s*\d+)*\s*", text):
        found = np.array([int(part) for part in text.split(",")], dtype=np.int64)
    elif text.lower().endswith((".csv", ".parquet")):
        found = _of_table(Path(text))
    else:
        raise OptionError(
            f"--leave-out takes row numbers between commas, as 17,20, or a .csv or .parquet table that "
            f"`backlit diagnose --rows --out` wrote, not '{text}'"
        )
    found = np.unique(found)
    if len(found) and not 0 <= found[0] <= found[-1] < rows:
        raise DataError(f"--leave-out names row {int(found[-1])}; there are {rows:,}, numbered from 0")
    return found


def _of_table(path: Path) -> Any:
    import numpy as np
    import polars

    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    read = polars.read_csv if path.suffix.lower() == ".csv" else polars.read_parquet
    try:
        table = read(path)
        wrong = table.filter(polars.col("score") > WRONG)["index"]
        return np.asarray(wrong.to_numpy(), dtype=np.int64)
    except (polars.exceptions.PolarsError, OSError, ValueError, TypeError) as failure:
        reason = (str(failure).splitlines() or ["it cannot be read"])[0][:120]
        raise DataError(
            f"{path} is no table of `backlit diagnose --rows --out`, with index and score: {reason}"
        ) from None
