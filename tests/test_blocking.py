"""An event loop in a thread."""

import asyncio
import signal
import sys
import threading
from functools import partial

import pytest
from fakes.interrupts import interrupted

from aiotofupilot import SessionError
from aiotofupilot._blocking import LoopThread


async def name_of_thread():
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_a_coroutine_runs_in_the_thread():
    with LoopThread() as loop:
        assert loop.run(name_of_thread) == loop.run(name_of_thread) == "aiotofupilot"
    assert "aiotofupilot" not in {thread.name for thread in threading.enumerate()}


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
    assert not thread._calls


def test_its_error_is_raised_here():
    async def fail():
        raise ZeroDivisionError

    with LoopThread() as loop, pytest.raises(ZeroDivisionError):
        loop.run(fail)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "aiotofupilot"]


def interrupt():
    """Do what Ctrl-C does, from the event loop."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.parametrize("second", [0, 1, 2, 3, 4, 6, 9])
def test_an_interrupt_at_any_line_leaves_nothing_behind(second):
    """What was interrupted has ended, or never begins. A second interrupt, some lines later, does not wait for it."""
    for at in range(1, 60):
        begun, ended = [], []

        async def work(begun=begun, ended=ended):
            begun.append(True)
            try:
                await asyncio.sleep(0)
            finally:
                ended.append(True)

        with LoopThread() as loop:
            interrupts, _ = interrupted(partial(loop.run, work), at, at + second)
            if interrupts == 1:
                assert begun == ended
            assert loop.run(name_of_thread) == "aiotofupilot"
        assert begun == ended
        assert threads() == []
        if not interrupts:
            break
    assert 15 < at < 59


def test_an_interrupt_at_any_line_of_its_end_can_be_made_good():
    for at in range(1, 60):
        loop = LoopThread()
        loop.run(name_of_thread)
        interrupts, _ = interrupted(loop.end, at)
        loop.end()
        assert threads() == []
        if not interrupts:
            break
    assert 5 < at < 59


def test_an_interrupt_before_the_coroutine_has_begun_ends_it():
    begun, free = [], threading.Event()

    async def begin():
        begun.append(True)

    def interrupt_while_it_waits():
        while not loop._calls:
            pass
        (call,) = loop._calls
        interrupt()
        while not call.is_cancelled:
            pass
        free.set()

    with LoopThread() as loop:
        loop.run(name_of_thread)
        loop._loop.call_soon_threadsafe(free.wait)
        interrupter = threading.Thread(target=interrupt_while_it_waits)
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            loop.run(begin)
        interrupter.join()
        assert loop.run(name_of_thread) == "aiotofupilot"
    assert begun == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exit_in_the_thread_keeps_nobody_waiting():
    """Such as one that a hook of a sandbox calls."""

    def leave_while_it_waits():
        while not loop._calls:
            pass
        sys.exit()

    loop = LoopThread()
    loop.run(name_of_thread)
    loop._loop.call_soon_threadsafe(leave_while_it_waits)
    with pytest.raises(SessionError, match="the session was closed meanwhile"):
        loop.run(name_of_thread)
    loop._threads[0].join(30)
    with pytest.raises(SessionError, match="the session is closed"):
        loop.run(name_of_thread)
    loop.soon(name_of_thread)
    loop.end()


def test_a_thread_that_cannot_make_its_loop_says_so_and_tries_again():
    """Such as when there are too many open files."""
    loops = iter([OSError(24, "Too many open files"), asyncio.new_event_loop])

    def new_loop():
        made = next(loops)
        if isinstance(made, OSError):
            raise made
        return made()

    with LoopThread(new_loop=new_loop) as loop:
        with pytest.raises(OSError, match="Too many open files"):
            loop.run(name_of_thread)
        assert loop.run(name_of_thread) == "aiotofupilot"


def test_what_a_handler_of_a_signal_raises_is_not_taken_for_a_closed_loop():
    """It may come while a call is handed to the loop, which raises a `RuntimeError` itself if it is closed."""
    alarms = []

    class Loop(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *args, **options):
            handle = super().call_soon_threadsafe(*args, **options)
            if alarms:
                raise alarms.pop()
            return handle

    with LoopThread(new_loop=Loop) as loop:
        name = loop.run(name_of_thread)
        alarms.append(RuntimeError("the time is up"))
        with pytest.raises(RuntimeError, match="the time is up"):
            loop.run(name_of_thread)
        assert loop.run(name_of_thread) == name


def test_what_begins_when_the_loop_has_just_been_closed_is_refused():
    """Another thread may close it after the caller has looked whether it is open."""
    ends = []

    class Loop(asyncio.SelectorEventLoop):
        def call_soon_threadsafe(self, *args, **options):
            if ends:
                ends.pop()()
            return super().call_soon_threadsafe(*args, **options)

    loop = LoopThread(new_loop=Loop)
    loop.run(name_of_thread)
    ends.append(loop.end)
    with pytest.raises(SessionError, match="the session was closed meanwhile"):
        loop.run(name_of_thread)
    assert threads() == []


def test_a_thread_that_was_ended_before_its_loop_was_made_ends():
    def new_loop():
        loop.end()
        return asyncio.new_event_loop()

    loop = LoopThread(new_loop=new_loop)
    with pytest.raises(SessionError, match="the session was closed meanwhile"):
        loop.run(name_of_thread)
    loop.end()
    assert threads() == []


def test_a_second_interrupt_does_not_wait_and_what_ends_is_left_alone():
    """The first one has cancelled the coroutine. How it ends itself is not interrupted."""
    ended, finish = [], asyncio.Event()

    async def work():
        interrupt()
        try:
            await asyncio.Event().wait()
        finally:
            interrupt()
            await finish.wait()
            ended.append(True)

    async def go_on():
        finish.set()

    with LoopThread(go_on) as loop:
        with pytest.raises(KeyboardInterrupt):
            loop.run(work)
        assert ended == []
    assert ended == [True]


def test_an_interrupted_coroutine_ends_before_the_context_is_left():
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
        interrupt()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("coroutine")
            ended.append(generator)

    with pytest.raises(KeyboardInterrupt), LoopThread() as loop:
        loop.run(wait)
    assert ended[0] == "coroutine"
    assert ended[2] == "generator"


def test_an_interrupt_stays_one_if_the_thread_is_ended_meanwhile():
    """Another thread may end it, and that ends what the interrupt would cancel."""

    async def work():
        interrupt()
        loop.end()
        await asyncio.Event().wait()

    loop = LoopThread()
    with pytest.raises(KeyboardInterrupt):
        loop.run(work)
    loop.end()
    assert threads() == []
