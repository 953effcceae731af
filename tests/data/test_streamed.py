"""Data sets whose features stay in their file: the same data, the same encoding, and never whole in memory."""

import tracemalloc

import numpy as np
import pytest

from backlit import data
from backlit.data.dataset import blocks_of_rows
from backlit.data.lazy import LazyRows
from backlit.errors import DataError

RNG = np.random.default_rng(4)
ROWS = 300
VALUES = {
    "f8": RNG.normal(3, 2, (ROWS, 5)), "f4": RNG.normal(-1e3, 1, (ROWS, 5)).astype("f4"),
    "constant": np.hstack([RNG.normal(size=(ROWS, 2)), np.full((ROWS, 1), 7.0)]),
    "pixels": RNG.integers(0, 256, (ROWS, 3, 4), dtype=np.uint8), "images": RNG.normal(size=(ROWS, 3, 4)),
    "fortran": np.asfortranarray(RNG.normal(size=(ROWS, 5))),
}  # fmt: skip
Y = RNG.integers(0, 3, ROWS)


@pytest.fixture(params=["npz", "npy"])
def source(request, tmp_path):
    def write(values, y=Y):
        if request.param == "npz":
            np.savez(tmp_path / "t.npz", X=values, y=y)
            return str(tmp_path / "t.npz")
        np.save(tmp_path / "X.npy", values)
        np.save(tmp_path / "y.npy", y)
        return f"{tmp_path}/X.npy,{tmp_path}/y.npy"

    return write


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr("backlit.data.dataset.BLOCK_BYTES", 700)


@pytest.mark.parametrize("kind", VALUES)
def test_it_is_the_same_data_set_with_the_same_encoding(kind, source, small_blocks):
    name = source(VALUES[kind])
    whole, found = data.read(name), data.read(name, stream=True)
    assert isinstance(found.X, LazyRows)
    assert len(list(blocks_of_rows(found.X))) > 10
    assert np.array_equal(found.X[:], whole.X)
    assert found.X.dtype == whole.X.dtype
    for field in ("columns", "target", "full_scale", "image_shape", "source", "classes", "rows"):
        assert getattr(found, field) == getattr(whole, field)
    assert np.array_equal(found.y, whole.y)
    assert found.fingerprint() == whole.fingerprint()
    rows = np.flatnonzero(RNG.random(ROWS) < 0.6)
    rest = np.setdiff1d(np.arange(ROWS), rows)
    ours, theirs = data.fit(found, rows), data.fit(whole, rows)
    assert ours.offset == pytest.approx(theirs.offset, rel=1e-14)
    assert ours.scale == pytest.approx(theirs.scale, rel=1e-12)
    parts = {"train": rows, "test": rest, "validation": rest[:0]}
    encoded = data.encode_parts(found, theirs, parts, "float32")
    expected = data.encode_parts(whole, theirs, parts, "float32")
    assert {name: x.tolist() for name, x in encoded.items()} == {name: x.tolist() for name, x in expected.items()}


def test_neither_reading_nor_encoding_takes_it_whole(source, tmp_path):
    X = RNG.normal(size=(200_000, 20)).astype("f4")  # 16 MB, and 32 MB as float64
    name = source(X, np.arange(len(X)) % 2)
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", "f4", X.shape)
    tracemalloc.start()
    found = data.read(name, stream=True)
    encoding = data.fit(found, np.arange(len(X)))
    encoded = data.encode_parts(found, encoding, {"train": np.arange(len(X))}, "f4", lambda name, shape, dtype: out)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(encoded["train"].mean(axis=0)).max() < 1e-5
    assert most < 24e6  # blocks of 4 MB a few times over, y and the rows' numbers


def test_what_is_packed_is_read_whole_with_a_word(tmp_path):
    np.savez_compressed(tmp_path / "t.npz", X=VALUES["f8"], y=Y)
    found = data.read(tmp_path / "t.npz", stream=True)
    assert np.array_equal(found.X, VALUES["f8"])
    assert found.remarks == (
        f"{tmp_path}/t.npz: X is packed, and was unpacked into memory; what numpy.savez writes stays in its file",
    )


def test_a_number_that_is_not_finite_is_named(source):
    wrong = VALUES["f8"].copy()
    wrong[123, 4] = np.inf
    with pytest.raises(DataError, match=r"X has infinity at row 123, column 4 \('x4'\)"):
        data.read(source(wrong), stream=True)
    with pytest.raises(DataError, match="300 rows of features and 299 of targets"):
        data.read(source(VALUES["f8"], Y[1:]), stream=True)
    far = np.array([[1e308], [-1e308]] * 150)
    with pytest.raises(DataError, match="too far apart to standardise in column 0"):
        data.fit(data.read(source(far), stream=True), np.arange(ROWS))
