"""What can be the database of a mirror, and what cannot."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from attrs import evolve

from aiotofupilot import Phase, Unit
from aiotofupilot.arrow.rows import database_rows
from aiotofupilot.mirror import DatabaseInUseError, MirrorError
from aiotofupilot.mirror.database import Database, _unusable
from aiotofupilot.mirror.tables import FORMAT
from aiotofupilot.testing import make_phase

SERVER = "https://tofupilot.example/api"


@contextmanager
def opened(path, server=SERVER, organization=None, **filters):
    """Open and check a database."""
    database = Database(path)
    try:
        database.with_memory(lambda: database.check(server, organization, filters))
        yield database
    finally:
        database.close()


def query(database, sql):
    return database._connection.execute(sql).fetchall()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "line.duckdb"


def refused(path, **filters):
    """Return why a file is refused. It is the same file after that."""
    before = path.read_bytes()
    with pytest.raises(MirrorError) as caught, opened(path, **filters):
        pytest.fail("it was opened")
    assert path.read_bytes() == before
    return str(caught.value)


def made(path, *statements):
    """Make a database, as another program does."""
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_new_database_says_what_it_is_a_mirror_of(path):
    with opened(path) as database:
        assert query(database, "FROM _mirror") == [(FORMAT, SERVER, None, None)]
    with opened(path, organization="volta") as database:
        database.finish()
        ((organization, is_new),) = query(
            database, "SELECT organization, updated_at > now() - INTERVAL 1 DAY FROM _mirror"
        )
    assert (organization, is_new) == ("volta", True)


def test_an_older_duckdb_can_read_the_file(path):
    """Also after the file was opened and changed without that in mind."""
    mirror_of(SERVER, path)
    with opened(path, users="") as database:
        query(database, "INSERT INTO users (id) VALUES ('else')")
        assert storage_version(database) == "v1.4.0+"


def storage_version(database):
    """Return which versions of DuckDB can read the file."""
    ((version,),) = query(
        database, "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'mirror'"
    )
    return version


def mirror_of(server, path):
    """Make the mirror of a server, with a row in it."""
    with opened(path, server, users="") as database:
        database.prepare("users", {"users": ""})
        query(database, "INSERT INTO users (id) VALUES ('someone')")


def test_the_mirror_of_another_server_is_refused(path):
    other = "https://tofupilot.elsewhere/api"
    mirror_of(SERVER, path)
    made(path, f"UPDATE _mirror SET server = '{other}'")  # noqa: S608 - our own
    assert refused(path) == f"the database is a mirror of {other}, not of {SERVER}: choose another file"


def test_an_organization_that_is_not_told_stays_noted(path):
    """A server may be too old to tell it."""
    mirror_of(SERVER, path)
    for organization in ("volta", None):
        with opened(path, organization=organization) as database:
            assert query(database, "SELECT organization FROM _mirror") == [("volta",)]


def test_an_address_that_nothing_came_from_does_not_count(path):
    """It may have been a mistake, and the first update has failed."""
    with opened(path, "https://tofupilot.elsewhere/api", "elsewhere", users="") as database:
        database.prepare("users", {"users": ""})
    with opened(path) as database:
        assert query(database, "FROM _mirror") == [(FORMAT, SERVER, None, None)]


def test_a_server_on_this_machine_may_have_another_port(path):
    """That of a sandbox changes each time."""
    mirror_of("http://127.0.0.1:4321/api", path)
    with opened(path, "http://127.0.0.1:1234/api") as database:
        assert database.rows("users") == 1


def test_a_newer_format_is_refused(path):
    with opened(path) as database:
        query(database, f"UPDATE _mirror SET format = {FORMAT + 1}")  # noqa: S608 - a number
    assert refused(path) == (
        f"the database has format {FORMAT + 1}, but this version only knows {FORMAT}: install a newer version"
    )


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM _mirror",
        "INSERT INTO _mirror FROM _mirror",
        "ALTER TABLE _mirror ALTER format TYPE VARCHAR; UPDATE _mirror SET format = 'x'",
        "ALTER TABLE _mirror ADD note VARCHAR",
        "DROP TABLE _mirror",
        "DROP TABLE _mirror_listings",
        "ALTER TABLE _mirror_listings RENAME watermark TO mark",
        "CREATE TABLE notes AS SELECT 1; UPDATE _mirror_listings SET listing = 'notes'",
    ],
)
def test_a_table_of_the_mirrors_own_that_somebody_changed_is_refused(path, change):
    """Whatever is wanted of the database then. An error of Python's would not say what to do."""
    mirror_of(SERVER, path)
    made(path, change)
    for wanted in ({}, {"users": ""}):
        assert refused(path, **wanted).startswith("somebody has changed _mirror or _mirror_listings, which say ")


