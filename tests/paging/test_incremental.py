"""One run over what is new in a listing: what it costs, what it remembers, and what it does when things go wrong."""

import asyncio
import gc
from itertools import permutations

import pytest
from fakes.budget import combined
from fakes.dated import BEGIN, KINDS, Dated, Row, Server, listing
from fakes.in_process import InProcess

from aiotofupilot import (
    DecodeError,
    DriftError,
    InvalidJSONError,
    ServerError,
    Watermark,
)
from aiotofupilot.listings import Runs
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.sandbox.faults import html
from aiotofupilot.testing import FakeClock

EVERY = pytest.mark.parametrize("kind", KINDS)
TWO = pytest.mark.parametrize("kind", ["ordered", "of runs"])


def server_with(count, *, apart=10.0, **options):
    """A server that lists so many items, the newest of them just created."""
    server = Server(now=count * apart, **options)
    for number in range(count):
        created = (number + 1) * apart
        server.runs.append(Row(f"run {number}", created, 0.0))
        server.rows.append(Row(f"{number}", created, 0.0, f"run {number}"))
    return server


async def everything(walk):
    return [int(item.id) async for item in walk]


def down():
    return ServerError("down", status=503, code=None, request_id=None)


@TWO
async def test_nothing_is_asked_for_before_the_first_item_is(kind):
    server = server_with(3)
    walk = listing(kind, server).since()
    assert walk.watermark == Watermark("rows", "abcdefgh")
    assert server.requests == []
    assert repr(walk) == "<IncrementalWalk: 0 items, 0 requests so far>"


@TWO
async def test_what_is_remembered_is_bounded_by_the_overlap(kind):
    """Also in the middle of a run that began with nothing."""
    server = server_with(300)
    walk = listing(kind, server, limit=10, concurrency=4).since()
    longest = 0
    async for _ in walk:
        longest = max(longest, len(str(walk.watermark)))
    assert walk.stats.items == 300
    assert longest < (4000 if kind == "of runs" else 250)
    assert len(walk.watermark.seen) == 7
    assert walk.watermark.floor == BEGIN.replace(minute=49)


@TWO
async def test_a_watermark_counts_seconds_since_1970(kind):
    server = server_with(3)
    walk = listing(kind, server).since()
    assert len(await everything(walk)) == 3
    begin = int(BEGIN.timestamp())
    assert [second for second, _ in walk.watermark.seen] == [begin + 10, begin + 20, begin + 30]
    expected = [] if kind == "ordered" else [begin + 10, begin + 20, begin + 30]
    assert [run.second for run in walk.watermark.runs] == expected


@pytest.mark.parametrize("kind", ["ordered", "bounded", "compared", "undated"])
async def test_a_watermark_names_the_same_items_alike_in_whatever_order_they_came(kind):
    texts = set()
    for names in permutations(["a", "b", "c"]):
        runs = [Row("run", 10.5, 0.0)]
        rows = [Row(name, 20.5 if name == "a" else 10.5, 0.0, "run") for name in names]
        walk = listing(kind, Server(rows, runs, now=30.0)).since()
        assert len([row async for row in walk]) == 3
        texts.add(str(walk.watermark))
    assert len(texts) == 1


async def test_stats_count_pages_and_what_was_listed_again():
    """An item that moves shows that the listing keeps no order, so the pass begins again."""
    server = server_with(30)
    walk = listing("undated", server, limit=10).since()
    yielded = [int((await anext(walk)).id) for _ in range(10)]
    server.rows.insert(0, server.rows.pop(25))  # an item that was passed moves to the end
    yielded += await everything(walk)
    assert sorted(yielded) == list(range(30))
    assert (walk.stats.items, walk.stats.pages, walk.stats.resyncs, walk.stats.duplicates) == (30, 8, 1, 36)


@EVERY
async def test_an_item_that_cannot_be_read_is_left_out_and_counted(kind):
    """The next pass yields it, if it can be read by then and is not older than the watermark."""
    server = server_with(30)
    server.unreadable = {"27"}
    walk = listing(kind, server, limit=10, on_unreadable="skip").since()
    assert sorted(await everything(walk)) == [number for number in range(30) if number != 27]
    assert (walk.stats.unreadable, len(walk.stats.unreadable_positions)) == (1, 1)
    server.unreadable.clear()
    again = listing(kind, server, limit=10, on_unreadable="skip").since(walk.watermark)
    assert (await everything(again), again.stats.unreadable) == ([27], 0)


