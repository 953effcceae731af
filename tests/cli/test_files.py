"""Which files a source is, and that two names of one file are found out."""

import os
from pathlib import Path

import pytest

from backlit.cli import files
from backlit.errors import OptionError


@pytest.fixture(autouse=True)
def in_an_empty_folder(here):
    (here / "folder").mkdir()
    (here / "a").write_text("a")
    (here / "folder" / "up").symlink_to("..")
    (here / "to a").symlink_to("a")
    (here / "to nothing").symlink_to("new")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a"),
        ("a", "./a"),
        ("a", "folder/../a"),
        ("a", "folder/up/a"),
        ("a", "to a"),
        ("new", "new"),
        ("new", "folder/up/new"),
        ("new", "to nothing"),
        ("folder", "folder/."),
        ("nowhere/a", "nowhere/./a"),
    ],
)
def test_one_file_by_two_names(one, other, here):
    assert files.same(Path(one), Path(other))
    assert files.same(Path(other), here / one)


def test_another_name_of_the_file_itself(here):
    """As on a disk that knows no capitals; here by a second entry in the folder."""
    os.link(here / "a", here / "A")
    assert files.same(Path("a"), Path("A"))


@pytest.mark.parametrize(("one", "other"), [("a", "folder/a"), ("a", "new"), ("new", "folder/new"), ("to a", "to b")])
def test_two_files(one, other):
    assert not files.same(Path(one), Path(other))


def test_a_file_is_written_once():
    files.check_apart({"--out": Path("new"), "--plot": None, "--checkpoint": Path("a")}, {})
    with pytest.raises(
        OptionError, match=r"^--out and --checkpoint are one file, folder/up/new; they must be different"
    ):
        files.check_apart({"--out": Path("new"), "--plot": Path("b"), "--checkpoint": Path("folder/up/new")}, {})


def test_what_is_read_is_not_written():
    read = {"MODEL": [Path("new")], "SOURCE": [Path("b"), Path("a")]}
    files.check_apart({"--out": Path("c"), "--plot": None}, read)
    with pytest.raises(OptionError, match=r"^--plot to a is the file that is read as SOURCE; choose another name$"):
        files.check_apart({"--out": Path("c"), "--plot": Path("to a")}, read)
    with pytest.raises(OptionError, match=r"^--out to nothing is the file that is read as MODEL; choose another name$"):
        files.check_apart({"--out": Path("to nothing")}, read)


def names(source):
    return sorted(str(path) for path in files.of_source(source))


def test_a_bundled_set_is_no_file(here):
    (here / "digits").write_text("not the digits")
    assert names("digits") == []
    assert names("./digits") == ["digits"]


def test_a_pair_is_two_files():
    assert names("X.npy,y.npy") == ["X.npy", "X.npy,y.npy", "y.npy"]
    assert {"a,b.npy", "c,d.npy"} <= set(names("a,b.npy,c,d.npy"))
    assert names("a,b.npz") == ["a,b.npz"]


def test_idx_files_of_another_folder_are_no_source(here):
    (here / "train-images-idx3-ubyte").write_text("")
    assert names("data.npz") == ["data.npz"]
    assert names("folder") == ["folder"]


@pytest.mark.parametrize("source", ["folder", "folder/", "folder:train", "folder:test"])
def test_a_folder_is_its_idx_files(source, here):
    for name in ("train-images-idx3-ubyte", "t10k-labels.idx1-ubyte.gz", "model.safetensors"):
        (here / "folder" / name).write_text("")
    found = {str(path) for path in files.of_source(source)}
    assert {"folder/train-images-idx3-ubyte", "folder/t10k-labels.idx1-ubyte.gz"} < found
    assert "folder/model.safetensors" not in found
