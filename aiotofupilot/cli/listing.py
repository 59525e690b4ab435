"""From a server to a destination: a listing, as its pages arrive."""

from __future__ import annotations

import asyncio
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from zlib import crc32

from attrs import evolve, frozen

from aiotofupilot import __version__
from aiotofupilot.checkpoint import digest
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.stats import WalkStats

from .failures import DeadlineError, StoppedError
from .outlook import Outlook
from .output.descriptors import is_standard_output
from .output.destinations import Output, destination
from .output.files import PartFile
from .output.journal import Mark
from .output.likeness import COLUMNS
from .output.progress_display import progress_shown
from .output.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aiotofupilot import Checkpoint, Walk

    from .output.formats import Format
    from .output.journal import Header
    from .output.progress import Progress
    from .query import Query
    from .server import Server

__all__ = ["Written", "write_listing"]


_ANCHORS = 8
"""How many of the items written last a checkpoint after a part of a page names, as a walk's checkpoint does."""


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

    Args:
        query: What to list.
        server: Whom to ask.
        output_format: How it is written.
        path: Where to write it; None: standard output.
        resume: Whether to go on with the file that an earlier run has left.
        deadline: Seconds after which it ends with what has come by then; None: no limit.

    Raises:
        UsageError: An option is out of bounds, or the file cannot be written or gone on with.
        StoppedError: It ended early, with something written, or because it was interrupted.
        DeadlineError: The time was over, with nothing written.
        TofuPilotError: It ended early, with nothing written.
        BrokenPipeError: Nobody reads any more.
    """
    out: Output | None = None
    progress: Progress | None = None
    stats = WalkStats()
    is_whole = False
    time = asyncio.timeout(deadline)
    try:
        async with server.session() as session, time:
            query.listing(session)  # what is wrong with it is said before a file is touched
            header = _header(query, server, output_format)
            remake = output_format.remake
            async with destination(path, header, key=server.key, resume=resume, remake=remake) as out:
                output_format.for_terminal = out.is_terminal
                _say_when_begun(out, path)
                with progress_shown(
                    query.name,
                    to_standard_output=is_standard_output(path),
                    total=query.max_items,
                    begun=out.mark.items,
                ) as progress:
                    listing = query.listing(session, out.mark)
                    walk = (listing.shapes() if output_format.takes_shapes else listing).walk()
                    stats = walk.stats
                    await _write(walk, Outlook(query, session, progress), output_format, out, progress)
            is_whole = True
    except (TofuPilotError, OSError, asyncio.CancelledError) as error:
        is_late = isinstance(error, TimeoutError) and time.expired()  # and no TimeoutError of the disk, say
        reason: BaseException = error
        if deadline is not None and is_late:
            reason = DeadlineError(deadline, progress.failure if progress else "")
        mark = out.mark if out else Mark()
        is_interrupted = isinstance(error, asyncio.CancelledError)
        if not (mark.items or is_interrupted) or is_whole or isinstance(error, BrokenPipeError):
            if reason is error:
                raise
            raise reason from None
        is_file = isinstance(out, PartFile)
        raise StoppedError(
            reason,
            mark,
            written=query.counted(mark.items),
            left_out=query.left_out(stats),
            can_resume=is_file and output_format.is_resumable,
            is_kept=not is_file or output_format.is_resumable,
        ) from error
    return Written(out.mark.items, query.left_out(stats))


async def _write(walk: Walk[Any], outlook: Outlook, output_format: Format, out: Output, progress: Progress) -> None:
    mark = out.mark
    # It is written with the first items, so that a listing that is refused leaves no header.
    pending = b"" if mark.size else output_format.head()
    async with walk, outlook:
        place = walk.checkpoint
        async for items in walk.batches():
            text = pending + output_format.page(items)
            try:
                with progress.aside():
                    await out.write(text, items=mark.items + walk.stats.items, checkpoint=str(walk.checkpoint))
            except (OSError, asyncio.CancelledError):
                _note_torn(out, place, items, output_format, len(pending))
                raise
            progress.advance(len(items))
            outlook.page_arrived()
            pending, place = b"", walk.checkpoint
    if rest := pending + output_format.tail():
        with progress.aside():
            await out.write(rest, items=out.mark.items, checkpoint=out.mark.checkpoint)


def _say_when_begun(out: Output, path: Path | None) -> None:
    if isinstance(out, PartFile) and out.begun:
        say(
            f"{path} was begun at {out.begun:%Y-%m-%d %H:%M:%SZ}: "
            "--resume completes that listing, and does not look for newer items"
        )


def _note_torn(out: Output, place: Checkpoint, items: Sequence[Any], output_format: Format, head: int) -> None:
    """Count the items that are whole in a page that was written in part.

    Args:
        out: Has been written to.
        place: Where the listing stood before the page.
        items: The page's items.
        output_format: How they were written.
        head: How many bytes were written before them.
    """
    ends = accumulate((len(output_format.page([item])) for item in items), initial=head)
    whole = items[: max(0, sum(end <= out.torn for end in ends) - 1)]
    if whole:
        out.mark = Mark(items=out.mark.items + len(whole), checkpoint=str(_place_after(place, whole)))


def _place_after(place: Checkpoint, items: Sequence[Any]) -> Checkpoint:
    """Return the place after some items of one page.

    If the page also holds items of an earlier page, the place lies before the last of the items. The anchors name the
    items written last, so that they are not written twice.
    """
    anchors = (*place.anchors, *(digest(item.id) for item in items))[-_ANCHORS:]
    return evolve(place, skip=place.skip + len(items), anchors=anchors)


def _header(query: Query, server: Server, output_format: Format) -> Header | None:
    """Return all that decides what is written; None: another run cannot go on with it anyway."""
    if not output_format.is_resumable:
        return None
    return {
        "aiotofupilot": __version__,
        "server": server.name,
        **query.header(),
        "--format": output_format.name,
        COLUMNS: crc32(output_format.head()),
    }
