"""Reads a Parquet file in a process of its own, which a damaged file may end: ``python parquet_child.py FILE ROWS``.

Writes to stdout, each with its length before it: the names of the columns and the count of rows as JSON; then, if ROWS
is above 0, frames of so many rows as Arrow IPC streams; then nothing, of length 0. What goes wrong is said on stderr.
"""

import json
import sys
from io import BytesIO


def main(path: str, rows: int) -> None:
    """Sends the file."""
    import polars as pl

    scan = pl.scan_parquet(path, glob=False)
    names = scan.collect_schema().names()
    count = int(scan.select(pl.len()).collect().item())
    send(json.dumps({"names": names, "rows": count}).encode())
    for first in range(0, count, rows) if rows else ():
        packed = BytesIO()
        scan.slice(first, rows).collect().write_ipc_stream(packed, compat_level=pl.CompatLevel.newest())
        send(packed.getbuffer())
    send(b"")


def send(message: bytes | memoryview) -> None:
    """One message: 8 bytes of its length, and itself."""
    sys.stdout.buffer.write(len(message).to_bytes(8, "little"))
    sys.stdout.buffer.write(message)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except BaseException as error:  # a panic of Rust among them
        print(" ".join(str(error).split())[:300] or type(error).__name__, file=sys.stderr)
        sys.exit(1)
