"""An item that the server cannot serve fails every page it is on. A walk reads around it, and around nothing else.

- An item that the server cannot serve costs no other item, also in a listing that moves; an outage leaves nothing
  out.
- The search for an unreadable item takes at most 14 requests beyond the attempts at a page of 100; a server that
  fails from some position on is not followed for ever.
"""

import logging
import pickle
from contextlib import suppress
from urllib.parse import parse_qsl

import pytest
from attrs import evolve
from fakes import paging
from fakes.budget import NIGHTLY, STEP, combined
from fakes.faults import empty, html, malformed, reset, stall, status, unreadable
from fakes.in_process import InProcess

from aiotofupilot import (
    CertificateError,
    Checkpoint,
    ConnectionFailedError,
    DecodeError,
    DriftError,
    InvalidJSONError,
    PaginationError,
    RequestTimeoutError,
    ResponseTooLargeError,
    ServerError,
    SessionError,
)
from aiotofupilot._paging.walk import note_checkpoint
from aiotofupilot.listings import Runs, Users
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import FakeClock, session_in_process

WAYS = [(1, "ignore"), (1, "resync"), (16, "resync"), (16, None)]
EVERY_WAY = pytest.mark.parametrize(("concurrency", "on_drift"), WAYS)


@pytest.fixture
def service():
    return Sandbox(procedures=95)


def but(service, positions):
    return [item for position, item in enumerate(service.procedures) if position not in positions]


def at(service, *positions):
    """Return the IDs of the items at some positions, because a query by value has them at others."""
    return [service.procedures[position].id for position in positions]


async def drain(walk):
    return [item async for item in walk]


def has(service, position):
    """Return a condition on requests: whether their page has the item at a position of the listing."""
    item = service.procedures[position]
    return lambda request: item in request.page.data


def check_bound(service):
    assert len(service.requests) < 2000, "the walk does not end"


