"""The mirror as a command: what it says, and how it ends."""

import errno
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import duckdb
import pytest

import aiotofupilot.dlt
from aiotofupilot.cli import mirror, run
from aiotofupilot.cli.failures import ExitCode, StoppedError, explained
from aiotofupilot.cli.options import MirrorOptions, ServerOptions, TimeoutOptions
from aiotofupilot.cli.progress import Progress
from aiotofupilot.cli.server import Server
from aiotofupilot.sandbox import faults


@pytest.fixture
def database(tmp_path):
    return tmp_path / "line.duckdb"


def rows(database, table):
    with duckdb.connect(database) as connection:
        return connection.execute(f"SELECT count(*), count(DISTINCT id) FROM {table}").fetchall()[0]  # noqa: S608 - a listing's name


def test_its_last_line_says_what_came(monkeypatch, sandbox, database, capfd):
    """It goes to standard output, and nothing else is said anywhere. Each listing shows its progress."""
    shown = {}

    class Counted(Progress):
        def advance(self, items):
            shown[self._name] += items

    @contextmanager
    def progress_shown(name, **_):
        shown[name] = 0
        yield Counted(name)

    with monkeypatch.context() as patched:
        patched.setattr(mirror, "progress_shown", progress_shown)
        assert run(["mirror", str(database), "users", "procedures"]) == 0
    assert capfd.readouterr() == (f"{database}: 250 procedures, {len(sandbox.users)} users came\n", "")
    assert shown == {"procedures": 250, "users": len(sandbox.users)}
    assert list(shown) == ["procedures", "users"]
    sandbox.procedures.pop()
    sandbox.procedures.insert(0, sandbox.procedures.pop())
    assert run(["mirror", str(database), "procedures", "--full"]) == 0
    assert capfd.readouterr() == (f"{database}: nothing new; 1 procedure gone\n", "")
    assert rows(database, "procedures") == (250, 250)


@pytest.mark.parametrize(
    ("bad", "said"), [(1, "1 station could not be read and is"), (2, "2 stations could not be read and are")]
)
def test_what_cannot_be_read_is_left_out_and_told(sandbox, database, capfd, bad, said):
    sandbox.faults.always(faults.unreadable(*(station.id for station in sandbox.stations[2 : 2 + bad])))
    assert run(["mirror", str(database), "stations", "--on-unreadable", "skip", "--retries", "0"]) == 0
    assert capfd.readouterr().out == f"{database}: {6 - bad} stations came; {said} left out\n"
    assert rows(database, "stations") == (6 - bad, 6 - bad)


async def test_a_deadline_that_passes_is_told(monkeypatch, database):
    """What came before it is loaded, and the next run goes on."""

    def late(*_, **__):
        yield from ()
        brought = aiotofupilot.dlt.MirrorResult(listing="stations", new=0, gone=0, rows=0)
        raise aiotofupilot.dlt.MirrorTimeoutError("late", seconds=2.0, result=brought)

    monkeypatch.setattr(aiotofupilot.dlt, "mirror", late)
    server = Server(ServerOptions(sandbox=True), TimeoutOptions())
    with pytest.raises(StoppedError) as caught:
        await mirror.bring_up_to_date(database, ["stations"], server, MirrorOptions(deadline=2.0), full=False)
    said = "the deadline of 2 s has passed; it had come to the stations, run it again to go on"
    assert explained(caught.value) == (ExitCode.FAILED, said)


def test_options_reach_the_mirror(monkeypatch, sandbox, database):
    given = {}

    def note(path, *, listings, **options):
        given.update(options)
        for name in listings:
            yield aiotofupilot.dlt.MirrorResult(listing=name, new=0, gone=0, rows=0)

    monkeypatch.setattr(aiotofupilot.dlt, "mirror", note)
    arguments = [
        "--timeout",
        "2",
        "--retries",
        "1",
        "--deadline",
        "60",
        "--concurrency",
        "4",
        "--on-unreadable",
        "skip",
    ]
    assert run(["mirror", str(database), *arguments]) == 0
    assert (given["timeout"], given["retry"].attempts, given["deadline"]) == (2.0, 2, 60.0)
    assert (given["concurrency"], given["on_unreadable"]) == (4, "skip")


