"""Adds the key to a request at a place where no trace hook sees it.

aiohttp calls the hooks for the start of a request before it runs the middlewares. So these hooks, such as
OpenTelemetry's capture of headers, see the request without the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from multidict import CIMultiDict

from aiotofupilot._otel import hide_filters
from aiotofupilot.errors import ConfigurationError

from .failures import translated

if TYPE_CHECKING:
    from typing import Self

    from yarl import URL

    from aiotofupilot.settings import Settings

    from .proxy import Proxy

_SHOW_HEADERS = "_on_headers_request_sent"
"""The method by which aiohttp shows the headers of a request to trace hooks. There is no public place after it."""

_OF_SESSION = "_middlewares"
"""The middlewares of an aiohttp session. Those of a request replace them, and they have no public name."""

_SECRET = ("Authorization", "Proxy-Authorization")


def authorizing(
    session: aiohttp.ClientSession, settings: Settings, proxy: Proxy | None
) -> list[aiohttp.ClientMiddlewareType]:
    """Return the middlewares of a request: those of the aiohttp session, and at the end the one that adds the key.

    Raises:
        ConfigurationError: aiohttp has no such middlewares any more.
    """
    of_session = getattr(session, _OF_SESSION, None)
    if of_session is None:
        raise _unknown_aiohttp(f"ClientSession.{_OF_SESSION}", "the middlewares of a session would not run")
    sender = Sender(session, settings, proxy)
    return [_without_filters, *of_session, sender] if of_session else [sender]


class Sender:
    """An aiohttp middleware that sends a request once, with the key.

    Without settings, it adds no key and tells nobody the address, which is presigned. ``proxy`` is None if there is
    none, or if it is the aiohttp session's own.

    Errors of aiohttp become errors of this package here, before a trace hook sees them. Some of them quote the whole
    address, and some hold the password of a proxy.
    """

    __slots__ = ("_hooks", "_proxy", "_settings")

    def __init__(self, session: aiohttp.ClientSession, settings: Settings | None, proxy: Proxy | None) -> None:
        # A library that instruments aiohttp adds its hooks when a session is made, so they are read off the session.
        self._hooks = session.trace_configs
        self._settings = settings
        self._proxy = proxy

    def __deepcopy__(self, memo: object) -> Self:
        return self  # a mock that records a call copies its arguments

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._hooks:
            self._authorize_after_hooks(request)
        else:
            self._authorize(request.headers, request.url)
        if self._proxy and self._proxy.authorization and request.url.scheme == "https":  # it goes with the CONNECT
            request.proxy_headers = CIMultiDict({"Proxy-Authorization": self._proxy.authorization})
        hide_filters(request.url, is_presigned=self._settings is None)
        try:
            return await handler(request)
        except (aiohttp.ClientError, TimeoutError) as error:
            # After some errors, aiohttp would send the request again, at once and uncounted.
            told = request.url.origin() if self._settings is None else request.url
            failure = translated(error, told, self._proxy)
        finally:
            for name in _SECRET:  # before the hooks for the end of the request
                request.headers.pop(name, None)
        # Raised outside of the except clause, so that aiohttp's error is not its context.
        try:
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    def _authorize(self, headers: CIMultiDict[str], url: URL) -> None:
        if self._settings is not None:
            headers["Authorization"] = self._settings.authorization
        if self._proxy and self._proxy.authorization and url.scheme == "http":
            headers["Proxy-Authorization"] = self._proxy.authorization

    def _authorize_after_hooks(self, request: aiohttp.ClientRequest) -> None:
        """Add the key after the hooks have got the headers, right before these are written."""
        show = getattr(request, _SHOW_HEADERS, None)
        if show is None:
            raise _unknown_aiohttp(f"ClientRequest.{_SHOW_HEADERS}", "trace hooks would see the key")

        async def show_without_key(method: str, url: URL, headers: CIMultiDict[str]) -> None:
            await show(method, url, headers)
            self._authorize(headers, url)

        request.headers.pop("Authorization", None)
        setattr(request, _SHOW_HEADERS, show_without_key)


async def _without_filters(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Hide the filters in the span of a request before a middleware of the user can fail."""
    hide_filters(request.url)
    return await handler(request)


def _unknown_aiohttp(name: str, consequence: str) -> ConfigurationError:
    return ConfigurationError(
        f"aiohttp {aiohttp.__version__} cannot be used, because it has no {name}, without which {consequence}: "
        "install another version of aiohttp"
    )
