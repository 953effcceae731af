"""The readers of files that anybody may have written, good files for each, and ways to spoil them.

A format that packs its content, or holds a sum of it, is spoilt within and packed or summed again as well: else all
that is ever tried is the sum.
"""

import gzip
import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backlit import data
from backlit.data.encoding import Encoding
from backlit.formats import container, mat5, mat_file, model_file, state_dict
from backlit.formats.extras import version_of
from backlit.model import Model
from backlit.network import Network

RNG = np.random.default_rng(10)
X, Y = RNG.normal(size=(6, 3)), np.array([0, 1, 2, 0, 1, 2])


@dataclass(frozen=True)
class Reader:
    """How a file is read, what good ones look like, and how one is spoilt within.

    ``read`` gives plain values to compare; ``within`` takes good bytes to their content and back, a change between.
    """

    name: str
    file: str
    read: Callable[[Path], Any]
    seeds: tuple[bytes, ...]
    within: Callable[[bytes, Callable[[bytes], bytes]], bytes] | None = None
    words: tuple[bytes, ...] = ()
    sealed: bool = False
    """Whether the file holds a sum of all of its bytes: then what loads is what was written."""


# --- good files


def saved(write: Callable[[Path], Any], name: str = "file") -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def model() -> Model:
    encoding = Encoding(("a", "b", "c"), np.zeros(3), np.ones(3), "classes", "y", 2, ("yes", "no"))
    return Model(Network([3, 4, 2], output="softmax"), encoding, {"options": {"l2": 0.5}})


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def idx(array: Any) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def mat(**options: Any) -> bytes:
    from scipy.io import savemat

    stream = io.BytesIO()
    thetas = {"Theta1": RNG.normal(size=(4, 4)), "Theta2": RNG.normal(size=(2, 5)).astype(np.float32)}
    savemat(stream, {**thetas, "activations": "tanh,softmax", "m": np.eye(2, dtype=np.int16)}, **options)
    return stream.getvalue()


CSV = (
    b"size,kind,day,price\n1.5,a,2020-01-02,10\n,b,2020-02-03,11\n-3e5,a,,12\n7,\"b, c\",2021-01-01,13\n",
    b"x;y;target\n1,5;2;a\n2,5;;b\n3,5;1;a\n",
    b"a\tb\ttarget\r\n1\tyes\t0\r\n2\tno\t1\r\n",
)  # fmt: skip


def onnx_files() -> tuple[bytes, ...]:
    if version_of("onnx") is None:
        return ()
    from backlit.formats import onnx_export

    return tuple(
        onnx_export.make(Network([3, 4, 2], activation=hidden, output=output, dropout=0.25)).content
        for hidden, output in (("relu", "softmax"), ("gelu", "identity"), ("silu", "exponential"))
    )


# --- reading, to plain values


def of_network(network: Network) -> Any:
    return network.sizes, tuple(a.name for a in network.activations), network.parameters.tobytes()


def of_model_file(path: Path) -> Any:
    held = model_file.read(path)
    return of_network(held.network if isinstance(held, Model) else held)


def of_dataset(source: Any, **options: Any) -> Any:
    found = data.read(source, **options)
    target = None if found.y is None else found.y.tolist()
    if isinstance(found, data.Dataset):
        assert np.isfinite(found.X).all()
        return found.X.shape, found.X.tobytes(), target
    assert found.X.shape == (found.rows, len(found.columns))
    return found.X.rows(), target


def of_mat(path: Path) -> Any:
    values = {
        name: v.tolist() if not isinstance(v, str) else v for name, v in mat5.read(path, lambda name: True)[0].items()
    }
    return repr(values), of_network(mat_file.read(path).network)


def of_onnx(path: Path) -> Any:
    from backlit.formats import onnx_import

    return of_network(onnx_import.read(path).network)


def of_state_dict(path: Path) -> Any:
    return of_network(state_dict.read(path, activation="relu", output="identity").network)


# --- spoiling within


