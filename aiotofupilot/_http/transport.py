"""aiohttp at work: a request target goes out, an answer comes back whole, and its errors become ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.http_exceptions import LineTooLong
from multidict import CIMultiDict
from yarl import URL

from aiotofupilot._wire.response import Response
from aiotofupilot.errors import (
    CertificateError,
    ConfigurationError,
    ConnectionFailedError,
    RedirectError,
    RequestTimeoutError,
    ResponseTooLargeError,
    SessionError,
    TofuPilotError,
)

from .redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .clock import Clock
    from .lifetime import Lifetime

__all__ = ["Transport"]

_log = logging.getLogger("aiotofupilot")

_CONNECTIONS = 100
"""At the most, in a session of our own."""

_BODY_LIMIT = 64 * 1024 * 1024
"""Bytes after decompression. A page has at most 100 items of a few hundred bytes."""

_HEADERS, _HEADER_LIMIT = 128, 8190
"""Header fields, and bytes of one, at the most; aiohttp's own bounds, which a session that is handed in may lack."""

_NO_LIMIT = aiohttp.ClientTimeout(total=None)
"""An attempt is limited as a whole, above aiohttp."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_AT_MOST = 5


class Transport:
    """Carries requests to one server with one key, over one aiohttp session.

    Args:
        base_url: What request targets are appended to, without a trailing slash.
        authorization: The value of that header.
        http_session: An aiohttp session to use, which is left open; None: one of our own is made on first use.
        trace_configs: Handed to the session of our own.
        clock: Dates the answers.
        lifetime: Ends the requests under way.

    Raises:
        TypeError: The aiohttp session or a trace config is something else.
    """

    def __init__(
        self,
        base_url: str,
        authorization: str,
        *,
        http_session: aiohttp.ClientSession | None,
        trace_configs: Sequence[aiohttp.TraceConfig] | None,
        clock: Clock,
        lifetime: Lifetime,
    ) -> None:
        self._base = URL(base_url)
        self._prefix = str(self._base)
        self.redaction = Redaction(authorization.removeprefix("Bearer "))
        """Where everything passes that an error or a log line keeps of what the server says."""
        headers = {"Accept": "application/json", "Authorization": authorization, "User-Agent": _user_agent()}
        self._headers = CIMultiDict(headers)  # which aiohttp would otherwise make of them for each request
        self._session = _checked_session(http_session)
        self._owns_session = http_session is None
        self._trace_configs = _checked_trace_configs(trace_configs)
        self._clock = clock
        self._lifetime = lifetime
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def connections(self) -> tuple[asyncio.Semaphore, ...]:
        """What a request has to hold while it is in flight, so that there is a free connection for it.

        Sessions that share the connector of an aiohttp session share these semaphores.
        """
        if self._session is None:
            return (asyncio.Semaphore(_CONNECTIONS),)
        return _connections(self._session.connector, self._base.origin())

    @property
    def opened(self) -> bool:
        """Whether there is an aiohttp session of our own to close."""
        return self._owns_session and self._session is not None and not self._session.closed

    async def get(self, target: str, *, timeout: float | None) -> Response:  # noqa: ASYNC109 - it becomes one of ours
        """Send one GET and return its answer, wholly read.

        Args:
            target: Path and query, percent-encoded, appended to the base URL.
            timeout: Seconds for all of it, redirects and body included; None: no limit.

        Raises:
            TransportError: No whole answer arrived.
            SessionError: The session was closed, or the aiohttp session is.
            ConfigurationError: The aiohttp session that was handed in adds credentials of its own.
        """
        url = URL(f"{self._prefix}{target}", encoded=True)
        try:
            return await self._lifetime.run(self._carry(url), timeout=timeout)
        except TimeoutError:
            pass
        # Raised outside of the except clause, so that no error of another library becomes the context of this one.
        raise RequestTimeoutError(f"no whole answer within {timeout} s from {url.path}", timeout=timeout)

    async def _carry(self, url: URL) -> Response:
        """Exchange, follow redirects as far as the key may travel, and raise no error of aiohttp's."""
        session = self._open()
        try:
            return await self._follow(session, url)
        except TofuPilotError as error:
            failure, cause = error, None
        except (TimeoutError, aiohttp.ClientError) as error:
            failure, cause = _translated(error, session, url), _os_error(error)
        except ValueError as error:
            if "AUTH" not in str(error):
                raise
            failure, cause = _credentials_of_its_own(), None
        # Raised outside of the except clauses, so that no error of another library becomes the context of this one.
        try:
            self.redaction.clean(failure)
            raise failure from cause
        finally:
            del failure, cause  # their tracebacks know this frame

    def check(self) -> None:
        """Refuse to send anything over an aiohttp session that is closed.

        Raises:
            SessionError: The aiohttp session is closed.
        """
        if self._session is not None and self._session.closed:
            raise SessionError("the aiohttp session is closed")

    async def close(self) -> None:
        """Close the aiohttp session, if it is our own, and with it every connection."""
        if self._session is not None and self._owns_session:
            await self._session.close()

    def abandon(self) -> None:
        """Close the connections of our own aiohttp session without waiting, for nobody holds it any more.

        That may be found out in any thread, and after the event loop was closed.
        """
        session, loop = self._session, self._loop
        if session is None or session.connector is None or loop is None:
            return
        connector = session.connector
        session.detach()  # which aiohttp would complain about, were it still open

        def close() -> None:
            closing = connector.close().__await__()
            next(closing, None)  # as far as it goes without waiting, which is to close them all
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
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=[_once],
                trace_configs=self._trace_configs,
            )
        self.check()
        return self._session

    async def _follow(self, session: aiohttp.ClientSession, url: URL) -> Response:
        """Exchange, and follow redirects as far as the key may travel."""
        for _ in range(1 + _REDIRECTS_AT_MOST):
            response = await self._exchange(session, url)
            if response.status not in _REDIRECTS or "Location" not in response.headers:
                return response
            url = self._target(url, response.headers["Location"])
        raise RedirectError(f"redirected more than {_REDIRECTS_AT_MOST} times, at last to {url}", location=str(url))

    def _target(self, url: URL, location: str) -> URL:
        """Return where a redirect leads, if the key may go there."""
        try:
            target = url.join(URL(location)).with_user(None)
            origin = target.origin()
        except ValueError:
            raise RedirectError(f"redirected to {location!r}, which is no URL", location=location) from None
        if origin != self._base.origin():
            raise RedirectError(
                f"redirected to another origin, {target}, where the key must not travel", location=str(target)
            )
        return target

    async def _exchange(self, session: aiohttp.ClientSession, url: URL) -> Response:
        async with session.get(
            url,
            headers=self._headers,
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=True,
            timeout=_NO_LIMIT,
            max_headers=_HEADERS,
            max_line_size=_HEADER_LIMIT,
            max_field_size=_HEADER_LIMIT,
        ) as response:
            body = await _read(response)
            if _log.isEnabledFor(logging.DEBUG):
                _log.debug("GET %s: %d, %d bytes", self.redaction.text(str(url)), response.status, len(body))
            return Response(response.status, response.headers, body, self._clock.now())


