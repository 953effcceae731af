"""Arrays of NumPy's own files: .npz archives and .npy pairs; nothing that needs a pickle.

Headers are parsed by NumPy; what they claim is held against the bytes that are there before anything is allocated.
"""

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from backlit.data.dataset import Dataset, as_target, pixel_names
from backlit.data.streams import check_size, describe_start, open_file, read_claimed, reason
from backlit.errors import DataError
from backlit.notation import Array

FEATURE_KEYS = ("X", "x", "data", "features")
TARGET_KEYS = ("y", "Y", "target", "labels")

HEADERS = {
    b"\x93NUMPY\x01\x00": (2, npy.read_array_header_1_0),
    b"\x93NUMPY\x02\x00": (4, npy.read_array_header_2_0),
    b"\x93NUMPY\x03\x00": (4, npy.read_array_header_2_0),  # 3.0 is other in the names of fields, which are refused
}
"""How an .npy file starts → the bytes of its header's length, and NumPy's reader of both."""

LONGEST_HEADER = 10_000  # NumPy's own limit

Place = tuple[int, tuple[int, ...], bool, np.dtype[Any]]
"""Of an array in a file: where its numbers begin, their shape, whether they lie column by column, and their dtype."""


def read_npz(path: Path, target: str | None = None) -> Dataset:
    """The arrays of an .npz archive: features under X, x, data or features, the target under y, Y, target or labels.

    An archive of features alone is a data set without a target. ``target`` names the array that is the target, where
    it has another name.

    Raises:
        DataError: not such an archive, damaged, truncated, without such an array, or an array that cannot be used.
    """
    with _opened(path) as archive:
        features, label = _chosen(archive, path, target)
        X = _read_member(archive, features, f"{path}: {_name(features)}")
        y = None if label is None else _read_member(archive, label, f"{path}: {_name(label)}")
    return _dataset(X, y, str(path), _name(features), None if label is None else _name(label))


