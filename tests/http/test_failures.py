"""Errors of aiohttp become errors of this package. Their messages quote nothing of an answer."""

import ssl
from types import SimpleNamespace

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from aiotofupilot import CertificateError, ConnectionFailedError, RequestTimeoutError
from aiotofupilot._http.failures import translated

KEY = ConnectionKey("tofupilot.example.com", 443, True, True, None, None, None)  # noqa: FBT003 - aiohttp's own
ADDRESS = URL("https://tofupilot.example.com/api/v2/procedures")


def test_an_error_is_told_without_what_it_quotes():
    refused = ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 443)")
    several = OSError("Multiple exceptions: quoted by Python itself")
    failed = [
        (aiohttp.ClientError("quoted"), "ClientError"),
        (aiohttp.ClientOSError(), "ClientOSError"),
        (aiohttp.ClientOSError(104, "Connection reset by peer"), "[Errno 104] Connection reset by peer"),
        (aiohttp.ServerDisconnectedError("quoted"), "the server disconnected"),
        (aiohttp.ClientConnectorError(KEY, several), "Multiple exceptions: quoted by Python itself"),
        (aiohttp.ClientConnectorError(KEY, refused), "Connection refused"),
    ]
    begin = "the connection to tofupilot.example.com failed: "
    for error, kind, message in [
        *((error, ConnectionFailedError, begin + message) for error, message in failed),
        (
            aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "[SSL] record layer failure")),
            CertificateError,
            "TLS with tofupilot.example.com could not be set up: [SSL] record layer failure",
        ),
        (
            TimeoutError(),
            RequestTimeoutError,
            "no whole response from /api/v2/procedures before the connection gave up",
        ),
    ]:
        translation = translated(error, SimpleNamespace(closed=False), ADDRESS, None)
        assert type(translation) is kind
        assert translation.args == (message,)
