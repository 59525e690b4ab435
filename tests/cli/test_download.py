"""The attachments of runs, as files in a folder."""

import asyncio
import os
import re
import resource
import signal
import threading
from functools import partial
from types import SimpleNamespace

import pytest

from aiotofupilot import TofuPilotSession
from aiotofupilot.cli import run
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import stall, status
from aiotofupilot.sandbox.storage import contents


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "attachments"


RUNS = 12


@pytest.fixture(scope="module")
def attachments():
    """Return the attachments of the first runs, by the run: those that have an address, and the others."""

    async def listed():
        async with Sandbox(250) as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            runs = session.runs.list(max_items=RUNS).details()
            return [(run.id, attachment.id, attachment.name) async for run in runs for attachment in run.attachments]

    every = asyncio.run(listed())
    # An upload that has not ended is called that in the sandbox.
    return SimpleNamespace(
        whole=[one for one in every if not one[2].endswith(".part")],
        without=[one for one in every if one[2].endswith(".part")],
    )


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def expected(attachments):
    return {f"{run}/{identity}-{name}": contents(identity) for run, identity, name in attachments}


def stored(sandbox):
    return [request for request in list(sandbox.requests) if request.path.startswith("/storage/")]


def on_storage(sandbox, identity=""):
    return sandbox.faults.on(lambda request: request.path.startswith(f"/storage/{identity}"))


def test_every_file_is_downloaded_once(sandbox, attachments, folder, capfd):
    """The same command again requests no file that is there."""
    arguments = ["download", str(folder), "-n", str(RUNS)]
    assert run(arguments) == 0
    assert files(folder) == expected(attachments.whole)
    count, without = len(attachments.whole), len(attachments.without)
    assert (count > 10, without > 2) == (True, True)
    told, errors = capfd.readouterr()
    assert told.startswith(f"{count} files, ")
    assert told.endswith(f" kB; {without} without an address\n")
    assert errors == ""
    next(iter(folder.rglob("*.html"))).unlink()
    before = len(stored(sandbox))
    assert run(arguments) == 0
    assert capfd.readouterr().out == f"1 file, 3.9 kB; {count - 1} there already; {without} without an address\n"
    assert len(stored(sandbox)) == before + 1
    assert files(folder) == expected(attachments.whole)


def test_filters_are_those_of_runs(sandbox, folder, capfd):
    assert run(["download", str(folder), "--outcomes", "FAIL", "--search", "INV", "-n", "6", "--concurrency", "2"]) == 0
    assert " files, " in capfd.readouterr().out
    listed = next(request for request in list(sandbox.requests) if request.path.endswith("/v2/runs"))
    assert (listed.query["outcomes"], listed.query["search_query"]) == ("FAIL", "INV")


def test_those_of_units_lie_under_serial_numbers(sandbox, folder, capfd):
    """Filters have the names that both listings share."""
    assert (
        run(["download", str(folder), "units", "--part-numbers", "INV-2000", "--since", "2020-01-01", "-n", "9"]) == 0
    )
    assert " files, " in capfd.readouterr().out
    found = {path.name for path in folder.iterdir()}
    assert found
    assert all(name.startswith("INV-") for name in found)
    assert any(request.path.endswith("/v2/units") for request in list(sandbox.requests))


def test_a_file_that_cannot_be_downloaded_is_named_and_the_others_are_there(sandbox, attachments, folder, capfd):
    owner, identity, name = attachments.whole[3]
    on_storage(sandbox, identity).always(status(500))
    assert run(["download", str(folder), "-n", str(RUNS), "--retries", "0"]) == 4
    told, errors = capfd.readouterr()
    assert "; 1 failed" in told
    assert errors == (
        f"aiotofupilot: {name} of {owner}: 500: the storage did not send the file\n"
        "aiotofupilot: 1 file could not be downloaded: run it again\n"
    )
    assert files(folder) == expected(one for one in attachments.whole if one[1] != identity)


def test_an_error_of_the_listing_comes_after_what_was_found_before(sandbox, attachments, folder, capfd):
    owner = attachments.whole[-1][0]
    sandbox.faults.on(lambda request: request.path.endswith(f"/runs/{owner}")).always(status(401))
    assert run(["download", str(folder), "-n", str(RUNS)]) == 3
    errors = capfd.readouterr().err
    assert errors.startswith("aiotofupilot: 401 ")
    assert errors.endswith(" without an address; run it again to go on\n")
    before = expected(one for one in attachments.whole if one[0] != owner)
    assert files(folder).items() <= before.items()
    assert len(files(folder)) > len(before) / 2


