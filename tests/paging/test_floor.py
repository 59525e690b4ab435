"""From where on a pass looks, how late an item may become visible, and what a stream reads again when."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from fakes.dated import BEGIN, KINDS, Row, Server, listing

from aiotofupilot import DriftError, Watermark

DATED = pytest.mark.parametrize("kind", ["ordered", "bounded"])
LAST = datetime.max.replace(microsecond=0, tzinfo=UTC)


def server_with(count, *, apart=10.0, **options):
    """A server that lists so many items, the newest of them just created."""
    rows = [Row(f"{number}", (number + 1) * apart, 0.0) for number in range(count)]
    return Server(rows, now=count * apart, **options)


def seconds(time):
    return (time - BEGIN).total_seconds()


async def passed(kind, server, watermark=None, **options):
    """Make a pass from the text of a watermark on, and return the IDs and the watermark."""
    since = None if watermark is None else Watermark.parse(str(watermark))
    overlap = {"overlap": options.pop("overlap")} if "overlap" in options else {}
    walk = listing(kind, server, **options).since(since, **overlap)
    return [item.id async for item in walk], walk


@DATED
async def test_the_floor_follows_the_newest_item(kind):
    server = server_with(100)
    _, first = await passed(kind, server)
    assert (seconds(first.watermark.floor), seconds(first.watermark.latest)) == (940, 1000)
    for _ in range(3):
        server.now += 150
        _, later = await passed(kind, server, first.watermark)
        assert later.watermark == first.watermark


@DATED
async def test_after_ten_minutes_it_follows_the_clock_of_the_server(kind):
    """It lags by five minutes, and the watermark names nothing any more."""
    server = server_with(100)
    _, walk = await passed(kind, server)
    server.now += 602
    for _ in range(3):
        _, walk = await passed(kind, server, walk.watermark)
        assert walk.watermark.seen == ()
        assert server.now - 400 <= seconds(walk.watermark.floor) <= server.now - 360
        server.now += 5000
    server.rows.append(Row("new", server.now, 0.0))
    assert (await passed(kind, server, walk.watermark))[0] == ["new"]


@DATED
@pytest.mark.parametrize("created", [datetime.min.replace(tzinfo=UTC), LAST], ids=["first", "last"])
async def test_an_item_from_an_end_of_the_calendar_ends_no_pass(kind, created):
    server = server_with(3)
    server.rows.append(Row("odd", seconds(created), 0.0))
    found, walk = await passed(kind, server)
    assert len(found) == 4
    for number in range(3):
        server.now += 700
        server.rows.append(Row(f"new {number}", server.now, 0.0))
        found, walk = await passed(kind, server, walk.watermark)
        assert found == [f"new {number}"]


@DATED
@pytest.mark.parametrize("ahead", [-5000.0, -200.0, 0.0, 200.0, 5000.0])
@pytest.mark.parametrize("tells_time", [True, False])
async def test_a_clock_that_is_wrong_hides_nothing(kind, ahead, tells_time):
    """Neither that of the server nor the local one has to agree with the one that dates the items."""
    server = server_with(10, ahead=ahead, tells_time=tells_time)
    came, watermark, random = [], None, Random(ahead)  # noqa: S311 - waits of a test
    for step in range(60):
        server.now += random.choice([5, 30, 200, 900, 7000])
        if step % 5 == 4:
            late = random.uniform(0, 55)
            server.rows.append(Row(f"late {step}", server.now - late, server.now))
        if step % 7 == 6:
            server.rows.append(Row(f"new {step}", server.now, server.now))
        found, walk = await passed(kind, server, watermark)
        came += found
        watermark = walk.watermark
    assert sorted(came) == sorted(row.id for row in server.rows)


@DATED
async def test_the_clocks_of_several_servers_may_differ(kind):
    """By up to five minutes, less what an item is late."""
    server = server_with(10)
    came, watermark, random = [], None, Random(1)  # noqa: S311 - waits of a test
    for step in range(60):
        server.now += random.choice([30, 200, 900])
        server.ahead = random.uniform(0, 230)
        if step % 10 == 9:
            server.rows.append(Row(f"late {step}", server.now - 50, server.now))
        found, walk = await passed(kind, server, watermark)
        came += found
        watermark = walk.watermark
    assert sorted(came) == sorted(row.id for row in server.rows)


@DATED
@pytest.mark.parametrize("overlap", [1, 60, 120.5, 86_400])
async def test_what_is_as_late_as_the_overlap_comes(kind, overlap):
    server = server_with(10)
    _, walk = await passed(kind, server, overlap=overlap)
    server.now += 200_000
    server.rows += [Row("now", server.now, 0.0), Row("late", server.now - overlap, server.now + 1)]
    found, walk = await passed(kind, server, walk.watermark, overlap=overlap)
    assert (found, walk.stats.lateness) == (["now"], 0)
    server.now += 2
    found, walk = await passed(kind, server, walk.watermark, overlap=overlap)
    assert (found, walk.stats.lateness) == (["late"], int(overlap))  # floors are whole seconds


async def test_how_late_an_item_was_does_not_grow_with_the_length_of_the_pass_before():
    """It became visible after 50 seconds. That pass had passed its place then, and found items created later."""
    server = server_with(102)

    def go_on():
        server.now += 180
        server.rows += [Row("late", 990, 1040), Row("newest", server.now, server.now)]

    server.changes += [lambda: None, go_on]
    found, walk = await passed("ordered", server)
    assert (len(found), found[-1]) == (103, "newest")
    found, walk = await passed("ordered", server, walk.watermark)
    assert (found, walk.stats.lateness) == (["late"], 30)


@DATED
async def test_what_waited_to_be_yielded_is_not_late(kind):
    """A stream holds the items of a poll back to sort them."""
    server = server_with(100)
    stream = listing(kind, server, limit=20).follow(since=listing(kind, server).since().watermark)
    await anext(stream)
    found, walk = await passed(kind, server, stream.watermark)
    assert (len(found), walk.stats.lateness) == (99, 0)


@DATED
async def test_the_overlap_may_change_from_pass_to_pass(kind):
    """The floor is never lowered, because what is below it was forgotten."""
    server = server_with(100)
    _, walk = await passed(kind, server, overlap=300)
    assert seconds(walk.watermark.floor) == 700
    _, walk = await passed(kind, server, walk.watermark, overlap=30)
    assert seconds(walk.watermark.floor) == 970
    _, walk = await passed(kind, server, walk.watermark, overlap=300)
    assert seconds(walk.watermark.floor) == 970


@pytest.mark.parametrize(
    ("overlap", "error", "message"),
    [
        (0, ValueError, "overlap must be more than 0 seconds and finite, got 0"),
        (-1.0, ValueError, "overlap must be more than 0 seconds and finite, got -1.0"),
        (float("nan"), ValueError, "overlap must be more than 0 seconds and finite, got nan"),
        (86_401, ValueError, r"overlap must be at most 86,400 seconds \(a day\), got 86401"),
        (True, TypeError, "overlap must be a number of seconds, got True"),
        (timedelta(minutes=1), TypeError, "overlap must be a number of seconds, got datetime"),
    ],
)
@pytest.mark.parametrize("method", ["since", "follow"])
def test_an_overlap_has_bounds(method, overlap, error, message):
    with pytest.raises(error, match=message) as caught:
        getattr(listing(), method)(overlap=overlap)
    assert caught.value.parameter == "overlap"


@pytest.mark.parametrize("kind", ["of runs", "of procedures"])
async def test_runs_are_open_for_the_overlap(kind):
    """So long, what they wrote is requested again. What comes later is not seen."""
    server = Server(now=1000.0)
    server.runs.append(Row("run", 1000.0, 0.0))
    walk, came = None, []
    for second, late in ((0, None), (80, "a"), (119, "b"), (122, "c"), (200, "d")):
        server.now = 1000.0 + second
        server.rows += [] if late is None else [Row(late, 900.0, server.now, "run")]
        found, walk = await passed(kind, server, walk and walk.watermark, overlap=120)
        came += found
    assert came == ["a", "b", "c"]


class TestBeginningAgain:
    """A pass that begins again does so where it began, whatever it has passed meanwhile."""

    @staticmethod
    def failing(server, at, *, hides):
        """Hide a row until a request, and let that one fail in a way that begins the walk anew."""

        class Moving:
            def __call__(self):
                hidden.visible = 0.0
                raise DriftError("the listing moved", cursor=0)

        hidden = server.rows[hides]
        hidden.visible = server.now + 1e9
        server.changes += [lambda: None] * at + [Moving()]

    @pytest.mark.parametrize("limit", [5, 10])
    async def test_what_was_hidden_comes_and_nothing_twice(self, limit):
        server = server_with(100)
        self.failing(server, 12, hides=3)
        found, walk = await passed("ordered", server, limit=limit)
        assert sorted(map(int, found)) == list(range(100))
        assert seconds(walk.watermark.floor) == 940

    async def test_from_a_watermark_on(self):
        server = server_with(30)
        _, first = await passed("ordered", server)
        server.rows += [Row(f"{number}", server.now + number, 0.0) for number in range(30, 300)]
        server.now += 300
        self.failing(server, 8, hides=40)
        found, _ = await passed("ordered", server, first.watermark, limit=10)
        assert sorted(map(int, found)) == list(range(30, 300))

    @pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
    @pytest.mark.parametrize("changes_at", range(1, 6))
    @pytest.mark.parametrize("limit", [3, 4, 7])
    async def test_items_of_one_time_may_change_their_order_during_a_pass(self, order, changes_at, limit):
        rows = [Row(f"{number}", 100.0 * (number // 3), 0.0) for number in range(15)]
        server = Server(rows, now=500.0)

        def shuffle(listed, cursor, limit):
            if len(server.requests) >= changes_at:
                listed.sort(key=lambda row: (row.created, order[int(row.id) % 3]))

        server.shuffle = shuffle
        found, walk = await passed("ordered", server, limit=limit)
        assert sorted(map(int, found)) == list(range(15))
        assert (await passed("ordered", server, walk.watermark))[0] == []


class TestImport:
    """After an import, a watermark names its items for a while, and not every poll lists them all."""

    COUNT = 3000

    @pytest.fixture
    def server(self):
        server = server_with(5)
        server.rows += [Row(f"import {number}", 51.0, 51.0) for number in range(self.COUNT)]
        server.now = 50.0
        return server

    @pytest.mark.parametrize("kind", ["ordered", "bounded"])
    async def test_polls_find_what_is_newer_and_every_30_seconds_what_is_late(self, kind, server):
        async with listing(kind, server).follow(interval=5.0) as stream:
            server.now = 52.0
            for _ in range(self.COUNT):
                await anext(stream)
            for number in range(12):
                server.rows.append(Row(f"new {number}", 60.0 + 5 * number, 60.0 + 5 * number))
            server.rows.append(Row("late", 51.0, 58.0))
            before, polls = len(server.requests), []
            async for item in stream:
                polls.append((item.id, len(server.requests) - before))
                before = len(server.requests)
                if len(polls) == 13:
                    break
        assert sorted(item_id for item_id, _ in polls) == sorted([*(f"new {number}" for number in range(12)), "late"])
        assert 1 <= sum(requests > 10 for _, requests in polls) <= 2
        assert sum(requests <= 2 for _, requests in polls) >= 10

    async def test_few_items_are_listed_again_by_each_poll(self):
        server = server_with(5)
        async with listing("ordered", server).follow(interval=5.0) as stream:
            server.rows += [Row(f"import {number}", 51.0 + number / 100, 51.0) for number in range(900)]
            server.now = 60.0
            for _ in range(900):
                await anext(stream)
            server.rows.append(Row("late", 52.0, 61.0))
            before = server.now
            assert [item.id for item in [await anext(stream)]] == ["late"]
            assert server.now - before < 6


@pytest.mark.parametrize("kind", ["of runs"])
async def test_a_stream_requests_what_open_runs_wrote_every_30_seconds(kind):
    """If they are many."""
    server = Server(now=50.0)
    async with listing(kind, server).follow(interval=5.0) as stream:
        server.runs += [Row(f"run {number}", 51.0, 51.0) for number in range(1500)]
        server.rows += [Row(f"{number}", 51.0, 51.0, f"run {number}") for number in range(1500)]
        server.now = 52.0
        for _ in range(1500):
            await anext(stream)
        server.runs.append(Row("new run", 58.0, 58.0))
        server.rows += [Row("new", 58.0, 58.0, "new run"), Row("late", 51.0, 58.0, "run 7")]
        before = server.now
        assert (await anext(stream)).id == "new"
        assert server.now - before <= 11
        assert (await anext(stream)).id == "late"
        assert 20 < server.now - before < 40


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("ordered", "bounded")])
async def test_other_listings_know_no_latest_time(kind):
    """Unless it is that of the runs."""
    _, walk = await passed(kind, server_with(3))
    assert walk.watermark.latest is None
