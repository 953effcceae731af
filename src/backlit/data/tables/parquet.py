"""Parquet files, read by a process of their own: a damaged one can end polars itself, and with it whoever called it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from backlit.data.streams import describe_start, open_file
from backlit.errors import DataError

if TYPE_CHECKING:
    import polars as pl

READER = Path(__file__).with_name("parquet_child.py")
ROWS = 1 << 16
"""Rows of a block."""


def look_at(path: Path) -> tuple[tuple[str, ...], int]:
    """The names of the columns, and how many rows there are.

    Raises:
        DataError: it cannot be opened, is no Parquet file, or is damaged.
    """
    with open_file(path) as stream:
        start, size = stream.read(4), stream.seek(0, 2)
        stream.seek(-min(4, size), 2)
        end = stream.read()
    if start != b"PAR1":
        raise DataError(f"{path}: is no Parquet file, as its name says: {describe_start(start)}")
    if end != b"PAR1" or size < 12:
        raise DataError(f"{path}: the Parquet file is damaged or cut short: its end is missing")
    with _messages(path, 0) as messages:
        head: Any = json.loads(next(messages))
    return tuple(head["names"]), int(head["rows"])


def blocks(path: Path) -> Iterator["pl.DataFrame"]:
    """Frames of consecutive rows, of the types that the file has.

    Raises:
        DataError: the file is damaged.
    """
    import polars as pl

    with _messages(path, ROWS) as messages:
        next(messages)
        for message in messages:
            yield pl.read_ipc_stream(BytesIO(message))


@contextmanager
def _messages(path: Path, rows: int) -> Iterator[Iterator[bytes]]:
    """What the reader sends, one message after the other."""
    command = [sys.executable, "-P", str(READER), str(path.absolute()), str(rows)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "RUST_BACKTRACE": "0"}
    with TemporaryFile() as said:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, env=environment
        )
        assert child.stdout is not None
        try:
            yield _received(path, child, child.stdout, said)
        finally:
            child.kill()
            child.stdout.close()
            child.wait()


def _received(path: Path, child: "subprocess.Popen[bytes]", stream: IO[bytes], said: IO[bytes]) -> Iterator[bytes]:
    while True:
        length = stream.read(8)
        size = int.from_bytes(length, "little")
        message = stream.read(size) if len(length) == 8 else b""
        if len(length) < 8 or len(message) < size:
            child.wait()
            said.seek(0)
            lines = said.read(100_000).decode("utf-8", "replace").strip().splitlines()
            why = lines[-1][:150] if lines and child.returncode == 1 else f"its reader ended with {child.returncode}"
            raise DataError(f"{path}: the Parquet file is damaged or cannot be read: {why}")
        if not size:
            return
        yield message
