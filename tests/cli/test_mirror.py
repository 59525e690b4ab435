"""The mirror as a command: what it says, and how it ends."""

import errno
import fcntl
import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from fakes import paging
from fakes.disks import Disk

import aiotofupilot.mirror
from aiotofupilot.cli import run
from aiotofupilot.cli.messages import ExitCode
from aiotofupilot.cli.progress import Progress
from aiotofupilot.sandbox import faults


@pytest.fixture
def database(tmp_path):
    return tmp_path / "line.duckdb"


def rows(database, table):
    with duckdb.connect(database, read_only=True) as connection:
        return connection.execute(f"SELECT count(*), count(DISTINCT id) FROM {table}").fetchall()[0]  # noqa: S608 - a listing's name


@pytest.mark.usefixtures("sandbox")
def test_each_listing_shows_its_progress(monkeypatch, database):
    shown = {}
    monkeypatch.setattr(Progress, "note", lambda _, name, count: shown.update({name: count}))
    assert run(["mirror", str(database), "users", "procedures"]) == 0
    assert shown == {"procedures": 250, "users": 11}


def test_options_reach_the_mirror(monkeypatch, sandbox, database):
    given = {}

    def note(_self, _path, *, session, **options):
        sent = session._connection
        given.update(options, timeout=sent.timeout, retry=sent.retry, concurrency=sent.concurrency)

    async def update(_self, **options):
        given.update(options)
        return ()

    monkeypatch.setattr(aiotofupilot.mirror.Mirror, "__init__", note)
    monkeypatch.setattr(aiotofupilot.mirror.Mirror, "update", update)
    arguments = [
        *("--timeout", "2", "--retries", "1", "--concurrency", "4", "--on-unreadable", "skip"),
        *("--again", "7d", "--since", "2026-01-01T00:00Z", "--outcomes", "FAIL", "--outcomes", "ERROR"),
        *("--overlap", "120"),
    ]
    assert run(["mirror", str(database), *arguments]) == 0
    assert (given["timeout"], given["retry"].attempts) == (2.0, 2)
    assert (given["concurrency"], given["on_unreadable"]) == (4, "skip")
    assert (given["again"], given["full"], given["listings"]) == (timedelta(days=7), False, None)
    assert given["overlap"] == 120.0
    assert given["filters"] == {"created_after": datetime(2026, 1, 1, tzinfo=UTC), "outcomes": ["FAIL", "ERROR"]}


def test_a_database_that_is_open_elsewhere(sandbox, database, start, capfd):
    """In another process, because DuckDB lets one process open it as often as it likes."""
    came = threading.Event()
    sandbox.faults.on(lambda request: request.path.endswith("/stations")).next(faults.stall(3600))
    sandbox.before_response.append(lambda _, request: came.set() if request.path.endswith("/stations") else None)
    other = start("mirror", database, "stations")
    assert came.wait(20)
    assert run(["mirror", str(database), "stations"]) == ExitCode.FAILED
    assert capfd.readouterr().err == (
        f"aiotofupilot: another program has {database} open already: close it there, or wait until it is closed\n"
    )
    other.kill()
    other.wait(20)
    assert run(["mirror", str(database), "stations"]) == 0


def test_a_folder_that_is_missing(database, capfd):
    assert run(["mirror", str(database.parent / "missing" / "line.duckdb"), "--sandbox"]) == ExitCode.USAGE
    assert capfd.readouterr().err.startswith("aiotofupilot: cannot use ")


def test_ctrl_c_interrupts_the_mirror_at_once(sandbox, database, start):
    """The server has a minute left to answer. The line says what to do."""
    process = []
    sandbox.before_response.append(lambda _, request: interrupt(request))

    def interrupt(request):
        if request.path.endswith("/procedures"):
            sandbox.faults.next(faults.latency(60))
            process[0].send_signal(signal.SIGINT)

    process.append(start("mirror", database, "procedures"))
    _, err = process[0].communicate(timeout=60)
    assert process[0].returncode == ExitCode.INTERRUPTED
    assert err == b"aiotofupilot: interrupted; it stopped at the procedures; run it again to continue\n"


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (aiotofupilot.mirror.MirrorError("cannot go on"), ExitCode.USAGE, "cannot go on"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            ExitCode.FAILED,
            "cannot write: No space left on device; no listing was read",
        ),
    ],
    ids=["stale", "full disk"],
)
def test_an_update_that_fails_says_what_to_do(monkeypatch, database, capfd, error, code, printed):
    async def fail(*_, **__):
        raise error

    monkeypatch.setattr(aiotofupilot.mirror.Mirror, "update", fail)
    assert run(["mirror", str(database), "stations", "--sandbox"]) == code
    assert capfd.readouterr() == ("", f"aiotofupilot: {printed}\n")


