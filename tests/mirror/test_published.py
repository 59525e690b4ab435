"""A copy that others can read at any time, whatever happens to an update meanwhile.

- A published copy is whole and can be opened at any time; a kill, a full disk or a failed update leaves the copy
  before; only its mirror replaces it, and no other file.
"""

import errno
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from attrs import evolve
from fakes.budget import NIGHTLY
from fakes.disks import every_call

from aiotofupilot.mirror import DatabaseInUseError, Mirror, MirrorError
from aiotofupilot.sandbox import faults

UPDATES = 1000 if NIGHTLY else 4
"""How often a mirror is updated while others read its copy."""

READERS = 8 if NIGHTLY else 2

RUNS = 8

READING = """
import duckdb, os, sys
from pathlib import Path
os.nice(19)
last, rounds = 0, 0
print("begun", flush=True)
while True:
    with duckdb.connect(f"duckdb:{sys.argv[1]}", read_only=True) as copy:
        copy.execute("SET enable_progress_bar = false")
        runs, with_phases, units = copy.execute(
            "SELECT count(*), (SELECT count(DISTINCT run_id) FROM phases), "
            "(SELECT sum(units) FROM tofupilot.first_pass_yield()) FROM runs"
        ).fetchone()
    assert runs == with_phases >= last and units, (runs, with_phases, units, last)
    last, rounds = runs, rounds + 1
    if rounds % 10 == 0 and sys.argv[2] in Path(sys.argv[3]).read_text():
        break
"""
"""Opens a copy again and again, until a file says that it is over. A run has its phases in each of them."""

LINE = {"procedures": 2, "runs": RUNS}


@pytest.fixture
def shared(tmp_path):
    return tmp_path / "shared.duckdb"


@pytest.fixture
def rows(query, shared):
    """Return the IDs in a table of the copy."""
    return lambda listing: [key for (key,) in query(f"SELECT id FROM {listing} ORDER BY id", path=shared)]  # noqa: S608 - a listing's name


def test_readers_that_open_it_all_the_time_find_a_whole_database(pull, sandbox, shared, tmp_path):
    """In processes of their own. None meets a lock, or a run without what it wrote."""
    said = tmp_path / "said"
    said.touch()
    pull("runs", "phases", publish=shared)
    with ExitStack() as stack:
        readers = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-c", READING, shared, "over", said],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            )
            for _ in range(READERS)
        ]
        try:
            for reader in readers:
                assert reader.stdout.readline() == b"begun\n"
            for _ in range(UPDATES):
                sandbox.produce(1)
                assert pull("runs", "phases", publish=shared)["runs"].new == 1
        finally:
            said.write_text("over", encoding="ascii")
        for reader in readers:
            assert reader.communicate(timeout=60) == (b"", b"")
            assert reader.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"line.duckdb", "said", "shared.duckdb"}


def test_a_reader_keeps_the_copy_that_it_has_open(pull, sandbox, rows, shared, ids):
    """Also in the process of the mirror."""
    pull("runs", publish=shared)
    with duckdb.connect(shared, read_only=True) as reader:
        sandbox.produce(1)
        pull("runs", publish=shared)
        assert reader.execute("SELECT count(*) FROM tofupilot.runs").fetchall() == [(RUNS,)]
    assert rows("runs") == ids(sandbox.runs)


def test_a_copy_is_not_updated(pull, shared):
    """It is read-only. Whoever wrote into it would keep others from reading it."""
    pull("stations", publish=shared)
    assert shared.stat().st_mode & 0o777 == 0o444
    before = shared.read_bytes()
    with pytest.raises(MirrorError, match="is read-only, like a published copy"):
        pull("stations", path=shared)
    assert shared.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
def test_a_copy_is_as_private_as_the_umask_says(pull, shared):
    before = os.umask(0o077)
    try:
        pull("stations", publish=shared)
    finally:
        os.umask(before)
    assert shared.stat().st_mode & 0o777 == 0o400


def test_an_update_that_fails_publishes_nothing_and_the_next_one_all(pull, sandbox, rows, shared, ids):
    pull("runs", "stations", publish=shared)
    sandbox.produce(1)
    sandbox.faults.on(lambda request: request.path.endswith("/stations")).next(faults.status(403))
    with pytest.raises(Exception, match="403"):
        pull("runs", "stations", publish=shared)
    assert len(rows("runs")) == RUNS
    assert pull("runs", "stations", publish=shared)["runs"].new == 0
    assert rows("runs") == ids(sandbox.runs)


OTHER = "{path} is not a copy of this mirror: choose another file, or remove that one"
REFUSED = {
    "no folder": ("missing/shared.duckdb", None, "cannot publish {path}: there is no folder {path.parent}"),
    "a folder": ("shared.duckdb", Path.mkdir, "{path} is not a file: choose another path"),
    "another file": (
        "shared.duckdb",
        lambda path: path.write_text("serial,outcome\n" * 9000, encoding="ascii"),
        "{path} is not a DuckDB database: choose another file",
    ),
    "another database": (
        "shared.duckdb",
        lambda path: duckdb.execute(
            f"ATTACH '{path}' AS other; CREATE TABLE other.notes AS SELECT 1 AS n; DETACH other"
        ),
        OTHER,
    ),
    "changes beside it": (
        "shared.duckdb",
        lambda path: path.with_name("shared.duckdb.wal").write_bytes(b"changes"),
        (
            "a program has opened {path} for writing, and its log shared.duckdb.wal would change the next copy: "
            "close the program, and remove the log"
        ),
    ),
}
"""What no copy of a mirror is: its name, what makes it, and why it is refused."""


