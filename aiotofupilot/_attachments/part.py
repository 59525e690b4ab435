"""The part of a file that has arrived, on disk.

FILE.part takes the place of FILE when it is complete, so a file in its place is complete. FILE.part.etag holds the
validator of the file, by which the storage knows whether the rest still belongs to it. So a process may end at any
time, even by kill -9, and the next one continues from there.
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
    """Run blocking work in a thread. A cancelled task waits for its end."""
    doing = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(doing)
    finally:
        while not doing.done():
            with suppress(asyncio.CancelledError):  # an earlier one is about to end the caller
                await asyncio.wait((doing,))
        doing.exception()  # a cancelled caller does not take it, and asyncio would log that


class PartFile:
    """A file that is being downloaded. All methods block. The disk's errors name the file."""

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
        """Open the part, and return True, or False if the file is complete already.

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
        if self._target.is_file():  # another process has completed it since
            return False
        self.size = part.size
        with suppress(FileNotFoundError, ValueError), opened(self._etag_path, 0) as file:
            self.etag = file.read().decode("ascii")
        return True

    def restart(self, etag: str | None) -> None:
        """Drop all bytes. The next ones belong to the file with this validator, or None if it has none."""
        self._part.truncate(0)  # first, so that the validator never belongs to other bytes
        self.size, self.etag = 0, etag
        self._etag_path.unlink(missing_ok=True)
        if etag is not None:
            with naming(self._etag_path), opened(self._etag_path) as file:
                write_all(file, etag.encode("ascii"))

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self._part.write(data)
        self.size += len(data)

    def finish(self) -> None:
        """Put the complete file in its place."""
        self._part.place()
        self._part.remove(self._etag_path)

    def leave(self) -> None:
        """Close the part. It is removed if it is empty, nobody can resume it, or the file is complete."""
        if not self._is_open or self._part.file.closed:
            return
        if self.size and self._part.is_shared and not self._target.is_file():
            self._part.file.close()
        else:
            self._part.remove(self._etag_path)
