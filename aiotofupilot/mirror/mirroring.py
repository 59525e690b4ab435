"""A DuckDB database with a table for each listing, brought up to date from a session."""

from __future__ import annotations

from datetime import timedelta
from os.path import realpath
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aiotofupilot import TofuPilotSession
from aiotofupilot._blocking import LoopThread
from aiotofupilot._checks import OVERLAP, boolean, checked_overlap, for_parameter, must_be, one_of, seconds

from .database import Database
from .tables import Selection
from .update import Update

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

    from .results import MirrorProgress, MirrorResult


class Mirror:
    """A DuckDB database that mirrors an account, or a part of one. Use it as an async context manager.

    Nothing is sent and no file is opened before `update`. The file is open during an update only, and then nothing
    else can open it. DuckDB works in a thread, so the event loop does not wait for it.

    Killed at any time and updated again, the database has each row once: the rows, and how far the reading has come,
    are stored in one transaction. The file is all that an update needs. It can be moved, copied and restored.

    Each row has two columns of the mirror's own. ``_seen_at`` is when the update began that read the row last.
    ``_gone_at`` is when an update found that the server does not list it any more; null: none found that.

    Args:
        path: The database. If there is none, it is made.
        session: Where everything is requested. It is not closed. None: a session of its own, which finds the key and
            the server by itself, and is closed at the end.
        listings: Names of the listings to mirror. Measurements, phases and logs follow the runs, so runs are mirrored
            with them. What of these was mirrored once is brought up to date with the runs from then on. None: all
            eleven, or all that have the filters.
        filters: Mirror only the items that match these filters of the listings, such as ``{"outcomes": ["FAIL"]}``.
            ``created_after`` is also ``deployed_after`` of deployments. Measurements, phases and logs are those of the
            runs that match. The database remembers the filters of each listing. None: everything is mirrored.
        details: Whether to mirror the waveforms and attachments of runs too, in the tables ``series``, ``points`` and
            ``attachments``. Each run takes a request. They follow the runs, so runs are mirrored with them. What was
            mirrored once is brought up to date from then on. Addresses of attachments are left out.
        on_unreadable: What to do about an item that the server cannot serve while it serves others, or that no column
            can hold, such as a measured integer of 400 digits: ``"raise"`` its error, or ``"skip"`` it. Later updates
            request it until it is a minute older than the newest one. Then ``full`` does, and an update that meets it
            while it looks for what was removed.
        overlap: Seconds from the creation of an item until it is visible, at most; more than 0, and up to 86,400. Each
            update reads the items of these seconds again. One that becomes visible later may be missed.
            `MirrorResult.lateness` says how many seconds were needed.
        publish: A file that others can read at any time, also during an update: a copy of the database, which is
            read-only. Each update that has come to its end puts a new copy there by a rename, if anything has changed
            since the last one. A program that has that one open keeps it. Open it with ``duckdb:`` before its path,
            because DuckDB 2.0 can mix two copies otherwise. A copy takes the time to write the whole database,
            and as much space. None: there is no copy.

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
        details: bool = False,
        on_unreadable: Literal["raise", "skip"] = "raise",
        overlap: float = OVERLAP,
        publish: str | os.PathLike[str] | None = None,
    ) -> None:
        self._path = Path(path).absolute()
        self._selection = Selection.of(listings, filters, details=boolean("details", details))
        self._on_unreadable: Literal["raise", "skip"] = one_of("on_unreadable", on_unreadable, ("raise", "skip"))
        self._overlap = checked_overlap(overlap)
        self._publish = None if publish is None else Path(realpath(publish))  # `resolve` fails at links in a circle
        own = {Path(f"{realpath(path)}{ending}") for ending in ("", ".wal")}
        if self._publish is not None and own & {Path(f"{self._publish}{ending}") for ending in ("", ".wal", ".part")}:
            message = f"the mirror itself cannot be its copy: choose another file than {publish} to publish"
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
        removals: bool = True,
        deadline: float | None = None,
        on_progress: Callable[[MirrorProgress], None] | None = None,
        with_totals: bool = False,
    ) -> tuple[MirrorResult, ...]:
        """Bring the database up to date, and return a result for each listing.

        Each update reads what is new. It compares parts, stations and users as a whole, because the API has no filter
        by time there. It looks for runs, units and batches that were removed, in few requests. That an item was
        changed is seen by ``again`` and ``full``.

        Args:
            full: Whether to read everything again, which sees what was changed or removed.
            again: How far back to read runs, units and batches once more, by ``created_at``, with the measurements,
                phases and logs of these runs; more than 0. This sees what was changed or removed there. None: only what
                is new.
            removals: Whether to look for runs, units and batches that were removed. A row is marked as gone if two
                updates miss it, at least a minute apart, and its item cannot be had by its key either. If more than 50
                are gone, `MirrorResult.doubt` says so, and ``full`` is the way.
            deadline: Seconds after which nothing more is read, more than 0. What has come by then is stored. None:
                there is no limit.
            on_progress: Called when a listing begins, and when rows of it were read. None: nobody wants to know.
            with_totals: Whether to count each listing before, so that progress has its ``total``. That takes some
                requests.

        Raises:
            DatabaseInUseError: Another program has the database open, or this one has; or the copy cannot be replaced.
            MirrorError: The file cannot be used, or it is a mirror of something else; or ``publish`` is not a copy of
                it.
            MirrorTimeoutError: The deadline has passed.
            StaleWatermarkError: The watermark in the database cannot be used. Use ``full``.
            OSError: The disk is full, or the file cannot be written.
            TofuPilotError: The server did not respond as it should. What was stored stays.
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
            deadline=None if deadline is None else seconds("deadline", deadline, zero=False),
            on_progress=on_progress,
            with_totals=boolean("with_totals", with_totals),
            removals=boolean("removals", removals),
            publish=self._publish,
        )
        return await update.run()


