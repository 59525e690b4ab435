"""Errors of aiohttp become errors of this package. Their messages quote nothing of an answer."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http_exceptions import LineTooLong

from aiotofupilot.errors import (
    CertificateError,
    ConnectionFailedError,
    RequestTimeoutError,
    ResponseTooLargeError,
    TofuPilotError,
)

if TYPE_CHECKING:
    from yarl import URL

__all__ = ["HEADERS", "HEADER_LIMIT", "LostError", "translated"]

HEADERS, HEADER_LIMIT = 128, 8190
"""The most header fields that an answer may have, and the most bytes of one field.

These are aiohttp's default bounds. An aiohttp session of the user may have others.
"""


class LostError(aiohttp.ClientConnectionError):
    """Wraps an error after which aiohttp would send the request again by itself."""

    def __init__(self, error: aiohttp.ClientError) -> None:
        super().__init__()
        self.error = error


def translated(error: aiohttp.ClientError | TimeoutError, url: URL) -> TofuPilotError:
    """Return the error of this package for an error of aiohttp. Its cause is an error of the operating system, or None.

    An error of aiohttp may hold the request with the key, and its text may quote a piece of the answer. A part of the
    key in such a piece could not be found and hidden. So the text is not repeated, and the error is not chained.
    """
    if isinstance(error, LostError):
        error = error.error
    ours = _ours(error, url)
    ours.__cause__ = _os_error(error)
    return ours


def _ours(error: aiohttp.ClientError | TimeoutError, url: URL) -> TofuPilotError:
    match error:
        case TimeoutError():
            return RequestTimeoutError(f"no whole answer from {url.path} before the connection gave up", timeout=None)
        case aiohttp.ClientSSLError():
            return CertificateError(f"TLS with {url.host} could not be set up: {_tls_reason(error)}")
        case aiohttp.ServerFingerprintMismatch():
            return CertificateError(f"TLS with {url.host} could not be set up: its certificate is not the pinned one")
        case aiohttp.ClientResponseError() if _is_flood(error):
            return ResponseTooLargeError(
                f"the answer has more than {HEADERS} headers, or one of more than {HEADER_LIMIT} bytes", limit=None
            )
        case _:
            return ConnectionFailedError(f"the connection to {url.host_port_subcomponent} failed: {_reason(error)}")


def _reason(error: aiohttp.ClientError) -> str:
    """Return the reason why there is no answer, in words."""
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {error.status}"
        case aiohttp.ClientResponseError():
            return f"the answer is not HTTP ({type(error.__cause__ or error).__name__})"
        case aiohttp.ClientPayloadError():
            return f"the body was cut short, or is not encoded as announced ({type(error.__cause__ or error).__name__})"
        case aiohttp.ServerDisconnectedError():
            return "the server disconnected"
        case aiohttp.ClientConnectorError():
            return _unreachable(error)
        case _:  # the operating system's own words, if there are any
            return str(error) if isinstance(error, aiohttp.ClientOSError) and str(error) else type(error).__name__


def _unreachable(error: aiohttp.ClientConnectorError) -> str:
    """Return the reason why there is no connection, in words."""
    words = _in_words(error.os_error)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy at {error.host}:{error.port} cannot be reached: {words}"
    return words


def _tls_reason(error: aiohttp.ClientSSLError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    return str(error.os_error)


def _in_words(error: OSError) -> str:
    """Return why no connection was made. Python's own text would repeat the address, and asyncio's may list several."""
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved ({error.strerror})"
    return os.strerror(error.errno) if error.errno else str(error)


def _os_error(error: aiohttp.ClientError | TimeoutError) -> OSError | None:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    return cause if isinstance(cause, OSError) and not isinstance(cause, aiohttp.ClientError) else None


def _is_flood(error: aiohttp.ClientResponseError) -> bool:
    parsing = error.__cause__ and error.__cause__.__cause__
    return isinstance(parsing, LineTooLong) or error.message == "Too many headers received"
