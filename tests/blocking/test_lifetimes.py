"""Nothing of a blocking session is left behind, whoever leaves, interrupts, forks or forgets it.

- A walk that no variable holds still yields everything to what was derived from it, without asyncio too.
- Ctrl-C ends a wait of a blocking session at once; nothing stays in flight, or keeps a program from ending.
- A blocking session serves many threads, works where a loop runs, and refuses a forked process, a callback and use
  after closing.
"""

import asyncio
import copy
import gc
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import pytest
from fakes.command import Origin
from fakes.shown import local_variables

from aiotofupilot import ConfigurationError, SessionError, TofuPilotSession
from aiotofupilot.blocking import BlockingSession
from aiotofupilot.sandbox import faults

KEY = "tp_user_5f2c8e9d7b1a"


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "aiotofupilot"]


def in_flight(session):
    return len(session._object._connection.lifetime._under_way)


class TestLeaving:
    @pytest.mark.parametrize("how", ["break", "error", "with", "generator"])
    def test_what_is_in_flight_ends_with_the_loop(self, session, sandbox, how):
        """The next pages are in flight, and never come."""
        sandbox.faults.on(cursor=98).always(faults.stall(600))
        sandbox.faults.on(cursor=196).always(faults.stall(600))
        listing = session.procedures.list(concurrency=8)
        if how == "break":
            for at, _ in enumerate(listing):
                if at == 3:
                    break
        elif how == "error":
            with pytest.raises(ZeroDivisionError):
                for _ in listing:
                    raise ZeroDivisionError
        elif how == "with":
            with listing.walk() as walk:
                next(walk)
            assert in_flight(session) == 0
            with pytest.raises(SessionError, match="closed before its end"):
                next(walk)
        else:
            names = (procedure.name for procedure in listing)
            next(names)
            del names
        eventually(lambda: not in_flight(session))
        assert session.users.list().count()

    def test_a_generator_of_pages_or_batches_is_closed_when_it_is_dropped(self, session, sandbox):
        sandbox.faults.on(lambda request: "cursor" in request.query).always(faults.stall(600))
        listing = session.procedures.list(concurrency=4)
        for make in (listing.pages, listing.walk().batches):
            pages = make()
            assert next(pages)
            del pages
            eventually(lambda: not in_flight(session))

    def test_closing_ends_the_wait_of_another_thread(self, sandbox):
        sandbox.faults.always(faults.stall(600))
        raised = []
        session = BlockingSession(sandbox.api_key, base_url=sandbox.url)

        def wait():
            try:
                session.runs.list().collect()
            except SessionError as error:
                raised.append(str(error))

        waiting = threading.Thread(target=wait)
        waiting.start()
        eventually(lambda: in_flight(session))
        session.close()
        waiting.join(30)
        assert raised == ["the session was closed meanwhile"]
        assert threads() == []


class TestDerived:
    """What is derived holds what it came from, which would otherwise be closed before the first item."""

    @pytest.fixture(autouse=True)
    def has_begun(self, session):
        """Nothing is closed before the thread has begun."""
        session.users.list().first()

    @pytest.mark.parametrize("make", ["walk", "since"])
    def test_batches_hold_their_walk(self, session, sandbox, make):
        batches = getattr(session.procedures.list(limit=100), make)().batches()
        gc.collect()
        assert sorted(item.id for batch in batches for item in batch) == sorted(item.id for item in sandbox.procedures)

    @pytest.mark.parametrize("make", ["walk", "since"])
    def test_batches_hold_their_walk_over_details(self, session, make):
        batches = getattr(session.runs.list(max_items=7).details(), make)().batches()
        gc.collect()
        assert sum(len(batch) for batch in batches) == 7


