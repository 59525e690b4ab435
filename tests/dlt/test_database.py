"""What can be the database of a mirror, and what cannot."""

import errno
import os
import socket
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from aiotofupilot.dlt.database import Database, _columns_of, opened, unusable
from aiotofupilot.dlt.results import MirrorError

SERVER = "https://tofupilot.example/api"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "line.duckdb"


def refused(path):
    """Return why a file is refused. It is the same file after that."""
    before = path.read_bytes()
    with pytest.raises(MirrorError) as caught, opened(path, SERVER):
        pytest.fail("it was opened")
    assert path.read_bytes() == before
    return str(caught.value)


def made(path, *statements):
    """Make a database, as another program does."""
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_new_database_says_what_it_is_a_mirror_of(path):
    with opened(path, SERVER) as database:
        assert database.connection.execute("FROM _mirror").fetchall() == [(SERVER, None)]
    with opened(path, SERVER) as database:
        database.finish()
        ((server, updated_at),) = database.connection.execute("FROM _mirror").fetchall()
    assert server == SERVER
    assert updated_at.tzinfo is not None


def test_the_mirror_of_another_server_is_refused(path):
    with opened(path, "https://tofupilot.elsewhere/api") as database:
        database.connection.execute("CREATE TABLE users (id VARCHAR)")
    assert refused(path) == (
        "the database is a mirror of https://tofupilot.elsewhere/api, not of https://tofupilot.example/api: "
        "choose another file"
    )


def test_an_address_that_nothing_came_from_does_not_count(path):
    """It may have been a mistake, and the first run has failed."""
    with opened(path, "https://tofupilot.elsewhere/api"):
        pass
    with opened(path, SERVER) as database:
        assert database.connection.execute("FROM _mirror").fetchall() == [(SERVER, None)]


@pytest.mark.parametrize("content", [b"serial,outcome\n1,PASS\n", b"x" * 20_000])
def test_a_file_that_is_not_a_database_is_refused(path, content):
    path.write_bytes(content)
    assert refused(path) == f"{path} is not a DuckDB database: choose another file"


