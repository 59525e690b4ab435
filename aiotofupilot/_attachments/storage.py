"""Receives a file from the storage of attachments, which is not the API's server.

Anybody who has a presigned address can download the file without a key. So the address is a secret, and no error, log
line or span shows it. Errors name at most the host.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import aiohttp
from attrs import define
from yarl import URL

from aiotofupilot import errors
from aiotofupilot._checks import host_of, is_loopback, is_visible
from aiotofupilot._http.client import Connection
from aiotofupilot._http.failures import refusal, translated
from aiotofupilot._http.retry import Attempts
from aiotofupilot._http.throttle import Throttle
from aiotofupilot._http.transport import REDIRECTS, REDIRECTS_AT_MOST, Transport, sender
from aiotofupilot._part import Part
from aiotofupilot._request import Label
from aiotofupilot._secret import Secret
from aiotofupilot._wire.response import Response, retry_after
from aiotofupilot.stats import RequestCounts

_log = logging.getLogger("aiotofupilot")

_ETAG = re.compile(r'"[!#-~]{1,1000}"')
"""A strong validator. A weak one does not say that two files are the same byte for byte."""

_RANGES = frozenset({HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE})

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)

_COMPRESSION = re.compile(r"\b(gzip|deflate|compress|br|zstd)\b")
"""Content-Encoding of a compressed body. Other values, such as ``aws-chunked``, do not mean compression."""


T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Run blocking work in a thread. A cancelled task waits for its end."""
    doing = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(doing)
    finally:
        while not doing.done():
            with suppress(asyncio.CancelledError):  # an earlier cancellation is about to end the caller
                await asyncio.wait((doing,))
        doing.exception()  # asyncio would log an error that a cancelled caller does not retrieve


async def receive(connection: Connection, address: Secret, part: Part, name: str, size: float | None) -> None:
    """Receive a file, with as many attempts as the connection's policy allows. Each attempt requests only the rest.

    Each storage has its own throttle, because an outage of the storage is not one of TofuPilot. ``name`` is for errors
    and log lines. ``size`` is in bytes, or 0 or None if the API does not know it.
    """
    url = _url(address)
    if url is None or not _is_safe(connection.transport, url):
        raise errors.AttachmentError(
            f"the address of {name} cannot be used: it is not the https:// address of a server"
        )
    origin, clock = url.value.origin(), connection.clock
    throttle = connection.storages.setdefault(str(origin), Throttle(clock, connection.transport.connections))
    label = Label("attachments", is_item=True)
    attempts: Attempts = Attempts(throttle, connection.retry, label, RequestCounts())
    try:
        await attempts.make(_Reception(connection, throttle, url, part, name, size or 0).attempt)
    except errors.TofuPilotError as error:
        attempts.sign(error)
        raise