@pytest.mark.parametrize("content", [b"serial,outcome\n1,PASS\n", b"x" * 20_000, b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_not_a_database_is_refused(path, content):
    """DuckDB would load an extension for SQLite, and write into the file."""
    path.write_bytes(content)
    assert refused(path) == f"{path} is not a DuckDB database: choose another file"


def test_a_damaged_database_is_refused(path):
    made(path, "CREATE TABLE notes (text VARCHAR)")
    path.write_bytes(path.read_bytes()[:20] + b"\xff" * 20_000)
    assert refused(path).startswith(f"cannot use {path}: ")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_not_a_file_is_refused_and_left_alone(path, kind):
    """It is not waited for, and no database takes its place. A device and a socket are of the same sort."""
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    before = path.stat()
    with pytest.raises(MirrorError, match=f"{path} is not a file: choose another path"), opened(path):
        pytest.fail("it was opened")
    assert os.path.samestat(path.stat(), before)


def test_a_link_to_an_empty_file_stays_a_link(path, tmp_path):
    target = tmp_path / "elsewhere.duckdb"
    target.touch()
    path.symlink_to(target)
    with opened(path):
        pass
    assert path.is_symlink()
    with opened(target) as database:
        assert query(database, "SELECT server FROM _mirror") == [(SERVER,)]


@pytest.mark.parametrize(("code", "error"), [(errno.ELOOP, MirrorError), (errno.EIO, OSError)])
def test_a_file_that_cannot_be_read(path, monkeypatch, code, error):
    """Another path is asked for, unless the disk has failed."""

    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    path.touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(error, match=os.strerror(code)), opened(path):
        pytest.fail("it was opened")


@pytest.mark.parametrize("content", [b"", bytes(8) + b"DUCK" + bytes(4084)], ids=["empty", "one header"])
def test_a_database_that_was_not_finished_is_made_anew(path, content):
    """DuckDB writes three headers. A process that is killed in between leaves less."""
    path.write_bytes(content)
    with opened(path) as database:
        assert query(database, "SELECT count(*) FROM _mirror") == [(1,)]
        assert storage_version(database) == "v1.4.0+"


def test_tables_of_another_program_are_refused(path):
    made(path, "CREATE TABLE runs (id VARCHAR)", "CREATE TABLE notes (text VARCHAR)")
    assert refused(path, runs="", users="") == (
        "the database has a table runs that does not belong to the mirror: choose another file, or remove the table"
    )


def test_other_tables_are_left_alone(path):
    """Also those with the name of a listing, as long as this is not mirrored."""
    made(path, "CREATE TABLE notes AS SELECT 'kept' AS text", "CREATE TABLE runs AS SELECT 42 AS mine")
    for _ in range(2):
        with opened(path, users="") as database:
            database.prepare("users", {"users": ""})
            database.finish()
            assert query(database, "FROM notes, runs") == [("kept", 42)]
    assert "has a table runs that does not belong to the mirror" in refused(path, runs="")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            "ALTER TABLE users ALTER name TYPE INTEGER",
            "the table users has a column name of type INTEGER where VARCHAR belongs",
        ),
        ("ALTER TABLE users DROP COLUMN id", "the table users has no column id"),
        ("ALTER TABLE users DROP COLUMN _gone_at", "the table users has no column _gone_at"),
        (
            "ALTER TABLE runs RENAME TO mine; CREATE VIEW runs AS SELECT 1 AS id FROM mine",
            "the table runs has a column id of type INTEGER where VARCHAR belongs",
        ),
    ],
)
def test_a_table_that_somebody_altered_is_refused(path, change, complaint):
    """A column that is added again would be empty. Rows without their ID would be there twice."""
    filters = {"runs": "", "phases": ""}
    with opened(path) as database:
        database.prepare("users", {"users": ""})
        database.prepare("runs", filters)
    made(path, change)
    for wanted in (filters, {"users": ""}):
        assert refused(path, **wanted) == f"{complaint}: choose another file, or remove the table"


def test_the_order_of_columns_does_not_matter_nor_others_beside_them(path):
    """Somebody made a table anew, or added a note."""
    filters, begun = {"runs": "", "phases": ""}, datetime(2026, 3, 1, tzinfo=UTC)
    with opened(path) as database:
        database.prepare("runs", filters)
    made(
        path,
        "CREATE OR REPLACE TABLE phases AS SELECT COLUMNS('^_'), 'mine' AS note, COLUMNS('^[^_]') FROM phases",
        "CREATE OR REPLACE TABLE _mirror_listings AS SELECT watermark, filters, listing FROM _mirror_listings",
    )
    phase = make_phase()
    with opened(path, **filters) as database:
        database.prepare("users", {"users": "name=a"})
        database.store({"phases": [database_rows(Phase).batch([phase])]}, begun, {})
        assert query(database, "SELECT id, name FROM phases") == [(phase.id, phase.name)]
        assert query(database, "SELECT filters FROM _mirror_listings WHERE listing = 'users'") == [("name=a",)]


