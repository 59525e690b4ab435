"""What tests of telemetry have in common."""

import asyncio

import pytest

from aiotofupilot.sandbox.faults import stall


@pytest.fixture
def stalled():
    """Let pages from a cursor on never arrive, and give an event that is set when one of them is asked for."""

    def stall_from(sandbox, cursor):
        asked = asyncio.Event()

        def matches(request):
            is_meant = int(request.query.get("cursor", 0)) >= cursor
            if is_meant:
                asked.set()
            return is_meant

        sandbox.faults.on(matches).always(stall(60))
        return asked

    return stall_from