class TestClosed:
    def test_whoever_asks_for_more_gets_an_error_unless_everything_had_come(self, session):
        listing = session.runs.list(limit=3, max_items=6)
        watermark = listing.since().watermark
        for make in (
            listing.walk,
            listing.since,
            listing.details().walk,
            listing.details().since,
            listing.pages,
            lambda: listing.follow(since=watermark),
        ):
            with make() as closed:
                next(closed)
            for _ in range(2):
                with pytest.raises(SessionError, match="closed before its end"):
                    next(closed)
                closed.close()
            with make() as ended:
                assert list(ended)
            assert list(ended) == []

    def test_batches_leave_their_walk_open_when_they_are_dropped(self, session):
        walk = session.procedures.list(limit=20).walk()
        for batch in walk.batches():
            assert len(batch) == 20
            break
        gc.collect()
        assert len(walk.take(5)) == 5
        batches = walk.batches()
        walk.close()
        with pytest.raises(SessionError, match="this BlockingWalk was closed"):
            next(batches)

    def test_it_says_so(self, sandbox):
        with BlockingSession(sandbox.api_key, base_url=sandbox.url) as session:
            walk = session.runs.list().walk()
            next(walk)
        session.close()
        assert all(next(walk) for _ in range(99))  # these had come
        for use in (session.whoami, session.runs.list().collect, walk.close, lambda: next(walk), session.__enter__):
            with pytest.raises(SessionError, match="the session is closed"):
                use()
        assert threads() == []
        eventually(lambda: not sandbox.connections)
        assert repr(session) == f"<blocking TofuPilotSession {sandbox.url} closed>"

    def test_a_session_that_was_not_used_has_no_thread(self):
        with BlockingSession("key") as session:
            session.runs.list().walk()  # and it is dropped
            assert threads() == []
        with pytest.raises(SessionError, match="closed"):
            session.whoami()

    def test_it_cannot_be_copied_or_pickled(self, session):
        for what in (session, session.runs.list()):
            for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match="cannot be copied or pickled: it has a thread"):
                    duplicate(what)

    def test_a_session_that_could_not_be_made_shows_no_key(self):
        with pytest.raises(ValueError, match="timeout") as caught:
            BlockingSession(KEY, timeout=-1)
        shown = [*local_variables(caught.value)]
        assert any("self = <BlockingSession>" in text for text in shown)
        assert [text for text in shown if KEY in text] == []

    def test_an_aiohttp_session_of_another_loop_is_refused(self):
        with pytest.raises(ConfigurationError, match="http_session must be left out") as caught:
            BlockingSession(KEY, http_session=object())
        assert caught.value.parameter == "http_session"
        assert [text for text in local_variables(caught.value) if KEY in text] == []


class TestForgotten:
    def test_it_is_one_resource_warning_and_closed(self, sandbox):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            walk = BlockingSession(sandbox.api_key, base_url=sandbox.url).procedures.list().walk()
            next(walk)
            gc.collect()
            assert caught == []
            assert len(list(walk)) == 249
            del walk
            gc.collect()
            eventually(lambda: not sandbox.connections and not threads())
        (warning,) = caught
        assert warning.category is ResourceWarning
        assert str(warning.message) == f"a blocking session of {sandbox.url} was not closed"

    def test_in_a_cycle_too(self, sandbox):
        session = BlockingSession(sandbox.api_key, base_url=sandbox.url)
        cycle = [session, session.users.list().walk()]
        next(cycle[1])
        cycle.append(cycle)
        del session, cycle
        with pytest.warns(ResourceWarning, match="was not closed"):
            gc.collect()
        eventually(lambda: not threads())


