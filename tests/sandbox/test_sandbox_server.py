"""The sandbox as a server."""

import asyncio
import gc
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import aiohttp
import pytest

from aiotofupilot.sandbox import Sandbox, faults
from aiotofupilot.sandbox.faults import stall


class Stall:
    """A sleep that never ends. It tells when it has begun, and after it, when a request has ended."""

    def __init__(self):
        self.begun, self.gone = asyncio.Event(), asyncio.Event()

    async def __call__(self, _seconds):
        self.begun.set()
        await asyncio.Event().wait()

    def ended(self, _factory, _request):
        self.gone.set()


async def send(sandbox, data):
    """Send bytes on a connection of their own, and return what arrives."""
    reader, writer = await asyncio.open_connection(*urlsplit(sandbox.url).netloc.split(":"))
    writer.write(data)
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


async def get(client, sandbox, key=None, **query):
    headers = {"Authorization": f"Bearer {key or sandbox.api_key}"}
    async with client.get(f"{sandbox.url}/v2/procedures", params=query, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(("host", "spelled"), [("::1", "[::1]"), ("localhost", "localhost")])
async def test_the_url_leads_to_the_address_to_listen_on(client, host, spelled):
    try:
        async with Sandbox(3, host=host) as sandbox:
            assert sandbox.url.startswith(f"http://{spelled}:")
            assert (await get(client, sandbox))[0] == 200
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")


async def test_every_request_is_logged_with_its_parameters_key_and_status(client):
    """The address and key of the sandbox list its procedures."""
    async with Sandbox() as sandbox:
        status, page = await get(client, sandbox, limit="20")
        assert status == 200
        assert [item["id"] for item in page["data"]] == [procedure.id for procedure in sandbox.procedures[:20]]
        sandbox.requests.clear()
        await get(client, sandbox, limit="2", search_query="ä +&")
        await get(client, sandbox, "wrong")
    first, second = sandbox.requests
    assert first.query == {"limit": "2", "search_query": "ä +&"}
    assert (first.method, first.path, first.status) == ("GET", "/api/v2/procedures", 200)
    assert (second.authorization, second.status) == ("Bearer wrong", 401)
    assert first.time.utcoffset() is not None
    assert first.time <= second.time


async def test_head_of_a_page_that_fails(client):
    """The answer to HEAD has no body, whatever goes wrong, and the connection stays usable."""
    async with Sandbox(1) as sandbox:
        sandbox.faults.next(faults.status(503))
        async with client.head(f"{sandbox.url}/v2/procedures") as response:
            assert (response.status, await response.read()) == (503, b"")
        assert (await get(client, sandbox))[0] == 200
        assert sandbox.connections == 1


HOST = b"Host: x\r\n"
NO_BODY = b"Content-Encoding: gzip\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"


@pytest.mark.parametrize(
    ("sent", "begins", "paths"),
    [
        (b"\x16\x03\x01\r\n\r\n", b"HTTP/1.0 400 ", []),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A\x00: b\r\n\r\n", b"HTTP/1.0 400 ", []),
        (b"GET\r\n\r\n", b"HTTP/1.0 400 ", []),
        (b"GET / HTTP/1.1\r\n" + HOST + NO_BODY, b"HTTP/1.1 404 ", ["/"]),
        (b"GET http://x/api/v2/runs?limit=1 HTTP/1.0\r\n" + HOST + b"\r\n", b"HTTP/1.0 401 ", ["/api/v2/runs"]),
    ],
)
async def test_odd_requests(caplog, sent, begins, paths):
    """What is not HTTP is refused and not logged. A body that cannot be read costs no traceback.

    A request that names a whole URL, as one to a proxy does, is one for its path.
    """
    async with Sandbox(1) as sandbox:
        assert (await send(sandbox, sent)).startswith(begins)
        assert [request.path for request in sandbox.requests] == paths
    assert [record.getMessage() for record in caplog.records if record.name.startswith("ai")] == []


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


async def test_a_sandbox_starts_once_and_only_on_a_free_port(client):
    """Before, it has no URL. Its repr says where it is and how much it has, and no key."""
    second = Sandbox(3, api_key="secret", station_key="secret")
    with pytest.raises(RuntimeError, match="before it is started"):
        _ = second.url
    assert repr(second) == "<Sandbox not started, 3 procedures, 0 requests>"
    async with Sandbox() as first:
        with pytest.raises(RuntimeError, match="already running"):
            await first.start()
        second = Sandbox(3, api_key="secret", station_key="secret", port=int(urlsplit(first.url).port))
        with pytest.raises(OSError, match="address already in use"):
            await second.start()
    async with second:
        assert repr(second) == f"<Sandbox {second.url}, 3 procedures, 0 requests>"
        assert (await get(client, second))[0] == 200


async def test_open_connections_are_counted(client):
    """A stopped sandbox has none: a kept-alive connection of a client does not hold it up."""
    sandbox = Sandbox(1)
    assert sandbox.connections == 0
    async with sandbox, asyncio.timeout(1):
        await get(client, sandbox)
        assert sandbox.connections == 1
    assert sandbox.connections == 0


async def test_stopping_closes_a_connection_that_was_accepted_just_before():
    """The loop needs some passes to hand an accepted connection over to the server. A stop may come in each of them."""
    for passes in range(6):
        async with Sandbox(3) as sandbox:
            with socket.create_connection(urlsplit(sandbox.url).netloc.split(":")) as connection:
                connection.settimeout(0)
                for _ in range(passes):
                    await asyncio.sleep(0)
                await sandbox.stop()
                with suppress(ConnectionResetError):
                    assert connection.recv(1) == b"", passes


async def test_stops_in_the_middle_of_an_answer(client):
    """A stalled answer does not hold the server up; its client sees the connection end."""
    async with Sandbox(1, sleep=(sleep := Stall())) as sandbox, asyncio.timeout(1):
        sandbox.faults.next(stall(60))
        asked = asyncio.create_task(get(client, sandbox))
        await sleep.begun.wait()
        await sandbox.stop()
        with pytest.raises(aiohttp.ClientError):
            await asked
    assert sandbox.requests.in_flight == 0


async def test_client_that_goes_ends_its_stall(client):
    """A client that goes before it has its answer has got no status, and is in flight until then."""
    async with Sandbox(1, sleep=(sleep := Stall())) as sandbox, asyncio.timeout(1):
        sandbox.after_response.append(sleep.ended)
        for fault in (stall(60), stall(60, inside_body=True), faults.latency(60)):
            sandbox.faults.next(fault)
            asked = asyncio.create_task(get(client, sandbox))
            await sleep.begun.wait()
            assert sandbox.requests.in_flight == 1
            asked.cancel()
            await sleep.gone.wait()
            sleep.begun.clear()
            sleep.gone.clear()
        assert (await get(client, sandbox))[0] == 200
    assert sandbox.requests.statuses == {None: 3, 200: 1}
    assert [request.attempt for request in sandbox.requests] == [1, 2, 3, 4]
    assert str(sandbox.requests[2]) == "GET /api/v2/procedures: no response, attempt 3, latency(60)"


@pytest.mark.parametrize("end", [faults.reset(), faults.hang_up()], ids=repr)
async def test_a_connection_that_the_client_has_ended_needs_no_end(client, end):
    begun, gone = asyncio.Event(), asyncio.Event()

    async def sleep(_seconds):
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    async with Sandbox(1, sleep=sleep) as sandbox, asyncio.timeout(1):
        sandbox.faults.next(faults.latency(60) + end)
        sandbox.after_response.append(lambda _factory, _request: gone.set())
        asked = asyncio.create_task(get(client, sandbox))
        await begun.wait()
        asked.cancel()
        await gone.wait()
    assert sandbox.requests.statuses == {None: 1}


async def test_the_error_of_a_hook_is_a_500_and_is_raised_when_the_sandbox_stops(client, caplog):
    """It is raised once, in whatever way the sandbox is stopped."""
    sandbox = Sandbox(1)
    sandbox.before_response.append(lambda _factory, _request: 1 / 0)
    with pytest.raises(ExceptionGroup, match="the sandbox failed to respond: a hook") as caught:
        async with sandbox, client.get(sandbox.url) as response:
            assert response.status == 500
    assert caught.group_contains(ZeroDivisionError)
    sandbox.before_response.clear()
    async with sandbox:
        assert (await get(client, sandbox))[0] == 200


async def test_two_hundred_ids_can_be_asked_for(client):
    """A head of up to 16 KiB is read, as by Node. A longer one is refused with a 431, and logged."""
    async with Sandbox(3, runs=200) as sandbox:
        wanted = [run.id for run in sandbox.runs]
        assert len({*wanted}) == 200
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        for ids, status in ((wanted, 200), (wanted * 2, 431), (wanted, 200)):
            params = [("ids", identity) for identity in ids] + [("limit", "100")]
            async with client.get(f"{sandbox.url}/v2/runs", params=params, headers=headers) as response:
                assert response.status == status
                assert bool(await response.read()) is (status == 200)
        assert [request.status for request in sandbox.requests] == [200, 431, 200]
        assert 8190 < sandbox.requests[0].head_size < 16 * 1024 < sandbox.requests[1].head_size


def test_a_program_with_a_sandbox_ends_without_a_warning(caplog, recwarn):
    """Nothing is left of it, as asyncio's debug mode sees it."""

    async def main():
        asyncio.get_running_loop().slow_callback_duration = 60  # a slow machine is no fault of the sandbox
        async with Sandbox(5) as sandbox, aiohttp.ClientSession() as client:
            assert (await get(client, sandbox))[0] == 200
        gc.collect()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    gc.collect()  # what other tests have left tells of them
    recwarn.clear()
    asyncio.run(main(), debug=True)
    gc.collect()
    assert ([*recwarn], [record for record in caplog.records if record.levelname != "DEBUG"]) == ([], [])