def digested(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A container whose header or document was changed, its length and its digest made right again."""
    content = change(content)
    start = (
        content.find(b"\x00" * 1, 66) if len(content) < 80 else 8 + min(int.from_bytes(content[:8], "little"), 2**31)
    )
    content = content[: container.DIGITS.start] + b"0" * 32 + content[container.DIGITS.stop :]
    head, numbers = content[:start], content[start:]
    return head[: container.DIGITS.start] + container.digest(head, numbers) + head[container.DIGITS.stop :] + numbers


def gzipped(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return gzip.compress(change(content))


def zipped(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """An .npz archive, packed, of which one array was changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        chosen = one_of(names, change)
        for name in names:
            member = old.read(name)
            new.writestr(name, change(member) if name == chosen else member)
    return stream.getvalue()


def graphs(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """An ONNX file of which one tensor claims another shape, or has other numbers."""
    import onnx

    model = onnx.ModelProto.FromString(content)
    tensor = one_of(model.graph.initializer, change)
    part = one_of(["dims", "raw_data", "data_type"], change)
    if part == "raw_data":
        tensor.raw_data = change(tensor.raw_data)
        return model.SerializeToString()
    before = np.array(tensor.dims if part == "dims" else [tensor.data_type], "<i8").tobytes()
    after = np.frombuffer((changed := change(before))[: len(changed) // 8 * 8], "<i8").tolist()
    if part == "dims":
        tensor.dims[:] = after
    else:
        tensor.data_type = (after or [0])[0] % 2**31
    return model.SerializeToString()


def one_of(things: Any, change: Callable[[bytes], bytes]) -> Any:
    """One of them by chance, where ``change`` is left to chance; else the first."""
    return things[sum(change(bytes(64))) % len(things)]


def packed(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A MAT file whose variables are changed and packed by zlib."""
    found, at = content[:128], 128
    while at + 8 <= len(content):
        kind, size = struct.unpack_from("<II", content, at)
        element = content[at : at + 8 + size]
        if kind == 14:
            data = zlib.compress(change(element))
            element = struct.pack("<II", 15, len(data)) + data
        found, at = found + element, at + 8 + size
    return found


def json_header(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A safetensors file whose header was changed, its length made right again."""
    start = 8 + int.from_bytes(content[:8], "little")
    head = change(content[8:start])
    return len(head).to_bytes(8, "little") + head + content[start:]


NETWORK = Network([3, 4, 2], activation="tanh", output="softmax")
SIZES = (
    b"F32",
    b"F64",
    b"BF16",
    b"I64",
    b'"shape":[',
    b"1e999",
    b"NaN",
    b"-1",
    b"null",
    b"9" * 20,
    b"}",
    b"]",
    b'"',
    b"\\u0000",
)


def of_folder(path: Path) -> Any:
    return of_dataset(str(path.parent))


def of_file(path: Path) -> Any:
    return of_dataset(str(path), needs_target=False)


HEADERS = (b"'<f8'", b"'|O'", b"'<U9'", b"True", b"False", b"(6, 3)", b"(9999999999, 3)", b"'shape'", b"'descr'")
TABLES = (b'"', b",", b";", b"\n", b"\r", b"\0", b"\xff", b"1e999", b"nan", b"2020-01-02")
NODES = (b"Gemm", b"Relu", b"Erf", b"MatMul", b"W2", b"b3", b"a", b"z2")
MODELS = (saved(lambda p: model_file.save(model(), p)), saved(lambda p: model_file.save(NETWORK, p)))
STATES = tuple(saved(lambda p, net=net: state_dict.write(net, p)) for net in (NETWORK, NETWORK.copy("float64")))
IMAGES = (idx(RNG.integers(0, 256, (6, 2, 2))),)

READERS = {
    reader.name: reader
    for reader in (
        Reader("model file", "net.safetensors", of_model_file, MODELS, words=SIZES, sealed=True),
        Reader("model file within", "net.safetensors", of_model_file, MODELS, digested, SIZES),
        Reader("state dict", "net.safetensors", of_state_dict, STATES, json_header, SIZES),
        Reader("idx", "train-images-idx3-ubyte", of_folder, IMAGES),
        Reader("idx, gzip", "train-images-idx3-ubyte.gz", of_folder, IMAGES, gzipped),
        Reader("npz", "rows.npz", of_file, (npz(X=X, y=Y), npz(X=X.astype(np.float32))), zipped, HEADERS),
        Reader("csv", "rows.csv", of_file, CSV, words=TABLES),
        Reader("mat", "w.mat", of_mat, (mat(), mat(do_compression=True)), packed),
        Reader("onnx", "net.onnx", of_onnx, onnx_files(), words=NODES),  # without seeds where onnx is not installed
        Reader("onnx within", "net.onnx", of_onnx, onnx_files(), graphs, NODES),
    )
}

BESIDE = {"train-labels-idx1-ubyte": idx(Y)}
"""Good files that a reader finds beside the one that is spoilt."""


# --- spoiling

EXTREMES = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1, 255, 256, 65535]


def spoil(content: bytes, rng: Any, words: tuple[bytes, ...] = ()) -> bytes:
    """One to four changes: bits, bytes, numbers, slices, words."""
    found = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        if not found:
            return bytes(found)
        at, length = int(rng.integers(len(found))), int(rng.integers(1, 17))
        match int(rng.integers(9 if words else 8)):
            case 0:
                found[at] ^= 1 << int(rng.integers(8))
            case 1:
                found[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF, 0x20, 0x22]))
            case 2:
                del found[at : at + length]
            case 3:
                found[at:at] = found[at : at + length]
            case 4:
                found = found[:at]
            case 5:
                width, order = int(rng.choice([1, 2, 4, 8])), str(rng.choice(["little", "big"]))
                value = EXTREMES[int(rng.integers(len(EXTREMES)))] % 256**width
                found[at : at + width] = value.to_bytes(width, order)
            case 6:
                other = int(rng.integers(len(found)))
                found[at : at + length] = found[other : other + length]
            case 7:
                runs = [match.span() for match in re.finditer(rb"[0-9]+", found)]
                if runs:
                    start, end = runs[int(rng.integers(len(runs)))]
                    extreme = str(EXTREMES[int(rng.integers(len(EXTREMES)))]).encode()
                    found[start:end] = [extreme, bytes([48 + int(rng.integers(10))])][int(rng.integers(2))]
            case _:
                word = words[int(rng.integers(len(words)))]
                found[at : at + len(word) * int(rng.integers(2))] = word
    return bytes(found)


def spoilt(reader: Reader, rng: Any) -> bytes:
    """One of its good files, spoilt, or spoilt within."""
    seed = reader.seeds[int(rng.integers(len(reader.seeds)))]
    if reader.within is not None and rng.random() < 0.7:
        try:
            return reader.within(seed, lambda content: spoil(content, rng, reader.words))
        except (ValueError, struct.error, zipfile.BadZipFile, json.JSONDecodeError):
            return seed
    return spoil(seed, rng, reader.words)
