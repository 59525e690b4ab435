"""Sends one request with aiohttp. Redirects are followed within the origin that may get the key.

The key is added where no trace hook sees it. aiohttp calls the hooks for the start of a request before the middlewares,
so OpenTelemetry's capture of headers, for example, gets no key.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from aiotofupilot import errors
from aiotofupilot._checks import must_be
from aiotofupilot._otel import hide_filters
from aiotofupilot._version import __version__
from aiotofupilot._wire.response import Response

from .failures import Redaction, refusal, translated

if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from aiotofupilot._checks import Secret
    from aiotofupilot._clock import Clock

    from .proxy import Proxy

_log = logging.getLogger("aiotofupilot")

_USER_AGENT = f"aiotofupilot/{__version__} aiohttp/{aiohttp.__version__}"

_CONNECTIONS = 100
"""An aiohttp session made here has at most this many connections."""

_shared: WeakKeyDictionary[aiohttp.BaseConnector, asyncio.Semaphore] = WeakKeyDictionary()
"""The connections of each connector that a user has given."""

NO_LIMIT = aiohttp.ClientTimeout(total=None)
"""aiohttp's own limit is disabled, because `client` limits each attempt as a whole."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
REDIRECTS_AT_MOST = 5

_SHOW_HEADERS = "_on_headers_request_sent"
"""aiohttp's method that shows the headers to trace hooks. No public hook runs after it."""

_OF_SESSION = "_middlewares"
"""A session's middlewares have no public name. They are needed because a request's own middlewares replace them."""


