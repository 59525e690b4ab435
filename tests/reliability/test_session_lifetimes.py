"""In any loop and process, a session works or says in a sentence what is wrong. It leaves nothing behind.

- A closed session gives no warning under `-X dev`.
- Another event loop, a forked process, and use after closing are refused; uvloop works, from 0.23 on.
"""

import asyncio
import copy
import gc
import os
import pickle
import socket
import subprocess
import sys
import textwrap
import warnings
import weakref

import aiohttp
import pytest

from aiotofupilot import ConnectionFailedError, RetryPolicy, SessionError, TofuPilotError, TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import cut, html, reset, stall, status
from aiotofupilot.testing import session_in_process


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=250) as sandbox:
        yield sandbox


async def test_a_session_that_opened_nothing_may_be_forgotten(sandbox):
    """So may a session with the user's own aiohttp session, a view, and a closed session."""
    TofuPilotSession(sandbox.api_key, base_url=sandbox.url)
    async with aiohttp.ClientSession() as http_session:
        await TofuPilotSession(sandbox.api_key, base_url=sandbox.url, http_session=http_session).procedures.list()
        gc.collect()
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        await session.with_options(timeout=1).procedures.list()
        gc.collect()
    del session
    gc.collect()


async def test_a_forgotten_session_closes_its_connections(sandbox, until):
    """When nothing of it is in use any more. aiohttp warns then."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        walk = TofuPilotSession(sandbox.api_key, base_url=sandbox.url).procedures.list(limit=10).walk()
        await anext(walk)
        gc.collect()
        assert len([item async for item in walk]) == 249
        assert caught == []
        del walk
        gc.collect()
        assert {warning.category for warning in caught} == {ResourceWarning}
        await until(lambda: not sandbox.connections)


def test_another_event_loop_is_refused():
    """pytest-asyncio has a loop for each test, and so has each asyncio.run."""
    session = TofuPilotSession("key", base_url="http://127.0.0.1:1", retry=None)

    async def first(session):
        with pytest.raises(ConnectionFailedError):
            await session.procedures.list()

    async def second(session):
        with pytest.raises(SessionError, match="another event loop: make one session in each"):
            await session.procedures.list()
        with pytest.raises(SessionError, match="another event loop: close it there"):
            await session.close()

    asyncio.run(first(session))
    asyncio.run(second(session))
    with pytest.warns(ResourceWarning, match="Unclosed"):  # noqa: PT031 - at the one or the other, as Python has it
        del session
        gc.collect()


def test_a_session_made_outside_any_loop_works_in_the_first_that_uses_it():
    """A program may make one at module level."""
    sandbox = Sandbox(procedures=7, port=free_port())
    session = TofuPilotSession(sandbox.api_key, base_url=sandbox.url)

    async def main():
        async with sandbox, session:
            return await session.procedures.list().collect()

    assert asyncio.run(main()) == sandbox.procedures


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_session_cannot_be_pickled_with_its_key():
    """It belongs to one process, and its key to nobody else; a copy would be closed twice."""
    session = TofuPilotSession("key")
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="a session cannot be copied or pickled"):
            duplicate(session)


@pytest.fixture
def run(sandbox):
    """Runs a program in another process, under -X dev; returns what it says on stderr."""

    async def run(program, *options):
        environment = {"TOFUPILOT_API_KEY": sandbox.api_key, "TOFUPILOT_URL": sandbox.url, "PATH": os.environ["PATH"]}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-X",
            "dev",
            *options,
            "-c",
            textwrap.dedent(program),
            stderr=subprocess.PIPE,
            env=environment,
        )
        _, stderr = await process.communicate()
        assert process.returncode == 0, stderr.decode()
        # In development mode, asyncio says what took long, which depends on the machine.
        said = stderr.decode().splitlines(keepends=True)
        return "".join(line for line in said if not line.startswith("Executing <"))

    return run


PROGRAM = """
    import asyncio
    from aiotofupilot import TofuPilotSession

    async def main():
        session = TofuPilotSession(concurrency=4)
        walk = session.procedures.list(limit=10).walk()
        for _ in range(35):
            await anext(walk)
        await session.close()

    asyncio.run(main())
"""


async def test_a_program_that_closes_its_session_ends_without_a_word(run):
    """A walk may be left in the middle."""
    assert await run(PROGRAM, "-W", "error") == ""


async def test_uvloop_runs_it_all(run, sandbox):
    """Walks with pages in flight, faults, an early end, and closing under a request; nothing is left behind."""
    sandbox.faults.randomly(rate=0.2, heal_after=2)
    program = """
        import asyncio, logging, uvloop
        from aiotofupilot import RetryPolicy, SessionError, TofuPilotSession

        logging.disable()  # its warnings about the faults are not the question

        async def main():
            asyncio.get_running_loop().slow_callback_duration = 60  # how fast this machine is, is not the question
            async with TofuPilotSession(concurrency=8, retry=RetryPolicy(initial_wait=0)) as session:
                walks = [session.procedures.list(limit=10).collect() for _ in range(5)]
                assert [len(items) for items in await asyncio.gather(*walks)] == [250] * 5
                async with session.procedures.list(limit=10).walk() as walk:
                    async for _ in walk:
                        if walk.stats.items == 45:
                            break
                session = TofuPilotSession()
                under_way = asyncio.create_task(session.procedures.list().collect())
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                await session.close()
                try:
                    await under_way
                except SessionError:
                    return
                raise AssertionError("went on")

        with asyncio.Runner(loop_factory=uvloop.new_event_loop, debug=True) as runner:
            runner.run(main())
        """
    assert await run(program, "-W", "error") == ""


async def test_a_program_without_logging_is_told_of_a_server_that_cannot_be_reached(run):
    """Otherwise it would be silent for seconds. One line tells it, and the error tells the attempts."""
    program = """
        import asyncio
        from aiotofupilot import ConnectionFailedError, RetryPolicy, TofuPilotSession

        async def main():
            retry = RetryPolicy(attempts=3, initial_wait=0.01)
            async with TofuPilotSession(base_url="http://127.0.0.1:9", retry=retry) as session:
                try:
                    await session.procedures.list().collect()
                except ConnectionFailedError as error:
                    assert "(3 attempts in " in str(error), error

        asyncio.run(main())
        """
    told = await run(program, "-W", "error")
    assert told.startswith("procedures at cursor 0: attempt 1 failed after ")
    assert told.count("\n") == 1


@pytest.mark.parametrize("derive", ["walk", "since"])
@pytest.mark.parametrize("fault", [status(401), status(500), status(503), html(), reset(), cut(), stall(1000)])
async def test_a_walk_is_freed_at_once_after_an_error(fault, derive):
    """It may go on after an error. If it is dropped then, nothing in flight is left to the garbage collector."""
    sandbox = Sandbox(procedures=100, runs=0)
    async with session_in_process(sandbox, retry=RetryPolicy(attempts=3, max_elapsed=20)) as session:
        walk = getattr(session.procedures.list(limit=10, concurrency=4), derive)()
        await anext(walk)
        sandbox.faults.always(fault)
        with pytest.raises(TofuPilotError):
            while True:
                await anext(walk)
        watched = weakref.ref(walk)
        del walk
        await asyncio.sleep(0)  # the tasks that were cancelled end
        assert watched() is None
