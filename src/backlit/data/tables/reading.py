"""From raw columns to a table: which is the target, what the columns of text hold, which rows have no target."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backlit.data.dataset import as_target
from backlit.data.frames import some
from backlit.data.tables import cells, frames
from backlit.data.tables.cells import PLAIN
from backlit.data.tables.columns import as_numbers
from backlit.data.tables.encoding import FEW, NEAR_UNIQUE, TableEncoding
from backlit.data.tables.known import as_known
from backlit.data.tables.recognition import MOMENT, NUMBER, TEXT, TRUTH, Evidence, read_as
from backlit.data.tables.sources import ROWS, Progress, Raw
from backlit.data.tables.table import Table
from backlit.errors import DataError

if TYPE_CHECKING:
    import polars as pl

HELD = 32 << 20
"""Bytes of a file whose table is kept in memory; a larger one is read again from the disk when its rows are needed."""

USUAL = ("target", "label", "class", "y")
"""Names a target usually has, in small letters: taken where none is given."""


def read_table(
    raw: Raw,
    target: str | Sequence[str] | None = None,
    *,
    like: TableEncoding | None = None,
    needs_target: bool = True,
    as_text: bool = False,
    progress: Progress | None = None,
) -> Table:
    """The table of raw columns.

    Args:
        raw: the columns.
        target: the name of the target; of several, a list of names, or names with commas between them; of a source
            without names, its place (from 0, -1 is the last). None takes a column with a usual name, or the last where
            there are no names.
        like: what the columns are known to hold, from a model; None sees it from the cells.
        needs_target: False takes a table without it too.
        as_text: the target is labels of text, be they written as numbers.
        progress: told how much of a file was read.

    Raises:
        DataError: there is no such target, or nothing besides it; no rows; a cell that cannot be read.
    """
    frames.check_names(raw.source, raw.names)
    if like is not None:
        raw = as_known(raw, like, parts_of(target))
    targets, remarks = _targets(raw, target, needs_target)
    columns = tuple(name for name in raw.names if name not in targets)
    if not columns:
        raise DataError(
            f"{raw.source}: the target '{', '.join(targets)}' is the only column; there is nothing to learn from"
        )
    seen = {name: Evidence(name) for name in columns}
    answers: list[pl.DataFrame] = []
    held: list[pl.DataFrame] | None = [] if raw.size <= HELD else None
    digest = hashlib.blake2b(digest_size=16)
    rows = 0
    for block in raw.blocks(progress):
        rows += block.height
        _digest(digest, block)
        answers.append(block.select(targets))
        features = block.select(columns)
        if like is None:
            for column in features:
                if frames.is_text(column.dtype):
                    seen[column.name].add(column.cast(_string()))
                elif column.dtype.is_float() and column.is_infinite().any():
                    as_numbers(column, PLAIN, raw.source, rows - block.height)  # says which
        if held is not None:
            held.append(features)
    if not rows:
        raise DataError(f"{raw.source}: has names and no rows")
    verdicts = {name: evidence.verdict() for name, evidence in seen.items() if evidence.rows}
    for name, (kind, _, _) in verdicts.items():
        if kind == NUMBER and (infinite := seen[name].infinite) is not None:
            raise not_finite(raw.source, name, *infinite)
    remarks += [remark for _, _, remark in verdicts.values() if remark]
    y, there, more = target_of(answers, targets, raw.source, as_text)
    remarks += more
    if y is not None and y.dtype.kind == "U" and like is None:
        _check_classes(y, f"{raw.source}: target '{targets[0]}'")

    def blocks() -> Iterator["pl.DataFrame"]:
        first = 0
        for block in held if held is not None else raw.blocks(progress):
            known = slice(first, first + block.height)
            first += block.height
            read = block.select([read_as(block[name], verdicts.get(name)) for name in columns])
            yield read if there is None else read.filter(there[known])

    return Table(
        columns=columns,
        y=y,
        source=raw.source,
        target=", ".join(targets) if targets else str(target or "y"),
        rows=rows if there is None else int(there.sum()),
        blocks=blocks,
        spellings={name: spelling for name, (_, spelling, _) in verdicts.items() if spelling != PLAIN},
        named=raw.named,
        remarks=(*raw.remarks, *remarks),
        contents=digest.hexdigest(),
        numbers=None if there is None else np.flatnonzero(there),
    )


def target_of(
    blocks: Sequence["pl.DataFrame"], targets: Sequence[str], source: str, as_text: bool = False
) -> tuple[NDArray[Any] | None, NDArray[np.bool_] | None, list[str]]:
    """The target's values where they are there, which rows have them (None: all), and remarks.

    Raises:
        DataError: every value is missing, or several targets are not all numbers.
    """
    if not targets:
        return None, None, []
    import polars as pl

    whole = pl.concat(blocks)
    read, remarks = [], []
    for name in targets:
        values, remark = label_of(whole[name].cast(pl.String)), None
        if not as_text:
            values, remark = _answers(whole[name], source, several=len(targets) > 1)
        read.append(values)
        remarks += [remark] if remark else []
    there = np.logical_and.reduce([values.is_not_null().to_numpy() for values in read])
    named = f"'{', '.join(targets)}'"
    if not there.any():
        raise DataError(f"{source}: target {named} is missing in every row")
    arrays = [as_target(_plain(values.filter(there)), f"{source}: target '{values.name}'") for values in read]
    if len(arrays) > 1:
        for array, name in zip(arrays, targets, strict=True):
            if array.dtype.kind == "U":
                raise DataError(f"{source}: target '{name}' is text, and several targets must be numbers")
        arrays = [np.column_stack(arrays)]
    absent = int(len(there) - there.sum())
    if not absent:
        return arrays[0], None, remarks
    first = int(np.flatnonzero(~there)[0])
    remarks.append(
        f"{absent:,} of {len(there):,} rows have no target {named} and were left out, the first is row {first}"
    )
    return arrays[0], there, remarks


def not_finite(source: str, column: str, cell: str, row: int) -> DataError:
    """The error for a number that is none."""
    return DataError(
        f"{source}: column '{column}' has {cells.shown(cell)} in row {row}, where a number should be finite "
        "(rows count from 0); mend or empty such cells"
    )


def _check_classes(y: NDArray[Any], what: str) -> None:
    """Raises DataError where nearly every row has a class of its own."""
    different = len(np.unique(y))
    if different > max(FEW, NEAR_UNIQUE * len(y)):
        raise DataError(
            f"{what} is text with {different:,} different values in {len(y):,} rows, too many to be classes; "
            "--target takes another column"
        )


def label_of(values: "pl.Series") -> "pl.Series":
    """Labels of text: no blanks around them, no dot behind them, null where missing.

    >>> import polars as pl
    >>> label_of(pl.Series([" <=50K.", "?", ">50K"])).to_list()
    ['<=50K', None, '>50K']
    """
    return cells.clean(cells.clean(values).str.strip_suffix("."))


def _answers(values: "pl.Series", source: str, several: bool) -> tuple["pl.Series", str | None]:
    """A target's column as numbers, truths or labels; of several, yes and no too are truths."""
    import polars as pl

    if not frames.is_text(values.dtype):
        if values.dtype.is_float():
            return values.fill_nan(None), None
        return (values.cast(pl.Float64) if values.dtype.is_decimal() else values), None
    text = values.cast(pl.String)
    evidence = Evidence(values.name, strict=True)
    evidence.add(text)
    kind, spelling, remark = evidence.verdict()
    labels = label_of(text)
    if kind == NUMBER:
        clean = cells.clean(text, spelling)
        whole = clean.drop_nulls().str.contains(r"^[+-]?[0-9]{1,18}$").all()
        if whole:
            return clean.cast(pl.Int64), remark
        said = [remark.replace("counted as missing", "left out")] if remark else []
        if spelling.in_words():
            said.append(f"the target '{values.name}' is numbers {spelling.in_words()}; answers come without")
        return cells.to_numbers(clean, spelling), "; ".join(said) or None
    if kind == TRUTH and (several or labels.str.to_lowercase().is_in(["true", "false"]).all()):
        return cells.to_truths(labels), None
    if kind == MOMENT and labels.n_unique() > FEW:
        raise DataError(
            f"{source}: target '{values.name}' is dates or times, which are no classes and no numbers; make numbers of "
            "them, such as days since a day, or take another column by --target"
        )
    return labels, remark if kind == TEXT else None