def with_procedures(server, count):
    """Let the runs of a server be of so many procedures, by turns."""
    for number, run in enumerate(server.runs):
        run.procedure_id = f"procedure {number % count}"
    return server


def of_items(server):
    """Return the queries for items that a server was asked, without those for runs."""
    return [query for query in server.requests if query.kind == "rows"]


async def test_runs_wait_for_others_of_their_procedures():
    """Until there are a hundred, or no more come. So few pages are asked for, however many procedures there are."""
    server = with_procedures(server_with(2500), 20)
    assert sorted(await everything(listing("of procedures", server).since())) == list(range(2500))
    assert sorted(len(query.run_ids) for query in of_items(server)) == [25] * 20 + [100] * 20
    assert all(
        len({server.runs[int(key.split()[1])].procedure_id for key in query.run_ids}) == 1 for query in of_items(server)
    )


async def test_no_more_runs_are_looked_for_while_many_wait(monkeypatch):
    """The watermark has all of them."""
    monkeypatch.setattr("aiotofupilot._paging.by_run._MOST_WAITING", 500)
    server = with_procedures(server_with(800), 400)
    walk = listing("of procedures", server).since()
    await anext(walk)
    assert 500 <= len(walk.watermark.runs) < 600
    assert sorted([0, *await everything(walk)]) == list(range(800))


async def test_new_runs_are_asked_for_together_with_those_that_may_not_be_complete():
    server = server_with(10)
    first = listing("of runs", server).since()
    await everything(first)
    server.now += 20
    server.runs.append(Row("run 10", server.now, 0.0))
    server.rows.append(Row("10", server.now, 0.0, "run 10"))
    server.requests.clear()
    assert await everything(listing("of runs", server).since(first.watermark)) == [10]
    (query,) = of_items(server)
    assert query.run_ids == ("run 4", "run 5", "run 6", "run 7", "run 8", "run 9", "run 10")
    assert len(server.requests) == 2


@pytest.mark.parametrize("kind", ["of runs", "of procedures"])
async def test_a_run_that_is_created_while_a_long_pass_lasts_stays_open_for_its_own_time(kind):
    """It is not taken for one that claims to be of the future."""
    server = Server(now=1000.0, runs=[Row(f"old {n}", 900.0 + n, 0.0) for n in range(5)])

    def much_later():
        server.now = 1050.0
        server.runs.append(Row("run", 1050.0, 1050.0))
        server.rows += [Row("early", 1050.0, 1050.0, "run"), Row("late", 1050.0, 1100.0, "run")]

    server.changes += [lambda: None, much_later]
    yielded = await passes(server, 1000.0, 1065.0, 1105.0, 1200.0, kind=kind, limit=3)
    assert yielded == [["early"], [], ["late"], []]


@pytest.mark.parametrize("procedures", [1, 3])
async def test_runs_that_waited_when_a_pass_was_broken_off_are_asked_for_by_the_next_one(procedures):
    server = with_procedures(server_with(250), procedures)
    first = listing("of procedures", server).since()
    yielded = [int((await anext(first)).id) for _ in range(40)]
    again = listing("of procedures", server).since(Watermark.parse(str(first.watermark)))
    assert sorted([*yielded, *await everything(again)]) == list(range(250))


@EVERY
async def test_at_most_so_many_items_are_yielded_and_the_next_run_goes_on(kind):
    server, watermark, yielded = server_with(25), None, []
    for _ in range(5):
        walk = listing(kind, server, limit=4, concurrency=3, max_items=6).since(watermark)
        some = await everything(walk)
        assert len(some) <= 6
        assert server.in_flight == 0
        yielded += some
        watermark = Watermark.parse(str(walk.watermark))
    assert sorted(yielded) == list(range(25))
    assert await everything(listing(kind, server, max_items=0).since()) == []


@TWO
async def test_items_can_be_taken_in_lists(kind):
    server = server_with(25)
    walk = listing(kind, server, limit=10).since()
    lists = [[await anext(walk)]]
    lists.append(await walk.take(4))
    watermark = walk.watermark
    lists += [batch async for batch in walk.batches()]
    assert [len(some) for some in lists[:3]] == [1, 4, 5]
    assert sum(map(len, lists)) == 25
    assert await walk.take(1) == []
    rest = await everything(listing(kind, server).since(watermark))
    assert sorted(rest) == sorted(int(item.id) for some in lists[2:] for item in some)
    with pytest.raises(ValueError, match="at_most must be at least 1"):
        await walk.take(0)


