"""Sends one request with aiohttp, and reads its whole answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from aiotofupilot._arguments import named
from aiotofupilot._version import __version__
from aiotofupilot._wire.response import Response
from aiotofupilot.errors import ConfigurationError, ResponseTooLargeError, SessionError

from .connection_limits import connection_limits
from .failures import HEADER_LIMIT, HEADERS, translated
from .key import key_sender
from .records import log_answer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext

    from aiotofupilot.clock import Clock

    from .redaction import Redaction

__all__ = ["Transport"]

_log = logging.getLogger("aiotofupilot")

_USER_AGENT = f"aiotofupilot/{__version__} aiohttp/{aiohttp.__version__}"

_CONNECTIONS = 100
"""The most connections of an aiohttp session that is made here."""

_BODY_LIMIT = 64 * 1024 * 1024
"""The most bytes of a body after decompression. A page has at most 100 items of a few hundred bytes."""

_NO_LIMIT = aiohttp.ClientTimeout(total=None)
"""aiohttp limits nothing. Each attempt has a limit as a whole; see `Connection`."""


class Transport:
    """Carries requests to one server with one key, over one aiohttp session.

    Args:
        base_url: The address that request targets are appended to, without a trailing slash.
        authorization: The value of that header.
        http_session: The user's aiohttp session, which is left open; None: an aiohttp session is made on first use.
        trace_configs: For the aiohttp session that is made here.
        clock: Dates the answers.
        redaction: Hides the key in log lines.
        tls: For the connections of the aiohttp session that is made here. None: aiohttp's default, which trusts the
            authorities that the system trusts.

    Raises:
        TypeError: ``http_session`` is not an aiohttp session, or ``trace_configs`` holds something else.
    """

    def __init__(
        self,
        base_url: str,
        authorization: str,
        *,
        http_session: aiohttp.ClientSession | None,
        trace_configs: Sequence[aiohttp.TraceConfig] | None,
        clock: Clock,
        redaction: Redaction,
        tls: SSLContext | None = None,
    ) -> None:
        self._base = URL(base_url)
        self._prefix = str(self._base)
        # A CIMultiDict, because aiohttp would otherwise make one for each request.
        self._headers = CIMultiDict({"Accept": "application/json", "User-Agent": _USER_AGENT})
        self._session = _checked_session(http_session)
        self._owns_session = http_session is None
        self._trace_configs = _checked_trace_configs(trace_configs)
        self._authorization = authorization
        self._middlewares = None if http_session is None else _middlewares(http_session, authorization)
        self._clock = clock
        self._redaction = redaction
        self._tls = tls
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def connections(self) -> tuple[asyncio.Semaphore, ...]:
        """The semaphores that a request holds while it is in flight.

        There is a free connection for a request that holds them all. Sessions that share the connector of an aiohttp
        session share the semaphores.
        """
        if self._session is None:
            return (asyncio.Semaphore(_CONNECTIONS),)
        return connection_limits(self._session.connector, self._base.origin())

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

    async def get(self, url: URL) -> Response:
        """Send one GET, and return its whole answer. A redirect is an answer.

        Raises:
            TransportError: No whole answer arrived.
            SessionError: The aiohttp session is closed.
            ConfigurationError: The user's aiohttp session has two kinds of credentials.
        """
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
                body = await _read(response)
                if _log.isEnabledFor(logging.DEBUG):
                    log_answer(self._redaction.text(str(url)), status=response.status, size=len(body))
                # The headers are copied because a copy can be pickled. aiohttp's own object cannot.
                return Response(response.status, CIMultiDict(response.headers), body, self._clock.now())
        except (aiohttp.ClientError, TimeoutError) as error:
            if session.closed:
                raise SessionError("the aiohttp session was closed while a request was under way") from None
            failure = translated(error, url)
            raise failure from failure.__cause__
        except ValueError as error:
            if "AUTH" not in str(error):
                raise
            raise ConfigurationError(
                "the aiohttp session given as http_session has an Authorization header and other credentials, from "
                "its auth= or from a netrc file that its trust_env=True lets it read"
            ) from None

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
            )
            self._middlewares = _middlewares(self._session, self._authorization)
        self.check()
        return self._session


def _middlewares(session: aiohttp.ClientSession, authorization: str) -> list[aiohttp.ClientMiddlewareType]:
    """Return the middlewares of a request: those of the aiohttp session, and at the end the one that sends the key.

    The middlewares of a request replace those of the session. aiohttp has no public name for the session's middlewares.
    """
    of_session = session._middlewares  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see above
    # A library that instruments aiohttp adds its hooks when a session is made, so they are read off the session.
    return [*of_session, key_sender(authorization, session.trace_configs)]


def _checked_session(session: object) -> aiohttp.ClientSession | None:
    if session is None or isinstance(session, aiohttp.ClientSession):
        return session
    raise named(TypeError(f"http_session must be an aiohttp.ClientSession or None, got {session!r}"), "http_session")


def _checked_trace_configs(configs: object) -> list[aiohttp.TraceConfig]:
    if configs is None:
        return []
    if not isinstance(configs, Iterable):
        complaint = f"trace_configs must be a sequence of aiohttp.TraceConfig or None, got {configs!r}"
        raise named(TypeError(complaint), "trace_configs")
    checked: list[aiohttp.TraceConfig] = []
    for config in cast("Iterable[object]", configs):
        if not isinstance(config, aiohttp.TraceConfig):
            complaint = f"trace_configs must hold aiohttp.TraceConfig objects, got {config!r}"
            raise named(TypeError(complaint), "trace_configs")
        checked.append(config)
    return checked


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while not response.content.at_eof():
        chunks.append(await response.content.readany())
        size += len(chunks[-1])
        if size > _BODY_LIMIT:
            raise ResponseTooLargeError(f"the answer is larger than {_BODY_LIMIT} bytes", limit=_BODY_LIMIT)
    return b"".join(chunks)  # joining a single chunk copies nothing
