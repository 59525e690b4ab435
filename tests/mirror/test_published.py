"""A copy that others can read at any time, whatever happens to an update meanwhile."""

import errno
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from io import BufferedWriter
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from attrs import evolve
from fakes.budget import NIGHTLY

from aiotofupilot._part import locked
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

pytestmark = pytest.mark.usefixtures("short_series")


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


OPENED = {
    "connect": "duckdb.connect(f'duckdb:{sys.argv[1]}', read_only=True)",
    "attach": "duckdb.execute(f\"ATTACH '{sys.argv[1]}' AS shared (TYPE duckdb, READ_ONLY); USE shared\")",
}
"""How the guide opens a copy."""

READ_ONCE = """
import duckdb, sys
print(*{}.execute("SELECT (SELECT count(*) FROM runs), (SELECT min(name) FROM stations)").fetchone())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a test stop another program where it opens a file")
@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
def test_a_reader_that_names_the_type_never_meets_two_copies(pull, sandbox, shared, tmp_path, opened):
    """The copy is replaced each time that it is opened: by the same one again, and then by the next one.

    Without the type, DuckDB 2.0 reads the old headers here, and then the new blocks.
    """
    import fcntl  # noqa: PLC0415 - Windows does not have it

    copies = [tmp_path / name for name in ("first", "again", "next")]
    for number in range(4):
        sandbox.produce(1)
        sandbox.stations[:] = [evolve(station, name=f"Bench {number}") for station in sandbox.stations]
        pull("runs", "stations", publish=shared)
        for copy in copies[:2] if number == 0 else copies[2:]:
            copy.write_bytes(shared.read_bytes())
    held = [copy.open("rb") for copy in copies[:2]]
    for file in held:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def replace(*_):
        """Go on where a program waits for its lease of the copy that is there."""
        if copies:
            copies.pop(0).replace(shared)
        with held.pop(0) as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)

    copies.pop(0).replace(shared)
    before = signal.signal(signal.SIGIO, replace)
    try:
        program = READ_ONCE.format(opened)
        read = subprocess.run([sys.executable, "-c", program, shared], capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    finally:
        signal.signal(signal.SIGIO, before)
        for file in held:
            file.close()
    assert (read.stdout, read.stderr) == (f"{RUNS + 1} Bench 0\n", "")
    assert len(held) == 1, "it was opened more than once"


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
    with pytest.raises(MirrorError, match="is read-only, as published copies are"):
        pull("stations", path=shared)
    assert shared.read_bytes() == before


def test_a_copy_that_may_be_written_is_made_read_only_by_the_next_update(pull, shared):
    """An update was killed between the rename and the change of the mode, or somebody changed that."""
    pull("stations", publish=shared)
    shared.chmod(0o644)
    before = shared.stat()
    pull("stations", publish=shared)
    assert shared.stat().st_mode & 0o777 == 0o444
    assert os.path.samestat(shared.stat(), before)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
def test_a_copy_is_as_private_as_the_umask_says(pull, shared):
    before = os.umask(0o077)
    try:
        pull("stations", publish=shared)
    finally:
        os.umask(before)
    assert shared.stat().st_mode & 0o777 == 0o400
    shared.chmod(0o640)
    pull("stations", publish=shared)
    assert shared.stat().st_mode & 0o777 == 0o440


DETAILED = {"details": True, "again": timedelta(days=9000)}


@pytest.mark.parametrize(
    "options", [{}, {"full": True}, {"again": timedelta(days=9000)}, DETAILED], ids=["new", "full", "again", "details"]
)
def test_an_update_that_changed_nothing_leaves_the_copy(pull, sandbox, shared, options):
    """It has read rows again that are as they were."""
    sandbox.runs[0] = evolve(sandbox.runs[0], metadata={"volts": 4.5})
    names = ("runs", "stations", "logs")
    pull(*names, publish=shared, **options)
    before = shared.stat()
    pull(*names, publish=shared, **options)
    assert os.path.samestat(shared.stat(), before)


CHANGES = {
    "gone": lambda sandbox: sandbox.stations.pop(),
    "renamed": lambda sandbox: sandbox.stations.insert(0, evolve(sandbox.stations.pop(0), name="Bench 12")),
    "emptied": lambda sandbox: sandbox.users.append(evolve(sandbox.users.pop(0), name=None)),
    "new": lambda sandbox: sandbox.produce(1),
}


def test_each_change_is_published(pull, sandbox, query, shared):
    """Also that a row comes back."""
    names, station = ("stations", "users", "runs"), sandbox.stations[-1]
    pull(*names, publish=shared)
    for what, change in (CHANGES | {"back": lambda sandbox: sandbox.stations.append(station)}).items():
        before = shared.stat()
        change(sandbox)
        pull(*names, publish=shared)
        assert not os.path.samestat(shared.stat(), before), what
        for name in names:
            sql = f"SELECT * FROM tofupilot.{name} ORDER BY id"  # noqa: S608 - a listing's name
            assert query(sql, path=shared) == query(sql), what


def test_what_earlier_updates_changed_is_published(pull, sandbox, rows, shared, ids, tmp_path):
    """They were made without the option or published another copy, or the copy was lost, or the mirror."""
    pull("runs")
    pull("runs", publish=shared)
    assert rows("runs") == ids(sandbox.runs)
    sandbox.produce(1)
    pull("runs", publish=tmp_path / "another.duckdb")
    pull("runs", publish=shared)
    assert rows("runs") == ids(sandbox.runs)
    (tmp_path / "line.duckdb").write_bytes(shared.read_bytes())
    shared.unlink()
    assert pull("runs", publish=shared)["runs"].new == 0
    assert rows("runs") == ids(sandbox.runs)


def test_an_update_that_fails_publishes_nothing_and_the_next_one_all(pull, sandbox, rows, shared, ids):
    pull("runs", "stations", publish=shared)
    sandbox.produce(1)
    sandbox.faults.on(lambda request: request.path.endswith("/stations")).next(faults.status(403))
    with pytest.raises(Exception, match="403"):
        pull("runs", "stations", publish=shared)
    assert len(rows("runs")) == RUNS
    assert pull("runs", "stations", publish=shared)["runs"].new == 0
    assert rows("runs") == ids(sandbox.runs)


def test_a_mirror_and_its_copy_may_be_moved_and_linked(pull, sandbox, query, ids, tmp_path, shared):
    pull("runs", publish=shared)
    (tmp_path / "there").mkdir()
    for name in ("line.duckdb", "shared.duckdb"):
        (tmp_path / name).rename(tmp_path / "there" / name)
    shared.symlink_to(tmp_path / "there" / "shared.duckdb")
    sandbox.produce(1)
    pull("runs", path=tmp_path / "there" / "line.duckdb", publish=shared)
    assert shared.is_symlink()
    assert query("SELECT count(*) FROM runs", path=shared) == [(RUNS + 1,)]


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
            "a program has opened {path} for writing, and shared.duckdb.wal beside it would change the next copy: "
            "close it there, and remove that file"
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
    with pytest.raises(ValueError, match=f"choose another file than {name} to publish"):
        pull("users", publish=name)
    with pytest.raises(TypeError):
        Mirror("line.duckdb", publish=7)


def test_links_in_a_circle_are_refused(refused, tmp_path):
    (tmp_path / "a.duckdb").symlink_to("b.duckdb")
    (tmp_path / "b.duckdb").symlink_to("a.duckdb")
    assert refused(tmp_path / "a.duckdb").startswith("cannot read ")


@pytest.mark.parametrize(("mirror", "copy"), [("x.duckdb.part", "x.duckdb"), ("x.duckdb", "x.duckdb.wal")])
def test_a_file_that_belongs_to_the_mirror_is_refused(pull, tmp_path, mirror, copy):
    """Or the mirror is what belongs to the copy, and would be replaced."""
    with pytest.raises(ValueError, match="to publish"):
        pull("users", path=tmp_path / mirror, publish=tmp_path / copy)
    assert [*tmp_path.iterdir()] == []


def test_a_table_without_rows_is_published(pull, sandbox, shared):
    sandbox.batches.clear()
    pull("users", publish=shared)
    pull("users", "batches", publish=shared)
    with duckdb.connect(shared, read_only=True) as copy:
        assert copy.execute("FROM tofupilot.batches").fetchall() == []


def test_a_strange_file_in_the_place_of_a_part_is_left(pull, shared):
    """The mirror is up to date all the same, and the next update publishes it."""
    part = shared.with_name(f"{shared.name}.part")
    part.write_text("a file of somebody")
    with pytest.raises(MirrorError, match="remove it, or choose another file"):
        pull("users", publish=shared)
    assert part.read_text() == "a file of somebody"
    assert not shared.exists()
    part.unlink()
    pull("users", publish=shared)
    assert shared.exists()


class SmallDisk(BufferedWriter):
    """A file on a disk that takes 1,000,000 bytes."""

    def write(self, content):
        if self.tell() + len(content) > 1_000_000:
            super().write(content[:5000])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(content)


def test_a_full_disk_leaves_the_copy_before(pull, sandbox, rows, shared, ids, monkeypatch, tmp_path):
    """And the mirror is up to date. The next update publishes it, although it finds nothing new."""
    pull("runs", publish=shared)
    sandbox.produce(1)
    with monkeypatch.context() as patched:
        patched.setattr("aiotofupilot.mirror.published.BufferedWriter", SmallDisk)
        with pytest.raises(OSError, match="No space left on device") as full:
            pull("runs", publish=shared)
    assert full.value.filename == f"{shared}.part"  # the mirror can be on another disk
    assert len(rows("runs")) == RUNS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.duckdb", "shared.duckdb"]
    assert pull("runs", publish=shared)["runs"].new == 0
    assert rows("runs") == ids(sandbox.runs)


def test_what_a_killed_process_left_is_overwritten(pull, sandbox, rows, shared, ids, tmp_path):
    """It may be longer than the copy."""
    (tmp_path / "shared.duckdb.part").write_bytes(b"checksumDUCK" + b"x" * 20_000_000)
    pull("runs", publish=shared)
    assert rows("runs") == ids(sandbox.runs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["line.duckdb", "shared.duckdb"]


def test_two_copies_of_a_mirror_that_publish_at_the_same_time(pull, shared, tmp_path):
    """The second one is refused, and does not write into the file of the first one."""
    (tmp_path / "shared.duckdb.part").touch()
    file, part = locked(tmp_path / "shared.duckdb.part")
    with file:
        with pytest.raises(
            DatabaseInUseError, match=f"another program is publishing {shared}: wait until that is done"
        ):
            pull("users", publish=shared)
        assert part.stat().st_size == 0
    pull("users", publish=shared)


def test_another_mirror_that_publishes_the_same_new_file_meanwhile(pull, shared, tmp_path, monkeypatch):
    """There was no file when the update looked. The copy of the other mirror stays."""
    there = tmp_path / "there.duckdb"
    pull("stations", path=tmp_path / "other.duckdb", publish=there)

    def slow(path):
        there.rename(shared)
        return locked(path)

    with monkeypatch.context() as patched:
        patched.setattr("aiotofupilot.mirror.published.locked", slow)
        with pytest.raises(MirrorError) as caught:
            pull("users", publish=shared)
    assert str(caught.value) == OTHER.format(path=shared)
    with duckdb.connect(shared, read_only=True) as copy:
        assert copy.sql("SELECT listing FROM _mirror_listings").fetchall() == [("stations",)]
    assert {path.name for path in tmp_path.iterdir()} == {"line.duckdb", "other.duckdb", "shared.duckdb"}


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
            f"cannot replace {shared}: on Windows, nobody may have it open; elsewhere, its folder must be writable"
        )
        assert len(rows("runs")) == RUNS
        assert sorted(path.name for path in tmp_path.iterdir()) == ["line.duckdb", "shared.duckdb"]
        pull("runs", publish=shared)
        assert len(rows("runs")) == RUNS + 1
