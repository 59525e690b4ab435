"""A walk hands items over one by one, tells where it stands, and leaves nothing behind wherever it is left.

- Pages come whole and in order; at most `concurrency` are in flight, and none is requested while the consumer pauses.
- Nothing stays in flight after a walk is timed out, cancelled, closed or dropped.
- A deadline keeps the items that came, and the checkpoint leads to the rest.
- An error is raised after all items before it, and its checkpoint resumes there; no odd server leads to an endless
  loop.
- An item that moves costs no other item; a resumed walk needs two items of its checkpoint side by side, or most of
  them; a new order is read again, or a `DriftError`.
- The log says why a page is requested again.
"""

import asyncio
import gc
import os
import re
import subprocess
import sys
import weakref
from datetime import timedelta
from json import loads
from random import Random

import pytest
from attrs import evolve
from fakes import paging
from fakes.budget import STEP, combined
from fakes.in_process import InProcess

from aiotofupilot import (
    Checkpoint,
    DetailsWalk,
    DriftError,
    PaginationError,
    ServerError,
    SessionError,
    Walk,
)
from aiotofupilot.listings import Parts, Runs, Stations
from aiotofupilot.sandbox import BusyLine, Request, Sandbox, make_procedures
from aiotofupilot.sandbox.faults import status

WAYS = [(1, "ignore"), (8, "ignore"), (1, "resync"), (8, "resync"), (1, None), (8, None)]
EVERY_WAY = pytest.mark.parametrize(("concurrency", "on_drift"), WAYS)


@pytest.fixture
def service():
    return Sandbox(procedures=95)


@pytest.fixture
def nothing_left(connection):
    """Checks, a few turns of the loop later, that nothing is in flight."""

    async def nothing_left():
        for _ in range(3):
            await asyncio.sleep(0)
        assert connection.in_flight == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    return nothing_left


FAST_PAGES = 7


async def take(walk, count):
    return [await anext(walk) for _ in range(count)]


def among(items, others):
    """Return the items that are among others, in their order."""
    others = set(others)
    return [item for item in items if item in others]


class TestItems:
    @pytest.mark.parametrize(
        ("wanted", "way"),
        combined([(0, 0), (1, 1), (10, 1), (11, 2), (34, 4)], WAYS),
    )
    async def test_max_items_asks_for_no_page_that_cannot_be_needed(self, listing, connection, wanted, way):
        """Nor for more items than that in the first, unless pages are checked, which takes three."""
        (max_items, requests), (concurrency, on_drift) = wanted, way
        await listing(limit=10, max_items=max_items, on_drift=on_drift, concurrency=concurrency).collect()
        assert len(connection.cursors) == requests
        for request in connection.service.requests:
            assert int(request.query["limit"]) == max(min(10, max_items), 1 if on_drift == "ignore" else 3)

    async def test_nothing_is_in_flight_once_the_last_item_wanted_is_there(self, listing, nothing_left):
        """Who got what they asked for need not close anything."""
        walk = listing(limit=10, max_items=45, concurrency=8).walk()
        await take(walk, 41)
        await nothing_left()
        assert len(await take(walk, 4)) == 4

    async def test_the_last_page_cancels_what_was_requested_beyond_it(self, service):
        class Silent(InProcess):
            async def _respond(self, target):
                if int(re.search(r"cursor=(\d+)|$", target)[1] or 0) >= len(self.service.procedures):
                    await asyncio.Event().wait()
                return await super()._respond(target)

        connection = Silent(service)
        await take(connection.procedures.list(limit=10, concurrency=8).walk(), 95)
        assert max(connection.cursors) >= 95
        await asyncio.sleep(0)
        assert connection.in_flight == 0

    @pytest.mark.parametrize(
        "make",
        [lambda it: it.walk(), lambda it: it.details().walk(), lambda it: it.since()],
        ids=["walk", "details", "since"],
    )
    async def test_two_tasks_cannot_advance_one(self, listing, nothing_left, make):
        """Which of them would get which item?"""
        walk = make(listing(limit=10))
        first = asyncio.ensure_future(anext(walk))
        await asyncio.sleep(0)
        for use in (anext(walk), walk.aclose()):
            with pytest.raises(RuntimeError, match="another task"):
                await use
        first.cancel()
        await asyncio.wait([first])
        await walk.aclose()
        await nothing_left()