@EVERY
async def test_an_error_has_the_watermark_and_no_checkpoint_and_the_walk_can_be_asked_on(kind):
    """The position of a walk over a segment is of no use to anyone."""
    server = server_with(25)
    walk = listing(kind, server, limit=4).since()
    yielded = [int((await anext(walk)).id)]
    server.failures += [down(), down()]
    for _ in range(2):
        with pytest.raises(ServerError) as caught:
            async for item in walk:
                yielded.append(int(item.id))
        assert caught.value.watermark == walk.watermark
        assert caught.value.checkpoint is None
        assert not getattr(caught.value, "__notes__", [])
    yielded += await everything(walk)
    assert sorted(yielded) == list(range(25))


async def test_after_a_page_that_cannot_be_decoded_the_walk_goes_on_with_that_page():
    connection = InProcess(Sandbox(runs=20), attempts=1)
    connection.clock = FakeClock()
    connection.service.faults.on(cursor=6).next(html())
    walk = Runs(connection).list(limit=5).since()
    found = [(await anext(walk)).id for _ in range(8)]
    with pytest.raises(InvalidJSONError):
        await anext(walk)
    assert len({*found, *[run.id async for run in walk]}) == 20
    assert connection.cursors == [0, 3, 6, 6, 9, 12, 15]


@pytest.mark.parametrize(("kind", "on_drift"), combined([*KINDS], ["ignore", "resync"]))
async def test_cursors_that_are_not_offsets_are_an_error(kind, on_drift):
    """The next attempt begins again, and yields nothing twice."""
    server = server_with(30, counts_pages=True)
    walk = listing(kind, server, limit=10, on_drift=on_drift).since()
    for requests in (1, 2):
        with pytest.raises(DriftError, match="not offsets") as caught:
            await anext(walk)
        assert caught.value.watermark == walk.watermark
        assert len(server.requests) == requests
    server.counts_pages = False
    assert sorted(await everything(walk)) == list(range(30))


async def test_a_pass_goes_on_after_all_that_it_passed_lately_was_removed():
    """No item that was passed has to be listed any more."""
    server = server_with(5000, apart=1.0)
    walk = listing("ordered", server, limit=100).since()
    yielded = [int((await anext(walk)).id) for _ in range(3000)]
    server.requests.clear()
    server.changes.append(lambda: server.rows.__delitem__(slice(500, 3200)))
    yielded += await everything(walk)
    assert len({*yielded}) == len(yielded)
    assert {*yielded} >= {*range(3000), *range(3200, 5000)}
    assert len(server.requests) < 40


async def test_a_server_that_ignores_the_bound_yields_nothing_twice():
    """What was created before the floor has been seen, although the watermark does not name it."""

    class Boundless(Dated):
        def narrowed(self, **what):
            return super().narrowed(**{name: value for name, value in what.items() if name != "after"})

    server = server_with(150)
    paginator = listing("ordered", server)
    first = paginator.since()
    assert len(await everything(first)) == 150
    paginator._source = Boundless(server, paginator._source.clock)
    server.rows.append(Row("150", server.now, 0.0))
    assert await everything(paginator.since(first.watermark)) == [150]


@pytest.mark.parametrize(
    ("kind", "sorts", "alike", "settles"),
    [
        ("ordered", True, 2, True),
        ("ordered", False, 1, False),
        ("ordered", False, 120, False),
        ("bounded", True, 1, False),
    ],
)
async def test_what_was_passed_is_settled_before_the_end_only_where_the_server_sorts(kind, sorts, alike, settles):
    """Taken for settled where the first item is the newest, all others would be lost in a crash.

    A page of one timestamp does not show whether it sorts. A listing without an order may seem to have one.
    """
    server = server_with(300, sorts=sorts)
    for number, row in enumerate(reversed(server.rows)):
        row.created -= 10.0 * (alike - 1 - number % alike)
    if kind == "bounded":
        server.rows.reverse()
    walk = listing(kind, server, limit=100).since()
    seen = [int((await anext(walk)).id) for _ in range(250)]
    assert (walk.watermark.floor is not None) is settles
    again = listing(kind, server, limit=100).since(Watermark.parse(str(walk.watermark)))
    assert sorted(seen + await everything(again)) == list(range(300))
    assert again.watermark.floor is not None


