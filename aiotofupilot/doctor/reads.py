"""Counts and paces the requests of a diagnosis."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from aiotofupilot.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from aiotofupilot._session import TofuPilotSession

R = TypeVar("R")

READS_AT_MOST = 40
PACE = 0.5
"""The least seconds between the starts of two requests."""


class NoneLeftError(Exception):
    """All requests of a diagnosis have been used."""


class Reads:
    """Makes requests one after the other, and counts them."""

    def __init__(self, session: TofuPilotSession, on_progress: Callable[[int, str], None] | None) -> None:
        self.made: int = 0
        self.silences: int = 0
        """How many requests in a row had no response."""
        self.ahead: float | None = None
        """Seconds that the server's clock is ahead. None if not known yet."""
        self.procedures: Counter[str] = Counter()
        """The number of newest runs per procedure."""
        self._connection = session._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - for its clock
        self._on_progress = on_progress
        self._begun = -math.inf

    async def make(self, name: str, request: Callable[[], Awaitable[R]]) -> tuple[R, float]:
        """Make a request once its turn comes, and return its result and the seconds it took."""
        if self.made == READS_AT_MOST:
            raise NoneLeftError
        clock = self._connection.clock
        await self._connection.pause(max(0.0, self._begun + PACE - clock.monotonic()))
        self.made += 1
        if self._on_progress is not None:
            self._on_progress(self.made, name)
        self._begun = clock.monotonic()
        try:
            result = await request()
        except TransportError:
            self.silences += 1
            raise
        self.silences = 0
        return result, clock.monotonic() - self._begun

    def note_date(self, date: datetime | None) -> None:
        """Compare the clocks by the first date of a response. It has whole seconds, so half a second is added."""
        if self.ahead is None and date is not None:
            ahead = date + timedelta(seconds=0.5) - self._connection.clock.now()
            self.ahead = float(round(ahead.total_seconds()))
