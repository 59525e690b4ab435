"""How far a listing is. This base counts for nobody; a bar builds on it."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .terminal import is_terminal, say, visible

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Progress"]


class Progress(logging.Handler):
    """Counts for nobody, and takes the library's warnings, each of which is about an attempt that failed.

    An attempt that was made up for is no news. But a failure before anything has arrived may be a mistyped address. It
    is told at once to whoever watches, because the attempts that follow take some seconds.

    Attributes:
        failure: The latest warning about an attempt, until more arrives; empty: there is none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failure: str = ""
        self._is_untold = True

    @contextmanager
    def shown(self) -> Generator[None]:
        """Show during a block, and leave nothing on the terminal."""
        yield

    @property
    def wants_total(self) -> bool:
        """Whether somebody watches who would like to know how many items there are."""
        return False

    def expect(self, total: int) -> None:
        """Take note of how many items will arrive, those included that have."""

    def advance(self, items: int) -> None:  # noqa: ARG002 - a bar counts them
        """Count items that have arrived."""
        self._is_untold = False
        self.failure = ""

    @contextmanager
    def aside(self) -> Generator[None]:
        """Keep off the terminal while a block may write to it."""
        yield

    def emit(self, record: logging.LogRecord) -> None:
        """Take a warning, and tell it if it is the first and nothing has arrived."""
        if hasattr(record, "tofupilot_attempt"):
            self.failure = record.getMessage()
        if self._is_untold and is_terminal(sys.stderr):
            self._is_untold = False
            self._tell(f"aiotofupilot: {visible(record.getMessage())}")

    def _tell(self, line: str) -> None:
        with suppress(OSError):  # the terminal is gone, and with it whoever watched
            say(line)
