"""One writer of a file at a time: a lock that the kernel takes back when its holder ends, however it ends.

The lock is held on a file of its own beside the one it protects, ``.backlit-….lock``, which is removed with it. What a
killed holder leaves of it is a file that nobody holds: the next one takes it, so there is nothing to clean up by hand.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

from backlit.errors import OutputPathError
from backlit.formats.durable import StrPath, explained, name_digest

NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
"""What a disk says that knows no locks: there, two writers are not told from one."""


class Lock:
    """The right to write a file; it is no longer held when this process ends."""

    def __init__(self, path: StrPath) -> None:
        target = Path(os.path.realpath(path))
        self._path, self._file = path, target.with_name(f".backlit-{name_digest(target)}.lock")
        self._handle: int | None = None

    def hold(self) -> None:
        """Takes the lock, or sees that it is still held: a folder may have vanished, and come back, meanwhile.

        Raises:
            OutputPathError: somebody else holds it, or the folder is missing or not writable.
        """
        try:
            while not self._is_held():
                self._close()
                self._handle = _open(self._file)
                if not _try_lock(self._handle):
                    holder = os.read(self._handle, 20).decode("ascii", "replace")
                    self._close()
                    raise OutputPathError(
                        f"{self._path} is being written by another training{f' (process {holder})' if holder else ''}; "
                        "wait for its end, or choose another name"
                    )
                with suppress(OSError):  # one that belongs to another user can be locked, but not written
                    os.ftruncate(self._handle, 0)
                    os.write(self._handle, str(os.getpid()).encode())
        except OSError as failure:
            self._close()
            raise explained(self._path, failure) from None

    def release(self) -> None:
        """Gives it back, and removes its file: while it is held, for afterwards it may be another's."""
        if self._is_held():
            with suppress(OSError):
                os.unlink(self._file)
        self._close()

    def _is_held(self) -> bool:
        """Whether the file that is locked is the one that has the name."""
        if self._handle is None:
            return False
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._handle), os.stat(self._file))
        return False

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _open(file: Path) -> int:
    cloexec = getattr(os, "O_CLOEXEC", 0)
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | cloexec, 0o666)
    except PermissionError:
        return os.open(file, os.O_RDONLY | cloexec)


def _try_lock(handle: int) -> bool:
    """Whether nobody else holds it. Where there are no locks, nobody does."""
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(handle, 1 << 20, os.SEEK_SET)  # what is locked cannot be read there
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
            os.lseek(handle, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as failure:
        return failure.errno in NO_LOCKS
    return True
