"""One mirror of a database at a time."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from aiotofupilot.dlt.errors import MirrorError
from aiotofupilot.dlt.lock import locked


def test_a_second_one_is_refused(tmp_path):
    database = tmp_path / "line.duckdb"
    with locked(database), pytest.raises(MirrorError, match="brought up to date by another program"), locked(database):
        pytest.fail("both have it")


def test_nothing_stays_behind(tmp_path):
    """Not after an error either, and another one can have it."""
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), locked(tmp_path / "line.duckdb"):
            raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_killed_leaves_it(tmp_path):
    database = tmp_path / "line.duckdb"
    program = (
        "import os, signal, pathlib; from aiotofupilot.dlt.lock import locked\n"
        f"with locked(pathlib.Path({str(database)!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], check=False)  # noqa: S603 - our own
    assert killed.returncode == -9
    assert [path.name for path in tmp_path.iterdir()] == ["line.duckdb.lock"]
    with locked(database):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("is_replaced", [True, False], ids=["replaced", "removed"])
def test_a_lock_that_its_holder_has_removed_meanwhile_is_none(tmp_path, monkeypatch, is_replaced):
    """It was opened before it was removed, and locked after: the lock at its path is what counts."""
    database, lock = tmp_path / "line.duckdb", tmp_path / "line.duckdb.lock"
    flock, opened = fcntl.flock, []

    def late(number, operation):
        opened.append(number)
        if len(opened) == 1:
            lock.unlink()
            if is_replaced:
                lock.touch()
        flock(number, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with locked(database):
        assert len(opened) == 2
        assert os.path.samestat(lock.stat(), os.fstat(opened[1]))


def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    """DuckDB's own lock is what remains."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locked(tmp_path / "line.duckdb"):
        assert [file.name for file in tmp_path.iterdir()] == ["line.duckdb.lock"]
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path):
    missing = tmp_path / "missing" / "line.duckdb"
    with pytest.raises(MirrorError, match=r"cannot write .*line\.duckdb: No such file or directory"), locked(missing):
        pytest.fail("it is locked")
