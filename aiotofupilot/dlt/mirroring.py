"""A DuckDB database with a table for each listing, brought up to date by each run."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Literal

import dlt
import pyarrow as pa
from attrs import frozen

from aiotofupilot import RetryPolicy
from aiotofupilot._arguments import boolean, integer, one_of, seconds
from aiotofupilot._http.retry import checked_retry
from aiotofupilot.settings import Secret, Settings

from .database import GONE, SEEN, locked, opened
from .quiet import unwrapped, without_telemetry
from .reading import Deadline, chosen, is_compared
from .results import MirrorResult, MirrorTimeoutError
from .source import Amounts, Sessions, resource, source_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from dlt.extract import DltSource
    from dlt.pipeline.pipeline import Pipeline

    from .database import Database
    from .results import Unreadable

__all__ = ["mirror"]

_AT_ONCE = 100_000
"""Items of a listing that are read before they are loaded. A run that is killed has to read no more of them again."""

_ROWS = 5000
"""Rows of a batch, about."""

_ROWS_IN_TIME = 500
"""The same where there is a deadline, because what has come of a batch is lost when it passes."""

_SPECIAL = frozenset("'*?[]{}=%")
"""Characters that mean something in a path that DuckDB finds in SQL, or dlt in a template."""


@frozen(kw_only=True)
class _Manner:
    """How a database is brought up to date."""

    full: bool
    skips: bool
    deadline: Deadline
    on_rows: Callable[[str, int], None] | None

    @property
    def rows(self) -> int:
        """Rows of a batch, about."""
        return _ROWS if self.deadline.seconds is None else _ROWS_IN_TIME


def mirror(
    path: str | os.PathLike[str],
    *,
    listings: Sequence[str] | None = None,
    full: bool = False,
    api_key: str | None = None,
    base_url: str | None = None,
    concurrency: int = 1,
    timeout: float | None = 30.0,
    retry: RetryPolicy | None = RetryPolicy(),  # noqa: B008 - a value
    make_limiter: Callable[[], AbstractAsyncContextManager[object]] | None = None,
    on_unreadable: Literal["raise", "skip"] = "raise",
    deadline: float | None = None,
    allow_insecure_http: bool = False,
    proxy: str | None = None,
    ca_cert: str | os.PathLike[str] | None = None,
    server: str | None = None,
    on_rows: Callable[[str, int], None] | None = None,
) -> Iterator[MirrorResult]:
    """Bring a DuckDB database up to date, a listing at a time, and yield a result for each.

    It works as it is iterated, and blocks. Killed at any time and run again, it has each row once. The file is all
    that it needs: it can be moved, copied and restored. What a run leaves unfinished is in a folder beside it, and the
    next run removes that.

    Each row has two columns of the mirror's own. ``_seen_at`` is when the run began that read the row last.
    ``_gone_at`` is when a run found that the server does not list it any more; null: no run found that. Each run
    compares parts, stations and users as a whole. The other listings are compared only if ``full`` is true.

    Args:
        path: The database. If there is none, it is made.
        listings: Names of the listings to bring up to date. None: all eleven.
        full: Whether to read everything again. This sees what was changed or removed.
        api_key: As in `TofuPilotSession`.
        base_url: As in `TofuPilotSession`.
        concurrency: As in `TofuPilotSession`.
        timeout: As in `TofuPilotSession`.
        retry: A `RetryPolicy`; None: every page is requested once.
        make_limiter: A function that returns what `TofuPilotSession` takes as ``limiter``, such as ``lambda:
            AsyncLimiter(10, 1)``. Each session calls it. None: there is no limiter.
        on_unreadable: What to do about an item that the server cannot serve while it serves others: ``"raise"`` its
            error, or ``"skip"`` it. Only a run with ``full`` requests it again. What belongs to it is left out too,
            such as the measurements of a run. A run that leaves out something of a listing marks nothing of that
            listing as gone, because it cannot tell the one from the other.
        deadline: Seconds after which nothing more is read, more than 0. What has come by then is loaded. None: there is
            no limit.
        allow_insecure_http: As in `TofuPilotSession`.
        proxy: As in `TofuPilotSession`.
        ca_cert: As in `TofuPilotSession`.
        server: What the database is a mirror of, which must stay the same. None: the server's address.
        on_rows: Called with a listing and how many more of its rows were read. None: nobody wants to know.

    Raises:
        ConfigurationError: There is no key, or the key or the address cannot be used.
        MirrorError: The database cannot be used: it is open elsewhere, belongs to another server, or is something else.
        StaleWatermarkError: The watermark of an earlier run cannot be used. Read everything again.
        MirrorTimeoutError: The deadline has passed. What came by then is loaded.
        OSError: The disk is full, or a file cannot be written.
        TofuPilotError: The server did not respond as it should. What was yielded before stays.
        TypeError: An argument is of the wrong type.
        ValueError: There is no such listing, or an argument is out of bounds.
    """
    key, way = Secret.of(api_key), Secret.of(proxy)
    del api_key, proxy  # so that no traceback with local variables shows them
    wanted = chosen(listings)
    settings = Settings.resolve(key, base_url=base_url, allow_insecure_http=allow_insecure_http)
    sessions = Sessions(
        api_key=key,
        base_url=base_url,
        concurrency=integer("concurrency", concurrency, low=1),
        allow_insecure_http=allow_insecure_http,
        proxy=way,
        ca_cert=ca_cert,
        timeout=None if timeout is None else seconds("timeout", timeout, zero=False),
        retry=checked_retry(retry),
        make_limiter=make_limiter,
    )
    skips = one_of("on_unreadable", on_unreadable, ("raise", "skip")) == "skip"
    target = Path(path).absolute(), server or settings.base_url
    time = Deadline(None if deadline is None else seconds("deadline", deadline, zero=False))
    manner = _Manner(full=boolean("full", full), skips=skips, deadline=time, on_rows=on_rows)
    return _mirrored(*target, sessions, wanted, manner)


def _mirrored(
    path: Path,
    server: str,
    sessions: Sessions,
    listings: Sequence[str],
    manner: _Manner,
) -> Generator[MirrorResult]:
    with unwrapped(path), locked(path), opened(path, server) as database, without_telemetry():
        # What is in the folder counts for nothing: dlt restores its state from the database.
        folder = _emptied_folder(path)
        pipeline = dlt.pipeline(
            "mirror",
            pipelines_dir=str(folder),
            destination=dlt.destinations.duckdb(database.connection),
            dataset_name="main",
        )
        try:
            pipeline.sync_destination()
            for name in listings:
                brought = _brought(name, pipeline, database, sessions, manner)
                seconds = manner.deadline.seconds
                if seconds is not None and manner.deadline.is_missed:
                    message = f"the deadline of {seconds:g} s has passed"
                    raise MirrorTimeoutError(message, seconds=seconds, result=brought)
                yield brought
            database.finish()
        finally:
            pipeline.deactivate()
            shutil.rmtree(folder, ignore_errors=True)


def _emptied_folder(path: Path) -> Path:
    """Return a folder for what dlt keeps while a run lasts: beside the database, so that the next run can remove it.

    dlt puts the paths of its files into SQL and templates as they are. In SQL a quote would end them, a star would
    stand for other names, and a folder such as ``outcome=PASS`` would be the outcome of each row. So a database with
    such a path has the folder among the system's temporary ones.
    """
    if not _SPECIAL.isdisjoint(str(path)):
        return Path(mkdtemp(prefix="aiotofupilot-mirror-"))
    folder = path.with_name(f"{path.name}.work")
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _brought(
    name: str,
    pipeline: Pipeline,
    database: Database,
    sessions: Sessions,
    manner: _Manner,
) -> MirrorResult:
    before, seen_at, is_begun, read = database.rows(name), datetime.now(UTC), False, 0
    unreadable: list[Unreadable] = []
    is_anew = manner.full or not database.has(name)  # never was, or a user has removed it
    database.let_dlt_look(name)

    def seen(rows: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal read
        read += rows.num_rows
        if manner.on_rows is not None:
            manner.on_rows(name, rows.num_rows)
        timestamps = pa.array([seen_at] * rows.num_rows, pa.timestamp("us", "UTC"))
        return rows.append_column(SEEN, timestamps)

    while True:
        read = 0
        full = is_anew and not is_begun
        amounts = Amounts(rows=manner.rows, max_items=_AT_ONCE, full=full, deadline=manner.deadline)
        listing = resource(name, sessions, amounts, unreadable if manner.skips else None).add_map(seen)
        listing.apply_hints(columns=[{"name": column, "data_type": "timestamp"} for column in (SEEN, GONE)])
        _load(pipeline, source_of([listing]))
        is_begun = True
        if read < _AT_ONCE or is_compared(name) or manner.deadline.is_missed:
            break
    sees_all = (manner.full or is_compared(name)) and not (unreadable or manner.deadline.is_missed)
    gone = database.mark_gone(name, seen_at) if sees_all else 0
    rows = database.rows(name)
    return MirrorResult(listing=name, new=rows - before, gone=gone, rows=rows, unreadable=unreadable)


def _load(pipeline: Pipeline, source: DltSource) -> None:
    """Do what ``pipeline.run()`` does, and leave out what takes long where nothing is new."""
    pipeline.extract(source)
    pipeline.normalize()
    if pipeline.has_pending_data:
        pipeline.load()