@pytest.mark.parametrize("sorts", [True, False])
async def test_an_item_that_the_server_sorts_among_newer_ones_is_yielded_all_the_same(sorts):
    """A server that sorts by something like the creation seems to sort until an item shows that it does not."""
    server = server_with(50, sorts_by=lambda row: 400.0 if row.id == "3" else row.created, sorts=sorts)
    first = listing("ordered", server, limit=10).since()
    assert sorted(await everything(first)) == list(range(50))
    server.now += 300.0
    server.rows.append(Row("50", server.now, 0.0))
    second = listing("ordered", server, limit=10).since(Watermark.parse(str(first.watermark)))
    assert await everything(second) == [50]


async def test_once_an_item_shows_that_the_server_does_not_sort_the_floor_stays_until_the_end():
    server = server_with(50, sorts_by=lambda row: 200.0 if row.id == "3" else row.created)
    walk = listing("ordered", server, limit=10).since()
    floors = [walk.watermark.floor async for _ in walk]
    assert floors[10] is not None
    assert floors[20:] == [floors[20]] * 30
    assert walk.watermark.floor > floors[20]


async def test_items_of_runs_that_nobody_asked_for_are_yielded_with_their_own_runs():
    """A server may not know the filter by run."""

    class Deaf(Dated):
        def narrowed(self, **what):
            return super().narrowed(**{name: value for name, value in what.items() if name != "run_ids"})

    server = server_with(150)
    paginator = listing("of runs", server)
    paginator._source = Deaf(server, paginator._source.clock, can_be_bounded=False, is_dated=False, is_of_runs=True)
    assert sorted(await everything(paginator.since())) == list(range(150))


@pytest.mark.parametrize(("kind", "method"), [("ordered", "created_at"), ("of runs", "run_id")])
async def test_an_item_that_cannot_be_placed_is_an_error_and_nothing_is_lost(kind, method):
    server = server_with(10)
    paginator = listing(kind, server, limit=4)

    class Broken(Dated):
        pass

    def unreadable(self, item):
        raise DecodeError("no such field")

    source = paginator._source
    paginator._source = Broken(server, source.clock, **KINDS[kind])
    setattr(Broken, method, unreadable)
    walk = paginator.since()
    with pytest.raises(DecodeError):
        await anext(walk)
    delattr(Broken, method)
    assert sorted(await everything(walk)) == list(range(10))


@pytest.mark.parametrize(("kind", "method"), combined([*KINDS], ["since", "follow"]))
async def test_one_that_is_dropped_leaves_nothing_in_flight(kind, method):
    """It is gone at once, without the help of the garbage collector."""
    server = server_with(50, turns=20)
    server.rows += [
        Row(f"{row.id}.{number}", row.created - number, 0.0, row.run_id) for row in server.rows for number in range(9)
    ]
    paginator = listing(kind, server, limit=4, concurrency=16)

    async def leave_early():
        walk = paginator.since() if method == "since" else paginator.follow(since=Watermark("rows", "abcdefgh"))
        for _ in range(20):
            await anext(walk)
        return server.in_flight

    gc.disable()
    try:
        held_back = method == "follow" and kind in {"bounded", "undated"}  # all pages have arrived then
        assert (await leave_early() > 0) is not held_back
        for _ in range(3):  # the turns that cancelled requests take
            await asyncio.sleep(0)
        assert server.in_flight == 0
    finally:
        gc.enable()


async def passes(server, *times, kind="ordered", behind=0.0, limit=100):
    """Make a pass at each time, and return what each yields. The local clock may be behind the server's."""
    found, watermark = [], None
    for time in times:
        server.now = time
        paginator = listing(kind, server, limit=limit)
        paginator._source.clock.behind = behind
        walk = paginator.since(watermark)
        found.append([item.id async for item in walk])
        watermark = walk.watermark
    return found


BY_TIME = pytest.mark.parametrize("kind", ["ordered", "bounded"])


