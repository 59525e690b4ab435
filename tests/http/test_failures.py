"""Errors of aiohttp become errors of this package, in words that quote nothing of an answer."""

import aiohttp
import pytest
from yarl import URL

from aiotofupilot import ConnectionFailedError, RequestTimeoutError
from aiotofupilot._http.failures import LostError, translated

ADDRESS = URL("https://tofupilot.example.com/api/v2/procedures")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (
            aiohttp.ClientError("quoted"),
            ConnectionFailedError,
            "the connection to tofupilot.example.com failed: ClientError",
        ),
        (
            aiohttp.ClientOSError(),
            ConnectionFailedError,
            "the connection to tofupilot.example.com failed: ClientOSError",
        ),
        (
            aiohttp.ClientOSError(104, "Connection reset by peer"),
            ConnectionFailedError,
            "the connection to tofupilot.example.com failed: [Errno 104] Connection reset by peer",
        ),
        (
            LostError(aiohttp.ServerDisconnectedError("quoted")),
            ConnectionFailedError,
            "the connection to tofupilot.example.com failed: the server disconnected",
        ),
        (TimeoutError(), RequestTimeoutError, "no whole answer before the connection gave up from /api/v2/procedures"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_is_told_without_what_it_quotes(error, kind, message):
    translation = translated(error, ADDRESS)
    assert type(translation) is kind
    assert str(translation) == message
