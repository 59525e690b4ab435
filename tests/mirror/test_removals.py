"""Rows that the server does not list any more are found in few requests, and nothing that is listed is called gone.

The search itself is asked here, too, because a listing of a million rows, or one that changes between two requests,
would take minutes otherwise.

- Each update of a mirror finds removed runs, units and batches: in a million rows with at most 3 requests if none is
  gone, 25 for one, 150 for ten.
- Nothing that is listed is marked as gone, whatever changes meanwhile; a filter, a lag or an unreadable item marks
  nothing; what is listed again is not marked any more.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace

import duckdb
import pytest
from attrs import evolve
from fakes.budget import MANY, NIGHTLY
from hypothesis import given, settings, strategies as st

from aiotofupilot import BadRequestError, DriftError, NotFoundError, TofuPilotSession, UnauthorizedError, to_wire
from aiotofupilot.mirror.removals import AT_MOST, Removals
from aiotofupilot.models import Page, PageMeta
from aiotofupilot.sandbox import BusyLine, faults
from aiotofupilot.testing import make_run

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLION = 1_000_000
WEEK = 7 * 24 * 60
"""Minutes."""


LINE = {"procedures": 2, "runs": 30}


@pytest.fixture
def later(monkeypatch):
    """Let some minutes pass for the clock of each session."""
    clock = type(TofuPilotSession("key", base_url="https://tofupilot.example").runs.connection.clock)
    passed = timedelta(0)

    def later(minutes):
        nonlocal passed
        passed += timedelta(minutes=minutes)
        monkeypatch.setattr(clock, "now", lambda _: datetime.now(UTC) + passed)

    return later


@pytest.fixture
def gone(query):
    """Return the IDs in a table that are marked."""

    def gone(listing, **options):
        rows = query(f"SELECT id FROM {listing} WHERE _gone_at IS NOT NULL ORDER BY id", **options)  # noqa: S608 - a listing's name
        return [key for (key,) in rows]

    return gone


def paths(sandbox, name):
    """Return what was requested of single items of a listing."""
    return [path for request in sandbox.requests if f"/{name}/" in (path := request.path)]


@pytest.mark.parametrize(("name", "key"), [("runs", "id"), ("units", "serial_number"), ("batches", "number")])
def test_a_removed_item_is_marked_by_the_second_update_that_misses_it(pull, sandbox, gone, later, name, key):
    """If that begins a minute later or more. The item is requested once, and what a run wrote is gone with it."""
    pull(name, "measurements")
    removed = getattr(sandbox, name).pop(1)
    assert pull(name)[name].gone == 0
    later(0.5)
    assert pull(name)[name].gone == 0
    assert not paths(sandbox, name)
    later(0.5)
    came = pull(name, "measurements")
    assert came[name].gone == 1
    assert came[name].doubt is None
    assert gone(name) == [removed.id]
    assert paths(sandbox, name) == [f"/api/v2/{name}/{getattr(removed, key)}"]
    written = sorted(each.id for each in sandbox.measurements if name == "runs" and each.run_id == removed.id)
    assert gone("measurements") == written
    assert came["measurements"].gone == len(written)
    assert bool(written) == (name == "runs")
    later(2)
    assert pull(name)[name].gone == 0
    assert len(paths(sandbox, name)) == 1


@pytest.mark.parametrize("full", [False, True])
def test_what_is_listed_again_is_not_suspected_any_more(have, pull, sandbox, gone, later, full):
    """A replica may lag. If the item is missed once more, it takes two more updates."""
    have("runs")
    run = sandbox.runs.pop(3)
    pull("runs")
    sandbox.runs.insert(3, run)
    later(5)
    pull("runs", full=full)
    sandbox.runs.remove(run)
    later(5)
    assert pull("runs")["runs"].gone == 0
    assert not paths(sandbox, "runs")
    assert gone("runs") == []


@pytest.mark.parametrize("options", [{"again": timedelta(days=9000)}, {"full": True}], ids=["again", "full"])
def test_what_a_late_replica_does_not_list_yet_is_not_marked(pull, sandbox, gone, options):
    """Where all is read again, one look marks what is older than an hour, and nothing that is younger."""
    young, old = sandbox.runs[0], sandbox.runs[-1]
    sandbox.runs[0] = young = evolve(young, created_at=datetime.now(UTC) - timedelta(minutes=50))
    pull("runs", "measurements")
    sandbox.runs[:] = sandbox.runs[1:-1]
    assert pull("runs", "measurements", **options)["runs"].gone == 1
    assert gone("runs") == [old.id]


def test_a_run_of_which_the_server_does_not_say_that_it_is_gone_is_a_doubt(
    have, pull, sandbox, gone, later, monkeypatch
):
    """A key that is refused meanwhile ends the update. An item that cannot be decoded is there."""
    have("runs")
    run = sandbox.runs.pop(3)
    pull("runs")
    later(2)
    look = sandbox.faults.on(lambda request: request.path.endswith(run.id))
    look.next(faults.status(401))
    with pytest.raises(UnauthorizedError):
        pull("runs")
    look.next(faults.status(400))
    assert pull("runs")["runs"].doubt.startswith("the search for runs that are gone was not finished: 400")
    look.next(faults.json({"phases": None}))
    assert pull("runs")["runs"].gone == 0
    assert gone("runs") == []
    later(WEEK + 2)
    pull("runs")
    assert gone("runs") == [run.id]


def test_a_run_that_a_filter_leaves_out_is_not_gone(pull, sandbox, gone, later):
    """Its outcome was changed, and it can be had by its ID. So it is looked for again only after a week."""
    filters = {"outcomes": ["PASS"]}
    pull("runs", filters=filters)
    at = next(at for at, run in enumerate(sandbox.runs) if run.outcome == "PASS")
    sandbox.runs[at] = evolve(sandbox.runs[at], outcome="FAIL")
    for _ in range(3):
        later(2)
        assert pull("runs", filters=filters)["runs"].gone == 0
    assert len(paths(sandbox, "runs")) == 1
    later(WEEK + 2)
    assert pull("runs", filters=filters)["runs"].gone == 0
    assert len(paths(sandbox, "runs")) == 2
    assert gone("runs") == []
    removed = next(run for run in sandbox.runs if run.outcome == "PASS")
    sandbox.runs.remove(removed)
    for _ in range(2):
        later(2)
        pull("runs", filters=filters)
    assert gone("runs") == [removed.id]


def test_a_serial_number_that_another_unit_has_now(have, pull, sandbox, gone, later):
    have("units")
    old = sandbox.units.pop(3)
    sandbox.units.insert(0, evolve(old, id="another", created_at=max(unit.created_at for unit in sandbox.units)))
    for _ in range(2):
        pull("units")
        later(2)
    assert gone("units") == [old.id]


@pytest.mark.parametrize("name", ["runs", "units", "batches"])
def test_what_is_gone_and_listed_again_is_not_gone(pull, sandbox, gone, later, name):
    """It comes back with what it wrote, and hides the removal of no other item."""
    items = getattr(sandbox, name)
    sandbox.produce(60)
    pull(name, "measurements")
    items.sort(key=lambda item: item.created_at, reverse=True)
    back = items.pop(1)
    for _ in range(2):
        pull(name)
        later(2)
    assert gone(name) == [back.id]
    assert bool(gone("measurements")) == (name == "runs")
    removed = items.pop(1)
    items.insert(1, back)
    pull(name)
    assert gone(name) == gone("measurements") == []
    later(2)
    pull(name)
    assert gone(name) == [removed.id]


@pytest.mark.parametrize("hidden", [False, True])
def test_one_of_many_that_are_gone_is_listed_again(pull, sandbox, gone, later, ids, hidden):
    """Each update asks for the last hundred, and for the others if too many items are listed, or one was on a page."""
    sandbox.produce(150)
    pull("runs")
    sandbox.runs.sort(key=lambda run: run.created_at)
    lost = sandbox.runs[20:160]
    del sandbox.runs[20:160]
    pull("runs", full=True)
    later(2)
    before = len(sandbox.requests)
    pull("runs")
    assert len(sandbox.requests) - before == 4
    asked = {key for request in sandbox.requests[before:] for key in request.query.getall("ids", [])}
    back = next(run for run in lost if run.id not in asked)
    removed = sandbox.runs.pop(3)
    sandbox.runs.append(back)
    if not hidden:
        sandbox.runs.append(removed)
    pull("runs")
    assert gone("runs") == ids({*lost} - {back})
    for _ in range(2):
        pull("runs")
        later(2)
    assert (removed.id in gone("runs")) == hidden


def test_many_that_are_gone_are_all_listed_again(pull, sandbox, gone):
    """More than a page has. One update asks for all of them, a hundred at a time."""
    sandbox.produce(400)
    pull("runs")
    sandbox.runs.sort(key=lambda run: run.created_at)
    lost = sandbox.runs[20:400]
    del sandbox.runs[20:400]
    pull("runs", full=True)
    assert len(gone("runs")) == len(lost)
    sandbox.runs += lost
    before = len(sandbox.requests)
    pull("runs")
    assert gone("runs") == []
    assert len(sandbox.requests) - before == 7
    assert pull("runs")["runs"].doubt is None


def test_a_run_that_is_on_a_page_is_not_marked_although_a_replica_does_not_list_it_yet(
    have, pull, sandbox, gone, later
):
    """It is listed again since a short time. The replica is asked for its ID and for its key."""
    have("runs")
    run = sandbox.runs.pop(3)
    pull("runs")
    later(2)
    sandbox.runs.insert(3, run)
    sandbox.faults.on(lambda request: "ids" in request.query).next(
        faults.json({"data": [], "meta": {"has_more": False}})
    )
    sandbox.faults.on(lambda request: request.path.endswith(run.id)).next(faults.status(404))
    pull("runs")
    assert gone("runs") == []


def test_what_became_visible_late_is_stored_and_hides_no_removal(pull, sandbox, gone, later, mirrored, ids):
    """If it is on one of the pages, with what it wrote. The last page has some of the newest items."""
    sandbox.runs.sort(key=lambda run: run.created_at)
    late = sandbox.runs.pop(-8)
    pull("runs", "phases")
    sandbox.runs.append(late)
    removed = sandbox.runs.pop(3)
    assert pull("runs")["runs"].new == 1
    assert mirrored("runs") == ids([*sandbox.runs, removed])
    assert mirrored("phases") == ids(phase for phase in sandbox.phases if phase.run_id in mirrored("runs"))
    for _ in range(2):
        pull("runs")
        later(2)
    assert gone("runs") == [removed.id]


def test_a_run_that_a_filter_leaves_out_for_a_time_hides_no_removal(pull, sandbox, gone, later):
    """It is not looked for by itself before a week has passed, and is listed again before."""
    filters = {"outcomes": ["PASS"]}
    pull("runs", filters=filters)
    _, at, removed, *_ = (at for at, run in enumerate(sandbox.runs) if run.outcome == "PASS")
    kept = sandbox.runs[at]
    sandbox.runs[at] = evolve(kept, outcome="FAIL")
    for _ in range(2):
        pull("runs", filters=filters)
        later(2)
    sandbox.runs[at] = kept
    run = sandbox.runs.pop(removed)
    for _ in range(2):
        pull("runs", filters=filters)
        later(2)
    assert gone("runs") == [run.id]


def drop_column(path, table, column):
    """Drop a column, which the next update adds again, and the views, which would fail with it."""
    with duckdb.connect(path) as line:
        line.execute(f"DROP SCHEMA tofupilot CASCADE; ALTER TABLE {table} DROP COLUMN {column}")


@pytest.mark.parametrize(("name", "key"), [("units", "serial_number"), ("batches", "number")])
def test_a_missed_item_of_which_the_key_is_not_known(pull, sandbox, gone, later, tmp_path, name, key):
    """Somebody dropped its column, and an item that is not listed is not read again."""
    pull(name)
    removed = getattr(sandbox, name).pop(1)
    pull(name)
    drop_column(tmp_path / "line.duckdb", name, key)
    for _ in range(2):
        later(2)
        assert pull(name)[name].doubt is None
    assert gone(name) == [removed.id]


def test_a_removed_run_of_which_the_procedure_is_not_known(pull, sandbox, gone, later, tmp_path):
    """It is one of the latest. What it wrote cannot be requested without the procedure, and is gone with it."""
    pull("runs", "phases")
    removed = max(sandbox.runs, key=lambda run: run.created_at)
    sandbox.runs.remove(removed)
    drop_column(tmp_path / "line.duckdb", "runs", "procedure__id")
    pull("runs", "phases")
    for _ in range(2):
        later(2)
        pull("runs", "phases")
    assert gone("runs") == [removed.id]
    assert gone("phases") == sorted(phase.id for phase in sandbox.phases if phase.run_id == removed.id)


@pytest.mark.parametrize("name", ["runs", "units", "batches"])
def test_a_removed_item_of_which_the_creation_is_not_known(pull, sandbox, gone, later, tmp_path, name):
    """Somebody dropped the column. Then only an update that reads everything again finds it."""
    pull(name, "phases")
    removed = getattr(sandbox, name).pop(1)
    drop_column(tmp_path / "line.duckdb", name, "created_at")
    for _ in range(2):
        assert pull(name)[name].doubt is None
        later(2)
    assert gone(name) == []
    assert pull(name, "phases", full=True)[name].gone == 1
    assert gone(name) == [removed.id]
    assert bool(gone("phases")) == (name == "runs")


def test_what_a_run_wrote_that_was_removed_before_its_row_was_stored(pull, sandbox, gone):
    """What runs wrote is read before the runs count as read. An update that failed in between has stored it."""
    sandbox.faults.on(lambda request: request.path.endswith("/phases")).next(faults.status(400))
    with pytest.raises(BadRequestError):
        pull("runs", "measurements", "phases")
    run = sandbox.runs.pop(3)
    pull("runs", "measurements", "phases", full=True)
    assert gone("measurements") == sorted(each.id for each in sandbox.measurements if each.run_id == run.id)


def test_what_a_run_wrote_comes_back_with_it_although_a_replica_does_not_list_it_yet(pull, sandbox, gone, later):
    """Later updates ask for what the latest runs wrote, and this run is older."""
    pull("runs", "phases")
    sandbox.runs.sort(key=lambda run: run.created_at)
    run = sandbox.runs.pop(3)
    for _ in range(2):
        pull("runs", "phases")
        later(2)
    assert gone("runs") == [run.id]
    assert gone("phases")
    sandbox.runs.insert(3, run)
    of_run = sandbox.faults.on(
        lambda request: request.path.endswith("/phases") and run.id in request.query.getall("ids", [])
    )
    of_run.next(faults.json({"data": [], "meta": {"has_more": False}}))
    pull("runs", "phases")
    assert gone("runs") == gone("phases") == []


@pytest.mark.parametrize("are_gone", [False, True])
def test_what_the_runs_of_a_removed_procedure_wrote_is_not_found(pull, sandbox, gone, later, ids, are_gone):
    """The latest runs are asked for again. The update goes on, unless the server lists them."""
    pull("runs", "phases")
    removed = max(sandbox.runs, key=lambda run: run.created_at).procedure.id
    sandbox.faults.on(lambda request: request.query.get("procedure_id") == removed).always(faults.status(404))
    if not are_gone:
        with pytest.raises(NotFoundError, match="no /api/v2/phases"):
            pull("runs", "phases")
        return
    lost = [run for run in sandbox.runs if run.procedure.id == removed]
    sandbox.runs[:] = [run for run in sandbox.runs if run.procedure.id != removed]
    for _ in range(2):
        assert pull("runs", "phases")["runs"].doubt is None
        later(2)
    assert gone("runs") == ids(lost)
    before = len(sandbox.requests)
    pull("runs", "phases")
    assert not any(removed in request.query.getall("procedure_id", []) for request in sandbox.requests[before:])
    assert pull("runs", "phases", full=True)["runs"].gone == 0


def test_the_runs_of_a_removed_procedure_are_of_another_one_now(pull, sandbox, gone):
    """The update goes on. One that reads these runs again finds what they wrote."""
    pull("runs", "phases")
    newest = max(sandbox.runs, key=lambda run: run.created_at)
    removed, other = (
        newest.procedure,
        next(run.procedure for run in sandbox.runs if run.procedure.id != newest.procedure.id),
    )
    sandbox.faults.on(lambda request: request.query.get("procedure_id") == removed.id).always(faults.status(404))
    sandbox.runs[:] = [evolve(run, procedure=other) if run.procedure.id == removed.id else run for run in sandbox.runs]
    for options in ({}, {"again": timedelta(days=9000)}):
        assert pull("runs", "phases", **options)["runs"].doubt is None
        assert gone("runs") == gone("phases") == []


def test_a_unit_that_no_address_can_hold(pull, sandbox, gone, later):
    """It is gone if the listing has not got its ID, whatever the filters are."""
    sandbox.units[3] = unit = evolve(sandbox.units[3], serial_number="..")
    filters = {"serial_numbers": ["..", sandbox.units[4].serial_number]}
    pull("units", filters=filters)
    sandbox.units[3] = evolve(unit, serial_number="changed")
    for _ in range(2):
        pull("units", filters=filters)
        later(2)
    assert gone("units") == []
    del sandbox.units[3]
    later(WEEK + 2)
    pull("units", filters=filters)
    assert gone("units") == [unit.id]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (
            faults.json({"data": [to_wire(make_run())], "meta": {"has_more": False}}),
            "the server does not select by ID",
        ),
        (faults.status(400, message="ids"), "400 BAD_REQUEST: ids"),
    ],
    ids=["others", "refused"],
)
def test_a_server_that_does_not_select_by_id_is_a_doubt(have, pull, sandbox, gone, later, fault, why):
    """Nothing tells then whether a row is listed."""
    have("runs")
    sandbox.runs.pop(3)
    pull("runs")
    later(2)
    sandbox.faults.on(lambda request: "ids" in request.query).always(fault)
    assert pull("runs")["runs"].doubt == f"the search for runs that are gone was not finished: {why}"
    assert gone("runs") == []


def test_more_than_the_bound(pull, sandbox, gone, later):
    """The result says so, and nothing is marked."""
    sandbox.produce(AT_MOST)
    pull("runs")
    del sandbox.runs[5 : 5 + AT_MOST + 1]
    for _ in range(2):
        later(2)
        assert pull("runs")["runs"].doubt == (f"more than {AT_MOST} runs are gone, or the mirror lacks that many")
    assert gone("runs") == []
    assert pull("runs", full=True)["runs"].gone == AT_MOST + 1
    later(2)
    assert pull("runs")["runs"].doubt is None


def test_an_item_that_cannot_be_read_is_a_doubt(have, pull, sandbox, gone, later):
    """Where it is among those that have to be seen. What was missed before stays noted."""
    have("runs")
    sandbox.runs.sort(key=lambda run: run.created_at, reverse=True)
    run = sandbox.runs.pop(3)
    pull("runs")
    sandbox.faults.always(faults.unreadable(sandbox.runs[20].id))
    later(2)
    (came,) = pull("runs", retry=None).values()
    assert came.doubt.startswith("the search for runs that are gone was not finished: ")
    sandbox.faults.clear()
    assert pull("runs")["runs"].gone == 1
    assert gone("runs") == [run.id]


def test_nothing_is_looked_for_where_something_new_cannot_be_read(have, pull, sandbox, gone, later):
    have("runs")
    sandbox.runs.pop(3)
    sandbox.produce(1)
    newest = max(sandbox.runs, key=lambda run: run.created_at)
    sandbox.faults.always(faults.unreadable(newest.id))
    for _ in range(2):
        later(2)
        assert pull("runs", on_unreadable="skip", retry=None)["runs"].unreadable == 1
    assert gone("runs") == []


@pytest.mark.parametrize("seed", range(4 if NIGHTLY else 1))
def test_while_the_line_goes_on(have, pull, sandbox, gone, later, query, seed):
    """Runs are made and removed with each request. Nothing that is listed is gone, and at last all that is gone is."""
    have("runs")
    busy = BusyLine(runs=1.0, run_removals=0.7, seed=seed)
    sandbox.before_response.append(busy)
    for _ in range(4):
        later(1)
        pull("runs")
        assert {*gone("runs")} <= {run.id for run in busy.removed_runs}
    sandbox.before_response.remove(busy)
    for _ in range(2):
        later(1)
        assert pull("runs")["runs"].doubt is None
    stored = {key for (key,) in query("SELECT id FROM runs")}
    assert {*gone("runs")} == stored - {run.id for run in sandbox.runs}
    assert gone("runs")


DOUBT = "the search for runs that are gone was not finished"


@pytest.mark.parametrize(("status", "doubt"), [(500, DOUBT), (403, "403")])
def test_a_look_between_two_times_that_fails_is_a_doubt(have, pull, sandbox, gone, status, doubt):
    have("runs")
    sandbox.runs.pop(1)
    sandbox.faults.on(lambda request: "created_before" in request.query).always(faults.status(status))
    assert doubt in pull("runs", retry=None)["runs"].doubt
    sandbox.faults.clear()
    assert pull("runs")["runs"].doubt is None
    assert gone("runs") == []


class Listing:
    """Some items, of which some are removed, as a page has them. It computes each of them when it is asked for."""

    def __init__(self, times, removed=(), *, largest=100):
        self.times, self.removed, self.largest = times, sorted(removed), largest
        self.requests = 0

    def at(self, cursor):
        """Return which item is at a cursor. So many of those before it are removed as stand before it."""
        low, high = cursor, cursor + len(self.removed)
        while low < high:
            middle = (low + high) // 2
            if middle - bisect_right(self.removed, middle) < cursor:
                low = middle + 1
            else:
                high = middle
        return low

    def shown(self, cursor, limit):
        length = len(self.times) - len(self.removed)
        return [self.at(place) for place in range(cursor, min(cursor + min(limit, self.largest), length))]

    async def between(self, earliest, latest):
        """Walk through what was created in some time, page after page."""
        length = len(self.times) - len(self.removed)
        first, last = (at(self.times, time) for at, time in ((bisect_left, earliest), (bisect_right, latest)))
        first, last = (place - bisect_left(self.removed, place) for place in (first, last))
        self.requests += max(1, -(-(last - first) // self.largest))
        return {str(self.at(place)) for place in range(first, min(last, length))}

    async def fetch(self, cursor, limit):
        self.requests += 1
        items = self.shown(cursor, limit)
        data = [
            SimpleNamespace(id=str(item), created_at=EPOCH + timedelta(microseconds=self.times[item])) for item in items
        ]
        end = cursor + len(items)
        has_more = end < len(self.times) - len(self.removed)
        return Page(data=data, meta=PageMeta(has_more, end if has_more else None), cursor=cursor)


def missed(found, times):
    """Return which items the parts that were found lack."""
    return {
        item
        for first, last, listed in found
        for item in range(len(times))
        if first <= times[item] <= last and str(item) not in listed
    }


async def test_a_mirror_of_a_million_runs():
    """None gone takes at most 3 requests, one 25, ten 150, with the second look at all of them and a `get` for each."""
    times = range(0, MILLION * 1000, 1000)
    for number, at_most, in_all in ((0, 1, 3), (1, 17, 25), (10, 125, 150), (AT_MOST, 500, 650)):
        for seed in range(3 if NIGHTLY else 1):
            removed = Random(seed).sample(range(MILLION), number)  # noqa: S311 - picks items
            listing = Listing(times, removed)
            found = await Removals("runs", listing.fetch, listing.between, times).missing()
            assert listing.requests <= at_most
            for first, last, listed in found:
                assert {item for item in removed if first <= times[item] <= last}.isdisjoint(map(int, listed))
            assert sum((last - first) // 1000 + 1 - len([*listed]) for first, last, listed in found) <= number
            span = {item for first, last, _ in found for item in range(first // 1000, last // 1000 + 1)}
            assert {*removed} <= span
            gone = {*removed}
            again = Removals(
                "runs", listing.fetch, listing.between, [time for time in times if time // 1000 not in gone]
            )
            assert await again.missing() == []
            assert listing.requests + bool(number) + number <= in_all


TIMES = st.lists(st.integers(0, 8), min_size=1, max_size=300).map(
    lambda steps: [1000 * sum(steps[:at]) for at in range(1, len(steps) + 1)]
)
"""Times in order, many of which are the same."""


class Shuffled(Listing):
    """A listing whose items of one time are in another order at each request."""

    def shown(self, cursor, limit):
        random = Random(self.requests)  # noqa: S311 - an order
        order = sorted(range(len(self.times)), key=lambda item: (self.times[item], random.random()))
        left = [item for item in order if item not in self.removed]
        return left[cursor : cursor + min(limit, self.largest)]


@pytest.mark.parametrize("kind", [Listing, Shuffled])
@settings(max_examples=25 * MANY)
@given(times=TIMES, data=st.data(), largest=st.sampled_from([7, 100]))
async def test_a_listing_that_stands_still_is_searched_exactly(kind, times, data, largest):
    """Whatever items are alike, in whatever order, and however few fit on a page."""
    removed = data.draw(st.sets(st.integers(0, len(times) - 1), max_size=AT_MOST))
    listing = kind(times, removed, largest=largest)
    search = Removals("runs", listing.fetch, listing.between, times)
    assert missed(await search.missing(), times) == removed
    assert search.fault is None


async def test_what_a_walk_does_not_show_whole_shows_nothing():
    """Its items may be more than a page that nothing tells apart. One that is listed would be missed."""
    times = [*range(0, 200_000, 1000)] + [200_000] * 200

    async def between(earliest, latest):
        return None

    search = Removals("runs", Listing(times, {250}).fetch, between, times)
    assert await search.missing() == []
    assert search.fault == "runs that are gone: 1; and the remaining pages contradict each other"


class Moving(Listing):
    """A listing of which something is removed or becomes visible after some requests."""

    def __init__(self, times, hidden, changes):
        super().__init__(times, hidden)
        self.changes = changes
        self.unlisted = {*hidden}
        """What was not listed at least once."""

    async def fetch(self, cursor, limit):
        page = await super().fetch(cursor, limit)
        self.change()
        return page

    async def between(self, earliest, latest):
        listed = await super().between(earliest, latest)
        self.change()
        return listed

    def change(self):
        for item in self.changes.pop(self.requests, ()):
            self.removed = sorted({*self.removed} ^ {item})
            self.unlisted.add(item)


@settings(max_examples=25 * MANY)
@given(times=TIMES, data=st.data())
async def test_nothing_is_missed_that_was_listed_all_the_time(times, data):
    """Others are removed and become visible meanwhile, and some that the mirror lacks are listed."""
    items = st.integers(0, len(times) - 1)
    hidden, unknown = data.draw(st.sets(items, max_size=9)), data.draw(st.sets(items, max_size=9))
    listing = Moving(times, hidden, data.draw(st.dictionaries(st.integers(1, 12), st.sets(items, max_size=3))))
    known = [item for item in range(len(times)) if item not in unknown]
    search = Removals("runs", listing.fetch, listing.between, [times[item] for item in known])
    found = await search.missing()
    assert missed(found, times) - unknown <= listing.unlisted


@pytest.mark.parametrize("later", [range(200), range(999)], ids=str)
async def test_pages_that_contradict_one_another_show_nothing(later):
    """After the first page, many are removed."""
    times = range(100_000, 1_100_000, 1000)
    first, second = Listing(times, [500]), Listing(times, later)

    async def fetch(cursor, limit):
        listing = second if first.requests else first
        return await listing.fetch(cursor, limit)

    search = Removals("runs", fetch, second.between, times)
    found = await search.missing()
    assert missed(found, times) <= {*later}
    assert search.fault.endswith("contradict each other")
    assert second.requests


async def test_items_that_the_mirror_lacks_do_not_hide_what_is_gone_elsewhere():
    """If more are gone than it lacks. It may have left some out, for good."""
    times = range(0, 1_000_000, 1000)
    lacking = {*range(100, 109)}
    listing = Listing(times, range(700, 710))
    known = [time for time in times if time // 1000 not in lacking]
    search = Removals("runs", listing.fetch, listing.between, known)
    assert missed(await search.missing(), times) == {*range(700, 710)}
    assert search.fault is None
    assert search.has_more_items


async def test_many_that_are_as_old_as_each_other():
    """Some pages of them are read, and not very many."""
    few, many = [5] * 400, [5] * 1001
    listing = Listing(few, [7, 300])
    search = Removals("runs", listing.fetch, listing.between, few)
    assert missed(await search.missing(), few) == {7, 300}
    listing = Listing(many, [7])
    search = Removals("runs", listing.fetch, listing.between, many)
    assert await search.missing() == []
    assert search.fault == "runs that are gone: 1 of 1001 with the same time"


async def test_cursors_that_are_not_offsets_are_refused():
    times = range(0, 900_000, 1000)

    async def fetch(cursor, limit):
        page = await Listing(times).fetch(cursor, limit)
        return evolve(page, meta=PageMeta(has_more=True, next_cursor=cursor + 1))

    with pytest.raises(DriftError):
        await Removals("runs", fetch, Listing(times).between, times).missing()