class TestServersClock:
    """Items may become visible until 60 seconds after their creation, whatever the server says about the time."""

    @BY_TIME
    async def test_a_slow_answer_that_tells_the_time_late_hides_nothing(self, kind):
        """The time is told when the answer is sent, and the items were read before."""
        server = Server([Row(f"{n}", 950.0 + n, 0.0) for n in range(3)], takes=[4.0])
        server.rows += [Row("late", 941.0, 1000.5), Row("new", 1003.0, 1003.0)]
        first, second = await passes(server, 1000.0, 1004.0, kind=kind, limit=2)
        assert sorted(first + second) == ["0", "1", "2", "late", "new"]

    @BY_TIME
    @pytest.mark.parametrize("behind", [0.0, -3600.0])
    @pytest.mark.parametrize("ahead", [20.0, 3600.0])
    async def test_a_clock_that_is_ahead_hides_nothing_from_a_slow_consumer(self, kind, ahead, behind):
        """Items that are created while the consumer is slow do not show that the pass began late."""
        server = Server([Row(f"{n}", 946.0 + n, 0.0) for n in range(5)], now=1000.0, ahead=ahead)
        paginator = listing(kind, server, limit=2)
        paginator._source.clock.behind = behind
        walk = paginator.since()
        yielded = [(await anext(walk)).id]
        server.now = 1100.0
        server.rows += [Row("late", 945.0, 1001.0), Row("new", 1099.0, 1099.0)]
        yielded += [item.id async for item in walk]
        yielded += [item.id async for item in paginator.since(walk.watermark)]
        assert sorted(yielded) == ["0", "1", "2", "3", "4", "late", "new"]

    async def test_what_a_run_wrote_has_its_time_by_the_earlier_of_the_two_clocks(self):
        server = Server([Row("late", 1000.0, 1059.0, "run")], [Row("run", 1000.0, 1000.0)], ahead=20.0)
        assert await passes(server, 1050.0, 1059.0, kind="of runs") == [[], ["late"]]

    async def test_if_the_local_clock_is_behind_a_newer_run_tells_that_time_has_passed(self):
        """Otherwise the runs of hours would be asked for again with each pass."""
        server = Server(runs=[Row("old", 1000.0, 0.0), Row("new", 1061.0, 0.0)], now=1070.0)
        paginator = listing("of runs", server)
        paginator._source.clock.behind = 3600.0
        walk = paginator.since()
        assert [item.id async for item in walk] == []
        assert [run.id for run in walk.watermark.runs] == ["new"]


class TestLocalClock:
    """It counts where the server does not tell the time."""

    @BY_TIME
    @pytest.mark.parametrize("behind", [-3600.0, -59.0, 0.0, 3600.0])
    async def test_whatever_it_says_a_late_item_comes(self, kind, behind):
        server = Server([Row("a", 1000, 1000), Row("late", 945, 1004), Row("b", 1003, 1003)], tells_time=False)
        assert await passes(server, 1000, 1003, 1004, kind=kind, behind=behind) == [["a"], ["b"], ["late"]]

    @BY_TIME
    @pytest.mark.parametrize("behind", [-3600.0, 0.0, 3600.0])
    async def test_whatever_it_says_an_item_that_is_late_for_a_long_pass_comes_with_the_next_one(self, kind, behind):
        """The newest item is of a time when the pass has lasted long. It does not tell when the pass began."""
        server = Server([Row(f"{n}", 946 + n, 0.0) for n in range(5)], tells_time=False)

        def much_later():
            server.now = 1090
            server.rows += [Row("late", 945, 1001), Row("new", 1090, 1090)]

        server.changes += [*[lambda: None] * 3, much_later]
        first, second = await passes(server, 1000, 1090, kind=kind, behind=behind, limit=2)
        assert sorted(first + second) == ["0", "1", "2", "3", "4", "late", "new"]

    @pytest.mark.parametrize(("behind", "hidden"), [(0.0, ["a"]), (-4000.0, [])])
    async def test_if_it_is_ahead_an_item_from_the_future_hides_what_is_created_until_then(self, behind, hidden):
        server = Server([Row("future", 5000, 1000), Row("a", 1200, 1200)], tells_time=False)
        assert await passes(server, 1000, 1200, behind=behind) == [["future"], hidden]

    @pytest.mark.parametrize(("behind", "late"), [(3600.0, ["late"]), (0.0, ["late"]), (-25.0, ["late"]), (-35.0, [])])
    async def test_if_it_is_ahead_what_a_run_wrote_has_less_time_to_become_visible(self, behind, late):
        server = Server([Row("late", 1000, 1031, "run")], [Row("run", 1000, 1000)], tells_time=False)
        assert await passes(server, 1028, 1031, kind="of runs", behind=behind) == [[], late]
