"""CSV and its kin, block by block: which delimiter, which names, and as many fields in each record as there are names.

A file is read in blocks of whole records, so memory does not grow with it; each block is split by polars.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backlit.data.streams import KNOWN_STARTS, open_file
from backlit.errors import DataError, OptionError

if TYPE_CHECKING:
    import polars as pl

BLOCK = 8 << 20
"""Bytes read at once."""

SNIFFED = 1 << 16
"""Bytes from which the delimiter is found out."""

LONGEST_RECORD = 64 << 20
"""Bytes; a quote that is opened and never closed makes one record of all that follows."""

DELIMITERS = ("\t", ";", "|", ",")
"""The first that splits every record alike is taken: a comma is also the point of a number, and part of a sentence."""

NEWLINE, QUOTE = 10, 34
LONGEST_FIELD = 16 << 20
THE_END = "\x01 the end \x02"
"""A line of its own behind the others, unless a quote is still open."""

NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
"""Delimiters that are hard to type."""


@dataclass(frozen=True)
class Layout:
    """How a file is written: what its records are split at, the encoding of its characters, and its columns' names."""

    path: Path
    delimiter: str
    encoding: str
    header: bool
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def look_at(path: Path, *, header: bool = True, delimiter: str | None = None, encoding: str | None = None) -> Layout:
    """The layout of a file, from its beginning.

    Args:
        path: of the file.
        header: the first record holds the names; else they are ``column_0`` and so on.
        delimiter: one character, or a name such as ``tab``; None finds it out.
        encoding: of the characters; None takes UTF-8, or UTF-16 where the file says so itself.

    Raises:
        DataError: it cannot be opened, is empty or no text, a name stands twice, or the delimiter does not split it.
        OptionError: an unknown encoding, or a delimiter that is not one character.
    """
    with open_file(path) as stream:
        start = stream.read(SNIFFED)
    encoding = _encoding(path, start, encoding)
    text = _decoded(path, start, encoding, final=len(start) < SNIFFED)
    if not text.strip():
        raise DataError(f"{path}: is empty; a table needs a line of names and a line a row")
    forced = _one_character(delimiter)
    sample = _sample(text, whole=len(start) < SNIFFED)
    chosen = forced or _delimiter(sample)
    first = next((record for record in _split(sample, chosen) if record), [])
    if forced and len(first) == 1 and (better := _delimiter(sample)) != forced and better in sample.split("\n")[0]:
        raise DataError(f"{path}: nothing is split at {forced!r}; it looks as if it is at {better!r} (--delimiter)")
    if not header:
        names: tuple[str, ...] = tuple(f"column_{i}" for i in range(len(first)))
        return Layout(path, chosen, encoding, header, names)
    names = tuple(name.strip() or f"column_{i}" for i, name in enumerate(first))
    numbers = [name for name in names if _is_number(name)]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        hint = "; are they no names? then --no-header" if numbers else "; give each column its own name"
        raise DataError(f"{path}: {names.count(twice)} columns have the name '{twice}'{hint}")
    remarks = [f"the first line was taken for names, as '{name}'; --no-header if it is a row" for name in numbers]
    return Layout(path, chosen, encoding, header, names, tuple(remarks[:1]))


def blocks(layout: Layout, progress: Callable[[int], None] | None = None) -> Iterator["pl.DataFrame"]:
    """The records after the names, as frames of text, null where a cell is empty.

    Args:
        layout: of the file.
        progress: told how many bytes were read, block by block.

    Raises:
        DataError: a record has more or fewer fields than there are names (in which line), a quote is never closed, or
            a character is not of the encoding.
    """
    line = 1
    waits_for_names = layout.header
    for block in _whole_records(layout, progress):
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        frame = _parse(layout, block, line)
        line += lines
        if waits_for_names and frame.height:
            frame, waits_for_names = frame[1:], False
        if frame.height:
            yield frame


# --- bytes, in whole records ---------------------------------------------------------------------------------------


