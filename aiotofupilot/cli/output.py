"""Where a listing goes: standard output, written plainly, or a file."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .failures import UsageError
from .resume import PartFile
from .terminal import raw

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from io import RawIOBase

    from .resume import Options, Remake

__all__ = ["Output", "StandardOutput", "output"]

_PIECE = 4096
"""Bytes per write. A pipe that is writable takes this many without blocking: it is Linux's PIPE_BUF."""


class StandardOutput:
    """Standard output. While its reader pauses, other tasks go on, and Ctrl-C is not held up.

    Attributes:
        items: How many items are written, up to the last write that succeeded.
        checkpoint: Where the listing resumes after them; None: at its beginning.
        is_torn: Whether a write that failed or was cancelled has been made in part.
        is_terminal: Whether a terminal shows what is written.

    Raises:
        UsageError: It is closed.
    """

    size = 0
    """Bytes that an earlier run has written: none, because it is not resumed."""

    def __init__(self) -> None:
        if sys.stdout is None:
            raise UsageError("standard output is closed: use --output FILE")
        self.items: int = 0
        self.checkpoint: str | None = None
        self.is_torn: bool = False
        self.is_terminal: bool = sys.stdout.isatty()
        self._stream = raw(sys.stdout)

    async def write(self, data: bytes, *, items: int, checkpoint: str | None) -> None:
        """Write some bytes at once; see `PartFile.write`.

        Raises:
            BrokenPipeError: Nobody reads any more.
            OSError: There is no room for them.
        """
        rest = memoryview(data)
        try:
            while rest:
                # One write of a whole page keeps the pages of several processes apart in a file that all append to.
                size = _PIECE if await _has_room(self._stream) else len(rest)
                rest = rest[self._stream.write(rest[:size]) or 0 :]
        finally:
            self.is_torn = 0 < len(rest) < len(data)
        self.items, self.checkpoint = items, checkpoint


async def _has_room(stream: RawIOBase) -> bool:
    """Wait until a pipe or a terminal is writable; False: it is a file, or another stream that is never waited for."""
    loop, is_writable = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_writer(stream.fileno(), is_writable.set)
    except (OSError, NotImplementedError):  # the latter on Windows
        return False
    try:
        await is_writable.wait()
    finally:
        loop.remove_writer(stream.fileno())
    return True


Output = StandardOutput | PartFile
"""Takes a listing, page by page."""


@asynccontextmanager
async def output(
    path: Path | None,
    options: Options | None = None,
    *,
    key: str | None = None,
    resume: bool = False,
    remake: Remake | None = None,
) -> AsyncGenerator[Output]:
    """Give the output of a listing for as long as it is written.

    Args:
        path: A file, whose place is taken when the block ends well, and left alone otherwise; None: standard output.
        options: What is written, if another run could complete it; None: it could not.
        key: Who asks for it; None: it does not matter.
        resume: Whether to complete what another run has left of the file.
        remake: Makes the file of what is written. None: what is written is the file.

    Raises:
        UsageError: It cannot be written, or not completed.
    """
    if path is None:
        yield StandardOutput()
        return
    try:
        file = PartFile(_target(path), options, key=key, resume=resume)
    except OSError as error:
        if error.errno in _DISK_FAILED:
            raise
        place = path if error.errno == errno.ENOENT else error.filename or path  # it may be about FILE.part
        raise UsageError(f"cannot write {place}: {error.strerror}") from error
    try:
        yield file
        if remake:
            await file.remake(remake)
        file.finish()
    except BaseException:
        file.leave()
        raise


_DISK_FAILED = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""What no other path on the same disk would mend. Windows has no quota by this name."""


def _target(path: Path) -> Path:
    """Return the place that a file is put in: where a path leads that may be a symbolic link.

    Raises:
        UsageError: It leads to a device, a pipe, or an open stream such as /dev/stdout.
        OSError: It leads to a folder, or round in circles.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    folder = os.path.realpath(path.parent)
    is_stream = folder in ("/dev", "/dev/fd") or folder.startswith("/proc/")
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        is_file = True
    if is_stream or not is_file:
        raise UsageError(f"--output names a file, and {path} is not one: leave it out to write to standard output")
    return Path(os.path.realpath(path))