def test_names_that_differ_in_case_are_the_same(path):
    """DuckDB makes no difference."""
    mirror_of(SERVER, path)
    made(path, "ALTER TABLE users RENAME TO Users", "ALTER TABLE users RENAME name TO NAME")
    with opened(path, users="") as database:
        database.prepare("users", {"users": ""})
        assert query(database, "SELECT id, name FROM users") == [("someone", None)]


def test_what_was_not_seen_is_gone_once(path):
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    with opened(path) as database:
        database.prepare("users", {"users": ""})
        query(database, f"INSERT INTO users (id, _seen_at) VALUES ('here', '{begun}'), ('gone', NULL)")  # noqa: S608 - a date
        assert database.mark_gone("users", begun, None) == 1
        assert database.mark_gone("users", begun, None) == 0
        assert query(database, "SELECT id FROM users WHERE _gone_at IS NULL") == [("here",)]


def test_memory_that_is_never_enough_is_an_error(path, monkeypatch):
    """Nothing is stored then, and the database can be used."""

    def fail(*_):
        raise duckdb.OutOfMemoryException("could not allocate block of size 9 (4.0 GiB/4.0 GiB used)")

    with opened(path) as database:
        with monkeypatch.context() as patched, pytest.raises(MemoryError, match="could not allocate block"):
            patched.setattr(Database, "mirrored", fail)
            database.with_memory(lambda: database.prepare("users", {"users": ""}))
        database.prepare("users", {"users": ""})
        assert database.rows("users") == 0


def test_memory_that_is_too_little_from_the_beginning(path, monkeypatch):
    """There is more of it from then on, for opening, reading and writing."""
    mirror_of(SERVER, path)
    monkeypatch.setattr("aiotofupilot.mirror.database._MEMORY", (0, 1, 1024))
    database = Database(path)
    try:
        assert database.with_memory(lambda: database.rows("users")) == 1
    finally:
        database.close()


def test_what_duckdb_says_of_a_full_disk_is_an_os_error(path):
    error = _unusable(duckdb.IOException('Could not write file "x": No space left on device'), path)
    assert isinstance(error, OSError)
    assert str(error) == f"[Errno 28] No space left on device: {str(path)!r}"


def test_what_does_not_fit_into_the_file_ends_an_update(path):
    """DuckDB would leave it beside the file, and say nothing. A copy of the file would not have it."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(path) as database:
        database.prepare("users", {"users": ""})
        database._run("INSERT INTO users (id) VALUES ('someone')")
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                database.with_memory(database.finish)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with opened(path) as database:
        database.with_memory(database.finish)
        shutil.copy(path, copied := path.with_name("copy.duckdb"))
    with opened(copied) as database:
        assert database.rows("users") == 1


def test_a_database_that_another_program_has_open(path):
    error = _unusable(duckdb.IOException(f'Could not set lock on file "{path}": Conflicting lock is held'), path)
    assert isinstance(error, DatabaseInUseError)
    assert error.path == path
    assert str(error) == f"another program has {path} open already: close it there, or wait until it is closed"


OPEN = "import duckdb, sys; duckdb.connect(sys.argv[1])"


def test_the_lock_of_this_program_stays(path):
    """An update that is refused does not give it up. Otherwise another program could write at the same time."""
    mirror_of(SERVER, path)
    with duckdb.connect(path):
        with pytest.raises(DatabaseInUseError, match=f"this program has {path} open already"), opened(path):
            pytest.fail("it was opened")
        other = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", OPEN, path], capture_output=True, text=True, check=False
        )
    assert "Could not set lock" in other.stderr


def test_a_path_that_cannot_be_written(tmp_path):
    with (
        pytest.raises(MirrorError, match=r"cannot use .*/missing/line\.duckdb: "),
        opened(tmp_path / "missing" / "line.duckdb"),
    ):
        pytest.fail("it was opened")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_there", [False, True])
def test_an_item_that_comes_twice_in_a_transaction_has_one_row(pull, sandbox, tmp_path, query, is_there):
    """The last one counts. The database is private. A walk yields an item twice only if it is removed meanwhile."""
    pull("units")
    old = sandbox.units[0] if is_there else evolve(sandbox.units[0], id="another")
    make, at = database_rows(Unit).batch, datetime.now(UTC)
    database = Database(tmp_path / "line.duckdb")
    database.store({"units": [make([old]), make([evolve(old, serial_number="new")])]}, at, {})
    database.close()
    assert query("SELECT serial_number FROM units WHERE id = ?", old.id) == [("new",)]
