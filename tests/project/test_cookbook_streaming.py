"""The stream of JSON lines in the cookbook is whole, can be resumed, says how it ended, and stops with its client.

- The cookbook's stream to a browser is whole, resumes, and ends with its client.
"""

import asyncio
import json

import httpx
import pytest
from fakes.guides import blocks

from aiotofupilot import to_wire
from aiotofupilot.sandbox import BusyLine, Sandbox
from aiotofupilot.sandbox.faults import status
from aiotofupilot.testing import serve

(BLOCK,) = blocks("python streaming")


@pytest.fixture(scope="module")
def sandbox():
    with serve(Sandbox(procedures=4, runs=950)) as sandbox:
        yield sandbox


@pytest.fixture
async def app(sandbox, monkeypatch):
    """The running service, with a sandbox that it finds by its environment."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
    sandbox.requests.clear()
    names = {"__name__": "service"}
    exec(compile(BLOCK.numbered, BLOCK.guide, "exec", dont_inherit=True), names)  # noqa: S102 - the guide's own text
    async with names["app"].router.lifespan_context(names["app"]):
        yield names["app"]


@pytest.fixture
async def listed(app):
    """What the API lists."""
    return [to_wire(run) for run in await app.state.tofupilot.runs.list().collect()]


async def lines(app, **query):
    """Return the lines of one response."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        answer = await client.get("/runs", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def runs(received):
    return [line["run"] for line in received if "run" in line]


async def test_each_checkpoint_leads_to_the_rest(app, listed):
    received = await lines(app)
    assert runs(received) == listed
    assert received[-1] == {"end": True}
    places = [place for place, line in enumerate(received) if "checkpoint" in line]
    assert len(places) == 10
    for place in (places[0], places[4], places[-1]):
        rest = await lines(app, checkpoint=received[place]["checkpoint"])
        assert runs(received[:place]) + runs(rest) == listed


async def test_the_last_line_says_that_something_failed(app, sandbox, listed):
    """What came before it is whole, and its last checkpoint leads to the rest, while others are made meanwhile."""
    sandbox.faults.on(lambda request: int(request.query.get("cursor", 0)) > 300).always(status(403))
    try:
        received = await lines(app)
    finally:
        sandbox.faults.clear()
    assert received[-1] == {"error": "ForbiddenError"}
    assert 100 <= len(runs(received)) < len(listed)
    (*_, last) = [line["checkpoint"] for line in received if "checkpoint" in line]
    BusyLine(runs=5)(sandbox)
    assert runs(received) + runs(await lines(app, checkpoint=last)) == listed


@pytest.mark.parametrize("checkpoint", ["", "nonsense"])
async def test_a_checkpoint_that_is_none_is_refused(app, sandbox, checkpoint):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
        answer = await client.get("/runs", params={"checkpoint": checkpoint})
    assert answer.status_code == 422
    assert "checkpoint" in answer.json()["detail"]
    assert not sandbox.requests


async def test_no_page_is_requested_after_the_client_has_left(app, sandbox):
    """A server tells the service so. It stops, though nine tenths of the runs are still to come."""
    left, bodies = asyncio.Event(), []

    async def receive():
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message.get("body"):
            bodies.append(message["body"])
            left.set()
            await asyncio.Event().wait()  # as where the socket takes no more

    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET"}
    scope |= {"scheme": "http", "path": "/runs", "raw_path": b"/runs", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    assert len(bodies) == 1
    requested = len(sandbox.requests)
    await app.state.tofupilot.whoami()  # a request that comes after all that were under way
    assert requested < 8
    assert [request.path.rpartition("/")[2] for request in sandbox.requests[requested:]] == ["whoami"]
