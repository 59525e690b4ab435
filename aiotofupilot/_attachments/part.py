"""The part of a file that has arrived, on disk.

It is FILE.part until it is complete, and then takes the place of FILE. So a file in its place is complete. Beside the
part, FILE.part.etag holds the validator of the file, by which the storage knows whether the rest still belongs to it.
So a process may end at any time, even by kill -9, and the next one goes on with what is there.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from aiotofupilot._part import Part, naming, opened, write_all
from aiotofupilot.errors import AttachmentError

T = TypeVar("T")


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
    """What will be a file in some place. All of it blocks. The disk's errors name the file."""

    _part: Part
    _is_open = False

    def __init__(self, target: Path) -> None:
        self._target = target
        self.size: int = 0
        """How many bytes have arrived."""
        self.etag: str | None = None
        """The validator of the file. None if the rest cannot be requested."""

    @property
    def _etag_path(self) -> Path:
        return self._part.path.with_name(f"{self._part.path.name}.etag")

    def open(self) -> bool:
        """Take the part, and return True; False if the file is in its place already.

        Raises:
            AttachmentError: Another process, or another event loop of this one, is downloading the file.
        """
        if self._target.is_file():
            return False
        self._target.parent.mkdir(parents=True, exist_ok=True)
        part = Part.of(self._target)
        if part is None:
            raise AttachmentError(f"another process is downloading {self._target}")
        self._part, self._is_open = part, True
        if self._target.is_file():  # another process has put it there since
            return False
        self.size = part.size
        with suppress(FileNotFoundError, ValueError), opened(self._etag_path, 0) as file:
            self.etag = file.read().decode("ascii")
        return True

    def restart(self, etag: str | None) -> None:
        """Drop all bytes. Those that come next are of a file with this validator; None if it has none."""
        self._part.truncate(0)  # first, so that the validator never speaks of other bytes
        self.size, self.etag = 0, etag
        self._etag_path.unlink(missing_ok=True)
        if etag is not None:
            with naming(self._etag_path), opened(self._etag_path) as file:
                write_all(file, etag.encode("ascii"))

    def write(self, data: bytes) -> None:
        """Add some bytes."""
        self._part.write(data)
        self.size += len(data)

    def finish(self) -> None:
        """Put the complete file in its place."""
        self._part.place()
        self._part.remove(self._etag_path)

    def leave(self) -> None:
        """End. What has arrived stays, unless it is nothing, nobody can go on with it, or the file is in its place."""
        if not self._is_open or self._part.file.closed:
            return
        if self.size and self._part.is_shared and not self._target.is_file():
            self._part.file.close()
        else:
            self._part.remove(self._etag_path)
