"""The DuckDB database of a mirror: whether a file can be one, its lock, and what is in it beside the rows."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from aiotofupilot.listings import NAMES, listing_class

from .results import DISK_FAILED, MirrorError
from .rows import schema_of

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

__all__ = ["GONE", "SEEN", "Database", "locked", "opened", "unusable"]

GONE = "_gone_at"
"""The column that says when a mirror found that the server lists a row no more. Null: it still did."""

SEEN = "_seen_at"
"""The column that says when the run began that read the row last."""

_HEADERS = 3 * 4096
"""Bytes. Any database of DuckDB has its three headers."""

_MAGIC, _AT = b"DUCK", 8
"""What a database has in its first header, and where.

Source: https://duckdb.org/docs/stable/internals/storage
"""

_SCHEMAS = "_dlt_version"
"""Where dlt notes the tables that it has made."""

_DLTS = (_SCHEMAS, "_dlt_loads", "_dlt_pipeline_state")
"""The tables that dlt needs for itself."""

_TYPES: Mapping[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.timestamp("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
}
"""DuckDB's names for the types of columns."""


class Database:
    """The database of a mirror, open and checked.

    Args:
        connection: To the file.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def has(self, listing: str) -> bool:
        """Return whether there is a table for a listing."""
        return listing in self._tables()

    def rows(self, listing: str) -> int:
        """Return how many rows a table has. If there is no such table, it has none."""
        return self._number(f"SELECT count(*) FROM {listing}") if self.has(listing) else 0  # noqa: S608 - a listing's name

    def let_dlt_look(self, listing: str) -> None:
        """Let dlt look which tables and columns there are, where it may not believe what it noted when it made them.

        Args:
            listing: What is to be loaded. A user may have removed its table, or columns of it, or a table of dlt's.
        """
        present = self._tables()
        is_whole = (
            present.issuperset({listing, *_DLTS}) and _columns_of(listing).keys() <= self._columns(listing).keys()
        )
        if _SCHEMAS in present and not is_whole:
            self.connection.execute(f"DELETE FROM {_SCHEMAS}")  # noqa: S608 - our own

    def mark_gone(self, listing: str, seen_at: datetime) -> int:
        """Mark the rows that a run which read the whole listing has not seen, and return how many are new.

        Args:
            listing: Its name.
            seen_at: What the run has written into the rows that it has seen.
        """
        sql = f"UPDATE {listing} SET {GONE} = ? WHERE {SEEN} IS DISTINCT FROM ? AND {GONE} IS NULL"  # noqa: S608 - a listing's name
        return self._number(sql, datetime.now(UTC), seen_at)

    def finish(self) -> None:
        """Note that a run has come to its end, and remove what it needed meanwhile."""
        self.connection.execute("UPDATE _mirror SET updated_at = ?", [datetime.now(UTC)])
        self.connection.execute("DROP SCHEMA IF EXISTS main_staging CASCADE")

    def check(self, server: str) -> None:
        """Refuse tables that another program or another server has filled.

        Raises:
            MirrorError: There are such tables.
        """
        present = self._tables()
        if "_mirror" not in present:
            if strange := sorted(present & set(NAMES)):
                message = f"the database has a table {strange[0]} that does not belong to a mirror: choose another file"
                raise MirrorError(message)
            self.connection.execute("BEGIN")
            self.connection.execute("CREATE TABLE _mirror (server VARCHAR, updated_at TIMESTAMPTZ)")
            self.connection.execute("INSERT INTO _mirror VALUES (?, NULL)", [server])
            self.connection.execute("COMMIT")
        mirrored = str(self.connection.execute("SELECT min(server) FROM _mirror").fetchall()[0][0])
        if mirrored != server:
            if present & set(NAMES):
                raise MirrorError(f"the database is a mirror of {mirrored}, not of {server}: choose another file")
            # Nothing came from that server. Its address may have been a mistake.
            self.connection.execute("UPDATE _mirror SET server = ?", [server])
        for listing in sorted(present & set(NAMES)):
            self._check_columns(listing)

    def _check_columns(self, listing: str) -> None:
        found = self._columns(listing)
        for name, kind in _columns_of(listing).items():
            if found.get(name, kind) != kind:
                raise MirrorError(
                    f"the table {listing} has a column {name} of type {found[name]} where {kind} belongs: "
                    "choose another file, or remove the table"
                )
        if missing := [name for name in ("id", SEEN, GONE) if name not in found]:
            raise MirrorError(f"the table {listing} has no column {missing[0]}: choose another file")

    def _columns(self, listing: str) -> dict[str, str]:
        columns = self.connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ?",
            [listing],
        )
        return dict(columns.fetchall())

    def _tables(self) -> set[str]:
        tables = self.connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'")
        return {name for (name,) in tables.fetchall()}

    def _number(self, sql: str, *parameters: object) -> int:
        return int(self.connection.execute(sql, list(parameters)).fetchall()[0][0])


def _columns_of(listing: str) -> dict[str, str]:
    """Return the columns that the table of a listing has beside those of a mirror, and their types."""
    schema: Any = schema_of(listing_class(listing).model)  # the stubs of pyarrow do not know the types of its fields
    return {field.name: _TYPES[field.type] for field in schema}


@contextmanager
def opened(path: Path, server: str) -> Generator[Database]:
    """Open the database of a mirror during a block, or make it.

    Args:
        path: Where it is.
        server: What it is a mirror of.

    Raises:
        MirrorError: The file is in use, or cannot be such a database.
        OSError: The disk is full.
    """
    _check_file(path)
    try:
        connection = duckdb.connect(path)
    except duckdb.Error as error:
        raise unusable(error, path) from error
    try:
        database = Database(connection)
        database.check(server)
        yield database
    finally:
        connection.close()


def _check_file(path: Path) -> None:
    """Refuse other files, which DuckDB may have extensions for, and remove one that it had not finished making."""
    try:
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):  # not opened, because a pipe waits for its other end
            raise MirrorError(f"{path} is not a file: choose another path")
        with path.open("rb") as file:
            head = file.read(_HEADERS)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno in DISK_FAILED:
            raise
        raise MirrorError(f"cannot read {path}: {error.strerror}") from error
    if head and not head[_AT:].startswith(_MAGIC):
        raise MirrorError(f"{path} is not a DuckDB database: choose another file")
    if len(head) < _HEADERS:
        path.resolve().unlink()  # and keep a link to it


def unusable(error: duckdb.Error, path: Path) -> MirrorError | OSError:
    """Return the error for one of DuckDB's: what the disk refuses, or that the database cannot be used."""
    text = str(error)
    for code in DISK_FAILED:  # which DuckDB tells in words
        if os.strerror(code) in text:
            return OSError(code, os.strerror(code))
    if "Could not set lock" in text:
        return MirrorError(f"another program has {path} open: close it there, or wait until it is done")
    return MirrorError(f"cannot use {path}: {text.partition(chr(10))[0]}")


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold the lock of a database during a block.

    The lock is on a file beside the database. The system lets go of it when the process ends, in whatever way. Where
    there are no such locks, DuckDB's own, on the database itself, is the only one.

    Args:
        path: The database, which need not exist yet.

    Raises:
        MirrorError: Another program holds it, or there can be no file beside the database.
        OSError: The disk is full.
    """
    lock = path.parent / f"{path.name}.lock"  # the root of the file system has no name, and is refused later
    while True:
        try:
            number = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            if error.errno in DISK_FAILED:
                raise
            raise MirrorError(f"cannot write {path}: {error.strerror}") from error
        try:
            _lock(number, path)
            if _is_still(lock, number):
                try:
                    yield
                finally:
                    lock.unlink(missing_ok=True)  # before it is let go of, so that nobody removes another's
                return
        finally:
            os.close(number)


def _lock(number: int, path: Path) -> None:
    if sys.platform == "win32":  # pragma: no cover - it has no such locks
        return
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MirrorError(f"{path} is being brought up to date by another program: wait until it is done") from None
    except OSError:  # a file system without locks
        return


def _is_still(lock: Path, number: int) -> bool:
    """Return whether an open file is still the one at its path, and not one that its holder has removed."""
    try:
        return os.path.samestat(lock.stat(), os.fstat(number))
    except FileNotFoundError:
        return False
