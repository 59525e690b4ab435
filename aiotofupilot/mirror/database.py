"""The DuckDB database of a mirror: its file, its tables, and transactions that store rows and watermark together.

All methods block, and are called in one thread.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from array import array
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa

from aiotofupilot._checks import is_loopback
from aiotofupilot.listings import listing_class

from .published import check_target, put
from .removals import EPOCH, Suspect
from .results import DatabaseInUseError, MirrorError
from .tables import FOLLOWING, FORMAT, GONE, OWN, SEEN, columns_of, definitions, run_column, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")

_READABLE_BY = "v1.4.0"
"""The storage version of new files. DuckDBs older than pyproject.toml allows can read it, but not run all macros."""

_MEMORY = (64, 128, 256, 512, 1024, 4096)
"""MiB that DuckDB may use. The first number is enough for large tables: a million procedures fit into 64 MiB, but not
into 48. A rare transaction that does not fit is repeated with the next number."""

_DISK_FAILED = frozenset({errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EDQUOT})
"""Errors that another path on the same disk would not avoid."""

_HEADERS = 3 * 4096
"""Bytes of the three headers of a DuckDB database."""

_MEMORY_FULL = "iB used)"
"""Part of DuckDB's message if memory is too little elsewhere, such as in a commit."""

_NOT_A_DATABASE = "{} is not a DuckDB database: choose another file"

_OPTIONS = "TYPE duckdb, ROW_GROUP_SIZE 20480"
"""How the file is attached. Without a type, DuckDB looks for an extension that knows the file. DuckDB holds a whole row
group in memory to store it, by default 122,880 rows."""