_by_connector: WeakKeyDictionary[aiohttp.BaseConnector, dict[URL | None, asyncio.Semaphore]] = WeakKeyDictionary()
"""The connections of each connector that was handed in: those to one server, and, under None, all of them."""


def _connections(connector: aiohttp.BaseConnector | None, origin: URL) -> tuple[asyncio.Semaphore, ...]:
    if connector is None:  # the aiohttp session is closed, and nothing will be sent
        return ()
    shared = _by_connector.setdefault(connector, {})
    # The connection to the server comes first, so that nobody holds one of all while waiting for one to this server.
    limits = {origin: connector.limit_per_host, None: connector.limit}
    return tuple(shared.setdefault(key, asyncio.Semaphore(limit)) for key, limit in limits.items() if limit)


def _checked_session(session: object) -> aiohttp.ClientSession | None:
    if session is None or isinstance(session, aiohttp.ClientSession):
        return session
    raise TypeError(f"http_session must be an aiohttp.ClientSession or None, got {session!r}")


def _checked_trace_configs(configs: object) -> list[aiohttp.TraceConfig]:
    if configs is None:
        return []
    if not isinstance(configs, Iterable):
        raise TypeError(f"trace_configs must be a sequence of aiohttp.TraceConfig or None, got {configs!r}")
    checked: list[aiohttp.TraceConfig] = []
    for config in cast("Iterable[object]", configs):
        if not isinstance(config, aiohttp.TraceConfig):
            raise TypeError(f"trace_configs must hold aiohttp.TraceConfig objects, got {config!r}")
        checked.append(config)
    return checked


