"""Receives a file from the storage of attachments, which is another server than the API's.

A presigned address stands in for the key, and anybody who has it can download the file. So it is a secret: it is in no
error, log line or span. Errors name the host at most.
"""

import asyncio
import logging
import re
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus

import aiohttp
from attrs import frozen
from yarl import URL

from aiotofupilot import errors
from aiotofupilot._checks import host_of, is_loopback, is_visible
from aiotofupilot._http.client import Connection
from aiotofupilot._http.failures import refusal, translated
from aiotofupilot._http.retry import Attempts
from aiotofupilot._http.throttle import Throttle
from aiotofupilot._http.transport import NO_LIMIT, REDIRECTS, REDIRECTS_AT_MOST, Transport, sender
from aiotofupilot._request import Label
from aiotofupilot._secret import Secret
from aiotofupilot._wire.response import Response, retry_after
from aiotofupilot.stats import RequestCounts

from .part import PartFile, in_thread

_log = logging.getLogger("aiotofupilot")

_ETAG = re.compile(r'"[!#-~]{1,1000}"')
"""A strong validator. A weak one does not say that two files are the same byte for byte."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)

_CODE = re.compile(rb"<Code>([A-Za-z]{1,60})</Code>")
"""What is wrong, in the XML of S3 and its like."""

_COMPRESSION = re.compile(r"\b(gzip|deflate|compress|br|zstd)\b")
"""What Content-Encoding says of a compressed body, although it was not asked for. Some storages keep a file as it was
uploaded. What else it says, such as ``aws-chunked`` or ``utf-8``, does not mean that the body is compressed."""

_COMPRESSED = frozenset({"gzip", "deflate"})
"""The compressions that are undone here. Others need other libraries, and nobody compresses twice."""

_ANY_HEADER = 32 + zlib.MAX_WBITS
"""The argument by which zlib reads gzip and deflate, and tells them apart by their headers."""

_EXCERPT = 2000
"""So many bytes of a refusal are read."""


async def receive(connection: Connection, address: Secret, part: PartFile, name: str, size: float | None) -> None:
    """Receive what is missing of a file, with as many attempts as the policy of the connection allows.

    Each storage has a throttle of its own, because its outage is not one of TofuPilot. ``name`` is what the file is
    called in errors and log lines. ``size`` is its size in bytes, by what the API says. 0 or None: the API does not
    know it.
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


