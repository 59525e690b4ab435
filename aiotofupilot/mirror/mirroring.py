"""A DuckDB database with a table for each listing, updated from a session."""

from __future__ import annotations

from datetime import timedelta
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aiotofupilot import TofuPilotSession
from aiotofupilot._checks import OVERLAP, boolean, checked_overlap, for_parameter, must_be, one_of

from .database import Database
from .tables import Selection
from .update import Update

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from .results import MirrorResult


class Mirror:
    """A DuckDB database that mirrors an account, or a part of one. Use it as an async context manager.

    Nothing is sent and no file is opened before `update`. The file is open only during an update, and then nothing else
    can open it. DuckDB works in a thread, so it does not block the event loop.

    An update can be killed at any time. The next update leaves each row once, because rows and progress are stored in
    one transaction. An update needs nothing but the file, which can be moved, copied and restored.

    Each row has two more columns. ``_seen_at`` is the beginning of the update that last read the row. ``_gone_at`` is
    the time when an update found that the server no longer lists the item, or null.

    Args:
        path: The database. It is made if it does not exist.
        session: The session for all requests. It is not closed. None makes a session, which finds the key and the
            server, and is closed at the end.
        listings: Names of the listings to mirror. Measurements, phases and logs are read with their runs, so naming
            them adds runs. Once mirrored, they are always updated with the runs. None mirrors all eleven listings, or
            all that have the filters.
        filters: Mirror only the items that match these filters of the listings, such as ``{"outcomes": ["FAIL"]}``.
            ``created_after`` also stands for ``deployed_after`` of deployments. Measurements, phases and logs of
            the matching runs are mirrored. The database remembers the filters of each listing. None mirrors everything.
        on_unreadable: How to treat an item that the server fails to serve although it serves others, or whose value
            fits no column, such as a measured integer of 400 digits: ``"raise"`` its error, or ``"skip"`` it. Later
            updates request the item until it is a minute older than the newest item. After that, only ``full`` and
            searches for removed items request it.
        overlap: The most seconds from the creation of an item until it is visible; more than 0, at most 86,400. Each
            update reads the items of these seconds again. An item that becomes visible later may be missed.
            `MirrorResult.lateness` says how many seconds were needed.
        publish: The path of a read-only copy of the database, which others can read at any time. Each completed update
            replaces it by a rename, even if nothing has changed. A program that has the old copy open keeps reading it.
            Open a copy with ``duckdb:`` before its path, because DuckDB 2.0 can mix two copies otherwise. A copy takes
            the time and the space to write the whole database. None makes no copy.

    Raises:
        ConfigurationError: The session cannot be made.
        TypeError: An argument is of the wrong type.
        ValueError: There is no such listing or filter, a listing does not have a filter, or an argument is out of
            bounds.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        session: TofuPilotSession | None = None,
        listings: Sequence[str] | None = None,
        filters: Mapping[str, object] | None = None,
        on_unreadable: Literal["raise", "skip"] = "raise",
        overlap: float = OVERLAP,
        publish: str | os.PathLike[str] | None = None,
    ) -> None:
        self._path = Path(path).absolute()
        self._selection = Selection.of(listings, filters)
        self._on_unreadable: Literal["raise", "skip"] = one_of("on_unreadable", on_unreadable, ("raise", "skip"))
        self._overlap = checked_overlap(overlap)
        self._publish = None if publish is None else Path(realpath(publish))  # `resolve` fails at links in a circle
        own = {Path(f"{realpath(path)}{ending}") for ending in ("", ".wal")}
        if self._publish is not None and own & {Path(f"{self._publish}{ending}") for ending in ("", ".wal", ".part")}:
            message = f"the mirror itself uses {publish}: publish to another file"
            raise for_parameter(ValueError(message), "publish")
        self._is_own = session is None
        self._session = TofuPilotSession() if session is None else session

    def __repr__(self) -> str:
        return f"<Mirror {self._path}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session, unless it was given."""
        if self._is_own:
            await self._session.close()

    async def update(
        self,
        *,
        full: bool = False,
        again: timedelta | None = None,
        on_progress: Callable[[str, int], None] | None = None,
    ) -> tuple[MirrorResult, ...]:
        """Bring the database up to date, and return a result for each listing.

        Each update reads what is new. Parts, stations and users are read whole and compared, because the API cannot
        filter them by time. Removed runs, units and batches are found in few requests. A row is marked as gone if two
        updates, at least a minute apart, do not find its item in the listing, and the item cannot be read by its key
        either. If more than 50 rows are gone, `MirrorResult.doubt` says so, and only ``full`` finds them. Changed items
        are only found with ``again`` or ``full``. An update that is cancelled, such as by ``asyncio.timeout``, stores
        what it has read.

        Args:
            full: Whether to read everything again. This finds all that was changed or removed.
            again: How far back, by ``created_at``, to read runs, units and batches again, with the measurements, phases
                and logs of these runs; more than 0. This finds what was changed or removed there. If None, only what is
                new is read.
            on_progress: Called with the name of a listing and its number of rows read, when the listing begins and
                each time that rows were read. None for no calls.

        Raises:
            DatabaseInUseError: This or another program has the database open, or the copy cannot be replaced.
            MirrorError: The file cannot be used or mirrors something else, or ``publish`` is not a copy of it. If the
                message says that a full update is needed, use ``full``.
            OSError: The disk is full, or the file cannot be written.
            TofuPilotError: The server did not respond as it should. Stored rows stay.
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of bounds.
        """
        update = Update(
            session=self._session,
            database=Database(self._path),
            selection=self._selection,
            on_unreadable=self._on_unreadable,
            overlap=self._overlap,
            full=boolean("full", full),
            again=_checked_again(again, full=full),
            on_progress=on_progress,
            publish=self._publish,
        )
        return await update.run()


def _checked_again(again: object, *, full: bool) -> timedelta | None:
    if not isinstance(again, timedelta | None):
        raise must_be(TypeError, "again", "a timedelta or None", again)
    if again is not None and again <= timedelta(0):
        raise must_be(ValueError, "again", "more than 0", again)
    if again and full:
        raise for_parameter(ValueError("again cannot be given with full=True, which reads everything again"), "again")
    return again