class Database:
    """The database of a mirror. It is opened when first used, and must be closed.

    Callers use `with_memory`, which turns DuckDB's errors into those of a mirror.

    Args:
        path: The file. It is made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory = 0  # the index of the limit in _MEMORY
        self._opened: duckdb.DuckDBPyConnection | None = None

    def close(self) -> None:
        """Close the database, so that others can open it."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def with_memory(self, work: Callable[[], T]) -> T:
        """Return the result of work with the database. If the work does not fit into memory, repeat it with more.

        Repeating finished work changes nothing. An error of DuckDB becomes a `MirrorError`, an OSError if the disk is
        full, or a MemoryError if no more memory is allowed.
        """
        while True:
            try:
                return work()
            except duckdb.Error as error:
                if not isinstance(error, duckdb.OutOfMemoryException) and _MEMORY_FULL not in str(error):
                    raise _unusable(error, self._path) from error
                if self._memory + 1 == len(_MEMORY):
                    raise MemoryError(str(error)) from error
                self._memory += 1
                self.close()  # it can be invalid by now

    @property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """The file, in its own DuckDB, so that the memory limit applies to nothing else."""
        if self._opened is None:
            options = _OPTIONS
            if not _check_file(self._path):  # a newer DuckDB would make a file that older ones cannot read
                options += f", STORAGE_VERSION '{_READABLE_BY}'"
            elif not self._path.stat().st_mode & stat.S_IWUSR:  # root could write to it anyway
                raise MirrorError(
                    f"{self._path} is read-only, like a published copy: update the mirror itself, or make a writable "
                    "copy"
                )
            memory = f"{_MEMORY[self._memory]}MiB"
            connection = duckdb.connect(config={"memory_limit": memory, "temp_directory": "", "threads": 2})
            try:
                connection.execute(f"ATTACH {_quoted(self._path)} AS mirror ({options}); USE mirror")
            except BaseException:
                connection.close()
                raise
            self._opened = connection
        return self._opened

    def _run(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def _value(self, sql: str, *parameters: object) -> Any:  # noqa: ANN401 - of whatever type the column has
        return self._run(sql, *parameters)[0][0]

    def check(self, server: str, organization: str | None, filters: Mapping[str, str]) -> None:
        """Check that the database mirrors an account with these filters. An empty database becomes such a mirror.

        The organization is an ID, or None if the server does not say it.
        """
        present = self._tables()
        mirrored, owner, known = state_of(present, self._run) or (server, organization, {})
        if strange := sorted(present.keys() & set(filters).difference(known)):
            raise MirrorError(
                f"the database has a table {strange[0]} that does not belong to the mirror: "
                "choose another file, or remove the table"
            )
        whole = [name for name in known if name in present]  # a user may have removed another table
        if any(map(self.rows, whole)):  # otherwise the address or the key may have been a mistake
            if _without_port(mirrored) != _without_port(server):
                raise MirrorError(f"the database is a mirror of {mirrored}, not of {server}: choose another file")
            organization = organization or owner
            if owner not in (None, organization):
                raise MirrorError(
                    f"the database is a mirror of the organization {owner}, and the key belongs to {organization}: "
                    "choose another file, or another key"
                )
        for listing, text in filters.items():
            if listing in whole and known[listing] != text:
                raise MirrorError(
                    f"the database mirrors {listing} with {_shown(known[listing])}, and this update has "
                    f"{_shown(text)}: choose another file, or the same filters"
                )
        lacking = {table: _lacking(table, present[table]) for table in whole}
        with self._transaction():
            for table, columns in OWN.items():
                self._create(table, columns)
            self._run("INSERT INTO _mirror (format) SELECT ? WHERE NOT EXISTS (FROM _mirror)", FORMAT)
            self._run("INSERT INTO _mirror_copy SELECT uuid(), NULL WHERE NOT EXISTS (FROM _mirror_copy)")
            self._forget(known.keys() - whole)
            self._complete(lacking)
            self._run("UPDATE _mirror SET server = ?, organization = ?", server, organization)

    def _create(self, table: str, columns: Mapping[str, str]) -> None:
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        self._run(f"CREATE TABLE IF NOT EXISTS {table} ({listed})")

    def _forget(self, listings: Iterable[str]) -> None:
        for name in listings:
            self._run("DELETE FROM _mirror_listings WHERE listing = ?", name)
            self._run(f"DROP TABLE IF EXISTS {name}")

    def forget_empty(self, listing: str) -> None:
        """Forget a mirrored listing of which no row was ever stored."""
        with self._transaction():
            if listing in self.mirrored() and not self.rows(listing):
                self._forget([listing])

    def mirrored(self) -> set[str]:
        """Return the mirrored listings."""
        return {listing for (listing,) in self._run("SELECT listing FROM _mirror_listings")}

    def watermark(self, listing: str) -> str | None:
        """Return the watermark of a listing, or None."""
        found: str | None = self._value("SELECT min(watermark) FROM _mirror_listings WHERE listing = ?", listing)
        return found

    def rows(self, listing: str) -> int:
        """Return the number of rows of a listing."""
        return int(self._value(f"SELECT count(*) FROM {listing}"))  # noqa: S608 - a listing's name

    def newest(self, listing: str) -> datetime | None:
        """Return when the newest row was created. None if there are no rows."""
        column = listing_class(listing).creation_field
        microseconds = self._value(f"SELECT max(epoch_us({column})) FROM {listing}")  # noqa: S608 - our own SQL
        return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)

    def runs_since(self, floor: datetime | None) -> list[tuple[str, str]]:
        """Return the IDs of the runs created at a time or later, with the IDs of their procedures.

        Marked runs are left out: if they are listed again, their measurements, phases and logs are read then. Runs
        without a procedure are left out too: they have not been listed since the column of procedures was added again.
        """
        sql = (
            "SELECT id, procedure__id FROM runs "  # noqa: S608 - our own SQL
            f"WHERE (created_at >= $1 OR $1 IS NULL) AND procedure__id IS NOT NULL AND {GONE} IS NULL ORDER BY id"
        )
        return self._run(sql, floor)

    def prepare(self, listing: str, filters: Mapping[str, str]) -> None:
        """Make the missing tables of a listing and of those that follow it.

        If a table is new, the watermark of the listing is deleted.
        """
        with self._transaction():
            if missing := filters.keys() - self.mirrored():
                self._forget_watermark(listing)
            for name in filters:
                self._create(name, columns_of(name))
            for name in missing:
                self._run("INSERT INTO _mirror_listings (listing, filters) VALUES (?, ?)", name, filters[name])

    def _complete(self, lacking: Mapping[str, Iterable[str]]) -> None:
        """Add missing columns, which somebody dropped, or an earlier version did not have.

        The watermark of the table is deleted, because its rows have null in the new columns until they are read again.
        """
        for table, columns in lacking.items():
            for column in columns:
                self._run(f"ALTER TABLE {table} ADD COLUMN {column} {columns_of(table)[column]}")
                self._forget_watermark("runs" if table in FOLLOWING else table)
        if any(lacking.values()):
            self._define()  # in DuckDB 1.4, a view fails after its table got a column

    def _forget_watermark(self, listing: str) -> None:
        self._run("UPDATE _mirror_listings SET watermark = NULL WHERE listing = ?", listing)

    def store(
        self, batches: Mapping[str, Sequence[pa.RecordBatch]], seen_at: datetime, watermarks: Mapping[str, str]
    ) -> None:
        """Merge the last row of each ID, and store the watermarks, in one transaction.

        ``seen_at`` is when the update began.
        """
        with self._transaction():
            for listing, parts in batches.items():
                rows = _last_of_each(pa.Table.from_batches(parts))
                self._connection.register("incoming", rows)
                if listing == "runs":
                    self._unmark_written()
                self._merge(listing, seen_at)
                self._connection.unregister("incoming")
            for listing, watermark in watermarks.items():
                self._run("UPDATE _mirror_listings SET watermark = ? WHERE listing = ?", watermark, listing)

    def _unmark_written(self) -> None:
        """Unmark the items of a run that is listed again, because a replica may list them later."""
        if not self._value(f"SELECT EXISTS (FROM incoming JOIN runs USING (id) WHERE {GONE} IS NOT NULL)"):
            return
        for table in self.mirrored().intersection(FOLLOWING):
            run_id = run_column(table)
            self._run(
                f"UPDATE {table} SET {GONE} = NULL FROM incoming JOIN runs USING (id) "  # noqa: S608 - our own SQL
                f"WHERE {table}.{run_id} = runs.id AND {table}.{GONE} >= runs.{GONE}"
            )

    def mark_gone(self, listing: str, seen_at: datetime, since: datetime | None, until: datetime | None = None) -> int:
        """Mark the rows that an update should have seen but has not, and return their number.

        The update has read the items created at ``since`` or later, or the items of such runs; all if ``since`` is
        None. Rows created after ``until`` are not marked; None for no limit. A row has no time of creation if it has
        not been read since that column was added again.
        """
        bounds = {"created_at > ?": since, "(created_at <= ? OR created_at IS NULL)": until}
        given = {text: time for text, time in bounds.items() if time is not None}
        condition = " AND ".join(given) or "true"
        if given and listing in FOLLOWING:
            run_id = run_column(listing)
            if since is None:  # an update that failed may have stored the items of a run, but not the run
                condition = f"NOT EXISTS (FROM runs WHERE id = {listing}.{run_id} AND NOT {condition})"
            else:
                condition = f"{run_id} IN (SELECT id FROM runs WHERE {condition})"  # noqa: S608 - our own SQL
        sql = f"UPDATE {listing} SET {GONE} = ? WHERE {SEEN} IS DISTINCT FROM ? AND {GONE} IS NULL AND {condition}"  # noqa: S608 - our own SQL
        with self._transaction():
            return int(self._value(sql, datetime.now(UTC), seen_at, *given.values()))

    def suspects(self, listing: str, key: str) -> list[Suspect]:
        """Return the unmarked rows that an earlier update missed, with the keys of their items.

        A key is empty if the row has not been read since its column was added again.
        """
        sql = (
            f"SELECT id, coalesce({key}, ''), since FROM _mirror_suspects JOIN {listing} USING (id) "  # noqa: S608 - our own SQL
            f"WHERE listing = ? AND {GONE} IS NULL ORDER BY created_at, id"
        )
        return [Suspect(*row) for row in self._run(sql, listing)]

    def marked(self, listing: str, last: int, at_most: int) -> list[str]:
        """Return the IDs of the rows marked as gone last, and then of other marked rows, drawn at random."""
        sql = (
            f"SELECT id FROM {listing} WHERE {GONE} IS NOT NULL "  # noqa: S608 - our own SQL
            f"ORDER BY row_number() OVER (ORDER BY {GONE} DESC, id) > ?, random() LIMIT ?"
        )
        return [key for (key,) in self._run(sql, last, at_most)]

    def lacking(self, listing: str, ids: Collection[str]) -> set[str]:
        """Return the IDs that have no row, or only a marked one."""
        sql = f"SELECT id FROM (SELECT unnest(?::VARCHAR[]) AS id) JOIN {listing} USING (id) WHERE {GONE} IS NULL"  # noqa: S608 - our own SQL
        return {*ids}.difference(key for (key,) in self._run(sql, [*ids]))

    def times(self, listing: str, suspects: Iterable[str]) -> Sequence[int]:
        """Return when the rows that should be listed were created, ascending, in microseconds since 1970."""
        sql = (
            f"SELECT coalesce(list(epoch_us(created_at)), []) FROM {listing} "  # noqa: S608 - our own SQL
            f"WHERE {GONE} IS NULL AND created_at IS NOT NULL AND NOT list_contains(?::VARCHAR[], id)"
        )
        return array("q", sorted(self._value(sql, [*suspects])))  # DuckDB needs more memory

    def not_among(self, listing: str, first: int, last: int, ids: Collection[str]) -> list[str]:
        """Return the IDs of unmarked rows created between two times, except the given ones."""
        sql = (
            f"SELECT id FROM {listing} WHERE {GONE} IS NULL AND epoch_us(created_at) BETWEEN ? AND ? "  # noqa: S608 - our own SQL
            "AND NOT list_contains(?::VARCHAR[], id)"
        )
        return [key for (key,) in self._run(sql, first, last, [*ids])]

    def suspect(self, listing: str, since: Mapping[str, datetime]) -> None:
        """Replace the note of which rows were missed, and since when."""
        with self._transaction():
            self._run("DELETE FROM _mirror_suspects WHERE listing = ?", listing)
            for key, time in since.items():
                self._run("INSERT INTO _mirror_suspects VALUES (?, ?, ?)", listing, key, time)

    def mark_removed(self, listing: str, ids: Sequence[str], following: Iterable[str]) -> dict[str, int]:
        """Mark rows as gone. With runs, mark their items. Return the number of newly marked rows by table."""
        columns = {listing: "id"} | {table: run_column(table) for table in following}
        return self._mark(columns, "list_contains(?, {1})", ids)

    def mark_without_run(self, tables: Iterable[str], seen_at: datetime) -> dict[str, int]:
        """Mark items that this update has not seen, and whose run is not stored. Return their number by table.

        An update stored them and failed before it stored the run. Then the run was removed.
        """
        is_missing = f"{SEEN} IS DISTINCT FROM ? AND NOT EXISTS (FROM runs WHERE id = {{0}}.{{1}})"
        return self._mark({table: run_column(table) for table in tables}, is_missing, seen_at)

    def _mark(self, columns: Mapping[str, str], condition: str, value: object) -> dict[str, int]:
        """Mark the rows of tables for which a condition on a column holds."""
        sql = f"UPDATE {{0}} SET {GONE} = ? WHERE {GONE} IS NULL AND {condition}"  # noqa: S608 - our own SQL
        now = datetime.now(UTC)
        with self._transaction():
            return {each: int(self._value(sql.format(each, column), now, value)) for each, column in columns.items()}

    def finish(self) -> None:
        """Record that an update is complete, and make the views and macros of the existing tables."""
        with self._transaction():
            self._define()
            self._run("UPDATE _mirror SET updated_at = ?", datetime.now(UTC))
        self._run("CHECKPOINT mirror")  # closing does the same, but says nothing if the disk is full

    def check_copy(self, target: Path) -> None:
        """Check that a path is free, or has a copy of this mirror."""
        check_target(target)
        if not _check_file(target):
            return
        own = self._run("SELECT mirror, ?::VARCHAR FROM _mirror_copy", target.name)
        try:
            self._run(f"ATTACH {_quoted(target)} AS published (TYPE duckdb, READ_ONLY)")
            try:
                found = self._run("SELECT mirror, name FROM published.main._mirror_copy")
            finally:
                self._run("DETACH published")
        except duckdb.CatalogException:  # it has no such table
            found = []
        except duckdb.Error as error:
            raise _unusable(error, target) from error
        if found != own:
            raise MirrorError(f"{target} is not a copy of this mirror: choose another file, or remove that one")

    def publish(self, target: Path) -> None:
        """Write a copy to a path, and close the database. Everything must have been stored."""
        self._run("UPDATE _mirror_copy SET name = ?", target.name)
        self._run("CHECKPOINT mirror")
        if sys.platform == "win32":
            self.close()  # on Windows, nobody can open a file that DuckDB has open for writing
        with self._path.open("rb") as source:
            put(source, target)
            self.close()  # before the file is closed, because closing it gives up this process's lock

    def _define(self) -> None:
        self._run("CREATE SCHEMA IF NOT EXISTS tofupilot")
        for definition in definitions(self.mirrored()):
            self._run(definition)

    def _merge(self, listing: str, seen_at: datetime) -> None:
        merged = f"SELECT *, ?::TIMESTAMPTZ AS {SEEN}, NULL::TIMESTAMPTZ AS {GONE} FROM incoming"  # noqa: S608 - our own SQL
        if self._value(f"SELECT EXISTS (FROM incoming JOIN {listing} USING (id))"):
            sql = (
                f"MERGE INTO {listing} USING ({merged}) AS incoming ON {listing}.id = incoming.id "
                "WHEN MATCHED THEN UPDATE BY NAME WHEN NOT MATCHED THEN INSERT BY NAME"
            )
        else:  # in a first update, for example; an INSERT takes half of the time
            sql = f"INSERT INTO {listing} BY NAME {merged}"
        self._run(sql, seen_at)

    @contextmanager
    def _transaction(self) -> Generator[None]:
        try:
            self._connection.execute("BEGIN")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):  # it is rolled back already, or the database is invalid after a failed write
                self._connection.execute("ROLLBACK")
            raise

    def _tables(self) -> dict[str, dict[str, str]]:
        """Return the columns of each table and view, and their types, in lower case."""
        return dict(
            self._run(
                "SELECT lower(table_name), map_from_entries(list((lower(column_name), data_type))) "
                "FROM duckdb_columns() WHERE database_name = 'mirror' AND schema_name = 'main' GROUP BY table_name"
            )
        )


