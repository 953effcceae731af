"""The reader of MAT files: what scipy.io reads, to the number; and whatever a file claims, held against its bytes."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from backlit.errors import ModelFileError
from backlit.formats import mat5

RNG = np.random.default_rng(4)
EVERYTHING = lambda name: True  # noqa: E731


@pytest.fixture
def saved(tmp_path):
    def save(variables, **options):
        savemat(tmp_path / "x.mat", variables, **options)
        return tmp_path / "x.mat"

    return save


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"]
)
def test_numbers_of_every_type_are_those_that_scipy_reads(saved, packed, dtype):
    values = RNG.integers(0, 100, size=(5, 3)).astype(dtype)
    path = saved({"Theta1": values, "small": values[:1, :1]}, do_compression=packed)
    found, others = mat5.read(path, EVERYTHING)
    theirs = loadmat(path)
    assert others == []
    for name in ("Theta1", "small"):
        assert found[name].dtype == (np.float32 if dtype == "float32" else np.float64)
        assert np.array_equal(found[name], theirs[name])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 700), (700, 1), (2, 3, 4), (300, 7)])
def test_every_shape_comes_as_it_was(saved, packed, shape):
    values = RNG.normal(size=shape)
    path = saved({"x": values}, do_compression=packed)
    assert np.array_equal(mat5.read(path, EVERYTHING)[0]["x"], values)


@pytest.mark.parametrize("text", ["sigmoid,softmax", "", "Φ and naïve"])
def test_text_is_read(saved, text):
    assert mat5.read(saved({"activations": text}), EVERYTHING)[0]["activations"] == text


def test_what_is_not_wanted_is_only_named(saved):
    path = saved(
        {"Theta1": np.eye(2), "notes": np.array([[1, "a"]], dtype=object), "s": {"a": 1}, "z": np.eye(2) * 1j},
        do_compression=True,
    )
    found, others = mat5.read(path, lambda name: name.startswith("Theta"))
    assert sorted(found) == ["Theta1"]
    assert sorted(others) == ["notes", "s", "z"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.array([[1, "a"]], dtype=object), "as a cell array"),
        ({"a": 1}, "as a structure"),
        (np.eye(2) * 1j, "as a complex matrix"),
        (__import__("scipy.sparse").sparse.eye_array(3), "as a sparse matrix"),
    ],
    ids=["cell", "struct", "complex", "sparse"],
)
def test_what_is_wanted_and_is_no_matrix_is_refused(saved, value, words):
    with pytest.raises(ModelFileError, match=rf"holds 'x' {words}; a real matrix is read"):
        mat5.read(saved({"x": value}), EVERYTHING)


# --- built by hand


def element(kind, data, order="<"):
    return struct.pack(f"{order}II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def matrix(shape=(2, 1), name=b"x", data=None, kind=6, data_type=9, order="<", flags=0):
    data = struct.pack(f"{order}2d", 1, 2) if data is None else data
    return element(
        14,
        element(6, struct.pack(f"{order}II", kind | flags, 0), order)
        + element(5, struct.pack(f"{order}{len(shape)}i", *shape), order)
        + element(1, name, order)
        + element(data_type, data, order),
        order,
    )


def header(order="<", version=0x0100):
    return b"MATLAB 5.0".ljust(124) + struct.pack(f"{order}H", version) + (b"IM" if order == "<" else b"MI")


def packed(content, cut=0):
    """By zlib, without the last bytes of its sum where some are to be cut."""
    data = zlib.compress(content)
    data = data[: len(data) - cut]
    return struct.pack("<II", 15, len(data)) + data


@pytest.fixture
def reading(tmp_path):
    def read(content):
        (tmp_path / "x.mat").write_bytes(content)
        return mat5.read(tmp_path / "x.mat", EVERYTHING)[0]

    return read


def test_a_file_of_the_other_byte_order_is_read(reading, tmp_path):
    content = header(">") + matrix(order=">")
    assert reading(content)["x"].tolist() == [[1], [2]]
    assert np.array_equal(loadmat(tmp_path / "x.mat")["x"], [[1], [2]])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n" + b"x" * 200, "version 7.3; save it with -v7"),
        (header(version=0x0200) + b"x" * 400, "is a MAT file of version 7.3; save it with -v7"),
        (header(version=0x0300) + b"x" * 400, "version 0x0300, and 0x0100 is read"),
        (header(">", version=0x0300) + b"x" * 400, "version 0x0300, and 0x0100 is read"),
        (b"# Created by Octave 9, Mon\n# name: Theta1\n", "Octave's own text format"),
        (b"\0\0\0\0" + b"x" * 300, "not a MAT file of level 5"),  # level 4
        (header()[:100], "not a MAT file of level 5"),
        (header() + b"\0\0\0", "ends within an element's tag"),
        (header() + struct.pack("<II", 14, 2**31), "claims 2,147,483,648 bytes, and 0 are left"),
        (header() + struct.pack("<II", 14 | (9 << 16), 0), "small element claims 9 bytes"),
        (header() + struct.pack("<II", 14 | (5 << 16), 0), "small element claims 5 bytes"),
        (header() + struct.pack("<II", 14, 12) + b"\0" * 8, "claims 12 bytes, and 8 are left"),
        (header() + packed(element(9, b"x" * 64)), "claim to be an element of type 9"),
        (header() + matrix((2, 2), data="abcd".encode("utf-16-le"), kind=4, data_type=4), "is not one row of text"),
        (header() + matrix((1, 2), data=b"\xff\xff", kind=4, data_type=16), "'x' is not text"),
        (header() + element(9, b"x" * 8), "type 9 stands where a variable should"),
        (header() + matrix((2**30, 2**30)), r"'x' is \(1073741824, 1073741824\) of 8 bytes each, and has 16 bytes"),
        (header() + matrix((-2, 1)), "dimensions"),
        (header() + matrix((2,)), "no dimensions"),
        (header() + matrix((2,) * 40), "no dimensions"),
        (header() + matrix(name=b"x" * 300), "no name"),
        (header() + matrix(data_type=99), "of type 99, which there is not"),
        (header() + matrix(kind=77), "of class 77, which there is not"),
        (header() + matrix() + matrix(), "holds 'x' twice"),
        (header() + struct.pack("<II", 15, 20) + b"x" * 20, "cannot be unpacked"),
        (header() + packed(matrix())[:-6], "claims"),
        (header() + packed(matrix()[:4]), "ends within its tag"),
        (header() + packed(matrix()[:40]), "ends within an element's tag"),
        (header() + packed(matrix() + b"more"), "does not unpack to as many"),
        (header() + packed(matrix((300, 4), data=bytes(9600)) + b"more"), "does not unpack to as many"),
        (header() + packed(matrix((300, 4), data=bytes(9600)), cut=2), "does not unpack to as many"),
        (header() + packed(struct.pack("<II", 14, 2**31) + b"\0" * 64), "claim to be an element of type 14"),
        (header() + packed(matrix(name=b"\0" * 5000, data=b"")), "no name|claims"),
    ],
)
def test_what_a_file_claims_is_held_against_its_bytes(reading, content, words):
    with pytest.raises(ModelFileError, match=words):
        reading(content)


def test_so_many_variables_and_no_more(reading, monkeypatch):
    monkeypatch.setattr(mat5, "MOST_VARIABLES", 3)
    some = [matrix(name=name.encode()) for name in "abcd"]
    assert sorted(reading(header() + b"".join(some[:3]))) == ["a", "b", "c"]
    with pytest.raises(ModelFileError, match="holds more than 3 variables"):
        reading(header() + b"".join(some))


def test_a_lost_bit_of_a_packed_matrix_is_found(reading):
    content = bytearray(header() + packed(matrix(shape=(300, 4), data=RNG.normal(size=1200).tobytes())))
    content[-2] ^= 1  # of zlib's sum, which comes after all that is claimed
    with pytest.raises(ModelFileError, match=r"cannot be unpacked|does not unpack"):
        reading(bytes(content))


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked_where_it_is_not_wanted(tmp_path):
    bomb = packed(matrix(shape=(2**22, 1), name=b"bomb", data=bytes(2**25)))
    (tmp_path / "x.mat").write_bytes(header() + matrix() + bomb)
    tracemalloc.start()
    found, others = mat5.read(tmp_path / "x.mat", lambda name: name == "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert others == ["bomb"]
    assert found["x"].tolist() == [[1], [2]]
    assert peak < 2**21  # of the 32 MiB that it would unpack to
