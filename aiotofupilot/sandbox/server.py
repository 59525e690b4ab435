"""The sandbox, which makes the responses and serves them."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any, Self, Unpack

from aiohttp import ClientConnectionResetError, web
from aiohttp.http_exceptions import HttpProcessingError

from aiotofupilot.models import Organization, Page, PageMeta, Procedure, Run

from .factory import Factory, Items, Reading
from .faults import Faults, chance
from .paging import Paging, offsets
from .request import Delivery, Head, Request, RequestLog
from .resource import Detail, Resource
from .resources import RESOURCES, route
from .rest import Refusal, dumps, read, without
from .storage import Storage

if TYPE_CHECKING:
    from datetime import datetime

Hook = Callable[[Factory, Request], None]
"""A function to call before or after a response. It may change the listings of the factory."""

_OF_PAGES = frozenset({"limit", "cursor", "include_metadata", "include_sequences"})  # they do not filter items
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how such an address is reached from this machine
_MOST_HEAD = 16 * 1024  # bytes of the request line and headers; Node, which serves TofuPilot, refuses more
_READ_HEAD = 1024 * 1024  # the most bytes of a request line or a header that are read
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # linger for 0 seconds
_PASSES_TO_HAND_OVER = 3
"""After this many passes of the event loop, a server knows an accepted connection, and can close it."""
_NOT_HTTP = (HttpProcessingError, web.RequestPayloadError)
_LOGGER = logging.getLogger("aiotofupilot.sandbox")
# A request that is not HTTP is the client's mistake.
_LOGGER.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], _NOT_HTTP)))


class Sandbox(Factory):
    """A TofuPilot server on the loopback interface, with data and keys, for the duration of a block.

    As a `Factory`, it has a list for each listing, such as ``runs``, which you may change at any time.

    Example:
        async with Sandbox(procedures=250) as sandbox:
            session = TofuPilotSession(sandbox.api_key, base_url=sandbox.url)

    `handle` works without a start. It neither waits nor opens a socket, so a test can use its own clock and transport:

        with sandbox.handle(Request(query={"cursor": "50"}, authorization=f"Bearer {sandbox.api_key}")) as delivery:
            delivery.status, delivery.body, delivery.complete, delivery.seconds

    You may change `station_listings`, `paging`, `pagings` and `organization` at any time.

    Attributes:
        api_key: Key of a user. It may read everything except the current station.
        station_key: Key of a station. It gets a 403 for the current user, and for listings outside `station_listings`.
        station_listings: Names of the listings that the station's key may read: at first all but stations, as in
            https://github.com/tofupilot/python/tree/main/tests/v2.
        paging: How listings are cut into pages.
        pagings: Exceptions to `paging`, by the name of the listing.
        organization: The organization of both keys.
        storage: The storage of attachments.
        faults: The faults of responses, initially none.
        requests: The log of requests.
        before_response: Hooks to call in order before each response is made.
        after_response: Hooks to call in order once a response was sent, its client has disconnected, or a hook or a
            fault has failed. The request is then no longer in flight.
    """

    def __init__(
        self,
        procedures: int | Iterable[Procedure] = 250,
        *,
        runs: int | Iterable[Run] = 1000,
        seed: int = 0,
        until: datetime | None = None,
        api_key: str = "sandbox-user-key",
        station_key: str = "sandbox-station-key",
        paging: Paging = offsets,
        pagings: Mapping[str, Paging] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        **items: Unpack[Items],
    ) -> None:
        """Describe a sandbox. `start` or ``async with`` opens the port.

        Args:
            procedures: The number of procedures to make up, or a list of procedures, in the listing's order.
            runs: The number of runs to make up, with units, phases and so on; or a list of runs, newest first. Without
                procedures, no runs are made up.
            seed: The seed of made-up data.
            until: When the newest made-up run was uploaded; timezone-aware, from the year 2000 to 2100. It only shifts
                the times of a seed's data. With None, the newest made-up procedure was created on 2026-01-30, and the
                first run was made a day later.
            api_key: Key of a user.
            station_key: Key of a station.
            paging: How listings are cut into pages.
            pagings: Exceptions to `paging`, by the name of the listing, or None.
            host: Address to listen on.
            port: Port to listen on; 0 picks a free port, which stays the same when the sandbox is started again.
            sleep: A function that waits the given seconds, for stalls and latency.
            items: Items to list instead of made-up ones, by the name of the listing, in its order.

        Raises:
            TypeError: There is no such listing, or an item is not of its model.
            ValueError: A number is negative, there is no such listing, or `until` is naive or out of bounds.
        """
        super().__init__(procedures, runs=runs, seed=seed, until=until, **items)
        self.api_key: str = api_key
        self.station_key: str = station_key
        self.station_listings: set[str] = {*RESOURCES} - {"stations"}
        self.paging: Paging = paging
        self.pagings: dict[str, Paging] = dict(pagings or {})
        if unknown := self.pagings.keys() - RESOURCES.keys():
            raise ValueError(f"there is no listing {min(unknown)!r}, only {', '.join(sorted(RESOURCES))}")
        self.organization: Organization = Organization("6f1d6f3a-52c4-4c59-9f0e-7f3f5a0c2d11", "sandbox", "Sandbox")
        self.storage: Storage = Storage()
        self.faults: Faults = Faults()
        self.requests: RequestLog = RequestLog()
        self.before_response: list[Hook] = []
        self.after_response: list[Hook] = []
        self._asked: Counter[tuple[object, ...]] = Counter()
        """The number of times each request came, by method, path and query."""
        self._failed: Counter[tuple[object, ...]] = Counter()
        """The number of times in a row that each request failed."""
        self._select = lru_cache(maxsize=16)(Resource.select)
        """Remembers the selected items for further pages until something changes."""
        self._host = host
        self._port = port
        self._sleep = sleep
        self._running: tuple[web.Server, asyncio.Server] | None = None
        self._failures: list[Exception] = []

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:49152/api``.

        If the sandbox listens on every address, the URL has the address of the loopback interface.

        Raises:
            RuntimeError: The sandbox was never started, so it has no port.
        """
        if not self._port:
            raise RuntimeError("the sandbox has no URL before it is started")
        host = _EVERY_ADDRESS.get(self._host, self._host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self._port}/api"

    @property
    def connections(self) -> int:
        """The number of open client connections."""
        return len(self._running[0].connections) if self._running else 0

    @contextmanager
    def handle(self, request: Request) -> Generator[Delivery]:
        """Decide the response to a request. Send it inside the block.

        Args:
            request: The request, which records the result. If the block, a hook or a fault raises an error, it counts
                as a request without a response.
        """
        same = (request.method, request.path, tuple(request.query.items()))
        self._asked[same] += 1
        self._failed[same] += 1
        request.asked, request.attempt = self._asked[same], self._failed[same]
        self.requests.append(request)
        self.storage.time = request.time
        self.requests.in_flight += 1
        self.requests.peak_in_flight = max(self.requests.peak_in_flight, self.requests.in_flight)
        try:
            for hook in self.before_response:
                hook(self, request)
            response = delivery = self._respond(request)
            request.fault = self.faults.decide(request)
            if request.fault is not None:
                delivery = request.fault.alter(response, request, chance("details", request))
            request.status = delivery.status
            request.is_right = delivery is response or (request.fault is not None and request.fault.is_harmless)
            if request.is_right:
                del self._failed[same]
            yield delivery
        except BaseException:
            request.status, request.is_right = None, False
            self._failed[same] = request.attempt
            raise
        finally:
            self.requests.in_flight -= 1
            for hook in self.after_response:
                hook(self, request)

    def _respond(self, request: Request) -> Delivery:
        if request.head_size > _MOST_HEAD:
            return Delivery((*Delivery.of(431, {"Connection": "close"}, b"").steps, "close"))
        if stored := self.storage.response(request):
            return stored
        if request.method == "HEAD":  # the key is not checked
            return Delivery.of(404 if route(request.path)[0] is None else 200, {}, b"")
        try:
            status, body = 200, self._body(request)
        except Refusal as refusal:
            status, body = refusal.status, refusal.body
        return Delivery.of(status, {"Content-Type": "application/json"}, body)

    def _body(self, request: Request) -> bytes:
        """Return the API's response, and note its page or detail in the request."""
        found, parameters = route(request.path)
        if found is None or request.method != "GET":
            raise Refusal(404, "NOT_FOUND", "Not found")
        is_station = request.authorization == f"Bearer {self.station_key}"
        if not is_station and request.authorization != f"Bearer {self.api_key}":
            raise Refusal(401, "UNAUTHORIZED", "Unauthorized")
        if isinstance(found, Detail):
            reading = Reading(self.snapshot(), self.organization, self.storage.address, is_station)
            request.detail = found.read(reading, parameters)
            return dumps(reduce(without, found.hides, request.detail))
        if is_station and found.name not in self.station_listings:
            raise Refusal(403, "FORBIDDEN", f"Stations cannot read {found.name}")
        request.page = page = self._page(found, tuple(request.query.items()))
        items = b",".join(map(found.json, page.data))
        return b"[%b]" % items if found.listing.is_bare else b'{"data":[%b],"meta":%b}' % (items, dumps(page.meta))

    def _page(self, resource: Resource, query: Sequence[tuple[str, str]]) -> Page[Any]:
        """Return the page that a query asks for, or raise a `Refusal`."""
        asked, snapshot = read(resource.readers, query), self.snapshot()
        pairs = tuple(pair for pair in query if pair[0] not in _OF_PAGES)
        selected = self._select(resource, pairs, snapshot)
        if resource.listing.is_bare:
            return Page(data=list(selected), meta=PageMeta(has_more=False))
        cursor = asked["cursor"]
        window = self.pagings.get(resource.name, self.paging)(len(selected), cursor, asked["limit"])
        return Page(
            data=[resource.shown(item, asked, snapshot) for item in selected[window.start : window.stop]],
            meta=PageMeta(has_more=window.has_more, next_cursor=window.next_cursor),
            cursor=cursor,
        )

    async def start(self) -> None:
        """Open the port and begin to respond.

        Raises:
            RuntimeError: The sandbox is running.
            OSError: The port is taken.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is already running")
        server = web.Server(
            self._serve,
            access_log=None,
            handler_cancellation=True,  # ends a stall when the client disconnects
            logger=_LOGGER,
            max_line_size=_READ_HEAD,
            max_field_size=_READ_HEAD,
        )
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(server, self._host, self._port, backlog=128)
        self._running, self._port = (server, listening), listening.sockets[0].getsockname()[1]
        self.storage.asked_at(self.url.removeprefix("http://").removesuffix("/api"))

    async def stop(self) -> None:
        """Close the port and every connection at once. The data, the log and the URL stay.

        It does nothing if the sandbox is not running.

        Raises:
            ExceptionGroup: Errors of hooks, whose requests got a 500.
        """
        if self._running is None:
            return
        (server, listening), self._running = self._running, None
        for listener in listening.sockets:
            with suppress(NotImplementedError):  # on Windows, event loops have no readers
                asyncio.get_running_loop().remove_reader(listener)
        for _ in range(_PASSES_TO_HAND_OVER):
            await asyncio.sleep(0)
        listening.close()
        for connection in server.connections:
            connection.force_close()
        await server.shutdown(1.0)
        await asyncio.sleep(0)  # transports call back once more on closing
        if self._failures:
            failures, self._failures = self._failures, []
            raise ExceptionGroup("the sandbox failed to respond: a hook, a fault or an item is wrong", failures)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    def __repr__(self) -> str:
        where = self.url if self._port else "not started"
        return f"<Sandbox {where}, {len(self.procedures)} procedures, {len(self.requests)} requests>"

    async def _serve(self, http: web.BaseRequest) -> web.StreamResponse:
        request = Request(
            method=http.method,
            path=http.rel_url.raw_path,  # as sent: `path` is decoded, and `raw_path` may be a URL
            query=http.query.items(),
            authorization=http.headers.get("Authorization"),
            range=http.headers.get("Range"),
            if_range=http.headers.get("If-Range"),
            head_size=len(f"{http.method} {http.raw_path} HTTP/1.1\r\n")
            + sum(len(name) + len(value) + len(b": \r\n") for name, value in http.raw_headers),
        )
        self.storage.asked_at(http.host)
        try:
            with self.handle(request) as delivery:
                return await self._play(delivery, http)
        except ClientConnectionResetError:
            return web.StreamResponse()  # never sent, because the client has disconnected
        except Exception as exc:
            self._failures.append(exc)
            raise

    async def _play(self, delivery: Delivery, http: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        for step in delivery.steps:
            if isinstance(step, Head):
                response = web.StreamResponse(status=step.status, headers=step.headers)
                await response.prepare(http)
            elif isinstance(step, bytes):
                if http.method != "HEAD":
                    await response.write(step)
            else:
                if response.prepared:
                    await response.write(b"")  # aiohttp holds headers back until a write
                if isinstance(step, str):
                    _end(http, reset=step == "reset")
                    return response
                await self._sleep(step)
        await response.write_eof()
        return response


def _end(http: web.BaseRequest, *, reset: bool) -> None:
    """Reset the connection, or close it once everything written has been sent."""
    if http.transport is None:
        return  # the client has closed it
    if reset:
        http.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        http.transport.abort()
    else:
        http.transport.close()
