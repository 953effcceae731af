"""MAT files of level 5 (MATLAB's ``-v6`` and ``-v7``, Octave's the same), read without believing them.

A file is a header of 128 bytes and elements: a tag (type, bytes) and its data, to a multiple of 8 bytes; an element
may be packed with zlib. A matrix is an element of elements: flags, dimensions, name, numbers. Every claim is held
against the bytes there are before anything is allocated from it; packed bytes are unpacked to what they say they are
and no further. Matrices of numbers and rows of text are read; cells, structures, sparse and complex ones are not.

Source: *MAT-File Format*, The MathWorks.
"""

import math
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.formats.container import Refusal, damaged, quote, read_all, refusals_named

MATRIX, COMPRESSED = 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""Type of an element → dtype of its numbers."""
TEXT = {2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}

CHARACTERS, SINGLE = 4, 7
CLASSES = {
    1: "a cell array", 2: "a structure", 3: "an object", 5: "a sparse matrix", 16: "a function", 17: "an opaque object",
}  # fmt: skip
NUMERIC = range(6, 16)

LARGEST_RATIO = 1032
"""Bytes that one byte of zlib's can unpack to, at the very most."""
LONGEST_HEAD = 4096
"""Bytes of a matrix in which its flags, dimensions and name must be found."""
MOST_DIMENSIONS, MOST_VARIABLES = 32, 10_000

Values = NDArray[Any] | str


@dataclass(frozen=True)
class Head:
    """What a matrix says of itself before its numbers come; ``start`` is where those are."""

    name: str
    shape: tuple[int, ...]
    kind: int
    is_complex: bool
    start: int


def read(path: str | os.PathLike[str], wanted: Callable[[str], bool]) -> tuple[dict[str, Values], list[str]]:
    """The variables whose names are wanted, numbers as (rows, columns) of float64 or float32; and the others' names.

    Raises:
        ModelFileError: the file cannot be read, is no MAT file of level 5, is damaged, or a wanted variable is none of
            numbers or text.
    """
    with refusals_named(path):
        content = memoryview(read_all(path))
        order = _byte_order(content)
        found: dict[str, Values] = {}
        others: list[str] = []
        for number, (element, packed) in enumerate(_elements(content[128:], order)):
            if number >= MOST_VARIABLES:
                raise Refusal(f"holds more than {MOST_VARIABLES:,} variables; save the weights alone")
            start, unpack = _unpacker(element, order) if packed else (element, None)
            head = _head(start, order)
            if not wanted(head.name):
                others.append(head.name)
                continue
            if head.name in found:
                raise damaged(f"it holds {quote(head.name)} twice")
            found[head.name] = _values(head, start if unpack is None else unpack(), order)
        return found, others


def _byte_order(content: memoryview) -> str:
    if bytes(content[:8]) == b"\x89HDF\r\n\x1a\n" or (len(content) >= 126 and bytes(content[124:126]) == b"\x00\x02"):
        raise Refusal("is a MAT file of version 7.3; save it with -v7")
    if bytes(content[:8]).startswith((b"# Create", b"# name")):
        raise Refusal("is Octave's own text format; save it with: save -v7 FILE Theta1 Theta2")
    mark = bytes(content[126:128])
    if len(content) < 128 or mark not in (b"IM", b"MI"):
        raise Refusal("is not a MAT file of level 5; save it with -v7")
    order = "<" if mark == b"IM" else ">"
    (version,) = struct.unpack_from(f"{order}H", content, 124)
    if version != 0x0100:
        raise Refusal(f"is a MAT file of version {version:#06x}, and 0x0100 is read; save it with -v7")
    return order


def _elements(content: memoryview, order: str) -> Iterator[tuple[memoryview, bool]]:
    """Each variable's bytes after its tag, and whether they are packed."""
    at = 0
    while at < len(content):
        kind, data, after = _element(content, at, order)
        if kind not in (MATRIX, COMPRESSED):
            raise damaged(f"an element of type {kind} stands where a variable should")
        yield data, kind == COMPRESSED
        at = after


