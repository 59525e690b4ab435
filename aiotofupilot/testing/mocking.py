"""Mocks every listing and detail with aioresponses, which needs no socket and no thread, or with aiointercept."""

from __future__ import annotations

import re
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, Unpack, cast
from unittest.mock import Mock

if find_spec("aioresponses") is None:
    raise ModuleNotFoundError(
        "mock_listing and MockResponse need aioresponses: install the extra 'testing'", name="aioresponses"
    )

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aioresponses import CallbackResult
from multidict import CIMultiDict

from aiotofupilot._checks import integer, must_be
from aiotofupilot.sandbox import Factory, Request, Sandbox, paging
from aiotofupilot.sandbox.resources import RESOURCES
from aiotofupilot.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yarl import URL

    from aiotofupilot.models import Procedure, Run
    from aiotofupilot.sandbox.factory import Items

__all__ = ["MockResponse", "mock_listing"]


class _Mock(Protocol):
    """An aioresponses or an aiointercept, which has the same callbacks."""

    def get(self, url: re.Pattern[str], **options: object) -> object: ...


class MockResponse(aiohttp.ClientResponse):
    """A response of aioresponses that works with the newest aiohttp.

    aiohttp 3.14 requires a stream writer for each response. aioresponses 0.7.9 gives none, but it lets you choose the
    class of the response:

        mocked.get(url, status=503, response_class=MockResponse)

    See https://github.com/pnuckowski/aioresponses/issues/289.

    Args:
        method: HTTP method of the request.
        url: Address of the request.
        details: What aioresponses knows of the response.
    """

    def __init__(self, method: str, url: URL, **details: Any) -> None:  # noqa: ANN401 - aioresponses knows them
        writer = Mock(AbstractStreamWriter, output_size=0)
        super().__init__(method, url, **{"stream_writer": writer, **details})


async def _authorization(url: URL, headers: CIMultiDict[str], middlewares: Sequence[Any]) -> str | None:
    """Return the ``Authorization`` header that a request would have.

    aioresponses replaces all that aiohttp does, including the middlewares. A session of this package adds its key in
    the last middleware.
    """

    async def sent(request: SimpleNamespace) -> Any:  # noqa: ANN401 - a middleware returns what it gets
        return request.headers.get("Authorization")

    request = SimpleNamespace(url=url, headers=headers)
    authorization: str | None = await (middlewares[-1](request, sent) if middlewares else sent(request))
    return authorization


def mock_listing(
    mocked: _Mock,
    procedures: int | Iterable[Procedure] = 250,
    *,
    runs: int | Iterable[Run] = 1000,
    seed: int = 0,
    limit: int | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    **items: Unpack[Items],
) -> Factory:
    """Let aioresponses or aiointercept respond to all requests for listings, and for what the API returns by itself.

    The responses are those of the sandbox, for every parameter of every listing. Nothing responds to the addresses of
    attachments. Items that are not given are made up as in the sandbox. If you want a response that fails, register it
    first, because the first registered response that matches is used. aioresponses needs `MockResponse` for it.

    Example:
        with aioresponses() as mocked:
            mock_listing(mocked, [make(Procedure, name="Burn-In")], runs=[make_run(outcome="FAIL")])
            assert await my_service.failures() == 1

    Args:
        mocked: The running mock: an aioresponses, or an aiointercept that was made with ``mock_external_urls=True``.
        procedures: How many procedures to make up, or the procedures themselves, in the listing's order.
        runs: How many runs to make up, with their units, phases, measurements and logs; or the runs themselves, newest
            first. Without a procedure, no run is made up.
        seed: Another seed makes other items.
        limit: The most items per page, 1 to 100, so that a few items make several pages. With 1, a walk cannot check
            its pages, and warns. None: as many as are requested.
        api_key: The only valid key. Other keys get a 401. None: every key is valid. But ``sandbox-station-key`` is the
            key of a station: it gets a 403 for stations, and only it has a current station.
        base_url: The server, as for `TofuPilotSession`. Requests to other servers are not mocked. None: any server.
        items: Items to list instead of made-up ones, by the name of the listing, in the listing's order. If you give
            runs, nothing is made up for them, so give their units, phases, measurements and logs too.

    Returns:
        The factory with the items. You may change its ``procedures``, ``runs`` and so on at any time. The next response
        has the change.

    Raises:
        ConfigurationError: `base_url` or `api_key` cannot be used.
        TypeError: An argument is of the wrong type, an item does not belong to its listing, or there is no such
            listing.
        ValueError: An argument is out of bounds.
    """
    if not any(cls.__name__ in ("aioresponses", "aiointercept") for cls in type(mocked).__mro__):
        raise must_be(TypeError, "mocked", "an aioresponses or an aiointercept", mocked)
    settings = Settings.resolve(
        "any-key" if api_key is None else api_key,
        base_url="https://any.invalid" if base_url is None else base_url,
        allow_insecure_http=True,
    )
    sandbox = Sandbox(
        procedures,
        runs=runs,
        seed=seed,
        api_key=settings.authorization.removeprefix("Bearer "),
        paging=paging.offsets if limit is None else paging.capped(integer("limit", limit, low=1, high=100)),
        **items,
    )
    server = r"https?://[^?#]+?" if base_url is None else re.escape(settings.base_url)
    names = {detail.path.partition("/")[0] for resource in RESOURCES.values() for detail in resource.details}
    pattern = re.compile(rf"{server}/v2/((?:{'|'.join(names)})(?:/[^?#]*)?)(?:\?.*)?$")

    async def response(
        url: URL,
        *,
        headers: Mapping[str, str] | None = None,
        middlewares: Sequence[object] = (),
        **_request: object,
    ) -> CallbackResult:
        authorization = await _authorization(url, CIMultiDict(headers or {}), middlewares)
        if api_key is None and authorization not in (None, f"Bearer {sandbox.station_key}"):
            authorization = settings.authorization
        path = re.sub(pattern, r"/api/v2/\1", str(url))  # base_url may have another path before it
        # A name may repeat among the items of a query.
        with sandbox.handle(Request(path=path, query=url.query.items(), authorization=authorization)) as delivery:
            sandbox.requests.clear()  # a factory has no log, so nobody reads it
            status = cast("int", delivery.status)  # without a fault, something is always sent
            return CallbackResult(status=status, body=delivery.body, response_class=MockResponse)

    mocked.get(pattern, callback=response, repeat=True)
    return sandbox
