"""The service in the cookbook notes each new run once although it is restarted, responds during an outage, shows its
health, and ends if its follower cannot go on.

- The cookbook's service responds with 503 within 4 seconds of an outage, and exits with 1 if the key is wrong.
"""

import asyncio
import re
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
from fakes.guides import blocks
from fastapi.routing import APIRoute

from aiotofupilot import UnauthorizedError
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import hang_up, reset, status
from aiotofupilot.testing import FakeClock, serve, session_in_process

(BLOCK,) = blocks("python service")


@pytest.fixture
def sandbox():
    return Sandbox(procedures=20, runs=50)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where the service stores what it has seen."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def clock():
    """It stands still until the test lets it pass."""
    return FakeClock(autojump=False)


@asynccontextmanager
async def running(sandbox, clock):
    """Run the service without sockets, and give its names and a client of it."""
    names = {"__name__": "service"}
    exec(compile(BLOCK.numbered, BLOCK.guide, "exec", dont_inherit=True), names)  # noqa: S102 - the guide's own text
    names["TofuPilotSession"] = partial(session_in_process, sandbox, clock)
    app = names["app"]
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client,
    ):
        await clock.advance(1)  # the follower has begun
        yield names, client


@pytest.fixture
async def service(sandbox, clock):
    async with running(sandbox, clock) as (names, client):
        yield names, client


async def within(seconds, clock, request):
    """Return the response to a request, which has come after so much time."""
    requesting = asyncio.create_task(request)
    await clock.advance(seconds)
    assert requesting.done()
    return requesting.result()


async def health(client):
    response = await client.get("/health")
    assert response.status_code == 200
    return response.json()


def produce(sandbox):
    """Let 60 runs be created, and return the serial numbers of those that fail, in their order."""
    before = {run.id for run in sandbox.runs}
    sandbox.produce(runs=60)
    new = [run for run in reversed(sandbox.runs) if run.id not in before]
    failed = [run.unit.serial_number for run in new if run.outcome == "FAIL"]
    assert failed
    return failed


async def test_each_page_responds(service, sandbox, clock):
    """What fails while the service runs is shown in the order in which it failed."""
    names, client = service
    failed = produce(sandbox)
    await clock.advance(6)
    pages = [route.path for route in names["app"].routes if isinstance(route, APIRoute)]
    responses = {page: await client.get(page) for page in pages}
    assert {response.status_code for response in responses.values()} == {200}
    assert responses["/failed"].json() == failed
    assert len(responses["/procedures"].json()) == 20


async def test_a_restart_yields_what_failed_in_the_meantime(sandbox, clock):
    """Also if nothing had failed before it. What existed at the first start is not listed."""
    async with running(sandbox, clock):
        pass
    noted = produce(sandbox)
    for _ in range(3):
        async with running(sandbox, clock) as (_, client):
            noted += produce(sandbox)
            await clock.advance(6)
            assert (await client.get("/failed")).json() == noted
        noted += produce(sandbox)


async def test_a_file_that_cannot_be_written_ends_it_and_loses_nothing(service, sandbox, clock, folder):
    names, _ = service
    (folder / "failed.new").mkdir()
    failed = produce(sandbox)
    await clock.advance(6)
    assert names["server"].should_exit
    assert isinstance(names["app"].state.following.exception(), IsADirectoryError)
    (folder / "failed.new").rmdir()
    async with running(sandbox, clock) as (_, client):
        await clock.advance(6)
        assert (await client.get("/failed")).json() == failed


@pytest.mark.parametrize(("fault", "expected"), [(status(503, retry_after=3600), 503), (status(400), 502)])
async def test_it_says_that_tofupilot_does_not_answer(sandbox, clock, fault, expected):
    """An outage is a 503, another failure of TofuPilot a 502."""
    sandbox.faults.always(fault)
    async with running(sandbox, clock) as (_, client):
        response = await within(4, clock, client.get("/procedures"))
    assert response.status_code == expected
    assert response.json() == {"detail": "TofuPilot did not answer"}


