"""Writing a file so that at every instant, crash or not, its name holds the whole old content or the whole new.

A new file in the same folder is written and synced, then renamed over the old one, and the folder is synced so that the
renaming itself survives a loss of power. Nothing else in Backlit opens a user's file for writing.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
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


def write(path: StrPath, content: bytes | Iterable[bytes]) -> None:
    """Makes ``content``, whole or in chunks, what the file holds; a failure leaves the old file as it was.

    A link is followed: the file it points to is replaced. The permissions of an old file are kept.

    Raises:
        OutputPathError: the folder is missing or not writable, the disk is full, the path is a folder or a device.
    """
    chunks = (content,) if isinstance(content, bytes) else content
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
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
    except OSError as failure:
        raise _explained(path, failure) from None
    try:
        _sync_folder(target.parent)
    except OSError as failure:
        raise OutputPathError(
            f"{path} is written, but syncing its folder failed ({failure.strerror}): a loss of power now may undo it"
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
        raise _explained(path, failure) from None


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
    return target.with_name(f".backlit-{secrets.token_hex(8)}.tmp")


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


def _explained(path: StrPath, failure: OSError) -> OutputPathError:
    if isinstance(failure, OutputPathError):
        return failure
    reason = _REASONS.get(failure.errno or 0) or failure.strerror or str(failure)
    return OutputPathError(f"{path} cannot be written: {reason}")
