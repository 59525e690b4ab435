"""A sandbox as a process of its own."""

import asyncio
import re
import signal
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from aiotofupilot import TofuPilotSession
from aiotofupilot.cli import sandbox as command
from aiotofupilot.cli.messages import UsageError
from aiotofupilot.sandbox import faults, make_procedures


@pytest.fixture
def sandbox_of(monkeypatch):
    """Return the sandbox that the command would serve, with some options."""
    served = []

    async def serve(sandbox):
        served.append(sandbox)

    def sandbox_of(*, procedures=3, runs=20, **options):
        with monkeypatch.context() as patch, suppress(StopIteration):
            patch.setattr(command, "serve", serve)
            command.sandbox(procedures=procedures, runs=runs, **options).send(None)  # it waits for nothing else
        return served.pop()

    return sandbox_of


def ask(exports, query=""):
    """Follow the two lines that the command prints for a shell."""
    url, key = re.fullmatch(r"export TOFUPILOT_URL=(\S+)\nexport TOFUPILOT_API_KEY=(\S+)\n", exports).groups()
    headers = {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{url}/v2/procedures{query}", headers=headers)  # noqa: S310 - the sandbox's
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - likewise
        return response.status


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, "<Faults: none>"),
        ({"latency": 0.25, "faults": 0.1}, f"<Faults: always latency(0.25); 10% of {faults.TRANSIENT[0]!r}, "),
    ],
    ids=str,
)
def test_latency_is_for_all_and_faults_are_for_a_share(sandbox_of, options, shown):
    sandbox = sandbox_of(procedures=7, runs=11, seed=5, **options)
    assert repr(sandbox.faults).startswith(shown)
    assert len(sandbox.runs) == 11
    assert [item.id for item in sandbox.procedures] == [item.id for item in make_procedures(7, seed=5)]


def test_the_factory_ends_when_it_should(sandbox_of):
    sandbox = sandbox_of(until=datetime(2030, 1, 1, tzinfo=UTC))
    assert timedelta(0) <= datetime(2030, 1, 1, tzinfo=UTC) - sandbox.runs[0].created_at < timedelta(minutes=5)


async def test_a_line_that_keeps_working(sandbox_of):
    """Runs and procedures arrive with each request, and others go, which a mirror finds."""
    sandbox = sandbox_of(procedures=30, runs=30, arrivals=2.0, removals=1.0)
    before = {run.id for run in sandbox.runs}
    async with sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        await session.runs.list(limit=10)
        await session.runs.list(limit=10)
    assert len(sandbox.runs) == 32
    assert before - {run.id for run in sandbox.runs}
    assert len(sandbox.procedures) == 32


async def test_listening_on_every_address(sandbox_of):
    """The address that is told is one that this machine can ask, without a key that travels openly."""
    sandbox = sandbox_of(host="0.0.0.0")  # noqa: S104 - it is what is tested
    async with sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        assert len(await session.procedures.list().collect()) == 3


async def test_an_address_that_is_not_this_machines(sandbox_of):
    with pytest.raises(UsageError, match="choose another --host or --port"):
        await command.serve(sandbox_of(host="192.0.2.1"))


async def test_serves_and_tells(sandbox_of, monkeypatch):
    """Where it is comes first, then a line a request, of which nothing is kept; cancelled, it is gone."""
    said = asyncio.Queue()
    monkeypatch.setattr(command, "put", lambda _, text: said.put_nowait(text))
    sandbox = sandbox_of()
    running = asyncio.create_task(command.serve(sandbox))
    exports = await said.get()
    assert exports == f"export TOFUPILOT_URL={sandbox.url}\nexport TOFUPILOT_API_KEY={sandbox.api_key}\n"
    assert await said.get() == f"3 procedures, 20 runs and more at {sandbox.url}, until Ctrl-C\n"
    async with aiohttp.ClientSession() as client:
        for path in ("/v2/procedures?limit=2", "/v2/nope"):
            await client.get(sandbox.url + path, headers={"Authorization": f"Bearer {sandbox.api_key}"})
    assert re.fullmatch(r"\d\d:\d\d:\d\d GET /api/v2/procedures\?limit=2: 200, 2 items\n", await said.get())
    assert re.fullmatch(r"\d\d:\d\d:\d\d GET /api/v2/nope: 404\n", await said.get())
    assert len(sandbox.requests) == 0
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sandbox.connections == 0


def test_the_command(start):
    """What it prints leads to it, each request is a line, and Ctrl-C ends it without another word."""
    process = start("sandbox", "--procedures", "1500", "--seed", "3")
    exports = process.stdout.readline() + process.stdout.readline()
    assert process.stderr.readline().startswith(b"1,500 procedures, 1,000 runs and more at http://127.0.0.1:")
    assert ask(exports.decode(), "?limit=5") == 200
    assert process.stderr.readline().endswith(b" GET /api/v2/procedures?limit=5: 200, 5 items\n")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 130


def test_a_reader_that_leaves(start):
    """A closed pipe ends it, at the next line that nobody reads, without a traceback."""
    process = start("sandbox")
    exports = process.stdout.readline() + process.stdout.readline()
    process.stderr.readline()
    process.stderr.close()
    assert ask(exports.decode()) == 200
    assert process.wait(20) == 0
