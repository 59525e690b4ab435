"""``aiotofupilot mirror``, with its options, progress, results and errors."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from datetime import timedelta  # noqa: TC003 - cyclopts resolves the annotations
from pathlib import Path  # noqa: TC003 - as above
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from aiotofupilot import DriftError, ForbiddenError, NotFoundError, TofuPilotError
from aiotofupilot.errors import visible
from aiotofupilot.listings import NAMES, listing_class

from .messages import FailedError, StoppedError, UsageError, aligned, complain, put
from .options import Server, duration, option, shared_filters, with_options
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiotofupilot.mirror import Mirror, MirrorResult

_OPTIONS = [argument for argument in listing_class("runs").options if argument.name in ("concurrency", "on_unreadable")]
"""The arguments of ``list()`` that become options."""


async def mirror(
    database: Path,
    /,
    *listings: Annotated[str, Parameter(metavar="LISTING")],
    again: Annotated[timedelta | None, Parameter(metavar="DURATION", converter=duration)] = None,
    full: Annotated[bool, Parameter(show_default=False)] = False,
    overlap: Annotated[float, Parameter(metavar="SECONDS")] = 60.0,
    publish: Path | None = None,
    server: Server = Server(),  # noqa: B008 - a value
    **filters: Any,  # noqa: ANN401 - those of the listings, and `_OPTIONS`
) -> None:
    """Bring a DuckDB database up to date, with a table for each listing.

    The first run reads everything, and each later run reads what is new. A run can be stopped at any time and repeated.
    Each run reads all parts, stations and users, and looks for removed runs, units and batches. --again finds other
    recent changes and removals, and --full finds all changes and removals. A row that the server no longer lists stays,
    and _gone_at says when that was found. Measurements, phases and logs are always mirrored together with the runs.
    With filters, only the items that match are mirrored. The database remembers the filters, so give the same filters
    each time.

    Args:
        database: The file. If there is none, it is made.
        listings: The listings to bring up to date, such as runs. By default all listings that have the filters.
        again: Read recent runs, units and batches again, such as those of the last 7d, with the measurements, phases
            and logs of these runs.
        full: Read everything again, and mark the rows that are gone.
        overlap: The most seconds from the creation of an item until it is visible. Each run reads the items of this
            time again.
        publish: Put a copy here after each completed update. Others can read the copy at any time.
        server: Which server gets the requests.
        filters: What to mirror. There is an option for each.
    """
    for name in listings:  # before anything is loaded
        if name not in NAMES:
            raise UsageError(f"no such listing: {name}; there are {', '.join(NAMES)}")
    import aiotofupilot.mirror as library  # noqa: PLC0415 - help need not wait for DuckDB

    options = {name: filters.pop(name) for name in ("concurrency", "on_unreadable") if name in filters}
    async with server.session() as session:
        try:
            opened = library.Mirror(
                database,
                session=session.with_options(concurrency=options.pop("concurrency", 1)),
                listings=listings or None,
                filters=filters,
                overlap=overlap,
                publish=publish,
                **options,
            )
        except ValueError as error:
            message = str(error).removeprefix("filters: ").replace("overlap must", f"{option('overlap')} must")
            for name in filters:
                message = message.replace(f"'{name}'", option(name))
            raise UsageError(message) from error
        results = await _updated(opened, full=full, again=again)
    headings = ("", "new", "gone", "left out", "rows")
    rows = [
        (each.listing, f"{each.new:,}", f"{each.gone:,}", f"{each.unreadable:,}", f"{each.rows:,}") for each in results
    ]
    put(sys.stdout, f"{visible(str(database))}\n{aligned([headings, *rows], numbers=headings[1:])}")
    for result in results:
        if result.doubt is not None:
            complain(f"{result.doubt}: use --full")
        if result.is_unchecked:
            complain(f"{result.listing} may be missing, because the server's pages could not be checked")
        if result.lateness > overlap / 2:
            late = f"{result.listing} became visible {result.lateness:.0f} s after newer ones"
            complain(f"{late}; after {overlap:g} s they would be missed: use a longer --overlap")


with_options(mirror, [*shared_filters(name for name in NAMES if listing_class(name).by_run is None), *_OPTIONS])


async def _updated(
    mirror: Mirror,
    **options: Any,  # noqa: ANN401 - as `Mirror.update` has them
) -> Sequence[MirrorResult]:
    import aiotofupilot.mirror as library  # noqa: PLC0415 - it is loaded by now

    reached = ""

    def note(listing: str, rows: int) -> None:
        nonlocal reached
        reached = listing
        progress.note(listing, rows)

    with Progress() as progress:
        try:
            async with progress.reporting():
                return await mirror.update(**options, on_progress=note)
        except library.MirrorError as error:
            kind = FailedError if isinstance(error, library.DatabaseInUseError) else UsageError
            raise kind("; ".join((str(error), *getattr(error, "__notes__", ())))) from error
        except (TofuPilotError, OSError, CancelledError) as error:
            is_lasting = isinstance(error, ForbiddenError | NotFoundError | DriftError)  # the next run would fail too
            how = "name the other listings to leave these out" if is_lasting else "run it again to continue"
            left = f"it stopped at the {reached}; {how}" if reached else "no listing was read"
            if isinstance(error, OSError):  # it has a note if only the copy failed
                left = "".join(getattr(error, "__notes__", ())) or left
            raise StoppedError(error, left) from error
