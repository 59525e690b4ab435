"""One mirror of a database at a time."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from aiotofupilot.dlt.database import locked
from aiotofupilot.dlt.results import MirrorError


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


def test_what_a_killed_process_leaves_is_taken_over(tmp_path):
    """The system has unlocked its file."""
    database = tmp_path / "line.duckdb"
    (tmp_path / "line.duckdb.lock").touch()
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


def test_a_file_system_without_locks_is_not_an_obstacle(tmp_path, monkeypatch):
    """DuckDB's own lock is what remains."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with locked(tmp_path / "line.duckdb"):
        assert [file.name for file in tmp_path.iterdir()] == ["line.duckdb.lock"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing/line.duckdb", "cannot write .*line.duckdb: No such file or directory"),
        (f"{'x' * 300}.duckdb", "cannot write .*x.duckdb: File name too long"),
    ],
    ids=["missing folder", "long name"],
)
def test_a_path_that_cannot_be_written(tmp_path, name, complaint):
    with pytest.raises(MirrorError, match=complaint), locked(tmp_path / name):
        pytest.fail("it is locked")


@pytest.mark.parametrize(("code", "error"), [(errno.EROFS, MirrorError), (errno.ENOSPC, OSError)])
def test_another_path_is_asked_for_where_it_would_help(tmp_path, monkeypatch, code, error):
    """It does on a file system that is read-only, and not on a disk that is full."""

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(error, match=os.strerror(code)), locked(tmp_path / "line.duckdb"):
        pytest.fail("it is locked")


def test_the_root_of_the_file_system_has_a_lock_too(monkeypatch):
    """A path without a name is no fault of the program."""
    asked = []

    def refuse(path, *_):
        asked.append(str(path))
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(MirrorError, match="cannot write /: Permission denied"), locked(Path("/")):
        pytest.fail("it is locked")
    assert asked == ["/.lock"]