def _whole_records(layout: Layout, progress: Callable[[int], None] | None) -> Iterator[bytes]:
    """UTF-8 with ``\\n`` between lines, cut where a record ends."""
    decoder = None if layout.encoding == "utf-8-sig" else codecs.getincrementaldecoder(layout.encoding)("strict")
    rest, line, read = b"", 1, 0
    with open_file(layout.path) as stream:
        while True:
            chunk = stream.read(BLOCK)
            read += len(chunk)
            if progress is not None:
                progress(read)
            if decoder is not None:
                try:
                    chunk, more = decoder.decode(chunk, not chunk).encode(), bool(chunk)
                except UnicodeDecodeError as error:
                    raise _undecodable(layout, line + rest.count(b"\n"), error) from None
            else:
                more = bool(chunk)
                chunk = chunk.removeprefix(codecs.BOM_UTF8) if read == len(chunk) else chunk
            rest += chunk
            cut = len(rest) if not more else _last_end(rest)
            if len(rest) - cut > LONGEST_RECORD:
                raise DataError(f"{layout.path}: a quote that is opened in line {line} or soon after is never closed")
            block, rest = rest[:cut], rest[cut:]
            if block:
                _check_text(layout, block, line)
                line += block.count(b"\n")
                yield _unix(block)
            if not more:
                return


def _last_end(text: bytes) -> int:
    """Behind the last newline that is not within quotes."""
    if b"\n" not in text:
        return text.rfind(b"\r", 0, -1) + 1  # lines as they ended on the first Macintosh
    if b'"' not in text:
        return text.rfind(b"\n") + 1
    ends = np.flatnonzero((np.frombuffer(text, np.uint8) == NEWLINE) & ~_within_quotes(text))
    return int(ends[-1]) + 1 if len(ends) else 0


def _within_quotes(text: bytes) -> NDArray[np.bool_]:
    quotes = np.frombuffer(text, np.uint8) == QUOTE
    return np.logical_xor.accumulate(quotes)


def _unix(block: bytes) -> bytes:
    if b"\r" not in block:
        return block
    if b"\n" not in block:
        return block.replace(b"\r", b"\n")
    return block.replace(b"\r\n", b"\n")


def _check_text(layout: Layout, block: bytes, line: int) -> None:
    if b"\x00" in block:
        place = line + block[: block.index(b"\x00")].count(b"\n")
        raise DataError(f"{layout.path}: holds a NUL byte in line {place}; it is no text, or damaged")
    try:
        block.decode()
    except UnicodeDecodeError as error:
        raise _undecodable(layout, line + block[: error.start].count(b"\n"), error) from None


def _undecodable(layout: Layout, line: int, error: UnicodeDecodeError) -> DataError:
    named = "UTF-8" if layout.encoding == "utf-8-sig" else layout.encoding
    shown = error.object[error.start : error.start + 1].hex()
    return DataError(
        f"{layout.path}: byte {shown} in line {line} is no {named}; name its encoding, as --encoding windows-1252"
    )


# --- blocks, in fields ---------------------------------------------------------------------------------------------


def _parse(layout: Layout, block: bytes, line: int) -> "pl.DataFrame":
    """The records of a block, each with as many fields as there are names; blank lines are none."""
    import polars as pl

    if b'"' in block:
        quoted = re.escape(layout.delimiter).encode()
        block = re.sub(rb"(^|" + quoted + rb'|\n)[ ]+"(?!")', rb'\1"', block)  # a blank before a quote
    if block.startswith(b"\n") or b"\n\n" in block:
        if b'"' in block:
            return _parse_slowly(layout, block, line)
        blanks = re.sub(rb"\n{2,}", b"\n", block.lstrip(b"\n"))
        _check_fields(layout, block, line)
        block = blanks
    elif not _check_fields(layout, block, line):
        return _parse_slowly(layout, block, line)
    if not block.strip(b"\n"):
        return pl.DataFrame(schema=dict.fromkeys(layout.names, pl.String))
    try:
        frame = pl.read_csv(
            block, has_header=False, separator=layout.delimiter, schema=dict.fromkeys(layout.names, pl.String)
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):  # text may begin like a packed file
        return _parse_slowly(layout, block, line)
    if b'"' in block and frame.height != _records(block):
        return _parse_slowly(layout, block, line)
    return frame


def _records(block: bytes) -> int:
    ends = int(((np.frombuffer(block, np.uint8) == NEWLINE) & ~_within_quotes(block)).sum())
    return ends + (not block.endswith(b"\n"))


def _check_fields(layout: Layout, block: bytes, line: int) -> bool:
    """False where quotes leave it open how the block is to be split.

    Raises:
        DataError: there are no quotes, and a record has more or fewer fields than there are names.
    """
    characters = np.frombuffer(block, np.uint8)
    ends, splits = characters == NEWLINE, characters == ord(layout.delimiter)
    has_quotes = b'"' in block
    if has_quotes:
        outside = ~_within_quotes(block)
        ends, splits = ends & outside, splits & outside
    at = np.flatnonzero(ends)
    if not block.endswith(b"\n"):
        at = np.append(at, len(block))
    fields = np.diff(np.searchsorted(np.flatnonzero(splits), at), prepend=0) + 1
    empty = np.diff(at, prepend=-1) == 1
    wrong = np.flatnonzero((fields != len(layout.names)) & ~empty)
    if not len(wrong):
        return True
    if has_quotes:
        return False
    first = int(wrong[0])
    raise _ragged(layout, line + first, int(fields[first]), len(wrong))


