"""The part of a file that has arrived, on disk.

It is FILE.part until it is whole, and then takes its place. So a file in its place is whole. Beside the part,
FILE.part.etag holds the validator of the file, by which the storage knows whether the rest still belongs to it. So a
process may end at any time, also by kill -9, and the next one goes on with what is there. On a file system without
locks, each process has a part of its own, which no other one goes on with.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Literal, TypeVar

from aiotofupilot._part import locked, opened

T = TypeVar("T")

_BLOCK = 1024 * 1024
"""Bytes that are written at once, in a thread."""


async def in_thread(work: Callable[[], T]) -> T:
    """Return the result of work that blocks. It is not left alone: a task that is cancelled waits for its end."""
    doing = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(doing)
    finally:
        while not doing.done():
            with suppress(asyncio.CancelledError):  # the caller is about to end, by an earlier one
                await asyncio.wait((doing,))
        doing.exception()  # a caller that was cancelled does not take it, and asyncio would log that nobody did


class PartFile:
    """What will be a file in some place. If the disk is full, its methods raise an `OSError`."""

    _path: Path
    _file: FileIO

    def __init__(self, target: Path) -> None:
        self._target = target
        self._is_shared = True
        """Whether another process can go on with the part."""
        self.etag: str | None = None
        """The validator of the file; None: the rest cannot be asked for."""
        self._is_open = False
        self._written = 0
        self._pending = bytearray()
        self._has_restarted = False
        """Whether what is on the disk is to be dropped."""

    @property
    def size(self) -> int:
        """How many bytes have arrived, those that are not written yet included."""
        return self._written + len(self._pending)

    def open(self) -> Literal["whole", "busy", "open"]:
        """Take the part, unless the file is in its place already, or another process is busy with the part."""
        if self._target.is_file():
            return "whole"
        self._target.parent.mkdir(parents=True, exist_ok=True)
        path = self._target.with_name(f"{self._target.name}.part")
        found = locked(path)
        if found is None:
            return "busy"
        (self._file, self._path), self._is_open = found, True
        self._is_shared = self._path == path
        if self._target.is_file():  # another process has put it there since
            return "whole"
        self._written = os.fstat(self._file.fileno()).st_size
        with suppress(FileNotFoundError, ValueError), opened(self._etag_path, 0) as file:
            self.etag = file.read().decode("ascii")
        return "open"

    @property
    def _etag_path(self) -> Path:
        return self._path.with_name(f"{self._path.name}.etag")

    def restart(self, etag: str | None) -> None:
        """Drop all bytes. Those that come next are of a file with this validator; None: it has none."""
        self._pending, self._written = bytearray(), 0
        self.etag, self._has_restarted = etag, True

    def add(self, data: bytes) -> bool:
        """Add some bytes, and return whether it is time to `flush`."""
        self._pending += data
        return len(self._pending) >= _BLOCK

    async def flush(self) -> None:
        """Write what was added, in a thread."""
        await in_thread(self._flush)

    def _flush(self, *, is_last: bool = False) -> None:
        """Write what was added. The validator is not written with the last bytes, because it is not needed any more."""
        if self._has_restarted:
            self._file.truncate(0)  # first, so that the validator never speaks of other bytes
            if self.etag is None or is_last:
                self._etag_path.unlink(missing_ok=True)
            else:
                with opened(self._etag_path) as file:
                    file.truncate(0)
                    file.write(self.etag.encode("ascii"))
            self._has_restarted = False
        rest, self._pending = memoryview(self._pending), bytearray()
        while rest:
            written = self._file.write(rest)
            self._written += written
            rest = rest[written:]

    def finish(self) -> None:
        """Write the rest, and put the whole file in its place."""
        self._flush(is_last=True)
        os.fsync(self._file.fileno())
        self._close_on_windows()
        self._path.replace(self._target)
        self._etag_path.unlink(missing_ok=True)
        self._file.close()
        self._is_open = False

    def leave(self) -> None:
        """End. What has arrived stays, unless it is nothing, nobody can go on with it, or the file is in its place."""
        if not self._is_open:
            return
        with self._file:
            with suppress(OSError):  # the file is shorter then
                self._flush()
            if not self._written or not self._is_shared or self._target.is_file():
                self._close_on_windows()
                self._path.unlink(missing_ok=True)
                self._etag_path.unlink(missing_ok=True)

    def _close_on_windows(self) -> None:
        """Close the file on Windows, where an open one is neither moved nor removed. Elsewhere it keeps its lock."""
        if sys.platform == "win32":
            self._file.close()
            self._is_open = False
