"""Where a file may be written, and asking so before the work: devices, links, permissions, names."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backlit.errors import OutputPathError
from backlit.formats import durable

OLD, NEW = b"the old content", b"the new content, longer than the old"
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def device() -> Iterator[str]:
    """A terminal of the test's own, in a folder that takes no file: a writer that errs can do it no harm.

    The devices that all share are none to try this on: for the superuser, renaming a file over them succeeds.
    """
    try:
        ends = os.openpty()
    except OSError:
        pytest.skip("needs a terminal")
    yield os.ttyname(ends[1])
    for end in ends:
        os.close(end)


# ---- Where it is written


def test_a_link_stays_a_link_and_its_file_is_replaced(old: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "latest"
    link.symlink_to(Path("..") / old.name)
    durable.check_writable(link, force=True)
    durable.write(link, NEW)
    assert link.is_symlink()
    assert old.read_bytes() == NEW
    assert list(folder.iterdir()) == [link]


def test_a_link_to_nothing_makes_the_file_it_points_to(tmp_path: Path) -> None:
    link = tmp_path / "latest"
    link.symlink_to("model")
    durable.write(link, NEW)
    assert link.is_symlink()
    assert (tmp_path / "model").read_bytes() == NEW


def test_another_name_of_the_old_file_keeps_the_old_content(old: Path, tmp_path: Path) -> None:
    """The new content is a new file: whoever has the old one open, or by another name, is not disturbed."""
    os.link(old, tmp_path / "backup")
    with open(old, "rb") as reader:
        durable.write(old, NEW)
        assert reader.read() == OLD
    assert (tmp_path / "backup").read_bytes() == OLD


@pytest.mark.parametrize(("umask", "new_mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_permissions_are_those_of_any_new_file_and_an_old_file_keeps_its_own(
    old: Path, tmp_path: Path, umask: int, new_mode: int
) -> None:
    before = os.umask(umask)
    try:
        durable.write(tmp_path / "new", NEW)
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == new_mode
        for mode in (0o600, 0o640, 0o666, 0o755, 0o400):
            old.chmod(mode)
            durable.write(old, NEW)
            assert stat.S_IMODE(old.stat().st_mode) == mode
    finally:
        os.umask(before)


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_bytes(OLD)
    return folder / "file" / "model"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def link(folder: Path, target: str) -> Path:
    (folder / "link").symlink_to(target)
    return folder / "link"


PLACES: dict[str, tuple[Callable[[Path, str], str | Path], str]] = {
    "a missing folder": (lambda folder, device: folder / "no" / "model", "its folder does not exist; create it first"),
    "a folder": (lambda folder, device: folder, "it is a folder; name a file in it"),
    "no name": (lambda folder, device: "", "it is a folder; name a file in it"),
    "below a file": (
        lambda folder, device: below_a_file(folder),
        "what should be its folder is a file; choose another folder",
    ),
    "a name too long": (lambda folder, device: folder / ("x" * 300), "its name is too long; choose a shorter one"),
    "a device": (lambda folder, device: device, "it is a device or a pipe; name a file"),
    "a pipe": (lambda folder, device: pipe(folder), "it is a device or a pipe; name a file"),
    "a link to a device": (link, "it is a device or a pipe; name a file"),
    "a link to itself": (lambda folder, device: link(folder, "link"), "Too many levels of symbolic links"),
    "a kernel's folder": (lambda folder, device: "/proc/model", "its folder"),
    "a name with no character": (lambda folder, device: "mo\0del", "no file can have that name"),
    "a name with half a character": (lambda folder, device: "mo\ud800del", "no file can have that name"),
}

ASK: dict[str, Callable[[Any], None]] = {
    "write": lambda path: durable.write(path, NEW),
    "check": lambda path: durable.check_writable(path, force=False),
    "check with force": lambda path: durable.check_writable(path, force=True),
}


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path, device: str, name: str, ask: str) -> None:
    make, reason = PLACES[name]
    path = make(tmp_path, device)
    kept = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputPathError) as caught:
        ASK[ask](path)
    message = str(caught.value)
    assert message.startswith(f"{path!r} cannot be" if "character" in name else f"{path} cannot be written: ")
    assert reason in message
    assert "\n" not in message
    assert sorted(tmp_path.rglob("*")) == kept


@pytest.mark.skipif(ROOT, reason="permissions do not hold the superuser back")
@pytest.mark.parametrize("ask", ASK)
def test_a_folder_that_is_not_writable(tmp_path: Path, ask: str) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputPathError, match="its folder is not writable; choose another folder"):
            ASK[ask](tmp_path / "model")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    "path", [None, 3, 1.5, b"model", ["model"], np.zeros((2, 2))], ids=lambda path: type(path).__name__
)
def test_what_is_no_path_is_refused(path: Any) -> None:
    """A number would be taken for a file that is open already."""
    for refuse in (lambda: durable.write(path, NEW), lambda: durable.check_writable(path, force=True)):
        with pytest.raises(OutputPathError) as caught:
            refuse()
        kind = type(path).__name__
        assert str(caught.value) == f"the path of a file to write is text or a pathlib.Path, not {kind}"


# ---- Asked before the work


def test_a_free_path_is_writable_and_stays_free(tmp_path: Path) -> None:
    durable.check_writable(tmp_path / "new", force=False)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_refused_without_force_and_not_touched_with_it(old: Path) -> None:
    with pytest.raises(OutputPathError, match="exists; force=True overwrites it, or choose another name"):
        durable.check_writable(old, force=False)
    before = old.stat()
    durable.check_writable(old, force=True)
    after = old.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    assert list(old.parent.iterdir()) == [old]


def test_a_write_protected_file_is_refused_even_with_force(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old.chmod(0o444)
    if ROOT:  # whom no permission holds back: asked as the kernel would answer anybody else
        monkeypatch.setattr(os, "access", lambda path, mode: bool(mode & ~os.W_OK))
    with pytest.raises(OutputPathError, match="it is write-protected; choose another name"):
        durable.check_writable(old, force=True)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EROFS, "its disk is read-only"),
        (errno.EACCES, "its folder is not writable"),
        (errno.ENOSPC, "there is no space left on its disk"),
        (errno.EDQUOT, "the disk quota is used up"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_takes_no_file_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, force: bool
) -> None:
    def failing(*args: Any) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, "open", failing)
        with pytest.raises(OutputPathError, match=reason):
            durable.check_writable(tmp_path / "model", force=force)
    assert list(tmp_path.iterdir()) == []


# ---- The first free name


def test_the_first_free_name(tmp_path: Path) -> None:
    wanted = tmp_path / "digits.safetensors"
    assert durable.free_name(wanted) == wanted
    for following in ("digits-2.safetensors", "digits-3.safetensors"):
        durable.free_name(wanted).touch()
        assert durable.free_name(str(wanted)) == tmp_path / following
    (tmp_path / "digits-2.safetensors").unlink()
    assert durable.free_name(wanted) == tmp_path / "digits-2.safetensors"


def test_a_link_to_nothing_and_a_folder_take_their_names(tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to("nothing")
    (tmp_path / "model-2").mkdir()
    assert durable.free_name(tmp_path / "model") == tmp_path / "model-3"
