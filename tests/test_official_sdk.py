"""The official SDK reads the sandbox's errors as those of TofuPilot."""

import pytest

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status
from aiotofupilot.testing import serve

PROGRAM = "official_sdk.py"


@pytest.fixture(scope="module")
def sandbox():
    sandbox = Sandbox(procedures=250)
    sandbox.station_listings.discard("procedures")
    sandbox.faults.on(search_query="outage").always(status(500))
    with serve(sandbox):
        yield sandbox


@pytest.fixture(scope="module")
def official(sandbox, official_sdk):
    """What the official SDK gets."""
    return official_sdk.ask(PROGRAM, sandbox.url, sandbox.api_key, sandbox.station_key)


ERRORS = {
    "400": {
        "type": "ErrorBADREQUEST",
        "status": 400,
        "message": "Input validation failed",
        "code": "BAD_REQUEST",
        "issues": [{"message": "Invalid input"}],
    },
    "401": {
        "type": "ErrorUNAUTHORIZED",
        "status": 401,
        "message": "Unauthorized",
        "code": "UNAUTHORIZED",
        "issues": None,
    },
    "403": {  # on this route it has no type of its own
        "type": "APIError",
        "status": 403,
        "message": "Stations cannot read procedures",
        "code": "FORBIDDEN",
    },
    "500": {
        "type": "ErrorINTERNALSERVERERROR",
        "status": 500,
        "message": "Internal Server Error",
        "code": "INTERNAL_SERVER_ERROR",
        "issues": None,
    },
}


@pytest.mark.parametrize("code", ERRORS)
def test_its_errors_have_their_types(official, code):
    """An error arrives as the SDK's own type for it, with code, message and issues."""
    assert official[code] == ERRORS[code]


def test_it_is_kept_on_this_machine(official_sdk):
    """The program that runs the SDK sends nothing elsewhere, and tells when the SDK would."""
    _, said, code = official_sdk.run(PROGRAM, "http://192.0.2.1/api", "key", "key")
    assert "beyond this machine: socket.getaddrinfo" in said
    assert code == 1
