"""The same server over sockets of the loopback interface, as another program meets it."""

import pytest
from postgres import data
from postgres.plans import INDEX
from postgres.server import serve
from postgres.walking import check
from postgres.writers import Writer

from aiotofupilot import TofuPilotSession, UnauthorizedError


async def test_a_walk_beside_writers(moving):
    server = moving(data.runs, INDEX)
    writer = Writer(server, "runs", "started_at", removed=3)
    with serve(server) as url:
        async with TofuPilotSession(server.api_key, base_url=url, concurrency=4) as session:
            came = [run.id async for run in session.runs.list(limit=100)]
            assert (await session.whoami()).organization.slug == "volta"
    check(came, writer.stayed)


async def test_another_key_is_refused(still):
    with serve(still(data.few_runs, INDEX)) as url:
        async with TofuPilotSession("another", base_url=url) as session:
            with pytest.raises(UnauthorizedError):
                await session.runs.list().first()
