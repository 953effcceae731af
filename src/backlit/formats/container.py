"""A container: safetensors with one JSON document in its metadata. Model files and checkpoints are containers.

A file is the length of its header (8 bytes, little-endian), the header (JSON: for each tensor its dtype, shape and
place; under ``__metadata__`` text alone) and the tensors' bytes. Backlit's metadata are ``format`` ("backlit"),
``kind``, ``version``, ``document``, itself JSON, and ``digest``. The same content gives the same bytes.

The digest is that of the whole file, from its first byte to its last: BLAKE2b of 16 bytes (RFC 7693, no key), as 32
lower-case hex digits, worked out while those digits themselves are 32 times the character 0. The header begins with
``{"__metadata__":{"digest":"``, so that they are bytes 35 to 66 of every file, counted from 0. So a bit that a disk
lost is found wherever it was, in a weight too, where nothing else would tell.

Reading believes nothing: a claim is held against the size of the file before anything is allocated from it, and the
tensors' bytes are not read before the header, the document and what the caller expects of them have been checked.

Source: the safetensors format, https://github.com/huggingface/safetensors#format.
"""

import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from backlit.errors import BacklitError, ModelFileError

VERSION = 1
"""Of the format that is written; newer ones are refused."""

LARGEST_HEADER = 16 * 2**20
"""Bytes. A hostile header of this size takes some hundreds of megabytes to read, not more."""

DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype(np.float32), "F64": np.dtype(np.float64), "I64": np.dtype(np.int64), "U8": np.dtype(np.uint8),
}  # fmt: skip

MOST_DIMENSIONS, MOST_NUMBERS = 8, 2**48
"""Of one tensor: more than any machine holds, and few enough that no product of them overflows."""

HEADER_START = b'{"__metadata__":{"digest":"'
DIGITS = slice(8 + len(HEADER_START), 8 + len(HEADER_START) + 32)
"""Where the digest stands in a file."""

KINDS = {"model": "a model", "checkpoint": "a training checkpoint"}


