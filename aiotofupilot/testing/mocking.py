"""A listing behind aioresponses: canned answers, with no socket and no thread."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import Mock

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aioresponses import CallbackResult, aioresponses
from multidict import CIMultiDict

from aiotofupilot._arguments import integer
from aiotofupilot._http.settings import resolve_base_url
from aiotofupilot.models import Procedure
from aiotofupilot.sandbox import Listing, make_procedures, paging

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from yarl import URL

__all__ = ["MockResponse", "mock_procedures"]

_ANY_SERVER = r"https?://[^?#]+"
_ANY_KEY = "any-key"
_STATION_KEY = "sandbox-station-key"


class MockResponse(aiohttp.ClientResponse):
    """A response as aioresponses makes them, under the aiohttp that is installed.

    aiohttp 3.14 requires a stream writer for each response; aioresponses 0.7.9 has none, but lets the class be chosen:

        mocked.get(url, status=503, response_class=MockResponse)

    See https://github.com/pnuckowski/aioresponses/issues/289.
    """

    def __init__(self, method: str, url: URL, **details: Any) -> None:  # noqa: ANN401 - aioresponses knows them
        writer = Mock(AbstractStreamWriter, output_size=0)
        super().__init__(method, url, **{"stream_writer": writer, **details})


async def _authorization(
    headers: CIMultiDict[str], middlewares: Sequence[Callable[..., Awaitable[object]]]
) -> str | None:
    """Return the key that a request would have on its way.

    aioresponses takes the place of all that aiohttp does, middlewares included. A session of this package puts its key
    onto a request in the last of them.
    """
    sent: list[str | None] = [headers.get("Authorization")]

    async def see(request: SimpleNamespace) -> None:
        sent.append(request.headers.get("Authorization"))

    for middleware in middlewares[-1:]:
        await middleware(SimpleNamespace(headers=headers), see)
    return sent[-1]


def mock_procedures(
    mocked: aioresponses,
    procedures: int | Iterable[Procedure] = 250,
    *,
    seed: int = 0,
    limit: int | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
) -> Listing:
    """Let aioresponses answer every request for procedures, as often as they come.

    Any cursor, limit, search and date is answered, as the sandbox does it. For an answer that fails, register that
    one first, with `MockResponse`: aioresponses takes what matches in the order in which it was registered.

    Example:
        with aioresponses() as mocked:
            mock_procedures(mocked, [make_procedure("Burn-In")])
            assert await my_service.names() == ["Burn-In"]

    Args:
        mocked: The running mock.
        procedures: How many procedures to make up, or the procedures themselves, in the listing's order.
        seed: What the made-up procedures depend on.
        limit: Procedures a page at most, 1 to 100, so that a few procedures make several pages; None: as many as are
            asked for.
        api_key: The key to be used, others get a 401; None: any, except that ``sandbox-station-key`` gets a 403.
        base_url: The server to be asked, as for `TofuPilotSession`; requests to others are not answered here; None:
            any.

    Returns:
        The listing. What is done to its `procedures` counts from the next request on.

    Raises:
        ConfigurationError: `base_url` is not an address that can be used.
        TypeError: An argument is of the wrong type, or an item is no procedure.
        ValueError: An argument is out of bounds.
    """
    _expect(aioresponses, "mocked must be an aioresponses", mocked)
    if api_key is not None:
        _expect(str, "api_key must be a string", api_key)
    listing = Listing(
        _listed(procedures, seed),
        api_key=_ANY_KEY if api_key is None else str.__str__(api_key),  # str() of an Enum is a name
        station_key=_STATION_KEY,
        paging=paging.offsets if limit is None else paging.capped(integer("limit", limit, low=1, high=100)),
    )

    async def answer(
        url: URL,
        *,
        headers: Mapping[str, str] | None = None,
        middlewares: Sequence[Callable[..., Awaitable[object]]] = (),
        **_request: object,
    ) -> CallbackResult:
        authorization = await _authorization(CIMultiDict(headers or {}), middlewares)
        if api_key is None and authorization not in (None, f"Bearer {_STATION_KEY}"):
            authorization = f"Bearer {_ANY_KEY}"
        status, body = listing.answer(url.query, authorization)  # its items repeat a name that the request repeats
        return CallbackResult(status=status, body=body, response_class=MockResponse)

    server = _ANY_SERVER if base_url is None else re.escape(resolve_base_url(base_url, allow_insecure_http=True))
    mocked.get(  # pyright: ignore[reportUnknownMemberType] - aioresponses says of a pattern no more than that it is one
        re.compile(rf"{server}/v2/procedures(?:\?|$)"), callback=answer, repeat=True
    )
    return listing


def _expect(cls: type, rule: str, value: object) -> None:
    if not isinstance(value, cls):
        raise TypeError(f"{rule}, got {value!r}")


def _listed(procedures: object, seed: int) -> list[Procedure]:
    """Return the procedures to list, after checking each of them."""
    if isinstance(procedures, int) and not isinstance(procedures, bool):
        return make_procedures(procedures, seed=seed)
    if isinstance(procedures, str | bytes | bool) or not isinstance(procedures, Iterable):
        raise TypeError(f"procedures must be a number or an iterable of procedures, got {procedures!r}")
    listed = list(cast("Iterable[object]", procedures))
    for index, procedure in enumerate(listed):
        _expect(Procedure, f"procedures[{index}] must be a Procedure", procedure)
    return cast("list[Procedure]", listed)
