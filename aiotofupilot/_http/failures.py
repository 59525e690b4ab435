"""Translates aiohttp's errors, and removes secrets from all errors. The messages quote nothing of a response."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from traceback import walk_tb
from typing import TYPE_CHECKING

import aiohttp

from aiotofupilot.errors import (
    CertificateError,
    ConnectionFailedError,
    ProxyError,
    RequestTimeoutError,
    SessionError,
    TransportError,
)

if TYPE_CHECKING:
    from yarl import URL

    from aiotofupilot._wire.response import Response
    from aiotofupilot.errors import TofuPilotError

    from .proxy import Proxy

_SERVER_FAULT, _PASSING = 500, frozenset({408, 429})
"""A proxy that cannot reach the server at present responds with 500 or above, or with 408 or 429."""

_EARLY = (
    'a walk requests each page two or more items early, or bounds it by a time, unless on_drift="ignore" is given: '
    "mock_listing of aiotofupilot.testing responds to any page"
)
"""The hint if a user has mocked just the cursor that the previous page names."""


WITHHELD = "withheld, because the response repeats the key"
"""Replaces the message of an error."""

_RECOGNISABLE = 8
"""Shorter secrets are not searched for, because they might be words of the API."""


def translated(
    error: aiohttp.ClientError | TimeoutError | TransportError,
    session: aiohttp.ClientSession,
    url: URL,
    proxy: Proxy | None,
) -> TransportError | SessionError:
    """Translate an error of aiohttp. The cause is an `OSError` or None.

    Neither aiohttp's error nor its text is kept, because it may hold the password of a proxy, the address with its
    filters, or a piece of the response with a part of the key.
    """
    if session.closed:
        return SessionError("the aiohttp session was closed during a request")
    if isinstance(error, TransportError):
        return error
    ours = _unmocked(url) if _is_by_a_mock(error) else _ours(error, url, proxy)
    cause = _os_error(error) if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    if isinstance(cause, OSError) and not isinstance(cause, aiohttp.ClientError):
        ours.__cause__ = cause
    return ours


def _is_by_a_mock(error: BaseException) -> bool:
    """Return whether aioresponses itself failed. It raises errors that users mock elsewhere in its code."""
    frames = [(frame.f_globals.get("__name__"), frame.f_code.co_name) for frame, _ in walk_tb(error.__traceback__)]
    return type(error) is aiohttp.ClientConnectionError and frames[-1:] == [("aioresponses.core", "_request_mock")]


def _unmocked(url: URL) -> TransportError:
    cursor = url.query.get("cursor")
    bound = next((name for name in url.query if name.endswith(("_after", "_before"))), None)
    where = url.path if cursor is None else f"{url.path} at cursor {cursor}"
    where = where if bound is None else f"{where} with {bound}"
    error = TransportError(f"aioresponses has no response for {where}")
    error.hint = _EARLY if cursor or bound else None
    return error


def refusal(status: int, url: URL, proxy: Proxy | None) -> ProxyError:
    error = ProxyError(f"{proxy or 'the proxy'} refused to connect to {url.host} (HTTP {status})", status=status)
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
        case _:
            reason = _reason(error, url, proxy)
            failure = ConnectionFailedError(f"the connection to {url.host_port_subcomponent} failed: {reason}")
            if isinstance(error, aiohttp.ClientConnectorError) and _peer(error, url) != url.host:
                failure.hint = f"check the proxy in {_source(proxy)}"
            return failure


def _source(proxy: Proxy | None) -> str:
    return "the aiohttp session" if proxy is None else proxy.source


def _reason(error: aiohttp.ClientError, url: URL, proxy: Proxy | None) -> str:
    cause = type(error.__cause__ or error).__name__
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"{proxy or 'the proxy'} responded with {error.status}"
        case aiohttp.ClientResponseError():
            return f"the response is not HTTP ({cause})"
        case aiohttp.ClientPayloadError():
            return f"the body was cut short, or is not encoded as its headers say ({cause})"
        case aiohttp.ServerDisconnectedError():
            return "the server disconnected"
        case aiohttp.ClientConnectorError():
            peer = _peer(error, url)
            return f"{peer} cannot be reached: " * (peer != url.host) + _in_words(_os_error(error))
        case _:  # the message of the operating system, if there is one
            return str(error) if isinstance(error, aiohttp.ClientOSError) and str(error) else type(error).__name__


def _peer(error: aiohttp.ClientConnectorError | aiohttp.ClientSSLError, url: URL) -> str:
    if (error.host, error.port) == (url.raw_host, url.port):
        return url.host or ""
    return f"the proxy at {error.host}:{error.port}"


def _os_error(error: aiohttp.ClientConnectorError) -> OSError:
    """Return the reason. It is a `gaierror` if a name is not found, even with another resolver, such as aiodns."""
    if isinstance(error, aiohttp.ClientConnectorDNSError) and not isinstance(error.os_error, socket.gaierror):
        return socket.gaierror(*error.os_error.args)
    return error.os_error


def _in_words(error: OSError) -> str:
    """Return the reason without the address. An error without a reason is a TLS handshake that was closed."""
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    return os.strerror(error.errno) if error.errno else str(error) or "closed during the TLS handshake"


class Redaction:
    """Finds the key, and the password of a proxy.

    Case does not matter, and characters may be escaped as in JSON or in a URL. Every repetition in the pattern is
    bounded, so no text makes the search slow.
    """

    def __init__(self, *secrets: str) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _RECOGNISABLE]

    def finds(self, value: str | bytes) -> bool:
        if not self._secrets:
            return False
        return bool(self._in_text.search(value) if isinstance(value, str) else self._in_bytes.search(value))

    def clean(self, error: TofuPilotError, response: Response | None = None) -> None:
        """Remove everything that could hold a secret from an error.

        If the response or the error contains a secret, all texts of the error are withheld. The traceback is removed,
        because some tools show local variables. Chained errors are removed, because other libraries may quote the
        response. Only an `OSError` stays as the cause, because it cannot quote the response.
        """
        body, headers = (response.body, response.headers) if response is not None else (b"", None)
        if self.finds(body) or self.finds(repr((error.args, vars(error), headers))):
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


def _withheld(value: object) -> object:
    """Return the replacement for an attribute of an error. Numbers and other values without text stay."""
    if isinstance(value, str):
        return WITHHELD
    kind = type(value)
    return kind() if isinstance(value, bytes | tuple | list | Mapping) else value


def _pattern(secret: str) -> str:
    """Return a pattern of a secret, with each character plain or escaped as in JSON or a URL.

    Escapes may be nested: in JSON within JSON, in a repr, and in a URL, where a backslash is ``%5C``.
    """
    backslashes, percent = r"(?:\\|%5c){0,4}", "%(?:25){0,2}"
    return "".join(
        f"{backslashes}(?:{re.escape(character)}|u{ord(character):04x}|"
        f"{''.join(f'{percent}{byte:02x}' for byte in character.encode())})"
        for character in secret
    )
