"""The real clock, which other tests replace."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from aiotofupilot._clock import Clock

pytestmark = pytest.mark.usefixtures("waiting")


def test_now_is_the_time_in_utc():
    """Answers without a Date header are dated by it."""
    now = Clock().now()
    assert now.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


def test_uniform_stays_between_its_bounds_and_spreads():
    """Jitter that did not spread would keep clients in step."""
    drawn = {Clock().uniform(2.0, 3.0) for _ in range(100)}
    assert all(2.0 <= number <= 3.0 for number in drawn)
    assert len(drawn) > 90


async def test_sleep_lets_other_tasks_run():
    """A sleep of 0 seconds does so too."""
    ran = []
    asyncio.get_running_loop().call_soon(ran.append, "other")
    await Clock().sleep(0)
    assert ran == ["other"]
