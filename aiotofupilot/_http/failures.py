"""Errors of aiohttp become errors of this package. Their messages quote nothing of a response."""

from __future__ import annotations

import os
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http_exceptions import LineTooLong

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
    from yarl import URL

    from .proxy import Proxy

HEADERS, HEADER_LIMIT = 128, 8190
"""The most header fields that a response may have, and the most bytes of one field.

These are aiohttp's default bounds. An aiohttp session of the user may have others.
"""

_SERVER_FAULT, _PASSING = 500, frozenset({408, 429})
"""Statuses of a proxy that did not reach the server, or not now: those of the class of 500, and two more."""


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
    ours = _ours(error, url, proxy)
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    if isinstance(cause, OSError) and not isinstance(cause, aiohttp.ClientError):
        ours.__cause__ = cause
    return ours


def refusal(status: int, url: URL, proxy: Proxy | None) -> ProxyError:
    """Return the error for a proxy that refuses a request with a status."""
    error = ProxyError(f"{proxy or 'the proxy'} refused the way to {url.host}: it answered {status}", status=status)
    source = _source(proxy)
    if status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        error.hint = f"check the proxy in {source}, and that it allows {url.host}"
    elif proxy is None or not proxy.login:
        error.hint = f"give {source} a user name and a password, such as http://USER:PASSWORD@proxy.example.com:3128"
    else:
        error.hint = f"check the user name and the password in {source}"
    return error


def _ours(error: aiohttp.ClientError | TimeoutError, url: URL, proxy: Proxy | None) -> TransportError:
    match error:
        case TimeoutError():
            return RequestTimeoutError(f"no whole response from {url.path} before the connection gave up", timeout=None)
        case aiohttp.ServerFingerprintMismatch():
            return CertificateError(f"TLS with {url.host} could not be set up: its certificate is not the pinned one")
        case aiohttp.ClientSSLError():
            return _untrusted(error, url)
        case aiohttp.ClientHttpProxyError(status=status) if status < _SERVER_FAULT and status not in _PASSING:
            return refusal(status, url, proxy)
        case aiohttp.ClientResponseError() if _is_flood(error):
            return ResponseTooLargeError(
                f"the response has more than {HEADERS} headers, or one of more than {HEADER_LIMIT} bytes", limit=None
            )
        case _:
            failure = ConnectionFailedError(
                f"the connection to {url.host_port_subcomponent} failed: {_reason(error, url, proxy)}"
            )
    if isinstance(error, aiohttp.ClientConnectorError) and _peer(error, url) != url.host:
        failure.hint = f"check the proxy in {_source(proxy)}"
    return failure


def _source(proxy: Proxy | None) -> str:
    return "the aiohttp session" if proxy is None else proxy.source


def _untrusted(error: aiohttp.ClientSSLError, url: URL) -> CertificateError:
    failure = CertificateError(f"TLS with {_peer(error, url)} could not be set up: {error.os_error}")
    failure.hint = (
        "check its address; if its certificate is of a private authority, set SSL_CERT_FILE to a PEM file, "
        "or pass ca_cert="
    )
    return failure


def _reason(error: aiohttp.ClientError, url: URL, proxy: Proxy | None) -> str:
    """Return the reason why there is no response, in words."""
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
    """Return why no connection was made. Python's own text would repeat the address, and asyncio's may list several."""
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    return os.strerror(error.errno) if error.errno else str(error)


def _is_flood(error: aiohttp.ClientResponseError) -> bool:
    parsing = error.__cause__ and error.__cause__.__cause__
    return isinstance(parsing, LineTooLong) or error.message == "Too many headers received"
