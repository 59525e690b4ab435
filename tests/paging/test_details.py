"""A walk over details yields those of every item in order, with a request for each, and leaves nothing behind.

- `details()` yields each item exactly once, in order, through failures, removals, cancellations and restarts; what
  waits is bounded in bytes.
- Details count as removed only if the listing lacks the item too, and not because of an old server or an outage; the
  watermark waits for a lagging replica.
"""

import asyncio
import logging
import re
from contextlib import suppress
from datetime import timedelta
from random import Random
from urllib.parse import quote

import pytest
from attrs import evolve
from fakes.budget import NIGHTLY, STEP, combined
from fakes.in_process import InProcess

from aiotofupilot import (
    Checkpoint,
    DecodeError,
    Details,
    DetailsWalk,
    DriftError,
    IncrementalDetailsWalk,
    NotFoundError,
    ProcedureDetails,
    RawItem,
    ServerError,
    SessionError,
    TofuPilotError,
    UnauthorizedError,
    Watermark,
    models,
)
from aiotofupilot.errors import InvalidJSONError
from aiotofupilot.listings import NAMES, Runs, Units, Users, listing_class
from aiotofupilot.sandbox import BusyLine, Sandbox
from aiotofupilot.sandbox.faults import html, json, status
from aiotofupilot.testing import make

WIDTHS = pytest.mark.parametrize("concurrency", [1, 4])


@pytest.fixture
def service():
    return Sandbox(procedures=45, runs=0)


def ids(service):
    return [procedure.id for procedure in service.procedures]


def one(*wanted):
    """Return what matches the requests for single items: these, or any."""
    return lambda request: request.path.count("/") == 4 and (not wanted or request.path.rpartition("/")[2] in wanted)


def remove_when_requested(service, *wanted):
    """Let items be removed after they were listed: when they are requested by themselves, and before the response."""

    def remove(_, request):
        if one(*wanted)(request):
            item_id = request.path.rpartition("/")[2]
            service.procedures[:] = [procedure for procedure in service.procedures if procedure.id != item_id]

    service.before_response.append(remove)


DETAILED = [name for name in NAMES if name != "users"]
BY_ID = {"runs", "units", "batches"}
"""The listings that can be asked for the ID of an item."""


def detailed(connection, name, **options):
    """Return any listing that has details, with what it takes."""
    listing = listing_class(name)(connection)
    if any(filter_.name == "procedure_id" for filter_ in listing.filters):
        options |= {"procedure_id": connection.service.procedures[-1].id, "exclude_retries": False}
    return listing.list(**options)


def key(name, item):
    return getattr(item, listing_class(name).key)


def nothing_is_in_flight(connection):
    return connection.in_flight == 0 and asyncio.all_tasks() == {asyncio.current_task()}


async def settled(connection):
    for _ in range(3):
        await asyncio.sleep(0)
    assert nothing_is_in_flight(connection)


