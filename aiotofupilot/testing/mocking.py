"""Mocks every listing and detail with aioresponses, which needs no socket or thread, or with aiointercept."""

from __future__ import annotations

import re
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, Unpack, cast

if find_spec("aioresponses") is None:
    raise ModuleNotFoundError(
        "mock_listing and MockResponse need aioresponses: install the extra 'testing'", name="aioresponses"
    )

import aiohttp
from aioresponses import CallbackResult
from multidict import CIMultiDict

from aiotofupilot._checks import must_be
from aiotofupilot.sandbox import Factory, Request, Sandbox
from aiotofupilot.sandbox.resources import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yarl import URL

    from aiotofupilot.models import Procedure, Run
    from aiotofupilot.sandbox.factory import Items

__all__ = ["MockResponse", "mock_listing"]


class MockResponse(aiohttp.ClientResponse):
    """A response for aioresponses that works with the newest aiohttp: ``mocked.get(url, response_class=MockResponse)``.

    See https://github.com/pnuckowski/aioresponses/issues/289.

    Args:
        method: HTTP method of the request.
        url: Address of the request.
        details: Other arguments from aioresponses.
    """

    def __init__(self, method: str, url: URL, **details: Any) -> None:  # noqa: ANN401 - aioresponses knows them
        writer: Any = SimpleNamespace(output_size=0)
        super().__init__(method, url, **{"stream_writer": writer, **details})


class _Mock(Protocol):
    def get(self, url: re.Pattern[str], **options: object) -> object: ...


def mock_listing(
    mocked: _Mock,
    procedures: int | Iterable[Procedure] = 250,
    *,
    runs: int | Iterable[Run] = 1000,
    seed: int = 0,
    **items: Unpack[Items],
) -> Factory:
    """Let aioresponses or aiointercept respond to requests for all listings and details.

    The sandbox makes the responses, for any server and any key. To make a request fail, register its response first,
    with `MockResponse`.

    Args:
        mocked: The running mock: an aioresponses, or an aiointercept with ``mock_external_urls=True``.
        procedures: As in `Sandbox`.
        runs: As in `Sandbox`.
        seed: As in `Sandbox`.
        items: As in `Sandbox`.

    Returns:
        The factory with the items. You may change its listings at any time.

    Raises:
        TypeError: An argument is of the wrong type, or there is no such listing.
        ValueError: A number is negative.
    """
    if not any(cls.__name__ in ("aioresponses", "aiointercept") for cls in type(mocked).__mro__):
        raise must_be(TypeError, "mocked", "an aioresponses or an aiointercept", mocked)
    sandbox = Sandbox(procedures, runs=runs, seed=seed, **items)
    names = {detail.path.partition("/")[0] for resource in RESOURCES.values() for detail in resource.details}
    pattern = re.compile(rf"https?://[^?#]+?/v2/((?:{'|'.join(names)})(?:/[^?#]*)?)(?:\?.*)?$")

    def response(url: URL, headers: Any = None, middlewares: object = (), **_: object) -> CallbackResult:  # noqa: ANN401 - aiohttp's
        # In a session of this package, a middleware would add the key, but aioresponses calls none.
        has_key = bool(middlewares) or "Authorization" in CIMultiDict(headers or {})
        path = re.sub(pattern, r"/api/v2/\1", str(url))  # the server's address may have another path before "/api"
        authorization = f"Bearer {sandbox.api_key}" if has_key else None
        with sandbox.handle(Request(path=path, query=url.query.items(), authorization=authorization)) as delivery:
            sandbox.requests.clear()  # the caller gets only a factory, which has no log
            return CallbackResult(status=cast("int", delivery.status), body=delivery.body, response_class=MockResponse)

    mocked.get(pattern, callback=response, repeat=True)
    return sandbox