def _last_of_each(rows: pa.Table) -> pa.Table:
    """Return the last row of each ID.

    An item comes twice if it is removed and listed again meanwhile.
    """
    last: dict[object, int] = {key: at for at, key in enumerate(rows.column("id").to_pylist())}
    return rows if len(last) == rows.num_rows else rows.take(pa.array([*last.values()], pa.int64()))


def _quoted(path: Path) -> str:
    text = str(path).replace("'", "''")
    return f"'{text}'"


def _lacking(table: str, found: Mapping[str, str]) -> set[str]:
    """Return the missing columns. Raise a `MirrorError` if one cannot be added, or another has the wrong type."""
    columns = columns_of(table)
    for name, kind in columns.items():
        if found.get(name, kind) != kind:
            fault = f"a column {name} of type {found[name]} where {kind} belongs"
        elif name not in found and name in {"id", SEEN, GONE}:
            fault = f"no column {name}"
        else:
            continue
        raise MirrorError(f"the table {table} has {fault}: choose another file, or remove the table")
    return columns.keys() - found.keys()


def _shown(filters: str) -> str:
    return unquote(filters.replace("&", ", ")) or "no filters"


def _without_port(server: str) -> str:
    """Return an address, without the port if it is local, because a sandbox gets a new port each time."""
    url = urlsplit(server)
    return url._replace(netloc=url.hostname).geturl() if url.hostname and is_loopback(url.hostname) else server


