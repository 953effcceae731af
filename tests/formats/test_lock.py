"""One writer at a time: a lock that ends with its holder, however that ends."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backlit.errors import OutputPathError
from backlit.formats.lock import Lock

fcntl = pytest.importorskip("fcntl", reason="locks are tested as POSIX has them")

HOLDS = """
import sys, time
from backlit.formats.lock import Lock
lock = Lock(sys.argv[1])
lock.hold()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "c")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()


def test_a_second_holder_is_refused_in_one_line_that_names_the_first(
    tmp_path: Path, other: "subprocess.Popen[str]"
) -> None:
    with pytest.raises(OutputPathError) as refused:
        Lock(tmp_path / "c").hold()
    assert str(refused.value) == (
        f"{tmp_path / 'c'} is being written by another training (process {other.pid}); wait for its end, or choose "
        "another name"
    )
    Lock(tmp_path / "d").hold()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
def test_it_ends_with_its_holder_and_nothing_need_be_cleaned_up(
    end: int | None, tmp_path: Path, other: "subprocess.Popen[str]"
) -> None:
    if end is None:
        other.communicate()
    else:
        other.send_signal(end)
    other.wait(timeout=30)
    lock = Lock(tmp_path / "c")
    lock.hold()
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_two_in_one_process_are_two(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "c"), Lock(tmp_path / "c")
    first.hold()
    first.hold()  # it is held already
    with pytest.raises(OutputPathError, match=f"process {os.getpid()}"):
        second.hold()
    first.release()
    second.hold()
    first.release()  # again: it takes nothing from the second
    with pytest.raises(OutputPathError, match="is being written"):
        first.hold()


def test_a_file_removed_between_opening_and_locking_is_not_mistaken_for_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder releases just then: to lock what has no name any more would let a third one in."""
    first, second, third = (Lock(tmp_path / "c") for _ in range(3))
    first.hold()
    flock, rounds = fcntl.flock, []

    def late(handle: int, how: int) -> None:
        if not rounds:
            first.release()
        rounds.append(handle)
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    second.hold()
    assert len(rounds) == 2
    with pytest.raises(OutputPathError, match="is being written"):
        third.hold()


def test_a_folder_that_vanished_and_came_back_is_locked_anew(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    first, second = Lock(folder / "c"), Lock(folder / "c")
    first.hold()
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(OutputPathError, match="its folder does not exist"):
        first.hold()
    folder.mkdir()
    first.hold()
    with pytest.raises(OutputPathError, match="is being written"):
        second.hold()
    folder.rename(tmp_path / "elsewhere too")
    folder.mkdir()
    second.hold()  # it came first this time
    with pytest.raises(OutputPathError, match="is being written"):
        first.hold()


def test_a_disk_without_locks_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*arguments: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    lock = Lock(tmp_path / "c")
    lock.hold()
    lock.release()


def test_no_handle_is_left_open(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))
    first, second = Lock(tmp_path / "c"), Lock(tmp_path / "c")
    for _ in range(3):
        first.hold()
        with pytest.raises(OutputPathError):
            second.hold()
        first.release()
        with pytest.raises(OutputPathError):
            Lock(tmp_path / "missing" / "c").hold()
    assert len(os.listdir("/proc/self/fd")) == before
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_of_any_length_is_locked(tmp_path: Path) -> None:
    lock = Lock(tmp_path / ("c" * 255))
    lock.hold()
    lock.release()
