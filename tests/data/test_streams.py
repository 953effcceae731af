import io
import tracemalloc

import pytest

from backlit.data.streams import CHUNK, describe_start, open_file, read_claimed
from backlit.errors import DataError


class Endless:
    """Zeros without end, counting how many were taken."""

    taken = 0

    def read(self, size=-1):
        self.taken += size
        return bytes(size)


def test_all_that_is_claimed_is_read():
    content = bytes(range(256)) * (CHUNK // 100)  # more than one chunk, and not a whole number of them
    assert read_claimed(io.BytesIO(content), len(content), "f") == content


def test_reading_stops_at_the_first_byte_too_many():
    stream = Endless()
    with pytest.raises(DataError, match="f: goes on behind its data"):
        read_claimed(stream, 1000, "f")
    assert stream.taken == 1001


def test_memory_follows_the_bytes_and_not_the_claim():
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="claims 1,099,511,627,776 bytes of data and 10 are there"):
            read_claimed(io.BytesIO(bytes(10)), 2**40, "f")
        assert tracemalloc.get_traced_memory()[1] < 8 * CHUNK
    finally:
        tracemalloc.stop()


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    missing = tmp_path / "nothing.npy"
    with pytest.raises(DataError, match=r"nothing\.npy: cannot be opened: No such file"), open_file(missing):
        pass
    with pytest.raises(DataError, match="cannot be opened: Is a directory"), open_file(tmp_path):
        pass


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"<!DOCTYPE html>", "HTML"),
        (b"\x89PNG", "PNG"),
        (b"\x80\x04\x95", "pickle"),
        (b"", "empty"),
        (b"\x01\x02\x03\x04", "01 02 03 04"),
    ],
)
def test_what_a_file_seems_to_be(head, kind):
    assert kind in describe_start(head)
