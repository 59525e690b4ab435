"""Sends one request with aiohttp, and reads its whole response. Redirects are followed within the key's own origin."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from aiotofupilot._arguments import as_str, for_parameter, must_be
from aiotofupilot._version import __version__
from aiotofupilot._wire.response import Response
from aiotofupilot.errors import (
    ConfigurationError,
    RedirectError,
    ResponseTooLargeError,
    SessionError,
    TransportError,
)
from aiotofupilot.settings import is_loopback

from .auth import Sender, authorizing
from .failures import HEADER_LIMIT, HEADERS, refusal, translated
from .proxy import proxy_of_session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from ssl import SSLContext

    from aiotofupilot.clock import Clock
    from aiotofupilot.settings import Settings

    from .proxy import Proxy
    from .redaction import Redaction

_log = logging.getLogger("aiotofupilot")

_PRODUCT = r"[\w!#$%&'*+.^`|~-]+(?:/[\w!#$%&'*+.^`|~-]+)?"
_PRODUCTS = re.compile(f"{_PRODUCT}(?: {_PRODUCT})*", re.ASCII)
"""Names of programs, each perhaps with a version, as a User-Agent has them.

Source: https://www.rfc-editor.org/rfc/rfc9110#field.user-agent
"""

_USER_AGENT = f"aiotofupilot/{__version__} aiohttp/{aiohttp.__version__}"

_CONNECTIONS = 100
"""The most connections of an aiohttp session that is made here."""

_NO_LIMIT = aiohttp.ClientTimeout(total=None)
"""aiohttp limits nothing. Each attempt has a limit as a whole; see `client`."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})
REDIRECTS_AT_MOST = 5

_connections: WeakKeyDictionary[aiohttp.BaseConnector, dict[URL | None, asyncio.Semaphore]] = WeakKeyDictionary()
"""The limits of each connector on its connections: one for each server, and under None the one for all servers.

A request that waited within aiohttp for a connection would use up its timeout there. So it waits for these semaphores
before it is sent.
"""


