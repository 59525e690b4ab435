"""The running sandbox gives every recorded answer."""

import pytest
from yarl import URL

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status


@pytest.fixture
async def sandbox(recorded, recorded_procedures):
    """Give the recorded server's data and keys: it held made-up procedures where the sandbox's own keys were used."""
    own = recorded["request"]["authorization"] == "Bearer sandbox-user-key"
    keys = {} if own else {"api_key": "user", "station_key": "station"}
    listings = {"runs"}  # a station of the recorded server could not list procedures
    async with Sandbox(
        **({} if own else {"procedures": recorded_procedures}), **keys, station_listings=listings
    ) as sandbox:
        # The recorded server's database failed for this key.
        sandbox.faults.on(lambda request: request.authorization == "Bearer boom").always(status(500, message="db down"))
        yield sandbox


def summary(body):
    """Recorded pages of many items hold their number, the first and the last."""
    if len(body.get("data", [])) <= 3:
        return body
    first, *_, last = body["data"]
    return {"data_count": len(body["data"]), "data_first": first, "data_last": last, "meta": body["meta"]}


def url_of(sandbox, request):
    """Spell the request's target as it was recorded."""
    url = URL(sandbox.url)
    if "target" in request:
        return URL(f"{url.origin()}{request['target']}", encoded=True)
    if "raw_query" in request:
        return URL(f"{url.origin()}{request['path']}?{request['raw_query']}", encoded=True)
    return url.with_path(request["path"]).with_query(request["query"])


async def test_every_recorded_answer_is_given_again(client, sandbox, recorded):
    """Its status, content type and document are those of TofuPilot's own REST layer."""
    request, expected = recorded["request"], recorded["response"]
    headers = {"Authorization": request["authorization"]} if request["authorization"] else {}
    method = request.get("method", "GET")
    async with client.request(method, url_of(sandbox, request), headers=headers) as response:
        assert response.status == expected["status"]
        assert response.headers.get("Content-Type") == expected["content_type"]
        if expected["body"] is None:
            assert await response.read() == b""
        else:
            assert summary(await response.json()) == expected["body"]