def test_another_kind_of_database_is_refused(path):
    """DuckDB would load an extension for it, and write into it."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE runs (id)")
    connection.commit()
    connection.close()
    assert "is not a DuckDB database" in refused(path)


def test_a_damaged_database_is_refused(path):
    made(path, "CREATE TABLE notes (text VARCHAR)")
    path.write_bytes(path.read_bytes()[:20] + b"\xff" * 20_000)
    assert refused(path).startswith(f"cannot use {path}: ")


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_not_a_file_is_refused_and_left_alone(path, kind):
    """It is not waited for, and no database takes its place. A device is of the same sort."""
    if kind == "pipe":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(os.path.relpath(path))  # the path of a socket has to be short
    before = path.stat()
    with pytest.raises(MirrorError, match=f"{path} is not a file: choose another path"), opened(path, SERVER):
        pytest.fail("it was opened")
    assert os.path.samestat(path.stat(), before)


def test_a_link_to_an_empty_file_stays_a_link(path, tmp_path):
    target = tmp_path / "elsewhere.duckdb"
    target.touch()
    path.symlink_to(target)
    with opened(path, SERVER):
        pass
    assert path.is_symlink()
    with opened(target, SERVER) as database:
        assert database.connection.execute("SELECT server FROM _mirror").fetchall() == [(SERVER,)]


def test_a_folder_is_refused(path):
    path.mkdir()
    with pytest.raises(MirrorError, match=f"cannot read {path}: Is a directory"), opened(path, SERVER):
        pytest.fail("it was opened")


@pytest.mark.parametrize(("code", "error"), [(errno.ELOOP, MirrorError), (errno.EIO, OSError)])
def test_a_file_that_cannot_be_read(path, monkeypatch, code, error):
    """Another path is asked for, unless the disk has failed."""

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    path.touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(error, match=os.strerror(code)), opened(path, SERVER):
        pytest.fail("it was opened")


@pytest.mark.parametrize("content", [b"", bytes(8) + b"DUCK" + bytes(4084)], ids=["empty", "one header"])
def test_a_database_that_was_not_finished_is_made_anew(path, content):
    """DuckDB writes three headers. A process that is killed in between leaves less."""
    path.write_bytes(content)
    with opened(path, SERVER) as database:
        assert database.rows("runs") == 0


def test_tables_of_another_program_are_refused(path):
    made(path, "CREATE TABLE runs (id VARCHAR)", "CREATE TABLE notes (text VARCHAR)")
    assert refused(path) == "the database has a table runs that does not belong to a mirror: choose another file"


def test_other_tables_are_left_alone(path):
    made(path, "CREATE TABLE notes AS SELECT 'kept' AS text")
    with opened(path, SERVER) as database:
        assert database.connection.execute("FROM notes").fetchall() == [("kept",)]


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        (
            "id VARCHAR, name INTEGER, _seen_at TIMESTAMPTZ, _gone_at TIMESTAMPTZ",
            "the table procedures has a column name of type INTEGER where VARCHAR belongs: choose another file",
        ),
        ("name VARCHAR, _seen_at TIMESTAMPTZ, _gone_at TIMESTAMPTZ", "the table procedures has no column id"),
        ("id VARCHAR, _gone_at TIMESTAMPTZ", "the table procedures has no column _seen_at"),
    ],
)
def test_a_table_with_other_columns_is_refused(path, columns, complaint):
    with opened(path, SERVER) as database:
        database.connection.execute(f"CREATE TABLE procedures ({columns})")
    assert refused(path).startswith(complaint)


def test_what_was_not_seen_is_gone_once(path):
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    with opened(path, SERVER) as database:
        database.connection.execute("CREATE TABLE users (id VARCHAR, _seen_at TIMESTAMPTZ, _gone_at TIMESTAMPTZ)")
        database.connection.execute("INSERT INTO users VALUES ('here', ?, NULL), ('gone', NULL, NULL)", [begun])
        assert database.mark_gone("users", begun) == 1
        assert database.mark_gone("users", begun) == 0
        assert database.connection.execute("SELECT id FROM users WHERE _gone_at IS NULL").fetchall() == [("here",)]


def test_what_duckdb_says_of_a_full_disk_is_an_os_error(path):
    error = unusable(duckdb.IOException('Could not write file "x": No space left on device'), path)
    assert isinstance(error, OSError)
    assert str(error) == "[Errno 28] No space left on device"


def test_a_database_that_another_program_has_open(path):
    error = unusable(duckdb.IOException(f'Could not set lock on file "{path}": Conflicting lock is held'), path)
    assert str(error) == f"another program has {path} open: close it there, or wait until it is done"


def test_a_table_that_is_not_there_has_no_rows():
    with duckdb.connect() as connection:
        assert Database(connection).rows("runs") == 0


DLTS = ("_dlt_version", "_dlt_loads", "_dlt_pipeline_state")


@pytest.fixture
def loaded(path):
    """A mirror of users that dlt has filled."""
    with opened(path, SERVER) as database:
        columns = ", ".join(f"{name} {kind}" for name, kind in _columns_of("users").items())
        database.connection.execute(f"CREATE TABLE users ({columns})")
        for table in DLTS:
            database.connection.execute(f"CREATE TABLE {table} AS SELECT 1 AS version")
        yield database


def is_believed(database):
    return database.rows("_dlt_version") == 1


def test_dlt_may_believe_its_notes_about_tables_that_are_whole(loaded):
    """A column of the user's own changes nothing."""
    loaded.let_dlt_look("users")
    loaded.connection.execute("ALTER TABLE users ADD COLUMN remark VARCHAR")
    loaded.let_dlt_look("users")
    assert is_believed(loaded)


@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE users DROP COLUMN email", "DROP TABLE users", *(f"DROP TABLE {name}" for name in DLTS[1:])],
)
def test_dlt_looks_again_where_something_was_removed(loaded, statement):
    loaded.connection.execute(statement)
    loaded.let_dlt_look("users")
    assert not is_believed(loaded)


def test_dlt_without_notes_has_nothing_to_look_at_again(path):
    with opened(path, SERVER) as database:
        database.let_dlt_look("users")
        assert not database.has("_dlt_version")
