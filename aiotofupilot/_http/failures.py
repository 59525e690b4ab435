"""What the error of a request may tell.

Errors of aiohttp become errors of this package, whose messages quote nothing of a response. What a server says is
withheld if it repeats the key, before an error or a log line keeps it.
"""

from __future__ import annotations

import os
import re
import socket
from base64 import b64encode
from collections.abc import Mapping
from functools import cache, cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp.http_exceptions import LineTooLong
from attrs import astuple, has

from aiotofupilot.errors import (
    CertificateError,
    ConnectionFailedError,
    ProxyError,
    RequestTimeoutError,
    ResponseTooLargeError,
    SessionError,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from yarl import URL

    from aiotofupilot._wire.response import Response
    from aiotofupilot.errors import TofuPilotError

    from .proxy import Proxy

HEADERS, HEADER_LIMIT = 128, 8190
"""The most header fields that a response may have, and the most bytes of one field.

These are aiohttp's default bounds. Each request names them, because an aiohttp session of the user may have others.
"""

_SERVER_FAULT, _PASSING = 500, frozenset({408, 429})
"""Statuses of a proxy that did not reach the server, or not now: from 500 on, and two more."""

WITHHELD = "withheld, because the response repeats the key"
"""What an error says instead of its message."""

_UNMOCKED = "Connection refused: GET "
"""How aioresponses begins its error for a request that has no mocked response. aiohttp never says this."""

_EARLY = (
    'unless on_drift="ignore" is given, a walk requests each page one item early; mock_listing of aiotofupilot.testing '
    "responds to any page"
)
"""What to do where the mocked pages begin at exactly the cursors that the pages before them name."""

_RECOGNISABLE = 8
"""A secret with fewer characters is not looked for, because it might be a word of the API."""


def translated(
    error: aiohttp.ClientError | TimeoutError | TransportError,
    session: aiohttp.ClientSession,
    url: URL,
    proxy: Proxy | None,
) -> TransportError | SessionError:
    """Return the error of this package for what ended a request. Its cause is one of the operating system, or None.

    An error of aiohttp may hold the request with the key or with the password of a proxy. Its text may quote the
    address with its filters, or a piece of the response. A part of the key in such a piece could not be found and
    hidden. So the text is not repeated, and the error is not chained. ``proxy`` is None if the session has none, or if
    it is one of the user's own aiohttp session.
    """
    if session.closed:
        return SessionError("the aiohttp session was closed while a request was under way")
    if isinstance(error, TransportError):
        return error
    is_unmocked = type(error) is aiohttp.ClientConnectionError and str(error).startswith(_UNMOCKED)
    ours = _unmocked(url) if is_unmocked else _ours(error, url, proxy)
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    if isinstance(cause, OSError) and not isinstance(cause, aiohttp.ClientError):
        ours.__cause__ = cause
    return ours


def _unmocked(url: URL) -> TransportError:
    """Return the error for a request that has no mocked response. It is tried once, because this is not an outage."""
    cursor = url.query.get("cursor")
    where = url.path if cursor is None else f"{url.path} at cursor {cursor}"
    error = TransportError(f"aioresponses has no response for {where}")
    error.hint = cursor and _EARLY
    return error


def refusal(status: int, url: URL, proxy: Proxy | None) -> ProxyError:
    error = ProxyError(f"{proxy or 'the proxy'} refused the way to {url.host}: it answered {status}", status=status)
    source = _source(proxy)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        error.hint = f"give {source} the right user name and password: http://USER:PASSWORD@proxy.example.com:3128"
    else:
        error.hint = f"check the proxy in {source}, and that it allows {url.host}"
    return error


def _ours(error: aiohttp.ClientError | TimeoutError, url: URL, proxy: Proxy | None) -> TransportError:
    match error:
        case TimeoutError():
            return RequestTimeoutError(f"no whole response from {url.path} before the connection gave up", timeout=None)
        case aiohttp.ServerFingerprintMismatch():
            return CertificateError(f"TLS with {url.host} could not be set up: its certificate is not the pinned one")
        case aiohttp.ClientSSLError():
            failure: TransportError = CertificateError(
                f"TLS with {_peer(error, url)} could not be set up: {error.os_error}"
            )
            failure.hint = (
                "check its address; if its certificate is of a private authority, set SSL_CERT_FILE to a PEM file, "
                "or pass ca_cert="
            )
            return failure
        case aiohttp.ClientHttpProxyError(status=status) if status < _SERVER_FAULT and status not in _PASSING:
            return refusal(status, url, proxy)
        case aiohttp.ClientResponseError() if _is_flood(error):
            return flood()
        case _:
            reason = _reason(error, url, proxy)
            failure = ConnectionFailedError(f"the connection to {url.host_port_subcomponent} failed: {reason}")
            if isinstance(error, aiohttp.ClientConnectorError) and _peer(error, url) != url.host:
                failure.hint = f"check the proxy in {_source(proxy)}"
            return failure


def flood() -> ResponseTooLargeError:
    """Return the error for a response with too many headers, or with one that is too long."""
    message = f"the response has more than {HEADERS} headers, or one of more than {HEADER_LIMIT} bytes"
    return ResponseTooLargeError(message, limit=None)


def _source(proxy: Proxy | None) -> str:
    return "the aiohttp session" if proxy is None else proxy.source


def _reason(error: aiohttp.ClientError, url: URL, proxy: Proxy | None) -> str:
    """Return in words why there is no response."""
    cause = type(error.__cause__ or error).__name__
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"{proxy or 'the proxy'} answered {error.status}"
        case aiohttp.ClientResponseError():
            return f"the response is not HTTP ({cause})"
        case aiohttp.ClientPayloadError():
            return f"the body was cut short, or is not encoded as announced ({cause})"
        case aiohttp.ServerDisconnectedError():
            return "the server disconnected"
        case aiohttp.ClientConnectorError():
            peer = _peer(error, url)
            return f"{peer} cannot be reached: " * (peer != url.host) + _in_words(error.os_error)
        case _:  # the operating system's own words, if there are any
            return str(error) if isinstance(error, aiohttp.ClientOSError) and str(error) else type(error).__name__


def _peer(error: aiohttp.ClientConnectorError | aiohttp.ClientSSLError, url: URL) -> str:
    """Return whom a connection was to lead to: the server, or else a proxy."""
    if (error.host, error.port) == (url.raw_host, url.port):
        return url.host or ""
    return f"the proxy at {error.host}:{error.port}"


def _in_words(error: OSError) -> str:
    """Return why no connection was made. Python's own text would repeat the address, and asyncio's may list several.

    asyncio has neither a number nor a text for a connection that the other side closes during the TLS handshake.
    """
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    return os.strerror(error.errno) if error.errno else str(error) or "closed during the TLS handshake"


def _is_flood(error: aiohttp.ClientResponseError) -> bool:
    parsing = error.__cause__ and error.__cause__.__cause__
    return isinstance(parsing, LineTooLong) or error.message == "Too many headers received"


class Redaction:
    """Finds the key, and the password of a proxy.

    A secret is found as it is, and in upper or lower case. It is found where some of its characters are escaped as in
    JSON, URLs, HTML, Python, cookies or e-mail, or by several of these in turn. It is found in UTF-16, hexadecimal and
    base64 too. Every repetition in the pattern is bounded, so no text makes the search slow. A secret of fewer than 8
    characters is not looked for.
    """

    def __init__(self, *secrets: str) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _RECOGNISABLE]

    def finds(self, value: str | bytes) -> bool:
        if not self._secrets:
            return False
        return bool(self._in_text.search(value) if isinstance(value, str) else self._in_bytes.search(value))

    def clean(self, error: TofuPilotError, response: Response | None = None) -> None:
        """Leave nothing in an error that could hold a secret.

        If the response or the error has a secret anywhere, the message, the body, the headers and all other texts are
        withheld as a whole. The frames that saw the response are removed from the traceback, because some tools show
        their local variables. So are the errors that the error is chained to: they come from other libraries, and may
        quote a piece of the response. An error of the operating system stays as the cause, because it knows nothing of
        the response.
        """
        said: list[object] = [error.args, vars(error)]
        if response is not None:
            said += [response.body, response.headers]
        if any(map(self.finds, _texts(said))):
            error.args = (WITHHELD,)
            for name, value in vars(error).items():
                setattr(error, name, _withheld(value))
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else None
        if cause is not None:
            cause.__cause__ = cause.__context__ = cause.__traceback__ = None
        error.__context__ = error.__traceback__ = None
        error.__cause__ = cause

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_pattern, self._secrets)), re.IGNORECASE)

    @cached_property
    def _in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self._in_text.pattern.encode(), re.IGNORECASE)