class TestThreads:
    def test_many_threads_use_one_session(self, session, sandbox):
        found = []
        workers = [
            threading.Thread(target=lambda: found.append(session.procedures.list(limit=20, concurrency=3).collect()))
            for _ in range(8)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert found == [sandbox.procedures] * 8
        assert len(threads()) == 1

    def test_a_callback_cannot_use_the_session_that_calls_it(self, sandbox):
        class Limiter:
            async def __aenter__(self):
                session.whoami()

            async def __aexit__(self, *_):
                pass

        with (
            BlockingSession(sandbox.api_key, base_url=sandbox.url, limiter=Limiter()) as session,
            pytest.raises(SessionError, match="a callback cannot use the session that calls it"),
        ):
            session.runs.list().first()

    def test_what_ends_a_program_does_not_end_the_thread(self, session):
        async def leave():
            raise SystemExit(3)

        with pytest.raises(SystemExit):
            session._thread.run(leave)
        assert session.users.list().count()

    async def test_it_works_where_a_loop_runs(self, session, sandbox):
        """As in a notebook, whose loop waits meanwhile."""
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as other:
            assert session.runs.list().collect() == await other.runs.list().collect()
            assert asyncio.get_running_loop()


PRELUDE = """
import os, signal, sys, threading, time
from aiotofupilot import SessionError
from aiotofupilot.blocking import BlockingSession
key, url = sys.argv[1:]
session = BlockingSession(key, base_url=url)
"""


def ended(process):
    """Return what a program has said. In development mode, asyncio says what took long, which is no fault."""
    out, err = (said.decode() for said in process.communicate(timeout=60))
    return out, "".join(line for line in err.splitlines(keepends=True) if not line.startswith("Executing <"))


@pytest.fixture(scope="module")
def origin():
    origin = Origin("blocking", "-X", "dev", "-W", "always")
    yield origin
    origin.close()


@pytest.fixture
def start(sandbox, origin):
    """Starts a program with a session, in another process under -X dev that shows every warning."""
    started = []

    def start(program):
        process = origin.start([PRELUDE + textwrap.dedent(program), sandbox.api_key, sandbox.url])
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.stdout.close()
        process.stderr.close()


class TestProcess:
    def test_ctrl_c_ends_a_wait_at_once_and_the_walk_goes_on(self, start, sandbox):
        """Nothing is in flight then, and nothing is lost."""
        sandbox.faults.on(cursor=98).next(faults.stall(600))
        process = start("""
            found, walk = [], session.procedures.list().walk()
            try:
                print("begun", flush=True)
                for procedure in walk:
                    found.append(procedure.id)
            except KeyboardInterrupt:
                print(len(found), len(session._object._connection.lifetime._under_way))
            found += [procedure.id for procedure in walk]
            print(len(found), len(set(found)))
            session.close()
            print(threading.enumerate() == [threading.main_thread()])
        """)
        assert process.stdout.readline() == b"begun\n"
        eventually(lambda: len(sandbox.requests) == 2)
        process.send_signal(signal.SIGINT)
        out, err = ended(process)
        assert (out, err) == ("100 0\n250 250\nTrue\n", "")

    def test_ctrl_c_ends_a_program(self, start, sandbox):
        sandbox.faults.on(cursor=98).always(faults.stall(600))
        process = start("""
            with session:
                print("begun", flush=True)
                session.procedures.list(concurrency=4).collect()
        """)
        assert process.stdout.readline() == b"begun\n"
        eventually(lambda: len(sandbox.requests) >= 2)
        process.send_signal(signal.SIGINT)
        _, err = ended(process)
        assert process.returncode in (-signal.SIGINT, 130)
        assert err.rstrip().endswith("KeyboardInterrupt")
        assert "Warning" not in err
        eventually(lambda: not sandbox.connections)

    def test_a_program_that_closes_it_ends_without_a_word(self, start):
        process = start("""
            with session:
                for run in session.runs.list(concurrency=4):
                    break
        """)
        assert ended(process) == ("", "")

    @pytest.mark.parametrize("is_global", [True, False])
    def test_a_program_that_leaves_it_open_is_told_once(self, sandbox, is_global):
        """A walk is open too, and pages are in flight. The line that made the session is named where Python can.

        A process that is forked forgets what is global in another order than Python, which has its own here.
        """
        sandbox.faults.on(cursor=196).always(faults.stall(600))
        program = PRELUDE + textwrap.dedent(f"""
            import tracemalloc
            def main():
                session = BlockingSession(key, base_url=url)
                walk = session.procedures.list(concurrency=4).walk()
                next(walk)
                return walk if {is_global} else None
            tracemalloc.start()  # not before, because it would trace all imports
            kept = main()
        """)
        options = ["-X", "dev", "-W", "always", "-c", program, sandbox.api_key, sandbox.url]
        ran = subprocess.run([sys.executable, *options], capture_output=True, text=True, check=True)  # noqa: S603 - our own
        out, err = ran.stdout, ran.stderr
        assert out == ""
        assert err.count("ResourceWarning: a blocking session of ") == 1
        assert "Traceback" not in err
        assert ("Object allocated at" in err) is not is_global
        allocated = err.partition("Object allocated at")[2]
        assert 'blocking.py"' not in allocated  # asyncio may tell of a slow step, and of its place without the quote
        eventually(lambda: not sandbox.connections)

    def test_a_fork_is_refused_and_its_parent_goes_on(self, start):
        process = start("""
            import warnings
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking a process that has threads
            walk = session.procedures.list(limit=20, concurrency=4).walk()
            next(walk)
            child = os.fork()
            if not child:
                for use in (session.whoami, lambda: list(walk), session.runs.list().count, walk.close):
                    try:
                        use()
                    except SessionError as error:
                        print(error)
                del walk
                session.close()
                with BlockingSession(key, base_url=url) as own:
                    print(own.procedures.list().count(), flush=True)
                os._exit(0)
            os.waitpid(child, 0)
            print(len(list(walk)))
            session.close()
        """)
        out, err = ended(process)
        refused = "this process was forked, and the session belongs to its parent: make one session in each\n"
        assert (out, err) == (refused * 4 + "250\n249\n", "")

    def test_a_session_that_has_no_thread_yet_may_be_forked(self, start):
        process = start("""
            child = os.fork()
            with session:
                print(len(session.users.list().collect()) > 0, flush=True)
            if not child:
                os._exit(0)
            os.waitpid(child, 0)
        """)
        assert ended(process) == ("True\nTrue\n", "")
