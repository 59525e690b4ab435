"""From a session to a destination: a listing, page by page."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from attrs import frozen

from aiotofupilot import TofuPilotSession

from .destinations import destination
from .failures import UsageError, as_options
from .progress import watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime
    from pathlib import Path

    from aiotofupilot import Paginator, Procedure

    from .formats import Format

__all__ = ["Query", "connected", "pull"]

SANDBOX_PROCEDURES = 250


@frozen(kw_only=True)
class Query:
    """What to list, in the library's words."""

    search_query: str | None
    created_after: datetime | None
    created_before: datetime | None
    limit: int
    cursor: int | None
    max_items: int | None

    def listing(self, session: TofuPilotSession) -> Paginator[Procedure]:
        """Return the listing, not asked for yet.

        Raises:
            UsageError: An option is out of bounds.
        """
        try:
            return session.procedures.list(
                search_query=self.search_query,
                created_after=self.created_after,
                created_before=self.created_before,
                limit=self.limit,
                cursor=self.cursor,
                max_items=self.max_items,
            )
        except ValueError as error:
            raise UsageError(as_options(str(error))) from error


@asynccontextmanager
async def connected(*, api_key: str | None, base_url: str | None, sandbox: bool) -> AsyncGenerator[TofuPilotSession]:
    """Open a session, with a sandbox of its own if that is asked for.

    Args:
        api_key: None: that of the environment.
        base_url: None: that of the environment.
        sandbox: Whether to start the embedded server and use that, whatever the environment says.
    """
    if sandbox:
        from aiotofupilot.sandbox import Sandbox  # noqa: PLC0415 - an HTTP server that is seldom wanted

        async with (
            Sandbox(SANDBOX_PROCEDURES) as server,
            TofuPilotSession(server.api_key, base_url=server.url) as session,
        ):
            yield session
    else:
        async with TofuPilotSession(api_key, base_url=base_url) as session:
            yield session


async def pull(query: Query, session: TofuPilotSession, spelling: Format, output: Path | None) -> int:
    """Write a listing as it arrives, and return how many items it had.

    Args:
        query: What to list.
        session: Where to ask.
        spelling: How to write it.
        output: Where to write it; None: standard output.

    Raises:
        UsageError: An option is out of bounds, or the output cannot be written.
    """
    listing, count = query.listing(session), 0
    async with destination(output) as out:
        with watched(total=query.max_items) as progress:
            text = spelling.head()  # written with the first page: a listing that is refused leaves no header behind
            async for page in listing.pages():
                items = page.data if query.max_items is None else page.data[: query.max_items - count]
                count += len(items)
                with progress.aside():
                    await out.write(text + spelling.page(items))
                progress.advance(len(items))
                text = b""
        await out.write(text + spelling.tail())
    return count
