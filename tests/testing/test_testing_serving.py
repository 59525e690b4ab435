"""`testing.serving`: a sandbox in a thread of its own."""

import asyncio
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from itertools import count, takewhile
from urllib.parse import urlsplit

import pytest
from fakes.faults import cut, gzip, html, status

from aiotofupilot import Procedure
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import make, serve, session_on


def get(sandbox):
    """Ask a sandbox without any event loop; return the status and, of a page, the procedures' names."""
    url = urlsplit(sandbox.url)
    with closing(HTTPConnection(url.hostname, url.port, timeout=10)) as connection:
        connection.request("GET", f"{url.path}/v2/procedures", headers={"Authorization": f"Bearer {sandbox.api_key}"})
        response = connection.getresponse()
        body = response.read()
    return response.status, [item["name"] for item in json.loads(body)["data"]] if response.status == 200 else []


def sandbox_threads():
    """The threads of sandboxes that are served."""
    return [thread for thread in threading.enumerate() if thread.name == "tofupilot-sandbox"]


def test_it_answers_a_test_that_blocks():
    """A client without an event loop is answered while it waits. A test process that is told to stop can end."""
    with serve(Sandbox(procedures=3)) as sandbox:
        assert get(sandbox) == (200, [procedure.name for procedure in sandbox.procedures])
        (thread,) = sandbox_threads()
        assert thread.daemon


def test_it_may_be_changed_from_the_test_s_thread():
    """The next request sees a change that the test makes. The log can be read from the test."""
    with serve(Sandbox(procedures=3)) as sandbox:
        sandbox.procedures.insert(0, make(Procedure, name="Burn-In"))
        sandbox.faults.next(status(503))
        assert [get(sandbox)[0], get(sandbox)[0]] == [503, 200]
        del sandbox.procedures[1:]
        assert get(sandbox) == (200, ["Burn-In"])
        assert [request.status for request in sandbox.requests] == [503, 200, 200]


def test_nothing_is_left_behind():
    """After the block, also one that fails, the thread has ended and the port is closed. It can be served again."""
    sandbox = Sandbox(procedures=0)
    with pytest.raises(ZeroDivisionError), serve(sandbox):
        url = sandbox.url
        raise ZeroDivisionError
    assert sandbox_threads() == []
    with pytest.raises(ConnectionRefusedError):
        get(sandbox)
    with serve(sandbox):
        assert (sandbox.url, get(sandbox)) == (url, (200, []))


def test_a_taken_port_is_an_error_of_the_block_s_beginning():
    """The error of the server is raised there, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="address already in use"), serve(Sandbox(procedures=0, port=port)):
            pytest.fail("the block must not run")
    assert sandbox_threads() == []


@pytest.mark.parametrize(("first", "longest"), [((status(500), html()), 0.0), ((status(502), cut()), 2.0)])
async def test_a_session_on_a_sandbox_waits_no_longer_than_an_outage_lasts(first, longest):
    """Other retries come at once. An outage of two seconds is an error."""
    with serve(Sandbox(procedures=3)) as sandbox:
        sandbox.faults.next(*first)
        async with session_on(sandbox) as session, session.procedures.list().walk() as walk:
            assert [procedure async for procedure in walk] == sandbox.procedures
    assert walk.stats.retries == 2
    assert walk.stats.waited <= longest


async def test_a_walk_is_exact_while_a_test_s_thread_changes_the_sandbox():
    """Procedures and faults come and go from another thread; what is listed throughout is yielded once, in order.

    Each request lets the thread make one change, while the sandbox's thread makes the answer. A thread that changed
    things without a pause would keep the interpreter to itself.
    """
    sandbox = Sandbox(procedures=200)
    throughout = list(sandbox.procedures)
    asked, done = threading.Event(), threading.Event()
    sandbox.before_response.append(lambda _factory, _request: asked.set())

    def until_asked():
        asked.wait()
        asked.clear()

    def change():
        for number in takewhile(lambda _: not done.is_set(), count()):
            until_asked()
            sandbox.procedures.insert(number % 200, make(Procedure, name=f"Passing {number}"))
            sandbox.faults.next(gzip())
            assert sandbox.faults.pending in ([gzip()], [])  # a request may have met it
            until_asked()
            assert sandbox.requests.statuses.keys() <= {200, None}  # None: not answered yet
            del sandbox.procedures[number % 200]
            sandbox.faults.clear()
        return number

    with serve(sandbox), ThreadPoolExecutor() as executor:
        changing = executor.submit(change)
        try:
            async with session_on(sandbox) as session:
                for _ in range(3):
                    walk = session.procedures.list(limit=20, on_drift="resync")
                    found = [procedure async for procedure in walk if not procedure.name.startswith("Passing")]
                    assert found == throughout
        finally:
            done.set()
            while not changing.done():  # it may wait for two more requests
                asked.set()
                await asyncio.sleep(0)
    assert changing.result() > 10
    assert sandbox.requests.statuses.keys() == {200}
