"""``aiotofupilot download``: the attachments of runs or units, as files in a folder."""

from __future__ import annotations

import sys
from asyncio import CancelledError, Semaphore, TaskGroup
from collections import Counter
from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number, Path as IsPath

from aiotofupilot import AttachmentError, TofuPilotError
from aiotofupilot.errors import visible
from aiotofupilot.listings import listing_class, part_filters

from .listing import Query
from .messages import EXPECTED, FailedError, StoppedError, UsageError, complain, put
from .options import ASKING, Server, option, shared_filters, with_options
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from aiotofupilot import Attachment, DetailsWalk, TofuPilotSession

_OPTIONS = [argument for argument in listing_class("runs").options if argument.name not in ("concurrency", "cursor")]
"""The arguments of ``list()`` that become options. ``concurrency`` has its own default here."""


async def download(
    folder: Annotated[Path, Parameter(validator=IsPath(file_okay=False))],
    listing: Literal["runs", "units"] = "runs",
    /,
    *,
    concurrency: Annotated[int, Parameter(group=ASKING, metavar="N", validator=Number(gte=1))] = 8,
    server: Server = Server(),  # noqa: B008 - a value
    **filters: Any,  # noqa: ANN401 - those of `list`
) -> None:
    """Download the attachments of runs or units into a folder.

    Each file is FOLDER/<ID of the run, or serial number of the unit>/<ID of the attachment>-<its name>. A file with
    that name is complete, and is not downloaded again. So run the same command to continue after an interruption, or
    later to download what is new.

    Args:
        folder: The folder. If there is none, it is made.
        listing: Download the attachments of runs or of units.
        concurrency: Download this many files at a time, and meanwhile send as many requests for runs or units.
        server: Which server gets the requests.
        filters: Which runs or units. There is an option for each.
    """
    for name in filters.keys() - part_filters(listing).keys() - {argument.name for argument in _OPTIONS}:
        raise UsageError(f"{option(name)} is not a filter of {listing}")
    query = Query(listing, details=True, concurrency=concurrency, **filters)
    counts, left_out = Counter[str](), ""
    there = {*folder.rglob("*")}
    progress = Progress(listing, filters.get("max_items"))

    async def fetch(attachment: Attachment, session: TofuPilotSession) -> None:
        try:
            path = await session.download(attachment, folder)
            outcome = "there already" if path in there else "new"
        except TofuPilotError as error:
            outcome = "failed"
            if isinstance(error, AttachmentError) and attachment.download_url is None:
                outcome = "without an address"  # perhaps its upload has not ended
            else:
                with progress.aside():
                    complain(f"{attachment.name} of {attachment.owner and attachment.owner[1]}: {error}")
        counts[outcome] += 1
        progress.note("files", counts["new"])

    try:
        async with server.session() as session, progress.reporting():
            walk: DetailsWalk[Any] = query.listing(session).details().walk()
            with progress:
                await _of_each(walk, progress, concurrency, lambda attachment: fetch(attachment, session))
            left_out = query.left_out(walk.stats)
    except (TofuPilotError, CancelledError, ExceptionGroup) as raised:
        error = raised.exceptions[0] if isinstance(raised, ExceptionGroup) else raised
        if not (isinstance(error, CancelledError) or (counts and isinstance(error, EXPECTED))):
            raise error from None
        raise StoppedError(error, f"{_summary(counts)}; run it again to continue") from error
    put(sys.stdout, visible("; ".join(filter(None, (_summary(counts), left_out)))) + "\n")
    if counts["failed"]:
        raise FailedError("some attachments could not be downloaded: run it again")


async def _of_each(
    walk: DetailsWalk[Any],
    progress: Progress,
    concurrency: int,
    fetch: Callable[[Attachment], Coroutine[Any, Any, None]],
) -> None:
    """Fetch the attachments of each item. An error of the walk is raised after the files of earlier items."""
    free, failure = Semaphore(concurrency), None
    async with walk, TaskGroup() as group:
        try:
            async for item in walk:
                for attachment in item.attachments:
                    await free.acquire()
                    group.create_task(fetch(attachment)).add_done_callback(lambda _: free.release())
                progress.advance(1)
        except TofuPilotError as error:
            failure = error
    if failure is not None:
        raise failure


with_options(download, [*shared_filters(("runs", "units")), *_OPTIONS])


def _summary(counts: Counter[str]) -> str:
    """Return the counts of attachments by outcome, without zeros."""
    outcomes = ("new", "there already", "without an address", "failed")
    return "; ".join(f"{counts[name]:,} {name}" for name in outcomes if counts[name] or name == "new")
