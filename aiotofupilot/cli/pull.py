"""From a server to a destination: a listing, as its pages arrive."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING

from aiotofupilot.errors import TofuPilotError

from .destinations import Output, destination
from .failures import StoppedError
from .watching import watched

if TYPE_CHECKING:
    from pathlib import Path

    from aiotofupilot import TofuPilotSession

    from .formats import Format
    from .journal import Subject
    from .progress import Progress
    from .query import Query
    from .server import Server

__all__ = ["pull"]


async def pull(query: Query, server: Server, spelling: Format, path: Path | None, *, resume: bool = False) -> int:
    """Write a listing as it arrives, and return how many items are written.

    Args:
        query: What to list.
        server: Whom to ask.
        spelling: How to write it.
        path: Where to write it; None: standard output.
        resume: Whether to go on with the file that an earlier run has left.

    Raises:
        UsageError: An option is out of bounds, or the file cannot be written or gone on with.
        StoppedError: It ended early, with something written behind which another run can go on.
        TofuPilotError: It ended early, with nothing written.
        BrokenPipeError: Nobody reads any more.
    """
    out: Output | None = None
    try:
        async with server.session() as session:
            query.listing(session)  # what is wrong with it is said before a file is touched
            async with destination(path, _subject(query, server, spelling), resume=resume) as out:
                with watched(to_standard_output=path is None, total=query.max_items, begun=out.mark.items) as progress:
                    await _write(query, session, spelling, out, progress)
    except (TofuPilotError, OSError, asyncio.CancelledError) as error:
        if out is None or not out.mark.items or isinstance(error, BrokenPipeError):
            raise
        raise StoppedError(error, out.mark, can_resume=bool(path and spelling.can_go_on)) from error
    return out.mark.items


async def _write(query: Query, session: TofuPilotSession, spelling: Format, out: Output, progress: Progress) -> None:
    mark = out.mark
    # Written with the first items: a listing that is refused leaves no header behind.
    pending = b"" if mark.items else spelling.head()
    async with query.listing(session, mark).walk() as walk:
        async for items in walk.batches():
            text = pending + spelling.page(items)
            with progress.aside():
                await out.write(text, items=mark.items + walk.stats.items, checkpoint=str(walk.checkpoint))
            progress.advance(len(items))
            pending = b""
    if rest := pending + spelling.tail():
        with progress.aside():
            await out.write(rest, items=out.mark.items, checkpoint=out.mark.checkpoint)


def _subject(query: Query, server: Server, spelling: Format) -> Subject | None:
    """Return all that decides what is written; None: another run cannot go on with it anyway."""
    if not spelling.can_go_on:
        return None
    return {
        "aiotofupilot": version("aiotofupilot"),
        "server": server.name,
        **query.subject(),
        "--format": spelling.name,
    }
