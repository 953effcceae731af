import io
import random
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest

from backlit.data.arrays import read_npy, read_npz
from backlit.errors import BacklitError, DataError

X = np.random.default_rng(0).normal(size=(5, 3))
Y = np.array([0, 1, 0, 1, 1])
IMAGES = np.random.default_rng(1).integers(0, 256, (5, 2, 3), dtype=np.uint8)


def npz(packed=False, **arrays):
    file = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(file, **arrays)
    return file.getvalue()


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version=version)
    return file.getvalue()


def archive(method=zipfile.ZIP_STORED, **members):
    """A zip archive of raw members, whatever they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as zipped:
        for name, content in members.items():
            zipped.writestr(f"{name}.npy", content)
    return file.getvalue()


def header(text, version=1, claims=None):
    """The start of an .npy file whose header is this text."""
    content = text.encode() + b"\n"
    length = len(content) if claims is None else claims
    return b"\x93NUMPY" + bytes([version, 0]) + length.to_bytes(2 if version == 1 else 4, "little") + content


def promise(shape, dtype="<f8"):
    return header(f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}")


def written(folder, content, name="a.npz"):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("features", ["X", "x", "data", "features"])
@pytest.mark.parametrize("target", ["y", "Y", "target", "labels"])
def test_an_archive_is_read_under_each_of_its_names(tmp_path, features, target, packed):
    dataset = read_npz(written(tmp_path, npz(packed, **{features: X, target: Y})))
    np.testing.assert_array_equal(dataset.X, X)
    assert dataset.y.tolist() == Y.tolist()
    assert (dataset.target, dataset.columns) == (target, ("x0", "x1", "x2"))


def test_another_name_of_the_target_is_given(tmp_path):
    path = written(tmp_path, npz(X=X, y=Y, price=Y + 0.5))
    assert read_npz(path, target="price").y.tolist() == [0.5, 1.5, 0.5, 1.5, 1.5]
    with pytest.raises(DataError, match="no array for a target: looked for cost; it holds 'X', 'price', 'y'"):
        read_npz(path, target="cost")


def test_features_alone_have_no_target(tmp_path):
    assert read_npz(written(tmp_path, npz(X=X))).y is None
    assert read_npy(written(tmp_path, npy(X), "X.npy")).y is None


def test_a_pair_of_files(tmp_path):
    paths = written(tmp_path, npy(X), "X.npy"), written(tmp_path, npy(Y), "y.npy")
    dataset = read_npy(*paths, source="both")
    np.testing.assert_array_equal(dataset.X, X)
    assert dataset.y.tolist() == Y.tolist()
    assert (dataset.source, dataset.target) == ("both", "y")


@pytest.mark.parametrize(
    "stored",
    [X.astype(np.float32), X.astype(">f8"), np.asfortranarray(X), X.astype(np.longdouble), X > 0, (X * 9).astype(int)],
    ids=["float32", "big-endian", "column-major", "longdouble", "bool", "int"],
)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_numbers_of_every_kind_become_float64(tmp_path, stored, version):
    path = written(tmp_path, archive(X=npy(stored, version), y=npy(Y)))
    dataset = read_npz(path)
    np.testing.assert_array_equal(dataset.X, stored.astype(np.float64))
    assert dataset.X.dtype == np.float64
    assert dataset.X.flags.c_contiguous


def test_what_is_read_can_be_written_to(tmp_path):
    dataset = read_npz(written(tmp_path, npz(X=X, y=Y)))
    dataset.X[0, 0] = 7
    assert dataset.X[0, 0] == 7


def test_images_keep_their_shape_and_bytes_have_a_full_scale(tmp_path):
    bytes_ = read_npz(written(tmp_path, npz(X=IMAGES, y=Y)))
    np.testing.assert_array_equal(bytes_.X, IMAGES.reshape(5, 6))
    assert (bytes_.X.dtype, bytes_.full_scale, bytes_.image_shape) == (np.float32, 255.0, (2, 3))
    assert bytes_.columns[4] == "pixel_1_1"
    floats = read_npz(written(tmp_path, npz(X=IMAGES / 255, y=Y)))
    assert (floats.X.dtype, floats.full_scale, floats.image_shape) == (np.float64, None, (2, 3))
    table = read_npz(written(tmp_path, npz(X=IMAGES.reshape(5, 6), y=Y)))
    assert (table.X.dtype, table.full_scale, table.image_shape) == (np.float64, None, None)


@pytest.mark.parametrize(
    ("y", "as_list"),
    [
        (np.array(["a", "bé", "a", "c", "c"]), ["a", "bé", "a", "c", "c"]),
        (Y.reshape(5, 1), Y.tolist()),
        (np.eye(5)[:, :2], np.eye(5)[:, :2].tolist()),
        (Y.astype(bool), Y.astype(bool).tolist()),
    ],
)
def test_targets_of_every_kind(tmp_path, y, as_list):
    assert read_npz(written(tmp_path, npz(X=X, y=y))).y.tolist() == as_list


HUGE = X.astype(np.longdouble) * np.longdouble("1e4000")
BEYOND_UNICODE = np.array([2**31] * 5, np.uint32).view("U1")
ENTRY = b"PK\x01\x02\x14\x03\x14\x00"  # of the archive's directory; a word of flags follows, the first is encryption
NAN = np.where(np.arange(15).reshape(5, 3) == 7, np.nan, X)
WHOLE = npz(X=X, y=Y)

BAD = {
    "not a zip archive": (b"no archive at all", "not an .npz file.*starts with the bytes 6e 6f 20 61"),
    "an array": (npy(X), r"not an .npz file.*seems to be a NumPy array"),
    "empty": (b"", "it is empty"),
    "truncated": (WHOLE[: len(WHOLE) // 2], "damaged or cut short"),
    "a changed value": (WHOLE.replace(X.tobytes()[:8], bytes(8)), "Bad CRC-32"),
    "no features": (npz(a=X, b=Y), "no array for features: looked for X, x, data, features; it holds 'a', 'b'"),
    "no target": (npz(X=X, label=Y), "no array for a target: looked for y, Y, target, labels; it holds 'X', 'label'"),
    "nothing": (npz(), "it holds nothing"),
    "objects": (archive(X=promise("(5, 1)", "|O"), y=npy(Y)), "X: holds Python objects, which only a pickle"),
    "text features": (npz(X=np.array([["a"], ["b"]]), y=Y[:2]), "X is of type <U1 where numbers should be"),
    "complex features": (npz(X=X + 1j, y=Y), "complex128; it must be numbers"),
    "dates": (npz(X=X, y=np.arange(5).astype("M8[D]")), "datetime64"),
    "fields": (npz(X=np.zeros(5, [("a", "f8"), ("b", "f8")]), y=Y), "it must be numbers, or text for a target"),
    "one dimension": (npz(X=Y, y=Y), r"X has shape \(5,\); it needs rows × columns"),
    "color images": (npz(X=np.zeros((5, 2, 2, 3)), y=Y), r"X has shape \(5, 2, 2, 3\)"),
    "no dimensions": (npz(X=X, y=np.array(3)), r"y: has shape \(\) of int64: there is nothing in it"),
    "no rows": (npz(X=X[:0], y=Y[:0]), "there is nothing in it to read"),
    "no columns": (npz(X=X[:, :0], y=Y), "there is nothing in it to read"),
    "different counts": (npz(X=X, y=Y[:4]), "5 rows of features and 4 of targets"),
    "NaN": (npz(X=NAN, y=Y), r"X has NaN at row 2, column 1 \('x1'\)"),
    "infinite target": (npz(X=X, y=np.array([0, 1, np.inf, 0, 1])), "target 'y' has infinity at row 2"),
    "beyond float64": (npz(X=HUGE, y=Y), "X has infinity at row 0, column 0"),
    "text in columns": (npz(X=X, y=np.full((5, 2), "a")), "y is text in 2 columns"),
    "characters beyond the last": (npz(X=X, y=BEYOND_UNICODE), "characters that do not exist"),
    "text of no width": (archive(X=npy(X), y=promise("(5,)", "<U0")), "there is nothing in it to read"),
    "rows of nothing": (archive(X=npy(X), y=promise(f"({10**15},)", "<U0")), "there is nothing in it to read"),
    "negative shape": (archive(X=promise("(-5, -3)"), y=npy(Y)), "there is nothing in it to read"),
    "fewer bytes than claimed": (archive(X=npy(X)[:-8], y=npy(Y)), "X: truncated: its header claims 120 bytes"),
    "more bytes than claimed": (archive(X=npy(X) + b"\0", y=npy(Y)), "X: goes on behind its data"),
    "an unknown version": (archive(X=npy(X).replace(b"Y\x01", b"Y\x09"), y=npy(Y)), "version is unknown"),
    "no header": (archive(X=b"\x93NUMPY\x01\x00", y=npy(Y)), "header of the .npy array is damaged"),
    "a header of something else": (archive(X=header("[1, 2]"), y=npy(Y)), "header of the .npy array is damaged"),
    "a header that runs": (archive(X=header("__import__('os')"), y=npy(Y)), "header of the .npy array is damaged"),
    "a header of brackets": (archive(X=header("(" * 9000), y=npy(Y)), "header of the .npy array is damaged"),
    "a header without end": (archive(X=header("{}", version=2, claims=2**31), y=npy(Y)), "header of the .npy array is"),
    "packed another way": (archive(zipfile.ZIP_LZMA, X=npy(X), y=npy(Y)), "packed in a way that NumPy does not write"),
    "encrypted": (archive(X=npy(X), y=npy(Y)).replace(ENTRY + b"\0", ENTRY + b"\1"), "is encrypted"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_archives_are_named_in_one_line(tmp_path, case):
    content, says = BAD[case]
    with pytest.raises(DataError, match=says) as caught:
        read_npz(written(tmp_path, content))
    assert "\n" not in str(caught.value)
    assert "a.npz" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (npy(X)[:-1], r"X\.npy: truncated: its header claims 120 bytes of data and 119 are there"),
        (npy(X) + b"\0", r"X\.npy: goes on behind its data"),
        (npy(X)[:7], r"X\.npy: is not an \.npy array"),
        (npz(X=X), r"X\.npy: is not an \.npy array: it seems to be a zip archive"),
        (b"\x80\x04\x95", r"X\.npy: is not an \.npy array: it seems to be perhaps a pickle"),
        (promise("(5, 1)", "|O") + b"\x80\x04.", r"X\.npy: holds Python objects, which only a pickle can carry"),
        (npy(Y), r"X has shape \(5,\)"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path, content, says):
    with pytest.raises(DataError, match=says) as caught:
        read_npy(written(tmp_path, content, "X.npy"), written(tmp_path, npy(Y), "y.npy"))
    assert "\n" not in str(caught.value)


def lying_directory():
    """An archive whose directory and array both claim 2 GiB, of which there are 8 bytes."""
    claimed = 2**31 - 2**20
    content = promise(f"({claimed // 8}, 1)") + bytes(8)
    honest = archive(X=content)
    size = len(content).to_bytes(4, "little")
    start = honest.index(b"PK\x01\x02")
    lie = (claimed + len(content) - 8).to_bytes(4, "little")
    return honest[:start] + honest[start:].replace(size + size, size + lie)


PROMISES = {
    "an array of a terabyte": archive(X=promise(f"({2**37}, 1)") + bytes(64)),
    "beyond 64 bits": archive(X=promise(f"({2**62}, {2**62})") + bytes(64)),
    "a directory that lies": lying_directory(),
    "a bomb: far more than it claims": archive(zipfile.ZIP_DEFLATED, X=npy(X) + bytes(1 << 26)),
}


@pytest.mark.parametrize("case", PROMISES)
def test_nothing_is_allocated_on_a_promise(tmp_path, case):
    path = written(tmp_path, PROMISES[case])
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"truncated|goes on|cut short"):
            read_npz(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 23  # 8 MiB, where the claims are of 64 MiB and more
    finally:
        tracemalloc.stop()


def test_a_long_header_is_not_allocated_on_a_promise(tmp_path):
    path = written(tmp_path, header("{}", version=2, claims=2**31), "X.npy")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="array is damaged or cut short"):
            read_npy(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 23
    finally:
        tracemalloc.stop()


def test_nothing_is_ever_unpickled(tmp_path, monkeypatch):
    file = io.BytesIO()
    np.savez(file, X=np.array([[1], ["a"]], dtype=object), y=Y)
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("a pickle was read"))
    monkeypatch.setattr("pickle.loads", lambda *_, **__: pytest.fail("a pickle was read"))
    with pytest.raises(DataError, match="only a pickle can carry"):
        read_npz(written(tmp_path, file.getvalue()))


def mutate(content, seed):
    """A few bytes changed, lost, added or copied, half of them near the start, where headers are."""
    chance = random.Random(seed)
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(min(len(changed), chance.choice((128, len(content)))))
        how = chance.randrange(5)
        if how == 0:
            changed[at] = chance.randrange(256)
        elif how == 1:
            changed[at] ^= 1 << chance.randrange(8)
        elif how == 2:
            del changed[at : at + chance.choice((1, 8))]
        elif how == 3:
            changed[at:at] = chance.randbytes(chance.choice((1, 4)))
        else:
            start = chance.randrange(len(changed))
            changed[at : at + 4] = changed[start : start + 4]
    return bytes(changed)


TEXT = np.array(["a", "b", "a", "c", "c"])
WHOLE_FILES = (npz(X=X, y=Y), npz(packed=True, X=X, y=TEXT), npz(X=IMAGES, y=Y.astype("S1")))
MEMBERS = (X, X.astype(np.longdouble), np.asfortranarray(X), IMAGES)
TARGETS = (Y, TEXT, Y.astype("S1"), X)


def mutant(seed):
    """An archive damaged as a file, or a sound archive of a damaged array: a checksum hides nothing of that one."""
    kind = seed % 3
    if kind == 0:
        return mutate(WHOLE_FILES[seed // 3 % 3], seed)
    if kind == 1:
        return archive(X=mutate(npy(MEMBERS[seed // 3 % 4]), seed), y=npy(Y))
    return archive(X=npy(X), y=mutate(npy(TARGETS[seed // 3 % 4]), seed))


def survive(folder, seeds):
    """How many mutations were read and how many refused; anything but these two fails the test."""
    read = refused = 0
    for seed in seeds:
        path = written(folder, mutant(seed))
        try:
            dataset = read_npz(path)
        except BacklitError:
            refused += 1
        else:
            assert np.isfinite(dataset.X).all()
            read += 1
    return read, refused


def test_mutated_files_are_read_or_refused(tmp_path):
    read, refused = survive(tmp_path, range(450))
    assert read > 10  # a changed value is a value: the mutations reach beyond the headers
    assert refused > 100


@pytest.mark.slow
def test_many_mutated_files_are_read_or_refused(tmp_path):
    read, refused = survive(tmp_path, range(450, 60_000))
    assert read + refused == 59_550


def test_reading_leaves_the_warnings_alone(tmp_path):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(DataError):
            read_npz(written(tmp_path, archive(X=header("1if 2else 3"), y=npy(Y))))
        warnings.warn("still heard", stacklevel=1)
    assert [str(warning.message) for warning in heard] == ["still heard"]
