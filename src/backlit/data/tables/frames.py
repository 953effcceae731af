"""Whatever a user calls a table, as a polars frame: the seam to pandas, mappings and rows of values."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.data.frames import some
from backlit.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def is_text(kind: Any) -> bool:
    """Whether a polars type is text, be it as categories."""
    import polars as pl

    return kind in (pl.String, pl.Categorical, pl.Null) or isinstance(kind, (pl.Enum, pl.Categorical))


def is_frame(X: Any) -> bool:
    """Whether X has columns with names: a frame, or a mapping of names to columns."""
    of_polars = hasattr(X, "lazy") and hasattr(X, "select")  # a lazy frame warns of being asked for its columns
    return isinstance(X, Mapping) or of_polars or (hasattr(X, "iloc") and hasattr(X, "columns"))


def as_frame(what: str, X: Any) -> "pl.DataFrame":
    """A polars frame of the same columns; objects become numbers, moments or truths if all of them are, else text.

    Raises:
        DataError: X has no named columns, or one name twice, or its columns are of different lengths.
    """
    import polars as pl

    if isinstance(X, pl.LazyFrame):
        return X.collect()
    if isinstance(X, pl.DataFrame):
        return X
    if isinstance(X, Mapping):
        names, columns = [str(name) for name in X], list(X.values())
    elif hasattr(X, "iloc"):
        names, columns = [str(name) for name in X.columns], [X.iloc[:, i] for i in range(X.shape[1])]
    else:
        raise DataError(f"{what} is of type {type(X).__name__}; a table is a frame of pandas or polars, or a file")
    check_names(what, names)
    made = [_series(name, column) for name, column in zip(names, columns, strict=True)]
    if len({len(series) for series in made}) > 1:
        raise DataError(f"{what} has columns of different lengths")
    return pl.DataFrame(made)


def check_names(what: str, names: Sequence[str]) -> None:
    """Raises DataError where a name stands twice, or is what polars takes for a pattern of names: ``*``, ``^…$``."""
    for name in names:
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise DataError(f"{what} has a column '{name}', which is read as a pattern of names; give it another name")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{what} has the column '{twice}' {names.count(twice)} times; give each column its own name")


def select(what: str, X: Any, names: Sequence[str], needed: Sequence[str]) -> "pl.DataFrame":
    """A frame that has the needed columns: by their names, or of rows of values by their places among ``names``.

    Raises:
        DataError: one is missing, or there are not as many values a row as there are names.
    """
    import polars as pl

    if not is_frame(X):
        return _by_place(what, X, names)
    frame = as_frame(what, X)
    check_there(what, frame.columns, needed)
    return frame.select(pl.col(list(needed)))


def check_there(what: str, names: Sequence[str], needed: Sequence[str]) -> None:
    """Raises DataError where a column that is needed is not among the names; a near one is suggested."""
    there = set(names)
    missing = [name for name in needed if name not in there]
    if missing:
        from difflib import get_close_matches

        near = [name for name in get_close_matches(missing[0], names, n=3) if name not in needed]
        hint = f"; is it '{near[0]}' now?" if near else ""
        raise DataError(f"{what} has no column{'s' * (len(missing) > 1)} {some(missing)}{hint} (it has {some(names)})")


def _by_place(what: str, X: Any, names: Sequence[str]) -> "pl.DataFrame":
    import polars as pl

    try:
        rows = np.asarray(X) if hasattr(X, "dtype") else np.array([list(row) for row in X], dtype=object)
    except (TypeError, ValueError):
        raise DataError(f"{what} must be a frame, or rows of {len(names)} values each: {some(names)}") from None
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise DataError(f"{what} has shape {rows.shape} where rows of {len(names)} values are expected: {some(names)}")
    return pl.DataFrame([_series(name, rows[:, place]) for place, name in enumerate(names)])


def _series(name: str, values: Any) -> "pl.Series":
    """A column of pandas, NumPy or Python."""
    import polars as pl

    kind = getattr(values, "dtype", None)
    if isinstance(values, pl.Series):
        return values.alias(name)
    if isinstance(kind, np.dtype) and kind.kind in "biuf":
        return pl.Series(name, np.ascontiguousarray(values))
    if isinstance(kind, np.dtype) and kind.kind == "M":
        return pl.Series(name, np.asarray(values).astype("datetime64[us]"))
    items = values.astype(object).tolist() if hasattr(values, "astype") else list(values)
    return of_objects(name, items)


def of_objects(name: str, items: Sequence[Any]) -> "pl.Series":
    """Python's own values: numbers, truths or moments if every one that is there is; else text."""
    from datetime import date, time, timedelta

    import polars as pl

    there = [None if _is_nothing(item) else item for item in items]
    kinds = {type(item) for item in there if item is not None}
    if kinds and all(issubclass(kind, (bool, np.bool_)) for kind in kinds):
        return pl.Series(name, [None if item is None else bool(item) for item in there], dtype=pl.Boolean)
    if kinds and all(issubclass(kind, (int, float, np.number)) for kind in kinds) and not kinds & {bool}:
        return pl.Series(name, [None if item is None else float(item) for item in there], dtype=pl.Float64)
    if len(kinds) == 1 and issubclass(next(iter(kinds)), (date, time, timedelta)):
        return pl.Series(name, there)
    return pl.Series(name, [None if item is None else str(item) for item in there], dtype=pl.String)


def _is_nothing(item: Any) -> bool:
    """None, NaN, and what pandas has for them."""
    return item is None or type(item).__name__ in ("NAType", "NaTType") or (isinstance(item, float) and isnan(item))