class TestItems:
    @pytest.mark.parametrize(("concurrency", "limit"), [(1, 7), (3, 1), (8, 10), (8, 100)])
    async def test_they_come_in_the_order_of_the_listing(self, service, concurrency, limit):
        random = Random(limit)  # noqa: S311 - a schedule
        connection = InProcess(service, turns=lambda: random.randint(1, 9))
        details = connection.procedures.list(limit=limit, concurrency=concurrency).details()
        async with details.walk() as walk:
            found = [item async for item in walk]
            assert nothing_is_in_flight(connection)
        assert [item.id for item in found] == ids(service)
        assert {type(item) for item in found} == {ProcedureDetails}
        assert connection.most_in_flight == concurrency
        assert walk.stats.items == 45
        assert walk.stats.requests == 45 + walk.stats.pages
        assert walk.stats.removed == walk.stats.unreadable == 0
        assert await anext(walk, None) is None

    async def test_nothing_is_requested_before_it_is_used(self, connection):
        details = connection.procedures.list(cursor=3).details()
        walk = details.walk()
        assert connection.cursors == []
        assert repr(details) == "<Details of procedures from 3>"
        assert repr(walk) == "<DetailsWalk: 0 items, 0 requests so far>"
        assert details.model is ProcedureDetails
        assert isinstance(details, Details)
        assert isinstance(walk, DetailsWalk)

    @WIDTHS
    async def test_max_items_counts_details(self, service, concurrency):
        connection = InProcess(service, turns=lambda: 3)
        wanted = ids(service)
        remove_when_requested(service, wanted[2], wanted[4])
        details = connection.procedures.list(max_items=5, concurrency=concurrency).details()
        async with details.walk() as walk:
            found = [item.id async for item in walk]
        assert found == [wanted[at] for at in (0, 1, 3, 5, 6)]
        assert walk.stats.requests <= 1 + 8 + 2
        assert await connection.procedures.list(max_items=0).details().collect() == []

    async def test_first_is_the_first_that_is_there(self, service, connection):
        connection.served.add("/v2/procedures")
        first, second = ids(service)[:2]
        remove_when_requested(service, first)
        assert (await connection.procedures.list(concurrency=8).details().first()).id == second
        assert await connection.procedures.list(max_items=0).details().first() is None
        assert await InProcess(Sandbox(procedures=0)).procedures.list().details().first() is None

    async def test_raw_details_have_what_the_server_sends(self, service, connection):
        details = connection.procedures.list(concurrency=3).raw().details()
        found = [item async for item in details]
        assert details.model is RawItem
        assert [item["id"] for item in found] == ids(service)
        assert all("runs_count" in item for item in found)

    async def test_batches_hold_what_is_at_hand(self, service):
        connection = InProcess(service, turns=lambda: 2)
        async with connection.procedures.list(concurrency=8).details().walk() as walk:
            batches = [batch async for batch in walk.batches()]
        assert [item.id for batch in batches for item in batch] == ids(service)
        assert max(map(len, batches)) > 1
        async with connection.procedures.list(concurrency=8).details().walk() as walk:
            taken = await walk.take(3)
            assert 1 <= len(taken) <= 3

    def test_what_has_no_details_says_so(self, connection):
        with pytest.raises(ValueError, match="users have no details: the API cannot return a single one"):
            Users(connection).list().details()
        with pytest.raises(TypeError, match="write 'async for item in"):
            iter(connection.procedures.list().details())


