"""Faults as they arrive at a socket, byte for byte, and as aiohttp's client understands them."""

import asyncio
import json

import pytest
from fakes import faults
from yarl import URL

from aiotofupilot.sandbox import Request, Sandbox

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


EVERY_KIND = (
    *faults.TRANSIENT,
    faults.latency(1),
    faults.stall(5),
    faults.stall(5, inside_body=True),
    faults.stall(5, inside_body=True) + faults.cut(at=0.8),
    faults.gzip(),
    faults.gzip() + faults.cut(),
    faults.chunked(),
    faults.chunked() + faults.reset(after="half"),
    faults.gzip_bomb(MIB),
    faults.oversized(MIB),
    faults.header_flood(20),
    faults.redirect(),
    faults.json([]),
    faults.empty(504) + faults.stall(5, inside_body=True),
)


async def test_what_is_decided_is_what_arrives(sandbox, slept):
    """A socket gets the status, headers, bytes, waits and end that the service decides without one."""
    for fault in EVERY_KIND:
        service = Sandbox(30)
        service.faults.next(fault)
        with service.handle(Request(authorization=f"Bearer {service.api_key}")) as delivery:
            pass
        slept.seconds.clear()
        sandbox.faults.next(fault)
        head, body, ended = await receive(sandbox, version="1.0")  # which has no chunked coding
        assert (int(head.split()[1]) if head else None, body) == (delivery.status, delivery.body), fault
        headers = dict(line.split(": ", 1) for line in head.splitlines()[1:])
        assert headers.items() >= delivery.headers.items(), fault
        assert sum(slept.seconds) == delivery.seconds, fault
        assert isinstance(ended, ConnectionResetError) is (delivery.steps[-1] == "reset"), fault


async def test_a_chunked_body_has_a_terminator_unless_it_is_cut(sandbox):
    sandbox.faults.next(faults.chunked(), faults.chunked() + faults.cut())
    head, body, _ = await receive(sandbox)
    assert "Transfer-Encoding: chunked" in head
    assert body.endswith(b"}}\r\n0\r\n\r\n")
    _, body, ended = await receive(sandbox)
    assert not body.endswith(b"0\r\n\r\n")
    assert ended is None


async def test_stall_inside_the_body(client):
    """The headers and half the body are there while the stall lasts, and the rest comes after it."""
    over = asyncio.Event()

    async def sleep(_seconds):
        await over.wait()

    async with Sandbox(30, sleep=sleep) as sandbox:
        sandbox.faults.next(faults.stall(5, inside_body=True))
        headers = {"Authorization": f"Bearer {sandbox.api_key}"}
        async with client.get(f"{sandbox.url}/v2/procedures", headers=headers) as response:
            half = await response.content.readexactly(response.content_length // 2)
            assert sandbox.requests.in_flight == 1
            assert not response.content.at_eof()
            over.set()
            json.loads(half + await response.read())
