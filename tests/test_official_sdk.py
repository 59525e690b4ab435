"""The official SDK finds the sandbox to be a TofuPilot, and in it what aiotofupilot finds."""

from datetime import datetime

import pytest
from fakes.wire_procedures import as_wire

from aiotofupilot import APIError, TofuPilotSession
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


async def test_it_gets_item_for_item_the_same(official, sandbox):
    """Every page of the sandbox, asked for one by one, holds what aiotofupilot streams."""
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        ours = await session.procedures.list(limit=40).collect()
    theirs = [item for page in official["pages"] for item in page["data"]]
    assert len(theirs) == 250
    for item in theirs:
        item["created_at"] = datetime.fromisoformat(item["created_at"])
    assert theirs == [as_wire(procedure) for procedure in ours]


def test_it_gets_the_same_cuts(official):
    """Cursors and the end are read alike."""
    assert [page["meta"] for page in official["pages"][:-1]] == [
        {"has_more": True, "next_cursor": cursor} for cursor in (40, 80, 120, 160, 200, 240)
    ]
    assert official["pages"][-1]["meta"] == {"has_more": False, "next_cursor": None}


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
    assert official["errors"][code] == ERRORS[code]


@pytest.mark.parametrize(
    ("code", "key", "search_query"), [("401", "another-key", None), ("403", "station", None), ("500", "user", "outage")]
)
async def test_its_errors_say_what_ours_say(official, sandbox, code, key, search_query):
    """aiotofupilot's error for the same request has the same status, code and message."""
    key = {"station": sandbox.station_key, "user": sandbox.api_key}.get(key, key)
    async with TofuPilotSession(key, base_url=sandbox.url, retry=None) as session:
        with pytest.raises(APIError) as caught:
            await session.procedures.list(search_query=search_query)
    ours = caught.value
    theirs = official["errors"][code]
    assert (ours.status, ours.code, ours.message) == (theirs["status"], theirs["code"], theirs["message"])


def test_it_is_kept_on_this_machine(official_sdk):
    """The program that runs the SDK sends nothing elsewhere, and tells when the SDK would."""
    _, said, code = official_sdk.run(PROGRAM, "http://192.0.2.1/api", "key", "key")
    assert "beyond this machine: socket.connect" in said
    assert "All connection attempts failed" in said
    assert code == 1