class TestSkip:
    @pytest.mark.parametrize("by", [None, empty(504), status(408), html(502), html(), status(524), reset()], ids=repr)
    async def test_whatever_the_server_says_of_it(self, listing, service, by):
        (item_id,) = at(service, 45)
        service.faults.always(unreadable(item_id, by=by) if by else malformed(item_id))
        walk = listing(limit=10, on_unreadable="skip").walk()
        assert await drain(walk) == but(service, {45})
        assert walk.stats.unreadable_positions == [45]

    @EVERY_WAY
    @pytest.mark.parametrize("bad", [0, 150])
    async def test_one_that_hangs(self, concurrency, on_drift, bad):
        """Up to eleven looks at it take 30 s each, while a part has 120 s, unless another item can be read."""
        service = Sandbox(procedures=250)
        service.faults.always(unreadable(*at(service, bad), by=stall(45)))
        async with session_in_process(service) as session:
            listing = session.procedures.list(concurrency=concurrency, on_drift=on_drift, on_unreadable="skip")
            walk = listing.walk()
            assert await drain(walk) == but(service, {bad})
        assert walk.stats.unreadable_positions == [bad]

    @EVERY_WAY
    async def test_a_checkpoint_by_hand_skips_them_too(self, listing, service, concurrency, on_drift):
        """More of them than it skips may be next to each other."""
        service.faults.always(unreadable(*at(service, 20, 21, 22, 23)))
        for skip in (2, 5):
            start = Checkpoint(20, skip=skip)
            walk = listing(
                limit=10, cursor=start, concurrency=concurrency, on_drift=on_drift, on_unreadable="skip"
            ).walk()
            assert await drain(walk) == but(service, {*range(20 + max(4, skip))})

    async def test_a_server_that_hangs_during_the_search_costs_its_time_and_a_control(self, service):
        service.faults.on(lambda _: len(service.requests) > 6).always(stall(1000))
        service.faults.always(unreadable(*at(service, 50), by=stall(45)))
        clock = FakeClock()
        async with session_in_process(service, clock) as session:
            with pytest.raises(RequestTimeoutError):
                await session.procedures.list(on_unreadable="skip").collect()
        assert clock.monotonic() == pytest.approx(2 * 30 + 120 + 30, abs=1)
        assert len(service.requests) == 10

    @EVERY_WAY
    async def test_an_item_that_was_passed_before_an_error_is_not_left_out_after_it(
        self, listing, service, concurrency, on_drift
    ):
        """The walk that goes on asks for the last item again, and knows that it was yielded."""
        service.faults.on(has(service, 45)).always(status(503))
        walk = listing(limit=10, concurrency=concurrency, on_drift=on_drift, on_unreadable="skip").walk()
        seen = []
        with pytest.raises(ServerError):
            async for item in walk:
                seen.append(item)
        service.faults.clear()
        service.faults.always(unreadable(seen[-1].id))
        assert seen + await drain(walk) == service.procedures
        assert walk.stats.unreadable == 0

    async def test_max_items_counts_what_is_yielded(self, listing, service):
        service.faults.always(unreadable(*at(service, 0, 4)))
        assert await listing(max_items=6, on_unreadable="skip").collect() == but(service, {0, 4})[:6]
        assert await listing(on_unreadable="skip").first() == service.procedures[1]

    @EVERY_WAY
    @pytest.mark.parametrize("total", [2, 3])
    async def test_the_last_of_a_few(self, listing, service, concurrency, on_drift, total):
        """No two items beside it show that cursors are offsets. Nothing stands behind it, whatever cursors are."""
        del service.procedures[total:]
        service.faults.always(unreadable(*at(service, total - 1)))
        walk = listing(concurrency=concurrency, on_drift=on_drift, on_unreadable="skip").walk()
        assert await drain(walk) == service.procedures[:-1]
        assert walk.stats.unreadable == 1

    @EVERY_WAY
    @pytest.mark.parametrize("unread", [{1, 3}, {0, 2}, {0, 2, 3, 4}])
    async def test_most_of_a_few(self, listing, service, concurrency, on_drift, unread):
        """Single items show neither which come first nor that cursors are offsets, but the items beside a gap do."""
        del service.procedures[6:]
        service.faults.always(unreadable(*at(service, *unread)))
        walk = listing(concurrency=concurrency, on_drift=on_drift, on_unreadable="skip").walk()
        assert await drain(walk) == but(service, unread)
        assert (walk.stats.unreadable, walk.stats.is_unchecked) == (len(unread), False)
        assert walk.stats.requests <= 75

    async def test_no_part_is_longer_than_a_page(self, listing, service):
        """The position may be more than a page behind the first item of its time."""
        first = service.procedures[0].created_at
        service.procedures[:] = [evolve(item, created_at=first) for item in Sandbox(procedures=250).procedures]
        service.faults.always(unreadable(*at(service, 120)))
        await drain(listing(on_unreadable="skip").walk())
        assert max(int(request.query["limit"]) for request in service.requests) == 100

    async def test_the_log_says_what_is_left_out_and_why(self, listing, service, caplog):
        service.faults.always(unreadable(*at(service, 45)))
        await listing(on_unreadable="skip").collect()
        assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
            (
                "the item at position 45 cannot be read, so it is left out: "
                "500 INTERNAL_SERVER_ERROR: Internal Server Error"
            )
        ]

    async def test_each_request_of_the_search_has_a_line(self, listing, service, caplog):
        service.faults.always(unreadable(*at(service, 45)))
        walk = listing(limit=10, on_unreadable="skip").walk()
        with caplog.at_level("DEBUG", "aiotofupilot"):
            await drain(walk)
        looking = [line for line in caplog.messages if line.startswith("looking for an unreadable item: requesting")]
        whole_pages = sum(request.query["limit"] == "10" and request.attempt == 1 for request in service.requests)
        assert len(looking) == walk.stats.requests - walk.stats.retries - whole_pages > 0

    async def test_the_positions_are_kept_up_to_a_thousand(self, listing, service, monkeypatch):
        monkeypatch.setattr("aiotofupilot._paging.walk.LEFT_OUT_KEPT", 3)
        service.faults.always(unreadable(*at(service, 1, 2, 5, 6, 9)))
        walk = listing(limit=10, on_unreadable="skip").walk()
        await drain(walk)
        assert (walk.stats.unreadable, walk.stats.unreadable_positions) == (5, [1, 2, 5])


