"""The sandbox as a server."""

import asyncio
import subprocess
import sys

import aiohttp
import pytest

from aiotofupilot.sandbox import Sandbox, make_procedures


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as client:
        yield client


async def get(client, sandbox, key=None, **query):
    headers = {"Authorization": f"Bearer {key or sandbox.api_key}"}
    async with client.get(f"{sandbox.url}/v2/procedures", params=query, headers=headers) as response:
        return response.status, await response.json()


async def test_lists(client):
    """The address and key that the sandbox gives read its procedures."""
    async with Sandbox(procedures=30) as sandbox:
        status, page = await get(client, sandbox, limit="20")
        assert status == 200
        assert [item["id"] for item in page["data"]] == [procedure.id for procedure in sandbox.procedures[:20]]


async def test_station_key(client):
    """The station's key is forbidden to read."""
    async with Sandbox(procedures=1) as sandbox:
        assert (await get(client, sandbox, sandbox.station_key))[0] == 403


async def test_procedures_made_up_or_given():
    """A count makes up as many from the seed; given ones are listed as given, in a list of the sandbox's own."""
    assert Sandbox().procedures == make_procedures(250)
    assert Sandbox(3, seed=5).procedures == make_procedures(3, seed=5)
    given = tuple(make_procedures(4, seed=9))
    assert Sandbox(given).procedures == list(given)
    assert Sandbox(iter(given)).procedures == list(given)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v2/procedures"), ("GET", "/api/v2/runs"), ("POST", "/api/v2/procedures"), ("GET", "/")],
)
async def test_other_routes(client, method, path):
    """Any other path or method is not found, key or not."""
    async with Sandbox() as sandbox, client.request(method, sandbox.url.removesuffix("/api") + path) as response:
        assert response.status == 404
        assert await response.json() == {"message": "Not found", "code": "NOT_FOUND"}


async def test_requests_are_logged(client):
    """Every request is in the log with its parameters, key and status, in order."""
    async with Sandbox() as sandbox:
        await get(client, sandbox, limit="2", search_query="ä +&")
        await get(client, sandbox, "wrong")
    first, second = sandbox.requests
    assert first.query == {"limit": "2", "search_query": "ä +&"}
    assert (first.method, first.path, first.status) == ("GET", "/api/v2/procedures", 200)
    assert (second.authorization, second.status) == ("Bearer wrong", 401)
    assert first.time.utcoffset() is not None
    assert first.time <= second.time


async def test_first_of_a_repeated_parameter(client):
    """Of a repeated parameter the first counts."""
    async with Sandbox(5) as sandbox:
        url = f"{sandbox.url}/v2/procedures?limit=2&limit=3"
        async with client.get(url, headers={"Authorization": f"Bearer {sandbox.api_key}"}) as response:
            assert len((await response.json())["data"]) == 2


async def test_restart_on_the_same_port(client):
    """A stopped sandbox refuses connections and comes back where it was, with its procedures and its log."""
    sandbox = Sandbox(5)
    async with sandbox:
        url = sandbox.url
        await get(client, sandbox)
        del sandbox.procedures[0]
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(client, sandbox)
    await sandbox.stop()
    async with sandbox:
        assert sandbox.url == url
        assert len((await get(client, sandbox))[1]["data"]) == 4
    assert len(sandbox.requests) == 2


async def test_started_twice():
    """One sandbox is one server."""
    async with Sandbox() as sandbox:
        with pytest.raises(RuntimeError, match="running already"):
            await sandbox.start()


async def test_port_taken(client):
    """A taken port is an OSError, and the sandbox can be started once it is free."""
    async with Sandbox() as first:
        second = Sandbox(port=int(first.url.split(":")[2].split("/")[0]))
        with pytest.raises(OSError, match="address already in use"):
            await second.start()
    async with second:
        assert (await get(client, second))[0] == 200


def test_url_before_start():
    """There is no URL before there is a port."""
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = Sandbox().url


async def test_repr_tells_no_key():
    """The repr says where and how much, and no key."""
    sandbox = Sandbox(3, api_key="secret", station_key="secret")
    assert repr(sandbox) == "<Sandbox not started, 3 procedures, 0 requests>"
    async with sandbox:
        assert repr(sandbox) == f"<Sandbox {sandbox.url}, 3 procedures, 0 requests>"


async def test_stops_under_an_idle_connection(client):
    """A kept-alive connection of a client does not hold the server up."""
    async with Sandbox(1) as sandbox:
        await get(client, sandbox)
        async with asyncio.timeout(1):
            await sandbox.stop()


def test_nothing_left_behind():
    """A program that uses a sandbox ends without a warning in Python's development mode."""
    program = """
import asyncio, gc, aiohttp
from aiotofupilot.sandbox import Sandbox

async def main():
    async with Sandbox(5) as sandbox, aiohttp.ClientSession() as client:
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        async with client.get(f"{sandbox.url}/v2/procedures", headers=headers) as response:
            print(response.status)
    gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}

asyncio.run(main())
gc.collect()
"""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-X", "dev", "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("200\n", "", 0)