@define(eq=False, repr=False)
class _Reception:
    """The arguments of `receive`, for each attempt."""

    _connection: Connection
    _throttle: Throttle
    _url: Secret
    _part: Part
    _name: str
    _size: float
    _etag: str | None = None
    """The validator of the bytes that have arrived. None if the rest cannot be requested."""

    @property
    def _validator(self) -> str | None:
        """The validator to request the rest with. None to request the whole file."""
        return self._etag if self._part.size else None

    async def attempt(self, attempts: Attempts) -> None:
        """Make one attempt. The session's timeout limits the time without any byte."""
        connection, timeout = self._connection, self._connection.timeout
        connection.lifetime.check()
        connection.transport.check()
        attempts.begin()
        try:
            return await self._take()
        except errors.RequestTimeoutError:
            text = f"no byte of {self._name} arrived within {timeout} s"
            failure: errors.TofuPilotError = errors.RequestTimeoutError(text, timeout=timeout)
        except errors.TofuPilotError as error:
            failure = error
        try:  # raised here, so that no error of another library becomes its context
            connection.transport.redaction.clean(failure)
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    async def _take(self) -> None:
        part = self._part
        async with self._responding() as (response, content):
            self._throttle.health.is_reached = True
            length = await self._begin(response)
            while not content.at_eof():
                await in_thread(partial(part.write, await content.readany()))
            _log.debug("%s: %d, %d bytes", self._name, response.status, part.size)
        if length not in {None, part.size}:
            raise errors.ConnectionFailedError(f"the file ended after {part.size} of {length} bytes")
        if self._size > 0 and part.size != self._size:  # the storage said this length, and would say it again
            sent = part.size
            await in_thread(partial(part.truncate, 0))
            error = self._error(f"sent {sent} bytes, but {self._name} has {self._size:.0f}", response)
            error.hint = "perhaps it is the login page of a network, or of a proxy"
            raise error

    def _error(self, fault: str, response: Response) -> errors.APIError:
        return errors.APIError(f"the storage {fault}", status=response.status)

    @asynccontextmanager
    async def _responding(self) -> AsyncGenerator[tuple[Response, aiohttp.StreamReader]]:
        """Request the rest, and yield the response after redirects, and its body.

        Requests use the connections and proxies of the aiohttp session. They send only ``Host``, ``Accept-Encoding``
        and the headers that request the rest, but no key, cookie or credentials. Trace hooks do not see them.
        """
        transport, url, timeout = self._connection.transport, self._url, self._connection.timeout
        proxy = None
        session, bare = transport.open(), transport.bare()
        headers = {"Accept-Encoding": "identity"}  # a compressed file could not be resumed
        if self._validator:
            headers |= {"Range": f"bytes={self._part.size}-", "If-Range": self._validator}
        try:
            async with bare:
                for _ in range(1 + REDIRECTS_AT_MOST):
                    transport.check()  # if it was closed between two redirects, aiohttp would raise a RuntimeError
                    proxy = transport.proxy_of(str(url.value.origin()))
                    async with bare.get(
                        url.value,
                        headers=headers,
                        middlewares=[sender(bare, None, proxy)],
                        allow_redirects=False,
                        timeout=aiohttp.ClientTimeout(total=None, connect=timeout, sock_read=timeout),
                        proxy=None if proxy is None else proxy.url,
                    ) as response:
                        if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                            raise refusal(response.status, url.value.origin(), proxy)
                        if response.status not in REDIRECTS or "Location" not in response.headers:
                            received_at = self._connection.clock.now()
                            yield Response(response.status, response.headers, b"", received_at), response.content
                            return
                        url = self._redirected(url, Secret(response.headers["Location"]))
                message = f"the storage redirected {self._name} more than {REDIRECTS_AT_MOST} times"
                raise errors.RedirectError(message, location=str(url.value.origin()))
        except (aiohttp.ClientError, errors.TransportError) as error:
            failure = translated(error, session, url.value.origin(), proxy)
            raise failure from failure.__cause__

    def _redirected(self, url: Secret, location: Secret) -> Secret:
        """Return the target of a redirect. Raise a `RedirectError` if others on the network could read it."""
        target = _url(location, url)
        if target is None or not _is_safe(self._connection.transport, target):
            shown = "another address" if target is None else str(target.value.origin())
            message = f"the storage redirected {self._name} to {shown}, which is not the https:// address of a server"
            raise errors.RedirectError(message, location=shown)
        return target

    async def _begin(self, response: Response) -> int | None:
        """Prepare the part for a response's body, and return the length of the file, or None if unknown.

        Raises:
            APIError: The body is compressed, or its end could not be verified.
            ConnectionFailedError: The body is another range of the file. The next attempt requests the whole file.
        """
        headers, part, validator, status = response.headers, self._part, self._validator, response.status
        etag = headers.get("ETag", "").strip()
        is_rest = validator is not None and status in _RANGES
        if status != HTTPStatus.OK and not is_rest:
            raise self._refusal(response)
        encodings = ", ".join(value for name, value in headers.items() if name.lower() == "content-encoding").lower()
        if _COMPRESSION.search(encodings):
            raise self._error(f"sent {self._name} as {encodings}, although no compression was requested", response)
        if is_rest:
            sent = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
            first, last, length = map(int, sent.groups()) if sent else (-1, -1, -1)
            if first == part.size and first <= last < length and etag == validator:
                return length
            await in_thread(partial(part.truncate, 0))
            raise errors.ConnectionFailedError("the storage did not send the part of the file that was requested")
        announced = headers.get("Content-Length")
        if announced is None and "chunked" not in headers.get("Transfer-Encoding", "").lower():
            raise self._error(f"does not say where {self._name} ends, so a lost end would go unnoticed", response)
        await in_thread(partial(part.truncate, 0))
        self._etag = etag if _ETAG.fullmatch(etag) else None
        return None if announced is None else int(announced)

    def _refusal(self, response: Response) -> errors.APIError:
        """Return the error for a response that is not a file.

        The error has only the status and the time to wait, because storages repeat the address, the signature and the
        signed text.
        """
        status = response.status
        kind = errors.ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else errors.APIError
        return {408: errors.ServerError, 429: errors.RateLimitedError}.get(status, kind)(
            "the storage did not send the file",  # without a name, because others that wait get this error, too
            status=status,
            retry_after=retry_after(response),
        )


def _url(address: Secret, base: Secret | None = None) -> Secret | None:
    """Return an address unchanged, because the signature may depend on each character.

    ``base`` is needed for a relative redirect. Return None if the result is not the address of a server.
    """
    try:
        url = URL(address.value, encoded=is_visible(address.value))
        found = Secret((url if base is None else base.value.join(url)).with_user(None))
        host_of(found.value)
    except (TypeError, ValueError):
        return None
    return found


def _is_safe(transport: Transport, url: Secret) -> bool:
    """Return whether nobody else on the network can read the address, and with it the file."""
    is_here = is_loopback(transport.base.host or "") and is_loopback(url.value.host or "")
    return url.value.scheme in ({"https", "http"} if is_here else {"https"})
