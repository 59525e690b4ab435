"""How far a listing is. This base tells it to nobody; a bar builds on it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Progress"]


class Progress(logging.Handler):
    """Counts for nobody. It takes the library's warnings: an attempt that failed and was made up for is no news."""

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

    def advance(self, items: int) -> None:
        """Count items that have arrived."""

    @contextmanager
    def aside(self) -> Generator[None]:
        """Keep off the terminal while a block may write to it."""
        yield

    def emit(self, record: logging.LogRecord) -> None:
        """Take a warning."""