class Transport:
    """Carries requests to one server with one key, over one aiohttp session.

    The user's own ``http_session`` is left open. If it is None, an aiohttp session is made on first use, and
    ``trace_configs``, ``tls`` and ``proxy`` are for it. Without ``tls``, it trusts the authorities that the system
    trusts. ``user_agent`` is what the User-Agent begins with. ``proxy_of`` returns the proxy for another server than
    the API's.

    Raises:
        TypeError: ``http_session`` is not an aiohttp session, or ``trace_configs`` holds something else, or
            ``user_agent`` is not a string.
        ValueError: ``user_agent`` is not one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        http_session: aiohttp.ClientSession | None,
        trace_configs: Sequence[aiohttp.TraceConfig] | None,
        clock: Clock,
        redaction: Redaction,
        tls: SSLContext | None = None,
        proxy: Proxy | None = None,
        user_agent: str | None = None,
        proxy_of: Callable[[str], Proxy | None] | None = None,
    ) -> None:
        self._settings = settings
        self._base = URL(settings.base_url)
        self._prefix = str(self._base)
        # A CIMultiDict, because aiohttp would otherwise make one for each request.
        self._headers = CIMultiDict({"Accept": "application/json", "User-Agent": _checked_user_agent(user_agent)})
        self._session = _checked_session(http_session)
        self._owns_session = http_session is None
        self._trace_configs = _checked_trace_configs(trace_configs)
        self._middlewares: list[aiohttp.ClientMiddlewareType] | None = None
        self._clock = clock
        self._redaction = redaction
        self._tls = tls
        self._proxy = proxy
        self._proxy_of = proxy_of
        self._limit = (asyncio.Semaphore(_CONNECTIONS),)
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def connections(self) -> tuple[asyncio.Semaphore, ...]:
        """The semaphores that a request holds while it is in flight.

        There is a free connection for a request that holds them all. Sessions that share the connector of an aiohttp
        session share the semaphores.
        """
        return self.connections_to(self._base)

    def connections_to(self, url: URL) -> tuple[asyncio.Semaphore, ...]:
        """Return the same for a request to any server."""
        if self._session is None or self._owns_session:
            return self._limit
        return _connection_limits(self._session.connector, url.origin())

    @property
    def is_local(self) -> bool:
        """Whether the API's server is this machine."""
        return is_loopback(self._base.host or "")

    @property
    def opened(self) -> bool:
        """Whether an aiohttp session was made here that is still open."""
        return self._owns_session and self._session is not None and not self._session.closed

    def check(self) -> None:
        """Refuse to send anything over an aiohttp session that is closed.

        Raises:
            SessionError: The aiohttp session is closed.
        """
        if self._session is not None and self._session.closed:
            raise SessionError("the aiohttp session is closed")

    def url(self, target: str) -> URL:
        """Return the address of a request target: path and query, percent-encoded, appended to the base URL."""
        return URL(f"{self._prefix}{target}", encoded=True)

    async def get(self, url: URL, max_body: int) -> Response:
        """Send a GET, and return its whole response, or the one that redirects lead to.

        Args:
            url: The address.
            max_body: The most bytes of a body after decompression.

        Raises:
            RedirectError: A redirect leads to another origin, or to an invalid URL, or there were more than 5 in a row.
            TransportError: No whole response arrived.
            SessionError: The aiohttp session is closed.
            ConfigurationError: The user's aiohttp session has two kinds of credentials, or this version of aiohttp
                cannot be used.
        """
        for _ in range(1 + REDIRECTS_AT_MOST):
            response = await self._get(url, max_body)
            if response.status not in REDIRECTS or "Location" not in response.headers:
                return response
            url = _target(url, response.headers["Location"])
        raise RedirectError(f"redirected more than {REDIRECTS_AT_MOST} times, at last to {url}", location=str(url))

    async def _get(self, url: URL, max_body: int) -> Response:
        """Send one GET, and return its whole response. A redirect is a response."""
        session = self._open()
        try:
            async with session.get(
                url,
                headers=self._headers,
                middlewares=self._middlewares,
                allow_redirects=False,
                raise_for_status=False,
                auto_decompress=True,
                timeout=_NO_LIMIT,
                max_headers=HEADERS,
                max_line_size=HEADER_LIMIT,
                max_field_size=HEADER_LIMIT,
            ) as response:
                self._check_proxy(response)
                body = await _read(response, max_body)
                if _log.isEnabledFor(logging.DEBUG):
                    self._log_response(url, response.status, len(body))
                # The headers are copied because a copy can be pickled. aiohttp's own object cannot.
                return Response(response.status, CIMultiDict(response.headers), body, self._clock.now())
        except (aiohttp.ClientError, TimeoutError, TransportError) as error:
            if session.closed:
                raise SessionError("the aiohttp session was closed while a request was under way") from None
            if isinstance(error, TransportError):
                raise
            failure = translated(error, url, self._proxy)
            raise failure from failure.__cause__
        except ValueError as error:
            if not str(error).startswith("Cannot combine AUTHORIZATION"):
                raise
            raise ConfigurationError(
                "the aiohttp session given as http_session has an Authorization header and other credentials, from "
                "its auth= or from a netrc file that its trust_env=True lets it read"
            ) from None

    @asynccontextmanager
    async def stream(self, url: URL, headers: Mapping[str, str]) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Send a GET for a presigned address, and give its response, whose body is not read. A redirect is a response.

        The request goes over the connections and the proxy of the aiohttp session. It has no header but these, ``Host``
        and ``Accept-Encoding``: no key, cookie or credentials. Trace hooks do not see it.

        Raises:
            TransportError: No response arrived.
            SessionError: The aiohttp session is closed.
            ConfigurationError: The proxy in the environment cannot be used.
        """
        session = self._open()
        proxy = self._route(session, url.origin())
        bare = aiohttp.ClientSession(
            connector=session.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "User-Agent"),
            proxy=None if proxy is None else proxy.url,
        )
        # A compressed file could not be resumed in the middle.
        sent = {"Accept-Encoding": "identity", **headers}
        try:
            async with (
                bare,
                bare.get(
                    url,
                    headers=sent,
                    middlewares=[Sender(bare, None, proxy)],
                    allow_redirects=False,
                    timeout=_NO_LIMIT,
                ) as response,
            ):
                if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                    raise refusal(response.status, url.origin(), proxy)
                yield response
        except (aiohttp.ClientError, TransportError) as error:
            if session.closed:
                raise SessionError("the aiohttp session was closed while a request was under way") from None
            if isinstance(error, TransportError):
                raise
            failure = translated(error, url.origin(), proxy)
            raise failure from failure.__cause__

    def _route(self, session: aiohttp.ClientSession, origin: URL) -> Proxy | None:
        """Return the proxy for another server than the API's. None: it is connected to directly.

        Raises:
            ConfigurationError: It cannot be used, or aiohttp has other private names.
        """
        if self._owns_session:
            return None if self._proxy_of is None else self._proxy_of(str(origin))
        return proxy_of_session(session, str(origin))

    async def close(self) -> None:
        """Close the aiohttp session and its connections, if it was made here."""
        if self._session is not None and self._owns_session:
            await self._session.close()

    def abandon(self) -> None:
        """Close the connections of the aiohttp session without waiting, because nothing refers to the session any more.

        This may be called in any thread, and after the event loop was closed. An aiohttp session of the user is left
        alone.
        """
        session, loop = self._session, self._loop
        if session is None or session.connector is None or loop is None:
            return
        connector = session.connector
        session.detach()  # otherwise aiohttp would warn about a session that was not closed

        def close() -> None:
            closing = connector.close().__await__()
            next(closing, None)  # all connections are closed before the first wait
            closing.close()

        try:
            here = asyncio.get_running_loop() is loop
        except RuntimeError:
            here = False
        if here or loop.is_closed():
            close()
        else:
            loop.call_soon_threadsafe(close)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._loop = asyncio.get_running_loop()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=self._tls or True),
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=self._trace_configs,
                proxy=None if self._proxy is None else self._proxy.url,
            )
        self.check()
        if self._middlewares is None:
            self._middlewares = authorizing(self._session, self._settings, self._proxy)
        return self._session

    def _log_response(self, url: URL, status: int, size: int) -> None:
        """Log a response, whatever its status. The record has ``tofupilot_status`` and ``tofupilot_bytes`` too."""
        shown = "an address with the key" if self._redaction.finds(str(url)) else str(url)
        fields = {"tofupilot_status": status, "tofupilot_bytes": size}
        _log.debug("GET %s: %d, %d bytes", shown, status, size, extra=fields)

    def _check_proxy(self, response: aiohttp.ClientResponse) -> None:
        """Refuse a response of a proxy in the place of the server's.

        Only a proxy answers with 407. A 403 to an unencrypted request can be the server's own, which is JSON.

        Raises:
            ProxyError: The proxy has refused the request.
        """
        forbids = (
            response.status == HTTPStatus.FORBIDDEN
            and self._proxy is not None
            and response.url.scheme == "http"
            and "json" not in response.content_type
        )
        if forbids or response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise refusal(response.status, response.url, self._proxy)


def _target(url: URL, location: str) -> URL:
    """Return where a redirect leads, without credentials, if the key may be sent there."""
    try:
        target = url.join(URL(location)).with_user(None)
        origin = target.origin()
    except ValueError:
        raise RedirectError(f"redirected to {location!r}, which is not a URL", location=location) from None
    if origin != url.origin():
        raise RedirectError(
            f"redirected to another origin, {target}, to which the key is not sent", location=str(target)
        )
    return target


def _checked_session(session: object) -> aiohttp.ClientSession | None:
    if session is None or isinstance(session, aiohttp.ClientSession):
        return session
    raise must_be(TypeError, "http_session", "an aiohttp.ClientSession or None", session)


def _checked_user_agent(products: object) -> str:
    """Return the User-Agent that begins with the products of a program; None: it has no name."""
    if products is None:
        return _USER_AGENT
    if not isinstance(products, str):
        raise must_be(TypeError, "user_agent", "a string or None", products)
    if _PRODUCTS.fullmatch(products) is None:
        bound = "names such as 'my-service/1.2', with a space between two, in the characters of an HTTP token"
        raise must_be(ValueError, "user_agent", bound, as_str(products))
    return f"{as_str(products)} {_USER_AGENT}"


def _checked_trace_configs(configs: object) -> list[aiohttp.TraceConfig]:
    if configs is None:
        return []
    if not isinstance(configs, Iterable):
        raise must_be(TypeError, "trace_configs", "a sequence of aiohttp.TraceConfig or None", configs)
    checked = [*cast("Iterable[aiohttp.TraceConfig]", configs)]
    for config in checked:
        if not isinstance(config, aiohttp.TraceConfig):  # pyright: ignore[reportUnnecessaryIsInstance] - a claim of the user
            message = f"trace_configs must hold aiohttp.TraceConfig objects, got {config!r}"
            raise for_parameter(TypeError(message), "trace_configs")
    return checked


def _connection_limits(connector: aiohttp.BaseConnector | None, origin: URL) -> tuple[asyncio.Semaphore, ...]:
    """Return the semaphores that a request to a server has to hold. Without a connector, the session is closed."""
    if connector is None:  # nothing will be sent
        return ()
    shared = _connections.setdefault(connector, {})
    # The server's own limit comes first. A request that waits for it must not hold a place that others could use.
    limits = {origin: connector.limit_per_host, None: connector.limit}
    return tuple(shared.setdefault(key, asyncio.Semaphore(limit)) for key, limit in limits.items() if limit)


async def _read(response: aiohttp.ClientResponse, max_body: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while not response.content.at_eof():
        chunks.append(await response.content.readany())
        size += len(chunks[-1])
        if size > max_body:
            error = ResponseTooLargeError(f"the response is larger than {max_body} bytes", limit=max_body)
            error.hint = "if it may be, give the session a larger max_body"
            raise error
    return b"".join(chunks)  # joining a single chunk copies nothing