class TestPosition:
    @WIDTHS
    @pytest.mark.parametrize("on_drift", ["ignore", "resync"])
    async def test_every_checkpoint_resumes_after_its_item(self, service, concurrency, on_drift):
        connection = InProcess(service, turns=lambda: 2)
        wanted = ids(service)

        def listed(cursor=None):
            return connection.procedures.list(limit=10, cursor=cursor, concurrency=concurrency, on_drift=on_drift)

        walk, checkpoints = listed().details().walk(), []
        async for _ in walk:
            checkpoints.append(str(walk.checkpoint))
        assert len(checkpoints) == 45
        for at in range(0, 45, STEP):
            rest = await listed(Checkpoint.parse(checkpoints[at])).details().collect()
            assert [item.id for item in rest] == wanted[at + 1 :]
        rest = await listed(Checkpoint.parse(checkpoints[7])).collect()  # a plain walk takes it too
        assert [item.id for item in rest] == wanted[8:]

    @WIDTHS
    async def test_only_new_items_come_since_a_watermark(self, concurrency):
        service = Sandbox(procedures=2, runs=15)
        connection = InProcess(service, turns=lambda: 2)
        runs = Runs(connection)
        walk, watermarks, found = runs.list(concurrency=concurrency).details().since(), [], []
        async for run in walk:
            found.append(run.id)
            watermarks.append(str(walk.watermark))
        assert isinstance(walk, IncrementalDetailsWalk)
        assert sorted(found) == sorted(run.id for run in service.runs)
        assert connection.most_in_flight <= concurrency
        for at in (6, 14):
            async with runs.list(concurrency=concurrency).details().since(Watermark.parse(watermarks[at])) as rest:
                assert [run.id async for run in rest] == found[at + 1 :]
        with pytest.raises(ValueError, match="leave out cursor"):
            runs.list(cursor=1).details().since()
        service.faults.always(status(401))
        with pytest.raises(UnauthorizedError) as caught:
            await anext(runs.list().details().since(Watermark.parse(watermarks[3])))
        assert str(caught.value.watermark) == watermarks[3]

    @pytest.mark.parametrize("name", DETAILED)
    async def test_a_pass_over_details_ends_where_one_over_items_does(self, name):
        connection = InProcess(Sandbox(procedures=9, runs=30))
        async with detailed(connection, name, limit=10).since() as plain:
            wanted = [item.id async for item in plain]
        async with detailed(connection, name, limit=10, concurrency=4).details().since() as walk:
            assert [item.id async for item in walk] == wanted
        assert walk.watermark == plain.watermark

    @pytest.mark.parametrize("name", ["runs", "phases"])
    async def test_a_pass_that_begins_again_requests_no_item_twice(self, name):
        """It requests the next page while details wait. A listing that moved too much lets it begin again there."""

        class Moving(InProcess):
            errors = [DriftError("the listing moved", cursor=8)]  # noqa: RUF012 - one for each test

            async def get(self, target, *args, **options):
                if f"/{name}?" in target and "cursor=8" in target and self.errors:
                    raise self.errors.pop()
                return await super().get(target, *args, **options)

        connection = Moving(Sandbox(procedures=2, runs=30), turns=lambda: 3)
        async with detailed(connection, name, limit=10).since() as plain:
            wanted = [item.id async for item in plain]
        connection.errors.append(DriftError("the listing moved", cursor=8))
        async with detailed(connection, name, limit=10, concurrency=8).details().since() as walk:
            assert [item.id async for item in walk] == wanted
        assert connection.errors == []


