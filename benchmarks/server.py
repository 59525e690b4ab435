"""The server of every benchmark. It sends prepared bytes, straight from an asyncio protocol.

``python -m benchmarks.server`` prints its port, and serves until its standard input ends.

A framework would cost more than some of the clients that are measured. This server knows only the HTTP that these
clients speak: GET without a body, one request after another on a connection.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from functools import lru_cache
from random import Random
from urllib.parse import parse_qsl

from attrs import define, field

from .kinds import KINDS
from .pages import details_body, page_body
from .scenario import Scenario

__all__ = ["Connection", "Run"]

_BASE = b"/api"
_COUNTS = b"/counts"
_DEFAULT_LIMIT = 50

_prepared = lru_cache(maxsize=2048)(page_body)
"""All the pages of every listing that is timed, in some 100 MB."""


@define
class Run:
    """One scenario that is being played, with its counters."""

    scenario: Scenario
    requests: int = 0
    """How many requests asked for a page or for one item. Requests that failed count too."""
    beyond: int = 0
    """Requests for a page beyond the end."""
    faults: int = 0
    """Requests that were made to fail."""
    under_way: int = 0
    """Requests that are not answered yet."""
    most_under_way: int = 0
    """The most of these at any time."""
    random: Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.scenario.seed)  # noqa: S311 - which requests fail is no secret

    def counts(self) -> bytes:
        """Return the counters as JSON, with the CPU seconds that the whole server has used."""
        names = ("requests", "beyond", "faults", "most_under_way")
        return json.dumps({name: getattr(self, name) for name in names} | {"cpu": time.process_time()}).encode()


def _answer(body: bytes, status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


_UNAVAILABLE = _answer(b'{"message":"Service unavailable","code":"SERVICE_UNAVAILABLE"}', b"503 Service Unavailable")

_REFUSALS = (
    _answer(b'{"message":"Too many requests","code":"TOO_MANY_REQUESTS"}', b"429 Too Many Requests"),
    _answer(b'{"message":"Internal server error","code":"INTERNAL_SERVER_ERROR"}', b"500 Internal Server Error"),
    _UNAVAILABLE,
)

_NOT_FOUND = _answer(b'{"message":"Not found","code":"NOT_FOUND"}', b"404 Not Found")


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, runs: dict[bytes, Run]) -> None:
        self._runs = runs
        self._received = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport. The answers are written to it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a TCP server is given
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that has arrived completely."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            target = self._received[:end].split(b" ", 2)[1]
            self._received = self._received[end + 4 :]
            self._serve(target)

    def _serve(self, target: bytes) -> None:
        if target.endswith(_COUNTS):
            self._transport.write(_answer(self._run(target.removesuffix(_COUNTS)).counts()))
            return
        scenario, _, rest = target.partition(_BASE)
        path, _, query = rest.partition(b"?")
        run = self._run(scenario)
        path, listing = path.decode(), KINDS[run.scenario.data].path
        if path.startswith(f"{listing}/"):
            self._respond(run, details_body(path.removeprefix(f"{listing}/"), run.scenario.points))
            return
        if path != listing:
            self._transport.write(_NOT_FOUND)
            return
        parameters = dict(parse_qsl(query.decode()))
        cursor = int(float(parameters.get("cursor", 0)))  # the official client sends 100.0
        if "created_after" in parameters:  # a mirror looks for what is new, and nothing was created lately
            cursor = run.scenario.items
        run.beyond += cursor >= run.scenario.items
        limit = int(parameters.get("limit", _DEFAULT_LIMIT))
        self._respond(run, _prepared(run.scenario.data, run.scenario.items, limit, cursor))

    def _respond(self, run: Run, body: bytes) -> None:
        run.requests += 1
        run.under_way += 1
        run.most_under_way = max(run.most_under_way, run.under_way)
        if run.scenario.delay:
            asyncio.get_running_loop().call_later(run.scenario.delay, self._send, run, body)
        else:
            self._send(run, body)

    def _run(self, path: bytes) -> Run:
        run = self._runs.get(path)
        if run is None:
            run = self._runs[path] = Run(Scenario.parse(path.decode().removeprefix("/")))
        return run

    def _send(self, run: Run, body: bytes) -> None:
        run.under_way -= 1
        if run.scenario.faults and run.random.random() < run.scenario.faults:
            run.faults += 1
            run.random.choice((self._send_unavailable, self._send_nothing, self._send_half))(body)
        elif run.scenario.refusals and run.random.random() < run.scenario.refusals:
            run.faults += 1
            self._transport.write(run.random.choice(_REFUSALS))
        else:
            self._transport.write(_answer(body))

    def _send_unavailable(self, _: bytes) -> None:
        self._transport.write(_UNAVAILABLE)

    def _send_nothing(self, _: bytes) -> None:
        self._transport.abort()

    def _send_half(self, body: bytes) -> None:
        answer = _answer(body)
        self._transport.write(answer[: len(answer) // 2])
        self._transport.close()


async def _serve_until_input_ends() -> None:
    loop = asyncio.get_running_loop()
    runs: dict[bytes, Run] = {}
    server = await loop.create_server(lambda: Connection(runs), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve_until_input_ends())
