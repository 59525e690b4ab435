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

from aiotofupilot._part import locked, naming, opened, write_all

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
    """What will be a file in some place. All of it blocks, but for `add`. The disk's errors name the file."""

    _path: Path
    _file: FileIO

    def __init__(self, target: Path) -> None:
        self._target = target
        self._is_open = self._is_shared = False
        """Whether it is open, and whether another process can go on with it."""
        self.etag: str | None = None
        """The validator of the file; None: the rest cannot be asked for."""
        self._written = 0
        self._pending = bytearray()

    @property
    def size(self) -> int:
        """How many bytes have arrived, those that are not written yet included."""
        return self._written + len(self._pending)

    @property
    def _etag_path(self) -> Path:
        return self._path.with_name(f"{self._path.name}.etag")

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

    def restart(self, etag: str | None) -> None:
        """Drop all bytes. Those that come next are of a file with this validator; None: it has none."""
        self._pending.clear()
        self._written, self.etag = 0, etag
        with naming(self._path):
            self._file.truncate(0)  # first, so that the validator never speaks of other bytes
        self._etag_path.unlink(missing_ok=True)
        if etag is not None:
            with naming(self._etag_path), opened(self._etag_path) as file:
                write_all(file, etag.encode("ascii"))

    def add(self, data: bytes) -> bool:
        """Add some bytes, and return whether it is time to `flush`."""
        self._pending += data
        return len(self._pending) >= _BLOCK

    def flush(self) -> None:
        """Write what was added."""
        data, self._pending = self._pending, bytearray()
        try:
            with naming(self._path):
                write_all(self._file, data)
        finally:
            self._written = os.fstat(self._file.fileno()).st_size

    def finish(self) -> None:
        """Write the rest, and put the whole file in its place."""
        self.flush()
        with naming(self._path):
            os.fsync(self._file.fileno())
        if sys.platform == "win32":  # where an open file is not moved; elsewhere it keeps its lock until later
            self._close()
        self._path.replace(self._target)
        self._etag_path.unlink(missing_ok=True)
        self._close()

    def leave(self) -> None:
        """End. What has arrived stays, unless it is nothing, nobody can go on with it, or the file is in its place."""
        if not self._is_open:
            return
        try:
            with suppress(OSError):  # the file is shorter then
                self.flush()
            if not self._written or not self._is_shared or self._target.is_file():
                if sys.platform == "win32":
                    self._close()
                self._path.unlink(missing_ok=True)
                self._etag_path.unlink(missing_ok=True)
        finally:
            self._close()

    def _close(self) -> None:
        self._file.close()
        self._is_open = False