class TestRemoved:
    @WIDTHS
    async def test_what_was_removed_is_left_out_and_counted(self, service, concurrency):
        connection = InProcess(service, turns=lambda: 2)
        wanted = ids(service)
        removed = (wanted[0], wanted[7], wanted[44])
        remove_when_requested(service, *removed)
        async with connection.procedures.list(concurrency=concurrency).details().walk() as walk:
            found = [item.id async for item in walk]
        assert found == [item for item in wanted if item not in removed]
        assert (walk.stats.removed, walk.stats.missing, walk.stats.unreadable) == (3, 0, 0)
        assert connection.paused == []

    @pytest.mark.parametrize("name", ["runs", "units", "batches"])
    async def test_the_listing_is_asked_for_its_id_if_it_can_be(self, name):
        """With the filters of the walk, in one request."""
        service = Sandbox(runs=30)
        connection = InProcess(service)
        listed = listing_class(name)(connection).list(part_numbers=[part.number for part in service.parts])
        first, second, *rest = await listed.collect()

        def remove(_, request):
            if request.path.count("/") == 4 and request.path.endswith(getattr(second, listing_class(name).key)):
                service.rows(name)[:] = [item for item in service.rows(name) if item.id != second.id]

        service.before_response.append(remove)
        service.requests.clear()
        async with listed.details().walk() as walk:
            assert [item.id async for item in walk] == [item.id for item in (first, *rest)]
        assert walk.stats.removed == 1
        assert walk.stats.requests == 1 + len(rest) + 2 + 1
        (asked,) = [request for request in service.requests if "ids" in request.query]
        assert [value for key, value in asked.query.items() if key == "ids"] == [second.id]
        assert sum(key == "part_numbers" for key, _ in asked.query.items()) == len(service.parts)

    @pytest.mark.parametrize("name", ["procedures", "runs"])
    async def test_all_may_be_removed_before_the_details_of_one_were_read(self, name):
        """The listing lacks them, so this is not a server that is too old for details."""
        service = Sandbox(procedures=3, runs=3)
        rows = service.rows(name)

        def remove(_, request):
            if one()(request):
                rows.clear()

        service.before_response.append(remove)
        async with detailed(InProcess(service), name).details().walk() as walk:
            assert [item async for item in walk] == []
        assert walk.stats.removed == 3

    async def test_an_old_server_is_told_from_removed_items(self, service, connection):
        """Two items that are not found, and none that is, are no longer a coincidence."""
        service.faults.on(one()).always(status(404))
        walk = connection.procedures.list(concurrency=8).details().walk()
        with pytest.raises(NotFoundError, match="/v2/procedures lists it, but the server did not find it: it may be"):
            await anext(walk)
        assert (walk.stats.requests, connection.most_in_flight) == (1 + 2 * 8, 1)
        assert connection.paused == [1, 2, 4] * 2
        assert walk.stats.removed == 0
        await settled(connection)
        service.faults.clear()
        assert [item.id async for item in walk] == ids(service)  # it was asked again, from the first item on

    async def test_the_first_item_is_put_back_if_another_walk_has_read_one_meanwhile(self):
        """It was not found at first, and the page that is requested next brings no item."""
        service = Sandbox(procedures=2)
        connection, (wanted, _) = InProcess(service), ids(service)
        service.faults.on(one(wanted)).next(status(404), times=4)
        walk = connection.procedures.list(limit=1, on_drift="ignore").details().walk()

        def change(_, request):
            if request.query.get("cursor") == "1" and walk.stats.waited:
                connection.served.add("/v2/procedures")
                del service.procedures[1:]

        service.before_response.append(change)
        assert [item.id async for item in walk] == [wanted]

    async def test_a_proxy_s_404_is_an_error(self, service, connection):
        wanted = ids(service)
        service.faults.on(one(wanted[3])).next(html(404))
        walk = connection.procedures.list(concurrency=4).details().walk()
        found = [(await anext(walk)).id for _ in range(3)]
        with pytest.raises(NotFoundError) as caught:
            await anext(walk)
        assert caught.value.checkpoint == walk.checkpoint
        assert any("resume with cursor" in note for note in caught.value.__notes__)
        assert found + [item.id async for item in walk] == wanted


