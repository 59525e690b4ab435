"""Without a value of ``on_drift``, each item comes exactly once, and cursors that are not offsets are followed.

- By default, cursors that are not offsets are followed, with one warning, and can be resumed.
- By default, a still listing of 200 takes three requests, one of 5,000 takes 51.
"""

import asyncio

import pytest
from fakes import paging
from fakes.budget import MANY, combined
from fakes.in_process import InProcess
from hypothesis import example, given, settings, strategies as st

from aiotofupilot import Checkpoint, DriftError, PaginationError, ServerError, UnauthorizedError
from aiotofupilot.listings import Runs, Users
from aiotofupilot.sandbox import BusyLine, Sandbox
from aiotofupilot.sandbox.faults import status, unreadable

TOTAL = 95
ODD = {
    "page numbers": paging.page_numbers,
    "hidden rows": paging.hidden_rows(10, 25),
    "rows hidden later": paging.hidden_rows(40, 7),
    "pages of one item": paging.capped(1),
    "short pages": paging.short_pages(),
}


@pytest.fixture
def service():
    return Sandbox(procedures=TOTAL, runs=0)


async def items_of(walk):
    return [item async for item in walk]


async def take(walk, count):
    return [await anext(walk) for _ in range(count)]


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


async def test_nothing_at_a_bare_cursor_that_deep_may_be_a_cap(service, caplog):
    """No time leads beyond it, because the walk has none. Nearer to the head, no cap is known."""
    procedures = InProcess(service).procedures
    for cursor, is_unchecked in ((300, False), (1000, True)):
        walk = procedures.list(cursor=cursor).walk()
        assert await items_of(walk) == []
        assert walk.stats.is_unchecked == is_unchecked
    assert len(warnings_of(caplog)) == 1
    with pytest.raises(DriftError, match="no filter by time can show"):
        await procedures.list(cursor=1000, on_drift="resync").collect()


async def test_that_all_items_before_a_checkpoint_have_gone_says_nothing_against_a_filter():
    """Bounds ever earlier show the same first item. Without a filter, the end of a long listing is doubtful."""
    procedures = InProcess(service := Sandbox(procedures=1000, runs=0)).procedures
    async with procedures.list().walk() as walk:
        await anext(walk)
    del service.procedures[0]
    resumed = procedures.list(cursor=walk.checkpoint).walk()
    assert (await items_of(resumed), resumed.stats.is_unchecked) == (service.procedures, False)