def test_the_sandbox_of_its_own_is_the_same_each_time(sandbox, database, capfd):
    """And another server is refused."""
    for said in ("6 stations came", "nothing new"):
        assert run(["mirror", str(database), "stations", "--sandbox"]) == 0
        assert capfd.readouterr().out == f"{database}: {said}\n"
    assert run(["mirror", str(database), "stations"]) == ExitCode.USAGE
    assert capfd.readouterr().err == (
        f"aiotofupilot: the database is a mirror of sandbox, not of {sandbox.url}: choose another file\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["line.duckdb", "run"], "no such listing: run; there are procedures, runs, units, "),
        (["line.duckdb", "--sandbox", "--api-key", "key"], "--sandbox has an address and a key of its own"),
        (["line.duckdb", "--concurrency", "0"], "Must be >= 1"),
        ([], 'Command "mirror" parameter DATABASE requires an argument'),
        (["missing/line.duckdb", "--sandbox"], "cannot write "),
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


def test_a_database_that_is_open_elsewhere(database, capfd):
    """In another process, because DuckDB lets one process open it as often as it likes."""
    program = f"import duckdb; connection = duckdb.connect({str(database)!r}); print(flush=True); input()"
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        assert run(["mirror", str(database), "stations", "--sandbox"]) == ExitCode.USAGE
        assert capfd.readouterr().err == (
            f"aiotofupilot: another program has {database} open: close it there, or wait until it is done\n"
        )
        other.communicate(b"\n")
    assert run(["mirror", str(database), "stations", "--sandbox"]) == 0


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
    sandbox.before_response.append(lambda *_: process[0].send_signal(signal.SIGINT))
    sandbox.faults.always(faults.latency(60))
    process.append(start("mirror", database, "procedures"))
    _, err = process[0].communicate(timeout=60)
    assert process[0].returncode == ExitCode.INTERRUPTED
    assert err == b"aiotofupilot: interrupted; it had come to the procedures, run it again to go on\n"


def test_a_full_run_is_the_way_out_where_a_run_cannot_be_continued(monkeypatch, database, capfd):
    def refuse(*_, **__):
        yield from ()
        raise aiotofupilot.dlt.StaleWatermarkError("cannot go on")

    monkeypatch.setattr(aiotofupilot.dlt, "mirror", refuse)
    assert run(["mirror", str(database), "stations", "--sandbox"]) == ExitCode.USAGE
    assert capfd.readouterr().err == "aiotofupilot: cannot go on; the option is --full\n"


def test_a_disk_that_is_full_at_the_end(monkeypatch, database, capfd):
    def full(*_, **__):
        yield aiotofupilot.dlt.MirrorResult(listing="stations", new=1, gone=0, rows=1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(aiotofupilot.dlt, "mirror", full)
    assert run(["mirror", str(database), "stations", "--sandbox"]) == ExitCode.FAILED
    assert capfd.readouterr() == (
        "",
        "aiotofupilot: cannot write: No space left on device; it had come to the end, run it again to go on\n",
    )


@pytest.mark.parametrize("missing", ["dlt", "duckdb", "pyarrow"])
def test_without_the_extra(monkeypatch, database, capfd, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    for name in [name for name in sys.modules if name.startswith("aiotofupilot.dlt")]:
        monkeypatch.delitem(sys.modules, name)
    assert run(["mirror", str(database), "--sandbox"]) == ExitCode.USAGE
    assert capfd.readouterr().err == f"aiotofupilot: aiotofupilot.dlt needs {missing}: install the extra 'dlt'\n"


def test_another_module_that_is_missing_is_no_wrong_usage(monkeypatch, database):
    """It is a fault of this package, and its traceback is what helps."""
    for name in [name for name in sys.modules if name.startswith("aiotofupilot.dlt")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiotofupilot.dlt.rows", None)
    with pytest.raises(ModuleNotFoundError, match=r"aiotofupilot\.dlt\.rows"):
        run(["mirror", str(database), "--sandbox"])