class TestLag:
    """What the server returns by itself may come from a replica that does not have every listed item yet."""

    @pytest.fixture
    def service(self):
        return Sandbox(procedures=9, runs=30)

    def lag(self, service, name, items, *, times=1):
        """Let the details of some items be not found so many times."""
        for item in items:
            service.faults.on(one(quote(key(name, item), safe=""))).next(status(404), times=times)

    async def passes(self, service, name, *, at_most=5, **options):
        """Return what each pass yields, with its stats, until one leaves nothing for the next."""
        connection, found, watermark = InProcess(service, turns=lambda: 2), [], None
        for _ in range(at_most):
            async with detailed(connection, name, **options).details().since(watermark) as walk:
                found.append(([item.id async for item in walk], walk.stats))
            watermark = Watermark.parse(str(walk.watermark))
            if not walk.stats.missing:
                break
        async with detailed(connection, name, **options).since(watermark) as rest:
            assert [item async for item in rest] == []
        return found

    @pytest.mark.parametrize(("name", "on_drift"), combined(DETAILED, [None, "ignore"]))
    async def test_a_walk_requests_an_item_again_that_is_still_listed(self, service, name, on_drift):
        connection = InProcess(service)
        items = await detailed(connection, name).collect()
        late = [items[at] for at in (0, 3, -1)]
        self.lag(service, name, late)
        listed = detailed(connection, name, limit=10, concurrency=4, on_drift=on_drift)
        async with listed.details().walk() as walk:
            assert [item.id async for item in walk] == [item.id for item in items]
        assert (walk.stats.removed, walk.stats.missing, walk.stats.waited) == (0, 0, 3)
        assert connection.paused == [1, 1, 1]
        assert walk.stats.requests <= len(items) + walk.stats.pages + 2 * 3

    async def test_a_walk_looks_for_its_first_item_behind_all_that_are_created_meanwhile(self, service):
        first, *others = service.procedures
        self.lag(service, "procedures", [first])
        newer = [
            evolve(first, id=f"new-{n}", created_at=first.created_at + timedelta(days=n)) for n in range(130, 0, -1)
        ]

        def create(factory, request):
            if request.path.endswith(first.id) and len(factory.procedures) == 9:
                factory.procedures[:0] = newer

        service.before_response.append(create)
        async with InProcess(service).procedures.list().details().walk() as walk:
            assert [item.id async for item in walk] == [item.id for item in (first, *others)]
        assert (walk.stats.removed, walk.stats.waited) == (0, 1)

    @pytest.mark.parametrize(("name", "concurrency"), combined(DETAILED, [1, 4]))
    async def test_no_pass_loses_an_item(self, service, name, concurrency):
        """Where the listing cannot be asked for an item, the next pass requests it, and the watermark waits."""
        items = await detailed(InProcess(service), name).collect()
        late = {items[at].id for at in (0, 3, -1)}
        self.lag(service, name, [item for item in items if item.id in late])
        (first, stats), *others = await self.passes(service, name, concurrency=concurrency, limit=10)
        assert stats.removed == 0
        if name in BY_ID:
            assert (sorted(first), others) == (sorted(item.id for item in items), [])
            return
        # The first item of all is requested again before, to see whether the server has details at all.
        assert set(first) >= {item.id for item in items} - late
        ((second, _),) = others
        assert len(second) == stats.missing >= 2
        assert sorted(first + second) == sorted(item.id for item in items)

    @pytest.mark.parametrize("name", ["runs", "procedures", "phases"])
    async def test_what_stays_missing_is_an_error_of_a_walk_or_counts_as_unreadable(self, service, name):
        connection = InProcess(service)
        items = await detailed(connection, name).collect()
        walk = detailed(connection, name, concurrency=4).details().walk()
        self.lag(service, name, [items[2]], times=4)
        found = [(await anext(walk)).id for _ in range(2)]
        with pytest.raises(NotFoundError, match="the item may still be listed") as caught:
            await anext(walk)
        assert caught.value.item_id == items[2].id
        assert caught.value.checkpoint == walk.checkpoint
        assert connection.paused == [1, 2, 4]
        assert found + [item.id async for item in walk] == [item.id for item in items]
        self.lag(service, name, [items[2]], times=4)
        async with detailed(connection, name, on_unreadable="skip").details().walk() as walk:
            assert [item.id async for item in walk] == [item.id for item in items if item is not items[2]]
        assert (walk.stats.unreadable_ids, walk.stats.unreadable) == ([items[2].id], 1)
        assert (walk.stats.removed, walk.stats.missing) == (0, 0)

    @pytest.mark.parametrize("on_unreadable", ["raise", "skip"])
    async def test_a_pass_leaves_what_stays_missing_to_the_next(self, service, on_unreadable, caplog):
        items = await detailed(InProcess(service), "runs").collect()
        self.lag(service, "runs", [items[12]], times=4)
        with caplog.at_level(logging.WARNING, "aiotofupilot"):
            (first, stats), (second, _) = await self.passes(
                service, "runs", concurrency=4, limit=10, on_unreadable=on_unreadable
            )
        assert (len(first), second) == (len(items) - 1, [items[12].id])
        assert (stats.items, stats.missing, stats.removed, stats.unreadable) == (len(items) - 1, 1, 0, 0)
        (record,) = caplog.records
        assert f"the details of '{items[12].id}' are not found, so the next pass requests them" in record.getMessage()

    @pytest.mark.parametrize("name", ["procedures", "stations", "logs"])
    async def test_the_watermark_waits_no_longer_for_what_is_not_listed_any_more(self, service, name):
        connection = InProcess(service)
        items = await detailed(connection, name).collect()
        self.lag(service, name, [items[4]], times=9)
        async with detailed(connection, name).details().since() as first:
            assert len([item async for item in first]) == len(items) - 1
        assert first.stats.missing == 1
        service.rows(name)[:] = [item for item in service.rows(name) if item.id != items[4].id]
        async with detailed(connection, name).details().since(first.watermark) as second:
            assert [item async for item in second] == []
        assert second.stats.missing == 0
        async with detailed(connection, name).since() as plain:
            assert len([item async for item in plain]) == len(items) - 1
        assert second.watermark == plain.watermark

    @pytest.mark.parametrize("name", ["runs", "units"])
    async def test_a_server_that_does_not_know_the_filter_is_asked_like_other_listings(self, service, name):
        class Older(InProcess):
            async def get(self, target, *args, **options):
                return await super().get(re.sub(r"[?&]ids=[^&]*", "", target), *args, **options)

        connection = Older(service)
        items = await detailed(connection, name).collect()
        self.lag(service, name, [items[4]])
        found = await detailed(connection, name).details().collect()
        assert [item.id for item in found] == [item.id for item in items]
        self.lag(service, name, [items[4]])
        async with detailed(connection, name).details().since() as walk:
            assert items[4].id not in [item.id async for item in walk]
        assert walk.stats.missing == 1
        async with detailed(connection, name).details().since(walk.watermark) as rest:
            assert [item.id async for item in rest] == [items[4].id]

    async def test_an_error_of_the_check_is_raised_and_the_item_is_requested_again(self, service):
        connection = InProcess(service, attempts=1)
        items = await detailed(connection, "runs").collect()
        self.lag(service, "runs", [items[1]])
        service.faults.on(lambda request: "ids" in request.query).next(status(401))
        walk = detailed(connection, "runs").details().walk()
        found = [(await anext(walk)).id]
        with pytest.raises(UnauthorizedError) as caught:
            await anext(walk)
        assert f"the request was for the details of the item with the ID '{items[1].id}'" in caught.value.__notes__
        assert found + [item.id async for item in walk] == [item.id for item in items]

    async def test_an_error_of_the_look_for_it_resumes_before_it(self, service):
        """The search passes other items. The error says where the walk was, and not where the search was."""
        wanted = ids(service)
        connection = InProcess(service, attempts=1)
        walk = connection.procedures.list(limit=4).details().walk()
        remove_when_requested(service, wanted[2])
        found = [(await anext(walk)).id for _ in range(2)]
        service.faults.on(lambda request: "created_before" in request.query).next(status(401))
        with pytest.raises(UnauthorizedError) as caught:
            await anext(walk)
        assert caught.value.checkpoint == walk.checkpoint
        assert [note for note in caught.value.__notes__ if "resume with" in note][1:] == []
        rest = connection.procedures.list(cursor=Checkpoint.parse(str(caught.value.checkpoint))).details()
        assert found + [item.id for item in await rest.collect()] == wanted[:2] + wanted[3:]


