"""A file's name holds the whole old content or the whole new, whatever happens to the writer."""

import errno
import os
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backlit.errors import OutputPathError
from backlit.formats import durable

OLD, NEW = b"the old content", b"the new content, longer than the old"
LARGER_THAN_ANY_BUFFER = bytes(range(256)) * 4096  # 1 MiB


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(OLD)
    return path


def run(code: str, *args: object, prefix: tuple[str, ...] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


# ---- What is written


@pytest.mark.parametrize(
    "content", [NEW, [NEW[:4], b"", NEW[4:]], (NEW[i : i + 1] for i in range(len(NEW))), [memoryview(NEW)]]
)
def test_content_whole_or_in_chunks_becomes_the_file(old: Path, content: Any) -> None:
    durable.write(old, content)
    assert old.read_bytes() == NEW
    assert list(old.parent.iterdir()) == [old]


def test_a_new_file_and_text_for_a_path(tmp_path: Path) -> None:
    durable.write(str(tmp_path / "new"), LARGER_THAN_ANY_BUFFER)
    assert (tmp_path / "new").read_bytes() == LARGER_THAN_ANY_BUFFER
    assert os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize("nothing", [b"", []])
def test_nothing_at_all_can_be_written(old: Path, nothing: Any) -> None:
    durable.write(old, nothing)
    assert old.read_bytes() == b""


def test_a_relative_path_is_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    durable.check_writable("new", force=False)
    durable.write("new", NEW)
    assert (tmp_path / "new").read_bytes() == NEW


# ---- In which order


def test_the_file_is_whole_and_synced_before_it_is_renamed_and_the_folder_is_synced_after(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(handle: int) -> None:
        of = os.fstat(handle)
        calls.append(("fsync", "folder" if stat.S_ISDIR(of.st_mode) else of.st_size, old.read_bytes()))
        fsync(handle)

    def watched_replace(source: Path, target: Path) -> None:
        calls.append(("replace", Path(source).read_bytes(), Path(source).parent == old.parent, Path(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    durable.write(old, NEW)
    assert calls == [
        ("fsync", len(NEW), OLD),  # nothing is left in a buffer, and the name still holds the old content
        ("replace", NEW, True, old),
        ("fsync", "folder", NEW),
    ]


def test_the_kernel_sees_the_same_order(old: Path, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    log = tmp_path.parent / f"{tmp_path.name}.strace"
    kinds = "write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,ftruncate,truncate"
    code = "import sys; from backlit.formats import durable; durable.write(sys.argv[1], [b'half ', b'and half'])"
    done = run(code, old, prefix=(strace, "-f", "-y", "-e", f"trace={kinds}", "-o", str(log)))
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    assert old.read_bytes() == b"half and half"
    here = re.escape(str(tmp_path))
    seen = []
    for line in log.read_text().splitlines():
        match line.split("(")[0].split()[-1]:
            case "write" | "pwrite64" | "writev" if re.search(rf"<{here}/\.backlit-\w+\.tmp>", line):
                seen.append("write the temporary")
            case "fsync" | "fdatasync" if re.search(rf"<{here}/\.backlit-\w+\.tmp>", line):
                seen.append("sync the temporary")
            case "fsync" if re.search(rf"<{here}>", line):
                seen.append("sync the folder")
            case "rename" | "renameat" | "renameat2" if re.search(rf'"{here}/\.backlit-\w+\.tmp".*"{old}"', line):
                seen.append("rename")
            case _ if str(tmp_path) in line:
                seen.append(line)  # anything else that is done in the folder is one thing too many
    assert seen == ["write the temporary", "sync the temporary", "rename", "sync the folder"]


# ---- What can fail


def fails(number: int) -> Callable[..., Any]:
    def failing(*args: Any, **options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return failing


def fails_for_files(number: int) -> Callable[[int], None]:
    fsync = os.fsync

    def failing(handle: int) -> None:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(handle)

    return failing


REASONS = {
    errno.ENOSPC: "there is no space left on its disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "it is larger than its disk or a limit allows",
    errno.EROFS: "its disk is read-only",
    errno.EACCES: "its folder is not writable",
    errno.EPERM: "its folder is not writable",
    errno.EIO: "Input/output error",
}


@pytest.mark.parametrize("number", REASONS, ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_no_temporary(
    old: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, call, fails_for_files(number) if call == "fsync" else fails(number))
        with pytest.raises(OutputPathError) as caught:
            durable.write(old, NEW)
    assert str(caught.value).startswith(f"{old} cannot be written: {REASONS[number]}")
    assert "\n" not in str(caught.value)
    assert old.read_bytes() == OLD
    assert list(old.parent.iterdir()) == [old]


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("failure", [KeyboardInterrupt, BrokenError, MemoryError, SystemExit])
def test_whatever_stops_the_content_passes_through_and_leaves_the_old_file(
    old: Path, failure: type[BaseException]
) -> None:
    def content() -> Iterator[bytes]:
        yield LARGER_THAN_ANY_BUFFER
        raise failure

    with pytest.raises(failure):
        durable.write(old, content())
    assert old.read_bytes() == OLD
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_an_interrupt_while_it_is_synced_or_renamed(old: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(os, call, interrupted)
        with pytest.raises(KeyboardInterrupt):
            durable.write(old, NEW)
    assert old.read_bytes() == OLD
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("amount", [NEW, [LARGER_THAN_ANY_BUFFER, NEW]], ids=["at the end", "in the middle"])
def test_a_full_disk(old: Path, monkeypatch: pytest.MonkeyPatch, amount: Any) -> None:
    """The device that is always full stands in for the disk: its errors are the kernel's own."""
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    created: list[Path] = []

    def on_a_full_disk(path: Path) -> Any:
        path.write_bytes(b"")  # the temporary is there, and must be gone in the end
        created.append(path)
        return open("/dev/full", "wb")

    monkeypatch.setattr(durable, "_create", on_a_full_disk)
    with pytest.raises(OutputPathError, match="there is no space left on its disk; free some, or choose another"):
        durable.write(old, amount)
    assert len(created) == 1
    assert old.read_bytes() == OLD
    assert list(old.parent.iterdir()) == [old]


def test_a_limit_on_the_size_of_files_is_a_failure_like_any_other(old: Path) -> None:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    code = """
import sys
from backlit.errors import OutputPathError
from backlit.formats import durable
try:
    durable.write(sys.argv[1], [bytes(1000)] * 1000)
except OutputPathError as error:
    print(error)
"""
    done = run(code, old, preexec_fn=limit, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.stdout == (
        f"{old} cannot be written: it is larger than its disk or a limit allows; choose another folder\n"
    ), done.stderr
    assert old.read_bytes() == OLD
    assert list(old.parent.iterdir()) == [old]


def test_when_only_the_folder_cannot_be_synced_the_new_file_is_there_and_the_error_says_so(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def failing(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, "the disk is on fire")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OutputPathError, match=r"is written, but .* its folder not synced \(the disk is on fire\)"):
        durable.write(old, NEW)
    assert old.read_bytes() == NEW
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_disk_whose_folders_cannot_be_synced_at_all_is_no_failure(
    old: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fsync = os.fsync
    asked: list[bool] = []

    def failing(handle: int) -> None:
        asked.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        if asked[-1]:
            raise OSError(number, os.strerror(number))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", failing)
    durable.write(old, NEW)
    assert asked == [False, True]
    assert old.read_bytes() == NEW


def test_no_handle_is_left_open(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))
    durable.write(old, NEW)
    durable.check_writable(old, force=True)
    for call in ("fsync", "replace"):
        with monkeypatch.context() as broken:
            broken.setattr(os, call, fails(errno.EIO))
            with pytest.raises(OutputPathError):
                durable.write(old, NEW)
    assert len(os.listdir("/proc/self/fd")) == before


KILLED = """
import sys, os
from backlit.formats import durable
path, size = sys.argv[1], 1 << 20
print("ready", flush=True)
version = 1
while True:
    durable.write(path, [bytes([version % 251]) * (size // 8)] * 8)
    version += 1
"""


@pytest.mark.parametrize("rounds", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_a_writer_killed_at_any_moment_leaves_the_old_file_or_the_new_one(tmp_path: Path, rounds: int) -> None:
    """What is at the name is always 1 MiB of one and the same byte: one version, whole."""
    path = tmp_path / "model.safetensors"
    size = 1 << 20
    path.write_bytes(bytes(size))
    for number in range(rounds):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            if number == 0:  # in one round at least, it is killed at work
                while path.read_bytes() == bytes(size):
                    assert writer.poll() is None
            with pytest.raises(subprocess.TimeoutExpired):  # any moment is a fair one
                writer.wait(timeout=0.001 + 0.007 * (number % 20))
            writer.kill()
            assert writer.wait(timeout=30) == -signal.SIGKILL
        content = path.read_bytes()
        assert len(content) == size
        assert content == content[:1] * size
        left = [p for p in tmp_path.iterdir() if p != path]
        assert len(left) <= 1  # a kill cannot clean up; what it leaves is named so that nobody takes it for a model
        assert all(re.fullmatch(r"\.backlit-[0-9a-f]{24}\.tmp", p.name) for p in left)
        for temporary in left:
            temporary.unlink()
    assert content[0] != 0  # the writer did write
