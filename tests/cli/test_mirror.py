"""The mirror as a command: what it says, and how it ends."""

import errno
import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from attrs import evolve

import aiotofupilot.mirror
from aiotofupilot.cli import mirror, run
from aiotofupilot.cli.messages import ExitCode, StoppedError, explained
from aiotofupilot.cli.options import Server
from aiotofupilot.cli.progress import Progress
from aiotofupilot.sandbox import faults


@pytest.fixture
def database(tmp_path):
    return tmp_path / "line.duckdb"


def rows(database, table):
    with duckdb.connect(database) as connection:
        return connection.execute(f"SELECT count(*), count(DISTINCT id) FROM {table}").fetchall()[0]  # noqa: S608 - a listing's name


def test_it_says_what_came(monkeypatch, sandbox, database, capfd):
    """It goes to standard output, and nothing else is said anywhere. Each listing shows its progress."""
    shown = {}
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "note", lambda _, name, count, total: shown.update({name: (count, total)}))
        assert run(["mirror", str(database), "users", "procedures"]) == 0
    said = (
        f"{database}\n            new  gone  left out  rows\n"
        "procedures  250     0         0   250\nusers        11     0         0    11\n"
    )
    assert capfd.readouterr() == (said, "")
    assert shown == {"procedures": (250, None), "users": (len(sandbox.users), None)}
    sandbox.procedures.pop()
    sandbox.procedures.insert(0, sandbox.procedures.pop())
    assert run(["mirror", str(database), "procedures", "--full"]) == 0
    said = f"{database}\n            new  gone  left out  rows\nprocedures    0     1         0   250\n"
    assert capfd.readouterr() == (said, "")
    assert rows(database, "procedures") == (250, 250)


def test_what_cannot_be_read_is_left_out_and_told(sandbox, database, capfd):
    sandbox.faults.always(faults.unreadable(*(station.id for station in sandbox.stations[2:4])))
    assert run(["mirror", str(database), "stations", "--on-unreadable", "skip", "--retries", "0"]) == 0
    assert (
        capfd.readouterr().out
        == f"{database}\n          new  gone  left out  rows\nstations    4     0         2     4\n"
    )
    assert rows(database, "stations") == (4, 4)


async def test_a_deadline_that_passes_is_told(monkeypatch, database):
    """What came before it is stored, and the next run goes on."""

    async def late(_mirror, *, on_progress, **_):
        on_progress(aiotofupilot.mirror.MirrorProgress(listing="stations", rows=0, total=None))
        raise aiotofupilot.mirror.MirrorTimeoutError("late", seconds=2.0, results=())

    monkeypatch.setattr(aiotofupilot.mirror.Mirror, "update", late)
    with pytest.raises(StoppedError) as caught:
        await mirror.mirror(database, "stations", server=Server(sandbox=True, deadline=2.0))
    said = "the deadline of 2 s has passed; it had come to the stations, run it again to go on"
    assert explained(caught.value) == (ExitCode.FAILED, said)


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
        *("--timeout", "2", "--retries", "1", "--deadline", "60", "--concurrency", "4", "--on-unreadable", "skip"),
        *("--again", "7d", "--since", "2026-01-01T00:00Z", "--outcomes", "FAIL", "--outcomes", "ERROR"),
        "--details",
    ]
    assert run(["mirror", str(database), *arguments]) == 0
    assert (given["timeout"], given["retry"].attempts, given["deadline"]) == (2.0, 2, 60.0)
    assert (given["concurrency"], given["on_unreadable"]) == (4, "skip")
    assert (given["again"], given["full"], given["listings"]) == (timedelta(days=7), False, None)
    assert given["details"] is True
    assert given["filters"] == {"created_after": datetime(2026, 1, 1, tzinfo=UTC), "outcomes": ["FAIL", "ERROR"]}


def test_the_sandbox_of_its_own_is_the_same_each_time(sandbox, database, capfd):
    """And another account is refused."""
    for new in (6, 0):
        assert run(["mirror", str(database), "stations", "--sandbox"]) == 0
        told = f"{database}\n          new  gone  left out  rows\nstations    {new}     0         0     6\n"
        assert capfd.readouterr().out == told
    organization = sandbox.organization
    sandbox.organization = evolve(organization, id="another")
    assert run(["mirror", str(database), "stations"]) == ExitCode.USAGE
    assert capfd.readouterr().err == (
        f"aiotofupilot: the database is a mirror of the organization {organization.id}, and the key is one of another: "
        "choose another file, or another key\n"
    )


