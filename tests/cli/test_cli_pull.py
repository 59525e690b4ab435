"""From a session to a destination."""

import json

import pytest

from aiotofupilot import ForbiddenError, TofuPilotSession
from aiotofupilot.cli.failures import UsageError
from aiotofupilot.cli.formats import CSV, JSONLines
from aiotofupilot.cli.pull import Query, connected, pull
from aiotofupilot.sandbox import Sandbox


def query(**options):
    nothing = dict.fromkeys(("search_query", "created_after", "created_before", "cursor", "max_items"))
    return Query(**nothing | {"limit": 100} | options)


@pytest.mark.parametrize(
    ("options", "cut"),
    [
        ({}, slice(None)),
        ({"max_items": 0}, slice(0)),
        ({"max_items": 150}, slice(150)),
        ({"max_items": 1000}, slice(None)),
        ({"cursor": 240}, slice(240, None)),
        ({"limit": 7, "max_items": 20, "cursor": 3}, slice(3, 23)),
    ],
)
async def test_what_is_asked_for_is_written_and_counted(tmp_path, options, cut):
    """Neither less nor more, in the server's order."""
    output = tmp_path / "list.jsonl"
    async with Sandbox() as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        count = await pull(query(**options), session, JSONLines(), output)
    ids = [json.loads(line)["id"] for line in output.read_text().splitlines()]
    assert ids == [procedure.id for procedure in sandbox.procedures[cut]]
    assert count == len(ids)


async def test_rows_are_written_as_pages_arrive(capfdbinary):
    """What a page brought is on standard output before the next is asked for."""
    written = []
    async with Sandbox() as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        sandbox.before_response.append(lambda *_: written.append(capfdbinary.readouterr().out.count(b"\n")))
        await pull(query(), session, CSV(), None)
    assert written == [0, 101, 100]


async def test_a_refused_listing_writes_nothing(capfdbinary):
    """Not even a header precedes an error."""
    async with Sandbox() as sandbox, TofuPilotSession(sandbox.station_key, base_url=sandbox.url) as session:
        with pytest.raises(ForbiddenError):
            await pull(query(), session, CSV(), None)
    assert capfdbinary.readouterr().out == b""


async def test_a_bad_query_is_wrong_usage():
    """It is named as the option that it came from, and nothing is sent."""
    async with Sandbox() as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        with pytest.raises(UsageError, match=r"^--search must have at most 100 characters, got 101$"):
            await pull(query(search_query="x" * 101), session, CSV(), None)
    assert not sandbox.requests


async def test_the_sandbox_needs_nothing_of_the_environment(monkeypatch):
    """Its own address and key are used, whatever is set."""
    monkeypatch.setenv("TOFUPILOT_API_KEY", "wrong")
    monkeypatch.setenv("TOFUPILOT_URL", "https://unreachable.invalid")
    async with connected(api_key=None, base_url=None, sandbox=True) as session:
        assert len(await session.procedures.list().collect()) == 250


async def test_the_environment_leads_to_a_server(monkeypatch):
    """Without options it is TOFUPILOT_URL and TOFUPILOT_API_KEY that count; with them, they do not."""
    async with Sandbox(3) as sandbox, Sandbox(5, api_key="other") as other:
        monkeypatch.setenv("TOFUPILOT_API_KEY", sandbox.api_key)
        monkeypatch.setenv("TOFUPILOT_URL", sandbox.url)
        async with connected(api_key=None, base_url=None, sandbox=False) as session:
            assert len(await session.procedures.list().collect()) == 3
        async with connected(api_key="other", base_url=other.url, sandbox=False) as session:
            assert len(await session.procedures.list().collect()) == 5