@dataclass(frozen=True, eq=False)
class Container:
    """What a file holds: its kind, its document and its tensors by name."""

    kind: str
    document: dict[str, Any]
    tensors: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Claim:
    """What the header says a tensor is; its bytes have not been read yet."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


class Refusal(Exception):  # noqa: N818
    """Why a file's content is refused: the reason alone, to which the file's name is added where it is known.

    ``error`` is what it becomes, where that is not what the reader was told to raise.
    """

    def __init__(self, reason: str, error: type[BacklitError] | None = None) -> None:
        super().__init__(reason)
        self.error = error


Check = Callable[[dict[str, Any], dict[str, Claim]], None]
"""Takes the document and the claims of the tensors, and raises :class:`Refusal` where they do not go together."""


def pack(tensors: Mapping[str, NDArray[Any]], document: Mapping[str, Any], kind: str) -> bytes:
    """The bytes of a file. The safetensors library lays the tensors out, largest numbers first, then by name.

    Raises:
        ValueError, TypeError: the document is not plain JSON data (NaN and infinity are not), or it and the tensors'
            entries are more than a header may hold, or a dtype is not known.
    """
    known = {dtype.name for dtype in DTYPES.values()}
    for name, tensor in tensors.items():
        if tensor.dtype.name not in known:
            raise TypeError(f"tensor {name!r} is of {tensor.dtype}; a container holds {', '.join(sorted(known))}")
    text = json.dumps(document, sort_keys=True, allow_nan=False, separators=(",", ":"))
    metadata = {
        "digest": "0" * 32, "document": text, "format": "backlit", "kind": kind, "version": str(VERSION),
    }  # fmt: skip
    head, numbers = laid_out(tensors, metadata)
    return b"".join((head[: DIGITS.start], digest(head, numbers), head[DIGITS.stop :], numbers))


def laid_out(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> tuple[bytes, memoryview]:
    """A safetensors file in two parts: its length and header, with these metadata first, and the tensors' bytes.

    Raises:
        ValueError: the header would be larger than a file may have.
    """
    from safetensors.numpy import save

    packed = save({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()})

    # The metadata are put in here: the library writes them in an order that differs from run to run, and its version
    # 0.4.3 a header that is no JSON where there are metadata and no tensors.
    start = 8 + int.from_bytes(packed[:8], "little")
    header = {"__metadata__": dict(metadata), **json.loads(packed[8:start])}
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    if len(head) > LARGEST_HEADER:
        raise ValueError(f"the header takes {len(head):,} bytes, and {LARGEST_HEADER:,} is the most a file may have")
    return len(head).to_bytes(8, "little") + head, memoryview(packed)[start:]


def digest(head: bytes, numbers: bytes | memoryview) -> bytes:
    """The digits of a file whose first bytes, to where the tensors start, are ``head``, and the rest ``numbers``."""
    found = blake2b(head[: DIGITS.start], digest_size=16)
    found.update(b"0" * 32)
    found.update(head[DIGITS.stop :])
    found.update(numbers)
    return found.hexdigest().encode()


def read(
    path: str | os.PathLike[str],
    kinds: Sequence[str],
    *,
    check: Check | None = None,
    error: type[BacklitError] = ModelFileError,
) -> Container:
    """What the file holds, if it is of one of ``kinds`` and ``check`` has nothing against it.

    Raises:
        error: the file cannot be read, is damaged, truncated or of another kind, or is from a newer version.
    """
    with refusals_named(path, error), open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        head, header = read_header(stream, size)
        kind, document, claims = _understand(header, size - len(head), kinds)
        if check is not None:
            check(document, claims)
        return Container(kind, document, _read_tensors(stream, head, size))


@contextmanager
def refusals_named(path: str | os.PathLike[str], error: type[BacklitError] = ModelFileError) -> Iterator[None]:
    """Whatever is wrong with a file while it is read, as one line that begins with its name."""
    if not isinstance(path, (str, os.PathLike)):  # a number would be a file that is open already
        raise error(f"the path of a file to read is text or a pathlib.Path, not {type(path).__name__}")
    try:
        yield
    except Refusal as refusal:
        raise (refusal.error or error)(f"{path} {refusal}") from None
    except RecursionError:
        raise error(f"{path} {damaged('its document is nested too deeply')}") from None
    except OSError as failure:
        if isinstance(failure, BacklitError):
            raise
        raise error(f"{path} cannot be read: {failure.strerror or failure}") from None
    except MemoryError:
        raise error(f"{path} cannot be read: it is larger than the memory that is left") from None


def read_all(path: str | os.PathLike[str]) -> bytes:
    """Every byte of a file; to be called where refusals are named.

    Raises:
        Refusal: it is a folder, a pipe or empty, or changed while it was read.
    """
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        content = stream.read(size)
    if not size:
        raise Refusal("is empty; take another copy of it")
    if len(content) != size:
        raise Refusal("changed while it was read; try again")
    return content


def starts_like_one(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as every container does, or is empty: what a file that others wrote does not."""
    with open(path, "rb") as stream:
        start = stream.read(DIGITS.start)
    return not start or start[8:] == HEADER_START


def damaged(reason: str) -> Refusal:
    """The refusal of a file that is not as it was written."""
    return Refusal(f"is damaged: {reason}; take another copy of it")


def quote(value: object) -> str:
    """What a file says, short enough for one line and harmless to a terminal."""
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Not a folder, and not a pipe, which would keep us waiting: seen before it is opened."""
    try:
        mode = os.stat(path).st_mode
    except ValueError as failure:
        raise Refusal(f"cannot be read: no file can have that name ({failure})") from None
    if not stat.S_ISREG(mode):
        raise Refusal("is a folder; name a file in it" if stat.S_ISDIR(mode) else "is not a file; name one")
    return open(path, "rb")


def read_header(stream: BinaryIO, size: int) -> tuple[bytes, dict[str, Any]]:
    """The file's first bytes, to where the tensors start, and the header in them."""
    if size == 0:
        raise Refusal("is empty; take another copy of it")
    head = stream.read(10)
    length = int.from_bytes(head[:8], "little")
    if len(head) < 10 or head[8:9] != b"{" or length < 2:
        raise Refusal("is not a safetensors file, as every model and checkpoint of Backlit is")
    if length > size - 8:
        raise damaged(f"its header claims {length:,} bytes, and the file has {size:,}")
    if length > LARGEST_HEADER:
        raise Refusal(f"has a header of {length:,} bytes; at most {LARGEST_HEADER:,} are read")
    head += stream.read(length - 2)
    if len(head) != 8 + length:
        raise Refusal("changed while it was read; try again")
    try:
        text = head[8:].decode()
    except UnicodeDecodeError:
        raise damaged("its header is not text") from None
    return head, parse(text, "its header")


