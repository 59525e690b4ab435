"""How much is still to come: a listing is counted beside its walk, for someone who watches."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from attrs import evolve

from aiotofupilot.errors import TofuPilotError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from aiotofupilot import TofuPilotSession

    from .output.progress import Progress
    from .query import Query

__all__ = ["Outlook"]

_PAGES = 3
"""A listing is counted once so many pages have come. A shorter one is over before it would be counted."""

_log = logging.getLogger("aiotofupilot.cli")


class Outlook:
    """Counts a listing in a task of its own, and tells the progress how many items will arrive.

    The count has one request in flight, and tries none again, so that it takes little from the walk. A count that fails
    is no failure: nothing is told then. At the end of the block it is over, finished or not.

    Args:
        query: What is listed.
        session: Whom to ask.
        progress: What is told, if it wants to know.
    """

    def __init__(self, query: Query, session: TofuPilotSession, progress: Progress) -> None:
        self._query = evolve(query, concurrency=1)
        self._session = session.with_options(retry=None)
        self._progress = progress
        self._pages = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            if not self._task.cancelled():
                self._task.result()

    def page_arrived(self) -> None:
        """Take note of a page. The count begins when enough of them have come."""
        self._pages += 1
        if self._pages == _PAGES and self._progress.wants_total:
            self._task = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        cursor = self._query.cursor
        try:
            total = await self._query.listing(self._session).count()
        except TofuPilotError as error:
            _log.debug("the listing cannot be counted: %s", error)
        else:
            # Cursors are offsets, or the count would have failed.
            self._progress.expect(total if cursor is None else max(0, total - cursor.cursor - cursor.skip))
