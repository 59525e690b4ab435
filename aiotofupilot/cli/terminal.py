"""What a terminal is and may be shown."""

from __future__ import annotations

import os
import re
import stat
import sys
from io import TextIOBase
from typing import IO, Any, TextIO

from .streams import raw, write_all

__all__ = ["Screen", "counted", "is_pipe", "is_terminal", "say", "visible", "visible_json"]

_CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL and C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # marks, embeddings, overrides and isolates of direction
    "\u2028\u2029\ufff9-\ufffb]"  # line ends, and annotations of which a part is hidden
)
"""What would break a line, steer a terminal or turn text around.

Source: https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
"""


def visible(text: str) -> str:
    """Return text from elsewhere such that a terminal shows it, in one line, and does nothing else."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def visible_json(document: bytes) -> bytes:
    """Return a JSON document such that a terminal shows it, in one line. It stands for the same value."""
    return _CONTROLS.sub(lambda control: f"\\u{ord(control[0]):04x}", document.decode()).encode()


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether one of the standard streams is a terminal; None, which Python has for a closed one, is none."""
    return stream is not None and stream.isatty()


def is_pipe(stream: IO[Any] | None) -> bool:
    """Return whether a stream is a pipe."""
    return stream is not None and stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)


def counted(items: int) -> str:
    """Return a number of procedures in words."""
    return f"{items:,} procedure{'' if items == 1 else 's'}"


def say(line: str) -> None:
    """Write one line to standard error, at once, unless that is closed.

    Raises:
        OSError: There is no room, or nobody reads any more.
    """
    if sys.stderr is not None:
        _write(sys.stderr, f"{visible(line)}\n")


class Screen(TextIOBase):
    """Standard error, for what is shown only as a courtesy.

    Once the terminal is gone, or refuses to be written to, what is shown there is dropped.
    """

    def __init__(self) -> None:
        self._is_gone = False

    @property
    def encoding(self) -> str:  # type: ignore[override] # typeshed has it as an attribute
        """The terminal's encoding."""
        return sys.stderr.encoding

    def isatty(self) -> bool:
        """Return whether standard error is a terminal."""
        return is_terminal(sys.stderr)

    def write(self, text: str) -> int:
        """Show some text at once."""
        if not self._is_gone:
            try:
                _write(sys.stderr, text)
            except OSError:
                self._is_gone = True
        return len(text)


def _write(stream: TextIO, text: str) -> None:
    """Write text at once and whole, even if Python runs unbuffered or the stream does not block."""
    stream.flush()
    write_all(raw(stream), text.encode(stream.encoding, "backslashreplace"))