async def test_it_refuses_a_search_that_the_api_refuses(service):
    """It is not an error of the service."""
    _, client = service
    for text, expected in (("😀" * 50, 200), ("x" * 101, 422)):
        response = await client.get("/procedures", params={"search_query": text})
        assert response.status_code == expected


@pytest.mark.parametrize("fault", [status(503), status(502), reset(), hang_up()], ids=str)
async def test_it_responds_within_four_seconds_of_an_outage(service, sandbox, clock, fault):
    """Though the follower waits for its end. After the end, it goes on within a minute."""
    _, client = service
    sandbox.faults.always(fault)
    for _ in range(3):
        assert (await within(4, clock, client.get("/procedures"))).status_code == 503
    sandbox.faults.clear()
    await clock.advance(60)
    assert (await client.get("/procedures")).status_code == 200


async def test_an_outage_shows_in_its_health_and_does_not_end_it(service, sandbox, clock):
    names, client = service
    before = await health(client)
    assert before["last_response"] is not None
    assert (before["last_error"], before["down_since"]) == (None, None)
    sandbox.faults.always(status(503))
    await clock.advance(600)
    during = await health(client)
    assert "503 SERVICE_UNAVAILABLE" in during["last_error"]
    assert during["down_since"] is not None
    sandbox.faults.clear()
    await clock.advance(60)
    after = await health(client)
    assert after["down_since"] is None
    assert after["last_response"] > during["last_response"]
    assert not names["app"].state.following.done()
    assert not names["server"].should_exit


async def test_a_key_that_is_withdrawn_stops_the_server(service, sandbox, clock):
    names, client = service
    sandbox.faults.always(status(401))
    await clock.advance(6)
    assert names["server"].should_exit
    assert isinstance(names["app"].state.following.exception(), UnauthorizedError)
    assert "401 UNAUTHORIZED" in (await health(client))["last_error"]


@pytest.fixture
def program(sandbox, monkeypatch, tmp_path):
    """The command that runs the service as the guide says, on any free port, with a sandbox that it finds."""
    file = tmp_path / "service.py"
    assert "port=8000" in BLOCK.text
    file.write_text(BLOCK.numbered.replace("port=8000", "port=0"), encoding="utf-8")
    with serve(sandbox):
        monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
        yield [sys.executable, "-X", "dev", file]


def test_a_wrong_key_ends_the_process(program, monkeypatch):
    """uvicorn ends in an orderly way, and the last line says why."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", "wrong")
    ran = subprocess.run(program, check=False, capture_output=True, text=True)  # noqa: S603 - the guide's own text
    assert ran.returncode == 1
    assert "Application shutdown complete" in ran.stderr
    assert ran.stderr.count("Traceback") == 1
    assert ran.stderr.splitlines()[-1].startswith("aiotofupilot.errors.UnauthorizedError: 401 UNAUTHORIZED")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("is_ignored", [False, True], ids=["", "ignored"])
def test_a_signal_ends_the_process_without_an_error(program, folder, number, is_ignored):
    """Also where the signal by itself would not end a process: in the background of a script, or in a container."""
    ignore = partial(signal.signal, number, signal.SIG_IGN) if is_ignored else None
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, preexec_fn=ignore) as process:  # noqa: PLW1509, S603 - the guide's own text
        lines = []
        for line in process.stderr:
            lines.append(line)
            if address := re.search(r"running on (http://[\d.:]+)", line):
                while not (folder / "failed.json").exists():  # it has begun to follow
                    assert httpx.get(f"{address[1]}/health", timeout=60).status_code == 200
                process.send_signal(number)
    told = "".join(lines)
    assert process.returncode == (0 if is_ignored or number == signal.SIGINT else -signal.SIGTERM), told
    assert "Application shutdown complete" in told
    assert "Traceback" not in told
    assert "Warning" not in told
