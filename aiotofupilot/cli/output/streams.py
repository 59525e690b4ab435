"""Writing to a pipe, a terminal or a device, any of which may be full, slow or gone."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Any, cast

from .journal import Mark

if sys.platform != "win32":
    import select

if TYPE_CHECKING:
    from io import RawIOBase

__all__ = ["Stream", "raw", "write_all"]

_PIECE = 4096
"""Bytes per write. A pipe that poll reports as writable takes this many without blocking: it is Linux's PIPE_BUF."""

_PATIENCE = 0.5
"""Seconds to wait for a write that is under way when the writer is stopped."""


def raw(stream: IO[Any]) -> RawIOBase:
    """Return the unbuffered stream below a text or binary stream.

    Below a buffer, a write says how much of the data was taken, even if Python runs unbuffered.
    """
    binary = getattr(stream, "buffer", stream)
    return cast("RawIOBase", getattr(binary, "raw", binary))


def write_all(stream: RawIOBase, data: bytes) -> None:
    """Write all of the data to a raw stream. If the stream would block, wait until it is writable.

    Raises:
        OSError: There is no room, or nobody reads any more.
    """
    rest = memoryview(data)
    while rest:
        written = stream.write(rest)
        if written is None:
            _wait_for_room(stream)
        else:
            rest = rest[written:]


class Stream:
    """An `Output` that writes in a thread, so that a pipe whose reader pauses stalls neither requests nor Ctrl-C.

    Args:
        stream: A raw stream.

    Attributes:
        mark: How much is written, up to the last write that succeeded.
        torn: How many bytes of a write that failed or was cancelled have been written all the same.
        is_terminal: Whether the stream is a terminal.
    """

    def __init__(self, stream: RawIOBase) -> None:
        self.mark = Mark()
        self.torn = 0
        self.is_terminal = stream.isatty()
        self._stream = stream
        # One write of a whole page keeps the pages of several processes apart in a file that all of them append to.
        # Windows can poll neither a pipe nor its console.
        self._takes_pages = sys.platform == "win32" or stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
        self._writing = threading.Lock()
        self._stopped = False

    async def write(self, data: bytes, *, items: int, checkpoint: str | None) -> None:
        """Write some bytes; see `Output.write`."""
        try:
            await asyncio.to_thread(self._write, memoryview(data))
        except asyncio.CancelledError:
            self._stop()
            raise
        self.mark, self.torn = Mark(items=items, checkpoint=checkpoint), 0

    def _write(self, data: memoryview) -> None:
        self.torn = 0
        while self.torn < len(data):
            if not self._takes_pages:
                _wait_for_room(self._stream)
            with self._writing:
                if self._stopped:
                    return
                piece = data[self.torn :] if self._takes_pages else data[self.torn : self.torn + _PIECE]
                self.torn += self._stream.write(piece) or 0

    def _stop(self) -> None:
        """Let the thread write nothing more, so that `torn` stays true.

        A terminal that is stopped, or another writer of the same pipe, can block the write that is under way. Ctrl-C
        must not wait for that.
        """
        self._stopped = True
        if self._writing.acquire(timeout=_PATIENCE):
            self._writing.release()


def _wait_for_room(stream: RawIOBase) -> None:
    """Block until a stream is writable, or its other end is closed."""
    if sys.platform == "win32":
        time.sleep(0.01)  # pragma: no cover - no test runs on Windows, where only sockets can be polled
        return  # pragma: no cover - likewise
    poll = select.poll()
    poll.register(stream, select.POLLOUT)
    poll.poll()
