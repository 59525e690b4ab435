"""Everything that ``async for`` iterates over: its end, what closes it, and how it goes on after a cancellation.

- Walks, streams, pages and batches go on after an error and a cancellation; a closed one raises an error.
"""

import asyncio

import pytest
from fakes.budget import STEP

from aiotofupilot import SessionError
from aiotofupilot.arrow import batches
from aiotofupilot.sandbox import Sandbox, faults

RUNS = 9


@pytest.fixture
async def sandbox():
    async with Sandbox(procedures=3, runs=RUNS, seed=1) as sandbox:
        yield sandbox


def of_walk(walk):
    return walk, lambda item: [item.id]


def of_batches(walk):
    return walk.batches(), lambda items: [item.id for item in items]


def of_pages(listing):
    return listing.pages(), lambda page: [item.id for item in page.data]


def of_stream(listing):
    return listing.follow(since=listing.since().watermark), lambda item: [item.id]


def of_record_batches(listing):
    return batches(listing, rows=3), lambda rows: rows.column("id").to_pylist()


ITERATIONS = {
    "walk": lambda listing: of_walk(listing.walk()),
    "batches": lambda listing: of_batches(listing.walk()),
    "since": lambda listing: of_walk(listing.since()),
    "since, batches": lambda listing: of_batches(listing.since()),
    "details": lambda listing: of_walk(listing.details().walk()),
    "details, since": lambda listing: of_walk(listing.details().since()),
    "details, batches": lambda listing: of_batches(listing.details().walk()),
    "pages": of_pages,
    "follow": of_stream,
    "record batches": of_record_batches,
}


@pytest.fixture(params=ITERATIONS)
def make(request):
    """Returns an iteration, and what says which items one of its steps has yielded."""
    return ITERATIONS[request.param]


@pytest.fixture
def listing(session):
    """It is iterated over in several steps."""
    return session.runs.list(limit=3, max_items=RUNS)


async def test_whoever_asks_for_more_after_it_was_closed_gets_an_error(make, listing):
    """A loop over it would otherwise look as if everything had come."""
    iteration, _ = make(listing)
    await anext(iteration)
    await iteration.aclose()
    for _ in range(2):
        with pytest.raises(SessionError, match="was closed before its end: begin another one"):
            await anext(iteration)
        await iteration.aclose()


async def test_its_end_stays_its_end_after_it_was_closed(make, listing):
    iteration, _ = make(listing)
    found = [step async for step in iteration]
    assert found
    for _ in range(2):
        assert await anext(iteration, None) is None
        await iteration.aclose()


@pytest.mark.parametrize("name", ["walk", "since", "details", "details, since", "follow"])
async def test_as_many_as_are_wanted_are_an_end_too(session, name):
    """Whether or not anybody asked for another one before it was closed."""
    iteration, _ = ITERATIONS[name](session.runs.list(limit=5, max_items=7))
    async with iteration:
        for _ in range(7):
            await anext(iteration)
    assert await anext(iteration, None) is None


async def test_items_at_hand_that_nobody_took_are_not_the_end(session):
    walk = session.runs.list(limit=5, max_items=5).walk()
    await walk.take(3)
    for _ in range(2):
        await walk.aclose()
    with pytest.raises(SessionError, match="this Walk was closed"):
        await walk.take(1)


async def test_it_goes_on_after_a_cancellation_at_any_await(make, listing):
    """A generator would have ended, and a loop over it would look as if everything had come."""
    iteration, ids = make(listing)
    expected = [one async for step in iteration for one in ids(step)]
    attempts = 0
    for turns in range(0, 36, STEP):
        iteration, ids = make(listing)
        found, cancelled = [], 0
        while True:
            asking = asyncio.ensure_future(anext(iteration, None))
            for _ in range(turns):
                if asking.done():
                    break
                await asyncio.sleep(0)
            if not asking.done() and cancelled < 10:
                asking.cancel()
            try:
                step = await asking
            except asyncio.CancelledError:
                cancelled += 1
                continue
            if step is None:
                break
            found += ids(step)
        assert sorted(found) == sorted(expected)
        attempts += cancelled
    assert attempts >= 10


async def test_it_goes_on_after_an_error(make, listing, sandbox):
    iteration, ids = make(listing)
    expected = [one async for step in iteration for one in ids(step)]
    iteration, ids = make(listing)
    found = ids(await anext(iteration))
    sandbox.faults.next(faults.status(400))
    errors = 0
    while True:
        try:
            step = await anext(iteration, None)
        except Exception:  # noqa: BLE001 - whatever the fault leads to
            errors += 1
            assert errors == 1
            continue
        if step is None:
            break
        found += ids(step)
    assert sorted(found) == sorted(expected)


async def test_a_plain_loop_is_refused_in_a_sentence(make, listing):
    iteration, _ = make(listing)
    with pytest.raises(TypeError, match="is asynchronous: write 'async for"):
        iter(iteration)
