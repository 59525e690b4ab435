"""A session's life: one loop, one process, and nothing outlives its end."""

import asyncio
import gc
import inspect
import os
import warnings

import pytest

from aiotofupilot import SessionError
from aiotofupilot._http.lifetime import Lifetime


@pytest.fixture
async def lifetime():
    lifetime = Lifetime()
    yield lifetime
    await lifetime.close()


async def forever():
    await asyncio.Event().wait()


async def value():
    return 1


async def until_under_way():
    """Let tasks that were just made reach their first wait."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_is_run_returns_or_raises_as_it_would_alone(lifetime):
    """Values, errors and timeouts of the work pass through unchanged."""

    async def times_out():
        raise TimeoutError("the work's own")

    assert await lifetime.run(value()) == 1
    with pytest.raises(TimeoutError, match="the work's own"):
        await lifetime.run(times_out())


async def test_closing_ends_what_a_user_awaits_by_a_session_error(lifetime):
    """The user's task is not cancelled: it gets an error that says what happened, and may go on."""

    async def user():
        try:
            await lifetime.run(forever())
        except SessionError as error:
            await asyncio.sleep(0)
            return str(error)

    users = [asyncio.create_task(user()) for _ in range(3)]
    await until_under_way()
    await lifetime.close()
    assert await asyncio.gather(*users) == ["the session was closed meanwhile"] * 3
    assert not any(user.cancelled() or user.cancelling() for user in users)


async def test_close_returns_after_what_it_ended(lifetime):
    """Whatever clean-up the work does has been done by then."""
    done = []

    async def work():
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            done.append(True)

    user = asyncio.create_task(lifetime.run(work()))
    await until_under_way()
    await lifetime.close()
    assert done == [True]
    with pytest.raises(SessionError):
        await user


async def test_cancelling_the_user_is_no_session_error(lifetime):
    """A task that is cancelled by its owner stays cancelled, even if the session is closed in the same moment."""
    user = asyncio.create_task(lifetime.run(forever()))
    await until_under_way()
    closing = asyncio.create_task(lifetime.close())
    user.cancel()
    await closing
    with pytest.raises(asyncio.CancelledError):
        await user


async def test_a_spawned_task_ends_with_the_session(lifetime):
    """Also one that awaits through the session itself, and one that had no time to begin."""
    nested = lifetime.spawn(lifetime.run(forever()))
    plain = lifetime.spawn(forever())
    await until_under_way()
    unbegun = lifetime.spawn(forever())
    await lifetime.close()
    for task in (nested, plain, unbegun):
        assert task.done()
        with pytest.raises(SessionError):
            task.result()


async def test_a_task_cancelled_before_its_first_step_leaves_nothing_behind(lifetime):
    """Not even a coroutine that was never awaited, of which Python would warn."""
    work = forever()
    task = lifetime.spawn(work)
    task.cancel()
    await asyncio.wait([task])
    assert inspect.getcoroutinestate(work) == inspect.CORO_CLOSED


async def test_a_spawned_task_returns_its_value_and_is_forgotten(lifetime):
    """The set of tasks does not grow with the tasks that ended."""
    assert await lifetime.spawn(value()) == 1
    await asyncio.sleep(0)
    assert not lifetime._tasks


async def test_an_error_that_closing_caused_need_not_be_retrieved(lifetime):
    """Tasks nobody waits for any more end silently."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    lifetime.spawn(forever())
    await until_under_way()
    await lifetime.close()
    gc.collect()
    assert complaints == []


async def test_closing_from_within_spares_who_closes(lifetime):
    """A callback may close the session: it does not wait for itself, and what it does next is refused."""

    async def work():
        await lifetime.close()
        await asyncio.sleep(0)
        lifetime.check()

    with pytest.raises(SessionError, match=r"^the session is closed$"):
        await lifetime.run(work())
    lifetime = Lifetime()
    with pytest.raises(SessionError, match=r"^the session is closed$"):
        await lifetime.spawn(lifetime.run(close_and_check(lifetime)))


async def close_and_check(lifetime):
    await lifetime.close()
    lifetime.check()


async def test_closing_twice_is_closing_once(lifetime):
    """At the same time, or while what was ended is still cleaning up, or later."""

    async def slow_to_leave():
        try:
            await forever()
        finally:
            await until_under_way()

    user = asyncio.create_task(lifetime.run(slow_to_leave()))
    await until_under_way()
    first = asyncio.create_task(lifetime.close())
    await until_under_way()
    await asyncio.gather(first, lifetime.close())
    await lifetime.close()
    assert lifetime.closed
    with pytest.raises(SessionError):
        await user


async def test_after_the_end_nothing_begins():
    """What is refused leaves no coroutine behind that was never awaited."""
    lifetime = Lifetime()
    await lifetime.close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for attempt in (lifetime.run(forever()), lifetime.spawn(forever())):
            with pytest.raises(SessionError, match=r"^the session is closed$"):
                await attempt
        gc.collect()


def test_another_event_loop_is_refused_in_a_sentence():
    """Whether it wants to run or to close something."""
    lifetime = Lifetime()
    assert asyncio.run(lifetime.run(value())) == 1
    with pytest.raises(SessionError, match="another event loop: make one in each"):
        asyncio.run(lifetime.run(value()))
    with pytest.raises(SessionError, match="another event loop: close it there"):
        asyncio.run(lifetime.close())


def test_one_that_was_never_used_can_be_closed_in_any_loop():
    """There is nothing in it that belongs to a loop."""
    lifetime = Lifetime()
    asyncio.run(lifetime.close())
    assert lifetime.closed


def test_made_outside_any_loop_it_belongs_to_the_first_that_uses_it():
    """Such as a session made at import time."""
    assert asyncio.run(Lifetime().run(value())) == 1


def test_a_forked_process_is_refused_its_parents_session(monkeypatch):
    """Even if it runs the parent's event loop on; an unused one may be taken along."""
    used, unused = Lifetime(), Lifetime()
    with asyncio.Runner() as runner:
        assert runner.run(used.run(value())) == 1
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(SessionError, match="forked"):
            runner.run(used.run(value()))
        assert runner.run(unused.run(value())) == 1
        monkeypatch.undo()
        assert runner.run(used.run(value())) == 1
