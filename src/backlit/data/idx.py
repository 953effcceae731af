"""IDX, the format of MNIST: folders of images and their labels, gzip or not.

A file is two zero bytes, the code of its type, the number of its dimensions, each dimension as a big-endian 32-bit
number, and the values, big-endian, the last dimension running fastest. Everything a header claims is held against the
bytes that are there before anything of that size is allocated.

Source: the description of the format on the MNIST page, http://yann.lecun.com/exdb/mnist/.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from math import prod
from os.path import isfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backlit.data.dataset import Dataset, as_target, pixel_names
from backlit.data.streams import Readable, check_size, describe_start, open_file, read_claimed, reason
from backlit.errors import DataError
from backlit.notation import Array

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Code of the type → NumPy's name for it."""

PARTS = {"train": ("train",), "test": ("t10k", "test")}
"""Part → what its file names may begin with."""

ENDINGS = {
    "images": ("images-idx3-ubyte", "images.idx3-ubyte", "images-idx2-ubyte", "images.idx2-ubyte"),
    "labels": ("labels-idx1-ubyte", "labels.idx1-ubyte"),
}

DIMENSIONS = {"images": (2, 3), "labels": (1,)}


@dataclass(frozen=True)
class Header:
    """What an IDX file claims to hold."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Bytes of its values."""
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class OpenIdx:
    """An IDX file whose header has been read and whose values come next; ``available`` bytes of them, where known."""

    file: str
    header: Header
    stream: Readable
    available: int | None

    def values(self) -> NDArray[Any]:
        """Its values, in the shape that its header claims.

        Raises:
            DataError: they are fewer or more than it claims.
        """
        if self.available is not None:
            check_size(self.header.size, self.available, self.file)
        with _damage_named(self.file):
            content = read_claimed(self.stream, self.header.size, self.file)
        return np.frombuffer(content, self.header.dtype).reshape(self.header.shape)


def read_folder(folder: Path, part: str = "train", *, source: str | None = None) -> Dataset:
    """The images and labels of one part, ``train`` or ``test``, of a folder in MNIST's layout.

    Looked for, in this order, each also with ``.gz``: ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, then
    ``.idx3-ubyte`` for ``-idx3-ubyte``, then images that are rows already, as ``-idx2-ubyte``; for the test part,
    ``t10k`` or ``test`` stands for ``train``. Whether a file is gzip data is seen from its content.

    Returns:
        X of (rows, height · width), float32 with full scale 255 for images of bytes, else float64; y the labels.

    Raises:
        DataError: a file is missing, of another kind, damaged, truncated, or longer than its header says; there are no
            rows, or images and labels of different counts.
    """
    source = source or str(folder)
    image_path, label_path = _find(folder, part, "images"), _find(folder, part, "labels")
    with _open(image_path, "images") as images, _open(label_path, "labels") as labels:
        counts = images.header.shape[0], labels.header.shape[0]
        if counts[0] != counts[1]:
            raise DataError(
                f"{image_path} holds {counts[0]:,} images and {label_path} {counts[1]:,} labels; they must be a pair"
            )
        y = as_target(labels.values(), f"{label_path}: labels")
        pixels = images.values()
    rows, *image = pixels.shape
    of_bytes = pixels.dtype == np.uint8
    with np.errstate(invalid="ignore"):  # a NaN that is not quiet; named when the data set is checked
        X: Array = np.ascontiguousarray(pixels.reshape(rows, -1), dtype=np.float32 if of_bytes else np.float64)
    return Dataset(
        X=X,
        y=y,
        source=source,
        columns=pixel_names(*image) if len(image) == 2 else tuple(f"pixel_{i}" for i in range(image[0])),
        target="label",
        full_scale=255.0 if of_bytes else None,
        image_shape=(image[0], image[1]) if len(image) == 2 else None,
    )


def _find(folder: Path, part: str, kind: str) -> Path:
    names = [f"{begin}-{end}" for begin in PARTS[part] for end in ENDINGS[kind]]
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if isfile(path):
                return path
    raise DataError(f"{folder}: no {kind} of the {part} part; looked for {', '.join(names)}, each also with .gz")


@contextmanager
def _open(path: Path, kind: str) -> Iterator[OpenIdx]:
    """The file, its header read and found to be of the kind, unpacked as it is read where it is gzip data."""
    file = str(path)
    with open_file(path) as raw:
        with _damage_named(file):
            packed = raw.read(2) == b"\x1f\x8b"
            size = raw.seek(0, 2)
            raw.seek(0)
        with GzipFile(fileobj=raw) if packed else raw as stream:
            with _damage_named(file):
                header = _read_header(stream, file, kind)
            yield OpenIdx(file, header, stream, None if packed else size - raw.tell())


@contextmanager
def _damage_named(file: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, OSError) as error:
        raise DataError(f"{file}: damaged or cut short: {reason(error)}") from None


def _read_header(stream: Readable, file: str, kind: str) -> Header:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES:
        raise DataError(f"{file}: is not an IDX file: {describe_start(magic)}")
    dimensions = magic[3]
    if dimensions not in DIMENSIONS[kind]:
        wanted = {"images": "images, which have 3 (or 2, as rows of pixels)", "labels": "labels, which have 1"}[kind]
        found = next((f": it holds {k}" for k, n in DIMENSIONS.items() if dimensions in n), "")
        raise DataError(f"{file}: has {_count(dimensions)} where {wanted}, were expected{found}")
    claimed = stream.read(4 * dimensions)
    if len(claimed) < 4 * dimensions:
        raise DataError(f"{file}: truncated: it ends within its header")
    shape = tuple(int(n) for n in np.frombuffer(claimed, ">u4"))
    if not all(shape):
        raise DataError(f"{file}: holds no {kind}: its shape is {' × '.join(map(str, shape))}")
    return Header(np.dtype(TYPES[magic[2]]), shape)


def _count(dimensions: int) -> str:
    return f"{dimensions} dimension{'s' * (dimensions != 1)}"
