"""A mirror as a command: its progress, its last line, and what went wrong."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiotofupilot.errors import TofuPilotError
from aiotofupilot.listings import NAMES

from .columns import columns_of
from .failures import DeadlineError, MirrorStoppedError, UsageError
from .output.progress_display import progress_shown
from .output.terminal import put, visible

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator
    from pathlib import Path

    from aiotofupilot.dlt import Brought

    from .output.progress import Progress
    from .server import Server
    from .shared_options import AskingForAll

__all__ = ["bring_up_to_date"]

_EXTRA = frozenset({"dlt", "duckdb", "pyarrow"})
"""What the extra ``dlt`` installs. Without it, a user can do something about a missing module."""


async def bring_up_to_date(
    path: Path, listings: Collection[str], server: Server, asking: AskingForAll, *, full: bool
) -> None:
    """Bring a database up to date, and say what came.

    Args:
        path: The database.
        listings: Names of the listings.
        server: Whom to ask.
        asking: How to ask.
        full: Whether to read everything again.

    Raises:
        UsageError: The database cannot be used.
        MirrorStoppedError: It ended early.
    """
    # One thread, because dlt keeps to the one that it began in. Nobody waits for it where Ctrl-C ends the process.
    thread = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()
    shown: list[Progress] = []

    def on_rows(_listing: str, rows: int) -> None:
        shown[-1].advance(rows)

    def begin(options: dict[str, Any]) -> Iterator[Brought]:
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
            concurrency=asking.concurrency,
            on_unreadable=asking.on_unreadable,
            deadline=asking.deadline,
            server=server.name,
            on_rows=on_rows,
        )

    brought: list[Brought] = []
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
def _explaining(place: str) -> Generator[None]:
    """Turn what can go wrong with a mirror during a block into what the command explains.

    Args:
        place: The listing, or the end.
    """
    try:
        yield
    except (TofuPilotError, OSError, asyncio.CancelledError) as error:
        from aiotofupilot.dlt import MirrorError, MirrorTimeoutError, PlaceError  # noqa: PLC0415 - they are loaded by now

        if isinstance(error, MirrorTimeoutError):
            raise MirrorStoppedError(DeadlineError(error.seconds), place) from error
        if isinstance(error, PlaceError):
            raise UsageError(f"{error}; the option is --full") from error
        if isinstance(error, MirrorError):
            raise UsageError(str(error)) from error
        raise MirrorStoppedError(error, place) from error


def _said(brought: list[Brought]) -> str:
    """Return what a run has brought, in words."""
    new = [_counted(came.new, came.listing) for came in brought if came.new]
    gone = [_counted(came.gone, came.listing) for came in brought if came.gone]
    said = [f"{', '.join(new)} came" if new else "nothing new"]
    said += [f"{', '.join(gone)} gone"] if gone else []
    # Not where they stand: that counts from where this run began to ask, which the user of the command cannot see.
    said += _left_out(brought)
    return "; ".join(said)


def _left_out(brought: list[Brought]) -> list[str]:
    counts = Counter[str]()
    for unreadable in (unreadable for came in brought for unreadable in came.unreadable):
        counts[unreadable.listing] += unreadable.count
    return [
        f"{_counted(count, listing)} could not be read and {'is' if count == 1 else 'are'} left out"
        for listing, count in counts.items()
    ]


def _counted(count: int, listing: str) -> str:
    return f"{count:,} {columns_of(listing).singular if count == 1 else listing}"
