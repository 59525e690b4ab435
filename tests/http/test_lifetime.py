"""A session lives in one loop and one process, and nothing of it goes on after its end."""

import asyncio
import os

import pytest

from aiotofupilot import SessionError, TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import FakeClock, session_in_process


class Limiter:
    """Lets nobody in until it is opened. Whoever is cancelled in it takes some turns of the loop to leave."""

    def __init__(self):
        self.opened, self.left = asyncio.Event(), 0

    async def __aenter__(self):
        try:
            await self.opened.wait()
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
            self.left += 1

    async def __aexit__(self, *_):
        pass


@pytest.fixture
def limiter():
    return Limiter()


@pytest.fixture
async def session(limiter):
    async with session_in_process(Sandbox(procedures=3), FakeClock(), limiter=limiter) as session:
        yield session


@pytest.fixture
def under_way(session):
    """Begins a request in a task of its own."""

    async def under_way(work=None):
        task = asyncio.create_task(work() if work else session.procedures.list().first())
        for _ in range(3):
            await asyncio.sleep(0)
        return task

    return under_way


async def test_closing_ends_what_a_user_awaits_by_a_session_error(session, limiter, under_way):
    """The user's task is not cancelled, and can go on. Nothing in the error keeps the interrupted work alive."""

    async def user():
        try:
            await session.procedures.list().first()
        except SessionError as error:
            await asyncio.sleep(0)
            return error

    users = [await under_way(user) for _ in range(3)]
    await session.close()
    assert limiter.left == 1, "it is waited for who takes some time to leave"
    for error in await asyncio.gather(*users):
        assert str(error) == "the session was closed meanwhile"
        assert (error.__cause__, error.__context__) == (None, None)
    assert not any(user.cancelled() or user.cancelling() for user in users)


async def test_cancelling_the_user_is_not_a_session_error(session, under_way):
    """A task that is cancelled by its owner stays cancelled, even if the session is closed at the same time."""
    user = await under_way()
    closing = asyncio.create_task(session.close())
    user.cancel()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await user


@pytest.mark.parametrize("turns", range(12))
async def test_work_that_has_just_ended_is_not_ended_again(session, limiter, under_way, turns):
    """The session is closed while the task takes note of a response."""
    user = await under_way()
    limiter.opened.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    await session.close()
    (result,) = await asyncio.gather(user, return_exceptions=True)
    assert isinstance(result, SessionError) or result.id
    assert user.cancelling() == 0


async def test_closing_twice_is_closing_once(session, under_way):
    """The second call comes at the same time, or while ended work still cleans up, or later."""
    user = await under_way()
    first = asyncio.create_task(session.close())
    await asyncio.sleep(0)
    await asyncio.gather(first, session.close())
    await session.close()
    with pytest.raises(SessionError, match="closed meanwhile"):
        await user
    with pytest.raises(SessionError, match=r"^the session is closed$"):
        await session.procedures.list().first()


def test_one_that_was_never_used_can_be_closed_in_any_loop():
    session = TofuPilotSession("key")
    for _ in range(2):
        asyncio.run(session.close())


def test_a_forked_process_is_refused_its_parents_session(monkeypatch):
    """The child may go on with its parent's event loop. It may use a session that was not used before the fork."""
    used, unused = (session_in_process(Sandbox(procedures=3), FakeClock()) for _ in range(2))
    with asyncio.Runner() as runner:
        assert runner.run(used.procedures.list().first())
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(SessionError, match="forked"):
            runner.run(used.procedures.list().first())
        assert runner.run(unused.procedures.list().first())
        monkeypatch.undo()
        assert runner.run(used.procedures.list().first())
        for session in (used, unused):
            runner.run(session.close())


def test_without_an_event_loop_of_asyncio_a_sentence_says_so():
    """Trio has none, and neither has a program that drives a coroutine by hand."""
    with pytest.raises(SessionError, match=r"^a session needs a running asyncio event loop, and there is none"):
        TofuPilotSession("key").runs.get("x").send(None)


async def test_a_timeout_of_the_users_own_stays_one(session, under_way):
    """The session may be closed at the same time."""

    async def user():
        async with asyncio.timeout(None) as scope:
            scopes.append(scope)
            await session.procedures.list().first()

    scopes = []
    task = await under_way(user)
    scopes[0].reschedule(0.0)
    await session.close()
    with pytest.raises((TimeoutError, SessionError)):
        await task
    assert not task.cancelled()
    assert task.cancelling() == 0
