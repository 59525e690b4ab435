"""``aiotofupilot mirror``: its options, its progress, what it says in the end, and what went wrong."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from aiotofupilot import TofuPilotError
from aiotofupilot.listings import NAMES, listing_class

from .converters import duration
from .failures import BusyError, DeadlineError, StoppedError, UsageError
from .options import MirrorOptions, ServerOptions, option, shared_filters, unwrapped, with_filters
from .progress import progress_shown
from .terminal import put, say, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Mapping, Sequence

    from aiotofupilot.mirror import MirrorProgress, MirrorResult

    from .server import Server

__all__ = ["bring_up_to_date", "mirror_command"]

_EXTRA = frozenset({"duckdb", "pyarrow"})
"""What the extra ``mirror`` installs. Without it, a user can do something about a missing module."""


def mirror_command() -> Callable[..., Any]:
    """Return the command, as a function from which cyclopts can make a command."""

    @unwrapped
    async def mirror(
        database: Annotated[Path, Parameter(metavar="DATABASE")],
        /,
        *listings: Annotated[str, Parameter(metavar="LISTING")],
        again: Annotated[
            timedelta | None, Parameter(metavar="DURATION", converter=duration, show_default=False)
        ] = None,
        full: Annotated[bool, Parameter(show_default=False)] = False,
        details: Annotated[bool, Parameter(show_default=False)] = False,
        requests: MirrorOptions = MirrorOptions(),  # noqa: B008 - a value
        server_options: ServerOptions = ServerOptions(),  # noqa: B008 - a value
        **filters: Any,  # noqa: ANN401 - those of the listings
    ) -> None:
        """Bring a DuckDB database up to date, with a table for each listing.

        The first run reads everything, and each later one what is new. It can be stopped at any time and run again.
        Parts, stations and users are compared as a whole by each run. Of the other listings, --again sees what was
        changed or removed lately, and only --full sees all of it. A row that the server lists no more stays, and
        _gone_at says when that was found. Measurements, phases and logs follow the runs, which are always mirrored with
        them. With filters, only the items that match are mirrored. The database remembers them, so give the same ones
        each time.

        Args:
            database: The file. If there is none, it is made.
            listings: The listings to bring up to date, such as runs. By default all of them that have the filters.
            again: Read the runs, units and batches of this last time once more, such as 7d, with the measurements,
                phases and logs of these runs.
            full: Read everything again, and mark what is gone.
            details: Mirror the waveforms and attachments of runs too, without their addresses. Each run takes a
                request.
            requests: How requests are sent.
            server_options: Which server gets the requests, and with which key.
            filters: What to mirror. There is an option for each.
        """
        server_options.check()
        if again is not None and again <= timedelta(0):
            raise UsageError("--again must be more than 0")
        if again is not None and full:
            raise UsageError("--again must be left out where --full is given, which reads everything")
        for name in listings:
            if name not in NAMES:
                raise UsageError(f"no such listing: {name}; there are {', '.join(NAMES)}")
        # Here and not above, because help and a wrong option need not wait for aiohttp.
        from .server import Server  # noqa: PLC0415

        given = {name: value for name, value in filters.items() if value is not None}
        server = Server(server_options, requests)
        await bring_up_to_date(
            database, listings or None, given, server, requests, again=again, full=full, details=details
        )

    mirrored = [name for name in NAMES if listing_class(name).by_run is None]
    return with_filters(mirror, shared_filters(mirrored))


async def bring_up_to_date(
    path: Path,
    listings: Sequence[str] | None,
    filters: Mapping[str, Any],
    server: Server,
    requests: MirrorOptions,
    *,
    again: timedelta | None,
    full: bool,
    details: bool,
) -> None:
    """Bring a database up to date, and say what came.

    Args:
        path: The database.
        listings: Names of the listings. None: all that have the filters.
        filters: The filters.
        server: The server to request from.
        requests: How to ask.
        again: How far back to read once more. None: only what is new.
        full: Whether to read everything again.
        details: Whether to mirror the details of runs.

    Raises:
        UsageError: The database cannot be used.
        StoppedError: It ended early.
    """
    try:
        from aiotofupilot.mirror import Mirror  # noqa: PLC0415 - a third of a second
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        raise UsageError(str(error)) from error
    async with server.session() as session:
        try:
            mirror = Mirror(
                path,
                session=session.with_options(concurrency=requests.concurrency),
                listings=listings,
                filters=filters,
                details=details,
                on_unreadable=requests.on_unreadable,
            )
        except ValueError as error:
            raise UsageError(_in_options(str(error), filters)) from error
        reached = ["beginning"]
        with progress_shown(None, to_standard_output=False, total=None) as progress, _explaining(reached):

            def note(step: MirrorProgress) -> None:
                reached[0] = step.listing
                progress.note(step.listing, step.rows, step.total)

            results = await mirror.update(
                full=full, again=again, deadline=requests.deadline, on_progress=note, with_totals=progress.is_shown
            )
    put(sys.stdout, f"{visible(str(path))}\n{_table(results)}")
    if not all(result.is_account_checked for result in results):
        say("aiotofupilot: the server is too old to say whether the key is of the organization that is mirrored")


def _in_options(message: str, filters: Collection[str]) -> str:
    """Return a message of the library with the options in the place of the filters."""
    for name in filters:
        message = message.replace(f"'{name}'", option(name))
    return message.removeprefix("filters: ")


@contextmanager
def _explaining(reached: Sequence[str]) -> Generator[None]:
    """Turn what can go wrong with a mirror during a block into what the command explains.

    Args:
        reached: In its first place, the listing that the update has come to.
    """
    from asyncio import CancelledError  # noqa: PLC0415 - it is loaded by now

    from aiotofupilot.mirror import (  # noqa: PLC0415 - they are loaded by now
        DatabaseInUseError,
        MirrorError,
        MirrorTimeoutError,
        StaleWatermarkError,
    )

    try:
        yield
    except DatabaseInUseError as error:
        raise BusyError(str(error)) from error
    except MirrorError as error:
        raise UsageError(str(error)) from error
    except StaleWatermarkError as error:
        raise UsageError(f"{error}; the option is --full") from error
    except (TofuPilotError, OSError, CancelledError) as error:
        reason = DeadlineError(error.seconds) if isinstance(error, MirrorTimeoutError) else error
        raise StoppedError(reason, f"it had come to the {reached[0]}, run it again to go on") from error


def _table(results: Sequence[MirrorResult]) -> str:
    """Return what an update has done, in a line for each listing."""
    columns = {
        "": [result.listing for result in results],
        "new": [f"{result.new:,}" for result in results],
        "gone": [f"{result.gone:,}" for result in results],
        "left out": [f"{result.unreadable:,}" for result in results],
        "rows": [f"{result.rows:,}" for result in results],
    }
    if not any(result.unreadable for result in results):
        del columns["left out"]
    widths = {heading: max(map(len, (heading, *cells))) for heading, cells in columns.items()}
    lines = [columns, *(dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))]
    lines[0] = {heading: heading for heading in columns}
    return "".join(
        "  ".join(f"{cell:{'<' if not heading else '>'}{widths[heading]}}" for heading, cell in line.items()) + "\n"
        for line in lines
    )