class Transport:
    """Carries requests to one server with one key, over one aiohttp session.

    ``authorization`` is the header with the key. The user's ``http_session`` is left open. If it is None, an aiohttp
    session is made on first use with ``trace_configs``, ``tls`` and ``proxy_of``. Without ``tls``, it trusts the
    system's authorities. ``proxy_of`` returns the proxy for a server, or None.
    """

    def __init__(
        self,
        base_url: str,
        authorization: Secret,
        *,
        http_session: object,
        trace_configs: object,
        clock: Clock,
        tls: SSLContext | None = None,
        proxy_of: Callable[[str], Proxy | None] = lambda _: None,
    ) -> None:
        if not (http_session is None or isinstance(http_session, aiohttp.ClientSession)):
            raise must_be(TypeError, "http_session", "an aiohttp.ClientSession or None", http_session)
        self._authorization = authorization
        self.base: URL = URL(base_url)
        self.base_url: str = str(self.base)
        # aiohttp would make a CIMultiDict of any other mapping for each request.
        self._headers = CIMultiDict({"Accept": "application/json", "User-Agent": _USER_AGENT})
        self._session = http_session
        self._owns_session = is_own = http_session is None
        self._trace_configs = _checked_trace_configs(trace_configs)
        self._middlewares: list[aiohttp.ClientMiddlewareType] | None = None
        self.clock = clock
        self._tls = tls
        has_proxy = http_session is None or http_session.trust_env
        self.proxy_of: Callable[[str], Proxy | None] = proxy_of if has_proxy else lambda _: None
        """Returns the proxy for a server, such as a storage, or None."""
        self._proxy = proxy = proxy_of(base_url) if is_own else None
        self.redaction: Redaction = Redaction(
            authorization.value.removeprefix("Bearer "), *((*proxy.login, proxy.authorization or "") if proxy else ())
        )
        self.connections: asyncio.Semaphore = asyncio.Semaphore(_CONNECTIONS)
        """Each request acquires this semaphore first, because a wait for a connection within aiohttp would use up the
        timeout. It has the lower of the connector's two limits, and everybody who uses the connector shares it."""
        connector = None if http_session is None else http_session.connector
        if connector is not None:  # otherwise the session is closed
            most = min(connector.limit or sys.maxsize, connector.limit_per_host or sys.maxsize)  # 0: no limit
            self.connections = _shared.setdefault(connector, asyncio.Semaphore(most))

    def check(self) -> None:
        """Raise a `SessionError` if the aiohttp session is closed."""
        if self._session is not None and self._session.closed:
            raise errors.SessionError("the aiohttp session is closed")

    def url(self, target: str) -> URL:
        return URL(f"{self.base_url}{target}", encoded=True)

    async def get(self, url: URL, max_body: int) -> Response:
        """Send a GET, follow redirects, and return the response of at most ``max_body`` bytes, decompressed."""
        for _ in range(1 + REDIRECTS_AT_MOST):
            response = await self._get(url, max_body)
            if response.status not in REDIRECTS or "Location" not in response.headers:
                return response
            url = _target(url, response.headers["Location"])
        raise errors.RedirectError(
            f"redirected more than {REDIRECTS_AT_MOST} times, at last to {url}", location=str(url)
        )

    async def _get(self, url: URL, max_body: int) -> Response:
        session = self.open()
        try:
            async with session.get(
                url,
                headers=self._headers,
                middlewares=self._middlewares,
                allow_redirects=False,
                raise_for_status=False,
                auto_decompress=True,
                timeout=NO_LIMIT,
            ) as response:
                if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                    raise refusal(response.status, url, self._proxy)
                body = await _read(response, max_body)
                if _log.isEnabledFor(logging.DEBUG):
                    shown = "an address with the key" if self.redaction.finds(str(url)) else str(url)
                    fields = {"tofupilot_status": response.status, "tofupilot_bytes": len(body)}
                    _log.debug("GET %s: %d, %d bytes", shown, response.status, len(body), extra=fields)
                # aiohttp's own headers cannot be pickled.
                return Response(response.status, CIMultiDict(response.headers), body, self.clock.now())
        except (aiohttp.ClientError, TimeoutError, errors.TransportError) as error:
            failure = translated(error, session, url, self._proxy)
            raise failure from failure.__cause__

    def bare(self) -> aiohttp.ClientSession:
        """Return an aiohttp session over the same connections, without the headers."""
        return aiohttp.ClientSession(
            connector=self.open().connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "User-Agent"),
            auto_decompress=False,  # aiohttp does not notice if a compressed body is truncated
        )

    async def close(self) -> None:
        """Close the aiohttp session and its connections, if it was made here."""
        if self._session is not None and self._owns_session:
            await self._session.close()

    def open(self) -> aiohttp.ClientSession:
        """Return the aiohttp session, which is made on first use. Raise a `SessionError` if it is closed."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=self._tls or True),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=self._trace_configs,
                proxy=None if self._proxy is None else self._proxy.url,
            )
        self.check()
        if self._middlewares is None:
            of_session = () if self._owns_session else _middlewares_of(self._session)
            last = sender(self._session, self._authorization, self._proxy)
            self._middlewares = [_without_filters, *of_session, last] if of_session else [last]
        return self._session


def _target(url: URL, location: str) -> URL:
    """Return the target of a redirect, without credentials. Raise a `RedirectError` if it may not get the key."""
    try:
        target = url.join(URL(location)).with_user(None)
        origin = target.origin()
    except ValueError:
        raise errors.RedirectError(f"redirected to {location!r}, which is not a URL", location=location) from None
    if origin != url.origin():
        raise errors.RedirectError(
            f"redirected to another origin, {target}, to which the key is not sent", location=str(target)
        )
    return target


def _checked_trace_configs(configs: object) -> list[aiohttp.TraceConfig]:
    if configs is None:
        return []
    checked = [*cast("Iterable[object]", configs)] if isinstance(configs, Iterable) else [None]
    if not all(isinstance(config, aiohttp.TraceConfig) for config in checked):
        raise must_be(TypeError, "trace_configs", "a sequence of aiohttp.TraceConfig or None", cast("Any", configs))
    return cast("list[aiohttp.TraceConfig]", checked)


async def _read(response: aiohttp.ClientResponse, max_body: int) -> bytes:
    """Return the body. The body of an error may be cut short."""
    chunks: list[bytes] = []
    size = 0
    with suppress(*() if response.status < HTTPStatus.MULTIPLE_CHOICES else (aiohttp.ClientPayloadError,)):
        while not response.content.at_eof():
            chunks.append(await response.content.readany())
            size += len(chunks[-1])
            if size > max_body:
                error = errors.ResponseTooLargeError(f"the response is larger than {max_body} bytes", limit=max_body)
                error.hint = "to allow it, give the session a larger max_body"
                raise error
    return b"".join(chunks)  # joining a single chunk copies nothing


def sender(
    session: aiohttp.ClientSession, authorization: Secret | None, proxy: Proxy | None
) -> aiohttp.ClientMiddlewareType:
    """Return an aiohttp middleware that sends a request once, with the key.

    If ``authorization`` is None, the address is presigned, and is hidden. aiohttp's errors are translated before a
    trace hook sees them, because some hold the whole address or a proxy's password.
    """

    def authorize(headers: CIMultiDict[str], url: URL) -> None:
        if authorization is not None:
            headers["Authorization"] = authorization.value
        if proxy and proxy.authorization and url.scheme == "http":
            headers["Proxy-Authorization"] = proxy.authorization

    async def send(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if session.trace_configs:  # instrumentation adds trace hooks when a session is made
            _after_hooks(request, authorize)
        else:
            authorize(request.headers, request.url)
        if proxy and proxy.authorization and request.url.scheme == "https":  # the CONNECT has the header
            request.proxy_headers = CIMultiDict({"Proxy-Authorization": proxy.authorization})
        hide_filters(request.url, is_presigned=authorization is None)
        try:
            return await handler(request)
        except (aiohttp.ClientError, TimeoutError) as error:
            # After some errors, aiohttp would resend the request at once, uncounted.
            shown = request.url.origin() if authorization is None else request.url
            failure = translated(error, session, shown, proxy)
        finally:
            for name in ("Authorization", "Proxy-Authorization"):  # before the hooks for the end of the request
                request.headers.pop(name, None)
        # Raised outside the except clause, so that it is not chained to aiohttp's error.
        try:
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    return send


def _after_hooks(request: aiohttp.ClientRequest, authorize: Callable[[CIMultiDict[str], URL], None]) -> None:
    """Add the key after the hooks saw the headers."""
    show = getattr(request, _SHOW_HEADERS, None)
    if show is None:
        raise errors.ConfigurationError(
            f"trace hooks would see the key, because aiohttp {aiohttp.__version__} has no "
            f"ClientRequest.{_SHOW_HEADERS}: install another version of aiohttp, or use no trace hooks"
        )

    async def show_without_key(method: str, url: URL, headers: CIMultiDict[str]) -> None:
        await show(method, url, headers)
        authorize(headers, url)

    request.headers.pop("Authorization", None)
    setattr(request, _SHOW_HEADERS, show_without_key)


def _middlewares_of(session: aiohttp.ClientSession) -> Iterable[aiohttp.ClientMiddlewareType]:
    middlewares = getattr(session, _OF_SESSION, None)
    if middlewares is None:
        _log.warning("the middlewares of http_session do not run, because aiohttp %s hides them", aiohttp.__version__)
        return ()
    return cast("Iterable[aiohttp.ClientMiddlewareType]", middlewares)


async def _without_filters(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    hide_filters(request.url)  # before one of the user's middlewares can fail
    return await handler(request)