def _plain(values: "pl.Series") -> Any:
    import polars as pl

    if values.dtype == pl.String:
        longest: Any = values.str.len_chars().max()
        text = np.empty(len(values), dtype=f"U{max(longest, 1)}")
        for start in range(0, len(values), ROWS):  # Python's own strings take many times the room
            text[start : start + ROWS] = values[start : start + ROWS].to_list()
        return text
    return values.to_numpy()


def _targets(raw: Raw, target: str | Sequence[str] | None, needed: bool) -> tuple[list[str], list[str]]:
    """The names of the targets that are there, and what to say of the choice."""
    names = list(raw.names)
    if target is None and raw.targets and needed:
        return list(raw.targets), []
    if target is None:
        usual = [name for name in names if name.lower() in USUAL]
        if raw.named and len(usual) == 1:
            return usual, [f"the target is the column '{usual[0]}', by its name; --target takes another"]
        if not raw.named and needed:
            return names[-1:], [f"the target is the last column, '{names[-1]}'; --target takes another"]
        if not needed:
            return [], []
        raise DataError(
            f"{raw.source}: which column is the target? name it, as --target {names[-1]}; it has {some(names)}"
        )
    wanted = [target] if isinstance(target, str) else [str(name) for name in target]
    found = [_find(raw, name) for name in wanted]
    if isinstance(target, str) and found == [None] and "," in target:
        wanted = [part.strip() for part in target.split(",")]
        found = [_find(raw, name) for name in wanted]
    there = [name for name in found if name is not None]
    if len(set(there)) < len(there):
        raise DataError(f"{raw.source}: the target '{there[0]}' is named twice")
    if len(there) == len(wanted):
        return there, []
    if not needed and not there:
        return [], []
    missing = wanted[found.index(None)]
    from difflib import get_close_matches

    near = get_close_matches(missing, names, n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ";"
    raise DataError(f"{raw.source}: has no column '{missing}' to be the target{hint} It has {some(names)}")


def parts_of(target: str | Sequence[str] | None) -> list[str]:
    """Every name that a target may be called by."""
    if target is None:
        return []
    if isinstance(target, str):
        return [target, *(part.strip() for part in target.split(","))]
    return [str(name) for name in target]


def _find(raw: Raw, name: str) -> str | None:
    if name in raw.names:
        return name
    if not raw.named and name.lstrip("-").isdecimal() and -len(raw.names) <= int(name) < len(raw.names):
        return raw.names[int(name)]
    return None


def _digest(digest: Any, block: "pl.DataFrame") -> None:
    """By what the cells say, whatever the file wrote around them."""
    digest.update(block.hash_rows(seed=0).to_numpy().astype("<u8").tobytes())


def _string() -> Any:
    import polars as pl

    return pl.String