def mirror_blocking(
    path: str | os.PathLike[str],
    *,
    session: TofuPilotSession | None = None,
    listings: Sequence[str] | None = None,
    filters: Mapping[str, object] | None = None,
    details: bool = False,
    on_unreadable: Literal["raise", "skip"] = "raise",
    overlap: float = OVERLAP,
    publish: str | os.PathLike[str] | None = None,
    full: bool = False,
    again: timedelta | None = None,
    removals: bool = True,
    deadline: float | None = None,
    on_progress: Callable[[MirrorProgress], None] | None = None,
    with_totals: bool = False,
) -> tuple[MirrorResult, ...]:
    """Bring a database up to date, wait for it, and return a result for each listing.

    This is for scripts and notebooks. The work is done by an event loop in a thread of its own, so it does not matter
    whether one is running here.

    Args:
        path: As in `Mirror`.
        session: A session that was not used yet. It is used by the loop in the thread, and closed at the end. None: as
            in `Mirror`.
        listings: As in `Mirror`.
        filters: As in `Mirror`.
        details: As in `Mirror`.
        on_unreadable: As in `Mirror`.
        overlap: As in `Mirror`.
        publish: As in `Mirror`.
        full: As in `Mirror.update`.
        again: As in `Mirror.update`.
        removals: As in `Mirror.update`.
        deadline: As in `Mirror.update`.
        on_progress: As in `Mirror.update`. It is called in the thread.
        with_totals: As in `Mirror.update`.

    Raises:
        Exception: What `Mirror` and its ``update`` raise.
    """

    async def update() -> tuple[MirrorResult, ...]:
        async with session or TofuPilotSession() as opened:
            mirror = Mirror(
                path,
                session=opened,
                listings=listings,
                filters=filters,
                details=details,
                on_unreadable=on_unreadable,
                overlap=overlap,
                publish=publish,
            )
            return await mirror.update(
                full=full,
                again=again,
                removals=removals,
                deadline=deadline,
                on_progress=on_progress,
                with_totals=with_totals,
            )

    with LoopThread() as loop:
        return loop.run(update)


def _checked_again(again: object, *, full: bool) -> timedelta | None:
    if not isinstance(again, timedelta | None):
        raise must_be(TypeError, "again", "a timedelta or None", again)
    if again is not None and again <= timedelta(0):
        raise must_be(ValueError, "again", "more than 0", again)
    if again and full:
        raise for_parameter(ValueError("again must be left out where full is True, which reads everything"), "again")
    return again
