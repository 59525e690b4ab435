"""A walk is one span, however it ends, and what happens to it is an event on that span.

- The requests of a walk are in its span, without filters or the key; if aiohttp has other private
  names, a session with trace hooks is refused.
"""

import asyncio
import gc
import subprocess
import sys

import pytest
from fakes.in_process import InProcess
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from aiotofupilot import ForbiddenError, RetryPolicy, SessionError, TofuPilotSession
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import latency, status

PATIENT = RetryPolicy(initial_wait=0)


@pytest.fixture
async def sandbox():
    async with Sandbox(30) as sandbox:
        yield sandbox


@pytest.fixture
async def session(sandbox, telemetry):
    async with TofuPilotSession(
        sandbox.api_key, base_url=sandbox.url, trace_configs=[telemetry.trace_config()], retry=PATIENT
    ) as session:
        yield session


def parent(span):
    return None if span.parent is None else span.parent.span_id


def events(span):
    return [(event.name, dict(event.attributes)) for event in span.events]


async def test_a_walk_is_a_span_with_its_numbers(session, telemetry):
    async for _ in session.procedures.list(limit=10, search_query=""):
        pass
    (walk,) = telemetry.walks
    assert walk.name == "walk procedures"
    assert dict(walk.attributes) == {
        "tofupilot.listing": "procedures",
        "tofupilot.limit": 10,
        "tofupilot.concurrency": 1,
        "tofupilot.on_drift": "default",
        "tofupilot.walk.pages": 4,
        "tofupilot.walk.items": 30,
        "tofupilot.walk.duplicates": 0,
        "tofupilot.walk.resyncs": 0,
        "tofupilot.walk.unreadable": 0,
        "tofupilot.walk.requests": 4,
        "tofupilot.walk.retries": 0,
        "tofupilot.walk.waited": 0.0,
    }
    assert walk.status.status_code is StatusCode.UNSET
    assert [parent(request) for request in telemetry.requests] == [walk.context.span_id] * 4


async def test_a_walk_that_is_not_used_has_no_span(session, telemetry):
    async with session.procedures.list().walk():
        pass
    assert await session.procedures.list(max_items=0).collect() == []
    assert telemetry.spans == ()


async def test_a_walk_is_part_of_what_its_user_does(session, telemetry):
    """The span of the user's own is the parent, and it is the current one again whenever the user has an item."""
    with telemetry.tracers.get_tracer("test").start_as_current_span("nightly", kind=trace.SpanKind.SERVER) as nightly:
        async for _ in session.procedures.list(limit=10, concurrency=2):
            assert trace.get_current_span() is nightly
        assert trace.get_current_span() is nightly
    (walk,) = telemetry.walks
    assert parent(walk) == nightly.get_span_context().span_id


@pytest.mark.parametrize("leave", ["break", "aclose", "drop"])
async def test_a_walk_that_is_left_early_is_not_an_error(session, telemetry, leave):
    async def use():
        walk = session.procedures.list(limit=10, concurrency=3).walk()
        if leave == "break":
            async with walk:
                async for _ in walk:
                    break
        else:
            await anext(walk)
        if leave == "aclose":
            await walk.aclose()

    await use()
    gc.collect()
    (walk,) = telemetry.walks
    assert walk.attributes["tofupilot.walk.items"] == 1
    assert walk.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("name", ["walk", "pages", "details"])
def test_one_that_is_dropped_after_its_loop_was_closed_has_a_span(telemetry, name):
    """Nothing of it can run any more."""
    listing = InProcess(Sandbox(30, runs=0)).procedures.list(limit=10, concurrency=3)
    walk = listing.details().walk() if name == "details" else getattr(listing, name)()

    async def begin(walk):
        await anext(walk)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin(walk))
    loop.close()
    assert telemetry.walks == []
    del walk
    gc.collect()
    assert len(telemetry.walks) == (2 if name == "details" else 1)
    assert all(span.status.status_code is StatusCode.UNSET for span in telemetry.walks)


async def test_a_walk_that_is_cancelled_is_not_an_error(session, sandbox, telemetry, stalled):
    async def use():
        await session.procedures.list(limit=10, concurrency=3).collect()

    asked = stalled(sandbox, 8)
    task = asyncio.create_task(use())
    await asked.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    (walk,) = telemetry.walks
    assert walk.attributes["tofupilot.walk.items"] == 10
    assert walk.status.status_code is StatusCode.UNSET


async def test_a_walk_that_fails_is_an_error_without_the_servers_words(session, sandbox, telemetry):
    sandbox.faults.next(status(403, message="the server's own words"))
    with pytest.raises(ForbiddenError, match="own words"):
        await session.procedures.list().collect()
    (walk,) = telemetry.walks
    assert walk.attributes["error.type"] == "ForbiddenError"
    assert (walk.status.status_code, walk.status.description) == (StatusCode.ERROR, None)
    assert "own words" not in telemetry.text


