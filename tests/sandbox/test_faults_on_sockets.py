"""Faults as they arrive at a socket, byte for byte, and as aiohttp's client understands them."""

import asyncio
import gzip
import json

import aiohttp
import pytest
from yarl import URL

from aiotofupilot.sandbox import Request, Sandbox, faults
from aiotofupilot.sandbox.faults import (
    chunked,
    cut,
    empty,
    gzip_bomb,
    hang_up,
    header_flood,
    html,
    latency,
    oversized,
    redirect,
    reset,
    stall,
    status,
)

MIB = 1024 * 1024


class Slept:
    """A sleep that takes no time and remembers."""

    def __init__(self):
        self.seconds = []

    async def __call__(self, seconds):
        self.seconds.append(seconds)


@pytest.fixture
def slept():
    return Slept()


@pytest.fixture
async def sandbox(slept):
    async with Sandbox(30, sleep=slept) as sandbox:
        yield sandbox


class Recorder(asyncio.Protocol):
    """Keeps what arrives, in pieces, and how it ended."""

    def __init__(self):
        self.pieces = []
        self.ended = asyncio.get_running_loop().create_future()

    def data_received(self, data):
        self.pieces.append(data)

    def connection_lost(self, exc):
        self.ended.set_result(exc)


async def receive(sandbox, version="1.1"):
    """Ask for one page on a new connection, and return what arrived and the error that ended it."""
    url = URL(sandbox.url)
    transport, recorder = await asyncio.get_running_loop().create_connection(Recorder, url.host, url.port)
    request = f"GET /api/v2/procedures HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {sandbox.api_key}\r\n"
    transport.write(f"{request}Connection: close\r\n\r\n".encode())
    ended = await recorder.ended
    head, _, body = b"".join(recorder.pieces).partition(b"\r\n\r\n")
    return head.decode(), body, ended


def length(head):
    return int(next(line for line in head.splitlines() if line.startswith("Content-Length")).split()[1])


async def get(client, sandbox, **options):
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    async with client.get(f"{sandbox.url}/v2/procedures", headers=headers, **options) as response:
        return response, await response.read()


EVERY_KIND = (
    *faults.TRANSIENT,
    latency(1),
    stall(5),
    stall(5, inside_body=True),
    stall(5, inside_body=True) + cut(at=0.8),
    faults.gzip(),
    faults.gzip() + cut(),
    chunked(),
    chunked() + reset(after="half"),
    gzip_bomb(MIB),
    oversized(MIB),
    header_flood(20),
    redirect(),
    faults.json([]),
)


async def test_what_is_decided_is_what_arrives(sandbox, slept):
    """A socket gets the status, bytes, waits and end that the service decides without one."""
    for fault in EVERY_KIND:
        service = Sandbox(30)
        service.faults.next(fault)
        with service.handle(Request(authorization=f"Bearer {service.api_key}")) as delivery:
            pass
        slept.seconds.clear()
        sandbox.faults.next(fault)
        head, body, ended = await receive(sandbox, version="1.0")  # which has no chunked coding
        assert (int(head.split()[1]) if head else None, body) == (delivery.status, delivery.body), fault
        assert sum(slept.seconds) == delivery.seconds, fault
        assert isinstance(ended, ConnectionResetError) is (delivery.steps[-1] == "reset"), fault


async def test_reset_before_the_answer(sandbox):
    """Nothing arrives but the reset."""
    sandbox.faults.next(reset())
    head, body, ended = await receive(sandbox)
    assert (head, body) == ("", b"")
    assert isinstance(ended, ConnectionResetError)


async def test_reset_after_the_headers(sandbox):
    """The headers arrive, then the reset."""
    sandbox.faults.next(reset(after="headers"))
    head, body, ended = await receive(sandbox)
    assert head.startswith("HTTP/1.1 200 OK")
    assert (body, length(head) > 0) == (b"", True)
    assert isinstance(ended, ConnectionResetError)


async def test_reset_inside_the_body(sandbox):
    """Half the body arrives, then the reset."""
    sandbox.faults.next(reset(after="half"))
    head, body, ended = await receive(sandbox)
    assert len(body) == length(head) // 2
    assert isinstance(ended, ConnectionResetError)


async def test_a_hang_up_closes_the_connection_in_order_without_a_byte(sandbox):
    sandbox.faults.next(hang_up())
    assert await receive(sandbox) == ("", b"", None)


async def test_a_cut_body_is_half_of_what_content_length_announces(sandbox):
    sandbox.faults.next(cut())
    head, body, ended = await receive(sandbox)
    assert len(body) == length(head) // 2
    assert ended is None


async def test_an_unannounced_cut_is_a_whole_answer_with_half_a_document(sandbox):
    sandbox.faults.next(cut(announced=False))
    head, body, ended = await receive(sandbox)
    assert len(body) == length(head)
    assert body.startswith(b'{"data":[{"id":')
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert ended is None


async def test_a_chunked_body_has_a_terminator_unless_it_is_cut(sandbox):
    sandbox.faults.next(chunked(), chunked() + cut())
    head, body, _ = await receive(sandbox)
    assert "Transfer-Encoding: chunked" in head
    assert body.endswith(b"}}\r\n0\r\n\r\n")
    _, body, ended = await receive(sandbox)
    assert not body.endswith(b"0\r\n\r\n")
    assert ended is None


async def test_stall_before_the_headers(sandbox, slept):
    """The wait is as long as was said, and the answer is whole."""
    sandbox.faults.next(stall(5))
    head, body, ended = await receive(sandbox)
    assert slept.seconds == [5]
    assert (len(body), ended) == (length(head), None)