class TestRaise:
    async def test_the_error_says_how_to_go_on_and_travels(self, listing, service):
        service.faults.always(unreadable(*at(service, 45)))
        with pytest.raises(ServerError) as caught:
            await listing().collect()
        assert caught.value.position == pickle.loads(pickle.dumps(caught.value)).position == 45  # noqa: S301 - our own
        assert caught.value.__notes__[0].startswith("only the item at position 45 cannot be read: ")
        rest = listing(cursor=caught.value.checkpoint, on_unreadable="skip")
        assert await rest.collect() == service.procedures[46:]

    async def test_pages_end_before_the_item(self, listing, service):
        service.faults.always(unreadable(*at(service, 45)))
        seen = []
        with pytest.raises(ServerError) as caught:
            async for page in listing(limit=10).pages():
                seen += page.data
        assert seen == service.procedures[:45]
        assert (caught.value.position, caught.value.checkpoint) == (45, Checkpoint(45))

    async def test_the_page_with_the_checkpoint_lacks_no_item_without_an_error(self, listing, service, caplog):
        """Not even one that was passed, because pages are yielded as the server cuts them."""
        service.faults.always(unreadable(*at(service, 12)))
        start = Checkpoint(10, 5)
        with pytest.raises(ServerError) as caught:
            async for page in listing(limit=10, cursor=start).pages():
                assert page.data == service.procedures[10:12]
        assert caught.value.position == 12
        pages = [page async for page in listing(limit=10, cursor=start, on_unreadable="skip").pages()]
        assert [item for page in pages for item in page.data] == but(service, {12})[10:]
        assert "the item at position 12 cannot be read, so it is left out" in caplog.text

    async def test_a_page_at_a_time_is_raised_as_it_is(self, listing, service):
        """One page was asked for, and it cannot be had."""
        service.faults.always(unreadable(*at(service, 45)))
        with pytest.raises(ServerError) as caught:
            await listing()
        assert caught.value.position is None

    async def test_where_nothing_is_tried_again_the_error_is_raised_at_once(self, service):
        service.faults.always(unreadable(*at(service, 45)))
        connection = InProcess(service, attempts=1)
        with pytest.raises(ServerError) as caught:
            await connection.procedures.list().collect()
        assert caught.value.position is None
        assert len(service.requests) == 1
        assert await connection.procedures.list(on_unreadable="skip").collect() == but(service, {45})


