"""Whose key it is, as the official SDK reads it too."""

import asyncio

import pytest

from aiotofupilot import Identity, NotFoundError, Organization, TofuPilotSession, UnauthorizedError
from aiotofupilot.sandbox import Sandbox, faults


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=1, runs=3) as sandbox:
        yield sandbox


@pytest.mark.parametrize("kind", ["user", "station"])
async def test_it_is_what_the_official_sdk_reads(sandbox, official_sdk, kind):
    key = sandbox.api_key if kind == "user" else sandbox.station_key
    async with TofuPilotSession(key, base_url=sandbox.url) as session:
        identity = await session.whoami()
    asked = [(key, "identity.whoami", {})]
    (read,) = await asyncio.to_thread(official_sdk.ask, "official_sdk_details.py", sandbox.url, asked=asked)
    assert (identity.type, identity.organization) == (kind, Organization(**read["organization"]))
    assert isinstance(identity, Identity)
    for name in ("user", "station"):
        other = getattr(identity, name)
        assert read[name] == (other and {field: getattr(other, field) for field in read[name]})
    assert (identity.user is None, identity.station is None) == (kind == "station", kind == "user")


async def test_without_users_and_stations_the_sandbox_makes_somebody_up():
    async with Sandbox(procedures=0, runs=0, users=[], stations=[]) as sandbox:
        for key, name in ((sandbox.api_key, "user"), (sandbox.station_key, "station")):
            async with TofuPilotSession(key, base_url=sandbox.url) as session:
                assert getattr(await session.whoami(), name).id


async def test_a_wrong_key_and_an_old_server(sandbox):
    async with TofuPilotSession("wrong", base_url=sandbox.url) as session:
        with pytest.raises(UnauthorizedError):
            await session.whoami()
    sandbox.faults.next(faults.status(404))
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        with pytest.raises(NotFoundError):
            await session.whoami()
