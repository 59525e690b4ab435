"""The attachments of runs, as files in a folder.

- `aiotofupilot download` goes on after Ctrl-C, SIGTERM and a full disk, and requests no file again that is there.
"""

import asyncio
import re
import signal
import threading
from itertools import count
from shutil import rmtree

import pytest
from fakes.disks import Disk

from aiotofupilot import TofuPilotSession
from aiotofupilot.cli import run
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import stall
from aiotofupilot.sandbox.storage import contents


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "attachments"


RUNS = 12


@pytest.fixture(scope="module")
def attachments():
    """Return the attachments of the first runs that have an address."""

    async def listed():
        async with Sandbox(250) as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
            runs = session.runs.list(max_items=RUNS).details()
            return [(run.id, attachment.id, attachment.name) async for run in runs for attachment in run.attachments]

    # An upload that has not ended is called that in the sandbox.
    return [one for one in asyncio.run(listed()) if not one[2].endswith(".part")]


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def expected(attachments):
    return {f"{run}/{identity}-{name}": contents(identity) for run, identity, name in attachments}


def on_storage(sandbox, identity=""):
    return sandbox.faults.on(lambda request: request.path.startswith(f"/storage/{identity}"))


def test_the_bars_show_runs_and_files(sandbox, folder, on_terminal):
    assert sandbox.url
    with on_terminal() as shown:
        assert run(["download", str(folder), "-n", "8"]) == 0
    assert " of 8 runs " in shown.screen
    assert " files " in shown.screen
    told, *rest = shown.lines
    assert re.fullmatch(r"\d+ new; \d+ without an address", told)
    assert not any(rest)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_gone_on_with(start, sandbox, attachments, folder, capfd, number):
    *_, last = attachments
    came = threading.Event()
    on_storage(sandbox, last[1]).next(stall(3600))
    sandbox.before_response.append(lambda _, request: came.set() if last[1] in request.path else None)
    process = start("download", folder, "-n", RUNS)
    assert came.wait(20)
    process.send_signal(number)
    told, errors = process.communicate(timeout=20)
    assert (process.returncode, told) == ({signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM}[number], b"")
    assert errors.startswith(b"aiotofupilot: interrupted; ")
    assert errors.endswith(b"; run it again to continue\n")
    assert len(files(folder)) < len(attachments)
    assert run(["download", str(folder), "-n", str(RUNS)]) == 0
    assert " there already; " in capfd.readouterr().out
    assert files(folder) == expected(attachments)


@pytest.mark.usefixtures("sandbox")
def test_a_full_disk_ends_it(attachments, folder, capfd):
    for at in count(20):  # until a call fails without which nothing can go on
        folder.mkdir()
        with Disk(folder, at, is_killed=False) as disk:
            code = run(["download", str(folder), "-n", str(RUNS)])
        assert disk.error
        if code:
            break
        capfd.readouterr()
        rmtree(folder)
    assert code == 4
    errors = capfd.readouterr().err
    assert errors.startswith(f"aiotofupilot: cannot write {folder}/")
    assert errors.count("\n") == 1
    assert run(["download", str(folder), "-n", str(RUNS)]) == 0
    assert files(folder) == expected(attachments)
