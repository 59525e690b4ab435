"""The running sandbox gives every recorded answer."""

import aiohttp
import pytest
from yarl import URL

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import status


@pytest.fixture
async def sandbox(recorded_procedures):
    async with Sandbox(recorded_procedures, api_key="user", station_key="station") as sandbox:
        # The recorded server's database failed for this key.
        sandbox.faults.on(lambda request: request.authorization == "Bearer boom").always(status(500, message="db down"))
        yield sandbox


def summary(body):
    """Recorded pages of many items hold their number, the first and the last."""
    if len(body.get("data", [])) <= 3:
        return body
    first, *_, last = body["data"]
    return {"data_count": len(body["data"]), "data_first": first, "data_last": last, "meta": body["meta"]}


async def test_recorded_answer(sandbox, recorded):
    """Status, content type and the whole document are those that TofuPilot's own REST layer gave."""
    request, expected = recorded["request"], recorded["response"]
    headers = {"Authorization": request["authorization"]} if request["authorization"] else {}
    url = URL(sandbox.url).with_path(request["path"])
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, params=request["query"], headers=headers) as response,
    ):
        assert response.status == expected["status"]
        assert response.headers["Content-Type"] == expected["content_type"]
        assert summary(await response.json()) == expected["body"]
