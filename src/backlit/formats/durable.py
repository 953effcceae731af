"""Writing a file so that at every instant, crash or not, its name holds the whole old content or the whole new.

A new file in the same folder is written and synced, then renamed over the old one, and the folder is synced so that the
renaming itself survives a loss of power. Nothing else in Backlit opens a user's file for writing.

Of a file written again and again the last few can be kept: FILE is the newest, FILE.1 the one before it, and so on.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from io import BufferedWriter
from pathlib import Path

from backlit.errors import OutputPathError

StrPath = str | os.PathLike[str]

_REASONS = {
    errno.ENOSPC: "there is no space left on its disk; free some, or choose another folder",
    errno.EDQUOT: "the disk quota is used up; free some space, or choose another folder",
    errno.EFBIG: "it is larger than its disk or a limit allows; choose another folder",
    errno.EROFS: "its disk is read-only; choose another folder",
    errno.EACCES: "its folder is not writable; choose another folder",
    errno.EPERM: "its folder is not writable; choose another folder",
    errno.ENOENT: "its folder does not exist; create it first",
    errno.ENOTDIR: "what should be its folder is a file; choose another folder",
    errno.EISDIR: "it is a folder; name a file in it",
    errno.ENAMETOOLONG: "its name is too long; choose a shorter one",
}


NO_SECOND_NAMES = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
"""What a disk says on which a file has one name only."""


def write(path: StrPath, content: bytes | Iterable[bytes], *, keep: int = 1) -> None:
    """Makes ``content``, whole or in chunks, what the file holds; a failure leaves the old file as it was.

    A link is followed: the file it points to is replaced. The permissions of an old file are kept. With ``keep`` above
    1, what the file held becomes FILE.1, what that held FILE.2, up to so many in all.

    Raises:
        OutputPathError: the folder is missing or not writable, the disk is full, the path is a folder or a device.
    """
    chunks = (content,) if isinstance(content, bytes) else content
    before = None
    try:
        target, old_mode = _look_at(path)
        temporary = _temporary_beside(target)
        try:
            with _create(temporary) as stream:
                if old_mode is not None:
                    with suppress(OSError):  # a disk that knows no permissions
                        os.chmod(temporary, old_mode & 0o777)
                for chunk in chunks:
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
            if keep > 1 and old_mode is not None:
                before = _second_name(target, keep)
            os.replace(temporary, target)
        except BaseException:
            for left in filter(None, (temporary, before)):
                with suppress(OSError):
                    os.unlink(left)
            raise
    except OSError as failure:
        raise explained(path, failure) from None
    try:
        if before is not None:
            _step_back(target, keep)
            os.replace(before, _older(target, 1))
        _sync_folder(target.parent)
    except OSError as failure:
        if before is not None:
            with suppress(OSError):
                os.unlink(before)
        raise OutputPathError(
            f"{path} is written, but what it held could not be kept, or its folder not synced ({failure.strerror}): a "
            "loss of power now may undo it"
        ) from None


def check_writable(path: StrPath, *, force: bool) -> None:
    """Whether :func:`write` could write there, asked before the work that makes the content; leaves nothing behind.

    Raises:
        OutputPathError: the file exists and ``force`` is not set, or it could not be written.
    """
    try:
        target, old_mode = _look_at(path)
        if old_mode is not None and not force:
            raise OutputPathError(f"{path} exists; force=True overwrites it, or choose another name")
        if old_mode is not None and not os.access(target, os.W_OK):
            raise OutputPathError(f"{path} cannot be written: it is write-protected; choose another name")
        probe = _temporary_beside(target)
        try:
            _create(probe).close()
        finally:
            with suppress(OSError):
                os.unlink(probe)
    except OSError as failure:
        raise explained(path, failure) from None


def kept(path: StrPath) -> dict[int, Path]:
    """FILE under 0, FILE.1 under 1, …, those that are there: the newest first."""
    target = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
    older = re.compile(re.escape(target.name) + r"\.([1-9][0-9]?)")
    found = {0: target} if target.is_file() else {}
    with suppress(OSError):
        for name in os.listdir(target.parent):
            if (match := older.fullmatch(name)) and target.with_name(name).is_file():
                found[int(match[1])] = target.with_name(name)
    return dict(sorted(found.items()))


def clear_leftovers(path: StrPath) -> None:
    """Removes what writers of this file left that were killed at it. Only for who knows that no writer is at work."""
    target = Path(os.path.realpath(path))
    leftover = re.compile(rf"\.backlit-{name_digest(target)}[0-9a-f]{{16}}\.tmp")
    with suppress(OSError):
        for name in os.listdir(target.parent):
            if leftover.fullmatch(name):
                with suppress(OSError):
                    os.unlink(target.with_name(name))


def name_digest(target: Path) -> str:
    """Eight digits that stand for a file's name in the names of the files that belong to it, however long it is."""
    return blake2b(os.fsencode(target.name), digest_size=4).hexdigest()


