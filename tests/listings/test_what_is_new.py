"""What is new in each listing is yielded exactly once over any number of runs, while a line works. Over sockets."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from fakes.listings import offered
from fakes.wire_listings import MODELS

from aiotofupilot import ServerError, TofuPilotSession, Watermark
from aiotofupilot.sandbox import BusyLine, Sandbox, faults
from aiotofupilot.testing import session_in_process

EVERY = pytest.mark.parametrize("name", MODELS)


def listing(session, sandbox, name, **options):
    if name in {"measurements", "phases"}:
        options = {"procedure_id": sandbox.procedures[-1].id, "exclude_retries": False} | options
    return getattr(session, name).list(**offered(name, **options))


@pytest.fixture
async def sandbox():
    async with Sandbox(4, runs=80) as sandbox:
        yield sandbox


@EVERY
async def test_each_item_is_yielded_once_while_a_line_works_and_runs_are_broken_off(sandbox, session, name):
    """Meanwhile, requests fail and succeed again."""
    random, line = Random(name), BusyLine(runs=1.5, inserts=0.5, seed=7)  # noqa: S311 - test data
    sandbox.faults.randomly(faults.status(503), faults.cut(), rate=0.1, seed=3, heal_after=2)

    def work(factory, request):
        if line.produced < 40:
            line(factory, request)

    sandbox.before_response.append(work)
    yielded, watermark = [], None
    for _ in range(6):
        stop = random.choice([1, 10, 60, None])
        options = {"limit": random.choice([5, 15, 40]), "concurrency": random.randint(1, 8)}
        walk = listing(session, sandbox, name, **options, max_items=stop).since(watermark)
        async with walk:
            yielded += [item.id async for item in walk]
        watermark = Watermark.parse(str(walk.watermark))
    sandbox.before_response.clear()
    walk = listing(session, sandbox, name).since(watermark)
    yielded += [item.id async for item in walk]
    assert len(set(yielded)) == len(yielded)
    assert set(yielded) == {item.id for item in await listing(session, sandbox, name).collect()}
    assert line.produced > 5


@EVERY
async def test_a_run_that_finds_nothing_costs_one_request(name):
    """Items without models have the same watermark. How long a pass takes would move it, so no time passes."""
    sandbox = Sandbox(4, runs=80)
    async with session_in_process(sandbox) as session:
        first = listing(session, sandbox, name).raw().since()
        assert [item async for item in first]
        again = listing(session, sandbox, name).since(first.watermark)
        assert [item async for item in again] == []
    assert again.stats.requests == 1
    assert again.watermark == first.watermark


@EVERY
async def test_a_watermark_of_another_listing_or_query_is_refused_by_name(sandbox, session, name):
    mine = listing(session, sandbox, name)
    other = listing(session, sandbox, "runs" if name != "runs" else "units").since().watermark
    for method, parameter in ((mine.since, "watermark"), (lambda mark: mine.follow(since=mark), "since")):
        with pytest.raises(ValueError, match=f"{parameter} is a watermark of {other.listing}.* of {name}$") as caught:
            method(other)
        assert caught.value.parameter == parameter
        with pytest.raises(ValueError, match="with other filters") as caught:
            method(Watermark(name, "otherone"))
        assert "otherone" in str(caught.value)
        with pytest.raises(TypeError, match=r"use Watermark\.parse\(\)"):
            method(str(other))
        with pytest.raises(TypeError, match="must be a Watermark, got 3"):
            method(3)


@EVERY
@pytest.mark.parametrize("time", [datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1)])
async def test_a_time_in_the_place_of_a_watermark_leads_to_a_filter_by_time(sandbox, session, name, time):
    """Where the listing has one."""
    mine = listing(session, sandbox, name)
    has_filter = name not in ("parts", "stations", "users")
    for method, parameter in ((mine.since, "watermark"), (lambda time: mine.follow(since=time), "since")):
        with pytest.raises(TypeError, match=rf"^{parameter} must be a Watermark, got datetime\.date") as caught:
            method(time)
        assert ("created_after=" in str(caught.value)) is has_filter


async def test_the_runs_that_a_query_names_are_the_ones_that_are_followed(sandbox, session):
    """The other filters that are about the run are kept."""
    run = next(run for run in sandbox.runs if run.procedure.id == sandbox.procedures[-1].id)
    for name in ("measurements", "phases", "logs"):
        named = {"run_ids" if name == "logs" else "ids": [run.id], "serial_numbers": [run.unit.serial_number]}
        sandbox.requests.clear()
        walk = listing(session, sandbox, name, **named).since()
        assert {item.id async for item in walk} == {
            item.id for item in await listing(session, sandbox, name, **named).collect()
        }
        runs, *items = sandbox.requests[:2]
        assert runs.query.get("ids") == run.id
        assert runs.query.get("serial_numbers") == run.unit.serial_number
        assert len(items) == 1


async def test_an_order_or_a_cursor_of_ones_own_is_refused(session):
    for method in ("since", "follow"):
        for options in ({"sort_by": "created_at"}, {"sort_order": "asc"}):
            with pytest.raises(ValueError, match=f"{method}.* leave out sort_by and sort_order") as caught:
                getattr(session.runs.list(**options), method)()
            assert caught.value.parameter == "sort_by"
        with pytest.raises(ValueError, match="leave out cursor, got 20") as caught:
            getattr(session.runs.list(cursor=20), method)()
        assert caught.value.parameter == "cursor"


@EVERY
async def test_what_is_created_after_the_first_look_is_followed(sandbox, session, name):
    """Items that existed before are not yielded."""
    existing = {item.id for item in await listing(session, sandbox, name).collect()}
    line = BusyLine(runs=9.0, inserts=1.0, seed=1)
    wanted = None if name in {"parts", "stations", "users"} else 1
    stream = listing(session, sandbox, name, max_items=wanted or 0).follow(0.001)

    def work(factory, request):
        if stream.watermark is not None:
            line(factory, request)

    sandbox.before_response.append(work)
    async with stream:
        followed = [item async for item in stream]
    assert len(followed) == (wanted or 0)
    assert not {item.id for item in followed} & existing


@pytest.mark.parametrize("name", ["runs", "measurements"])
async def test_a_newest_run_that_cannot_be_read_does_not_keep_a_stream_from_beginning(sandbox, name):
    asked_for = [run for run in sandbox.runs if name == "runs" or run.procedure.id == sandbox.procedures[-1].id]
    *_, newest_but_one, newest = sorted(asked_for, key=lambda run: run.created_at)
    sandbox.faults.always(faults.unreadable(newest.id))
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, retry=None) as session:
        with pytest.raises(ServerError) as caught:
            await anext(listing(session, sandbox, name).follow())
        assert caught.value.watermark is None
        stream = listing(session, sandbox, name, on_unreadable="skip").follow()
        await stream.__aenter__()
        bound = newest_but_one.created_at - timedelta(seconds=60)
        assert bound - timedelta(minutes=1) < stream.watermark.floor <= bound
