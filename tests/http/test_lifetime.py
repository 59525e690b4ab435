"""A session lives in one loop and one process, and nothing of it goes on after its end."""

import asyncio
import os

import pytest

from aiotofupilot import SessionError
from aiotofupilot._http.client import Lifetime


@pytest.fixture
async def lifetime():
    lifetime = Lifetime()
    yield lifetime
    await lifetime.close()


async def do(lifetime, coroutine):
    """Await something as the work of a session."""
    try:
        return await lifetime.run(lambda: coroutine)
    finally:
        coroutine.close()  # unless it was refused, this does nothing


async def forever():
    await asyncio.Event().wait()


async def value():
    return 1


async def until_under_way():
    """Let tasks that were just made reach their first wait."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_work_returns_or_raises_as_it_would_alone(lifetime):
    """Values, errors and timeouts of the work pass through unchanged."""

    async def times_out():
        raise TimeoutError("the work's own")

    assert await do(lifetime, value()) == 1
    with pytest.raises(TimeoutError, match="the work's own"):
        await do(lifetime, times_out())
    assert not lifetime._under_way


async def test_closing_ends_what_a_user_awaits_by_a_session_error(lifetime):
    """The user's task is not cancelled. It gets an error that says what happened, and can continue."""

    async def user():
        try:
            await do(lifetime, forever())
        except SessionError as error:
            await asyncio.sleep(0)
            return str(error)

    users = [asyncio.create_task(user()) for _ in range(3)]
    await until_under_way()
    await lifetime.close()
    assert await asyncio.gather(*users) == ["the session was closed meanwhile"] * 3
    assert not any(user.cancelled() or user.cancelling() for user in users)


async def test_the_error_of_closing_has_no_trace_of_the_cancellation(lifetime):
    """It has neither a cause nor a context, because these would keep the interrupted work alive."""
    user = asyncio.create_task(do(lifetime, forever()))
    await until_under_way()
    await lifetime.close()
    with pytest.raises(SessionError) as caught:
        await user
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def test_close_returns_after_what_it_ended(lifetime):
    """The work may clean up first."""
    done = []

    async def work():
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            done.append(True)

    user = asyncio.create_task(do(lifetime, work()))
    await until_under_way()
    await lifetime.close()
    assert done == [True]
    with pytest.raises(SessionError):
        await user


async def test_cancelling_the_user_is_not_a_session_error(lifetime):
    """A task that is cancelled by its owner stays cancelled, even if the session is closed in the same moment."""
    user = asyncio.create_task(do(lifetime, forever()))
    await until_under_way()
    closing = asyncio.create_task(lifetime.close())
    user.cancel()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await user


async def test_a_timeout_of_the_users_own_stays_one(lifetime):
    """The timeout is around the work or within it. The session may be closed at the same moment."""

    async def user():
        async with asyncio.timeout(None) as scope:
            scopes.append(scope)
            await do(lifetime, forever())

    scopes = []
    task = asyncio.create_task(user())
    await until_under_way()
    scopes[0].reschedule(0.0)
    await lifetime.close()
    with pytest.raises((TimeoutError, SessionError)):
        await task
    assert not task.cancelled()
    assert task.cancelling() == 0


async def test_work_that_has_just_ended_is_not_ended_again(lifetime):
    """The session is closed after the answer had come, and before the task took note of it."""
    answered = asyncio.get_running_loop().create_future()
    user = asyncio.create_task(do(lifetime, wait_for(answered)))
    await until_under_way()
    answered.set_result(1)
    await lifetime.close()
    with pytest.raises(SessionError):
        await user
    assert user.cancelling() == 0


async def wait_for(future):
    return await future


async def test_one_task_may_do_several_things_at_once(lifetime):
    """Work within work ends with it, by one error."""

    async def both():
        await do(lifetime, do(lifetime, forever()))

    user = asyncio.create_task(both())
    await until_under_way()
    await lifetime.close()
    with pytest.raises(SessionError):
        await user
    assert user.cancelling() == 0


async def test_closing_from_within_spares_who_closes(lifetime):
    """A callback may close the session: it does not wait for itself, and what it does next is refused."""

    async def work():
        await lifetime.close()
        await asyncio.sleep(0)
        lifetime.check()

    with pytest.raises(SessionError, match=r"^the session is closed$"):
        await do(lifetime, work())


async def test_closing_twice_is_closing_once(lifetime):
    """The second call comes at the same time, or while ended work still cleans up, or later."""

    async def slow_to_leave():
        try:
            await forever()
        finally:
            await until_under_way()

    user = asyncio.create_task(do(lifetime, slow_to_leave()))
    await until_under_way()
    first = asyncio.create_task(lifetime.close())
    await until_under_way()
    await asyncio.gather(first, lifetime.close())
    await lifetime.close()
    assert lifetime.closed
    with pytest.raises(SessionError):
        await user


async def test_after_the_end_nothing_begins():
    """It is refused before its first step."""
    lifetime = Lifetime()
    await lifetime.close()
    with pytest.raises(SessionError, match=r"^the session is closed$"):
        await do(lifetime, forever())
    assert not lifetime._under_way


def test_another_event_loop_is_refused_in_a_sentence():
    """This holds for work and for closing."""
    lifetime = Lifetime()
    assert asyncio.run(do(lifetime, value())) == 1
    with pytest.raises(SessionError, match="another event loop: make one session in each"):
        asyncio.run(do(lifetime, value()))
    with pytest.raises(SessionError, match="another event loop: close it there"):
        asyncio.run(lifetime.close())


def test_one_that_was_never_used_can_be_closed_in_any_loop():
    """There is nothing in it that belongs to a loop."""
    lifetime = Lifetime()
    asyncio.run(lifetime.close())
    assert lifetime.closed


def test_made_outside_any_loop_it_belongs_to_the_first_that_uses_it():
    """A session may be made at import time."""
    assert asyncio.run(do(Lifetime(), value())) == 1


def test_a_forked_process_is_refused_its_parents_session(monkeypatch):
    """The child may go on with its parent's event loop. It may use a session that was not used before the fork."""
    used, unused = Lifetime(), Lifetime()
    with asyncio.Runner() as runner:
        assert runner.run(do(used, value())) == 1
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(SessionError, match="forked"):
            runner.run(do(used, value()))
        assert runner.run(do(unused, value())) == 1
        monkeypatch.undo()
        assert runner.run(do(used, value())) == 1


def test_without_an_event_loop_of_asyncio_a_sentence_says_so():
    """Trio has none, and neither has a program that drives a coroutine by hand."""
    with pytest.raises(
        SessionError, match=r"^a session needs a running event loop of asyncio, and there is none here$"
    ):
        Lifetime().check()
