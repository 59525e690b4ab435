"""What a terminal is and may be shown, and the standard streams without Python's buffers."""

from __future__ import annotations

import os
import re
import select
import stat
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from io import RawIOBase

_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL and C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks, embeddings, overrides and isolates of direction
    "\u2028\u2029\ufff9-\ufffb]"  # line ends, and annotations of which a part is hidden
)
"""What would break a line, steer a terminal or turn text around.

Source: https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
"""


def visible(text: str) -> str:
    """Return text for a terminal. It is shown in one line, and it cannot control the terminal."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def visible_json(document: bytes) -> bytes:
    """Return a JSON document for a terminal. It is shown in one line, and it has the same value."""
    return _CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", document.decode()).encode()


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether one of the standard streams is a terminal. Python has None for a closed one."""
    return stream is not None and stream.isatty()


def is_pipe(stream: IO[Any] | None) -> bool:
    """Return whether one of the standard streams is a pipe."""
    return stream is not None and stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)


def raw(stream: IO[Any]) -> RawIOBase:
    """Return the unbuffered stream below one of the standard streams.

    It says how many bytes it took, whether Python runs unbuffered or the stream does not block.
    """
    binary = getattr(stream, "buffer", stream)
    return cast("RawIOBase", getattr(binary, "raw", binary))


def write_all(stream: RawIOBase, data: bytes) -> None:
    """Write all of the data to a raw stream. If the stream would block, wait until it is writable."""
    rest = memoryview(data)
    while rest:
        written = stream.write(rest)
        if written is None:
            select.select([], [stream], [])
        else:
            rest = rest[written:]


def put(stream: TextIO | None, text: str) -> None:
    """Write text to one of the standard streams, at once and whole, unless that is closed.

    Python's own `print` loses text where Python runs unbuffered and the stream does not block.
    """
    if stream is not None:
        stream.flush()
        write_all(raw(stream), text.encode(stream.encoding, "backslashreplace"))


def say(line: str) -> None:
    """Write one line to standard error, at once and whole. If that takes nothing more, nobody is told."""
    with suppress(OSError):
        put(sys.stderr, f"{visible(line)}\n")


def complain(message: str) -> None:
    """Say something about the command, as `say` does."""
    say(f"aiotofupilot: {message}")


class Whole:
    """A standard stream for those who print: what they write is `put` there.

    If there is an error of some kinds, such as that a terminal is gone, the text is not shown, and nobody is told.
    """

    def __init__(self, stream: TextIO, *suppressed: type[Exception]) -> None:
        self._stream = stream
        self._suppressed = suppressed

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of the stream
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write some text at once."""
        with suppress(*self._suppressed):
            put(self._stream, text)
        return len(text)
