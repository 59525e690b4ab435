"""Opens what is to become a file, where other processes may be about the same, and others may write to the folder."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from contextlib import contextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Generator
    from io import FileIO, RawIOBase
    from pathlib import Path


@contextmanager
def naming(path: Path | str) -> Generator[None]:
    """Let the errors of a block name a file. Those of writing to a file that is open do not."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_all(stream: RawIOBase, data: bytes | bytearray) -> None:
    """Write all of the data, of which the stream may take a part. If it would block, wait until it is writable."""
    rest = memoryview(data)
    while rest:
        written = stream.write(rest)
        if written is None:
            select.select([], [stream], [])
        else:
            rest = rest[written:]


def opened(path: Path, flags: int = os.O_CREAT) -> FileIO:
    """Open a file, to read it and to add to it. The caller closes it.

    A symbolic link is not followed. A named pipe could be waited for without end, so it is refused with an `OSError`.
    """
    flags |= os.O_RDWR | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = open(os.open(path, flags, 0o666), "r+b", buffering=0)  # noqa: PTH123, SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return file


def locked(path: Path) -> tuple[FileIO, Path] | None:
    """Open a file that no other process writes to until it is closed; on Windows, nothing keeps others off.

    Returns:
        The file, and its path. On a file system without locks, such as some network shares, this is a new file with a
        longer name. Another process neither writes to it nor completes it later. None: another process has the file.
    """
    file = opened(path)
    if sys.platform == "win32":
        return file, path
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError:
        with file:
            if not os.fstat(file.fileno()).st_size:  # it was made right now
                path.unlink(missing_ok=True)
        own = path.with_name(f"{path.name}.{token_hex(2)}")
        return opened(own, os.O_CREAT | os.O_EXCL), own
    try:
        is_ours = os.path.samestat(path.lstat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        is_ours = False
    if not is_ours:  # another process has put it in its place, or removed it, since it was opened
        file.close()
        return None
    return file, path
