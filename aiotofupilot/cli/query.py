"""The query of a listing, as the command line gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from aiotofupilot import Checkpoint
from aiotofupilot._wire.moments import spell_date_time

from .failures import UsageError, as_options

if TYPE_CHECKING:
    from datetime import datetime

    from aiotofupilot import Paginator, Procedure, TofuPilotSession
    from aiotofupilot._paging.plan import OnDrift

    from .journal import Mark, Subject

__all__ = ["Query"]


@frozen(kw_only=True)
class Query:
    """What to list, and how to ask for it, in the library's words."""

    search_query: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    max_items: int | None = None
    cursor: Checkpoint | None = None
    limit: int = 100
    concurrency: int = 1
    on_drift: OnDrift = "ignore"

    def listing(self, session: TofuPilotSession, behind: Mark | None = None) -> Paginator[Procedure]:
        """Return the listing, or what of it is behind a mark; it is not asked for yet.

        Raises:
            UsageError: An option is out of bounds.
        """
        cursor, max_items = self.cursor, self.max_items
        if behind and behind.checkpoint:
            cursor = Checkpoint.parse(behind.checkpoint)
            max_items = None if max_items is None else max_items - behind.items
        try:
            return session.procedures.list(
                search_query=self.search_query,
                created_after=self.created_after,
                created_before=self.created_before,
                max_items=max_items,
                cursor=cursor,
                limit=self.limit,
                concurrency=self.concurrency,
                on_drift=self.on_drift,
            )
        except ValueError as error:
            raise UsageError(as_options(str(error))) from error

    def subject(self) -> Subject:
        """Return the options that decide what is listed."""
        return {
            "--search": self.search_query,
            "--created-after": spell_date_time(self.created_after) if self.created_after else None,
            "--created-before": spell_date_time(self.created_before, round_up=True) if self.created_before else None,
            "--max-items": self.max_items,
            "--cursor": str(self.cursor) if self.cursor else None,
        }
