"""An event loop in a thread."""

import asyncio
import sys
import threading
from concurrent.futures import Future, wait

import pytest

from aiotofupilot import SessionError
from aiotofupilot._blocking import LoopThread


async def name_of_thread():
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_a_coroutine_runs_in_the_thread():
    with LoopThread() as loop:
        assert loop.run(name_of_thread) == loop.run(name_of_thread) == "aiotofupilot"
    assert "aiotofupilot" not in {thread.name for thread in threading.enumerate()}


async def test_also_where_a_loop_is_running():
    """As in a notebook."""
    with LoopThread() as loop:
        assert loop.run(name_of_thread) == "aiotofupilot"


def test_what_was_left_running_is_ended():
    ended = []

    async def last():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def leave():
        tasks.append(asyncio.create_task(last()))
        await asyncio.sleep(0)

    tasks = []
    with LoopThread() as loop:
        loop.run(leave)
        assert not ended
    assert ended


def test_nothing_begins_that_would_not_end():
    """Such as when a thread drops its walk, because the end of the session has ended its wait."""
    waiting = []

    async def wait_and_drop():
        try:
            await asyncio.Event().wait()
        finally:
            thread.soon(name_of_thread)
            waiting.append(asyncio.create_task(asyncio.Event().wait()))

    async def leave():
        waiting.append(asyncio.create_task(wait_and_drop()))
        await asyncio.sleep(0)

    with LoopThread() as thread:
        thread.run(leave)
    assert [task.cancelled() for task in waiting] == [True, True]
    assert all(task.done() for task in thread._tasks)


def test_its_error_is_raised_here():
    async def fail():
        raise ZeroDivisionError

    with LoopThread() as loop, pytest.raises(ZeroDivisionError):
        loop.run(fail)


def test_ending_the_thread_ends_the_wait_of_another():
    raised = []

    def wait():
        try:
            loop.run(asyncio.Event().wait)
        except SessionError as error:
            raised.append(str(error))

    with LoopThread() as loop:
        loop.run(name_of_thread)
        waiting = threading.Thread(target=wait)
        waiting.start()
        while loop.run(number_of_tasks) < 2:
            pass
    waiting.join(30)
    assert raised == ["the session was closed meanwhile"]
    with pytest.raises(SessionError, match="the session is closed"):
        loop.run(name_of_thread)


async def number_of_tasks():
    return len(asyncio.all_tasks())


def test_an_interrupt_before_the_coroutine_has_begun_ends_it(monkeypatch):
    """It is cancelled together with its beginning."""
    begun, free = [], threading.Event()

    async def begin():
        begun.append(True)

    def interrupt(*_):
        raise KeyboardInterrupt

    def wait_after_both(futures):
        free.set()
        return wait(futures)

    with LoopThread() as loop:
        loop.run(name_of_thread)
        loop._loop.call_soon_threadsafe(free.wait)
        with monkeypatch.context() as patched:
            patched.setattr("concurrent.futures.Future.result", interrupt)
            patched.setattr("aiotofupilot._blocking.wait", wait_after_both)
            with pytest.raises(KeyboardInterrupt):
                loop.run(begin)
        assert loop.run(name_of_thread) == "aiotofupilot"
    assert begun == []


def test_an_interrupt_stays_one_if_the_loop_is_closed_meanwhile(monkeypatch):
    """Another thread may close it, and that ends what the interrupt would cancel."""

    def interrupt(*_):
        raise KeyboardInterrupt

    def done(result):
        was_done = is_done(result)
        if threading.current_thread() is threading.main_thread():
            loop.end()
        return was_done

    is_done = Future.done
    with LoopThread() as loop, monkeypatch.context() as patched:
        patched.setattr("concurrent.futures.Future.result", interrupt)
        patched.setattr("concurrent.futures.Future.done", done)
        with pytest.raises(KeyboardInterrupt):
            loop.run(asyncio.Event().wait)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exit_in_the_thread_keeps_nobody_waiting():
    """Such as one that a hook of a sandbox calls."""

    async def leave():
        asyncio.get_running_loop().call_soon(sys.exit)

    loop = LoopThread()
    loop.run(leave)
    loop._thread.join(30)
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.run(name_of_thread)
    loop.end()


def test_a_forked_process_leaves_it_alone(monkeypatch):
    with LoopThread() as loop:
        loop.run(name_of_thread)
        with monkeypatch.context() as patched:
            patched.setattr("os.getpid", lambda: 0)
            assert not loop.has_begun
            loop.end()
            loop.soon(name_of_thread)
            with pytest.raises(SessionError, match="this process was forked"):
                loop.run(name_of_thread)
        assert loop.run(name_of_thread) == "aiotofupilot"


def test_a_second_interrupt_does_not_wait_and_what_ends_is_left_alone(monkeypatch):
    """The first one has cancelled the coroutine. How it ends itself is not interrupted."""
    ended, entered, finish = [], threading.Event(), asyncio.Event()

    async def work():
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            await finish.wait()
            ended.append(True)

    async def go_on():
        finish.set()

    def interrupt(*_):
        entered.wait()
        raise KeyboardInterrupt

    with LoopThread() as loop:
        with monkeypatch.context() as patched:
            patched.setattr("concurrent.futures.Future.result", interrupt)
            patched.setattr("aiotofupilot._blocking.wait", interrupt)
            with pytest.raises(KeyboardInterrupt):
                loop.run(work)
        assert ended == []
        loop._last = go_on
    assert ended == [True]


def test_an_interrupted_coroutine_ends_before_the_context_is_left(monkeypatch):
    """So does everything else that runs in the loop, generators included."""
    ended = []

    async def numbers():
        try:
            yield 1
        finally:
            ended.append("generator")

    async def wait():
        generator = numbers()
        await anext(generator)
        interrupted.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("coroutine")
            ended.append(generator)

    def interrupt(*_):
        interrupted.wait()
        raise KeyboardInterrupt

    interrupted = threading.Event()
    with pytest.raises(KeyboardInterrupt), LoopThread() as loop, monkeypatch.context() as patched:
        patched.setattr("concurrent.futures.Future.result", interrupt)
        loop.run(wait)
    assert ended[0] == "coroutine"
    assert ended[2] == "generator"
