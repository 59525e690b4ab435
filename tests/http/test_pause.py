"""A pause between two requests ends with its session."""

import asyncio

import pytest

from aiotofupilot import SessionError, TofuPilotSession


async def test_a_pause_is_waited_for():
    async with TofuPilotSession("key") as session:
        await session._connection.pause(0.0)


async def test_closing_the_session_ends_a_pause():
    session = TofuPilotSession("key")
    pausing = asyncio.create_task(session._connection.pause(1000.0))
    await asyncio.sleep(0)
    await session.close()
    with pytest.raises(SessionError, match=r"^the session was closed meanwhile$"):
        await pausing