async def test_a_walk_that_goes_on_after_an_error_begins_another_span(session, sandbox, telemetry):
    sandbox.faults.next(status(403))
    async with session.procedures.list(limit=10).walk() as walk:
        with pytest.raises(ForbiddenError):
            await anext(walk)
        assert len([item async for item in walk]) == 30
    assert [span.attributes["tofupilot.walk.pages"] for span in telemetry.walks] == [0, 4]
    assert [span.status.status_code for span in telemetry.walks] == [StatusCode.ERROR, StatusCode.UNSET]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_retries_and_pauses_are_events_of_the_walk(session, sandbox, telemetry, concurrency):
    """A page that is fetched ahead tells them to the same walk."""
    sandbox.faults.next(latency(0), status(503), status(429, retry_after=0))
    await session.procedures.list(limit=10, concurrency=concurrency).collect()
    (walk,) = telemetry.walks
    assert ("retry", {"tofupilot.attempt": 2, "tofupilot.failure": "ServerError"}) in events(walk)
    assert ("pause", {"tofupilot.seconds": 0.0}) in events(walk)


async def test_a_resync_is_an_event(session, sandbox, telemetry):
    async with session.procedures.list(limit=10, on_drift="resync").walk() as walk:
        await anext(walk)
        del sandbox.procedures[0]
        assert len([item async for item in walk]) == 29
    (span,) = telemetry.walks
    assert [name for name, _ in events(span)] == ["resync"]
    assert span.attributes["tofupilot.walk.resyncs"] == 1


async def test_a_span_of_the_users_own_learns_of_a_retry_and_a_pause_and_nothing_else(session, sandbox, telemetry):
    sandbox.faults.next(status(429, retry_after=0, message="the server's own words"))
    with telemetry.tracers.get_tracer("test").start_as_current_span("own") as own:
        await session.procedures.list(limit=10, search_query="secret")
    assert events(own) == [
        ("pause", {"tofupilot.seconds": 0.0}),
        ("retry", {"tofupilot.attempt": 2, "tofupilot.failure": "RateLimitedError"}),
    ]
    assert dict(own.attributes) == {}
    assert [span.name for span in telemetry.walks] == ["own"]
    assert not any(text in telemetry.text for text in ("own words", "secret", sandbox.api_key))


def test_a_program_without_opentelemetry_does_not_import_it():
    """Nor does it ask for the metadata of packages, which a program that PyInstaller has frozen does not have."""
    program = """
import asyncio, sys
sys.modules["importlib.metadata"] = None
from aiotofupilot import TofuPilotSession
from aiotofupilot.sandbox import Sandbox

async def main():
    async with Sandbox(30) as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        assert len(await session.procedures.list(limit=10, concurrency=2).collect()) == 30

asyncio.run(main())
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)  # noqa: S603
    assert run.stdout == "[]\n", run.stderr


async def test_a_pass_over_what_is_new_of_runs_has_spans_with_their_own_numbers(session, sandbox, telemetry):
    """There is one span for the runs, and one for the items of each hundred of them."""
    sandbox.faults.next(status(503))
    news = session.measurements.list(procedure_id=sandbox.procedures[0].id).since()
    assert await news.take(1)
    async for _ in news:
        pass
    numbers = [
        tuple(span.attributes[f"tofupilot.walk.{name}"] for name in ("requests", "retries")) for span in telemetry.walks
    ]
    assert len(numbers) >= 2
    assert all(requests >= 1 for requests, _ in numbers)
    assert [sum(column) for column in zip(*numbers, strict=True)] == [news.stats.requests, news.stats.retries]
    assert news.stats.retries == 1


async def test_a_walk_over_details_is_one_span(telemetry):
    """Its parts are the walk over the listing and the requests for each item."""
    async with (
        Sandbox(3, runs=4) as sandbox,
        TofuPilotSession(
            sandbox.api_key, base_url=sandbox.url, trace_configs=[telemetry.trace_config()], retry=PATIENT
        ) as session,
    ):
        sandbox.faults.on(lambda request: request.path.startswith("/api/v2/runs/")).next(status(500))
        assert len(await session.runs.list(concurrency=2).details().collect()) == 4
        listed, details = telemetry.walks
        assert (details.name, details.attributes["tofupilot.details"]) == ("walk runs", True)
        assert details.attributes["tofupilot.walk.items"] == 4
        assert parent(listed) == details.context.span_id
        assert {parent(request) for request in telemetry.requests} == {listed.context.span_id, details.context.span_id}
        assert ("retry", {"tofupilot.attempt": 2, "tofupilot.failure": "ServerError"}) in events(details)
        await session.close()
        with pytest.raises(SessionError):
            await session.runs.list().details().collect()
        assert telemetry.walks[-1].status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("is_dropped", [True, False])
async def test_a_walk_over_details_that_is_left_early_is_no_error(session, telemetry, is_dropped):
    walk = session.procedures.list().details().walk()
    await anext(walk)
    if not is_dropped:
        await walk.aclose()
    del walk
    gc.collect()
    (details,) = (walk for walk in telemetry.walks if "tofupilot.details" in walk.attributes)
    assert details.attributes["tofupilot.walk.items"] == 1
    assert details.status.status_code is StatusCode.UNSET
