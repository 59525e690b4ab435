"""Where bytes go: standard output, a device, or a file."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import IO, TYPE_CHECKING, Protocol

from .failures import UsageError
from .files import PartFile
from .journal import Mark
from .terminal import is_pipe

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from .journal import Subject

__all__ = ["Output", "destination"]


class Output(Protocol):
    """Takes bytes, in the order in which they are written."""

    mark: Mark
    """How much is written, by earlier runs too."""

    async def write(self, data: bytes, *, items: int, checkpoint: str | None) -> None:
        """Pass some bytes on at once.

        Args:
            data: The bytes.
            items: How many items are written then, in all.
            checkpoint: Where the listing goes on behind them.

        Raises:
            BrokenPipeError: Nobody reads any more.
            OSError: There is no room for them.
        """
        ...


def destination(
    path: Path | None, subject: Subject | None = None, *, resume: bool = False
) -> AbstractAsyncContextManager[Output]:
    """Return where a listing goes, to be entered for as long as it is written.

    Args:
        path: A file, whose place is taken when the block ends well, and left alone otherwise; or a device or named
            pipe, which is written into; None: standard output.
        subject: What is written, if another run could go on with it; None: it could not.
        resume: Whether to go on with the file that another run has left.

    Raises:
        UsageError: It cannot be written, or not gone on with.
    """
    if path is None:
        return _standard_output()
    with _unwritable_is_wrong_usage(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            if resume:
                raise UsageError(f"--resume needs a file, and {path} is a device")
            return _device(path)
        return _file(path.resolve(), subject, resume=resume)


class _Stream:
    """Writes in a thread: a pipe whose reader pauses, such as a pager, stalls neither requests nor Ctrl-C."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.mark = Mark()

    async def write(self, data: bytes, *, items: int, checkpoint: str | None) -> None:
        await asyncio.to_thread(self._write, data)
        self.mark = Mark(items=items, checkpoint=checkpoint)

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()


@asynccontextmanager
async def _standard_output() -> AsyncGenerator[Output]:
    if sys.stdout is None:
        raise UsageError("standard output is closed: use --output FILE")
    with _raising_when_reader_leaves(sys.stdout.buffer):
        yield _Stream(sys.stdout.buffer)


@asynccontextmanager
async def _device(path: Path) -> AsyncGenerator[Output]:
    with _unwritable_is_wrong_usage(path):
        stream = await asyncio.to_thread(path.open, "wb")  # a named pipe opens when somebody reads it
    with stream, _raising_when_reader_leaves(stream):
        yield _Stream(stream)


@asynccontextmanager
async def _file(path: Path, subject: Subject | None, *, resume: bool) -> AsyncGenerator[Output]:
    with _unwritable_is_wrong_usage(path):
        file = PartFile(path, subject, resume=resume)
    try:
        yield file
        file.finish()
    except BaseException:
        file.leave()
        raise


@contextmanager
def _unwritable_is_wrong_usage(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def _raising_when_reader_leaves(stream: IO[bytes]) -> Generator[None]:
    """Let a block end with a BrokenPipeError as soon as nobody reads its pipe, not only when it writes again."""
    if sys.platform == "win32" or not is_pipe(stream):
        yield
        return
    descriptor = stream.fileno()
    loop, task, has_left = asyncio.get_running_loop(), asyncio.current_task(), False
    assert task is not None  # noqa: S101 - for the type checker: this runs in a coroutine

    def leave() -> None:
        nonlocal has_left
        has_left = True
        loop.remove_reader(descriptor)
        task.cancel()

    loop.add_reader(descriptor, leave)  # a pipe's writing end becomes readable when its other end is closed
    try:
        yield
    except asyncio.CancelledError:
        if not has_left:
            raise
        task.uncancel()
        raise BrokenPipeError from None
    finally:
        loop.remove_reader(descriptor)
