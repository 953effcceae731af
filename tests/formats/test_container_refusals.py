"""A container believes nothing that a file says of itself, and refuses it before anything is allocated."""

import errno
import io
import json
import os
import pickle
import resource
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from backlit.errors import ModelFileError
from backlit.formats import container


def metadata(**other: Any) -> dict[str, Any]:
    held = {"digest": "0" * 32, "format": "backlit", "kind": "model", "version": "1", "document": '{"a":1}', **other}
    return {key: value for key, value in held.items() if value is not None}


W = {"dtype": "F64", "shape": [2, 2], "data_offsets": [0, 32]}
b = {"dtype": "F64", "shape": [2], "data_offsets": [32, 48]}
HEADER: dict[str, Any] = {"__metadata__": metadata(), "W": W, "b": b}
DATA = np.arange(6.0).tobytes()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def compact(header: object) -> bytes:
    return json.dumps(header, separators=(",", ":")).encode()


def unsealed(header: object, data: bytes = DATA, length: int | None = None) -> bytes:
    head = header if isinstance(header, bytes) else compact(header)
    return (len(head) if length is None else length).to_bytes(8, "little") + head + data


def packed(header: object, data: bytes = DATA, length: int | None = None) -> bytes:
    """With the digest of its bytes, whatever they say: what is refused is refused for what it says."""
    content = unsealed(header, data, length)
    if content[8:35] != container.HEADER_START:
        return content
    return content[:35] + container.digest(content, b"") + content[67:]


def with_W(**lie: Any) -> bytes:
    return packed({**HEADER, "W": {key: value for key, value in {**W, **lie}.items() if value is not None}})


def with_metadata(**lie: Any) -> bytes:
    return packed({**HEADER, "__metadata__": metadata(**lie)})


def without(name: str) -> bytes:
    return packed({key: value for key, value in HEADER.items() if key != name})


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("W.npy", DATA)
    return stream.getvalue()