class TestBackPressure:
    async def test_a_consumer_that_stops_stops_the_requests(self, listing, connection):
        """At most as many pages as the concurrency are fetched and not used up, the one at hand included."""
        walk = listing(limit=5, on_drift="ignore", concurrency=4).walk()
        for used_up in range(10):
            await take(walk, 5)
            for _ in range(10):
                await asyncio.sleep(0)
            assert len(connection.cursors) - used_up <= 4
        await walk.aclose()

    async def test_an_early_break_costs_one_request(self, listing, connection, nothing_left):
        """The first page is fetched alone, and the next not before it is used up."""
        async for _ in listing(limit=10, concurrency=16):
            break
        await nothing_left()
        assert connection.cursors == [0]


class TestLeaving:
    """In each case nothing stays in flight: no task, and with it no connection. The walk goes on where it stood."""

    @pytest.fixture
    def connection(self, service):
        connection = InProcess(service, turns=lambda: 1 if len(connection.cursors) <= FAST_PAGES else 1000)
        return connection

    @pytest.fixture
    def walked(self, listing, connection):
        """A walk that used up all pages that came fast, and has others in flight."""

        async def walked():
            walk = listing(limit=5, on_drift="ignore", concurrency=8).walk()
            await take(walk, 5 * FAST_PAGES)
            assert connection.in_flight > 1
            return walk

        return walked

    async def test_cancellation_and_a_timeout(self, walked, service, nothing_left):
        walk = await walked()
        waiting = asyncio.ensure_future(anext(walk))
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await nothing_left()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(walk)
        await nothing_left()
        assert [procedure async for procedure in walk] == service.procedures[5 * FAST_PAGES :]

    async def test_closing(self, walked, connection):
        walk = await walked()
        await walk.aclose()
        assert connection.in_flight == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for more in (anext(walk), walk.take(1), anext(walk.batches())):
            with pytest.raises(SessionError, match="this Walk was closed before its end") as caught:
                await more
            assert caught.value.checkpoint == walk.checkpoint
        assert walk.checkpoint.cursor == walk.stats.items == 5 * FAST_PAGES
        await walk.aclose()

    @pytest.mark.parametrize(("on_drift", "cursor"), [(None, 8), ("ignore", 10)])
    async def test_closing_in_the_middle_of_a_page(self, listing, on_drift, cursor):
        walk = listing(limit=10, on_drift=on_drift).walk()
        await take(walk, 13)
        await walk.aclose()
        assert (walk.checkpoint.cursor, walk.checkpoint.skip, walk.stats.items) == (cursor, 13 - cursor, 13)

    async def test_dropping(self, walked, nothing_left):
        walk = await walked()
        del walk
        await nothing_left()

    def test_the_end_of_the_loop(self, walked):
        walk = asyncio.run(walked(), debug=True)
        del walk
        gc.collect()


