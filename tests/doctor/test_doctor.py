"""What a server shows in a few requests, and what follows from it."""

from collections import Counter
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from random import Random

import pytest
from attrs import evolve
from fakes import paging
from fakes.database import FILTERS, ORDERS, Listed
from fakes.paging import capped, clamped_cursor, ending_cursor, offsets, shuffled_ties
from simulation.database import ANOTHER_TIME, CAPS, MICROSECOND, TIMES, time_of, with_time
from simulation.server import many

from aiotofupilot import ConnectionFailedError, SessionError, UnauthorizedError
from aiotofupilot.doctor import CURSORS, READS_AT_MOST, diagnose
from aiotofupilot.models import Page, PageMeta
from aiotofupilot.sandbox import Delivery, Sandbox, faults
from aiotofupilot.sandbox.rest import read
from aiotofupilot.testing import FakeClock, session_in_process


async def diagnosed(sandbox, **options):
    """Return the diagnosis, and its facts by listing."""
    async with session_in_process(sandbox, **options) as session:
        diagnosis = await diagnose(session)
    assert diagnosis.reads == len(sandbox.requests) <= READS_AT_MOST
    return diagnosis, {facts.name: facts for facts in diagnosis.listings}


class Database(Sandbox):
    """A sandbox of which one listing is as `fakes.database` says."""

    def __init__(self, order="index", compares="inclusive", cut=offsets, alike=1, count=4500, kind="runs"):
        super().__init__(procedures=3, runs=700)
        rows = many(kind, count, alike, 700)
        if compares == "by microseconds":
            rows = [with_time(row, time_of(row) + (1 + at // alike % 900) * MICROSECOND) for at, row in enumerate(rows)]
        self.kind = kind
        self.rows(kind)[:] = rows
        self.order, self.filter, self.cut = ORDERS[order], FILTERS[compares], cut
        self.random = Random(0)  # noqa: S311 - it hides nothing

    def _selects(self, time, name, bound):
        time += ANOTHER_TIME * self.filter.is_of_another_time
        return self.filter.selects(time, bound, is_before=name.endswith("before"))

    def _page(self, resource, query):
        if resource.name != self.kind:
            return super()._page(resource, query)
        asked, rows = read(resource.readers, query), self.rows(self.kind)
        for name in asked.keys() & {f"{TIMES[self.kind]}_{end}" for end in ("after", "before")}:
            rows = [row for row in rows if self._selects(time_of(row), name, asked[name])]
        ranks = {time: rank for rank, time in enumerate(dict.fromkeys(map(time_of, rows)))}
        rows = [Listed(row, ranks[time_of(row)], -at) for at, row in enumerate(rows)]
        window = self.cut(len(rows), asked["cursor"], asked["limit"])
        shown = self.order(rows, window.start, window.stop, self.random.randrange)
        meta = PageMeta(has_more=window.has_more, next_cursor=window.next_cursor)
        return Page([row.row for row in shown], meta, asked["cursor"])


async def test_the_sandbox_is_as_expected():
    diagnosis, facts = await diagnosed(Sandbox())
    assert (diagnosis.findings, diagnosis.notes, diagnosis.key, diagnosis.clock_ahead) == ((), (), "user", 0)
    assert Counter(each.follows for each in diagnosis.listings) == {"by value": 8, "by cursor": 2, "one page": 1}
    runs = facts["runs"]
    assert (runs.sorted_by, runs.filter, runs.has_offsets, runs.longest_page) == (
        "started_at desc",
        "inclusive",
        True,
        100,
    )
    assert (runs.deepest, runs.beyond, runs.cap) == (900, 1000, None)
    assert facts["measurements"].keeps_ties is True
    assert facts["stations"].sorted_by is None


@pytest.mark.parametrize("order", [*ORDERS])
async def test_each_order_of_a_database_is_recognized(order):
    diagnosis, facts = await diagnosed(Database(order, alike=8, count=2600))
    if order == "unsorted":
        assert facts["runs"].follows == "unchecked"
        assert diagnosis.findings == (
            "runs: not sorted by started_at, so a walk cannot continue by value",
            "runs: the order changes from page to page, so a walk is unchecked",
        )
        return
    assert facts["runs"].keeps_ties is (order == "index")
    assert facts["runs"].follows == "by value"
    assert diagnosis.findings == ()
    assert bool(diagnosis.notes) is (order != "index")


@pytest.mark.parametrize("name", [*FILTERS])
async def test_each_filter_of_a_database_is_recognized(name):
    diagnosis, facts = await diagnosed(Database(compares=name))
    others = {"to the second", "to the day", "of another time"}
    assert facts["runs"].filter == ("other" if name in others else name)
    assert facts["runs"].follows == ("by cursor" if name == "ignored" else "by value")
    assert bool(diagnosis.findings) is (name in {*others, "ignored"})
    assert bool(diagnosis.notes) is (name in {"by microseconds", "exclusive"})


@pytest.mark.parametrize("name", [*FILTERS])
async def test_each_filter_of_a_listing_with_the_oldest_first(name):
    """What is rounded down is wider here. It shows only if it shows more."""
    database = Database(compares=name, count=600, kind="procedures")
    database.procedures.reverse()
    diagnosis, facts = await diagnosed(database)
    seen = {
        "by microseconds": "inclusive",
        "to the second": "inclusive",
        "to the day": "ignored",
        "of another time": "other",
    }
    assert (facts["procedures"].sorted_by, facts["procedures"].filter) == ("created_at asc", seen.get(name, name))
    assert bool(diagnosis.findings) is (name in {"to the day", "ignored", "of another time"})


async def test_no_filter_is_looked_at_where_only_one_item_has_a_time():
    database = Database(count=20, kind="measurements")
    database.measurements[1:] = [with_time(item, None) for item in database.measurements[1:]]
    diagnosis, facts = await diagnosed(database)
    assert diagnosis.findings == ()
    measurements = facts["measurements"]
    assert (measurements.sorted_by, measurements.filter) == ("started_at desc", None)
    assert (measurements.keeps_ties, measurements.follows) == (True, "by value")


@pytest.mark.parametrize(("name", "cap"), [("silent", "ends"), ("refused", "refuses"), ("clamped", "repeats")])
@pytest.mark.parametrize("depth", [1000, 10_000])
async def test_each_cap_is_recognized(name, cap, depth):
    diagnosis, facts = await diagnosed(Database(cut=CAPS[name](depth), count=10_500))
    runs = facts["runs"]
    assert (runs.cap, runs.follows, diagnosis.findings) == (cap, "by value", ())
    assert depth - 100 <= runs.deepest <= depth
    further = CURSORS[CURSORS.index(runs.deepest) + 1]
    assert runs.beyond == {"ends": depth, "refuses": further, "repeats": further - 75}[cap]


@pytest.mark.parametrize("cut", [paging.page_numbers, paging.null_cursor, paging.repeating_cursor(), capped(2)])
async def test_a_cursor_that_a_walk_cannot_compute_is_a_finding(cut):
    diagnosis, facts = await diagnosed(Sandbox(pagings={"runs": cut}))
    assert diagnosis.findings == ("runs: cursors cannot be computed, so a walk follows the server's, unchecked",)
    assert (facts["runs"].has_offsets, facts["runs"].follows) == (False, "unchecked")


async def test_an_offset_that_leads_elsewhere_is_a_finding():
    """The cursors look like offsets, and rows are hidden before pages are cut."""
    diagnosis, facts = await diagnosed(Sandbox(pagings={"runs": paging.hidden_rows(every=10, hide=25)}))
    assert facts["runs"].follows == "unchecked"
    assert len(diagnosis.findings) == 1


async def test_short_pages_are_a_note():
    diagnosis, facts = await diagnosed(Sandbox(pagings={"runs": capped(25)}))
    assert (diagnosis.findings, diagnosis.notes) == ((), ("runs: a page has at most 25 items",))
    assert (facts["runs"].longest_page, facts["runs"].follows) == (25, "by value")


async def test_a_cap_of_a_listing_without_a_filter_is_a_finding():
    sandbox = Sandbox(procedures=3, runs=700, pagings={"parts": clamped_cursor(1000)})
    sandbox.parts[:] = many("parts", 1500, 1, 700)
    diagnosis, facts = await diagnosed(sandbox)
    assert (facts["parts"].follows, facts["parts"].deepest, facts["parts"].beyond) == ("by cursor", 900, 9825)
    cap = "the server repeats a page at cursor 9,825 although there are more items"
    assert diagnosis.findings == (f"parts: {cap}, and a walk misses them",)


async def test_where_a_listing_without_a_filter_ends_nothing_shows_that_there_is_more():
    sandbox = Sandbox(procedures=3, runs=700, pagings={"parts": ending_cursor(1000)})
    sandbox.parts[:] = many("parts", 1500, 1, 700)
    diagnosis, facts = await diagnosed(sandbox)
    assert (facts["parts"].beyond, facts["parts"].cap, diagnosis.findings) == (1000, None, ())


async def test_ties_in_another_order_are_a_note():
    sandbox = Sandbox()
    sandbox.before_response.append(shuffled_ties("measurements"))
    diagnosis, facts = await diagnosed(sandbox)
    assert facts["measurements"].keeps_ties is False
    assert diagnosis.notes == (
        "measurements: items of the same time change their order, so a walk reads them as a set",
    )


async def test_a_listing_without_an_order_is_a_finding():
    sandbox = Sandbox()
    sandbox.before_response.append(shuffled_ties("stations"))
    diagnosis, facts = await diagnosed(sandbox)
    assert diagnosis.findings == ("stations: the order changes from page to page, so a walk is unchecked",)
    assert facts["stations"].follows == "unchecked"


async def test_a_listing_that_moves_meanwhile_is_as_expected():
    sandbox = Sandbox()
    newest = [*sandbox.runs[:40]]
    del sandbox.runs[:40]

    def create(factory, _request):
        if newest:
            factory.runs.insert(0, newest.pop())

    sandbox.before_response.append(create)
    diagnosis, _ = await diagnosed(sandbox)
    assert diagnosis.findings == ()


async def test_an_empty_account():
    diagnosis, facts = await diagnosed(Sandbox(procedures=0, runs=0))
    assert diagnosis.findings == ()
    assert facts["runs"].follows == "by value"
    assert (facts["measurements"].follows, facts["measurements"].head_seconds) == (None, None)


async def test_no_more_than_two_requests_are_sent_in_a_second():
    sandbox, clock, begun = Sandbox(), FakeClock(), []
    sandbox.before_response.append(lambda *_: begun.append(clock.monotonic()))
    sandbox.faults.randomly(faults.latency(0.2), faults.latency(3), rate=0.3)
    _, facts = await diagnosed(sandbox, clock=clock)
    assert all(second - first >= 0.5 for first, second in pairwise(begun))
    assert max(each.head_seconds for each in facts.values()) == pytest.approx(3)


async def test_nothing_is_requested_beyond_cursor_20000_and_nothing_twice():
    sandbox = Sandbox(procedures=3, runs=700)
    sandbox.runs[:] = many("runs", 25_000, 2, 700)
    _, facts = await diagnosed(sandbox)
    cursors = [int(request.query.get("cursor", 0)) for request in sandbox.requests]
    assert max(cursors) == CURSORS[-1] == facts["runs"].deepest
    assert (facts["runs"].beyond, facts["runs"].keeps_ties) == (None, True)
    assert {request.method for request in sandbox.requests} == {"GET"}
    assert max(Counter(map(str, sandbox.requests)).values()) == 1


async def test_everything_long_takes_no_more_than_40_requests():
    sandbox = Sandbox(procedures=700, runs=700)
    for kind in TIMES:
        sandbox.rows(kind)[:] = many(kind, 1500, 2, 700)
    sandbox.paging = clamped_cursor(1000)
    diagnosis, _ = await diagnosed(sandbox)
    assert diagnosis.reads == READS_AT_MOST
    assert diagnosis.findings == ()


async def test_a_failure_is_a_finding_and_not_sent_again():
    sandbox = Sandbox()
    sandbox.faults.on(lambda request: request.path.endswith("/logs")).always(faults.status(500))
    sandbox.faults.on(lambda request: request.path.endswith("/runs"), cursor=900).always(faults.status(504))
    sandbox.faults.on(lambda request: request.path.endswith("/units")).always(faults.html())
    sandbox.faults.on(lambda request: request.path.endswith("/parts")).always(faults.status(404))
    diagnosis, facts = await diagnosed(sandbox)
    assert diagnosis.findings == (
        "runs: a request failed: 504 ServerError at cursor 900",
        "units: a request failed: InvalidJSONError at cursor 0",
        "parts: a request failed: 404 NotFoundError at cursor 0",
        "logs: a request failed: 500 ServerError at cursor 0",
    )
    assert (facts["runs"].follows, facts["logs"].follows) == ("by value", None)


async def test_a_server_that_does_not_say_whose_key_it_is():
    sandbox = Sandbox()
    sandbox.faults.on(lambda request: request.path.endswith("/whoami")).always(faults.status(404))
    diagnosis, _ = await diagnosed(sandbox)
    assert diagnosis.key is None
    assert diagnosis.findings == ("whoami: the request failed: 404 NotFoundError",)


async def test_the_key_of_a_station():
    """That it may not list stations is no surprise."""
    sandbox = Sandbox()
    diagnosis, _ = await diagnosed(sandbox, api_key=sandbox.station_key)
    assert (diagnosis.key, diagnosis.findings) == ("station", ())
    assert diagnosis.notes == ("stations: the key of a station may not list it",)


async def test_a_wrong_key_is_an_error():
    sandbox = Sandbox()
    with pytest.raises(UnauthorizedError):
        await diagnosed(sandbox, api_key="another")
    assert len(sandbox.requests) == 1


async def test_a_key_that_is_revoked_meanwhile_is_an_error():
    sandbox = Sandbox()
    sandbox.faults.on(lambda request: request.path.endswith("/units")).always(faults.status(401))
    with pytest.raises(UnauthorizedError):
        await diagnosed(sandbox)


@pytest.mark.parametrize("good", [0, 3])
async def test_a_server_that_is_lost_is_an_error(good):
    sandbox = Sandbox()
    sandbox.faults.on(lambda _: len(sandbox.requests) > good).always(faults.reset())
    with pytest.raises(ConnectionFailedError):
        await diagnosed(sandbox)
    assert len(sandbox.requests) == good + 1


async def test_a_closed_session_is_an_error():
    session = session_in_process(Sandbox())
    await session.close()
    with pytest.raises(SessionError):
        await diagnose(session)


@pytest.mark.parametrize(("ahead", "text"), [(59, None), (-90, "90"), (3600, "3600")])
async def test_clocks_that_differ_are_a_finding(ahead, text):
    clock, sandbox = FakeClock(), Sandbox()

    def dated(delivery, _request, _random):
        date = format_datetime(clock.now() + timedelta(seconds=ahead), usegmt=True)
        head, *rest = delivery.steps
        return Delivery((evolve(head, headers={**head.headers, "Date": date}), *rest))

    sandbox.faults.always(faults.fault(lambda: dated)())
    diagnosis, _ = await diagnosed(sandbox, clock=clock)
    assert diagnosis.clock_ahead == ahead
    clocks = f"clock: it differs from the server's by {text} s, and so do ages like 7d"
    assert diagnosis.findings == ((clocks,) if text else ())
