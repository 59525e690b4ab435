"""Without waits, sessions do what they do otherwise, and at once."""

import asyncio

import pytest

from aiotofupilot import RetryPolicy, TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import TRANSIENT
from aiotofupilot.testing import without_waits

pytestmark = pytest.mark.usefixtures("waiting")


@pytest.fixture(autouse=True)
def no_real_wait(monkeypatch):
    """A real wait fails the test."""
    sleep = asyncio.sleep

    async def refuse(seconds, *rest):
        assert not seconds, f"it waits for {seconds} s"
        return await sleep(seconds, *rest)

    monkeypatch.setattr(asyncio, "sleep", refuse)


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_a_bad_day_costs_no_time(concurrency):
    """Waits of pages in flight at the same time pass together, as they do by the real clock."""
    async with Sandbox(200) as sandbox:
        sandbox.faults.randomly(*TRANSIENT, rate=0.3, seed=3, heal_after=3)
        with without_waits():
            retry = RetryPolicy(max_elapsed=600.0)
            async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=retry) as session:
                listing = session.procedures.list(limit=10, concurrency=concurrency)
                assert await listing.collect() == sandbox.procedures


def test_the_clock_is_the_real_one_afterwards():
    clock = TofuPilotSession._wiring.clock
    with without_waits():
        assert TofuPilotSession._wiring.clock is not clock
    assert TofuPilotSession._wiring.clock is clock
