import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backlit.data import load, read
from backlit.data.bundled import TARGETS
from backlit.errors import BacklitError, DataError

X = np.arange(12.0).reshape(4, 3)
Y = np.array([0, 1, 0, 1])


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a source of each kind, and the working directory."""
    monkeypatch.chdir(tmp_path)
    np.savez("both.npz", X=X, y=Y, price=Y / 2)
    np.savez("X.npz", X=X)
    np.save("X.npy", X)
    np.save("y.npy", Y)
    Path("images").mkdir()
    for begin, rows in (("train", 4), ("t10k", 2)):
        Path(f"images/{begin}-images-idx3-ubyte").write_bytes(idx(np.full((rows, 2, 2), 51)))
        Path(f"images/{begin}-labels-idx1-ubyte").write_bytes(idx(np.arange(rows)))
    Path("digits").mkdir()
    Path("a.doc").write_text("a")
    return tmp_path


@pytest.mark.parametrize("name", TARGETS)
def test_a_bundled_name_is_a_bundled_set(name):
    assert read(name).source == name


@pytest.mark.parametrize(
    ("source", "rows", "target"),
    [
        ("both.npz", 4, [0, 1, 0, 1]),
        (Path("both.npz"), 4, [0, 1, 0, 1]),
        ("X.npy,y.npy", 4, [0, 1, 0, 1]),
        ("X.npy", 4, None),
        ("X.npz", 4, None),
        ("images", 4, [0, 1, 2, 3]),
        ("images/", 4, [0, 1, 2, 3]),
        ("images:train", 4, [0, 1, 2, 3]),
        ("images:test", 2, [0, 1]),
    ],
)
def test_each_kind_of_source(here, source, rows, target):
    dataset = read(source)
    assert len(dataset.X) == rows
    assert (None if dataset.y is None else dataset.y.tolist()) == target
    assert dataset.source == str(source).rstrip("/")


def test_a_bundled_name_goes_before_a_folder_of_that_name(here):
    assert len(read("digits").X) == 1797
    with pytest.raises(DataError, match="digits: no images of the train part"):
        read("./digits")
    with pytest.raises(DataError, match="digits: no images of the train part"):
        read(Path("digits"))


def test_a_folder_whose_name_looks_like_a_part_is_a_folder(here):
    Path("images").rename("images:test")
    assert len(read("images:test").X) == 4


def test_the_target_is_named(here):
    assert read("both.npz", target="price").y.tolist() == [0, 0.5, 0, 0.5]
    assert read("images", target="label").target == "label"
    assert read("iris", target="species").target == "species"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("digit", "source 'digit' is neither a known name nor a path that exists; did you mean 'digits'"),
        ("breast_cancer", "did you mean 'breast-cancer'"),
        ("Iris", "did you mean 'iris'"),
        (
            "nowhere",
            r"that exists\. Readable: a bundled set \(digits, iris, wine, breast-cancer, diabetes\), openml:NAME",
        ),
        ("", "source '' is neither"),
        ("a\0b", "is neither a known name"),
        ("x" * 5000, "is neither a known name"),
        ("no/where", "no/where: there is no such file or folder"),
        ("none.npz", r"none\.npz: there is no such file"),
        ("X.npy,none.npy", r"none\.npy: cannot be opened: No such file"),
        ("X.npy,both.npz", r"X\.npy,both\.npz: there is no such file"),
        ("none.csv", r"none\.csv: there is no such file"),
        ("none.parquet", r"none\.parquet: there is no such file"),
        ("openml:", "openml:: is not openml:NAME, openml:NAME:VERSION or openml:NUMBER"),
        ("a.doc", r"a\.doc: this kind of file cannot be read\. Readable"),
        ("images/train-images-idx3-ubyte", "for an IDX file, give its folder"),
        ("images:tets", "a folder has no part 'tets'; its parts are images:train and images:test"),
        (".", "no images of the train part; looked for train-images-idx3-ubyte"),
        (3, "a source is a name or a path, not int"),
        (None, "a source is a name or a path, not NoneType"),
    ],
)
def test_bad_sources_are_named_in_one_line(here, source, says):
    with pytest.raises(DataError, match=says) as caught:
        read(source)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["iris", "both.npz", "X.npy,y.npy", "images"])
def test_a_target_that_is_not_there(here, source):
    with pytest.raises(BacklitError, match="nowhere"):
        read(source, target="nowhere")


def test_loading_divides_pixels_by_their_full_scale(here):
    pixels, digits = load("digits")
    np.testing.assert_array_equal(pixels, read("digits").X / 16)  # a power of two: exact in any dtype
    assert (pixels.dtype, digits.dtype, pixels.max()) == (np.float32, np.int64, 1)
    images, _ = load("images")
    np.testing.assert_array_equal(images, np.full((4, 4), np.float32(51) / np.float32(255)))


def test_loading_leaves_tables_as_they_are(here):
    table, y = load("both.npz")
    np.testing.assert_array_equal(table, X)
    assert table.dtype == np.float64
    assert y.tolist() == Y.tolist()
    assert load("iris")[1].tolist() == [0] * 50 + [1] * 50 + [2] * 50


def test_loading_needs_a_target(here):
    with pytest.raises(DataError, match=r"X\.npy: has no target"):
        load("X.npy")


def test_importing_costs_none_of_the_heavy_libraries():
    heavy = "{'sklearn', 'polars', 'scipy', 'pandas', 'matplotlib', 'torch'}"
    program = f"import sys, backlit.data; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