class TestUnreadable:
    async def test_the_ids_are_kept_up_to_a_thousand(self, service, monkeypatch):
        monkeypatch.setattr("aiotofupilot._paging.details.LEFT_OUT_KEPT", 2)
        wanted = ids(service)
        for at in (1, 3, 4):
            service.faults.on(one(wanted[at])).always(status(500))
        connection = InProcess(service, attempts=1)
        async with connection.procedures.list(on_unreadable="skip").details().walk() as walk:
            assert [item.id async for item in walk] == [wanted[0], wanted[2], *wanted[5:]]
        assert (walk.stats.unreadable, walk.stats.unreadable_ids) == (3, [wanted[1], wanted[3]])

    @pytest.mark.parametrize(
        ("concurrency", "fault"), combined([1, 2, 3, 16], [status(500), json([]), json({"id": 3}), html()]), ids=repr
    )
    async def test_what_cannot_be_read_is_left_out_or_raised(self, service, concurrency, fault, caplog):
        connection = InProcess(service, turns=lambda: 2, attempts=1)
        wanted = ids(service)
        service.faults.on(one(wanted[6])).always(fault)

        def listed(on_unreadable, cursor=None):
            return connection.procedures.list(cursor=cursor, concurrency=concurrency, on_unreadable=on_unreadable)

        with caplog.at_level(logging.WARNING, "aiotofupilot"):
            async with listed("skip").details().walk() as walk:
                found = [item.id async for item in walk]
        assert found == wanted[:6] + wanted[7:]
        assert walk.stats.unreadable == 1
        assert walk.stats.unreadable_ids == [wanted[6]]
        assert connection.most_in_flight <= concurrency
        assert f"the details of '{wanted[6]}' cannot be read, so the item is left out" in caplog.text
        walk = listed("raise").details().walk()
        found = [(await anext(walk)).id for _ in range(6)]
        with pytest.raises((ServerError, DecodeError)) as caught:
            await anext(walk)
        assert caught.value.checkpoint == walk.checkpoint
        assert caught.value.item_id == wanted[6]
        assert f"the request was for the details of the item with the ID '{wanted[6]}'" in caught.value.__notes__
        await settled(connection)
        service.faults.clear()
        assert found + [item.id async for item in walk] == wanted

    async def test_details_that_could_not_be_decoded_are_requested_again(self, service):
        """The second time they are decoded within the attempt, so a failure is retried as any other."""
        connection = InProcess(service)
        wanted = ids(service)
        service.faults.on(one(wanted[2])).next(json({"id": 3}))
        async with connection.procedures.list(concurrency=4).details().walk() as walk:
            assert [item.id async for item in walk] == wanted
            assert walk.stats.requests == 1 + 45 + 1

    async def test_raw_details_have_to_be_objects_and_nothing_else(self, service):
        connection = InProcess(service, attempts=1)
        service.faults.on(one(ids(service)[0])).next(json({"in": {"a": ["newer", "form"]}}))
        assert await connection.procedures.list().raw().details().first() == {"in": {"a": ["newer", "form"]}}
        service.faults.on(one(ids(service)[0])).always(json([]))
        with pytest.raises(DecodeError, match="expected an object"):
            await connection.procedures.list().raw().details().first()
        service.faults.clear()
        service.faults.on(one(ids(service)[0])).always(html())
        with pytest.raises(InvalidJSONError):
            await connection.procedures.list().raw().details().first()

    async def test_an_item_that_no_address_can_hold_is_one_that_cannot_be_read(self):
        service = Sandbox(units=[make(models.Unit, serial_number=serial) for serial in ("A", ".", "B")])
        connection = InProcess(service)
        with pytest.raises(DecodeError, match="units has an item that cannot be requested: serial_number must be"):
            await Units(connection).list(concurrency=4).details().collect()
        found = await Units(connection).list(concurrency=4, on_unreadable="skip").details().collect()
        assert [unit.serial_number for unit in found] == ["A", "B"]

    async def test_an_outage_is_not_mistaken_for_an_item(self, service):
        connection = InProcess(service, attempts=1)
        walk = connection.procedures.list(concurrency=4, on_unreadable="skip").details().walk()
        found = [(await anext(walk)).id]
        await settled_soon(connection)
        service.faults.always(status(500))
        with pytest.raises(ServerError):
            while True:
                found.append((await anext(walk)).id)
        service.faults.clear()
        assert found + [item.id async for item in walk] == ids(service)
        assert walk.stats.unreadable == 0

    async def test_another_error_in_the_search_is_raised(self, service):
        connection = InProcess(service, attempts=1)
        service.faults.on(one(ids(service)[0])).next(status(500), status(401))
        with pytest.raises(UnauthorizedError):
            await connection.procedures.list(on_unreadable="skip").details().collect()


