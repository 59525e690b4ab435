"""The sandbox's HTTP shell: aiohttp on a free loopback port around a `Listing`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from aiohttp import web

from aiotofupilot.sandbox.data import make_procedures
from aiotofupilot.sandbox.listing import Listing
from aiotofupilot.sandbox.log import Request, RequestLog
from aiotofupilot.sandbox.paging import Paging, offsets
from aiotofupilot.sandbox.wire import Refusal

if TYPE_CHECKING:
    from types import TracebackType

    from aiotofupilot.models import Procedure

__all__ = ["Sandbox"]

BASE = "/api"
PATH = "/v2/procedures"


class Sandbox:
    """A TofuPilot of one's own: a server on the loopback interface, with data and keys, for as long as a block runs.

    Example:
        async with Sandbox(procedures=250) as sandbox:
            session = TofuPilotSession(sandbox.api_key, base_url=sandbox.url)

    Attributes:
        api_key: Key of a user, who may read procedures.
        station_key: Key of a station, which gets a 403.
        requests: What was asked, in the order of arrival.
    """

    def __init__(
        self,
        procedures: int | Iterable[Procedure] = 250,
        *,
        seed: int = 0,
        api_key: str = "sandbox-user-key",
        station_key: str = "sandbox-station-key",
        host: str = "127.0.0.1",
        port: int = 0,
        paging: Paging = offsets,
    ) -> None:
        """Describe a sandbox; `start`, or entering it, opens the port.

        Args:
            procedures: How many procedures to make up, or the procedures themselves, in the listing's order.
            seed: What the made-up procedures depend on.
            api_key: Key of a user, who may read procedures.
            station_key: Key of a station, which may not.
            host: Address to listen on.
            port: Port to listen on; 0: any free one, which stays the same when the sandbox is started again.
            paging: How the listing is cut into pages.
        """
        if not isinstance(procedures, Iterable):
            procedures = make_procedures(procedures, seed=seed)
        self._listing = Listing(procedures, api_key=api_key, station_key=station_key, paging=paging)
        self.api_key = api_key
        self.station_key = station_key
        self.requests = RequestLog()
        self._host = host
        self._port = port
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:49152/api``.

        Raises:
            RuntimeError: If the sandbox was never started and so has no port yet.
        """
        if not self._port:
            raise RuntimeError("the sandbox has no URL before it is started")
        return f"http://{self._host}:{self._port}{BASE}"

    @property
    def procedures(self) -> list[Procedure]:
        """What is listed, in the listing's order: a live list, to add to and remove from at any time."""
        return self._listing.procedures

    async def start(self) -> None:
        """Open the port and answer from now on.

        Raises:
            RuntimeError: If the sandbox is running.
            OSError: If the port is taken.
        """
        if self._runner is not None:
            raise RuntimeError("the sandbox is running already")
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port)
        await site.start()
        self._runner, self._port = runner, site.port

    async def stop(self) -> None:
        """Close the port and every connection. The procedures, the log and the URL stay.

        Stopping twice does no more than once.
        """
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
            await asyncio.sleep(0)  # transports call back once more when they close

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

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        authorization = request.headers.get("Authorization")
        query = {name: request.query[name] for name in request.query}  # the first of each
        if request.method == "GET" and request.path == BASE + PATH:
            answer = self._listing.answer(query, authorization)
        else:
            answer = Refusal(404, "NOT_FOUND", "Not found").answer()
        self.requests.append(
            Request(
                time=datetime.now(UTC),
                method=request.method,
                path=request.path,
                query=query,
                authorization=authorization,
                status=answer.status,
            ),
        )
        return web.Response(status=answer.status, body=answer.body, content_type="application/json")