async def test_stall_inside_the_body(client):
    """The headers and half the body are there while the stall lasts, and the rest comes after it."""
    over = asyncio.Event()

    async def sleep(_seconds):
        await over.wait()

    async with Sandbox(30, sleep=sleep) as sandbox:
        sandbox.faults.next(stall(5, inside_body=True))
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        async with client.get(f"{sandbox.url}/v2/procedures", headers=headers) as response:
            half = await response.content.readexactly(response.content_length // 2)
            assert sandbox.requests.in_flight == 1
            assert not response.content.at_eof()
            over.set()
            json.loads(half + await response.read())


async def test_stall_after_the_headers_alone(sandbox, client, slept):
    """An answer without a body stalls with its headers sent, and still ends."""
    sandbox.faults.always(empty(204) + stall(5, inside_body=True))
    response, body = await get(client, sandbox)
    assert (response.status, body, slept.seconds) == (204, b"", [5])


async def test_latency_delays_an_answer_by_a_random_time_and_changes_nothing_else(sandbox, client, slept):
    sandbox.faults.always(latency(0.5, jitter=0.1))
    for _ in range(3):
        assert (await get(client, sandbox))[0].status == 200
    assert len(set(slept.seconds)) == 3
    assert all(0.4 <= seconds <= 0.6 for seconds in slept.seconds)


async def test_a_compressed_answer_is_the_same_answer(sandbox, client):
    _, plain = await get(client, sandbox)
    sandbox.faults.next(faults.gzip(), chunked() + faults.gzip())
    for _ in range(2):
        response, body = await get(client, sandbox)
        assert response.headers["Content-Encoding"] == "gzip"
        assert body == plain


async def test_a_gzip_bomb_is_few_bytes_that_become_many(sandbox):
    sandbox.faults.next(gzip_bomb(4 * MIB))
    head, body, _ = await receive(sandbox)
    assert len(body) == length(head) < 10_000
    assert len(gzip.decompress(body)) == 4 * MIB


async def test_an_oversized_answer_is_whole_and_followed_by_many_spaces(sandbox, client):
    """They may be announced or not. JSON parsers accept them."""
    sandbox.faults.next(oversized(3 * MIB), oversized(3 * MIB, announced=False))
    for announced in (True, False):
        response, body = await get(client, sandbox)
        assert (response.content_length is not None) is announced
        assert len(body) > 3 * MIB
        assert len(json.loads(body)["data"]) == 30


async def test_client_that_stops_reading(sandbox, client):
    """A client that refuses to read on ends the request, and the sandbox goes on."""
    sandbox.faults.next(oversized(64 * MIB))
    gone = asyncio.Event()
    sandbox.after_response.append(lambda _factory, _request: gone.set())
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    async with client.get(f"{sandbox.url}/v2/procedures", headers=headers) as response:
        await response.content.read(1000)
        response.close()
    async with asyncio.timeout(5):
        await gone.wait()
    assert sandbox.requests.in_flight == 0
    assert (await get(client, sandbox))[0].status == 200


async def test_a_header_flood_is_more_than_the_client_of_aiohttp_accepts(sandbox, client):
    sandbox.faults.next(header_flood(300, size=100), header_flood(300, size=100))
    head, body, _ = await receive(sandbox)
    assert head.count("X-Flood-") == 300
    assert len(body) == length(head)
    with pytest.raises(aiohttp.ClientError):
        await get(client, sandbox)


async def test_a_redirect_leads_to_the_same_page_or_to_another_server(sandbox, client):
    async with Sandbox(1) as other:
        sandbox.faults.next(redirect())
        response, _ = await get(client, sandbox)
        assert (response.status, [hop.status for hop in response.history]) == (200, [307])
        sandbox.faults.next(redirect(f"{other.url}/v2/procedures"))
        response, _ = await get(client, sandbox)
        assert response.url == URL(f"{other.url}/v2/procedures")
        sandbox.faults.next(redirect(code=302))
        response, body = await get(client, sandbox, allow_redirects=False)
        assert (response.status, response.headers["Location"], body) == (302, "/api/v2/procedures", b"")


async def test_errors_web_pages_and_other_json_arrive_as_written(sandbox, client):
    """An answer may have no body. Each has its headers."""
    sandbox.faults.next(
        status(429, retry_after=2, headers={"Date": "Mon, 01 Jan 2024 00:00:00 GMT"}),
        html(502),
        empty(504),
        faults.json({"rows": []}),
    )
    response, body = await get(client, sandbox)
    assert (response.status, json.loads(body)["code"]) == (429, "TOO_MANY_REQUESTS")
    assert (response.headers["Retry-After"], response.headers["Date"]) == ("2", "Mon, 01 Jan 2024 00:00:00 GMT")
    response, body = await get(client, sandbox)
    assert (response.status, response.content_type, body[:9]) == (502, "text/html", b"<!DOCTYPE")
    response, body = await get(client, sandbox)
    assert (response.status, body) == (504, b"")
    response, body = await get(client, sandbox)
    assert (response.status, body) == (200, b'{"rows":[]}')


async def test_the_next_request_is_answered_after_every_fault(sandbox, client):
    for fault in faults.TRANSIENT:
        sandbox.faults.next(fault)
        try:
            response, body = await get(client, sandbox)
        except aiohttp.ClientError:
            response, body = None, b""
        assert sandbox.requests[-1].fault == fault
        assert response is None or response.status != 200 or b'"meta"' not in body, fault
        response, body = await get(client, sandbox)
        assert response.status == 200, fault
        assert len(json.loads(body)["data"]) == 30, fault
