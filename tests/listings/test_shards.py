"""Shards of a listing do not overlap, leave nothing out, and are listed as any listing is."""

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest
from attrs import evolve
from fakes import paging
from fakes.budget import STEP, combined
from fakes.listings import LISTINGS, offered, required

from aiotofupilot import BadRequestError, Checkpoint, DriftError, RawItem, Shard, TofuPilotSession
from aiotofupilot.sandbox import Sandbox

EVERY = pytest.mark.parametrize("name", [*LISTINGS, "users"])
UNDIVIDED = {"parts", "stations", "users"}
START = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
async def sandbox():
    async with Sandbox(80, runs=200) as sandbox:
        yield sandbox


@pytest.fixture
async def session(sandbox):
    async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url, concurrency=4) as session:
        yield session


def arguments(sandbox, name):
    return required(name, sandbox.procedures[0].id)


def ids(items):
    return [item.id for item in items]


@EVERY
async def test_shards_of_every_listing_hold_each_item_once(sandbox, session, name):
    listing = getattr(session, name).list(**arguments(sandbox, name), **offered(name, limit=10))
    everything = await listing.collect()
    for n in (1, 2, 7):
        sandbox.requests.clear()
        shards = await listing.shards(n)
        assert len(sandbox.requests) <= (0 if n == 1 or name in UNDIVIDED else 20 + max(n + 1, 2 * n))
        assert len(shards) == (1 if name in UNDIVIDED else min(n, -(-len(everything) // 10)))
        parts = [await session.list(shard, limit=50).collect() for shard in shards]
        assert sorted(ids(item for part in parts for item in part)) == sorted(ids(everything))
        assert await session.list(shards[-1]).count() == len(parts[-1])
        if len(shards) > 1:
            assert max(map(len, parts)) < 1.5 * len(everything) / len(shards)
            assert min(map(len, parts)) > 0.5 * len(everything) / len(shards)


@pytest.mark.parametrize("name", ["runs", "measurements", "procedures"])
async def test_shards_travel_and_are_listed_by_another_session(sandbox, session, name):
    """They hold no key, and little else."""
    listing = getattr(session, name).list(**arguments(sandbox, name), limit=20)
    for shard in await listing.shards(3):
        pickled = pickle.dumps(shard)
        assert sandbox.api_key.encode() not in pickled
        assert len(pickled) < 1000
        async with TofuPilotSession(sandbox.api_key, base_url=sandbox.url) as other:
            expected = await session.list(shard).collect()
            assert await other.list(pickle.loads(pickled)).collect() == expected  # noqa: S301 - pickled above
            assert await other.list(Shard.parse(str(shard)), concurrency=2, on_drift="resync").collect() == expected


async def test_shards_are_of_what_the_filters_match_in_the_order_that_was_asked_for(session):
    """Bounds of the listing's own hold too."""
    options = {"outcomes": ["PASS"], "sort_by": "duration", "sort_order": "asc"}
    everything = await session.runs.list(**options).collect()
    timestamps = sorted(run.created_at for run in everything)
    bounds = {"created_after": timestamps[5], "created_before": timestamps[-5]}
    expected = await session.runs.list(**options, **bounds).collect()
    assert len(expected) == len(everything) - 9
    shards = await session.runs.list(**options, **bounds, limit=10, cursor=5, max_items=3).shards(4)
    assert len(shards) == 4
    parts = [await session.list(shard, limit=50).collect() for shard in shards]
    assert sorted(ids(run for part in parts for run in part)) == sorted(ids(expected))
    assert all(part == sorted(part, key=lambda run: run.duration) for part in parts)
    with pytest.raises(ValueError, match="got 'outcome'"):
        session.list((await session.runs.list(sort_by="outcome").shards(2))[0], on_drift="resync")


@pytest.mark.parametrize(
    ("name", "order", "field", "filtered"),
    [
        ("runs", {}, "started_at", "started"),
        ("runs", {"sort_by": "started_at", "sort_order": "asc"}, "started_at", "started"),
        ("runs", {"sort_by": "created_at"}, "created_at", "created"),
        ("runs", {"sort_by": "serial_number"}, "started_at", "started"),
        ("units", {"sort_by": "serial_number"}, "created_at", "created"),
        ("batches", {}, "created_at", "created"),
        ("logs", {"sort_by": "level"}, "created_at", "timestamp"),
        ("measurements", {"sort_by": "value"}, "started_at", "started"),
        ("deployments", {}, "deployed_at", "deployed"),
    ],
)
async def test_a_listing_is_cut_by_the_time_that_sorts_it(sandbox, session, name, order, field, filtered):
    """So an index of the server serves the filter and the order. Where something else sorts it, it is the default."""
    listing = getattr(session, name).list(**arguments(sandbox, name), **order, limit=5)
    times = {item.id: getattr(item, field) for item in await listing.collect()}
    first, *_, last = await listing.shards(4)
    sandbox.requests.clear()
    parts = [await session.list(shard).collect() for shard in (first, last)]
    assert (
        max(times[item.id] for item in parts[0]) < first.end <= last.start <= min(times[item.id] for item in parts[1])
    )
    bounds = {
        parameter for sent in sandbox.requests for parameter in sent.query if parameter.endswith(("_after", "_before"))
    }
    assert bounds == {f"{filtered}_after", f"{filtered}_before"}


@pytest.mark.parametrize("name", ["procedures", "runs", "logs", "measurements", "phases"])
async def test_what_is_new_in_a_shard_is_what_it_holds(sandbox, session, name):
    """A measurement can have started after the beginning of a shard, and its run before."""
    for shard in await getattr(session, name).list(**arguments(sandbox, name), limit=20).shards(3):
        new = session.list(shard).since()
        assert sorted([item.id async for item in new]) == sorted(ids(await session.list(shard).collect()))
        assert [item async for item in session.list(shard).since(new.watermark)] == []


class TestPartOfAPage:
    """The server lists the items a millisecond around a shard too. A walk of the shard does not yield them."""

    @pytest.fixture
    async def sandbox(self):
        """One whose batches these tests make."""
        async with Sandbox(1, runs=1) as sandbox:
            yield sandbox

    @pytest.fixture
    def shard(self, sandbox):
        """A shard of 20 batches, 10 before and 10 after which are listed with it."""
        first = sandbox.batches[0]
        offsets = [*[0] * 10, *[1] * 20, *[2] * 10]
        sandbox.batches[:] = [
            evolve(first, id=f"batch-{at}", number=f"{at}", created_at=START + timedelta(milliseconds=offset))
            for at, offset in enumerate(offsets)
        ][::-1]
        millisecond = timedelta(milliseconds=1)
        return Shard(listing="batches", start=START + millisecond, end=START + 2 * millisecond)

    @pytest.fixture
    def expected(self, sandbox, shard):
        return [batch for batch in sandbox.batches if shard.holds(batch.created_at)]

    @pytest.mark.parametrize(("limit", "concurrency", "on_drift"), combined([3, 15, 100], [1, 4], ["ignore", "resync"]))
    async def test_a_walk_yields_what_belongs_to_it(self, session, shard, expected, limit, concurrency, on_drift):
        listing = session.list(shard, limit=limit, concurrency=concurrency, on_drift=on_drift)
        assert len(expected) == 20
        async with listing.walk() as walk:
            assert [batch async for batch in walk] == expected
            assert walk.stats.items == 20
            assert walk.stats.duplicates == 0
        assert await listing.first() == expected[0]
        assert ids(await listing.raw().collect()) == ids(expected)
        assert isinstance(await listing.raw().first(), RawItem)
        assert await listing.count() == 20
        assert [batch async for page in listing.pages() for batch in page.data] == expected
        first = await listing
        assert first.data == expected[: max(0, limit - 10)]
        assert first.meta.next_cursor == (limit if limit < 40 else None)

    @pytest.mark.parametrize(
        ("max_items", "limit", "on_drift"), combined([0, 1, 5, 19, 20, 21], [1, 7, 100], ["ignore", "resync"])
    )
    async def test_as_many_are_yielded_as_are_wanted(self, session, shard, expected, max_items, limit, on_drift):
        listing = session.list(shard, limit=limit, max_items=max_items, on_drift=on_drift)
        assert await listing.collect() == expected[:max_items]
        pages = [batch async for page in listing.pages() for batch in page.data]
        assert pages[:max_items] == expected[:max_items]

    @pytest.mark.parametrize(("limit", "on_drift"), [(7, "ignore"), (7, "resync"), (100, "ignore"), (100, "resync")])
    async def test_a_checkpoint_resumes_after_any_item(self, session, shard, expected, limit, on_drift):
        options = {"limit": limit, "on_drift": on_drift}
        for passed in range(0, 21, STEP):
            async with session.list(shard, **options).walk() as walk:
                assert [await anext(walk) for _ in range(passed)] == expected[:passed]
            checkpoint = Checkpoint.parse(str(walk.checkpoint))
            assert await session.list(shard, **options, cursor=checkpoint).collect() == expected[passed:]
            pages = [batch async for page in session.list(shard, cursor=checkpoint).pages() for batch in page.data]
            assert pages == expected[20 - len(pages) :]

    async def test_a_checkpoint_knows_its_shard(self, session, shard):
        async with session.list(shard).walk() as walk:
            await anext(walk)
        for other in (session.batches.list, lambda **options: session.list(evolve(shard, end=None), **options)):
            with pytest.raises(ValueError, match="with other filters or another order") as caught:
                other(cursor=walk.checkpoint)
            assert caught.value.parameter == "cursor"


async def test_items_without_a_timestamp_are_left_out_by_no_shard(sandbox, session):
    """No filter finds them, so the listing is not cut."""
    name = arguments(sandbox, "measurements")
    listing = session.measurements.list(**name, limit=20)
    assert len(await listing.shards(4)) == 4
    sandbox.measurements[-1] = evolve(sandbox.measurements[-1], started_at=None)
    final = [item for item in sandbox.measurements if item.is_final_attempt]
    of_procedure = {item.id for item in await listing.collect()}
    oldest = next(item for item in reversed(final) if item.id in of_procedure)
    sandbox.measurements[sandbox.measurements.index(oldest)] = evolve(oldest, started_at=None)
    (whole,) = await listing.shards(4)
    assert (whole.start, whole.end) == (None, None)
    assert oldest.id in ids(await session.list(whole).collect())


@pytest.mark.parametrize("created", [1, 150])
async def test_items_without_a_timestamp_are_found_while_others_are_created(sandbox, session, created):
    """They stand behind all others. What is created after the count stands between these and the place counted last."""
    name = arguments(sandbox, "phases")
    everything = await session.phases.list(**name, exclude_retries=False).collect()
    oldest = everything[-1]
    at = next(at for at, item in enumerate(sandbox.phases) if item.id == oldest.id)
    sandbox.phases[at] = evolve(sandbox.phases[at], started_at=None)

    def create(_procedures, request):
        if request.query.get("sort_order") == "asc" and not any(phase.id == "new 0" for phase in sandbox.phases):
            sandbox.phases += [evolve(everything[0], id=f"new {number}") for number in range(created)]

    sandbox.before_response.append(create)
    (whole,) = await session.phases.list(**name, exclude_retries=False, limit=5).shards(4)
    assert (whole.start, whole.end) == (None, None)


async def test_a_listing_whose_end_is_removed_during_the_cut_is_one_shard(sandbox, session):
    """Nobody knows what stood there."""
    total = len(sandbox.batches)

    def remove(_procedures, request):
        if request.query.get("sort_order") == "asc" and int(request.query.get("cursor", "0")) >= total - 5:
            del sandbox.batches[5:]

    sandbox.before_response.append(remove)
    (whole,) = await session.batches.list(limit=2).shards(3)
    assert (whole.start, whole.end) == (None, None)


@pytest.mark.parametrize("order", ["procedures", "batches"])
async def test_items_of_one_timestamp_make_one_shard(sandbox, session, order):
    items = getattr(sandbox, order)
    items[:] = [evolve(item, created_at=START) for item in items]
    assert len(await getattr(session, order).list(limit=2).shards(5)) == 1
    items[0] = evolve(items[0], created_at=START + timedelta(milliseconds=2))
    assert len(await getattr(session, order).list(limit=2).shards(5)) == 1


async def test_items_of_one_timestamp_beside_a_bound_are_in_one_shard(sandbox, session):
    """Both shards request them, and there are more than a page has, so that they are read in another order."""
    first = sandbox.runs[0].started_at
    sandbox.runs = [
        evolve(run, started_at=first if at < 150 else run.started_at) for at, run in enumerate(sandbox.runs)
    ]
    shards = [Shard(listing="runs", end=first), Shard(listing="runs", start=first)]
    older, newer = [ids(await session.list(shard).collect()) for shard in shards]
    assert sorted(older + newer) == sorted(ids(sandbox.runs))
    assert len(newer) == 150


async def test_a_listing_of_nothing_is_one_shard(sandbox, session):
    """It may empty meanwhile."""
    counting = 0

    def empty(_factory, _request):
        nonlocal counting
        counting += 1
        if counting == 2:
            sandbox.batches.clear()

    sandbox.before_response.append(empty)
    assert len(await session.batches.list(limit=2).shards(2)) == 1
    (shard,) = await session.runs.list(search_query="no such run").shards(5)
    assert await session.list(shard).collect() == []


async def test_a_server_that_cannot_be_searched_is_refused(sandbox, session):
    sandbox.paging = paging.page_numbers
    with pytest.raises(DriftError, match="are not offsets"):
        await session.runs.list().shards(2)


EAST_MIN = datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        *[(given, TypeError, r"shard must be a Shard, got .*: use Shard\.parse") for given in ("runs:../..?", None)],
        *[
            (Shard(listing=name), ValueError, f"shard is a part of {name}, and there is no such listing")
            for name in ("close", "base_url", "with_options", "nothing", "_state")
        ],
        # In UTC, it is before the year 1.
        (Shard(listing="batches", start=EAST_MIN), ValueError, "^shard has a time that cannot be requested: "),
        *[
            (Shard(listing=name, start=START), ValueError, f"shard has bounds, and {name} have no filter by time")
            for name in sorted(UNDIVIDED)
        ],
        *[
            (
                Shard(listing="runs", query=[(name, text)], start=START, end=START + timedelta(hours=1)),
                *(ValueError, f"^shard has a time that cannot be requested: .*'{text}'"),
            )
            for name in ("started_after", "started_before")
            for text in ("yesterday", "2024-01-01", "2024-01-01T00:00")
        ],
    ],
    ids=str,
)
async def test_what_cannot_be_requested_is_refused(sandbox, session, given, error, message):
    with pytest.raises(error, match=message) as caught:
        session.list(given)
    assert caught.value.parameter == "shard"
    assert not sandbox.requests


async def test_the_ends_of_the_calendar_are_bounds(sandbox, session):
    """A millisecond beyond a bound is requested, as far as there is one."""
    ends = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    everything = await session.list(Shard(listing="batches", start=ends[0], end=ends[1])).collect()
    assert [batch.id for batch in everything] == [batch.id for batch in sandbox.batches]


async def test_what_listings_and_servers_refuse(session):
    """A malformed filter of a shard without bounds is refused by the server."""
    with pytest.raises(ValueError, match="shard is a part of runs, and not of units") as caught:
        session.units.part(Shard(listing="runs"))
    assert caught.value.parameter == "shard"
    for n in (0, -1, 1001):
        with pytest.raises(ValueError, match=f"n must be between 1 and 1000, got {n}") as caught:
            await session.runs.list().shards(n)
        assert caught.value.parameter == "n"
    with pytest.raises(BadRequestError, match="created_after"):
        await session.list(Shard.parse(str(Shard(listing="runs", query=[("created_after", "yesterday")]))))
