"""A container gives back what was put in, to the bit, and the same content is the same bytes."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from backlit.errors import BacklitError, CheckpointError, ModelFileError
from backlit.formats import container
from backlit.formats.container import Claim, Refusal

DOCUMENT = {"sizes": [2, 3], "name": 'é – \U0001f600 " \\ \n \ud800', "rate": 0.1, "none": None, "deep": [[{}], True]}


def some_tensors() -> dict[str, Any]:
    """Every dtype, and shapes that are easily got wrong."""
    return {
        "layer2.W": np.array([[1.5, -0.0, np.nan], [np.inf, 5e-324, 1 / 3]]),
        "layer2.b": np.array([0.1, -np.inf, 1e-45], dtype=np.float32),
        "steps": np.array([-(2**63), 2**63 - 1]),
        "bytes": np.arange(256, dtype=np.uint8),
        "one number": np.array(7.0),
        "no numbers": np.zeros((0, 3), dtype=np.float32),
        "eight dimensions": np.arange(4, dtype=np.float32).reshape(1, 1, 1, 2, 1, 1, 2, 1),
        "naïve \U0001f600": np.zeros(1),
    }


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def bits(tensor: Any) -> tuple[str, tuple[int, ...], bytes]:
    return tensor.dtype.name, tensor.shape, tensor.tobytes()


# ---- There and back


def test_everything_comes_back_bit_for_bit(tmp_path: Path) -> None:
    tensors = some_tensors()
    path = write(tmp_path / "file", container.pack(tensors, DOCUMENT, "model"))
    held = container.read(path, ["checkpoint", "model"])
    assert held.kind == "model"
    assert held.document == DOCUMENT
    assert {name: bits(tensor) for name, tensor in held.tensors.items()} == {
        name: bits(tensor) for name, tensor in tensors.items()
    }
    assert list(held.tensors) == sorted(tensors)  # in an order that is the same each time
    assert container.pack(held.tensors, held.document, held.kind) == path.read_bytes()


@pytest.mark.parametrize("document", [{}, DOCUMENT])
def test_no_tensors(tmp_path: Path, document: dict[str, Any]) -> None:
    path = write(tmp_path / "file", container.pack({}, document, "checkpoint"))
    held = container.read(path, ["checkpoint"])
    assert (held.document, held.tensors) == (document, {})
    assert safetensors.numpy.load_file(path) == {}


def test_tensors_that_are_not_contiguous_or_of_another_byte_order_are_written_as_they_read(tmp_path: Path) -> None:
    W = np.arange(24.0).reshape(4, 6)
    views = {
        "transposed": W.T, "strided": W[::2, 1::3], "reversed": W[::-1], "repeated": np.broadcast_to(1.5, (3, 2)),
        "big-endian": W.astype(">f4"), "Fortran's": np.asfortranarray(W),
    }  # fmt: skip
    held = container.read(write(tmp_path / "file", container.pack(views, {}, "model")), ["model"])
    for name, view in views.items():
        assert np.array_equal(held.tensors[name], view), name
        assert held.tensors[name].dtype == view.dtype.newbyteorder("=")


def test_the_safetensors_library_alone_reads_it(tmp_path: Path) -> None:
    tensors = some_tensors()
    path = write(tmp_path / "file", container.pack(tensors, DOCUMENT, "model"))
    with safetensors.safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        assert {name: bits(file.get_tensor(name)) for name in file.keys()} == {  # noqa: SIM118 - it is no dict
            name: bits(tensor) for name, tensor in tensors.items()
        }
    assert {key: metadata[key] for key in ("format", "kind", "version")} == {
        "format": "backlit", "kind": "model", "version": "1",
    }  # fmt: skip
    assert json.loads(metadata["document"]) == DOCUMENT
    assert len(metadata) == 5


def test_the_digest_is_as_the_module_says_it_is(tmp_path: Path) -> None:
    """Worked out from the description alone, as a reader in another language would."""
    content = container.pack(some_tensors(), DOCUMENT, "model")
    assert content[8:35] == b'{"__metadata__":{"digest":"'
    blank = content[:35] + b"0" * 32 + content[67:]
    assert content[35:67] == hashlib.blake2b(blank, digest_size=16).hexdigest().encode()
    with safetensors.safe_open(write(tmp_path / "file", content), framework="numpy") as file:
        assert file.metadata()["digest"] == content[35:67].decode()


@pytest.mark.parametrize("length", range(9))
def test_numbers_start_where_a_reader_that_maps_the_file_can_use_them(length: int) -> None:
    packed = container.pack({"a": np.array([1.0])}, {"x": "x" * length}, "model")
    start = 8 + int.from_bytes(packed[:8], "little")
    assert start % 8 == 0
    assert packed[start:] == np.array([1.0]).tobytes()


PRINTS_A_DIGEST = """
import hashlib
import numpy as np
from backlit.formats import container
names = {names}
tensors = {{name: np.arange(3.0 + len(name)) for name in names}}
document = {{name: {{"b": 1, "a": [name]}} for name in names}}
print(hashlib.sha256(container.pack(tensors, document, "model")).hexdigest())
"""


def test_the_same_content_is_the_same_bytes_in_any_order_and_in_any_process() -> None:
    names = [f"layer{number}.{quantity}" for number in range(2, 9) for quantity in "Wb"]

    def digest(names: list[str]) -> str:
        tensors = {name: np.arange(3.0 + len(name)) for name in names}
        document = {name: {"b": 1, "a": [name]} for name in names}
        return hashlib.sha256(container.pack(tensors, document, "model")).hexdigest()

    here = {digest(order) for order in (names, names[::-1], sorted(names, key=hash)) for _ in range(10)}
    assert len(here) == 1
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", PRINTS_A_DIGEST.format(names=names[::-1])],
            env={**os.environ, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert done.stdout.strip() in here


def test_metadata_without_tensors_do_not_depend_on_the_librarys_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 0.4.3 of the library writes what is no JSON: ``{},"__metadata__":…``."""
    expected = container.pack({}, DOCUMENT, "model")
    save = safetensors.numpy.save

    def as_version_0_4_3(tensors: dict[str, Any], metadata: dict[str, str] | None = None) -> bytes:
        if tensors or not metadata:
            return save(tensors, metadata)
        head = b'{},"__metadata__":' + json.dumps(metadata).encode() + b"}"
        return len(head).to_bytes(8, "little") + head

    monkeypatch.setattr(safetensors.numpy, "save", as_version_0_4_3)
    assert container.pack({}, DOCUMENT, "model") == expected