def _parse_slowly(layout: Layout, block: bytes, line: int) -> "pl.DataFrame":
    """By Python's own reader, which takes a quote within a field as it stands."""
    import polars as pl

    rows, width, before = [], len(layout.names), 0
    reader = _reader(block.decode().removesuffix("\n") + f"\n{THE_END}", layout.delimiter)
    try:
        for record in reader:
            first, before = before + 1, reader.line_num
            if not record or record == [THE_END]:
                continue
            if record[-1].endswith(THE_END):
                raise DataError(f"{layout.path}: a quote that is opened in line {line + first - 1} is never closed")
            if len(record) != width:
                raise _ragged(layout, line + first - 1, len(record), 1)
            rows.append([cell or None for cell in record])
    except csv.Error as error:
        raise DataError(f"{layout.path}: line {line + reader.line_num - 1} cannot be split: {error}") from None
    return pl.DataFrame(rows, schema=dict.fromkeys(layout.names, pl.String), orient="row")


def _ragged(layout: Layout, line: int, fields: int, count: int) -> DataError:
    more = f" (and {count - 1} more lines are wrong)" if count > 1 else ""
    names = "there are names" if layout.header else "the first line has"
    return DataError(
        f"{layout.path}: line {line} has {fields} field{'s' * (fields != 1)}, and {names} {len(layout.names)}{more}; "
        f"mend it, or is it not split at {layout.delimiter!r}? (--delimiter)"
    )


# --- the beginning of a file ---------------------------------------------------------------------------------------


def _encoding(path: Path, start: bytes, encoding: str | None) -> str:
    if encoding is not None:
        try:
            known = codecs.lookup(encoding)
            "a".encode(known.name)
        except (LookupError, TypeError, ValueError):
            raise OptionError(f"encoding '{encoding}' is not known; one is utf-8, utf-16, latin-1") from None
        if not isinstance(known.decode(b"")[0], str):
            raise OptionError(f"encoding '{encoding}' is not one of characters; such as utf-8, latin-1, windows-1252")
        return "utf-8-sig" if known.name == "utf-8" else known.name
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    known_start = next((kind for magic, kind in KNOWN_STARTS.items() if magic and start.startswith(magic)), None)
    if known_start is not None:
        raise DataError(f"{path}: is no table of text, as its name says: it seems to be {known_start}")
    if b"\x00" in start:
        raise DataError(
            f"{path}: holds NUL bytes, as no text does; if it is UTF-16 without a mark, --encoding utf-16-le"
        )
    return "utf-8-sig"


def _decoded(path: Path, start: bytes, encoding: str, final: bool) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)("strict").decode(start, final)
    except UnicodeDecodeError as error:
        raise _undecodable(
            Layout(path, ",", encoding, True, ()), start[: error.start].count(b"\n") + 1, error
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _sample(text: str, whole: bool) -> str:
    """Whole lines, as far as that goes."""
    return text if whole or "\n" not in text else text[: text.rindex("\n")]


def _one_character(delimiter: str | None) -> str | None:
    if delimiter is None:
        return None
    found = NAMED.get(delimiter, delimiter)
    if len(found) != 1 or not found.isascii() or found in '"\n\r' or found.isalnum():
        raise OptionError(f"delimiter {delimiter!r} cannot be one; it is one character such as ; or |, or the word tab")
    return found


def _split(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from _reader(text, delimiter)
    except csv.Error:  # the records so far are all there is to go by
        return


def _reader(text: str, delimiter: str) -> Any:
    csv.field_size_limit(LONGEST_FIELD)
    return csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=False)


def _delimiter(sample: str) -> str:
    """The one that splits all records into as many fields, at least two; else the one that splits most of them so."""
    best, most = ",", 0.0
    for delimiter in DELIMITERS:
        counts = Counter(
            len(record) for _, record in zip(range(100), _split(sample, delimiter), strict=False) if record
        )
        if not counts:
            continue
        fields, records = counts.most_common(1)[0]
        share = records / counts.total() if fields > 1 else 0.0
        if share > most + 1e-9:
            best, most = delimiter, share
    return best


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