class TestOutage:
    async def test_an_outage_costs_few_requests_more(self, listing, service):
        service.faults.always(status(500))
        with pytest.raises(ServerError) as caught:
            await listing(on_unreadable="skip").collect()
        assert len(service.requests) == caught.value.attempts + 3

    async def test_where_no_item_at_all_can_be_read_none_is_left_out(self, listing, service):
        service.faults.always(malformed(*at(service, *range(95))))
        with pytest.raises(DecodeError) as caught:
            await listing(on_unreadable="skip").collect()
        assert caught.value.position is None

    async def test_a_page_that_was_only_too_long_comes_whole(self, listing, service):
        """The server gives up on long pages, and no item is at fault."""
        service.faults.on(lambda request: len(request.page.data) > 6).always(empty(504))
        for on_drift in ("ignore", "resync"):
            walk = listing(limit=20, on_drift=on_drift).walk()
            assert await drain(walk) == service.procedures
            assert walk.stats.unreadable == 0

    @pytest.mark.parametrize(("on_drift", "concurrency"), [("ignore", 1), ("resync", 4)])
    async def test_pages_are_whole_again_after_one_that_took_too_long(self, listing, service, on_drift, concurrency):
        """The server may have been slow for another reason."""

        def is_first_whole_one(request):
            return "cursor" not in request.query and request.query["limit"] == "20"

        service.faults.on(is_first_whole_one).always(empty(504))
        walk = listing(limit=20, on_drift=on_drift, concurrency=concurrency).walk()
        assert await drain(walk) == service.procedures
        last = [request.query["limit"] for request in service.requests][-3:]
        assert last == ["20"] * 3

    async def test_pages_are_shorter_from_the_second_one_in_a_row_on_that_took_too_long(self, listing, service):
        service.procedures = service.procedures[:75]  # pages are longer again after ten good ones
        service.faults.on(lambda request: len(request.page.data) > 6).always(empty(504))
        assert await drain(listing(limit=20, on_drift="ignore").walk()) == service.procedures
        assert [request.query["limit"] for request in service.requests][-3:] == ["5"] * 3

    @pytest.mark.parametrize(("on_drift", "concurrency"), [("ignore", 1), ("resync", 4)])
    async def test_pages_are_whole_again_after_ten_good_short_ones(self, on_drift, concurrency):
        """The server was slow for a while."""
        service = Sandbox(600)
        service.faults.on(lambda request: len(service.requests) < 50 and len(request.page.data) > 20).always(empty(504))
        walk = InProcess(service).procedures.list(limit=40, on_drift=on_drift, concurrency=concurrency).walk()
        assert await drain(walk) == service.procedures
        limits = [request.query["limit"] for request in service.requests]
        assert limits.count("20") >= 10
        assert limits[-4:] == ["40"] * 4

    @pytest.mark.parametrize("on_drift", ["ignore", "resync"])
    async def test_items_that_fail_together_and_not_alone_are_never_left_out(self, listing, service, on_drift):
        has_it = has(service, 45)
        service.faults.on(lambda request: has_it(request) and request.query["limit"] != "1").always(status(500))
        walk = listing(limit=10, on_drift=on_drift, on_unreadable="skip").walk()
        assert await drain(walk) == service.procedures
        assert walk.stats.unreadable == 0


class TestOddServers:
    @pytest.mark.parametrize("on_drift", ["ignore", "resync"])
    async def test_a_part_that_announces_more_items_without_a_cursor_is_the_last(self, listing, service, on_drift):
        service.paging = lambda *asked: paging.offsets(*asked)._replace(has_more=True)  # also where the listing ends
        service.faults.always(unreadable(*at(service, 45)))
        seen = []
        with pytest.raises(PaginationError, match="says that there are more items, but not at which cursor"):
            async for procedure in listing(limit=100, on_drift=on_drift, on_unreadable="skip"):
                seen.append(procedure)
        assert seen == but(service, {45})
        assert len(service.requests) < 40

    @pytest.mark.parametrize(
        ("odd", "on_drift", "concurrency"),
        combined(
            [paging.capped(7), paging.hidden_rows(20, 3), paging.short_pages(), paging.capped(1)],
            [None, "ignore"],
            [1, 16],
        ),
    )
    async def test_offsets_with_pages_of_other_lengths(self, listing, service, odd, on_drift, concurrency):
        items = [service.procedures[position].id for position in (0, 45, 46)]
        service.paging = odd
        service.faults.always(unreadable(*items))
        walk = listing(limit=10, on_drift=on_drift, concurrency=concurrency, on_unreadable="skip").walk()
        assert await drain(walk) == but(service, {0, 45, 46})
        assert walk.stats.unreadable == 3

    @pytest.mark.parametrize("on_drift", ["ignore", "resync"])
    async def test_cursors_beyond_the_end_are_refused(self, listing, service, on_drift):
        """So the control is an item that was read, although the page before had one item, which shows no offset."""
        service.procedures = service.procedures[:30]
        service.faults.on(lambda request: int(request.query.get("cursor", "0")) >= 30).always(status(400))
        service.faults.always(unreadable(*at(service, 18, 25)))
        walk = listing(limit=10, on_drift=on_drift, on_unreadable="skip").walk()
        assert await drain(walk) == but(service, {18, 25})

    @pytest.mark.parametrize("on_drift", ["ignore", None])
    async def test_a_server_that_fails_from_some_position_on_is_not_followed_for_ever(self, listing, service, on_drift):
        """A hundred items in a row are left out at most."""
        readable = service.procedures[:45]
        beyond = service.faults.on(lambda request: not all(item in readable for item in request.page.data or [None]))
        beyond.always(status(500))
        walk = listing(limit=10, on_drift=on_drift, on_unreadable="skip").walk()
        seen = []
        with pytest.raises(ServerError) as caught:
            seen += [item async for item in walk]
        assert caught.value.position is None
        assert caught.value.checkpoint.cursor + caught.value.checkpoint.skip == 45
        assert len(service.requests) < 1000

    async def test_users_come_whole_or_not_at_all(self, service, connection):
        service.faults.always(malformed(1))
        with pytest.raises(DecodeError) as caught:
            await Users(connection).list().collect()
        assert caught.value.position is None
        assert len(service.requests) == 1


