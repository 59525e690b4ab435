"""Whatever items cannot be read, however the listing is walked: every other item comes, once, in order."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from fakes import paging
from fakes.faults import empty, html, malformed, status, unreadable
from fakes.in_process import InProcess
from hypothesis import example, given, strategies as st

from aiotofupilot import Checkpoint, DriftError, ServerError
from aiotofupilot.sandbox import Sandbox, make_procedures

PROCEDURES = make_procedures(60)
WAYS = st.fixed_dictionaries(
    {
        "limit": st.sampled_from([1, 2, 3, 7, 10, 25, 60, 100]),
        "concurrency": st.sampled_from([1, 2, 5, 16]),
        "on_drift": st.sampled_from([None, "ignore", "resync"]),
    }
)
POSITIONS = st.sets(st.integers(0, 59), max_size=6)
FAULTS = st.sampled_from(
    [
        unreadable,
        malformed,
        lambda *items: unreadable(*items, by=empty(504)),
        lambda *items: unreadable(*items, by=html()),
    ]
)
ODD = st.sampled_from([paging.offsets, paging.capped(4), paging.short_pages(3)])


def at(positions):
    """Return the IDs of the items at some positions, because a query by value has them at others."""
    return [PROCEDURES[position].id for position in sorted(positions)]


def but(positions):
    return [item for position, item in enumerate(PROCEDURES) if position not in positions]


async def drain(walk):
    return [item async for item in walk]


def way(limit, on_drift="ignore"):
    return {"limit": limit, "concurrency": 1, "on_drift": on_drift}


@given(bad=POSITIONS, way=WAYS, fault=FAULTS, odd=ODD)
@example(bad={8, 3}, way=way(1, None), fault=unreadable, odd=paging.offsets)
@example(bad={0, 1, 2, 11}, way=way(1), fault=unreadable, odd=paging.offsets)
def test_every_other_item_comes_once(bad, way, fault, odd):
    async def main():
        service = Sandbox(list(PROCEDURES), runs=0, paging=odd if way["on_drift"] == "ignore" else paging.offsets)
        service.faults.always(fault(*at(bad)))
        walk = InProcess(service, attempts=2).procedures.list(on_unreadable="skip", **way).walk()
        assert await drain(walk) == but(bad)
        assert walk.stats.unreadable_positions == sorted(bad)
        assert walk.stats.resyncs == 0

    asyncio.run(main())


@given(
    number=st.integers(2, 9),
    bad=st.sets(st.integers(0, 8), min_size=1, max_size=2),
    limit=st.integers(2, 5),
    on_drift=st.sampled_from([None, "ignore"]),
    fails=st.sets(st.integers(1, 12), max_size=2),
    resumes_at=st.integers(0, 2),
)
@example(number=3, bad={2}, limit=3, on_drift=None, fails={4}, resumes_at=0)
@example(number=3, bad={1}, limit=3, on_drift="ignore", fails={6}, resumes_at=0)
@example(number=4, bad={1, 2}, limit=4, on_drift="ignore", fails=set(), resumes_at=0)
@example(number=5, bad={2}, limit=2, on_drift="ignore", fails=set(), resumes_at=0)
@example(number=5, bad={2}, limit=2, on_drift="ignore", fails=set(), resumes_at=1)
@example(number=2, bad={1}, limit=2, on_drift="ignore", fails=set(), resumes_at=0)
def test_where_cursors_count_pages_nothing_is_missed_silently(number, bad, limit, on_drift, fails, resumes_at):
    """With another limit, such a cursor leads elsewhere. Single requests fail for other reasons."""

    async def main():
        items = PROCEDURES[:number]
        service = Sandbox(list(items), runs=0, paging=paging.page_numbers)
        service.faults.always(unreadable(*(item.id for at, item in enumerate(items) if at in bad)))
        service.faults.on(lambda _: len(service.requests) in fails).always(status(500))
        listing = InProcess(service, attempts=2).procedures.list
        way = {} if on_drift is None else {"on_drift": on_drift}
        with suppress(ServerError):
            walk = listing(limit=limit, cursor=resumes_at, on_unreadable="skip", **way)
            assert await walk.collect() == [
                item for at, item in enumerate(items) if at not in bad and at >= resumes_at * limit
            ]

    asyncio.run(main())


@given(bad=POSITIONS, way=WAYS, other=WAYS, taken=st.integers(0, 60), later=POSITIONS)
@example(bad=set(), way=way(1), other=way(1, "resync"), taken=35, later={0, 1, 33, 34})
@example(bad=set(), way=way(7, "resync"), other=way(10, "resync"), taken=6, later={0, 1, 2, 3, 4, 5})
@example(bad={0, 1, 2, 42}, way=way(1), other=way(1, "resync"), taken=39, later={41})
@example(bad={0}, way=way(1, None), other=way(1), taken=1, later={1})
@example(bad=set(), way=way(10), other=way(3), taken=6, later={0})
def test_resumed_at_any_item_in_another_way_it_is_the_same(bad, way, other, taken, later):
    """Items that became unreadable meanwhile are missing only if they were still to come."""

    async def main():
        service = Sandbox(list(PROCEDURES), runs=0)
        service.faults.always(unreadable(*at(bad)))
        listing = InProcess(service, attempts=2).procedures.list
        seen = []
        async with listing(on_unreadable="skip", **way).walk() as walk:
            async for item in walk:
                seen.append(item)
                if len(seen) >= taken:
                    break
        service.faults.clear()
        service.faults.always(unreadable(*at(bad | later)))
        cursor = Checkpoint.parse(str(walk.checkpoint))
        rest = await listing(on_unreadable="skip", cursor=cursor, **other).collect()
        assert seen == but(bad)[: len(seen)]
        passed = PROCEDURES.index(seen[-1]) + 1 if seen else 0
        assert rest == [item for item in but(bad | later) if PROCEDURES.index(item) >= passed]

    asyncio.run(main())


@given(bad=POSITIONS, way=WAYS, begins_at=st.integers(0, 60), lasts=st.integers(1, 100))
@example(bad={0, 1}, way=way(1, "resync"), begins_at=17, lasts=4)
@example(bad={0}, way=way(1, "resync"), begins_at=9, lasts=3)
def test_an_outage_of_any_length_leaves_nothing_else_out(bad, way, begins_at, lasts):
    """It may begin within the search for an unreadable item. What was not yielded comes after resuming."""

    async def main():
        service = Sandbox(list(PROCEDURES), runs=0)
        service.faults.always(unreadable(*at(bad)))
        service.faults.on(lambda _: begins_at < len(service.requests) <= begins_at + lasts).always(status(500))
        listing = InProcess(service, attempts=2).procedures.list
        seen, cursor, left_out = [], None, []
        for _ in range(200):
            walk = listing(cursor=cursor, on_unreadable="skip", **way).walk()
            try:
                async for item in walk:
                    seen.append(item)
                break
            except ServerError:
                cursor = walk.checkpoint
            finally:
                left_out += walk.stats.unreadable_positions
        assert seen == but(bad)
        assert set(left_out) == bad

    asyncio.run(main())


@given(
    bad=st.sets(st.integers(5, 59), max_size=4),
    way=WAYS,
    changes=st.dictionaries(st.integers(1, 40), st.sampled_from(["insert", "remove"]), max_size=1),
)
@example(bad={8, 5, 6}, way=way(60, None), changes={37: "remove"})
def test_resync_misses_nothing_that_stays_and_can_be_read(bad, way, changes):
    """An item comes or goes at the top of the listing, at any request. An error in between is resumed from."""

    async def main():
        service = Sandbox(list(PROCEDURES), runs=0)
        new = make_procedures(10, seed=9, newest=PROCEDURES[0].created_at + timedelta(days=30))
        stay = but({0, 1, 2, 3, *bad})
        service.faults.always(unreadable(*(PROCEDURES[position].id for position in bad)))

        def change(factory, _request):
            procedures = factory.procedures
            match changes.get(len(service.requests)):
                case "insert":
                    procedures.insert(0, new.pop())
                case "remove" if procedures[0] not in stay:
                    del procedures[0]

        service.before_response.append(change)
        options = way | {"on_drift": "resync", "on_unreadable": "skip"}
        seen, cursor = [], None
        for _ in range(5):
            walk = InProcess(service, attempts=2).procedures.list(cursor=cursor, **options).walk()
            try:
                async for item in walk:
                    seen.append(item)
                break
            except (ServerError, DriftError):
                cursor = walk.checkpoint
        assert len({item.id for item in seen}) == len(seen)
        assert [item for item in seen if item in stay] == stay

    asyncio.run(main())