@pytest.fixture
def refused(pull, sandbox):
    """Return why a file is refused. It is left as it is, and no listing is requested."""

    def refused(path):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(MirrorError) as caught:
            pull("users", publish=path)
        assert before is None or path.read_bytes() == before
        assert not [request.path for request in sandbox.requests if request.path.endswith("/users")]
        return str(caught.value)

    return refused


@pytest.mark.parametrize(("name", "make", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_a_copy_of_the_mirror_is_refused(refused, tmp_path, name, make, reason):
    path = tmp_path / name
    if make:
        make(path)
    assert refused(path) == reason.format(path=path)


def test_another_mirror_and_its_copy_are_refused(pull, refused, shared, tmp_path):
    """Two mirrors would replace the copy of each other. So would one that is open for writing, as root can have it."""
    other = tmp_path / "other.duckdb"
    pull("stations", path=other, publish=shared)
    assert refused(shared) == OTHER.format(path=shared)
    assert refused(other) == OTHER.format(path=other)
    with duckdb.connect(other):
        assert refused(other).startswith(f"this program has {other} open already")


@pytest.mark.parametrize("name", ["line.duckdb", "./line.duckdb", "link.duckdb"])
def test_the_mirror_itself_is_refused(pull, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("link.duckdb").symlink_to("line.duckdb")
    with pytest.raises(ValueError, match=f"the mirror itself uses {name}: publish to another file"):
        pull("users", publish=name)
    with pytest.raises(TypeError):
        Mirror("line.duckdb", publish=7)


@pytest.mark.parametrize(("mirror", "copy"), [("x.duckdb.part", "x.duckdb"), ("x.duckdb", "x.duckdb.wal")])
def test_a_file_that_belongs_to_the_mirror_is_refused(pull, tmp_path, mirror, copy):
    """Or the mirror is what belongs to the copy, and would be replaced."""
    with pytest.raises(ValueError, match="the mirror itself uses "):
        pull("users", path=tmp_path / mirror, publish=tmp_path / copy)
    assert [*tmp_path.iterdir()] == []


def test_what_a_killed_process_left_is_overwritten(pull, sandbox, rows, shared, ids, tmp_path):
    """It may be longer than the copy."""
    (tmp_path / "shared.duckdb.part").write_bytes(b"checksumDUCK" + b"x" * 20_000_000)
    pull("runs", publish=shared)
    assert rows("runs") == ids(sandbox.runs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.duckdb", "shared.duckdb"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_two_copies_of_a_mirror_that_publish_at_the_same_time(pull, shared, tmp_path):
    """The second one is refused, and does not write into the file of the first one."""
    import fcntl  # noqa: PLC0415 - Windows does not have it

    part = tmp_path / "shared.duckdb.part"
    with part.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(
            DatabaseInUseError, match=f"another program is publishing {shared}: wait until it has finished"
        ):
            pull("users", publish=shared)
        assert part.stat().st_size == 0
    pull("users", publish=shared)


STORED = "the update itself is stored; only its copy failed"


@pytest.mark.parametrize("is_killed", [False, True], ids=["fails", "killed"])
def test_whatever_call_of_the_disk_fails_a_whole_copy_is_there(pull, sandbox, rows, ids, tmp_path, is_killed):
    """It is the one before or the next one. The mirror is up to date, and the next update publishes it."""
    shared = tmp_path / "folder" / "shared.duckdb"
    for number, disk in enumerate(every_call(shared.parent, is_killed=is_killed)):
        pull("stations", publish=shared)
        sandbox.stations[0] = evolve(sandbox.stations[0], name=f"Bench {len(sandbox.requests)}")
        with disk:
            pull("stations", publish=shared)
        if isinstance(disk.error, OSError) and disk.calls[number] != "chmod":
            assert disk.error.__notes__ == [STORED]
            assert disk.error.filename == f"{shared}.part"
        with duckdb.connect(shared, read_only=True) as copy:
            assert len(copy.sql("FROM tofupilot.stations").fetchall()) == len(sandbox.stations)
        pull("stations", publish=shared)
        with duckdb.connect(shared, read_only=True) as copy:
            assert copy.sql("SELECT name FROM tofupilot.stations").fetchall().count((sandbox.stations[0].name,)) == 1
        assert [path.name for path in shared.parent.iterdir()] == ["shared.duckdb"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such mode")
def test_a_share_that_refuses_modes_has_a_copy_all_the_same(pull, sandbox, rows, shared, ids, refused_modes):
    """Such as one that is mounted for another user. The copy can be written there."""
    pull("runs", publish=shared)
    sandbox.produce(1)
    pull("runs", publish=shared)
    assert rows("runs") == ids(sandbox.runs)
    assert refused_modes


class TestAsOnWindows:
    """Where an open file can be neither moved, removed nor replaced."""

    @pytest.fixture(autouse=True)
    def _windows(self, monkeypatch):
        for module in ("published", "database"):
            monkeypatch.setattr(f"aiotofupilot.mirror.{module}.sys", SimpleNamespace(platform="win32"))

    def test_a_copy_that_somebody_has_open(self, pull, sandbox, rows, shared, monkeypatch, tmp_path):
        """The line says so, and the next update publishes."""
        pull("runs", publish=shared)
        sandbox.produce(1)

        def refuse(path, _target):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", refuse)
            with pytest.raises(DatabaseInUseError) as caught:
                pull("runs", publish=shared)
        assert caught.value.path == shared
        assert str(caught.value) == (
            f"cannot replace {shared}: its folder must be writable, and on Windows nobody may have it open"
        )
        assert len(rows("runs")) == RUNS
        assert sorted(path.name for path in tmp_path.iterdir()) == ["line.duckdb", "shared.duckdb"]
        pull("runs", publish=shared)
        assert len(rows("runs")) == RUNS + 1
