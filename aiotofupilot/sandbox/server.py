"""The sandbox as an HTTP server. A `Service` decides the answers."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from .log import Request
from .paging import Paging, offsets
from .playing import play
from .service import Service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from ssl import SSLContext
    from types import TracebackType
    from typing import Unpack

    from aiotofupilot.models import Procedure, Run

    from .factory import Items

__all__ = ["Sandbox"]

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - how such an address is reached from this machine

_NOT_HTTP = (HttpProcessingError, web.RequestPayloadError)
_LOGGER = logging.getLogger("aiotofupilot.sandbox")


def _is_ours(record: logging.LogRecord) -> bool:
    """Keep records of faults in the sandbox. A request that is not HTTP is a fault of the client."""
    return not (record.exc_info and isinstance(record.exc_info[1], _NOT_HTTP))


_LOGGER.addFilter(_is_ours)


class Sandbox(Service):
    """A TofuPilot of your own: a server on the loopback interface, with data and keys. It runs for the time of a block.

    Example:
        async with Sandbox(procedures=250) as sandbox:
            session = TofuPilotSession(sandbox.api_key, base_url=sandbox.url)

    `Service` describes its answers, its faults and its log.
    """

    def __init__(
        self,
        procedures: int | Iterable[Procedure] = 250,
        *,
        runs: int | Iterable[Run] = 1000,
        seed: int = 0,
        nulls: bool = True,
        api_key: str = "sandbox-user-key",
        station_key: str = "sandbox-station-key",
        station_listings: Iterable[str] | None = None,
        paging: Paging = offsets,
        pagings: Mapping[str, Paging] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: SSLContext | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        **items: Unpack[Items],
    ) -> None:
        """Describe a sandbox. `start`, or entering the block, opens the port.

        Args:
            procedures: How many procedures to make up, or the procedures themselves, in the listing's order.
            runs: How many runs to make up, with their units, phases, measurements, logs and so on; or the runs
                themselves, newest first. Without a procedure, no run is made up.
            seed: Another seed makes other data.
            nulls: Whether names and addresses of made-up people may be None, which some clients cannot read.
            api_key: Key of a user. It may list everything.
            station_key: Key of a station.
            station_listings: Names of the listings that the station's key may list; None: all but procedures and
                stations.
            paging: How listings are cut into pages.
            pagings: How single listings, by name, are cut into pages in another way; None: there are none.
            host: Address to listen on.
            port: Port to listen on; 0: any free port. It stays the same when the sandbox is started again.
            ssl_context: Certificate and key for HTTPS; None: plain HTTP.
            sleep: Waits a number of seconds, for stalls and latency.
            items: Items to list instead of made-up ones, by the name of the listing, in the listing's order.

        Raises:
            TypeError: There is no such listing.
            ValueError: A number is negative, or there is no such listing.
        """
        super().__init__(
            procedures,
            runs=runs,
            seed=seed,
            nulls=nulls,
            api_key=api_key,
            station_key=station_key,
            station_listings=station_listings,
            paging=paging,
            pagings=pagings,
            **items,
        )
        self._host = host
        self._port = port
        self._ssl_context = ssl_context
        self._sleep = sleep
        self._running: tuple[web.Server, web.ServerRunner] | None = None
        self._failures: list[Exception] = []

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:49152/api``.

        If the sandbox listens on every address of this machine, the URL has the address of the loopback interface.

        Raises:
            RuntimeError: The sandbox has no port yet, because it was never started.
        """
        if not self._port:
            raise RuntimeError("the sandbox has no URL before it is started")
        host = _EVERY_ADDRESS.get(self._host, self._host)
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self._ssl_context else 'http'}://{host}:{self._port}/api"

    @property
    def connections(self) -> int:
        """How many connections of clients are open."""
        return len(self._running[0].connections) if self._running else 0

    async def start(self) -> None:
        """Open the port and answer from now on.

        Raises:
            RuntimeError: The sandbox is running.
            OSError: The port is taken.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is already running")
        # A handler whose client has disconnected is cancelled, so that a stall ends.
        server = web.Server(self._handle, access_log=None, handler_cancellation=True, logger=_LOGGER)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port, ssl_context=self._ssl_context)
        await site.start()
        self._running, self._port = (server, runner), site.port

    async def stop(self) -> None:
        """Close the port and every connection at once. The data, the log and the URL stay.

        It does nothing if the sandbox is not running.

        Raises:
            ExceptionGroup: Hooks have raised these errors. Their requests were answered with a 500.
        """
        if self._running is None:
            return
        (server, runner), self._running = self._running, None
        for site in runner.sites:
            await site.stop()
        for connection in server.connections:
            connection.force_close()
        await runner.cleanup()
        await asyncio.sleep(0)  # transports call back once more when they close
        if self._failures:
            failures, self._failures = self._failures, []
            raise ExceptionGroup("the sandbox failed to answer: a hook, a fault or an item is wrong", failures)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        where = self.url if self._port else "not started"
        return f"<Sandbox {where}, {len(self.procedures)} procedures, {len(self.requests)} requests>"

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        request = Request(
            method=http.method,
            path=_sent_path(http),
            query=http.query.items(),
            authorization=http.headers.get("Authorization"),
        )
        try:
            with self.handle(request) as delivery:
                return await play(delivery, http, self._sleep)
        except Exception as exc:
            self._failures.append(exc)
            raise


def _sent_path(http: web.BaseRequest) -> str:
    """Return the path as it was sent. The path of aiohttp is decoded."""
    target = http.raw_path.partition("?")[0]
    return target if target.startswith("/") else http.rel_url.raw_path  # a request to a proxy names the whole URL