def test_a_server_that_is_too_old_to_say_whose_key_it_is(sandbox, database, capfd):
    def refuse(_factory, request):
        if request.path.endswith("/whoami"):
            sandbox.faults.next(faults.status(404))

    sandbox.before_response.append(refuse)
    assert run(["mirror", str(database), "stations"]) == 0
    assert capfd.readouterr().err == (
        "aiotofupilot: the server is too old to say whether the key is of the organization that is mirrored\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["line.duckdb", "run"], "no such listing: run; there are procedures, runs, units, "),
        (["line.duckdb", "--sandbox", "--api-key", "key"], "--sandbox has an address and a key of its own"),
        (["line.duckdb", "--concurrency", "0"], "Must be >= 1"),
        ([], 'Command "mirror" parameter DATABASE requires an argument'),
        (["missing/line.duckdb", "--sandbox"], "cannot use "),
        (
            ["line.duckdb", "users", "--sandbox", "--outcomes", "FAIL"],
            "users do not take --outcomes, so leave users out, or the filter",
        ),
        (["line.duckdb", "--sandbox", "--again", "0s"], "wrong --again: again must be more than 0, got "),
        (
            ["line.duckdb", "--sandbox", "--again", "7d", "--full"],
            "wrong --again: again must be left out where full is True, which reads everything",
        ),
    ],
)
def test_wrong_usage_is_told_in_one_line_and_leaves_no_file(tmp_path, monkeypatch, capfd, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    assert run(["mirror", *arguments]) == ExitCode.USAGE
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert complaint in err
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_database(database, capfd):
    database.write_text("serial,outcome\n", encoding="utf-8")
    assert run(["mirror", str(database), "--sandbox"]) == ExitCode.USAGE
    assert capfd.readouterr().err == f"aiotofupilot: {database} is not a DuckDB database: choose another file\n"


def test_a_database_that_is_open_elsewhere(sandbox, database, start, capfd):
    """In another process, because DuckDB lets one process open it as often as it likes."""
    came = threading.Event()
    sandbox.faults.on(lambda request: request.path.endswith("/stations")).next(faults.stall(3600))
    sandbox.before_response.append(lambda _, request: came.set() if request.path.endswith("/stations") else None)
    other = start("mirror", database, "stations")
    assert came.wait(20)
    assert run(["mirror", str(database), "stations"]) == ExitCode.FAILED
    assert capfd.readouterr().err == (
        f"aiotofupilot: another program has {database} open already: close it there, or wait until that is done\n"
    )
    other.kill()
    other.wait(20)
    assert run(["mirror", str(database), "stations"]) == 0


def test_a_key_that_may_not_list_something(sandbox, database, capfd):
    """What came before stays."""

    def refuse(_factory, request):
        if request.path.endswith("/stations"):
            sandbox.faults.next(faults.status(403))

    sandbox.before_response.append(refuse)
    assert run(["mirror", str(database), "procedures", "stations"]) == ExitCode.REFUSED
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.endswith("it had come to the stations, run it again to go on\n")
    assert rows(database, "procedures") == (250, 250)


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
    assert err == b"aiotofupilot: interrupted; it had come to the procedures, run it again to go on\n"


def raising(monkeypatch, error):
    """Let each update raise an error."""

    async def fail(*_, **__):
        raise error

    monkeypatch.setattr(aiotofupilot.mirror.Mirror, "update", fail)


def test_a_full_run_is_the_way_out_where_a_run_cannot_be_continued(monkeypatch, database, capfd):
    raising(monkeypatch, aiotofupilot.mirror.StaleWatermarkError("cannot go on"))
    assert run(["mirror", str(database), "stations", "--sandbox"]) == ExitCode.USAGE
    assert capfd.readouterr().err == "aiotofupilot: cannot go on; the option is --full\n"


def test_a_disk_that_is_full_at_the_end(monkeypatch, database, capfd):
    raising(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert run(["mirror", str(database), "stations", "--sandbox"]) == ExitCode.FAILED
    assert capfd.readouterr() == (
        "",
        "aiotofupilot: cannot write: No space left on device; it had come to the beginning, run it again to go on\n",
    )


@pytest.mark.parametrize("missing", ["duckdb", "pyarrow"])
def test_without_the_extra(monkeypatch, database, capfd, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    for name in [name for name in sys.modules if name.startswith("aiotofupilot.mirror")]:
        monkeypatch.delitem(sys.modules, name)
    assert run(["mirror", str(database), "--sandbox"]) == ExitCode.USAGE
    assert capfd.readouterr().err == f"aiotofupilot: aiotofupilot.mirror needs {missing}: install the extra 'mirror'\n"


def test_another_module_that_is_missing_is_no_wrong_usage(monkeypatch, database):
    """It is a fault of this package, and its traceback is what helps."""
    for name in [name for name in sys.modules if name.startswith("aiotofupilot.mirror")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiotofupilot.mirror.tables", None)
    with pytest.raises(ModuleNotFoundError, match=r"aiotofupilot\.mirror\.tables"):
        run(["mirror", str(database), "--sandbox"])