def _texts(value: object) -> Iterator[str | bytes]:
    """Yield every text in a value, at any depth, as it is: in a repr, some secrets would have another form."""
    if isinstance(value, str | bytes):
        yield value
        return
    if isinstance(value, Mapping):
        members: Iterable[object] = cast("Mapping[object, object]", value).items()
    elif isinstance(value, tuple | list):
        members = cast("Iterable[object]", value)
    elif has(value.__class__):
        members = astuple(cast("Any", value), recurse=False)
    else:
        members = (repr(value),)
    for member in members:
        yield from _texts(member)


def _withheld(value: object) -> object:
    """Return what takes the place of an attribute of an error. Numbers and the like stay."""
    if isinstance(value, str):
        return WITHHELD
    kind = type(value)
    return kind() if isinstance(value, bytes | tuple | list | Mapping) else value


def _pattern(secret: str) -> str:
    characters = "".join(rf"\x00{{0,3}}(?:{'|'.join(_forms(character))})" for character in secret)
    whole = [characters, *map(re.escape, _encodings(secret.encode()))]
    # Most places in a text are ruled out by their first character alone.
    beginnings = "".join(re.escape(form[0]) for form in (secret, *whole[1:]))
    return rf"(?=[\x00\\%&={beginnings}])(?:{'|'.join(whole)})"


