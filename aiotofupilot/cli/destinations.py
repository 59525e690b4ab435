"""Where bytes go: standard output, or a file that takes its place only when it is whole.

Writing happens in a thread. A pipe whose reader pauses, such as a pager, then stalls neither the requests under way nor
Ctrl-C.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import stat
import sys
from contextlib import asynccontextmanager, contextmanager
from typing import IO, TYPE_CHECKING

from .failures import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

__all__ = ["Output", "destination"]


class Output:
    """Takes bytes, in the order in which they are written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    async def write(self, data: bytes) -> None:
        """Pass some bytes on at once.

        Raises:
            BrokenPipeError: Nobody reads any more.
            OSError: There is no room for them.
        """
        await asyncio.to_thread(self._write, data)

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._stream.flush()


def destination(path: Path | None) -> AbstractAsyncContextManager[Output]:
    """Return where a listing goes, to be entered for as long as it is written.

    Args:
        path: A file, whose place is taken when the block ends well, and left alone otherwise; or a device or named
            pipe, which is written into; None: standard output.

    Raises:
        UsageError: It cannot be written.
    """
    if path is None:
        return _standard_output()
    with _unwritable_is_wrong_usage(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return _beside(path) if path.is_file() or not path.exists() else _device(path)


@asynccontextmanager
async def _standard_output() -> AsyncGenerator[Output]:
    if sys.stdout is None:
        raise UsageError("standard output is closed: use --output FILE")
    with _raising_when_reader_leaves(sys.stdout.buffer):
        yield Output(sys.stdout.buffer)


@asynccontextmanager
async def _device(path: Path) -> AsyncGenerator[Output]:
    with _unwritable_is_wrong_usage(path):
        stream = await asyncio.to_thread(path.open, "wb")  # a named pipe opens when somebody reads it
    with stream, _raising_when_reader_leaves(stream):
        yield Output(stream)


@asynccontextmanager
async def _beside(path: Path) -> AsyncGenerator[Output]:
    with _unwritable_is_wrong_usage(path):
        target = path.resolve()  # noqa: ASYNC240 - looks at names, before anything else runs
        part = target.with_name(f"{target.name}.part")
        stream = part.open("wb")
    try:
        with stream:
            yield Output(stream)
            os.fsync(stream.fileno())
        _move(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _move(part: Path, target: Path) -> None:
    if target.exists():
        shutil.copymode(target, part)
    part.replace(target)


@contextmanager
def _unwritable_is_wrong_usage(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


@contextmanager
def _raising_when_reader_leaves(stream: IO[bytes]) -> Generator[None]:
    """Let a block end with a BrokenPipeError as soon as nobody reads its pipe, not only when it writes again."""
    descriptor = stream.fileno()
    if sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        yield
        return
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
