"""A clock without waits."""

import asyncio

import pytest

from aiotofupilot.clock import Clock


class SkippingClock(Clock):
    """The real clock, but for the waits of retries and pauses: they are over at once, as if their time had passed."""

    skipped = 0.0

    def monotonic(self):
        return super().monotonic() + self.skipped

    async def sleep(self, seconds):
        self.skipped += seconds
        await asyncio.sleep(0)

    async def wait(self, event, seconds):
        await asyncio.sleep(0)
        if not event.is_set():
            self.skipped += seconds


@pytest.fixture
def no_waiting(monkeypatch):
    """Sessions that are made in this test wait for nobody but the server."""
    monkeypatch.setattr("aiotofupilot._session.Clock", SkippingClock)
