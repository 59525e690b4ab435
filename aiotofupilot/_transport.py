"""aiohttp at work: a request target goes out, an answer comes back whole, and its errors become ours."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from ._protocol import Response
from .errors import (
    CertificateError,
    ConnectionFailedError,
    RedirectError,
    RequestTimeoutError,
    ResponseTooLargeError,
    SessionError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._clock import Clock

__all__ = ["Transport"]

_log = logging.getLogger("aiotofupilot")

_BODY_LIMIT = 64 * 1024 * 1024
"""Bytes after decompression. A page has at most 100 items of a few hundred bytes."""

_NO_LIMIT = aiohttp.ClientTimeout(total=None)
"""An attempt is limited as a whole, above aiohttp."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECTS_AT_MOST = 5

_USER_AGENT = f"aiotofupilot/{version('aiotofupilot')} aiohttp/{aiohttp.__version__}"


class Transport:
    """Carries requests to one server with one key, over one aiohttp session, in one event loop.

    Args:
        base_url: What request targets are appended to, without a trailing slash.
        authorization: The value of that header.
        http_session: An aiohttp session to use, which is left open; None: one of our own is made on first use.
        trace_configs: Handed to the session of our own.
        clock: Dates the answers.
    """

    def __init__(
        self,
        base_url: str,
        authorization: str,
        *,
        http_session: aiohttp.ClientSession | None,
        trace_configs: Sequence[aiohttp.TraceConfig] | None,
        clock: Clock,
    ) -> None:
        self._base = URL(base_url)
        self._prefix = str(self._base)
        self._headers = {"Accept": "application/json", "Authorization": authorization, "User-Agent": _USER_AGENT}
        self._session = http_session
        self._owns_session = http_session is None
        self._trace_configs = trace_configs
        self._clock = clock

    async def get(self, target: str, *, timeout: float | None) -> Response:  # noqa: ASYNC109 - it becomes one of ours
        """Send one GET and return its answer, wholly read.

        Args:
            target: Path and query, percent-encoded, appended to the base URL.
            timeout: Seconds for all of it, redirects and body included; None: no limit.

        Raises:
            TransportError: No whole answer arrived.
            SessionError: The aiohttp session is closed.
        """
        session = self._open()
        url = URL(f"{self._prefix}{target}", encoded=True)
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(session, url)
        except TimeoutError as error:
            raise RequestTimeoutError(f"no whole answer within {timeout} s from {url.path}", timeout=timeout) from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise CertificateError(f"the certificate of {url.host} was not accepted: {error}") from error
        except aiohttp.ClientError as error:
            if session.closed:
                raise SessionError("the aiohttp session was closed while a request was under way") from error
            raise ConnectionFailedError(f"{type(error).__name__} from {url.host}: {error}") from error

    async def close(self) -> None:
        """Close the aiohttp session, if it is our own, and with it every connection."""
        if self._session is not None and self._owns_session:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), trace_configs=list(self._trace_configs or ())
            )
        if self._session.closed:
            raise SessionError("the aiohttp session is closed")
        return self._session

    async def _follow(self, session: aiohttp.ClientSession, url: URL) -> Response:
        """Exchange, and follow redirects as far as the key may travel."""
        for _ in range(_REDIRECTS_AT_MOST):
            response = await self._exchange(session, url)
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or location is None:
                return response
            url = url.join(URL(location))
            if url.origin() != self._base.origin():
                raise RedirectError(
                    f"redirected to another origin, {url}, where the key must not travel", location=str(url)
                )
        raise RedirectError(f"redirected more than {_REDIRECTS_AT_MOST} times, at last to {url}", location=str(url))

    async def _exchange(self, session: aiohttp.ClientSession, url: URL) -> Response:
        async with session.get(
            url, headers=self._headers, allow_redirects=False, raise_for_status=False, timeout=_NO_LIMIT
        ) as response:
            body = await _read(response)
            _log.debug("GET %s: %d, %d bytes", url, response.status, len(body))
            return Response(response.status, response.headers, body, self._clock.now())


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > _BODY_LIMIT:
            raise ResponseTooLargeError(f"the answer is larger than {_BODY_LIMIT} bytes", limit=_BODY_LIMIT)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
