"""From a server to an output: a listing, as its pages arrive."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from aiotofupilot import Checkpoint, DetailsWalk, TofuPilotError, __version__
from aiotofupilot.listings import listing_class

from .failures import DeadlineError, StoppedError, UsageError
from .options import option
from .output import StandardOutput, output
from .progress import progress_shown
from .server import Server, until
from .tables import counted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from aiotofupilot import Paginator, TofuPilotSession, Walk, WalkStats

    from .formats import Format
    from .output import Options, Output
    from .progress import Progress

_SHOWN = 10
"""At most this many positions of items that were left out are named."""

_PAGES = 3
"""A listing is counted once so many pages have come. A shorter one is over before it would be counted."""

_log = logging.getLogger("aiotofupilot.cli")


class Query:
    """What to list, and how to ask for it, in the library's words.

    Args:
        name: The listing.
        details: Whether each item comes with everything that the server knows of it.
        arguments: Arguments of its ``list()``.
    """

    def __init__(self, name: str, /, *, details: bool = False, **arguments: Any) -> None:  # noqa: ANN401 - each argument has its type
        self.name = name
        self.has_details = details
        self.arguments = arguments

    @property
    def model(self) -> type[Any]:
        """The class of an item."""
        listing: Any = listing_class(self.name)
        model: type[Any] = listing.detail_model if self.has_details else listing.model
        return model

    def listing(self, session: TofuPilotSession) -> Paginator[Any]:
        """Return the listing. Nothing is sent yet.

        Raises:
            UsageError: An option is out of bounds.
        """
        try:
            paginator: Paginator[Any] = getattr(session, self.name).list(**self.arguments)
        except (TypeError, ValueError) as error:
            parameter = getattr(error, "parameter", None)
            if parameter is None:
                raise
            raise UsageError(f"wrong {option(parameter)}: {error}") from error
        return paginator

    def walk(self, session: TofuPilotSession, *, takes_structs: bool) -> Walk[Any] | DetailsWalk[Any]:
        """Return a pass over the listing. Nothing is sent yet.

        Args:
            session: The session to request from.
            takes_structs: Whether items need no models. Details are models all the same.
        """
        listing = self.listing(session)
        if self.has_details:
            return listing.details().walk()
        return (listing.structs() if takes_structs else listing).walk()

    def changed(self, **arguments: Any) -> Query:  # noqa: ANN401 - each argument has its type
        """Return the query with some other arguments."""
        return Query(self.name, details=self.has_details, **self.arguments | arguments)

    def after(self, out: Output) -> Query:
        """Return the query of what follows the items that are written."""
        if out.checkpoint is None:
            return self
        max_items = self.arguments.get("max_items")
        left = None if max_items is None else max_items - out.items
        return self.changed(cursor=Checkpoint.parse(out.checkpoint), max_items=left)

    def options(self) -> Options:
        """Return the options that decide what is listed."""
        filters = [argument.name for argument in listing_class(self.name).filters if argument.name in self.arguments]
        decisive = {name: self.arguments.get(name) for name in (*filters, "max_items", "cursor")}
        if self.has_details:
            decisive["details"] = True
        return {"listing": self.name, **{option(name): _as_text(value) for name, value in decisive.items()}}

    def left_out(self, stats: WalkStats) -> str:
        """Return in words which items a walk left out, because they cannot be read or are gone; empty: none."""
        parts: list[str] = []
        if count := stats.unreadable:
            positions, ids = stats.unreadable_positions, stats.unreadable_ids
            kind = " or ".join(kind for kind, names in (("at position", positions), ("with ID", ids)) if names)
            shown = ", ".join(map(str, [*positions, *ids][:_SHOWN]))
            more = f" and {count - _SHOWN:,} more" if count > _SHOWN else ""
            where = f"{kind} {shown}" if count == 1 else f"{kind}s {shown}{more}"
            are = "is" if count == 1 else "are"
            parts.append(f"{counted(count, self.name)} could not be read and {are} left out, {where}")
        if removed := stats.removed:
            parts.append(f"{counted(removed, self.name)} {'was' if removed == 1 else 'were'} removed meanwhile")
        return "; ".join(parts)


def _as_text(value: object) -> str | int | None:
    """Return a filter's value as the state of a file keeps it."""
    match value:
        case None | int() | str():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case _:
            return str(value)


@frozen
class Written:
    """What became of a listing that is whole."""

    items: int
    """How many items are written, in earlier runs too."""
    left_out: str
    """Which items this run left out because they could not be read, in words; empty: none."""


