"""Whatever becomes of a file's bytes, reading it gives what it says or the error asked for: nothing else, ever."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backlit.errors import CheckpointError
from backlit.formats import container
from backlit.formats.container import Container

DOCUMENT = {"sizes": [2, 3], "rate": 0.1, "names": ["a", None, True], "more": {"x": {"y": -1e-7}}}
TENSORS = {
    "W": np.arange(6.0).reshape(3, 2),
    "b": np.arange(3.0, dtype=np.float32),
    "n": np.array(5),
    "u": np.arange(5, dtype=np.uint8),
}


def sealed(content: bytes) -> bytes:
    """With the digest of its bytes, where it has a place for one: so that more is read than the digest."""
    if content[8:35] != container.HEADER_START:
        return content
    return content[:35] + container.digest(content, b"") + content[67:]


CONTENT = container.pack(TENSORS, DOCUMENT, "checkpoint")
START = 8 + int.from_bytes(CONTENT[:8], "little")

quick = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
long = settings(quick, max_examples=50_000)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mutations") / "file"
    path.touch()
    return path


def read(path: Path, content: bytes) -> Container | None:
    """What is held, or None where the file is refused as it should be; warnings are errors here as everywhere."""
    with open(path, "r+b") as stream:  # a file emptied first is written through to the disk, which takes a while
        stream.write(content)
        stream.truncate()
    try:
        held = container.read(path, ["checkpoint"], error=CheckpointError)
    except CheckpointError as error:
        refusal = error
    else:
        return as_the_library_reads_it(held, content)
    message = str(refusal)
    assert type(refusal) is CheckpointError
    assert message.startswith(f"{path} ")
    assert message.isprintable()
    assert len(message) < len(str(path)) + 400
    return None


def as_the_library_reads_it(held: Container, content: bytes) -> Container:
    alone = safetensors.numpy.load(content)
    assert {name: tensor.tobytes() for name, tensor in held.tensors.items()} == {
        name: tensor.tobytes() for name, tensor in alone.items()
    }
    assert sum(tensor.nbytes for tensor in held.tensors.values()) <= len(content)
    assert held.kind == "checkpoint"
    json.dumps(held.document, allow_nan=False)
    return held


def test_the_file_itself_is_read(path: Path) -> None:
    held = read(path, CONTENT)
    assert held is not None
    assert held.document == DOCUMENT
    assert set(held.tensors) == set(TENSORS)


def test_truncated_at_every_length(path: Path) -> None:
    for length in range(len(CONTENT)):
        assert read(path, CONTENT[:length]) is None, length


def test_lengthened_by_any_byte(path: Path) -> None:
    for byte in range(256):
        assert read(path, CONTENT + bytes([byte])) is None, byte


def test_every_bit_flipped(path: Path) -> None:
    """In the header's length, in the header, in the blanks that fill it up, in the numbers: none goes unseen."""
    for place in range(len(CONTENT)):
        for bit in range(8):
            changed = bytearray(CONTENT)
            changed[place] ^= 1 << bit
            assert read(path, bytes(changed)) is None, (place, bit)


def test_every_byte_replaced(path: Path) -> None:
    """By what means something in JSON; and with a digest as true as can be, so that more is held against it."""
    refused = 0
    for place in range(START):
        for byte in set(b'0", }[-e\\\x00\xff') - {CONTENT[place]}:
            changed = CONTENT[:place] + bytes([byte]) + CONTENT[place + 1 :]
            assert read(path, changed) is None, (place, byte)
            refused += read(path, sealed(changed)) is None
    assert refused > START * 6


def test_two_tensors_of_a_kind_changed_for_each_other(path: Path) -> None:
    tensors = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}
    content = container.pack(tensors, {}, "checkpoint")
    assert read(path, content) is not None
    assert read(path, content[:-32] + content[-16:] + content[-32:-16]) is None