async def settled_soon(connection):
    for _ in range(200):
        await asyncio.sleep(0)
    assert nothing_is_in_flight(connection)


class TestEnd:
    async def test_an_error_of_a_callback_is_raised_as_it_is(self, service, connection, monkeypatch):
        async def fail(*_, **__):
            raise StopAsyncIteration

        details = connection.procedures.list().details()
        walks = (details.walk(), details.since())
        for walk in walks:
            await anext(walk)
        monkeypatch.setattr(connection, "get", fail)
        for walk in walks:
            with pytest.raises(RuntimeError, match="StopAsyncIteration was raised"):
                await anext(walk)

    @WIDTHS
    async def test_an_error_of_the_listing_comes_after_the_details_before_it(self, service, concurrency):
        connection = InProcess(service, turns=lambda: 2, attempts=1)
        service.faults.on(cursor=18).next(status(401))
        walk, found = connection.procedures.list(limit=20, concurrency=concurrency).details().walk(), []
        with pytest.raises(UnauthorizedError) as caught:
            async for item in walk:
                found.append(item.id)
        assert found == ids(service)[:20]
        assert caught.value.checkpoint == walk.checkpoint
        await settled(connection)
        assert found + [item.id async for item in walk] == ids(service)

    async def test_a_task_that_somebody_else_cancels_is_the_end_of_the_session(self, service):
        connection = InProcess(service, turns=lambda: 50)
        connection.served.add("/v2/procedures")
        for at in range(2):  # the page, then details
            walk = connection.procedures.list(concurrency=4).details().walk()
            for _ in range(4 * at):
                await anext(walk)
            own = asyncio.all_tasks()
            asking = asyncio.ensure_future(anext(walk))
            await asyncio.sleep(0)
            for task in asyncio.all_tasks() - own - {asking}:
                task.cancel()
            for task in [task for task in own if task is not asyncio.current_task()]:
                task.cancel()
            with pytest.raises(SessionError, match="the session was closed during a request"):
                await asking
            await walk.aclose()


