"""Paths such as /dev/stdout and /dev/fd/3, which stand for a file that is open already."""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Descriptor", "descriptor", "is_standard_output"]

_FOLDER = re.compile(r"/dev/fd|/proc/(\d+)(?:/task/\d+)?/fd")

_LINKS_AT_MOST = 40
"""The number of symbolic links that Linux follows in one path."""


class Descriptor:
    """An open file of this process, or of another one.

    Attributes:
        path: Its path, by which the file can be opened a second time.
        number: Its number in this process; None: it belongs to another process.
    """

    def __init__(self, path: Path, number: int | None) -> None:
        self.path = path
        self.number = number

    def open(self) -> int:
        """Return a new descriptor for the file, which shares the position and the append mode of an own one.

        Opening the path instead would begin at the file's first byte, or empty the file.

        Raises:
            OSError: It is not open, or not open for writing.
        """
        if self.number is None:
            return os.open(self.path, os.O_WRONLY | os.O_APPEND)
        if not _is_inherited_for_writing(self.number):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return os.dup(self.number)


def descriptor(path: Path) -> Descriptor | None:
    """Return the open file that a path stands for, directly or by symbolic links; None: it does not stand for one."""
    for _ in range(_LINKS_AT_MOST):
        folder = _FOLDER.fullmatch(os.path.realpath(path.parent))
        if folder and path.name.isdecimal():
            is_own = folder[1] in (None, str(os.getpid()))
            return Descriptor(path, int(path.name) if is_own else None)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def is_standard_output(path: Path | None) -> bool:
    """Return whether a path stands for the standard output of this process, as None does."""
    if path is None:
        return True
    opened = descriptor(path)
    return opened is not None and opened.number == 1


def _is_inherited_for_writing(number: int) -> bool:
    """Return whether a number is open for writing, and was so already when this process began.

    A number that was closed may be a socket of this process by now. Python lets no file that it opens outlive an exec,
    and an inherited file has outlived one.

    Raises:
        OSError: It is not open.
    """
    if sys.platform == "win32":
        return True  # pragma: no cover - no test runs on Windows, which has no such paths
    if fcntl.fcntl(number, fcntl.F_GETFD) & fcntl.FD_CLOEXEC:
        return False
    return fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