def _understand(
    header: dict[str, Any], room: int, kinds: Sequence[str]
) -> tuple[str, dict[str, Any], dict[str, Claim]]:
    """The kind, the document, and the tensors' claims, which together fill ``room``, the bytes after the header."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.get("format") != "backlit":
        raise Refusal("is a safetensors file, but Backlit did not write it")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise damaged("its metadata are not all text")
    _check_version(metadata.get("version", ""))
    kind = metadata.get("kind", "")
    if kind not in kinds:
        raise Refusal(f"holds {KINDS.get(kind, quote(kind))}, not {' or '.join(KINDS[wanted] for wanted in kinds)}")
    claims = {name: _claim(name, entry) for name, entry in header.items()}
    claimed = sum(math.prod(claim.shape) * claim.dtype.itemsize for claim in claims.values())
    if claimed != room:
        raise damaged(f"its header claims {claimed:,} bytes of numbers, and the file has {room:,}")
    return kind, parse(metadata.get("document", ""), "its document"), claims


def _check_version(version: str) -> None:
    number = int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0
    if number < 1:
        raise damaged(f"its format version is {quote(version)}")
    if number > VERSION:
        raise Refusal(
            f"was written by a newer Backlit (format version {number}; this one reads up to {VERSION}): upgrade"
        )


def _claim(name: str, entry: object) -> Claim:
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": list(_), **rest} if not rest:
            if dtype not in DTYPES:
                raise Refusal(f"has a tensor {quote(name)} of dtype {quote(dtype)}; {', '.join(DTYPES)} are read")
            whole = len(shape) <= MOST_DIMENSIONS and all(type(n) is int and 0 <= n <= MOST_NUMBERS for n in shape)
            if whole and math.prod(max(n, 1) for n in shape) <= MOST_NUMBERS:
                return Claim(DTYPES[dtype], tuple(shape))
    raise damaged(f"the header's entry for tensor {quote(name)} makes no sense")


def _read_tensors(stream: BinaryIO, head: bytes, size: int) -> dict[str, NDArray[Any]]:
    """The tensors, cut out by the safetensors library, which also refuses places that overlap or leave gaps.

    Not before the digest has told that the file is as it was written.
    The file is read into memory, not mapped: one that shrinks while it is mapped kills the process.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    stream.seek(0)
    content = stream.read(size)
    if len(content) != size or not content.startswith(head):
        raise Refusal("changed while it was read; try again")
    if content[8 : DIGITS.start] != HEADER_START:
        raise damaged("it has no digest")
    if content[DIGITS] != digest(head, memoryview(content)[len(head) :]):
        raise damaged("its digest is not that of its bytes")
    try:
        return dict(sorted(load(content).items()))  # the library's order differs from run to run
    except SafetensorError as failure:
        raise damaged(quote(str(failure))) from None


def parse(text: str, what: str) -> dict[str, Any]:
    """One JSON object in which no key appears twice and every number is finite."""
    try:
        parsed = json.loads(text, object_pairs_hook=_unique, parse_float=_finite, parse_constant=_finite)
    except ValueError as failure:
        raise damaged(f"{what} is not JSON ({failure})") from None
    if not isinstance(parsed, dict):
        raise damaged(f"{what} is not a JSON object")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{quote(text)} is not a finite number")
    return number