@cache
def _user_agent() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - a twentieth of this package's import, which can wait

    return f"aiotofupilot/{version('aiotofupilot')} aiohttp/{aiohttp.__version__}"


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while not response.content.at_eof():
        chunks.append(await response.content.readany())
        size += len(chunks[-1])
        if size > _BODY_LIMIT:
            raise ResponseTooLargeError(f"the answer is larger than {_BODY_LIMIT} bytes", limit=_BODY_LIMIT)
    return b"".join(chunks)  # of one alone, this is that one


class _LostError(aiohttp.ClientError):
    """Stands for an error after which aiohttp would send the request again."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__()
        self.error = error


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request again by itself, at once and uncounted, when the connection is lost."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:  # after this one it does not
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _LostError(error) from error


def _translated(error: Exception, session: aiohttp.ClientSession, url: URL) -> TofuPilotError:
    """Return the error of ours that one of aiohttp's becomes.

    What aiohttp quotes of an answer is never repeated. It quotes pieces, and a piece of the key could not be found.
    """
    if isinstance(error, _LostError):
        error = error.error
    if isinstance(error, TimeoutError):
        return RequestTimeoutError(f"no whole answer before the connection gave up from {url.path}", timeout=None)
    if session.closed:
        return SessionError("the aiohttp session was closed while a request was under way")
    if isinstance(error, aiohttp.ClientSSLError):
        return CertificateError(f"TLS with {url.host} could not be set up: {error}")
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return CertificateError(f"TLS with {url.host} could not be set up: its certificate is not the pinned one")
    if _is_flood(error):
        return ResponseTooLargeError(
            f"the answer has more than {_HEADERS} headers, or one of more than {_HEADER_LIMIT} bytes", limit=None
        )
    return ConnectionFailedError(f"the connection to {url.host} failed: {_reason(error)}")


def _reason(error: Exception) -> str:
    """Return in words why no answer came."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {error.status}"
        case aiohttp.ClientResponseError():
            return f"the answer is not HTTP ({type(error.__cause__ or error).__name__})"
        case aiohttp.ClientPayloadError():
            return f"the body was cut short, or is not encoded as announced ({type(error.__cause__ or error).__name__})"
        case aiohttp.ServerDisconnectedError():
            return "the server disconnected"
        case OSError() if str(error):
            return str(error)  # in the operating system's words
        case _:
            return type(error).__name__


def _os_error(error: BaseException | None) -> OSError | None:
    """Return the operating system's error behind one of aiohttp's; None: there is none.

    It knows nothing of the answer, so it may be seen as a cause. aiohttp's own may hold the key, and what it quotes.
    """
    if isinstance(error, _LostError):
        error = error.error
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error and error.__cause__
    if not isinstance(cause, OSError) or isinstance(cause, aiohttp.ClientError):
        return None
    cause.__cause__ = cause.__context__ = None
    return cause


def _credentials_of_its_own() -> ConfigurationError:
    return ConfigurationError(
        "the aiohttp session has credentials of its own for this server, from its auth= or from a netrc file that its "
        "trust_env=True lets it read"
    )


def _is_flood(error: Exception) -> bool:
    if not isinstance(error, aiohttp.ClientResponseError):
        return False
    parsing = error.__cause__ and error.__cause__.__cause__
    return isinstance(parsing, LineTooLong) or error.message == "Too many headers received"
