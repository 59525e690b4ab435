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
from datetime import datetime
from functools import cache, lru_cache
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
from attrs import define, field

from .data import (
    GAP,
    NEWEST,
    NUMBER,
    TIME,
    measurements,
    procedures_of_few,
    procedures_of_new,
    run_details,
    runs,
    timestamp,
)
from .scenario import KINDS, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Connection", "Run", "details_body", "page_body"]

_MAKERS: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "few": procedures_of_few,
    "new": procedures_of_new,
    "runs": runs,
    "measurements": measurements,
}
"""Functions that make the items of each kind."""

_DISTINCT = 5_000
"""How many items of each kind are made up. A longer listing repeats them, each time with new IDs."""

_DISTINCT_DETAILS = 20
"""The same for runs with everything in them, which take much longer to make."""


@cache
def _pieces(kind: str) -> list[list[bytes]]:
    """Return the items of a kind as JSON, each cut where its number belongs."""
    return [orjson.dumps(item).split(NUMBER.encode()) for item in islice(_MAKERS[kind](), _DISTINCT)]


@cache
def _pieces_of_details(points: int) -> list[list[bytes]]:
    """Return a few runs with everything in them as JSON, each cut where its number belongs."""
    return [orjson.dumps(run).split(NUMBER.encode()) for run in islice(run_details(points), _DISTINCT_DETAILS)]


def _digits(index: int) -> bytes:
    """Return eight hexadecimal digits that no other index has. Neighbours do not resemble each other."""
    return b"%08x" % (index * 0x9E37_79B1 & 0xFFFF_FFFF)


def _item(pieces: list[bytes], index: int) -> bytes:
    """Return the JSON of the item that has a number."""
    return _digits(index).join(pieces).replace(TIME.encode(), timestamp(NEWEST - index * GAP).encode())


def page_body(kind: str, items: int, limit: int, cursor: int, base: int = 0) -> bytes:
    """Return one page of a listing, as TofuPilot writes it.

    Args:
        kind: Name of the kind of data.
        items: How many the listing has, up to the last one that the query asks for.
        limit: The most that the page may have.
        cursor: Offset of the page's first item.
        base: How many items are above the first one that the query asks for.
    """
    begin, end = base + cursor, base + cursor + limit
    pieces = _pieces(kind)
    data = b",".join(_item(pieces[index % _DISTINCT], index) for index in range(begin, min(end, items)))
    following = b'{"has_more":true,"next_cursor":%d}' % (cursor + limit)
    meta = following if end < items else b'{"has_more":false,"next_cursor":null}'
    return b'{"data":[%b],"meta":%b}' % (data, meta)


def details_body(run_id: str, points: int) -> bytes:
    """Return a run with everything in it, as TofuPilot writes it.

    Args:
        run_id: The ID of the run, as a page has it.
        points: As in `run_details`.
    """
    digits = run_id[: len(NUMBER)]
    pieces = _pieces_of_details(points)[int(digits, 16) % _DISTINCT_DETAILS]
    body = digits.encode().join(pieces).replace(TIME.encode(), timestamp(NEWEST).encode())
    return body.replace(body[7:43], run_id.encode(), 1)


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
    random: Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.scenario.seed)  # noqa: S311 - which requests fail is no secret

    def counts(self) -> bytes:
        """Return the counters as JSON, with the CPU seconds that the whole server has used."""
        names = ("requests", "beyond", "faults")
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
        base, items, parameters = 0, run.scenario.items, dict(parse_qsl(query.decode()))
        for name, value in parameters.items():
            if name.endswith(("_before", "_after")):
                distance = NEWEST - datetime.fromisoformat(value)
                if name.endswith("_before"):
                    base = max(base, -(-distance // GAP))
                else:
                    items = max(0, min(items, distance // GAP + 1))
        cursor = int(float(parameters.get("cursor", 0)))  # the official client sends 100.0
        run.beyond += base + cursor >= items
        limit = int(parameters.get("limit", _DEFAULT_LIMIT))
        self._respond(run, _prepared(run.scenario.data, items, limit, cursor, base))

    def _respond(self, run: Run, body: bytes) -> None:
        run.requests += 1
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
