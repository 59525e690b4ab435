"""``aiotofupilot mirror``: its options, its progress, its last line, and what went wrong."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from aiotofupilot import TofuPilotError
from aiotofupilot.listings import NAMES

from .failures import DeadlineError, StoppedError, UsageError
from .options import MirrorOptions, ServerOptions, unwrapped
from .progress import progress_shown
from .tables import counted
from .terminal import put, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator

    from aiotofupilot.dlt import MirrorResult

    from .progress import Progress
    from .server import Server

__all__ = ["bring_up_to_date", "mirror"]

_EXTRA = frozenset({"dlt", "duckdb", "pyarrow"})
"""What the extra ``dlt`` installs. Without it, a user can do something about a missing module."""


@unwrapped
async def mirror(
    database: Annotated[Path, Parameter(metavar="DATABASE")],
    /,
    *listings: Annotated[str, Parameter(metavar="LISTING")],
    full: Annotated[bool, Parameter(show_default=False)] = False,
    requests: MirrorOptions = MirrorOptions(),  # noqa: B008 - a value
    server_options: ServerOptions = ServerOptions(),  # noqa: B008 - a value
) -> None:
    """Bring a DuckDB database up to date, with a table for each listing.

    The first run reads everything, and each later one what is new. It can be stopped at any time and run again.
    Parts, stations and users are compared as a whole by each run. Of the other listings, only --full sees what was
    changed or removed. A row that the server lists no more stays, and _gone_at says when that was found.

    Args:
        database: The file. If there is none, it is made.
        listings: The listings to bring up to date, such as runs. All of them by default.
        full: Read everything again, and mark what is gone.
        requests: How requests are sent.
        server_options: Which server gets the requests, and with which key.
    """
    server_options.check()
    for name in listings:
        if name not in NAMES:
            raise UsageError(f"no such listing: {name}; there are {', '.join(NAMES)}")
    # Here and not above, because help and a wrong option need not wait for aiohttp.
    from .server import Server  # noqa: PLC0415

    await bring_up_to_date(database, listings or tuple(NAMES), Server(server_options, requests), requests, full=full)


async def bring_up_to_date(
    path: Path, listings: Collection[str], server: Server, requests: MirrorOptions, *, full: bool
) -> None:
    """Bring a database up to date, and say what came.

    Args:
        path: The database.
        listings: Names of the listings.
        server: The server to request from.
        requests: How to ask.
        full: Whether to read everything again.

    Raises:
        UsageError: The database cannot be used.
        StoppedError: It ended early.
    """
    import asyncio  # noqa: PLC0415 - help and a wrong option need not wait for it
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - likewise

    # One thread, because dlt keeps to the one that it began in. Nobody waits for it where Ctrl-C ends the process.
    thread = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    shown: list[Progress] = []

    def on_rows(_listing: str, rows: int) -> None:
        shown[-1].advance(rows)

    def begin(options: dict[str, Any]) -> Iterator[MirrorResult]:
        try:
            from aiotofupilot.dlt import mirror  # noqa: PLC0415 - half a second
            from aiotofupilot.dlt.quiet import quieten  # noqa: PLC0415 - likewise
        except ModuleNotFoundError as error:
            if error.name not in _EXTRA:
                raise
            raise UsageError(str(error)) from error
        quieten()
        return mirror(
            path,
            listings=tuple(listings),
            full=full,
            **options,
            concurrency=requests.concurrency,
            on_unreadable=requests.on_unreadable,
            deadline=requests.deadline,
            server=server.name,
            on_rows=on_rows,
        )

    brought: list[MirrorResult] = []
    async with server.reached() as options:
        steps = await loop.run_in_executor(thread, begin, options)
        for name in (name for name in NAMES if name in listings):
            with progress_shown(name, to_standard_output=False, total=None) as progress, _explaining(name):
                shown.append(progress)
                brought.append(await loop.run_in_executor(thread, next, steps))
        with _explaining("end"):
            await loop.run_in_executor(thread, next, steps, None)
    put(sys.stdout, f"{visible(str(path))}: {_said(brought)}\n")


@contextmanager
def _explaining(step: str) -> Generator[None]:
    """Turn what can go wrong with a mirror during a block into what the command explains.

    Args:
        step: The listing, or the end.
    """
    from asyncio import CancelledError  # noqa: PLC0415 - it is loaded by now

    left = f"it had come to the {step}, run it again to go on"
    try:
        yield
    except (TofuPilotError, OSError, CancelledError) as error:
        from aiotofupilot.dlt import MirrorError, MirrorTimeoutError, StaleWatermarkError  # noqa: PLC0415 - they are loaded by now

        if isinstance(error, MirrorTimeoutError):
            raise StoppedError(DeadlineError(error.seconds), left) from error
        if isinstance(error, StaleWatermarkError):
            raise UsageError(f"{error}; the option is --full") from error
        if isinstance(error, MirrorError):
            raise UsageError(str(error)) from error
        raise StoppedError(error, left) from error


def _said(brought: list[MirrorResult]) -> str:
    """Return what a run has brought, in words."""
    new = [counted(came.new, came.listing) for came in brought if came.new]
    gone = [counted(came.gone, came.listing) for came in brought if came.gone]
    said = [f"{', '.join(new)} came" if new else "nothing new"]
    said += [f"{', '.join(gone)} gone"] if gone else []
    # Not where they stand: that counts from where this run began to ask, which the user of the command cannot see.
    said += _left_out(brought)
    return "; ".join(said)


def _left_out(brought: list[MirrorResult]) -> list[str]:
    counts = Counter[str]()
    for unreadable in (unreadable for came in brought for unreadable in came.unreadable):
        counts[unreadable.listing] += unreadable.count
    return [
        f"{counted(count, listing)} could not be read and {'is' if count == 1 else 'are'} left out"
        for listing, count in counts.items()
    ]
