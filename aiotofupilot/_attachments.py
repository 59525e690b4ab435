"""Downloads an attachment of a run or a unit into a file whose name works on every system.

The file comes from a storage, which is not the API's server. Anybody who has a presigned address can download the file
without the key. So the address is a secret, and appears in no error, log line or span. Errors name the host at most.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

import aiohttp
from attrs import define, evolve
from yarl import URL

from . import errors
from ._checks import Secret, host_of, is_loopback, is_visible, must_be
from ._http.client import Connection
from ._http.failures import refusal, translated
from ._http.retry import Attempts
from ._http.throttle import Throttle
from ._http.transport import Transport, sender
from ._part import Part
from ._request import Label
from ._wire.response import Response, retry_after
from .errors import APIError, AttachmentError
from .listings import listing_class
from .models import Attachment, RunDetails, UnitDetails
from .stats import RequestCounts

_log = logging.getLogger("aiotofupilot")

_ETAG = re.compile(r'"[!#-~]{1,1000}"')
"""A strong ETag. A weak one does not promise that two files are equal byte for byte."""

_RANGES = frozenset({HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE})

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)

_COMPRESSION = re.compile(r"\b(gzip|deflate|compress|br|zstd)\b")
"""Content-Encoding of a compressed body. Other values, such as ``aws-chunked``, do not mean compression."""

_REFUSALS = frozenset({400, 401, 403, 404, 410})
"""Statuses with which storages refuse an expired address."""

_locks: WeakValueDictionary[tuple[int, Path], asyncio.Lock] = WeakValueDictionary()
"""The locks of files that are being downloaded, by event loop and path."""

T = TypeVar("T")


async def download(connection: Connection, attachment: object, folder: object) -> Path:
    """Download one attachment; see `TofuPilotSession.download`."""
    found = _checked(attachment)
    if not isinstance(folder, str | os.PathLike):
        raise must_be(TypeError, "folder", "a string or a path", folder)
    path = Path(cast("str | os.PathLike[str]", folder)) / relative_path(found)

    async def work() -> None:
        async with _locks.setdefault((id(asyncio.get_running_loop()), path.absolute()), asyncio.Lock()):
            with ExitStack() as files:
                part = await in_thread(partial(_begun, path, files))
                if part is not None:
                    await _receive(connection, found, part)
                    await in_thread(part.place)

    await connection.lifetime.run(work)
    return path


def _begun(path: Path, files: ExitStack) -> Part | None:
    """Open the part of a file. Leaving ``files`` closes the part. Return None if the file is already complete.

    Raises:
        AttachmentError: Another process, or another event loop of this one, is downloading the file.
    """
    if path.is_file():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    part = Part.of(path)
    if part is None:
        raise AttachmentError(f"another process is downloading {path}")
    files.callback(part.remove)
    if path.is_file():  # another process has completed it meanwhile
        return None
    part.truncate(0)
    return part


async def _receive(connection: Connection, attachment: Attachment, part: Part) -> None:
    """Receive the whole file. If the storage refuses the address, try a new one once."""
    is_renewed = attachment.download_url is None
    if is_renewed:
        attachment = await _renewed(connection, attachment)
    while True:
        try:
            address, name = Secret(attachment.download_url), f"attachment {attachment.id!r}"
            return await _attempted(connection, address, part, name, attachment.size)
        except APIError as error:
            if is_renewed or error.status not in _REFUSALS:
                raise
            if attachment.owner is None:
                error.hint = "if the address has expired, read the run or unit again"
                raise
        attachment, is_renewed = await _renewed(connection, attachment), True


async def _renewed(connection: Connection, attachment: Attachment) -> Attachment:
    listing, key = attachment.owner or ("", "")
    name, whose = f"attachment {attachment.id!r}", f"{listing.removesuffix('s')} {key!r}"
    source: Any = listing_class(listing)(connection)
    owner: RunDetails | UnitDetails = await source.get(key)
    found = next((one for one in owner.attachments if one.id == attachment.id), None)
    if found is None:
        raise AttachmentError(f"{whose} has no {name} any more")
    if found.download_url is None:
        failure = AttachmentError(f"the server has no address for {name} of {whose}")
        failure.hint = "perhaps its upload has not ended"
        raise failure
    return evolve(attachment, download_url=found.download_url, size=found.size)


def _checked(attachment: object) -> Attachment:
    if not isinstance(attachment, Attachment):
        raise must_be(TypeError, "attachment", "an Attachment, from the details of a run or a unit", attachment)
    owner = attachment.owner
    if owner is None and attachment.download_url is None:
        bound = "one with an address or an owner, such as from the details of a run or a unit"
        raise must_be(ValueError, "attachment", bound, attachment)
    if owner is not None and owner[0] not in {"runs", "units"}:
        raise must_be(ValueError, "attachment.owner", '("runs", id) or ("units", serial_number)', owner)
    return attachment


async def in_thread(work: Callable[[], T]) -> T:
    """Run blocking work in a thread. A task that is cancelled first waits until the work has ended."""
    doing = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(doing)
    finally:
        while not doing.done():
            with suppress(asyncio.CancelledError):  # an earlier cancellation is about to end the caller
                await asyncio.wait((doing,))
        doing.exception()  # asyncio would log an error that a cancelled caller does not retrieve


async def _attempted(connection: Connection, address: Secret, part: Part, name: str, size: float | None) -> None:
    """Receive a file, with as many attempts as the connection's policy allows. Each attempt requests only the rest.

    Each storage has its own throttle, because an outage of the storage does not mean that TofuPilot is down. ``name``
    is for errors and log lines. ``size`` is in bytes, or 0 or None if the API does not know it.
    """
    url = _url(address, connection.transport)
    if url is None:
        raise AttachmentError(f"the address of {name} cannot be used: it is not the https:// address of a server")
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
        """The validator with which to request the rest. None if the whole file is to be requested."""
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
        if self._size > 0 and part.size != self._size:  # another attempt would get the same length
            sent = part.size
            await in_thread(partial(part.truncate, 0))
            error = self._error(f"sent {sent} bytes, but {self._name} has {self._size:.0f}", response)
            error.hint = "perhaps it is the login page of a network, or of a proxy"
            raise error

    def _error(self, fault: str, response: Response) -> APIError:
        return APIError(f"the storage {fault}", status=response.status)

    @asynccontextmanager
    async def _responding(self) -> AsyncGenerator[tuple[Response, aiohttp.StreamReader]]:
        """Request the rest, and yield the response without its body, and a reader of the body.

        Requests use the connections and proxies of the aiohttp session. They send only ``Host``, ``Accept-Encoding``
        and headers that ask for the rest: no key, cookie or credentials. Trace hooks do not see them.
        """
        transport, url, timeout = self._connection.transport, self._url, self._connection.timeout
        session, bare = transport.open(), transport.bare()
        headers = {"Accept-Encoding": "identity"}  # a compressed file could not be resumed
        if self._validator:
            headers |= {"Range": f"bytes={self._part.size}-", "If-Range": self._validator}
        proxy = transport.proxy_of(str(url.value.origin()))
        try:
            async with (
                bare,
                bare.get(
                    url.value,
                    headers=headers,
                    middlewares=[sender(bare, None, proxy)],
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, connect=timeout, sock_read=timeout),
                    proxy=None if proxy is None else proxy.url,
                ) as response,
            ):
                if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                    raise refusal(response.status, url.value.origin(), proxy)
                received_at = self._connection.clock.now()
                yield Response(response.status, response.headers, b"", received_at), response.content
        except (aiohttp.ClientError, errors.TransportError) as error:
            failure = translated(error, session, url.value.origin(), proxy)
            raise failure from failure.__cause__

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
            raise self._error(f"does not say where {self._name} ends, so nothing shows if it was cut short", response)
        await in_thread(partial(part.truncate, 0))
        self._etag = etag if _ETAG.fullmatch(etag) else None
        return None if announced is None else int(announced)

    def _refusal(self, response: Response) -> APIError:
        """Return the error for a response that is not a file.

        The error has only the status and the time to wait, because storages repeat the address, the signature and the
        signed text.
        """
        status = response.status
        kind = errors.ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else APIError
        return {408: errors.ServerError, 429: errors.RateLimitedError}.get(status, kind)(
            "the storage did not send the file",  # no file name, because other downloads get this error, too
            status=status,
            retry_after=retry_after(response),
        )


def _url(address: Secret, transport: Transport) -> Secret | None:
    """Return an address unchanged, because the signature may depend on each character.

    Return None if it is not the address of a server, or if others on the network could read it, and so get the file.
    """
    try:
        found = Secret(URL(address.value, encoded=is_visible(address.value)).with_user(None))
        is_here = is_loopback(transport.base.host or "") and is_loopback(host_of(found.value))
    except (TypeError, ValueError):
        return None
    return found if found.value.scheme in ({"https", "http"} if is_here else {"https"}) else None


_FORBIDDEN = frozenset('/\\:*?"<>|')

_ID_BYTES = 120
_NAME_BYTES = 240
"""The most bytes of a file name. File systems allow 255, and the name of a part is longer than that of its file."""

_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
"""The names that mean a device on Windows, even with an ending."""


def relative_path(attachment: Attachment) -> str:
    """Return the path of an attachment in a folder: ``<id of the owner>/<id>-<name>``, or only the file if unowned."""
    identity = _identity(attachment.id)
    name = _cleaned(attachment.name)
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - it is a name, and not a path
    most = _NAME_BYTES - len(f"{identity}-".encode())
    if len(name.encode()) > most:
        name = (
            _cut(stem, most - len(suffix.encode())) + suffix if len(suffix) < len(stem) else _cut(name, most)
        ).rstrip(". ")
    file = f"{identity}-{name}" if name else identity
    return file if attachment.owner is None else f"{_identity(attachment.owner[1])}/{file}"


def _identity(text: str) -> str:
    """Return an ID as a file name. Two IDs never get the same name.

    An ID that has a tilde, or is not a valid name on every system, is changed, and gets a digest after a tilde.
    """
    name = _cut(_cleaned(text).replace("~", "_"), _ID_BYTES - 34)
    if text and text == name and not _DEVICE.match(name):
        return text
    return f"_{name}~{sha256(text.encode(errors='surrogatepass')).hexdigest()[:32]}"


def _cleaned(text: str) -> str:
    """Replace the characters that a file name may not have, control characters and marks included."""
    return "".join("_" if one in _FORBIDDEN or not one.isprintable() else one for one in text).strip(". ")


def _cut(text: str, length: int) -> str:
    """Return the beginning of a text, in at most ``length`` bytes."""
    return text.encode()[:length].decode(errors="ignore")
