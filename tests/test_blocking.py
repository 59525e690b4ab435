"""An event loop in a thread."""

import asyncio
import threading

import pytest

from aiotofupilot._blocking import LoopThread


async def name_of_thread():
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_a_coroutine_runs_in_the_thread():
    with LoopThread() as loop:
        assert loop.run(name_of_thread()) == loop.run(name_of_thread()) == "aiotofupilot"
    assert "aiotofupilot" not in {thread.name for thread in threading.enumerate()}


async def test_also_where_a_loop_is_running():
    """As in a notebook."""
    with LoopThread() as loop:
        assert loop.run(name_of_thread()) == "aiotofupilot"


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
        loop.run(leave())
        assert not ended
    assert ended


def test_its_error_is_raised_here():
    async def fail():
        raise ZeroDivisionError

    with LoopThread() as loop, pytest.raises(ZeroDivisionError):
        loop.run(fail())


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
        loop.run(wait())
    assert ended[0] == "coroutine"
    assert ended[2] == "generator"