class TestMovingListings:
    @pytest.mark.parametrize(
        "use", [lambda it: it, lambda it: it.raw(), lambda it: it.details()], ids=["items", "raw", "details"]
    )
    @pytest.mark.parametrize("concurrency", [1, 16])
    async def test_each_item_that_stays_comes_once_and_in_order(self, service, use, concurrency):
        listed = [procedure.id for procedure in service.procedures]
        line = BusyLine(inserts=1, removals=2.0, seed=3)
        service.before_response.append(lambda *seen: line(*seen) if seen[1].path.endswith("/procedures") else None)
        walk = use(InProcess(service).procedures.list(limit=10, concurrency=concurrency)).walk()
        found = [item.id for item in await items_of(walk)]
        gone = {procedure.id for procedure in line.removed}
        assert len(gone) > 5
        assert len(set(found)) == len(found)
        assert [item for item in found if item in listed and item not in gone] == [i for i in listed if i not in gone]
        assert not walk.stats.is_unchecked

    @pytest.mark.parametrize(("removes", "requests"), [(False, 39), (True, 41)])
    async def test_pages_in_flight_when_an_item_is_removed_are_used(self, removes, requests):
        """One request by value shows the position, and one page more is read."""
        service, asked = Sandbox(procedures=300, runs=0), []
        service.before_response.append(lambda _, request: asked.append(request))
        if removes:
            service.before_response.append(lambda *_: service.procedures.pop(0) if len(asked) == 5 else None)
        found = await items_of(InProcess(service).procedures.list(limit=10, concurrency=4))
        assert len({item.id for item in found}) == len(found) == 300
        assert len(asked) == requests

    async def test_a_listing_shows_that_it_is_walked_by_default(self, listing):
        described = {row[0]: row[1] for row in listing()._shown()[2]}
        assert described["on_drift"] == "default"

    @pytest.mark.parametrize(("total", "requests", "ignoring"), [(100, 1, 1), (200, 3, 2), (5000, 51, 50)])
    async def test_a_still_listing_costs_a_request_more_per_99_pages_begun(self, total, requests, ignoring):
        for on_drift, expected in ((None, requests), ("ignore", ignoring)):
            walk = InProcess(Sandbox(total, runs=0)).procedures.list(on_drift=on_drift).walk()
            assert len(await items_of(walk)) == total
            assert walk.stats.requests == expected

    @pytest.mark.parametrize("sort_by", [None, "created_at", "outcome"])
    async def test_in_an_order_in_which_items_can_move_the_cursor_is_followed(self, sort_by):
        """There, a walk could not find its position, and ``"resync"`` by name is refused."""
        connection = InProcess(Sandbox(3, runs=25))
        walk = Runs(connection).list(sort_by=sort_by, limit=10).walk()
        assert len(await items_of(walk)) == 25
        assert connection.cursors == ([0, 10, 20] if sort_by == "outcome" else [0, 8, 16])
        assert not walk.stats.is_unchecked

    @pytest.mark.parametrize("use", ["pages", "await"])
    async def test_pages_are_those_of_the_server(self, listing, connection, use):
        if use == "pages":
            assert [page.cursor async for page in listing(limit=40).pages()] == [0, 40, 80]
        else:
            assert (await listing(limit=40, max_items=3)).following == 40
        assert connection.cursors in ([0, 40, 80], [0])

    async def test_a_user_who_goes_while_the_walk_is_interrupted_costs_no_other(self):
        service = Sandbox(procedures=3, runs=50)
        users = Users(InProcess(service))
        walk = users.list().walk()
        first = await take(walk, 2)
        expected = service.users[2:]
        del service.users[0]
        assert await users.list(cursor=Checkpoint.parse(str(walk.checkpoint))).collect() == expected
        assert first