@pytest.mark.parametrize("seed", range(200 if NIGHTLY else len(DETAILED)))
async def test_no_pass_loses_or_doubles_an_item_through_lag_failures_and_restarts(seed):
    """A line works meanwhile. A pass is left, cancelled or killed anywhere, and the next begins at its watermark."""
    random = Random(seed)  # noqa: S311 - a schedule
    name = DETAILED[seed % len(DETAILED)]
    service = Sandbox(procedures=5, runs=20)
    line = BusyLine(runs=0.3, inserts=0.1, seed=seed)
    service.before_response.append(lambda factory, request: line.produced < 20 and line(factory, request))
    service.faults.on(one()).randomly(status(404), rate=0.15, seed=seed, heal_after=random.choice([2, 6]))
    service.faults.on(one()).randomly(status(401), status(500), json([]), rate=0.05, seed=seed, heal_after=2)
    connection = InProcess(service, turns=lambda: random.randint(1, 6), attempts=random.choice([1, 3]))
    connection.served.add(f"/v2/{name}")
    options = {"concurrency": random.choice([1, 2, 5, 16]), "limit": random.choice([3, 10, 100])}
    text, found, has_ended = None, [], False
    while not has_ended:
        watermark = text and Watermark.parse(text)
        walk = detailed(connection, name, **options).details().since(watermark)
        for _ in range(random.choice([3, 30, 300])):
            asking = asyncio.ensure_future(anext(walk, None))
            if random.random() < 0.2:
                for _ in range(random.randint(0, 20)):
                    await asyncio.sleep(0)
                asking.cancel()
            with suppress(asyncio.CancelledError, TofuPilotError):
                item = await asking
                text = str(walk.watermark)
                if item is None:
                    has_ended = line.produced >= 20
                    break
                found.append(item.id)
        if random.random() < 0.5:
            await walk.aclose()
            assert nothing_is_in_flight(connection)
        del walk
        await settled_soon(connection)
    service.before_response.clear()
    service.faults.clear()
    found += [item.id async for item in detailed(connection, name, **options).details().since(Watermark.parse(text))]
    assert sorted(found) == sorted(item.id for item in await detailed(connection, name).collect())
    assert connection.most_in_flight <= options["concurrency"]