@pytest.mark.parametrize("odd", [paging.page_numbers, paging.capped(2)], ids=["cursors", "short pages"])
def test_pages_that_do_not_fit_together_name_no_option_of_a_walk(sandbox, database, capfd, odd):
    """Another run would meet the same."""
    sandbox.paging = odd
    assert run(["mirror", str(database), "procedures", "runs"]) == ExitCode.FAILED
    said = capfd.readouterr().err
    assert said.endswith(
        "; a mirror needs pages that show the whole listing; the rows read so far are stored; "
        "it stopped at the runs; name the other listings to leave these out\n"
    )
    assert not any(word in said for word in ("drift", "again", "cursor=", "Checkpoint"))
    assert run(["mirror", str(database), "procedures"]) == 0
    assert "aiotofupilot: procedures may be missing, because" in capfd.readouterr().err


def test_what_was_nearly_too_late_is_told(monkeypatch, database, capfd):
    late = aiotofupilot.mirror.MirrorResult(listing="runs", new=1, gone=0, rows=1, lateness=45.2)

    async def update(*_, **__):
        return (late,)

    monkeypatch.setattr(aiotofupilot.mirror.Mirror, "update", update)
    said = "runs became visible 45 s after newer ones; after 60 s they would be missed: use a longer --overlap"
    for overlap, told in ((None, said), ("60", said), ("120", "")):
        assert run(["mirror", str(database), "--sandbox", *([] if overlap is None else ["--overlap", overlap])]) == 0
        assert capfd.readouterr().err == (f"aiotofupilot: {told}\n" if told else "")


@pytest.mark.parametrize(("overlap", "bound"), [("0", "more than 0 seconds"), ("100000", "at most 86,400 seconds")])
def test_an_overlap_has_bounds(database, capfd, overlap, bound):
    assert run(["mirror", str(database), "--sandbox", "--overlap", overlap]) == ExitCode.USAGE
    assert f"aiotofupilot: --overlap must be {bound}" in capfd.readouterr().err


@pytest.mark.parametrize(("status", "code"), [(404, ExitCode.FAILED), (403, ExitCode.REFUSED)])
def test_a_listing_that_the_server_does_not_have_can_be_left_out(sandbox, database, capfd, status, code):
    """An older server has no logs, and the key of a station may not read the users."""
    sandbox.faults.on(lambda request: request.path.endswith("/logs")).always(faults.status(status))
    assert run(["mirror", str(database), "runs", "users", "logs"]) == code
    assert capfd.readouterr().err.endswith("; it stopped at the logs; name the other listings to leave these out\n")
    assert run(["mirror", str(database), "runs", "users"]) == 0
    sandbox.faults.clear()
    assert run(["mirror", str(database), "runs", "users", "logs"]) == 0
    assert rows(database, "logs") == (len(sandbox.logs),) * 2


@pytest.mark.usefixtures("sandbox")
def test_a_full_disk_of_the_copy_leaves_an_update_that_is_stored(tmp_path, database, capfd):
    path = tmp_path / "folder" / "shared.duckdb"
    path.parent.mkdir()
    with Disk(path.parent, 2, is_killed=False):
        assert run(["mirror", str(database), "stations", "--publish", str(path)]) == ExitCode.FAILED
    assert capfd.readouterr().err == (
        f"aiotofupilot: cannot write {path}.part: No space left on device; "
        "the update itself is stored; only its copy failed\n"
    )
    assert rows(database, "stations")[0] > 0


@pytest.mark.usefixtures("sandbox")
def test_a_copy_that_is_being_published_leaves_an_update_that_is_stored(tmp_path, database, capfd):
    path = tmp_path / "shared.duckdb"
    with Path(f"{path}.part").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run(["mirror", str(database), "stations", "--publish", str(path)]) == ExitCode.FAILED
    assert capfd.readouterr().err == (
        f"aiotofupilot: another program is publishing {path}: wait until it has finished; "
        "the update itself is stored; only its copy failed\n"
    )


@pytest.mark.parametrize("missing", ["duckdb", "pyarrow"])
def test_without_the_extra(monkeypatch, database, capfd, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    for name in [name for name in sys.modules if name.startswith("aiotofupilot.mirror")]:
        monkeypatch.delitem(sys.modules, name)
    assert run(["mirror", str(database), "--sandbox"]) == ExitCode.USAGE
    assert capfd.readouterr().err == f"aiotofupilot: aiotofupilot.mirror needs {missing}: install the extra 'mirror'\n"
