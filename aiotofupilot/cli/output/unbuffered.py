"""The standard streams and their like without Python's buffers: all of the data is written, or the reason is raised."""

from __future__ import annotations

import sys
import time
from typing import IO, TYPE_CHECKING, Any, cast

if sys.platform != "win32":
    import select

if TYPE_CHECKING:
    from io import RawIOBase

__all__ = ["raw", "wait_for_room", "write_all"]


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
            wait_for_room(stream)
        else:
            rest = rest[written:]


def wait_for_room(stream: RawIOBase) -> None:
    """Block until a stream is writable, or its other end is closed."""
    if sys.platform == "win32":
        time.sleep(0.01)  # pragma: no cover - no test runs on Windows, where only sockets can be polled
        return  # pragma: no cover - likewise
    poll = select.poll()
    poll.register(stream, select.POLLOUT)
    poll.poll()