class TestErrors:
    @pytest.mark.parametrize(("way", "page"), combined(WAYS, [0, 1, 5]))
    async def test_an_error_comes_after_every_item_before_it(self, listing, service, nothing_left, way, page):
        """With the checkpoint that resumes exactly there; pages beyond it that had arrived are not yielded."""
        concurrency, on_drift = way
        stride = 10 if on_drift == "ignore" else 8
        where = service.faults.on(cursor=page * stride) if page else service.faults
        where.next(status(503), times=10)
        seen, walk = [], listing(limit=10, concurrency=concurrency, on_drift=on_drift).walk()
        with pytest.raises(ServerError) as caught:
            async for procedure in walk:
                seen.append(procedure)
        assert seen == service.procedures[: page * stride + 2 * (page > 0 and on_drift != "ignore")]
        checkpoint = caught.value.checkpoint
        assert checkpoint == walk.checkpoint
        note = f"the walk stopped at cursor {checkpoint.cursor}: resume with cursor=Checkpoint.parse('{checkpoint}')"
        assert getattr(caught.value, "__notes__", []) == [note] * bool(seen)  # nothing is no place to resume
        await nothing_left()
        rest = await listing(limit=10, cursor=checkpoint, on_drift=on_drift).collect()
        assert seen + rest == service.procedures

    @EVERY_WAY
    @pytest.mark.parametrize(("raised", "error"), [(LookupError, LookupError), (StopAsyncIteration, RuntimeError)])
    async def test_errors_of_others_get_the_note_too(self, service, raised, error, concurrency, on_drift):
        """As from a callback of the user's. One that would end the loop does not pass for the end."""

        class Broken(InProcess):
            async def get(self, target, read, counts, *, once=False, **_):
                if "cursor" in target:
                    raise raised
                return await super().get(target, read, counts)

        walk = Broken(service).procedures.list(limit=10, concurrency=concurrency, on_drift=on_drift).walk()
        await take(walk, 10)
        with pytest.raises(error) as caught:
            await anext(walk)
        (note,) = caught.value.__notes__
        assert note.startswith(
            "the walk stopped at cursor 10: resume with cursor=Checkpoint.parse('procedures.3dnEB2f5:10"
        )

    async def test_an_error_at_the_checkpoint_where_a_walk_began_has_no_note(self, listing, service):
        """Whoever gave the checkpoint has it."""
        start = Checkpoint(20, skip=3)
        service.faults.always(status(503))
        paginator = listing(cursor=start)
        for use in (paginator.collect, lambda: anext(paginator.pages())):
            with pytest.raises(ServerError) as caught:
                await use()
            assert caught.value.checkpoint == start
            assert not hasattr(caught.value, "__notes__")


class TestCheckpoints:
    async def test_a_walk_that_falls_back_to_one_page_in_flight_says_so_in_its_stats(self, listing, service):
        for odd, is_sequential in ((paging.offsets, False), (paging.capped(7), False), (paging.page_numbers, True)):
            service.paging = odd
            walk = listing(limit=10, concurrency=8).walk()
            assert [procedure async for procedure in walk] == service.procedures
            assert walk.stats.is_sequential is is_sequential

    async def test_where_cursors_count_pages_max_items_changes_no_place(self, listing, service):
        """Neither a given cursor nor a checkpoint means another item by it, as in pages of another length it would."""
        service.paging = paging.page_numbers
        items = service.procedures
        assert await listing(limit=10, cursor=2).first() == items[20]
        assert await listing(limit=10, cursor=2, max_items=3).collect() == items[20:23]
        walk = listing(limit=10, max_items=4).walk()
        assert [procedure async for procedure in walk] == items[:4]
        for resumed in (walk.checkpoint, Checkpoint.parse(str(walk.checkpoint))):
            assert await listing(limit=10, cursor=resumed).collect() == items[4:]
            assert await listing(limit=10, cursor=resumed, max_items=13).collect() == items[4:17]

    async def test_a_checkpoint_at_the_end_yields_what_was_added_behind_it(self, listing, service):
        """Nothing, as long as nothing was."""
        walk = listing(limit=10).walk()
        *_, last = await take(walk, 95)
        assert await listing(cursor=walk.checkpoint).collect() == []
        older = [evolve(last, id=name, created_at=last.created_at - timedelta(hours=1)) for name in ("a", "b")]
        service.procedures += [evolve(last, id="as old"), *older]
        assert await listing(cursor=walk.checkpoint).collect() == service.procedures[-3:]

    async def test_a_resumed_walk_needs_none_of_the_items_that_were_passed(self):
        """Here all of them were removed, and others were created."""
        procedures = make_procedures(20)
        for limit in range(1, 10):
            service = Sandbox(procedures[3:])
            connection = InProcess(service)
            async with connection.procedures.list(limit=limit, on_drift="resync").walk() as walk:
                passed = [await anext(walk) for _ in range(8)]
            service.procedures = [item for item in procedures if item not in passed]
            resumed = connection.procedures.list(cursor=walk.checkpoint, limit=limit, on_drift="resync")
            assert passed + await resumed.collect() == procedures[3:]

    async def test_a_resumed_walk_yields_what_was_created_among_the_items_that_its_checkpoint_names(self):
        """They have one time, so the server may list a new one before them."""
        newest, *_ = supply = make_procedures(9)
        alike = [evolve(procedure, created_at=newest.created_at) for procedure in supply]
        for taken in range(1, 8):
            service = Sandbox(alike[:8])
            connection = InProcess(service)
            async with connection.procedures.list(limit=20).walk() as walk:
                passed = [await anext(walk) for _ in range(taken)]
            service.procedures.insert(0, alike[8])
            rest = await connection.procedures.list(cursor=walk.checkpoint, limit=20).collect()
            assert {item.id for item in passed}.isdisjoint({item.id for item in rest})
            assert {item.id for item in [*passed, *rest]} == {item.id for item in alike}

    @pytest.mark.parametrize("taken", [1, 2, 3])
    @pytest.mark.parametrize("on_drift", ["ignore", "resync"])
    async def test_an_item_that_a_page_has_twice_counts_at_its_first_place(self, listing, service, on_drift, taken):
        first, second = (evolve(item, created_at=service.procedures[0].created_at) for item in service.procedures[:2])
        service.procedures[:3] = [first, second, first]
        walk = listing(limit=10, on_drift=on_drift).walk()
        items = await take(walk, taken)
        resumed = listing(limit=10, on_drift=on_drift, cursor=walk.checkpoint)
        assert items + await resumed.collect() == [first, second, *service.procedures[3:]]