def _check_file(path: Path) -> bool:
    """Return whether a file may be a database. Remove a file that DuckDB had not finished.

    A larger file is not opened here. If this program has it open elsewhere, closing it here would give up the lock.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise MirrorError(f"{path} is not a file: choose another path")
        if found.st_size >= _HEADERS:
            return True
        head = path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in _DISK_FAILED:
            raise
        raise MirrorError(f"cannot read {path}: {error.strerror}") from error
    if head and not head[8:].startswith(b"DUCK"):  # https://duckdb.org/docs/stable/internals/storage
        raise MirrorError(_NOT_A_DATABASE.format(path))
    path.resolve().unlink()  # keeps a symbolic link to it
    return False


def _unusable(error: duckdb.Error, path: Path) -> MirrorError | OSError:
    text = str(error)
    for code in _DISK_FAILED:  # DuckDB names these only in words
        if os.strerror(code) in text:
            return OSError(code, os.strerror(code), str(path))
    for sign, who in (("Could not set lock", "another program"), ("Unique file handle conflict", "this program")):
        if sign in text:
            message = f"{who} has {path} open already: close it there, or wait until it is closed"
            return DatabaseInUseError(message, path=path)
    if "not a valid DuckDB database file" in text:
        return MirrorError(_NOT_A_DATABASE.format(path))
    return MirrorError(f"cannot use {path}: {text.partition(chr(10))[0]}")