async def write_listing(
    query: Query,
    server: Server,
    output_format: Format,
    path: Path | None,
    *,
    resume: bool = False,
    deadline: float | None = None,
) -> Written:
    """Write a listing as it arrives, and return what is written.

    Without a path it goes to standard output. It ends after the deadline, in seconds, with what has come by then.

    Raises:
        UsageError: An option is out of bounds, or the file cannot be written or completed.
        StoppedError: It ended early, with something written, or because it was interrupted.
        DeadlineError: The time was over, with nothing written.
        TofuPilotError: It ended early, with nothing written.
        BrokenPipeError: Nobody reads any more.
    """
    out: Output | None = None
    progress: Progress | None = None
    walk: Walk[Any] | DetailsWalk[Any] | None = None
    is_whole = False
    try:
        async with server.session() as session, until(deadline, lambda: progress.failure if progress else ""):
            query.listing(session)  # what is wrong with it is said before a file is touched
            decisive = {**query.options(), "--format": output_format.name}
            options: Options = {"aiotofupilot": __version__, "server": server.name, **decisive}
            async with output(path, options, key=server.key, resume=resume, remake=output_format.remake) as out:
                with progress_shown(
                    query.name, to_standard_output=path is None, total=query.arguments.get("max_items"), begun=out.items
                ) as progress:
                    walk = query.after(out).walk(session, takes_structs=output_format.takes_structs)
                    await _write(walk, output_format, out, progress, counting_beside(query, session, progress))
            is_whole = True
    except (TofuPilotError, DeadlineError, OSError, asyncio.CancelledError) as error:
        items = out.items if out else 0
        is_interrupted = isinstance(error, asyncio.CancelledError)
        if not (items or is_interrupted) or is_whole or isinstance(error, BrokenPipeError):
            raise
        written = f"{counted(items, query.name)} written{out.rest if out and items else ''}"
        left_out = query.left_out(walk.stats) if walk else ""
        raise StoppedError(error, "; ".join(filter(None, (written, left_out)))) from error
    return Written(out.items, query.left_out(walk.stats))


async def _write(
    walk: Walk[Any] | DetailsWalk[Any],
    output_format: Format,
    out: Output,
    progress: Progress,
    counting: AbstractAsyncContextManager[Callable[[], None]],
) -> None:
    """Write what a walk yields, page by page. After a few of them the total is counted meanwhile, if someone watches.

    An item with details is written by itself, because it can have tens of megabytes.
    """
    at_once = 1 if isinstance(walk, DetailsWalk) else sys.maxsize
    before, pages = out.items, 0
    aside = progress.aside if isinstance(out, StandardOutput) else nullcontext
    output_format.has_items = before > 0
    # It is written with the first items, so that a listing that is refused leaves no header.
    pending = b"" if out.size else output_format.head
    async with counting as count, walk:
        while items := await walk.take(at_once):
            text = pending + output_format.page(items)
            with aside():
                await out.write(text, items=before + walk.stats.items, checkpoint=str(walk.checkpoint))
            progress.advance(len(items))
            pending, pages = b"", pages + 1
            if pages == _PAGES:
                count()
    if rest := pending + output_format.tail:
        with aside():
            await out.end(rest)


@asynccontextmanager
async def counting_beside(
    query: Query, session: TofuPilotSession, progress: Progress
) -> AsyncGenerator[Callable[[], None]]:
    """Give a function that lets a listing be counted beside a block, if someone watches.

    The progress is told the total. The count does not outlast the block.
    """
    counting: list[asyncio.Task[None]] = []

    def count() -> None:
        if progress.wants_total:
            counting.append(asyncio.create_task(_tell_total(query, session, progress)))

    try:
        yield count
    finally:
        for task in counting:
            task.cancel()
            await asyncio.wait((task,))


async def _tell_total(query: Query, session: TofuPilotSession, progress: Progress) -> None:
    """Tell the progress how many items there are.

    One request is in flight, and none is tried again, so that it takes little from the walk. A count that fails is not
    a failure.
    """
    try:
        total = await query.changed(concurrency=1).listing(session.with_options(retry=None)).count()
    except TofuPilotError as error:
        _log.debug("the listing cannot be counted: %s", error)
    else:
        # Cursors are offsets, or the count would have failed.
        cursor = query.arguments.get("cursor")
        before = cursor.cursor + cursor.skip if cursor else 0
        progress.row.total = max(0, total - before)