def reordered(items, change):
    third, half = len(items) // 3, len(items) // 2
    return {
        "reversed": items[::-1],
        "halves swapped": items[half:] + items[:half],
        "a third moved to the end": items[third:] + items[:third],
        "shuffled": Random(1).sample(items, len(items)),  # noqa: S311 - test data
    }[change]


async def read(service, taken, change, *, is_resumed=False, cursor=None, **options):
    """Return what a walk yields if the listing is changed after so many items, and whether nothing came twice."""
    listing = InProcess(service).procedures.list
    walk = listing(on_drift="resync", cursor=cursor, **options).walk()
    seen = await take(walk, taken)
    change(service.procedures)
    if is_resumed:
        walk = listing(on_drift="resync", cursor=Checkpoint.parse(str(walk.checkpoint)), **options).walk()
    seen += [procedure async for procedure in walk]
    assert len(set(seen)) == len(seen)
    return seen


class TestListingsThatMove:
    """Long listings that move by many items. No history in `tests/proof` is as long."""

    @pytest.mark.parametrize(
        ("total", "taken", "inserted", "options"),
        [
            (1200, 100, 1001, {"concurrency": 16}),
            (3000, 2500, 2500, {}),
            (300, 10, 25, {"cursor": 50, "limit": 10}),
            (300, 100, 200, {"cursor": 50, "concurrency": 16}),
            (220, 120, 110, {"cursor": 50, "limit": 2, "is_resumed": True}),
            (560, 460, 450, {"cursor": 50, "limit": 5}),
        ],
    )
    async def test_a_pause_in_which_many_are_created_costs_nothing(self, total, taken, inserted, options):
        """Nor does a burst that is passed in short pages. Each brings the walk nearer to what it has not seen."""
        supply = make_procedures(total + inserted)
        created, listed = supply[:inserted], supply[inserted:]
        seen = await read(Sandbox(listed), taken, lambda now: now.__setitem__(slice(0, 0), created), **options)
        assert among(seen, listed) == listed[options.get("cursor", 0) :]

    @pytest.mark.parametrize(("total", "limit", "taken", "kept"), [(60, 3, 20, 5), (60, 5, 20, 5), (200, 10, 66, 33)])
    async def test_items_that_were_passed_last_may_all_be_removed(self, total, limit, taken, kept):
        """While earlier ones stay. No item that was passed has to be listed any more."""
        service = Sandbox(total)
        connection = InProcess(service)
        walk = connection.procedures.list(limit=limit).walk()
        seen, listed = await take(walk, taken), [*service.procedures]
        del service.procedures[kept:taken]
        assert seen + [procedure async for procedure in walk] == listed
        assert not walk.stats.is_unchecked
        assert len(connection.cursors) < total / (limit - 2) + 10

    @pytest.mark.parametrize("length", [3, 10])
    async def test_a_resumed_walk_finds_its_place_where_the_server_gives_fewer_than_asked_for(self, length):
        """The walk goes by what pages really hold, and leaves nothing out between two of them."""
        supply = make_procedures(140)
        for created in range(1, 40, STEP):
            service = Sandbox(supply[40:], paging=paging.capped(length))
            listing = InProcess(service).procedures.list
            walk = listing(limit=100, cursor=50, on_drift="resync").walk()
            await take(walk, 2)
            service.procedures[:0] = supply[40 - created : 40]
            rest = await listing(limit=100, cursor=walk.checkpoint, max_items=3, on_drift="resync").collect()
            assert rest == supply[92:95], created

    async def test_a_resumed_walk_knows_the_order_of_all_that_it_yielded(self):
        """Stations have no time that sorts them."""
        service = Sandbox(1)
        first, stations = service.rows("stations")[0], service.rows("stations")
        stations[:] = [evolve(first, id=f"{nth}") for nth in range(20)]
        listing = Stations(InProcess(service)).list
        walk = listing(limit=5, on_drift="resync").walk()
        await take(walk, 10)
        stations[:10] = stations[9::-1]
        with pytest.raises(DriftError, match="does not keep an order"):
            await listing(limit=5, cursor=Checkpoint.parse(str(walk.checkpoint)), on_drift="resync").collect()

    @pytest.mark.parametrize(
        ("limit", "taken", "change", "on_drift"),
        combined(
            *([10, 100], [100, 950], ["reversed", "halves swapped", "a third moved to the end", "shuffled"]),
            [None, "resync"],
        ),
    )
    async def test_a_new_order_is_never_taken_in_silence(self, limit, taken, change, on_drift, caplog):
        """An item whose time stays cannot move. So the server does not sort, and that is an error, or a warning."""
        service = Sandbox(1000)
        walk = InProcess(service).procedures.list(limit=limit, on_drift=on_drift).walk()
        seen, refusal = await take(walk, taken), None
        listed = [*service.procedures]
        service.procedures[:] = reordered(listed, change)
        try:
            async for procedure in walk:
                seen.append(procedure)
        except DriftError as error:
            refusal = error
        assert refusal is None or (on_drift is not None and refusal.checkpoint == walk.checkpoint)
        assert walk.stats.is_unchecked is ("some procedures may be missed or doubled" in caplog.text)
        if not walk.stats.is_unchecked:
            assert len(set(seen)) == len(seen)
            assert refusal is not None or set(seen) == set(listed)

    @pytest.mark.parametrize(("removed", "most"), [(0, 1), (500, 40)])
    async def test_a_resumed_walk_goes_on_with_few_requests_however_many_were_created_meanwhile(self, removed, most):
        """With one request, unless the items yielded last were removed."""
        supply = make_procedures(5000)
        service = Sandbox(supply[3000:])
        connection = InProcess(service)
        walk = connection.procedures.list(on_drift="resync").walk()
        await take(walk, 500)
        service.procedures[:removed] = supply[:3000]
        connection.cursors.clear()
        cursor = walk.checkpoint
        rest = await connection.procedures.list(cursor=cursor, max_items=30, on_drift="resync").collect()
        assert rest == supply[3500:3530]
        assert len(connection.cursors) <= most

    async def test_at_least_a_thousand_items_are_remembered_and_at_most_two_thousand(self):
        """They are not yielded again, if the server lists them again. A walk by value remembers no such items."""
        service = Sandbox(3200)
        walk = InProcess(service).procedures.list(on_drift="ignore").walk()
        seen = await take(walk, 3000)
        service.procedures[3000:3000] = [seen[0], seen[999], seen[2000], seen[2999]]
        assert [item async for item in walk] == [seen[0], seen[999], *service.procedures[3004:]]

    async def test_without_a_time_so_many_items_are_remembered_at_most(self, service, monkeypatch, caplog):
        """Stations have none. By name, the rest is an error rather than items that come twice."""
        monkeypatch.setattr("aiotofupilot._paging.position.KEYS_AT_MOST", 5)
        service.stations = [evolve(service.stations[0], id=f"{number}") for number in range(20)]
        stations = Stations(InProcess(service))
        walk = stations.list(limit=4, on_drift="resync").walk()
        with pytest.raises(DriftError, match="has no time, and the listing has more than 5 items"):
            while True:
                await anext(walk)
        assert walk.stats.items >= 5
        assert [station async for station in stations.list(limit=4)] == service.stations
        assert "more than 5 items" in caplog.text

    async def test_without_a_filter_pages_that_disagree_for_ever_are_an_error(self, service):
        """As of two servers: one shows the items that were passed, and the other nothing known."""
        (first, *_), day = service.parts, timedelta(days=1)
        service.parts = [evolve(first, id=f"{nth}", created_at=first.created_at - nth * day) for nth in range(12)]
        service.paging = lambda total, cursor, limit: paging.Window(
            *((6, 9) if cursor else (0, 3)), has_more=True, next_cursor=cursor + 3
        )
        connection = InProcess(service)
        walk = Parts(connection).list(limit=3, on_drift="resync").walk()
        await take(walk, 3)
        with pytest.raises((DriftError, PaginationError)):
            await anext(walk)
        assert len(connection.cursors) < 250