def locate_in_npz(path: Path, target: str | None = None) -> tuple[str, Place | None, NDArray[Any] | None, str | None]:
    """The features' name, where they are in the file, and the target with its name; None for the place if it is packed.

    What numpy.savez writes lies there as it is, what savez_compressed writes is packed.

    Raises:
        DataError: as :func:`read_npz`; the features themselves are not read, nor the archive's sum of them checked.
    """
    with _opened(path) as archive:
        features, label = _chosen(archive, path, target)
        y = None if label is None else _read_member(archive, label, f"{path}: {_name(label)}")
        place = None
        if features.compress_type == ZIP_STORED and not features.flag_bits & 1:
            with archive.open(features), open_file(path) as stream:  # zipfile holds the two headers of it together
                room = stream.seek(0, 2)
                stream.seek(features.header_offset + 26)
                lengths = stream.read(4)
                start = stream.seek(
                    features.header_offset + 30 + sum(int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
                )
                if start + features.file_size > room:
                    raise DataError(f"{path}: truncated: {_name(features)} should end beyond the end of the file")
                claims = _claims(stream, start + features.file_size, f"{path}: {_name(features)}")
                place = (stream.tell(), *claims)
    return _name(features), place, y, None if label is None else _name(label)


@contextmanager
def _opened(path: Path) -> Iterator[ZipFile]:
    """The archive; whatever is wrong with it becomes a DataError."""
    with open_file(path) as stream:
        head = stream.read(4)
        stream.seek(0)
        try:
            with ZipFile(stream) as archive:
                yield archive
        except DataError:
            raise
        except (BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
            if head[:2] != b"PK":
                raise DataError(
                    f"{path}: is not an .npz file (a zip archive of arrays): {describe_start(head)}"
                ) from None
            raise DataError(f"{path}: the .npz file is damaged or cut short: {reason(error)}") from None


def _chosen(archive: ZipFile, path: Path, target: str | None) -> tuple[ZipInfo, ZipInfo | None]:
    """The members of the features and of the target, if there is one."""
    members = {_name(info): info for info in archive.infolist()}
    features = _choose(members, FEATURE_KEYS, str(path), "features")
    wanted = TARGET_KEYS if target is None else (target,)
    label = _choose(members, wanted, str(path), "a target") if len(members) > 1 or target else None
    return members[features], None if label is None else members[label]


def _name(member: ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def read_npy(features: Path, target: Path | None = None, *, source: str | None = None) -> Dataset:
    """The features from one .npy file and the target from another, or features alone.

    Raises:
        DataError: a file is not an .npy file, damaged, truncated, or holds an array that cannot be used.
    """
    X = read_values(features)
    y = None if target is None else read_values(target)
    return _dataset(X, y, source or str(features), "X", "y")


def _choose(members: dict[str, ZipInfo], names: tuple[str, ...], file: str, role: str) -> str:
    for name in names:
        if name in members:
            return name
    held = ", ".join(map(repr, sorted(members))) or "nothing"
    raise DataError(f"{file}: no array for {role}: looked for {', '.join(names)}; it holds {held}")


def _read_member(archive: ZipFile, member: ZipInfo, what: str) -> NDArray[Any]:
    if member.flag_bits & 1:
        raise DataError(f"{what}: is encrypted; save it again without a password")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise DataError(f"{what}: is packed in a way that NumPy does not write; save it again with numpy.savez")
    with archive.open(member) as stream:
        return _read_array(stream, member.file_size, what)


def read_values(path: Path) -> NDArray[Any]:
    """The array of one .npy file, whatever its shape.

    Raises:
        DataError: as :func:`read_npy`.
    """
    with open_file(path) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        return _read_array(stream, size, str(path))


def _read_array(stream: IO[bytes], size: int, what: str) -> NDArray[Any]:
    """One array of the .npy format from a stream of ``size`` bytes."""
    shape, fortran, dtype = _claims(stream, size, what)
    values = np.frombuffer(read_claimed(stream, prod(shape) * dtype.itemsize, what), dtype)
    return values.reshape(shape[::-1]).T if fortran else values.reshape(shape)


def locate(path: Path) -> Place:
    """Where the numbers of an .npy file are.

    Raises:
        DataError: as :func:`read_npy`; the numbers themselves are not read.
    """
    with open_file(path) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        claims = _claims(stream, size, str(path))
        return stream.tell(), *claims


def _claims(stream: IO[bytes], size: int, what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, column-major, dtype) of an array that can be read, and of which all the bytes are there."""
    shape, fortran, dtype = _read_header(stream, what)
    if dtype.hasobject:
        raise DataError(f"{what}: holds Python objects, which only a pickle can carry; save it as numbers or text")
    if dtype.kind not in "biufUS":
        raise DataError(f"{what}: is of type {dtype}; it must be numbers, or text for a target")
    if not shape or min(shape) < 1 or not dtype.itemsize:
        raise DataError(f"{what}: has shape {shape} of {dtype}: there is nothing in it to read")
    check_size(prod(shape) * dtype.itemsize, size - stream.tell(), what)
    return shape, fortran, dtype


def _read_header(stream: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, column-major, dtype) as the header claims them."""
    start = stream.read(8)
    if start not in HEADERS:
        damaged = start.startswith(b"\x93NUMPY")
        why = "its version is unknown, or it is damaged" if damaged else describe_start(start)
        raise DataError(f"{what}: is not an .npy array: {why}")
    width, read_header = HEADERS[start]
    length = stream.read(width)
    text = stream.read(min(int.from_bytes(length, "little"), LONGEST_HEADER))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy and Python's parser warn of what is refused here
            return read_header(BytesIO(length + text))
    except Exception:  # a header is a Python literal, and hostile ones raise anything up to MemoryError
        raise DataError(f"{what}: the header of the .npy array is damaged or cut short") from None


def _dataset(X: NDArray[Any], y: NDArray[Any] | None, source: str, features: str, target: str | None) -> Dataset:
    what = f"{source}: {features}"
    if X.dtype.kind not in "biuf":
        raise DataError(f"{what} is of type {X.dtype} where numbers should be; encode text first")
    if X.ndim not in (2, 3):
        raise DataError(f"{what} has shape {X.shape}; it needs rows × columns, or rows × height × width of images")
    pixels = X.ndim == 3 and X.dtype == np.uint8
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit a float64 is named as infinite below
        table: Array = np.ascontiguousarray(X.reshape(len(X), -1), dtype=np.float32 if pixels else np.float64)
    return Dataset(
        X=table,
        y=None if y is None else as_target(y, f"{source}: {target}"),
        source=source,
        columns=pixel_names(*X.shape[1:]) if X.ndim == 3 else tuple(f"x{i}" for i in range(X.shape[1])),
        target=target or "y",
        full_scale=255.0 if pixels else None,
        image_shape=(X.shape[1], X.shape[2]) if X.ndim == 3 else None,
    )
