"""A deadline around a walk: what came is kept, and a checkpoint leads to the rest, whenever the time is over.

- A deadline keeps the items that came, and the checkpoint leads to the rest.
"""

import asyncio

import pytest
from fakes.in_process import InProcess

from aiotofupilot.sandbox import Sandbox


async def walk_until(listing, steps, seen):
    """Walk for so many steps of the event loop, and return where the walk stands and whether the time was over."""

    async def pass_by(time):
        for _ in range(steps):
            await asyncio.sleep(0)
        time.reschedule(0.0)

    try:
        async with asyncio.timeout(None) as time, listing.walk() as walk:
            passing = asyncio.create_task(pass_by(time))
            async for item in walk:
                seen.append(item)
            passing.cancel()
    except TimeoutError:
        pass
    return walk.checkpoint, time.expired()


@pytest.mark.parametrize("on_drift", ["ignore", "resync"])
@pytest.mark.parametrize("concurrency", [1, 4])
async def test_a_deadline_keeps_what_came_at_any_moment(concurrency, on_drift):
    """What the walk yielded and what its checkpoint leads to are together the listing."""
    service = Sandbox(procedures=23)
    connection = InProcess(service, turns=lambda: 3)
    options = {"limit": 5, "concurrency": concurrency, "on_drift": on_drift}
    steps, parts = 0, set()
    is_over = True
    while is_over:
        seen = []
        checkpoint, is_over = await walk_until(connection.procedures.list(**options), steps, seen)
        assert connection.in_flight == 0
        parts.add(len(seen))
        rest = await connection.procedures.list(**options, cursor=checkpoint).collect()
        assert seen + rest == service.procedures
        steps += 1
    assert steps > 10
    assert {0, 5, 23} <= parts