class TestFreedAtOnce:
    """A walk makes no reference cycles: whoever drops it need not wait for the garbage collector."""

    @pytest.mark.parametrize(("use", "requests"), [("walk", 11), ("since", 4)])
    async def test_after_an_error_that_was_not_raised(self, service, listing, use, requests):
        """A walk follows the cursors of an odd server, and a pass begins again where the listing moved too much."""
        cuts = [paging.offsets, lambda *_: paging.Window(9, 9, has_more=True, next_cursor=35)]

        def odd_once(*asked):
            return (cuts.pop(0) if cuts else paging.offsets)(*asked)

        service.paging = paging.capped(1) if use == "walk" else odd_once
        walk = getattr(listing(limit=10), use)()
        await take(walk, 11)
        assert walk.stats.requests == requests
        watched = weakref.ref(walk)
        del walk
        assert watched() is None

    @pytest.mark.parametrize("is_there", [True, False])
    async def test_after_an_error_of_a_page_that_is_read_in_parts(self, service, listing, is_there):
        """Nothing else can be read either, or the cursors are not offsets."""
        walk = listing(limit=10).walk()
        await take(walk, 10)
        service.faults.on(cursor=8).always(status(500))
        if is_there:
            service.faults.always(status(500))
        else:
            service.paging = lambda *_: paging.Window(0, 1, has_more=True, next_cursor=99)
        with pytest.raises(ServerError):
            await anext(walk)
        watched = weakref.ref(walk)
        del walk
        assert watched() is None


