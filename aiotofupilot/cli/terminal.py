"""What a terminal is and may be shown."""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import IO, Any, TextIO

__all__ = ["counted", "is_pipe", "is_terminal", "say", "visible"]

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What would break a line, steer a terminal or turn text around."""


def visible(text: str) -> str:
    """Return text from elsewhere such that a terminal shows it, in one line, and does nothing else."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


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
    """Write one line to standard error, at once, unless that is closed."""
    if sys.stderr is not None:
        sys.stderr.write(f"{visible(line)}\n")
        sys.stderr.flush()
