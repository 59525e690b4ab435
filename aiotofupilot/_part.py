"""Opens a file that is being written. Other processes may write the same file, or to its folder."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Generator
    from io import FileIO, RawIOBase
    from pathlib import Path
    from typing import Self


@contextmanager
def naming(path: Path | str) -> Generator[None]:
    """Add the name of a file to the errors of a block, because errors of writing to an open file lack it."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_all(stream: RawIOBase, data: bytes | bytearray) -> None:
    """Write all of the data. If the stream would block, wait until it is writable."""
    rest = memoryview(data)
    while rest:
        written = stream.write(rest)
        if written is None:
            select.select([], [stream], [])
        else:
            rest = rest[written:]


def opened(path: Path, flags: int = os.O_CREAT) -> FileIO:
    """Open a file to read and append. The caller closes it.

    A symbolic link is not followed. A named pipe could block forever, so it is refused with an `OSError`.
    """
    flags |= os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = open(os.open(path, flags, 0o666), "r+b", buffering=0)  # noqa: PTH123, SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


class Part:
    """FILE.part, which replaces FILE when it is complete. It is closed by `remove`, or by closing its file.

    Until then no other process writes to it, except on Windows and on file systems without locks, such as some network
    shares, where nothing prevents that.
    """

    def __init__(self, target: Path, file: FileIO, path: Path) -> None:
        self._target = target
        self._is_placed = False
        self.file: FileIO = file
        self.path: Path = path

    @classmethod
    def of(cls, target: Path) -> Self | None:
        """Open the part of a file. Return None if another process has it open."""
        path = target.with_name(f"{target.name}.part")
        file = opened(path)
        try:
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except OSError:  # the file system has no locks
            pass
        try:
            is_ours = os.path.samestat(path.lstat(), os.fstat(file.fileno()))
        except FileNotFoundError:
            is_ours = False
        if not is_ours:  # another process has placed or removed it after it was opened here
            file.close()
            return None
        return cls(target, file, path)

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def write(self, data: bytes) -> None:
        with naming(self.path):
            write_all(self.file, data)

    def truncate(self, size: int) -> None:
        with naming(self.path):
            self.file.truncate(size)

    def place(self, made: Path | None = None) -> None:
        """Replace the file with this part, or with a file made from it. The part still has to be closed."""
        with naming(self.path):
            os.fsync(self.file.fileno())
        self._close_on_windows()
        (made or self.path).replace(self._target)
        self._is_placed = made is None

    def remove(self, *beside: Path) -> None:
        """Close the part, and remove it unless it has replaced the file. Also remove the files ``beside`` it."""
        self._close_on_windows()
        try:
            for path in (*[self.path] * (not self._is_placed), *beside):
                path.unlink(missing_ok=True)
        finally:
            self.file.close()

    def _close_on_windows(self) -> None:
        """Close the file on Windows, where an open file can be neither moved nor removed. Elsewhere, keep its lock."""
        if sys.platform == "win32":
            self.file.close()
