"""Thousands of requests over real sockets leave nothing behind, as in a service that runs for months.

- Thousands of requests leave no task, connection or growing memory; many sessions leave no socket, even if closed
  during a request.
"""

import asyncio
import gc
import logging
import sys
from pathlib import Path

import pytest
from fakes.budget import NIGHTLY

from aiotofupilot import SessionError, TofuPilotSession
from aiotofupilot.sandbox import Sandbox, faults

OPEN_FILES = Path("/proc/self/fd")

FAULTS = [fault for fault in faults.TRANSIENT if fault not in (faults.status(429), faults.status(503, retry_after=0))]
"""Those that hold up nobody else."""

WALKS = (
    {"concurrency": 1},
    {"concurrency": 4},
    {"concurrency": 16},
    {"concurrency": 16, "on_drift": "resync"},
    {"concurrency": 8, "max_items": 255},
)


async def soak(session, sandbox, rounds):
    """Walk the listing in many ways at once, and leave some walks in the middle; return how many requests that took."""
    requests = 0
    for number in rounds:
        sandbox.requests.clear()
        sandbox.faults.clear()
        sandbox.faults.randomly(*FAULTS, rate=0.05, seed=number)
        listings = await asyncio.gather(*(session.procedures.list(limit=10, **options).collect() for options in WALKS))
        assert [len(items) for items in listings] == [1000, 1000, 1000, 1000, 255]
        assert all(items == sandbox.procedures[: len(items)] for items in listings)
        async for _ in session.procedures.list(limit=10, concurrency=16):
            break  # at once
        walk = session.procedures.list(limit=10, concurrency=16).walk()
        for _ in range(300):
            await anext(walk)
        del walk  # in the middle
        requests += len(sandbox.requests)
    return requests


ROUNDS = 20 if NIGHTLY else 2
"""How often the listing is walked in all ways. Each time takes more than 500 requests."""


class Turnstile:
    """A limiter that lets three requests in at a time, and counts."""

    def __init__(self):
        self.entered = self.inside = 0
        self._places = asyncio.Semaphore(3)

    async def __aenter__(self):
        await self._places.acquire()
        self.entered += 1
        self.inside += 1

    async def __aexit__(self, *_):
        self.inside -= 1
        self._places.release()


async def test_thousands_of_requests_leave_nothing_behind(until, caplog):
    """No task, no socket, no connection, no place of a limiter, and no memory that grows with them."""
    caplog.set_level(logging.CRITICAL, "aiotofupilot")  # pytest keeps every record
    asyncio.get_running_loop().set_debug(False)  # which would take four fifths of the time
    async with Sandbox(procedures=1000) as sandbox:
        limiter = Turnstile()
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, limiter=limiter) as session:
            await soak(session, sandbox, range(2))
            growths = []
            for first in (2, 2 + ROUNDS):
                gc.collect()
                blocks = sys.getallocatedblocks()
                requests = await soak(session, sandbox, range(first, first + ROUNDS))
                await until(lambda: not session._connection.lifetime._under_way)
                gc.collect()
                assert requests > ROUNDS * 500
                growths.append((sys.getallocatedblocks() - blocks) / requests)
            # What every request leaves behind grows each time. Timers and connections come and go.
            assert min(growths) < 1 / 4, growths
            assert session._connection.throttle.health.next is None
            assert session._connection.throttle._in_flight == 0
        await until(lambda: not sandbox.connections)
    assert limiter.entered > (2 + 2 * ROUNDS) * 500
    assert limiter.inside == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="counts file descriptors as Linux shows them")
async def test_many_sessions_leave_no_socket_behind(until):
    """Each is opened, used and closed. One in four is closed during a request."""

    def open_files():
        return len(list(OPEN_FILES.iterdir()))

    async with Sandbox(procedures=50) as sandbox:
        counts = []
        for number in range(40):
            async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, concurrency=4) as session:
                await session.procedures.list(limit=10).collect()
                if number % 4 == 0:
                    under_way = asyncio.create_task(session.procedures.list().collect())
                    await asyncio.sleep(0)
            if number % 4 == 0:
                with pytest.raises(SessionError):
                    await under_way
            await until(lambda: not sandbox.connections)
            counts.append(open_files())
        assert counts[-1] == counts[0]