class TestOtherErrors:
    """What says nothing of an item is tried again within the search, as for any page, and is raised if it stays."""

    async def test_one_that_stays(self, listing, service):
        service.faults.always(unreadable(*at(service, 45)))
        service.faults.on(limit=50, cursor=None).always(status(503))
        with pytest.raises(ServerError) as caught:
            await listing(on_unreadable="skip").collect()
        assert (caught.value.status, caught.value.position) == (503, None)

    @pytest.mark.parametrize(
        ("last", "when", "way"), combined([status(503), reset()], ["of the page", "of the item"], WAYS), ids=repr
    )
    async def test_one_that_ends_the_attempts_hides_no_unreadable_item(self, service, last, when, way):
        concurrency, on_drift = way
        listing = InProcess(service, attempts=4).procedures.list
        service.faults.always(unreadable(*at(service, 45)))
        limit, attempt = {"of the page": ("10", 4), "of the item": ("1", 3)}[when]

        def is_last(request):
            return request.query.get("limit") == limit and request.attempt == attempt and has(service, 45)(request)

        service.faults.on(is_last).always(last)
        walk = listing(limit=10, concurrency=concurrency, on_drift=on_drift, on_unreadable="skip").walk()
        assert await drain(walk) == but(service, {45})
        assert walk.stats.unreadable_positions == [45]

    @pytest.mark.parametrize("fault", [status(503), reset()], ids=repr)
    async def test_one_that_heals_after_the_retries_leaves_nothing_out(self, service, fault):
        service.faults.on(cursor=36).next(fault, times=4)
        walk = InProcess(service, attempts=4).procedures.list(limit=10, on_unreadable="skip").walk()
        assert await drain(walk) == service.procedures
        assert walk.stats.unreadable == 0

    async def test_during_an_outage_it_costs_three_controls(self, service):
        service.faults.on(lambda _: len(service.requests) > 4).always(reset())
        with pytest.raises(ConnectionFailedError):
            await InProcess(service, attempts=4).procedures.list(limit=10, on_unreadable="skip").collect()
        assert len(service.requests) == 4 + 4 + 3

    @pytest.mark.parametrize(("on_unreadable", "more"), [("raise", 0), ("skip", 1 + 1 + 4)])
    @pytest.mark.parametrize("on_drift", [None, "ignore"])
    async def test_a_503_that_stays_is_raised(self, service, on_drift, on_unreadable, more):
        """Only where an item may be skipped, a control and more attempts show that no item is the reason."""
        service.faults.on(has(service, 40)).always(status(503))
        listed = InProcess(service, attempts=4).procedures.list(
            limit=10, on_drift=on_drift, on_unreadable=on_unreadable
        )
        with pytest.raises(ServerError) as caught:
            await listed.collect()
        assert caught.value.position is None
        assert len(service.requests) == 4 + 4 + more

    async def test_a_closed_session_ends_the_search(self, listing, service, connection):
        service.faults.always(unreadable(*at(service, 45)))
        respond = connection._respond

        async def closed(target):
            if len(service.requests) > 15:
                raise SessionError("closed")
            return await respond(target)

        connection._respond = closed
        with pytest.raises(SessionError):
            await listing(on_unreadable="skip").collect()


