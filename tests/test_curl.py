"""curl finds the sandbox to be a TofuPilot, and in it what aiotofupilot finds."""

import json
import shutil
import subprocess
from datetime import datetime

import pytest
from fakes.faults import gzip, status
from fakes.wire_procedures import as_wire

from aiotofupilot import TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed: apt-get install curl")


@pytest.fixture
def sandbox():
    with serve(Sandbox(procedures=250, station_listings=["runs"])) as sandbox:
        yield sandbox


def curl(sandbox, *arguments, key=None, **query):
    """Ask for procedures; return status, content type and document."""
    fields = [argument for name, value in query.items() for argument in ("--data-urlencode", f"{name}={value}")]
    command = [CURL, "--disable", "--silent", "--show-error", "--noproxy", "*", "--get", *fields, *arguments]
    command += ["--header", f"Authorization: Bearer {key or sandbox.api_key}"]
    command += ["--write-out", "\n%{http_code} %{content_type}", f"{sandbox.url}/v2/procedures"]
    ran = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")  # noqa: S603 - our own
    body, _, told = ran.stdout.rpartition("\n")
    code, _, content_type = told.partition(" ")
    return int(code), content_type, json.loads(body)


async def test_it_gets_item_for_item_the_same(sandbox):
    """Every page of the sandbox, asked for one by one, holds what aiotofupilot streams."""
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        ours = await session.procedures.list().collect()
    theirs, cursor = [], 0
    while cursor is not None:
        code, content_type, page = curl(sandbox, limit=100, cursor=cursor)
        assert (code, content_type) == (200, "application/json")
        theirs += page["data"]
        assert page["meta"]["has_more"] == (page["meta"]["next_cursor"] is not None)
        cursor = page["meta"]["next_cursor"]
    for item in theirs:
        item["created_at"] = datetime.fromisoformat(item["created_at"])
    assert theirs == [as_wire(procedure) for procedure in ours]


def test_a_search_survives_its_encoding(sandbox):
    """The sandbox searches for the text that curl has encoded."""
    name = next(procedure.name for procedure in sandbox.procedures if "Überprüfung" in procedure.name)
    _, _, page = curl(sandbox, search_query=name)
    assert {item["name"] for item in page["data"]} == {name}


def test_compression_is_http_s_own(sandbox):
    """A compressed answer is one to any HTTP client."""
    sandbox.faults.next(gzip())
    assert curl(sandbox, "--compressed", limit=1) == curl(sandbox, limit=1)


@pytest.mark.parametrize(
    ("code", "key", "query", "error"),
    [
        (401, "another-key", {}, "UNAUTHORIZED"),
        (403, "sandbox-station-key", {}, "FORBIDDEN"),
        (400, None, {"limit": 101}, "BAD_REQUEST"),
        (500, None, {"search_query": "outage"}, "INTERNAL_SERVER_ERROR"),
    ],
)
def test_an_error_is_a_status_and_a_json_document_with_its_code(sandbox, code, key, query, error):
    sandbox.faults.on(search_query="outage").always(status(500))
    told, content_type, document = curl(sandbox, key=key, **query)
    assert (told, content_type, document["code"]) == (code, "application/json", error)