def free_name(path: StrPath) -> Path:
    """The path itself where nothing has that name; else the first free one of name-2, name-3, …

    >>> free_name("no-such-file.safetensors").name
    'no-such-file.safetensors'
    """
    wanted = candidate = Path(path)
    number = 1
    while os.path.lexists(candidate):
        number += 1
        candidate = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
    return candidate


def _look_at(path: StrPath) -> tuple[Path, int | None]:
    """Where the path leads, links followed, and the mode of the file there; None where there is none.

    Anything but a file is refused: renaming over a device would put a file in its place.
    """
    if not isinstance(path, (str, os.PathLike)):  # a number would be a file that is open already
        raise OutputPathError(f"the path of a file to write is text or a pathlib.Path, not {type(path).__name__}")
    try:
        target = Path(os.path.realpath(path))
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return target, None
    except ValueError as failure:
        raise OutputPathError(f"{path!r} cannot be written: no file can have that name ({failure})") from None
    if stat.S_ISDIR(mode):
        raise OutputPathError(f"{path} cannot be written: {_REASONS[errno.EISDIR]}")
    if not stat.S_ISREG(mode):
        raise OutputPathError(f"{path} cannot be written: it is a device or a pipe; name a file")
    return target, mode


def _temporary_beside(target: Path) -> Path:
    """In the same folder, for a renaming cannot cross disks, and of a name nothing else has."""
    return target.with_name(f".backlit-{name_digest(target)}{secrets.token_hex(8)}.tmp")


def _older(target: Path, age: int) -> Path:
    return target.with_name(f"{target.name}.{age}")


def _second_name(target: Path, keep: int) -> Path | None:
    """Another name for what the file holds, so that it outlives the new content; it becomes FILE.1 in the end.

    On a disk where a file has one name only it has to be renamed to FILE.1 at once: for a moment FILE is missing then.
    """
    second = _temporary_beside(target)
    try:
        os.link(target, second)
    except OSError as failure:
        if failure.errno not in NO_SECOND_NAMES:
            raise
        _step_back(target, keep)
        os.replace(target, _older(target, 1))
        return None
    return second


def _step_back(target: Path, keep: int) -> None:
    """FILE.1 becomes FILE.2, and so on."""
    for age in range(keep - 2, 0, -1):
        with suppress(FileNotFoundError):
            os.replace(_older(target, age), _older(target, age + 1))


def _create(path: Path) -> BufferedWriter:
    """A file that did not exist, with the permissions the user's umask gives; ``tempfile`` would make it private."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # there a folder cannot be opened, and the disk's journal holds the renaming
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as failure:
        if failure.errno not in (errno.EINVAL, errno.ENOTSUP):  # a network disk that has nothing to sync
            raise
    finally:
        os.close(handle)


def explained(path: StrPath, failure: OSError) -> OutputPathError:
    """The error of a file that cannot be written, in words that say what to do."""
    if isinstance(failure, OutputPathError):
        return failure
    reason = _REASONS.get(failure.errno or 0) or failure.strerror or str(failure)
    return OutputPathError(f"{path} cannot be written: {reason}")