class TestMovingListing:
    async def test_an_unreadable_item_at_the_top_that_is_removed_in_the_search_costs_no_other(self, listing, service):
        """The next item moves to its position, perhaps after the walk has passed that position."""
        procedures = service.procedures[:40]
        bad = procedures[:2]
        service.faults.always(unreadable(*(item.id for item in bad)))
        for removed_after in range(1, 40, 1 if NIGHTLY else 3):
            service.procedures[:] = procedures
            service.requests.clear()

            def remove(factory, _, at=removed_after):
                check_bound(service)
                if len(service.requests) == at:
                    factory.procedures.remove(bad[0])

            service.before_response[:] = [remove]
            walk = listing(limit=10, on_drift="resync", on_unreadable="skip").walk()
            assert await drain(walk) == procedures[2:]

    @pytest.mark.parametrize(("passed", "unreadable_items"), combined([7, 20, 40], [1, 3]))
    async def test_items_that_were_removed_behind_unreadable_ones_at_the_top_cost_no_other(
        self, listing, service, unreadable_items, passed
    ):
        """All items that were passed are gone. Only the top of the listing shows that what it has is still to come."""
        service.faults.always(unreadable(*(item.id for item in service.procedures[:unreadable_items])))
        wanted = service.procedures[unreadable_items:]
        walk = listing(limit=10, on_drift="resync", on_unreadable="skip").walk()
        seen = []
        while len(seen) < passed:
            seen += await walk.take(passed)
        service.procedures[:] = [item for item in service.procedures if item not in seen]
        service.before_response.append(lambda *_: check_bound(service))
        seen += await drain(walk)
        assert seen == wanted

    @pytest.mark.parametrize("changes_every", [1, 2, 3, 5, 8])
    async def test_a_listing_that_does_not_come_to_rest_costs_no_item_beside_a_gap(
        self, listing, service, changes_every
    ):
        """It ends, or an error is raised after a bounded number of requests. The walk goes on afterwards."""
        newest = service.procedures[0]
        wanted = but(service, {0, 45})
        service.faults.always(unreadable(service.procedures[45].id))

        def toggle(factory, _request):
            check_bound(service)
            procedures = factory.procedures
            if len(seen) >= 40 and len(service.requests) % changes_every == 0:
                procedures.remove(newest) if newest in procedures else procedures.insert(0, newest)

        service.before_response.append(toggle)
        walk = listing(limit=10, on_drift="resync", on_unreadable="skip").walk()
        seen = []
        for _ in range(3):
            service.requests.clear()
            with suppress(DriftError, ServerError):
                async for item in walk:
                    seen.append(item)
        service.before_response.clear()
        seen += await drain(walk)
        assert [item for item in seen if item != newest] == wanted


