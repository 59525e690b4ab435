"""A DuckDB database with a table for each listing, brought up to date by each run."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import dlt
import duckdb
import pyarrow as pa
from attrs import frozen

from aiotofupilot._arguments import boolean, integer
from aiotofupilot.errors import TofuPilotError
from aiotofupilot.settings import Settings

from .database import GONE, SEEN, opened, unusable
from .lock import locked
from .reading import COMPARED, chosen
from .resources import Amounts, resource
from .sessions import Sessions
from .source import source_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterator, Sequence

    from dlt.extract import DltSource
    from dlt.pipeline.pipeline import Pipeline

    from .database import Database

__all__ = ["Brought", "mirror"]

_AT_ONCE = 100_000
"""Items of a listing that are read before they are loaded. A run that is killed has to read no more of them again."""

_ROWS = 5000
"""Rows of a batch, about."""

_SPECIAL = frozenset("'*?[]{}")
"""Characters that mean something in a path that DuckDB finds in SQL."""


@frozen(kw_only=True)
class Brought:
    """What a run has brought of one listing, such as 42 new runs."""

    listing: str
    """Its name, which is that of the table."""
    new: int
    """Rows that the table did not have before."""
    gone: int
    """Rows that were found to be listed no more, and marked."""
    rows: int
    """Rows that the table has now, with those that are marked."""


def mirror(
    path: str | os.PathLike[str],
    *,
    listings: Sequence[str] | None = None,
    full: bool = False,
    api_key: str | None = None,
    base_url: str | None = None,
    concurrency: int = 1,
    allow_insecure_http: bool = False,
    server: str | None = None,
    on_rows: Callable[[str, int], None] | None = None,
) -> Iterator[Brought]:
    """Bring a DuckDB database up to date, a listing at a time, and yield what each has brought.

    It works as it is iterated, and blocks. Killed at any moment and run again, it has each row once. The file is all
    that it needs: it can be moved, copied and restored. What a run leaves unfinished is in a folder beside it, and the
    next run removes that.

    Each row has two columns of the mirror's own. ``_seen_at`` is when the run began that read the row last.
    ``_gone_at`` is when a run found that the server lists it no more; null: it still did. Parts, stations and users are
    compared by each run, the other listings where ``full`` is true.

    Args:
        path: The database. If there is none, it is made.
        listings: Names of the listings to bring up to date. None: all eleven.
        full: Whether to read everything again. This sees what was changed or removed.
        api_key: As in `TofuPilotSession`.
        base_url: As in `TofuPilotSession`.
        concurrency: As in `TofuPilotSession`.
        allow_insecure_http: As in `TofuPilotSession`.
        server: What the database is a mirror of, which must stay the same. None: the server's address.
        on_rows: Called with a listing and how many more of its rows were read. None: nobody wants to know.

    Raises:
        ConfigurationError: There is no key, or the key or the address cannot be used.
        MirrorError: The database cannot be used: it is open elsewhere, belongs to another server, or is something else.
        PlaceError: What an earlier run has noted does not fit the listing, so that everything is to be read again.
        OSError: There is no room, or a file cannot be written.
        TofuPilotError: The server did not answer as it should. What was yielded before stays.
        TypeError: An argument is of the wrong type.
        ValueError: There is no such listing, or ``concurrency`` is out of bounds.
    """
    wanted = chosen(listings)
    settings = Settings.resolve(api_key, base_url=base_url, allow_insecure_http=allow_insecure_http)
    sessions = Sessions(
        api_key=api_key,
        base_url=base_url,
        concurrency=integer("concurrency", concurrency, low=1),
        allow_insecure_http=allow_insecure_http,
    )
    return _mirrored(
        Path(path).absolute(),
        server or settings.base_url,
        sessions,
        wanted,
        full=boolean("full", full),
        on_rows=on_rows,
    )


def _mirrored(
    path: Path,
    server: str,
    sessions: Sessions,
    listings: Sequence[str],
    *,
    full: bool,
    on_rows: Callable[[str, int], None] | None,
) -> Generator[Brought]:
    with _unwrapped(path), locked(path), opened(path, server) as database:
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
                yield _brought(name, pipeline, database, sessions, full=full, on_rows=on_rows)
            database.finish()
        finally:
            pipeline.deactivate()
            shutil.rmtree(folder, ignore_errors=True)


def _emptied_folder(path: Path) -> Path:
    """Return a folder for what dlt keeps while a run lasts: beside the database, so that the next run can remove it.

    dlt puts the paths of its files into SQL as they are. There a quote would end them, and a star would stand for other
    names. So a database with such a path has the folder among the system's temporary ones.
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
    *,
    full: bool,
    on_rows: Callable[[str, int], None] | None,
) -> Brought:
    before, seen_at, is_begun, read = database.rows(name), datetime.now(UTC), False, 0

    def seen(rows: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal read
        read += rows.num_rows
        if on_rows is not None:
            on_rows(name, rows.num_rows)
        moments = pa.array([seen_at] * rows.num_rows, pa.timestamp("us", "UTC"))
        return rows.append_column(SEEN, moments)

    while True:
        read = 0
        amounts = Amounts(rows=_ROWS, max_items=_AT_ONCE, full=full and not is_begun)
        listing = resource(name, sessions, amounts).add_map(seen)
        listing.apply_hints(columns=[{"name": column, "data_type": "timestamp"} for column in (SEEN, GONE)])
        _load(pipeline, source_of([listing]))
        is_begun = True
        if read < _AT_ONCE or name in COMPARED:
            break
    gone = database.mark_gone(name, seen_at) if full or name in COMPARED else 0
    rows = database.rows(name)
    return Brought(listing=name, new=rows - before, gone=gone, rows=rows)


def _load(pipeline: Pipeline, source: DltSource) -> None:
    """Do what ``pipeline.run()`` does, and leave out what takes long where nothing is new."""
    pipeline.extract(source)
    pipeline.normalize()
    if pipeline.has_pending_data:
        pipeline.load()


@contextmanager
def _unwrapped(path: Path) -> Generator[None]:
    """Raise what dlt has wrapped in errors of its own."""
    try:
        yield
    except Exception as error:
        reason = _reason(error, path)
        if reason is None or reason is error:
            raise
        raise reason from None


def _reason(error: BaseException, path: Path) -> BaseException | None:
    """Return the error of the server, the database or the disk that is behind an error. None: there is none."""
    wrapped: BaseException | None = error
    while wrapped is not None:
        if isinstance(wrapped, TofuPilotError | OSError | KeyboardInterrupt):
            return wrapped
        if isinstance(wrapped, duckdb.Error):
            return unusable(wrapped, path)
        wrapped = getattr(wrapped, "exception", None) or wrapped.__cause__ or wrapped.__context__
    return None