class TestRaw:
    @EVERY_WAY
    async def test_raw_items_are_what_the_server_sent(self, listing, service, concurrency, on_drift):
        """With every key, in every way of walking, and resumed at any item."""
        options = {"limit": 10, "concurrency": concurrency, "on_drift": on_drift}
        walk = listing(**options).raw().walk()
        items = await take(walk, 33)
        items += await listing(cursor=walk.checkpoint, **options).raw().raw().collect()
        request = Request(query=[("limit", "95")], authorization=f"Bearer {service.api_key}")
        with service.handle(request) as delivery:
            assert items == loads(delivery.body)["data"]
        assert all(isinstance(item, dict) and item.id == item["id"] for item in items)


class TestStats:
    async def test_they_count_what_the_walk_did(self, listing, service):
        """At any moment, not only at the end."""
        service.faults.on(cursor=30).next(status(503), times=2)
        walk = listing(limit=10, on_drift="ignore").walk()
        assert walk.stats.requests == 0
        await take(walk, 35)
        assert (walk.stats.pages, walk.stats.items) == (4, 35)
        assert (walk.stats.requests, walk.stats.retries) == (6, 2)
        await take(walk, 60)
        assert (walk.stats.pages, walk.stats.items) == (10, 95)
        assert walk.stats.duplicates == walk.stats.resyncs == 0

    async def test_items_of_one_time_that_are_read_in_another_order_are_no_duplicates(self):
        """So the page after them begins at a higher cursor than the pages before them have reached."""
        service = Sandbox(procedures=1, runs=300)
        service.runs[20:220] = [evolve(run, started_at=service.runs[20].started_at) for run in service.runs[20:220]]
        walk = Runs(InProcess(service)).list().walk()
        assert len(await take(walk, 300)) == 300
        assert walk.stats.duplicates == 0