# Numbers and words at which readers go wrong.
TOKENS = [
    b"0", b"-1", b"2.0", b"1e308", b"1e999", b"NaN", b"-Infinity", b"null", b"true", b"9" * 400,
    b"9223372036854775807", b"18446744073709551615", b"18446744073709551616",
    b'"F64"', b'"BF16"', b'"data_offsets"', b'"shape"', b'"__metadata__"', b'"W"', b'""', b'"\\u0000"', b'"\\ud800"',
    b"[]", b"{}", b"}", b"]", b",", b":", b'"', b"\\", b"\x00", b"\xff", b"[" * 500, b'{"a":' * 500,
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """The file after one to four changes; half the time the header's length is made true again."""
    content = bytearray(CONTENT)
    for _ in range(draw(st.integers(1, 4))):
        # Twice as often within the header, where the claims are.
        end = len(content) if draw(st.integers(0, 2)) == 0 else min(START, len(content))
        at, to = sorted((draw(st.integers(0, end)), draw(st.integers(0, end))))
        match draw(st.sampled_from(["put", "insert", "cut", "double", "move", "number"])):
            case "put":
                token = draw(st.sampled_from(TOKENS))
                content[at : at + len(token)] = token
            case "insert":
                content[at:at] = draw(st.sampled_from(TOKENS) | st.binary(max_size=9))
            case "cut":
                del content[at : min(to, at + 20)]
            case "double":
                content[at:at] = content[at:to]
            case "move":
                piece = bytes(content[at:to])
                del content[at:to]
                place = draw(st.integers(0, len(content)))
                content[place:place] = piece
            case "number":
                places = list(digits(content))
                if places:
                    first, last = draw(st.sampled_from(places))
                    content[first:last] = str(draw(st.integers(0, 100) | st.integers(-(2**66), 2**66))).encode()
    if draw(st.booleans()):
        content[:8] = max(len(content) - (len(CONTENT) - START) - 8, 0).to_bytes(8, "little")
    return sealed(bytes(content)) if draw(st.integers(0, 3)) else bytes(content)


def digits(content: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """Where the whole numbers of the header stand."""
    place = 8
    while place < min(START, len(content)):
        end = place
        while end < len(content) and chr(content[end]).isdecimal():
            end += 1
        if end > place:
            yield place, end
        place = end + 1


@quick
@given(content=mutated())
def test_mutations(path: Path, content: bytes) -> None:
    read(path, content)


@pytest.mark.slow
@long
@given(content=mutated())
def test_many_mutations(path: Path, content: bytes) -> None:
    read(path, content)


ANY_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**66), 2**66)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["F32", "F64", "U8", "BF16", "F8_E4M3", "BOOL", 0, 1, 2, 3, 8, 48]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F64", "I64", "U8", "BF16", "f64"]),
        "shape": st.lists(st.integers(0, 4) | st.sampled_from([2**32, 2**63, -1]), max_size=3),
        "data_offsets": st.lists(st.integers(0, 48), min_size=2, max_size=2).map(sorted),
    }
)


def file_of(entries: Any, document: Any, data: bytes, metadata: Any = None) -> bytes:
    held = {
        "digest": "0" * 32,
        "format": "backlit",
        "kind": "checkpoint",
        "version": "1",
        "document": json.dumps(document),
    }
    held = held if metadata is None else metadata
    head = json.dumps({"__metadata__": held, **entries}, separators=(",", ":")).encode()
    return sealed(len(head).to_bytes(8, "little") + head + data)


@quick
@given(
    entries=st.dictionaries(st.text(max_size=3), ENTRY | ENTRY | ANY_JSON, max_size=3),
    document=ANY_JSON | st.dictionaries(st.text(max_size=4), ANY_JSON, max_size=3),
    metadata=st.none() | st.none() | ANY_JSON,
    data=st.integers(0, 48).map(bytes),
)
def test_entries_and_documents_of_any_json(path: Path, entries: Any, document: Any, metadata: Any, data: bytes) -> None:
    held = read(path, file_of(entries, document, data, metadata))
    if held is not None:
        assert held.document == document
        assert set(held.tensors) == set(entries)


@quick
@given(entries=st.dictionaries(st.sampled_from("abc"), ENTRY, max_size=2))
def test_claims_that_fill_the_file(path: Path, entries: Any) -> None:
    """With as many bytes as are claimed, so that the sizes are believed and only the places may lie."""
    claimed = sum(
        int(np.prod(entry["shape"], dtype=object)) * {"F32": 4, "U8": 1}.get(entry["dtype"], 8)
        for entry in entries.values()
    )
    if 0 <= claimed <= 2000:
        held = read(path, file_of(entries, {}, bytes(claimed)))
        assert held is not None or entries