def _element(content: memoryview, at: int, order: str) -> tuple[int, memoryview, int]:
    """Type, data, and where the next element begins."""
    if len(content) - at < 8:
        raise damaged("it ends within an element's tag")
    kind, size = struct.unpack_from(f"{order}II", content, at)
    if kind >> 16:  # a small one: its data are in the tag
        kind, size = kind & 0xFFFF, kind >> 16
        if size > 4:
            raise damaged(f"a small element claims {size} bytes, and has 4")
        return kind, content[at + 4 : at + 4 + size], at + 8
    if size > len(content) - at - 8:
        raise damaged(f"an element claims {size:,} bytes, and {len(content) - at - 8:,} are left")
    padding = 0 if kind == COMPRESSED else -size % 8
    return kind, content[at + 8 : at + 8 + size], min(at + 8 + size + padding, len(content))


def _unpacker(packed: memoryview, order: str) -> tuple[memoryview, Callable[[], memoryview]]:
    """The first bytes of a packed matrix, and what unpacks all of it, to the size it claims and no further."""
    stream = zlib.decompressobj()

    def more(data: bytes | memoryview, size: int) -> bytes:
        try:
            return stream.decompress(data, size)
        except zlib.error as failure:
            raise damaged(f"a packed variable cannot be unpacked ({failure})") from None

    begin = more(packed, 8 + LONGEST_HEAD)
    if len(begin) < 8:
        raise damaged("a packed variable ends within its tag")
    kind, size = struct.unpack_from(f"{order}II", begin)
    if kind != MATRIX or size > LARGEST_RATIO * len(packed):
        raise damaged(f"{len(packed):,} packed bytes claim to be an element of type {kind} and of {size:,} bytes")

    def unpack() -> memoryview:
        whole = begin + (more(stream.unconsumed_tail, 8 + size - len(begin)) if len(begin) < 8 + size else b"")
        if len(whole) != 8 + size or more(stream.unconsumed_tail, 1) or not stream.eof:  # at its end zlib's sum is held
            raise damaged(f"a packed variable claims {size:,} bytes and does not unpack to as many")
        return memoryview(whole)[8:]

    return memoryview(begin)[8 : 8 + size], unpack


def _head(content: memoryview, order: str) -> Head:
    kind, flags, at = _element(content, 0, order)
    if kind != 6 or len(flags) != 8:
        raise damaged("a matrix has no flags")
    (bits,) = struct.unpack_from(f"{order}I", flags)
    if bits & 0xFF == 17:  # it has neither dimensions nor the name in its usual place
        return Head("", (), 17, False, at)
    kind, sizes, at = _element(content, at, order)
    if kind != 5 or len(sizes) % 4 or not 8 <= len(sizes) <= 4 * MOST_DIMENSIONS:
        raise damaged("a matrix has no dimensions")
    shape = struct.unpack(f"{order}{len(sizes) // 4}i", sizes)
    if min(shape) < 0:
        raise damaged(f"a matrix has the dimensions {quote(shape)}")
    kind, name, at = _element(content, at, order)
    if kind != 1 or len(name) > 255:
        raise damaged("a matrix has no name")
    return Head(bytes(name).decode("latin-1"), shape, bits & 0xFF, bool(bits & 0x800), at)


def _values(head: Head, content: memoryview, order: str) -> Values:
    name = quote(head.name)
    if head.kind in CLASSES or head.is_complex:
        raise Refusal(f"holds {name} as {CLASSES.get(head.kind, 'a complex matrix')}; a real matrix is read")
    if head.kind not in NUMERIC and head.kind != CHARACTERS:
        raise damaged(f"{name} is of class {head.kind}, which there is not")
    kind, data, _ = _element(content, head.start, order)
    count = math.prod(head.shape)
    if head.kind == CHARACTERS:
        return _text(head, kind, data, order)
    if kind not in NUMBERS:
        raise damaged(f"the numbers of {name} are of type {kind}, which there is not")
    dtype = np.dtype(order + NUMBERS[kind])
    if count * dtype.itemsize != len(data):
        raise damaged(f"{name} is {quote(head.shape)} of {dtype.itemsize} bytes each, and has {len(data):,} bytes")
    values = np.frombuffer(data, dtype)
    return values.astype(np.float32 if head.kind == SINGLE else np.float64).reshape(head.shape, order="F")


def _text(head: Head, kind: int, data: memoryview, order: str) -> str:
    encoding = TEXT.get(kind)
    if encoding is None or head.shape[0] > 1:
        raise Refusal(f"holds {quote(head.name)}, which is not one row of text")
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    try:
        return re.sub(r"\0", "", bytes(data).decode(encoding))
    except UnicodeDecodeError:
        raise damaged(f"{quote(head.name)} is not text") from None
