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
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
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
    with pytest.raises(OutputPathError, match=r"is written, but syncing its folder failed \(the disk is on fire\)"):
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
        assert all(re.fullmatch(r"\.backlit-[0-9a-f]{16}\.tmp", p.name) for p in left)
        for temporary in left:
            temporary.unlink()
    assert content[0] != 0  # the writer did write


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


PLACES: dict[str, tuple[Callable[[Path], str | Path], str]] = {
    "a missing folder": (lambda folder: folder / "no" / "model", "its folder does not exist; create it first"),
    "a folder": (lambda folder: folder, "it is a folder; name a file in it"),
    "no name": (lambda folder: "", "it is a folder; name a file in it"),
    "below a file": (below_a_file, "what should be its folder is a file; choose another folder"),
    "a name too long": (lambda folder: folder / ("x" * 300), "its name is too long; choose a shorter one"),
    "a device": (lambda folder: os.devnull, "it is a device or a pipe; name a file"),
    "a pipe": (pipe, "it is a device or a pipe; name a file"),
    "a link to a device": (lambda folder: link(folder, os.devnull), "it is a device or a pipe; name a file"),
    "a link to itself": (lambda folder: link(folder, "link"), "Too many levels of symbolic links"),
    "a kernel's folder": (lambda folder: "/proc/model", "its folder"),
    "a name with no character": (lambda folder: "mo\0del", "no file can have that name"),
    "a name with half a character": (lambda folder: "mo\ud800del", "no file can have that name"),
}

ASK: dict[str, Callable[[Any], None]] = {
    "write": lambda path: durable.write(path, NEW),
    "check": lambda path: durable.check_writable(path, force=False),
    "check with force": lambda path: durable.check_writable(path, force=True),
}


@pytest.mark.parametrize("ask", ASK)
@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path, name: str, ask: str) -> None:
    make, reason = PLACES[name]
    path = make(tmp_path)
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


# ---- Asked before the work


def test_a_free_path_is_writable_and_stays_free(tmp_path: Path) -> None:
    durable.check_writable(tmp_path / "new", force=False)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_refused_without_force_and_not_touched_with_it(old: Path) -> None:
    with pytest.raises(OutputPathError, match="exists; --force overwrites it, or choose another name"):
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


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_takes_no_file_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, force: bool
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "open", fails(number))
        with pytest.raises(OutputPathError, match=REASONS[number]):
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