class TestRequests:
    """A search costs few requests beyond the attempts at the page: what it takes without the item, and these."""

    async def costs(self, positions, total, **options):
        plain = InProcess(Sandbox(procedures=total)).procedures.list(**options).walk()
        await drain(plain)
        return [await self.requests(bad, total, **options) - plain.stats.requests for bad in positions]

    async def requests(self, bad, total, **options):
        service = Sandbox(procedures=total)
        service.faults.always(unreadable(*at(service, bad)))
        walk = InProcess(service, attempts=6).procedures.list(on_unreadable="skip", **options).walk()
        assert len(await drain(walk)) == total - 1
        assert walk.stats.unreadable == 1
        retries = sum(request.attempt > 1 and request.query["limit"] == "100" for request in service.requests)
        return len(service.requests) - retries

    @pytest.mark.parametrize(("total", "first", "most"), [(250, 100, 13), (250, 0, 13), (100, 0, 14)])
    async def test_fourteen_for_any_item_of_a_page_of_a_hundred(self, total, first, most):
        """A control, seven parts, the item three times, another control, and the rest.

        Where no part shows that cursors are offsets, because the second item fails, one more request does.
        """
        costs = await self.costs((first + 1, *range(first, first + 100, STEP)), total, on_drift="ignore")
        assert max(costs) == most

    async def test_two_more_where_the_item_and_the_one_before_it_are_looked_at_again(self):
        """What stood between them and the page behind might have been missed otherwise."""
        costs = await self.costs(range(101, 199, STEP), 250)
        assert max(costs) == 13 + 2

    @pytest.mark.parametrize(("on_drift", "requests"), [(None, 12), ("ignore", 10)])
    async def test_a_good_listing_costs_nothing_more(self, listing, service, on_drift, requests):
        await listing(limit=10, on_drift=on_drift, on_unreadable="skip").collect()
        assert len(service.requests) == requests


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (ServerError("", status=500), True),
        (ServerError("", status=504), True),
        (ServerError("", status=408), True),
        (ServerError("", status=502), True),
        (ServerError("", status=503), False),
        (ServerError("", status=529), False),
        (RequestTimeoutError("", timeout=1.0), True),
        (ConnectionFailedError(""), True),
        (CertificateError(""), False),
        (ResponseTooLargeError("", limit=5), True),
        (DecodeError("", path="$.data[3].name"), True),
        (DecodeError("", path="$[3]"), True),
        (DecodeError("", path="$.meta"), False),
        (DecodeError("", path="$.data"), False),
        (InvalidJSONError(""), True),
        (DriftError("", cursor=0), False),
    ],
    ids=repr,
)
async def test_which_errors_can_be_due_to_an_item(service, error, is_so):
    """Then the item is left out. Other errors are raised."""

    class Failing(InProcess):
        async def _respond(self, target):
            if 45 in range(*span(target)):
                raise error
            return await super()._respond(target)

    def span(target):
        query = dict(parse_qsl(target.partition("?")[2]))
        cursor = int(query.get("cursor", 0))
        return cursor, cursor + int(query["limit"])

    listing = Failing(service, attempts=1).procedures.list(limit=10, on_drift="ignore", on_unreadable="skip")
    if is_so:
        assert await listing.collect() == but(service, [45])
    else:
        with pytest.raises(type(error)) as caught:
            await listing.collect()
        assert caught.value is error


def noted(position, checkpoint):
    error = ServerError("Internal Server Error", status=500)
    error.position = position
    note_checkpoint(error, checkpoint, Checkpoint())
    return error


def test_an_item_that_the_walk_stands_before_can_be_passed():
    """A private function is tested: a walk looks for its position over such an item in rare histories only."""
    error = noted(42, Checkpoint(40, 2))
    assert error.position == 42
    assert 'use on_unreadable="skip"' in error.__notes__[0]


def test_an_item_further_on_has_no_position():
    """The walk has not yielded what is before it."""
    error = noted(43, Checkpoint(40, 2))
    assert (error.position, error.checkpoint) == (None, Checkpoint(40, 2))
    assert len(error.__notes__) == 1


async def test_among_items_of_one_time_an_error_says_where_to_resume_in_the_listing_itself():
    """They fill a page, so they are read in another order, whose positions are not those of the listing."""
    service = Sandbox(procedures=1, runs=300)
    service.runs[20:220] = [evolve(run, started_at=service.runs[20].started_at) for run in service.runs[20:220]]
    service.faults.always(unreadable(service.runs[150].id))
    walk = Runs(InProcess(service, attempts=2)).list().walk()
    with pytest.raises(ServerError) as caught:
        [item async for item in walk]
    assert caught.value.position is None
    assert caught.value.checkpoint == walk.checkpoint
    [note] = caught.value.__notes__
    assert Checkpoint.parse(note.partition("parse('")[2].partition("'")[0]) == walk.checkpoint


async def test_a_page_behind_items_of_one_time_is_read_on():
    """Its query leaves out what was read in another order. The first part of the page once came a hundred times."""
    service = Sandbox(procedures=1, runs=300)
    runs = service.runs
    for group in (slice(20, 220), slice(220, 280)):
        runs[group] = [evolve(run, started_at=runs[group.start].started_at) for run in runs[group]]
    service.faults.always(unreadable(runs[250].id))
    walk = Runs(InProcess(service, attempts=2)).list(on_unreadable="skip").walk()
    came = [run.id for run in await drain(walk)]
    assert sorted(came) == sorted(run.id for run in runs if run != runs[250])
    assert walk.stats.unreadable_positions == [250]
    requests = len(service.requests)
    assert requests <= 80