class TestOddServers:
    """Cursors that are not offsets are followed from the first page that shows it on."""

    @pytest.mark.parametrize(("odd", "limit", "concurrency"), combined([*ODD], [1, 2, 3, 10, 100], [1, 8]))
    async def test_nothing_is_lost_and_the_walk_says_so_once(self, service, listing, caplog, odd, limit, concurrency):
        service.paging = ODD[odd]
        walk = listing(limit=limit, concurrency=concurrency).walk()
        assert await items_of(walk) == service.procedures
        assert len(warnings_of(caplog)) == walk.stats.is_unchecked
        shows_one = (odd == "page numbers" and limit < 100) or odd in ("pages of one item", "hidden rows")
        assert walk.stats.is_unchecked or not shows_one

    async def test_the_warning_says_what_is_odd_and_what_to_do(self, service, listing, caplog):
        service.paging = paging.page_numbers
        await listing(limit=10).collect()
        (warning,) = warnings_of(caplog)
        assert warning == (
            "the server's cursors are not offsets: 10 items at 0 lead to 1; a walk with "
            'on_drift="ignore" follows any cursor: some procedures may be missed or doubled'
        )

    @pytest.mark.parametrize("odd", ["page numbers", "pages of one item"])
    async def test_by_name_such_a_server_is_refused(self, service, listing, odd):
        service.paging = ODD[odd]
        walk = listing(limit=10, on_drift="resync").walk()
        with pytest.raises(DriftError, match=r"not offsets|too short"):
            await items_of(walk)
        assert not walk.stats.is_unchecked

    @pytest.mark.parametrize("on_drift", [None, "ignore"])
    @pytest.mark.parametrize("odd", ["page numbers", "pages of one item"])
    async def test_exactly_the_cursors_of_the_server_are_requested(self, service, listing, connection, odd, on_drift):
        """So a program that mocks pages of one item, or made-up cursors, needs no other responses."""
        service.paging = ODD[odd]
        await listing(limit=40, on_drift=on_drift).collect()
        assert connection.cursors == [*range(TOTAL if odd == "pages of one item" else 3)]

    @pytest.mark.parametrize("odd", [*ODD])
    async def test_an_error_on_the_way_has_the_checkpoint_that_resumes_there(self, service, listing, odd):
        service.paging = ODD[odd]
        for nth in range(1, 10, 2):
            service.faults.clear()
            service.requests.clear()
            service.faults.on(lambda _, nth=nth: len(service.requests) == nth).always(status(401))
            seen, walk = [], listing(limit=10).walk()
            try:
                async for item in walk:
                    seen.append(item)
            except UnauthorizedError as error:
                failed = error
            assert (failed.checkpoint, service.faults.clear()) == (walk.checkpoint, None)
            resumed = listing(limit=10, cursor=Checkpoint.parse(str(failed.checkpoint))).walk()
            came = seen + await items_of(resumed)
            assert [*dict.fromkeys(came)] == service.procedures
            # A walk that goes on by value where rows have other positions says that some may be doubled, and they are.
            assert came == service.procedures or (odd == "rows hidden later" and resumed.stats.is_unchecked)
            assert seen + await items_of(walk) == service.procedures

    async def test_an_item_that_cannot_be_read_is_the_error_as_it_is(self, service, listing):
        """Its position cannot be computed."""
        service.paging = paging.page_numbers
        service.faults.always(unreadable(service.procedures[45].id))
        seen = []
        with pytest.raises(ServerError):
            async for item in listing(limit=10, on_unreadable="skip"):
                seen.append(item)
        assert seen == service.procedures[:40]

    @pytest.mark.parametrize("bad", [0, 45])
    async def test_in_rows_that_are_filtered_afterwards_an_item_that_cannot_be_read_is_left_out(
        self, service, listing, bad
    ):
        service.paging = ODD["rows hidden later"]
        service.faults.always(unreadable(service.procedures[bad].id))
        walk = listing(limit=10, on_unreadable="skip").walk()
        assert await items_of(walk) == service.procedures[:bad] + service.procedures[bad + 1 :]
        assert walk.stats.is_unchecked
        assert walk.stats.unreadable == 1

    async def test_a_cursor_that_leads_nowhere_is_not_followed(self, service, listing):
        service.paging = paging.repeating_cursor()
        walk = listing(limit=10).walk()
        with pytest.raises(PaginationError, match="not after it"):
            await items_of(walk)
        assert not walk.stats.is_unchecked

    @pytest.mark.parametrize("use", [lambda it: it.count(), lambda it: it.shards(3)])
    async def test_what_computes_positions_still_refuses_them(self, service, listing, use):
        service.paging = paging.page_numbers
        with pytest.raises(DriftError):
            await use(listing(limit=10))


@settings(max_examples=4 * MANY)
@given(
    odd=st.sampled_from([*ODD]),
    limit=st.sampled_from([1, 2, 3, 10, 100]),
    concurrency=st.sampled_from([1, 8]),
    before=st.sampled_from([None, "ignore"]),
    after=st.sampled_from([None, "ignore"]),
    count=st.integers(0, TOTAL),
    max_items=st.none() | st.integers(1, TOTAL),
)
@example(odd="page numbers", limit=10, concurrency=1, before=None, after=None, count=11, max_items=None)
@example(odd="rows hidden later", limit=10, concurrency=1, before=None, after="ignore", count=41, max_items=None)
@example(odd="short pages", limit=10, concurrency=1, before="ignore", after=None, count=9, max_items=5)
def test_a_checkpoint_in_an_odd_server_resumes_there(odd, limit, concurrency, before, after, count, max_items):
    """Whoever took it: a walk that followed the cursor, or one that did so only since some page. Few may be wanted."""

    async def main():
        service = Sandbox(procedures=TOTAL, runs=0, paging=ODD[odd])
        listing = InProcess(service).procedures.list
        walk = listing(limit=limit, on_drift=before, concurrency=concurrency, max_items=max_items).walk()
        wanted = count if max_items is None else min(count, max_items)
        seen = await take(walk, wanted)
        if wanted == max_items:
            assert await anext(walk, None) is None
        checkpoint = Checkpoint.parse(str(walk.checkpoint))
        resumed = listing(limit=limit, on_drift=after, cursor=checkpoint, concurrency=concurrency).walk()
        assert resumed.checkpoint == checkpoint
        assert seen + await items_of(resumed) == service.procedures

    asyncio.run(main())