class TestLog:
    """A page that is requested again has a line that says why."""

    async def test_a_page_that_shows_another_position(self, listing, service, caplog):
        service.before_response.append(BusyLine(inserts=1, removals=4))
        walk = listing(limit=5, on_drift="resync").walk()
        with caplog.at_level("DEBUG", "aiotofupilot"):
            items = [procedure async for procedure in walk]
        assert items
        assert len(caplog.messages) == walk.stats.resyncs > 0
        assert all(
            re.fullmatch(r"procedures have moved: the page at cursor \d+ begins after the walk's position", line)
            for line in caplog.messages
        )

    async def test_pages_that_were_requested_ahead_in_vain(self, service, caplog):
        listing = InProcess(service, turns=lambda: 3).procedures.list
        walk = listing(limit=10, on_drift="ignore", concurrency=6).walk()
        await take(walk, 20)
        service.paging = paging.capped(5)
        with caplog.at_level("DEBUG", "aiotofupilot"):
            assert [procedure async for procedure in walk] == service.procedures[20:]
        assert caplog.messages == ["the page at cursor 30 leads to 35: 3 pages requested ahead are dropped"]


def empty_for_ever(total, cursor, limit):
    return paging.Window(
        cursor if cursor < 20 else total, min(cursor + limit, 20), has_more=True, next_cursor=cursor + limit
    )


def same_page_for_ever(total, cursor, limit):
    return paging.Window(0, limit, has_more=True, next_cursor=cursor + limit)


def clamped(total, cursor, limit):
    start = min(cursor, 30)
    return paging.Window(start, start + limit, has_more=True, next_cursor=cursor + limit)


class TestOddServers:
    """Right results or a typed error; never a loop, never silently less."""

    @pytest.mark.parametrize(
        ("odd", "on_drift", "limit", "concurrency"),
        combined(
            [paging.repeating_cursor(20), paging.cycling_cursor(20), paging.backward_cursor(20)],
            [None, "ignore"],
            [3, 10],
            [1, 8],
        ),
    )
    async def test_a_cursor_that_does_not_advance_is_an_error(
        self, listing, service, odd, limit, on_drift, concurrency
    ):
        """After the items of the page that named it, unless pages are checked, and with the checkpoint behind them."""
        service.paging = odd
        seen = []
        with pytest.raises(PaginationError) as caught:
            async for procedure in listing(limit=limit, on_drift=on_drift, concurrency=concurrency):
                seen.append(procedure)
        assert seen == service.procedures[: caught.value.cursor + (limit if on_drift == "ignore" else 2)]
        service.paging = paging.offsets
        rest = listing(on_drift=on_drift, cursor=caught.value.checkpoint)
        assert seen + await rest.collect() == service.procedures

    @pytest.mark.parametrize("on_drift", ["ignore", "resync"])
    async def test_a_server_that_caps_the_limit_costs_nothing_but_speed(self, service, on_drift):
        """The window learns the length of its pages, and goes on with several in flight."""
        service.paging = paging.capped(5)
        connection = InProcess(service, turns=lambda: 3)
        walk = connection.procedures.list(limit=100, concurrency=6, on_drift=on_drift).walk()
        assert [procedure async for procedure in walk] == service.procedures
        assert connection.most_in_flight == 5  # and the page at hand
        assert walk.stats.requests - walk.stats.pages < 6 + 1

    @pytest.mark.parametrize(("on_drift", "limit", "concurrency"), combined(["ignore", "resync"], [3, 10], [1, 8]))
    async def test_more_that_is_announced_without_a_cursor_is_an_error(
        self, listing, service, on_drift, limit, concurrency
    ):
        """Whoever took it for the end would lose the rest."""
        service.paging = paging.null_cursor
        options = {"limit": limit, "concurrency": concurrency, "on_drift": on_drift}
        seen = []
        with pytest.raises(PaginationError, match="not at which cursor") as caught:
            async for procedure in listing(**options):
                seen.append(procedure)
        assert (caught.value.cursor, caught.value.next_cursor) == (0, None)
        assert seen == service.procedures[:limit]
        with pytest.raises(PaginationError) as caught_between_pages:
            async for _ in listing(**options).pages():
                pass
        assert caught_between_pages.value.checkpoint == Checkpoint(0, limit)
        service.paging = paging.offsets
        assert seen + await listing(cursor=caught.value.checkpoint, **options).collect() == service.procedures

    @pytest.mark.parametrize(
        ("odd", "on_drift", "limit", "concurrency"),
        combined([empty_for_ever, same_page_for_ever, clamped], ["ignore", "resync"], [10], [1, 8]),
    )
    async def test_cursors_that_advance_and_bring_nothing_are_an_error(
        self, listing, service, connection, odd, on_drift, limit, concurrency
    ):
        """No walk asks for ever, and no pages() does."""
        service.paging = odd
        options = {"limit": limit, "concurrency": concurrency, "on_drift": on_drift}
        seen = []
        with pytest.raises((PaginationError, DriftError)) as caught:
            async for procedure in listing(**options):
                seen.append(procedure)
        assert seen == service.procedures[: len(seen)]
        if on_drift == "ignore":
            assert caught.value.fruitless_pages == 101
        with pytest.raises(PaginationError, match="101 pages in a row brought nothing new"):
            async for _ in listing(**options).pages():
                pass
        assert len(connection.cursors) < 1000


