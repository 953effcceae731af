"""Bytes of files that nobody vouches for: read as far as their header claims, and one more to see that they end there.

Memory grows with the bytes that are really there, never with what a header claims.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from backlit.errors import DataError

CHUNK = 1 << 20

KNOWN_STARTS = {
    b"\x1f\x8b": "gzip data",
    b"PK": "a zip archive (as .npz is)",
    b"\x93NUM": "a NumPy array (.npy)",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"PAR1": "a Parquet table",
    b"<": "an HTML or XML page",
    b"\x80": "perhaps a pickle, which is never read",
}


class Readable(Protocol):
    """Bytes, from where they were last read on."""

    def read(self, size: int = ..., /) -> bytes:
        """At most ``size`` bytes; none at the end."""


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading.

    Raises:
        DataError: it is not there, or cannot be read.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {reason(error)}") from None
    with stream:
        yield stream


def read_claimed(stream: Readable, size: int, file: str) -> bytearray:
    """Exactly ``size`` bytes, behind which the stream must end.

    Raises:
        DataError: there are fewer, or more; reading stops at the first too many.
    """
    found = bytearray()
    while len(found) <= size:
        chunk = stream.read(min(CHUNK, size + 1 - len(found)))
        if not chunk:
            break
        found += chunk
    check_size(size, len(found), file)
    return found


def check_size(claimed: int, found: int, file: str) -> None:
    """Raises DataError unless as many bytes are there as the header claims."""
    if found < claimed:
        raise DataError(f"{file}: truncated: its header claims {claimed:,} bytes of data and {found:,} are there")
    if found > claimed:
        raise DataError(
            f"{file}: goes on behind its data, of which its header claims {claimed:,} bytes; the header is wrong, or "
            "something was added to the file"
        )


def reason(error: Exception) -> str:
    """What a library said of a file, to stand at the end of a line of our own."""
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return said.strip(". \n") or type(error).__name__


def describe_start(head: bytes) -> str:
    """What a file seems to be, from how it starts.

    >>> describe_start(b"PK\\x03\\x04"), describe_start(b"")
    ('it seems to be a zip archive (as .npz is)', 'it is empty')
    """
    if not head:
        return "it is empty"
    for start, kind in KNOWN_STARTS.items():
        if head.startswith(start):
            return f"it seems to be {kind}"
    return f"it starts with the bytes {head[:4].hex(' ')}"
