"""What a terminal is and may be shown."""

from __future__ import annotations

import re
import sys
from typing import TextIO

__all__ = ["is_terminal", "say", "visible"]

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""What would break a line, steer a terminal or turn text around."""


def visible(text: str) -> str:
    """Return text from elsewhere such that a terminal shows it, in one line, and does nothing else."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether one of the standard streams is a terminal; None, which Python has for a closed one, is none."""
    return stream is not None and stream.isatty()


def say(line: str) -> None:
    """Write one line to standard error, at once, unless that is closed."""
    if sys.stderr is not None:
        sys.stderr.write(f"{visible(line)}\n")
        sys.stderr.flush()