class TestBatches:
    """A walk hands items over list by list, too."""

    async def test_none_waits_for_the_next_page(self, listing, service):
        assert [len(service.requests) async for _ in listing(limit=20).walk().batches()] == [1, 2, 3, 4, 5, 6]
        service.requests.clear()
        assert await listing(limit=20).walk().take(1000) == service.procedures[:20]
        assert len(service.requests) == 1

    async def test_pages_without_new_items_yield_nothing(self, listing, service):
        """A server's empty pages are passed over."""
        service.paging = paging.hidden_rows(every=10, hide=25)
        batches = [batch async for batch in listing(limit=10).walk().batches()]
        assert [procedure for batch in batches for procedure in batch] == await listing(limit=95).collect()
        assert len(batches) < len(service.requests) - 1
        assert all(batches)

    async def test_single_items_and_batches_may_be_taken_in_turn(self, listing, service):
        """``max_items`` bounds both together."""
        walk = listing(limit=20, max_items=30).walk()
        first = await take(walk, 2)
        batches = [batch async for batch in walk.batches()]
        assert [len(batch) for batch in batches] == [18, 10]
        assert [*first, *batches[0], *batches[1]] == service.procedures[:30]

    @pytest.mark.parametrize("on_drift", ["ignore", "resync"])
    async def test_as_many_can_be_taken_as_are_wanted(self, listing, service, on_drift):
        """A page is cut then, and the checkpoint stands within it."""
        walk, passed = listing(limit=20, on_drift=on_drift).walk(), []
        while taken := await walk.take(7):
            assert len(taken) <= 7
            passed += taken
            rest = await listing(limit=20, cursor=walk.checkpoint, on_drift=on_drift).collect()
            assert passed + rest == service.procedures
        assert len(passed) == 95
        with pytest.raises(ValueError, match="at_most must be at least 1, got 0"):
            await walk.take(0)


def test_it_walks_where_comparing_text_with_bytes_is_an_error():
    """As in programs that run under ``python -bb``."""
    program = """
import asyncio
from aiotofupilot import Checkpoint, TofuPilotSession
from aiotofupilot.sandbox import Sandbox

async def main():
    async with Sandbox(50) as sandbox, TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as session:
        for on_drift in ("ignore", "resync"):
            walk = session.procedures.list(limit=10, on_drift=on_drift).walk()
            seen = [await anext(walk) for _ in range(25)]
            del sandbox.procedures[5:7]
            resumed = session.procedures.list(cursor=Checkpoint.parse(str(walk.checkpoint)), on_drift=on_drift)
            print(on_drift, len(seen), await resumed.first() is not None)

asyncio.run(main())
"""
    env = {**os.environ, "PYTHONDEVMODE": ""}  # in that mode, asyncio tells of each step that a slow machine takes
    run = subprocess.run([sys.executable, "-bb", "-c", program], capture_output=True, text=True, check=False, env=env)  # noqa: S603
    assert (run.stdout, run.stderr) == ("ignore 25 True\nresync 25 True\n", "")


def test_a_walk_that_was_never_made_whole_is_dropped_in_silence():
    """Python calls its finalizer, too, where its constructor has raised."""
    for kind in (Walk, DetailsWalk):
        kind.__new__(kind).__del__()