HEAD = compact(HEADER)
WHOLE = packed(HEADER)
NO_SENSE = "the header's entry for tensor 'W' makes no sense"
NOT_JSON = "its header is not JSON"
FOREIGN = "is a safetensors file, but Backlit did not write it"
NOT_SAFETENSORS = "is not a safetensors file, as every model and checkpoint of Backlit is"
FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "one byte": (b"\x08", NOT_SAFETENSORS),
    "only a length": ((2).to_bytes(8, "little"), NOT_SAFETENSORS),
    "zeros": (bytes(1000), NOT_SAFETENSORS),
    "text": (b"a,b,c\n1,2,3\n4,5,6\n", NOT_SAFETENSORS),
    "a pickle": (pickle.dumps({"W": [1.0, 2.0], "b": list(range(100))}), NOT_SAFETENSORS),
    "a zip": (zipped(), NOT_SAFETENSORS),
    "a plain safetensors": (safetensors.numpy.save({"W": np.zeros(3)}), FOREIGN),
    "a length of 0": (packed(HEAD, length=0), NOT_SAFETENSORS),
    "a length of 1": (packed(HEAD, length=1), NOT_SAFETENSORS),
    "header cut": (packed(HEAD, length=len(HEAD) - 5), NOT_JSON),
    "header longer than the file": (packed(HEAD, length=100_000), "its header claims 100,000 bytes, and the file has"),
    "header length 2^63": (packed(HEAD, length=2**63), "its header claims 9,223,372,036,854,775,808 bytes"),
    "header length 2^64 - 1": (packed(HEAD, length=2**64 - 1), "its header claims"),
    "header not JSON": (packed(b'{"W": nonsense}'), NOT_JSON),
    "header not UTF-8": (packed(b'{"\xff\xfe": 1}'), "its header is not text"),
    "header with NaN": (packed(HEAD[:-1] + b', "c": NaN}'), "'NaN' is not a finite number"),
    "header with 1e999": (packed(HEAD[:-1] + b', "c": 1e999}'), "'1e999' is not a finite number"),
    "header with a huge integer": (packed(HEAD[:-1] + b', "c": ' + b"9" * 5000 + b"}"), NOT_JSON),
    "header with a name twice": (packed(HEAD[:-1] + b', "W": ' + json.dumps(W).encode() + b"}"), "a key appears twice"),
    "header nested deeply": (packed(b'{"W": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "is nested too deeply"),
    "metadata a list": (packed({**HEADER, "__metadata__": ["backlit"]}), FOREIGN),
    "metadata missing": (without("__metadata__"), FOREIGN),
    "metadata of others": (with_metadata(format="pt"), FOREIGN),
    "no digest": (with_metadata(digest=None), "is damaged: it has no digest"),
    "a digest in another place": (
        packed({**HEADER, "__metadata__": dict(reversed(metadata().items()))}),
        "is damaged: it has no digest",
    ),
    "a digest of nothing": (unsealed(HEADER), "is damaged: its digest is not that of its bytes"),
    "a digest in capitals": (
        WHOLE[:35] + WHOLE[35:67].upper() + WHOLE[67:],
        "is damaged: its digest is not that of its bytes",
    ),
    "the digest of other numbers": (WHOLE[:-48] + bytes(48), "is damaged: its digest is not that of its bytes"),
    "metadata not text": (with_metadata(more=1), "its metadata are not all text"),
    "no version": (with_metadata(version=None), "its format version is ''"),
    "version 0": (with_metadata(version="0"), "its format version is '0'"),
    "version -1": (with_metadata(version="-1"), "its format version is '-1'"),
    "version ²": (with_metadata(version="²"), "its format version is"),
    "version endless": (with_metadata(version="9" * 10_000), "its format version is '999999"),
    "version 2": (with_metadata(version="2"), "was written by a newer Backlit (format version 2; this one reads up to"),
    "no kind": (with_metadata(kind=None), "holds '', not a model"),
    "another kind": (with_metadata(kind="\x1b[2J" + "x" * 500), "holds '\\x1b[2Jxxx"),
    "a checkpoint": (with_metadata(kind="checkpoint"), "holds a training checkpoint, not a model"),
    "no document": (with_metadata(document=None), "its document is not JSON"),
    "document not JSON": (with_metadata(document="{'a': 1}"), "its document is not JSON"),
    "document a list": (with_metadata(document="[1]"), "its document is not a JSON object"),
    "document null": (with_metadata(document="null"), "its document is not a JSON object"),
    "document infinite": (with_metadata(document='{"a": [-Infinity]}'), "'-Infinity' is not a finite number"),
    "document with a key twice": (with_metadata(document='{"a": {"b": 1, "b": 1}}'), "a key appears twice"),
    "document deep": (with_metadata(document='{"a":' * 100_000 + "1" + "}" * 100_000), "is nested too deeply"),
    "document huge integer": (with_metadata(document='{"a": ' + "9" * 5000 + "}"), "its document is not JSON"),
    "a tensor not an object": (packed({**HEADER, "W": [W]}), NO_SENSE),
    "a tensor missing": (without("b"), "its header claims 32 bytes of numbers, and the file has 48"),
    "a tensor cut": (packed(HEADER, DATA[:-1]), "its header claims 48 bytes of numbers, and the file has 47"),
    "trailing bytes": (packed(HEADER, DATA + b"\0"), "its header claims 48 bytes of numbers, and the file has 49"),
    "trailing bytes alone": (packed({"__metadata__": metadata()}, b"\0"), "its header claims 0 bytes of numbers"),
    "a field more": (with_W(strides=[1, 1]), NO_SENSE),
    "no dtype": (with_W(dtype=None), NO_SENSE),
    "dtype a number": (with_W(dtype=64), NO_SENSE),
    "dtype F16": (with_W(dtype="F16"), "has a tensor 'W' of dtype 'F16'; F32, F64, I64, U8 are read"),
    "dtype unknown": (with_W(dtype="os.system"), "of dtype 'os.system'"),
    "dtype of another size": (with_W(dtype="F32"), "its header claims 32 bytes of numbers, and the file has 48"),
    "shape a number": (with_W(shape=4), NO_SENSE),
    "shape missing": (with_W(shape=None), NO_SENSE),
    "shape of text": (with_W(shape=["2", "2"]), NO_SENSE),
    "shape of floats": (with_W(shape=[2.0, 2.0]), NO_SENSE),
    "shape of bools": (with_W(shape=[True, 4]), NO_SENSE),
    "shape negative": (with_W(shape=[-4]), NO_SENSE),
    "shape negative twice": (with_W(shape=[-2, -2]), NO_SENSE),
    "shape 10^12": (with_W(shape=[10**12]), "its header claims 8,000,000,000,016 bytes of numbers"),
    "shape 2^64": (with_W(shape=[2**64]), NO_SENSE),
    "shape that overflows to 0": (with_W(shape=[2**32, 2**32]), NO_SENSE),
    "shape that overflows to 4": (with_W(shape=[2**62 + 1, 4]), NO_SENSE),
    "shape huge beside 0": (with_W(shape=[0, 2**40, 2**40]), NO_SENSE),
    "shape of a million dimensions": (with_W(shape=[1] * 1_000_000), NO_SENSE),
    "offsets missing": (with_W(data_offsets=None), NO_SENSE),
    "offsets that are none": (with_W(data_offsets=[]), "is damaged"),
    "offsets that are one": (with_W(data_offsets=[32]), "is damaged"),
    "offsets of text": (with_W(data_offsets=["0", "32"]), "is damaged"),
    "offsets negative": (with_W(data_offsets=[-32, 0]), "is damaged"),
    "offsets backwards": (with_W(data_offsets=[32, 0]), "is damaged"),
    "offsets too near": (with_W(data_offsets=[0, 24]), "is damaged"),
    "offsets beyond the file": (with_W(data_offsets=[48, 80]), "is damaged"),
    "offsets far beyond the file": (with_W(data_offsets=[2**64 - 32, 2**64]), "is damaged"),
    "offsets of 10^400": (with_W(data_offsets=[10**400, 10**400 + 32]), "is damaged"),
    "an overlap": (packed({**HEADER, "b": {**b, "data_offsets": [16, 32]}}), "is damaged"),
    "tensors that overlap and leave a gap": (
        packed({**HEADER, "b": {**b, "data_offsets": [0, 16]}}),
        "is damaged",
    ),
    "an order with a gap": (
        packed({**HEADER, "W": {**W, "data_offsets": [16, 48]}, "b": {**b, "data_offsets": [16, 32]}}),
        "is damaged",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one short name, so that no message is long for its sake."""
    return tmp_path_factory.mktemp("container")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_believed_is_refused_in_one_line(folder: Path, name: str) -> None:
    content, reason = FILES[name]
    path = write(folder / "file", content)
    with pytest.raises(ModelFileError) as caught:
        container.read(path, ["model"])
    message = str(caught.value)
    assert message.startswith(f"{path} ")
    assert reason in message
    assert message.isprintable()  # in one line, and with nothing a terminal would obey
    assert len(message) < len(str(path)) + 300


def test_the_same_file_without_its_lie_is_read(tmp_path: Path) -> None:
    """What the table changes one thing in."""
    for content in (packed(HEADER), with_W(), with_metadata(), packed(HEAD + b"  "), packed(b"{" + HEAD[1:])):
        held = container.read(write(tmp_path / "file", content), ["model"])
        assert held.document == {"a": 1}
        assert np.array_equal(held.tensors["W"], [[0, 1], [2, 3]])
        assert np.array_equal(held.tensors["b"], [4, 5])


# ---- Before anything is allocated


def eight_gigabytes(path: Path, content: bytes) -> Path:
    """A sparse file: it takes no room on the disk, and claims a lot of it."""
    write(path, content)
    os.truncate(path, 8 * 2**30)
    return path


def test_a_lie_costs_no_memory(folder: Path) -> None:
    """Under 1 MiB beside the file's own header, whatever is claimed."""
    path = folder / "file"
    lies: list[Callable[[], Path]] = [
        lambda content=content: write(path, content)  # type: ignore[misc]
        for content, _ in FILES.values()
        if len(content) < 10_000
    ]
    large = packed({**HEADER, "W": {**W, "shape": [2**29], "data_offsets": [0, 2**32]}}, b"")
    lies += [
        lambda: eight_gigabytes(path, packed(HEADER)),
        lambda: eight_gigabytes(path, packed(HEAD, length=container.LARGEST_HEADER + 1)),
        lambda: eight_gigabytes(path, packed(HEAD, length=8 * 2**30 - 8)),
        lambda: eight_gigabytes(path, large),
        lambda: eight_gigabytes(path, b""),
    ]
    assert len(lies) > 70
    for lie in lies:
        lie()
        tracemalloc.start()
        try:
            with pytest.raises(ModelFileError):
                container.read(path, ["model"])
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 2**20, path.read_bytes()[:200]


def test_a_header_beyond_what_is_read(folder: Path) -> None:
    head = HEAD + b" " * (container.LARGEST_HEADER + 8 - len(HEAD))
    with pytest.raises(ModelFileError, match="has a header of 16,777,224 bytes; at most 16,777,216 are read"):
        container.read(write(folder / "file", packed(head)), ["model"])


MEETS_A_FILE_LARGER_THAN_MEMORY = """
import resource, sys
import safetensors.numpy
from backlit.errors import ModelFileError
from backlit.formats import container
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
try:
    container.read(sys.argv[1], ["model"])
except ModelFileError as error:
    print(error)
"""


def test_a_file_larger_than_memory(tmp_path: Path) -> None:
    """Its claims are true."""
    size = 8 * 2**30
    header = {"__metadata__": metadata(), "W": {"dtype": "U8", "shape": [10], "data_offsets": [0, 10]}}
    room = size - len(packed(header, b"")) - 100
    header["W"] = {"dtype": "U8", "shape": [room], "data_offsets": [0, room]}
    head = compact(header)
    head += b" " * (size - room - 8 - len(head))
    path = eight_gigabytes(tmp_path / "file", packed(head, b""))
    done = subprocess.run(
        [sys.executable, "-c", MEETS_A_FILE_LARGER_THAN_MEMORY, str(path)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == f"{path} cannot be read: it is larger than the memory that is left\n", done.stderr
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 2 << 30  # the limit was the other process's


# ---- What cannot be opened


def test_what_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    other_end = os.open(tmp_path / "pipe", os.O_RDWR)  # else who opens the pipe to read from it waits for ever
    (tmp_path / "itself").symlink_to("itself")
    write(tmp_path / "file", packed(HEADER))
    for path, reason in (
        (tmp_path, "is a folder; name a file in it"),
        (tmp_path / "pipe", "is not a file; name one"),
        ("/dev/zero", "is not a file; name one"),
        (tmp_path / "missing", "cannot be read: No such file or directory"),
        (tmp_path / "file" / "below", "cannot be read: Not a directory"),
        (tmp_path / "itself", "cannot be read: Too many levels of symbolic links"),
        (tmp_path / ("x" * 300), "cannot be read: File name too long"),
        ("", "cannot be read: No such file or directory"),
        ("a\0b", "cannot be read: no file can have that name"),
    ):
        with pytest.raises(ModelFileError) as caught:
            container.read(path, ["model"])
        assert str(caught.value).startswith(f"{path} {reason}")
    os.close(other_end)


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: Any) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = write(tmp_path / "file", packed(HEADER))
    monkeypatch.setattr(container, "open", failing, raising=False)
    with pytest.raises(ModelFileError, match="cannot be read: Input/output error"):
        container.read(path, ["model"])
