"""Writing to a pipe, a terminal or a device, any of which may be full, slow or gone."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from typing import TYPE_CHECKING

from .journal import Mark
from .unbuffered import wait_for_room

if TYPE_CHECKING:
    from io import RawIOBase

__all__ = ["Stream"]

_PIECE = 4096
"""Bytes per write. A pipe that poll reports as writable takes this many without blocking: it is Linux's PIPE_BUF."""

_PATIENCE = 0.5
"""Seconds to wait for a write that is under way when the writer is stopped."""


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
        self.mark: Mark = Mark()
        self.torn: int = 0
        self.is_terminal: bool = stream.isatty()
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
                wait_for_room(self._stream)
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