def _forms(character: str) -> list[str]:
    code = ord(character)
    names = "|".join(map(re.escape, _html_names().get(character, ())))
    # The first character of an escape may itself be escaped as in a URL: yarl turns a backslash into %5C.
    percent = "%(?:25){0,4}"
    backslash, hash_sign, semicolon = rf"(?:\\|{percent}5c)", f"(?:#|{percent}23)", f"(?:;|{percent}3b)?"
    ampersand = rf"(?:&|{percent}26)(?:amp{semicolon}){{0,4}}"
    return [
        rf"{backslash}{{0,16}}{re.escape(character)}",
        rf"{backslash}{{1,16}}(?:u\{{?0{{0,6}}{code:x}\}}?|x{code:02x}|0?{code:o})",
        rf"{percent}{code:02x}",
        rf"={code:02x}",
        rf"{ampersand}(?:{hash_sign}(?:0{{0,6}}{code}|x0{{0,6}}{code:x}){f'|{names}' if names else ''}){semicolon}",
    ]


@cache
def _html_names() -> dict[str, list[str]]:
    from html.entities import html5  # noqa: PLC0415 - there are two thousand, and only errors need them

    names: dict[str, list[str]] = {}
    for name, character in html5.items():
        names.setdefault(character, []).append(name.rstrip(";"))
    return names


def _encodings(key: bytes) -> list[str]:
    """Return the hexadecimal digits of a key, and its base64 at every offset in an encoded text."""
    encodings = [key.hex()]
    for before in range(3):
        # Characters that depend on what stands before and after the key are left out.
        encoded = b64encode(bytes(before) + key).decode().rstrip("=")
        certain = encoded[-(-before * 8 // 6) : (before + len(key)) * 8 // 6]
        encodings += {certain, certain.replace("+", "-").replace("/", "_")}
    return encodings