# ---- What is not written


def endless() -> dict[str, Any]:
    document: dict[str, Any] = {}
    document["again"] = document
    return document


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({"x": float("nan")}, ValueError),
        ({"x": [-np.inf]}, ValueError),
        ({"x": np.zeros(2)}, TypeError),
        ({"x": np.int64(2)}, TypeError),
        ({"x": {1}}, TypeError),
        ({(1, 2): "x"}, TypeError),
        ({1: "x", "1": "y"}, TypeError),
        (endless(), ValueError),
        ({"x": 10**5000}, ValueError),
    ],
)
def test_a_document_that_is_not_plain_data_is_not_packed(document: dict[Any, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        container.pack({}, document, "model")


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex128", "bool", "object", "U3"])
def test_a_dtype_that_could_not_be_read_is_not_written(dtype: str) -> None:
    with pytest.raises(TypeError, match=r"^tensor 'W' is of .*; a container holds float32, float64, int64, uint8$"):
        container.pack({"W": np.zeros(2, dtype=dtype)}, {}, "model")


def test_a_header_that_could_not_be_read_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = container.LARGEST_HEADER - len(container.pack({}, {"x": ""}, "model"))
    fits = container.pack({}, {"x": "x" * room}, "model")
    assert container.read(write(tmp_path / "file", fits), ["model"]).document == {"x": "x" * room}
    with pytest.raises(ValueError, match=r"the header takes 16,777,2\d\d bytes, and 16,777,216 is the most"):
        container.pack({}, {"x": "x" * (room + 17)}, "model")
    monkeypatch.setattr(container, "LARGEST_HEADER", 450)  # many small tensors are a large header too
    with pytest.raises(ValueError, match="is the most a file may have"):
        container.pack({f"layer{i}": np.zeros(1) for i in range(10)}, {}, "model")


# ---- The caller's part

TENSORS = {"W": np.arange(4.0).reshape(2, 2), "b": np.array([4.0, 5.0])}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda content: content[:-8], id="it shrinks"),
        pytest.param(lambda content: content.replace(b'"W', b'"V', 1), id="its header changes"),
    ],
)
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    larger_than_a_buffer = {"a": "a" * 100_000}
    content = container.pack(TENSORS, larger_than_a_buffer, "model")
    path = write(tmp_path / "file", content)
    assert change(content) != content
    with pytest.raises(ModelFileError, match="changed while it was read; try again"):
        container.read(path, ["model"], check=lambda document, claims: path.write_bytes(change(content)) and None)


def test_a_file_that_shrinks_before_its_header_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = container.pack(TENSORS, {"a": "a" * 100_000}, "model")
    path = write(tmp_path / "file", content)
    fstat = os.fstat

    def looks_then_shrinks(handle: int) -> os.stat_result:
        seen = fstat(handle)
        os.truncate(path, 1000)
        return seen

    monkeypatch.setattr(os, "fstat", looks_then_shrinks)
    with pytest.raises(ModelFileError, match="changed while it was read; try again"):
        container.read(path, ["model"])


def test_the_caller_sees_document_and_claims_before_a_tensor_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loads(content: bytes) -> None:
        raise AssertionError("a tensor was read")

    seen: list[Any] = []

    def check(document: dict[str, Any], claims: dict[str, Claim]) -> None:
        seen.append((document, claims))
        raise Refusal("is not liked")

    path = write(tmp_path / "file", container.pack(TENSORS, {"a": 1}, "model"))
    monkeypatch.setattr(safetensors.numpy, "load", loads)
    with pytest.raises(ModelFileError) as caught:
        container.read(path, ["model"], check=check)
    assert str(caught.value) == f"{path} is not liked"
    f8 = np.dtype("float64")
    assert seen == [({"a": 1}, {"W": Claim(f8, (2, 2)), "b": Claim(f8, (2,))})]


def test_what_is_no_path_is_refused() -> None:
    """A number would be taken for a file that is open already: 0 is what is typed on the keyboard."""
    for path in (None, 0, 3, 1.5, b"model", ["model"]):
        with pytest.raises(CheckpointError) as caught:
            container.read(path, ["model"], error=CheckpointError)  # type: ignore[arg-type]
        kind = type(path).__name__
        assert str(caught.value) == f"the path of a file to read is text or a pathlib.Path, not {kind}"


def test_the_caller_chooses_the_error_and_the_kinds(tmp_path: Path) -> None:
    path = write(tmp_path / "file", container.pack(TENSORS, {"a": 1}, "model"))
    assert container.read(path, ["checkpoint", "model"], error=CheckpointError).kind == "model"
    errors: list[type[BacklitError]] = [CheckpointError, ModelFileError]
    for error in errors:
        with pytest.raises(error, match="holds a model, not a training checkpoint") as caught:
            container.read(path, ["checkpoint"], error=error)
        assert type(caught.value) is error
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