def test_what_is_refused_at_once_leaves_nothing(sandbox, folder, capfd):
    sandbox.faults.always(status(401))
    assert run(["download", str(folder)]) == 3
    assert "it again to go on" not in capfd.readouterr().err
    assert not folder.exists()


def test_what_is_left_out_is_told(sandbox, attachments, folder, capfd):
    owner = attachments.whole[5][0]
    sandbox.faults.on(lambda request: request.path.endswith(f"/runs/{owner}")).always(status(500))
    assert run(["download", str(folder), "-n", str(RUNS - 1), "--retries", "0", "--on-unreadable", "skip"]) == 0
    assert capfd.readouterr().out.endswith(f"; 1 run could not be read and is left out, with ID {owner}\n")
    assert files(folder) == expected(one for one in attachments.whole if one[0] != owner)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], 'Command "download" parameter FOLDER requires an argument. See --help.'),
        ([__file__], f'Invalid value "{__file__}" for FOLDER. Only directory is allowed, but "{__file__}" is a file.'),
        (["x", "--cursor", "3"], "Unknown option: --cursor."),
        (["x", "parts"], 'Invalid value "parts" for LISTING. Choose from: "runs", "units". See --help.'),
        (["x", "units", "--slot-keys", "1"], "--slot-keys is not a filter of units"),
        (["x", "--concurrency", "0"], 'Invalid value "0" for --concurrency. Must be >= 1. See --help.'),
        (["x", "--until", "now"], "--until is for --sandbox"),
        (
            ["x", "--created-after", "2026-01-02", "--created-before", "2026-01-01"],
            "wrong --created-after: created_after must not be later than created_before",
        ),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_wrong_usage(arguments, line, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["download", *arguments]) == 2
    told, errors = capfd.readouterr()
    assert errors.startswith(f"aiotofupilot: {line}")
    assert (told, errors.count("\n")) == ("", 1)
    assert not list(tmp_path.iterdir())


def test_the_bars_show_runs_files_and_bytes(sandbox, folder, on_terminal):
    assert sandbox.url
    with on_terminal() as shown:
        assert run(["download", str(folder), "-n", "8"]) == 0
    assert " of 8 runs (" in shown.screen
    assert " kB, " in shown.screen
    told, *rest = shown.lines
    assert re.fullmatch(r"\d+ files, \d+\.\d kB; \d+ without an address", told)
    assert not any(rest)


def test_the_total_is_counted_beside(sandbox, folder, on_terminal):
    """So the bar knows what is left."""
    count = len([item for item in sandbox.runs if item.outcome == "TIMEOUT"])
    with on_terminal() as shown:
        assert run(["download", str(folder), "--outcomes", "TIMEOUT"]) == 0
    assert f" of {count} runs (" in shown.screen


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_gone_on_with(start, sandbox, attachments, folder, capfd, number):
    *_, last = attachments.whole
    came = threading.Event()
    on_storage(sandbox, last[1]).next(stall(3600))
    sandbox.before_response.append(lambda _, request: came.set() if last[1] in request.path else None)
    process = start("download", folder, "-n", RUNS)
    assert came.wait(20)
    process.send_signal(number)
    told, errors = process.communicate(timeout=20)
    assert (process.returncode, told) == ({signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM}[number], b"")
    assert errors.startswith(b"aiotofupilot: interrupted; ")
    assert errors.endswith(b"; run it again to go on\n")
    assert len(files(folder)) < len(attachments.whole)
    assert run(["download", str(folder), "-n", str(RUNS)]) == 0
    assert " there already; " in capfd.readouterr().out
    assert files(folder) == expected(attachments.whole)


def test_a_deadline(start, sandbox, attachments, folder):
    assert attachments.whole
    on_storage(sandbox).always(stall(3600))
    process = start("download", folder, "-n", RUNS, "--deadline", "2")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 4
    assert errors.startswith(b"aiotofupilot: the deadline of 2 s has passed")
    assert not files(folder)


@pytest.mark.usefixtures("unmeasured", "sandbox")  # the limit would also be one of the file with the coverage
def test_a_full_disk_ends_it(start, attachments, folder, capfd):
    """Here it is a limit of the process, which Python sees as the same kind of error.

    The process is not forked. DuckDB 1.4 begins a thread when it is loaded. If a process is forked after that, and it
    begins threads too, it aborts when it ends.
    """
    limits = (3000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
    process = start("download", folder, "-n", RUNS, env=dict(os.environ), preexec_fn=limit)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 4, errors
    assert errors.startswith(b"aiotofupilot: cannot write: File too large")
    assert errors.count(b"\n") == 1
    assert run(["download", str(folder), "-n", str(RUNS)]) == 0
    assert files(folder) == expected(attachments.whole)