@frozen(eq=False, repr=False)
class _Reception:
    """What `receive` has to do."""

    _connection: Connection
    _throttle: Throttle
    _url: Secret
    _part: PartFile
    _name: str
    _size: float

    @property
    def _validator(self) -> str | None:
        """The validator by which the rest is asked for. None: the whole file is."""
        etag = self._part.etag
        return etag if etag is not None and self._part.size and _ETAG.fullmatch(etag) else None

    async def attempt(self, attempts: Attempts) -> None:
        """Receive what is missing once. The session's timeout limits the time without any byte."""
        connection, timeout = self._connection, self._connection.timeout
        connection.lifetime.check()
        connection.transport.check()
        attempts.begin()
        silence = asyncio.timeout(timeout)
        try:
            async with silence:
                return await self._take(silence)
        except TimeoutError:
            if not silence.expired():
                raise  # the disk's
            text = f"no byte of {self._name} came within {timeout} s"
            failure: errors.TofuPilotError = errors.RequestTimeoutError(text, timeout=timeout)
        except errors.TofuPilotError as error:
            failure = error
        finally:
            del silence  # which knows its task, whose error knows this frame
        try:  # raised here, so that no error of another library becomes its context
            connection.transport.redaction.clean(failure)
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    async def _take(self, silence: asyncio.Timeout) -> None:
        """Request what is missing, and add it to the part."""
        loop, timeout, part = asyncio.get_running_loop(), self._connection.timeout, self._part
        received, is_whole = 0, True
        try:
            async with self._responding() as (response, content):
                self._throttle.health.is_reached = True
                length = await self._begin(response, content)
                encoding = _encoding(response)
                inflater = zlib.decompressobj(_ANY_HEADER) if encoding else None

                def taken(data: bytes) -> bytes:
                    nonlocal received
                    received += len(data)
                    return inflater.decompress(data) if inflater else data

                try:
                    while not content.at_eof():
                        if part.add(taken(await content.readany())):
                            silence.reschedule(None)
                            await in_thread(part.flush)
                        if timeout is not None:
                            silence.reschedule(loop.time() + timeout)
                    is_whole = inflater is None or (inflater.eof and not inflater.unused_data)
                except zlib.error:
                    is_whole = False
                _log.debug("%s: %d, %d bytes", self._name, response.status, part.size)
        finally:
            del silence  # as in `attempt`
        if length not in {None, part.size}:
            raise errors.ConnectionFailedError(f"the file ended after {part.size} of {length} bytes")
        # Every byte came that HTTP announced. So another attempt would bring the same.
        if not is_whole or not self._fits(part.size, *([received] if encoding else [])):
            sent = part.size
            await in_thread(partial(part.restart, None))
            if is_whole:
                raise self._misfit(sent, response)
            raise self._error(f"sent {self._name} as {encoding}, which is cut short or damaged", response)

    def _fits(self, *sizes: int) -> bool:
        """Return whether the file has one of these sizes, as far as the API knows its size."""
        return self._size <= 0 or self._size in sizes

    def _misfit(self, size: int, response: Response) -> errors.APIError:
        error = self._error(f"sent {size} bytes, and {self._name} has {self._size:.0f}", response)
        error.hint = "perhaps it is the login page of a network, or of a proxy"
        return error

    def _error(self, fault: str, response: Response) -> errors.APIError:
        return errors.APIError(f"the storage {fault}", status=response.status)

    @asynccontextmanager
    async def _responding(self) -> AsyncGenerator[tuple[Response, aiohttp.StreamReader]]:
        """Request what is missing, and give the response that redirects lead to, and its body apart from it.

        The requests go over the connections of the aiohttp session, and through the proxy that it has for each server.
        They have no header but ``Host``, ``Accept-Encoding`` and those that ask for the rest: no key, cookie or
        credentials. Trace hooks do not see them.
        """
        transport, url = self._connection.transport, self._url
        proxy = None
        session, bare = transport.open(), transport.bare()
        headers = {"Accept-Encoding": "identity"}  # a compressed file could not be resumed
        if self._validator:
            headers |= {"Range": f"bytes={self._part.size}-", "If-Range": self._validator}
        try:
            async with bare:
                for _ in range(1 + REDIRECTS_AT_MOST):
                    transport.check()  # between two redirects, aiohttp would raise a RuntimeError
                    proxy = transport.proxy_of(str(url.value.origin()))
                    async with bare.get(
                        url.value,
                        headers=headers,
                        middlewares=[sender(bare, None, proxy)],
                        allow_redirects=False,
                        timeout=NO_LIMIT,
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
        """Return where a redirect leads. One that somebody on the way could read is refused with a `RedirectError`."""
        target = _url(location, url)
        if target is None or not _is_safe(self._connection.transport, target):
            shown = "another address" if target is None else str(target.value.origin())
            message = f"the storage redirected {self._name} to {shown}, which is not the https:// address of a server"
            raise errors.RedirectError(message, location=shown)
        return target

    async def _begin(self, response: Response, content: aiohttp.StreamReader) -> int | None:
        """Prepare the part for the body of a response, and return how long the file is; None: the response is silent.

        Raises:
            APIError: It is no file, or nobody could say whether it is whole.
            ConnectionFailedError: It is another part, so the next attempt asks for the whole file.
        """
        headers, part, encoding, validator = response.headers, self._part, _encoding(response), self._validator
        etag = headers.get("ETag", "").strip()
        if response.status == HTTPStatus.OK:
            announced = headers.get("Content-Length")
            if announced is None and "chunked" not in headers.get("Transfer-Encoding", "").lower():
                fault = f"does not say where {self._name} ends, so a part could pass for the whole"
                raise self._error(fault, response)
            if encoding not in {"", *_COMPRESSED}:
                raise self._error(f"sent {self._name} as {encoding}, which cannot be decompressed", response)
            length = None if announced is None or encoding else int(announced)
            if length is not None and not self._fits(length):
                raise self._misfit(length, response)
            validator = etag if _ETAG.fullmatch(etag) and not encoding else None
            await in_thread(partial(part.restart, validator))  # which drops what has arrived
            return length
        if validator is None or response.status not in {
            HTTPStatus.PARTIAL_CONTENT,
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        }:
            raise await self._refusal(response, content)
        sent = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        first, last, length = map(int, sent.groups()) if sent else (-1, -1, -1)
        if first == part.size and first <= last < length and etag == validator and not encoding:
            return length
        await in_thread(partial(part.restart, None))
        raise errors.ConnectionFailedError("the storage did not send the part of the file that was asked for")

    async def _refusal(self, response: Response, content: aiohttp.StreamReader) -> errors.APIError:
        """Return the error for a response that is no file.

        It has nothing of what the storage says but the status, the time to wait and a code, because storages repeat the
        address, the signature and what is signed.
        """
        body, status = b"", response.status
        while not content.at_eof() and len(body) < _EXCERPT:
            body += await content.readany()
        found = _CODE.search(body)
        code = found[1].decode() if found else None
        kind = errors.ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else errors.APIError
        return {408: errors.ServerError, 429: errors.RateLimitedError}.get(status, kind)(
            "the storage did not send the file",  # which has no name, because others that wait get this error too
            status=status,
            code=None if code is None or code.lower() in str(self._url.value).lower() else code,
            retry_after=retry_after(response),
        )


def _encoding(response: Response) -> str:
    """Return how a body is compressed. Empty: it is not."""
    named = [value for name, value in response.headers.items() if name.lower() == "content-encoding"]  # perhaps several
    return ", ".join(_COMPRESSION.findall(", ".join(named).lower()))


def _url(address: Secret, base: Secret | None = None) -> Secret | None:
    """Return an address as it is sent: character by character, because the signature may depend on it.

    A redirect may lead to a relative one, which needs a base. None: it is not the address of a server.
    """
    try:
        url = URL(address.value, encoded=is_visible(address.value))
        found = Secret((url if base is None else base.value.join(url)).with_user(None))
        host_of(found.value)
    except (TypeError, ValueError):
        return None
    return found


def _is_safe(transport: Transport, url: Secret) -> bool:
    """Return whether nobody on the way can read an address, and with it the file."""
    is_here = is_loopback(transport.base.host or "") and is_loopback(url.value.host or "")
    return url.value.scheme in ({"https", "http"} if is_here else {"https"})
