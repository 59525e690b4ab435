"""Where bytes go: standard output, a device, or a file."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from aiotofupilot.cli.failures import UsageError

from .descriptors import descriptor
from .files import PartFile
from .streams import Stream
from .terminal import is_pipe
from .unbuffered import raw

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from contextlib import AbstractAsyncContextManager

    from .files import Remake
    from .journal import Header, Mark

__all__ = ["Output", "destination"]


class Output(Protocol):
    """Takes bytes, in the order in which they are written."""

    mark: Mark
    """How much is written, by earlier runs too."""
    torn: int
    """How many bytes of a write that failed or was cancelled are in the output all the same."""
    is_terminal: bool
    """Whether a terminal shows the bytes."""

    async def write(self, data: bytes, *, items: int, checkpoint: str | None) -> None:
        """Pass some bytes on at once.

        Args:
            data: The bytes.
            items: How many items are written then, in all.
            checkpoint: Where the listing resumes after them.

        Raises:
            BrokenPipeError: Nobody reads any more.
            OSError: There is no room for them.
        """
        ...


def destination(
    path: Path | None,
    header: Header | None = None,
    *,
    key: str | None = None,
    resume: bool = False,
    remake: Remake | None = None,
) -> AbstractAsyncContextManager[Output]:
    """Return where a listing goes, to be entered for as long as it is written.

    Args:
        path: A file, whose place is taken when the block ends well, and left alone otherwise; or a device, a named
            pipe or an open file such as /dev/stdout, which is written into; None: standard output.
        header: What is written, if another run could go on with it; None: it could not.
        key: Who asks for it. Only a digest is kept, beside the file; None: it does not matter.
        resume: Whether to go on with the file that another run has left.
        remake: Makes the file of what is written. None: what is written is the file.

    Raises:
        UsageError: It cannot be written, or not gone on with.
    """
    if path is None:
        return _standard_output()
    with _unwritable_is_wrong_usage(path):
        opened, is_file = descriptor(path), _is_file(path)
        if opened or not is_file:
            if resume or remake:
                raise UsageError(f"{'--resume' if resume else 'parquet'} needs a file, and {path} is a device")
            return _device(path, opened.open if opened else lambda: os.open(path, os.O_WRONLY | _NOCTTY))
        return _file(Path(os.path.realpath(path)), header, key=key, resume=resume, remake=remake)


_NOCTTY = getattr(os, "O_NOCTTY", 0)
"""A terminal that is written into does not become the one whose Ctrl-C ends this process. Windows has no such flag."""


def _is_file(path: Path) -> bool:
    """Return whether a path leads to a file, or to nothing yet.

    Raises:
        OSError: It leads to a folder, or round in circles.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return True
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return path.is_file()


@asynccontextmanager
async def _standard_output() -> AsyncGenerator[Output]:
    if sys.stdout is None:
        raise UsageError("standard output is closed: use --output FILE")
    with _raising_when_reader_leaves(sys.stdout):
        yield Stream(raw(sys.stdout))


@asynccontextmanager
async def _device(path: Path, open_it: Callable[[], int]) -> AsyncGenerator[Output]:
    with _unwritable_is_wrong_usage(path):
        number = await asyncio.to_thread(open_it)  # a named pipe opens when somebody reads it
        stream = open(number, "wb", buffering=0)  # noqa: ASYNC230, PTH123, SIM115 - it is open, and is closed below
    with stream, _raising_when_reader_leaves(stream):
        yield Stream(stream)


@asynccontextmanager
async def _file(
    path: Path, header: Header | None, *, key: str | None, resume: bool, remake: Remake | None
) -> AsyncGenerator[Output]:
    with _unwritable_is_wrong_usage(path):
        file = PartFile(path, header, key=key, resume=resume)
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


@contextmanager
def _unwritable_is_wrong_usage(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FAILED:
            raise
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def _raising_when_reader_leaves(stream: IO[Any]) -> Generator[None]:
    """Let a block end with a BrokenPipeError as soon as nobody reads its pipe, not only when it writes again."""
    if sys.platform == "win32" or not is_pipe(stream):
        yield
        return
    number = stream.fileno()
    loop, task, has_left = asyncio.get_running_loop(), asyncio.current_task(), False
    assert task is not None  # noqa: S101 - for the type checker: this runs in a coroutine

    def leave() -> None:
        nonlocal has_left
        has_left = True
        loop.remove_reader(number)
        task.cancel()

    loop.add_reader(number, leave)  # a pipe's writing end becomes readable when its other end is closed
    try:
        yield
    except asyncio.CancelledError:
        if not has_left:
            raise
        task.uncancel()
        raise BrokenPipeError from None
    finally:
        loop.remove_reader(number)
