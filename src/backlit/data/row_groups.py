"""How many rows each row group of a Parquet file has: read in its footer, for a group is what can be read at once.

The footer is a struct in Thrift's compact protocol, at the end of the file before its own length and ``PAR1``. Of it
only field 3 of each struct in field 4 is wanted: the rows of a row group. Everything else is skipped.

Source: the Parquet format, https://github.com/apache/parquet-format, and Thrift's compact protocol,
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md.
"""

from collections.abc import Iterator
from pathlib import Path

LARGEST_FOOTER = 1 << 24
"""Bytes. It is read by Python: of a larger one nothing is learned."""

TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
WHOLE_NUMBERS = (4, 5, 6)  # i16, i32, i64: zigzag numbers all


def row_groups(path: Path) -> list[int] | None:
    """The rows of each row group in their order; None where the footer cannot be read: then nothing is known of them.

    Only a hint of how to read a file: that it can be read is for its reader to find out.
    """
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(size - 8, 0))
            end = stream.read(8)
            length = int.from_bytes(end[:4], "little")
            if end[4:] != b"PAR1" or length > min(size - 8, LARGEST_FOOTER):
                return None
            stream.seek(size - 8 - length)
            return _Footer(stream.read(length)).row_groups()
    except (OSError, ValueError, IndexError, RecursionError):
        return None


class _Footer:
    """A place in the bytes, from which the next thing is read."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def row_groups(self) -> list[int]:
        """Field 3 of each struct of the list in field 4."""
        found: list[int] = []
        for field, kind in self._fields():
            if (field, kind) != (4, LIST):
                self._skip(kind)
                continue
            count, each = self._list()
            for _ in range(count):
                if each != STRUCT:
                    raise ValueError("row groups are structs")
                found.append(self._rows_of_group())
        return found

    def _rows_of_group(self) -> int:
        rows = -1
        for field, kind in self._fields():
            if field == 3 and kind in WHOLE_NUMBERS:
                number = self._varint()
                rows = number >> 1 ^ -(number & 1)
            else:
                self._skip(kind)
        if rows < 0:
            raise ValueError("a row group has no number of rows")
        return rows

    def _fields(self) -> Iterator[tuple[int, int]]:
        """The number and the kind of each field of a struct; who asks for the next has read the value."""
        field = 0
        while (head := self._byte()) != 0:
            step, kind = head >> 4, head & 15
            if step:
                field += step
            else:
                number = self._varint()
                field = number >> 1 ^ -(number & 1)
            yield field, kind

    def _byte(self) -> int:
        value = self._content[self._at]
        self._at += 1
        return value

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a number of more than 64 bits")

    def _list(self) -> tuple[int, int]:
        head = self._byte()
        return (head >> 4 if head >> 4 < 15 else self._varint()), head & 15

    def _skip(self, kind: int) -> None:
        """Past a value of this kind."""
        if kind == BYTE:
            self._at += 1
        elif kind in WHOLE_NUMBERS:
            self._varint()
        elif kind == DOUBLE:
            self._at += 8
        elif kind == BINARY:
            length = self._varint()
            self._at += length
        elif kind in (LIST, SET):
            count, each = self._list()
            for _ in range(count):
                self._skip_element(each)
        elif kind == MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            for _ in range(count):
                self._skip_element(kinds >> 4)
                self._skip_element(kinds & 15)
        elif kind == STRUCT:
            for _, each in self._fields():
                self._skip(each)
        elif kind not in (TRUE, FALSE):
            raise ValueError(f"no kind has the number {kind}")

    def _skip_element(self, kind: int) -> None:
        """Past a value in a list or a map, where a truth takes a byte of its own."""
        self._skip(BYTE if kind in (TRUE, FALSE) else kind)
        if self._at > len(self._content):
            raise ValueError("it ends within a value")
