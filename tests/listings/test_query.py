"""A query is spelled as its listing wants it, and can be narrowed to some of its items."""

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import fields_dict
from fakes.listings import LISTINGS, Connection, required
from fakes.wire_listings import ENDPOINTS, MODELS

from aiotofupilot.errors import DecodeError
from aiotofupilot.listings import Users
from aiotofupilot.listings._items import time_in
from aiotofupilot.listings._query import Query
from aiotofupilot.models import Page, PageMeta, RawItem
from aiotofupilot.stats import RequestCounts
from aiotofupilot.testing import make_phase, make_run

EVERY = pytest.mark.parametrize("name", LISTINGS)
NOW = datetime(2026, 2, 1, 12, 30, 15, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)
HALF_PAST = datetime(2026, 2, 1, 12, 30, tzinfo=UTC)
IN_PARIS = "2026-02-01T13:30:00.000+01:00"


async def sent(query):
    """Return the parameters that are sent for the first page of a query."""
    connection = query.listing.connection
    connection.targets.clear()
    await query.fetch(0, 7, RequestCounts())
    return [parse_qsl(urlsplit(target).query) for target in connection.targets]


def query(name, *pairs):
    listing = LISTINGS[name](Connection())
    return Query(listing, pairs, listing.decode)


CREATION = {
    "procedures": ("created_at", "created", None),
    "runs": ("created_at", "created", "created_at"),
    "units": ("created_at", "created", "created_at"),
    "parts": ("created_at", None, "created_at"),
    "batches": ("created_at", "created", "created_at"),
    "stations": (None, None, None),
    "deployments": ("deployed_at", "deployed", None),
    "logs": ("created_at", "timestamp", "created_at"),
    "measurements": (None, None, "started_at"),
    "phases": (None, None, "started_at"),
}


@EVERY
def test_what_a_listing_knows_of_creation_is_what_the_api_has(name):
    """The filter, the field and the order look at the same moment."""
    listing, parameters = LISTINGS[name], ENDPOINTS[name]["params"]
    assert (listing.creation_field, listing.creation_filter, listing.oldest_first) == CREATION[name]
    if listing.creation_field:
        assert fields_dict(MODELS[name])[listing.creation_field].type is datetime
    if listing.creation_filter:
        assert {f"{listing.creation_filter}_after", f"{listing.creation_filter}_before"} <= parameters.keys()
    if listing.oldest_first:
        assert listing.oldest_first in parameters["sort_by"]["enum"]
        assert listing.oldest_first in listing.stable_orders


@EVERY
def test_listings_of_what_runs_wrote_are_listed_by_run(name):
    runs = {"logs": "run_ids", "measurements": "ids", "phases": "ids"}.get(name)
    by_run = LISTINGS[name].by_run
    assert (by_run and by_run.run_ids) == runs
    assert runs is None or ENDPOINTS[name]["params"][runs]["type"] == "array"


@EVERY
async def test_what_was_created_at_a_time_or_later_is_asked_for_inclusively(name):
    """Rounding leaves no item out."""
    if CREATION[name][1] is None:
        with pytest.raises(ValueError, match=f"{name} have no filter on their creation"):
            query(name).narrowed(after=NOW)
        return
    narrowed = query(name, ("search_query", "x")).narrowed(after=NOW - HOUR)
    assert await sent(narrowed) == [
        [
            ("limit", "7"),
            ("search_query", "x"),
            (f"{CREATION[name][1]}_after", "2026-02-01T11:30:15.122Z"),
        ]
    ]


async def test_the_narrower_bound_counts():
    """It may be the bound of the query or the other one."""
    own = query("runs", ("created_after", "2026-02-01T09:00:00.000Z"), ("created_before", "2026-02-01T20:00:00.000Z"))
    (wide,) = await sent(own.narrowed(after=NOW - 9 * HOUR))
    assert sorted(wide) == sorted([("limit", "7"), *own.pairs])
    (narrow,) = await sent(own.narrowed(after=NOW))
    assert narrow[1:] == [
        ("created_before", "2026-02-01T20:00:00.000Z"),
        ("created_after", "2026-02-01T12:30:15.122Z"),
    ]
    tokyo = timezone(9 * HOUR)
    (same,) = await sent(own.narrowed(after=NOW.astimezone(tokyo)).narrowed(after=NOW - HOUR))
    assert same[-1] == narrow[-1]


@EVERY
@pytest.mark.parametrize("first", ["asc", "desc"])
async def test_the_oldest_or_the_newest_come_first_where_the_api_sorts(name, first):
    """This replaces the query's own order."""
    order = CREATION[name][2]
    own = query(name, ("sort_by", "outcome"), ("search_query", "x"), ("sort_order", "desc"))
    if order is None:
        with pytest.raises(ValueError, match=f"{name} cannot be asked for the oldest first"):
            own.narrowed(order=first)
    else:
        (pairs,) = await sent(own.narrowed(order=first))
        assert pairs[1:] == [("search_query", "x"), ("sort_by", order), ("sort_order", first)]


@EVERY
async def test_what_some_runs_wrote_is_asked_for_where_the_api_can_be(name):
    by_run = LISTINGS[name].by_run
    if by_run is None:
        with pytest.raises(ValueError, match=f"{name} are not listed by run"):
            query(name).narrowed(run_ids=["a"])
    else:
        parameter = by_run.run_ids
        own = query(name, (parameter, "a"), (parameter, "b"), ("exclude_retries", "false"))
        (pairs,) = await sent(own.narrowed(run_ids=iter(["b", "c"])))
        assert pairs[1:] == [("exclude_retries", "false"), (parameter, "b"), (parameter, "c")]
        assert own.narrowed(run_ids=()).pairs == own.pairs


@EVERY
async def test_a_procedure_is_named_where_the_api_wants_it(name):
    """Unless the query names one."""
    run = make_run()
    by_run = LISTINGS[name].by_run
    if by_run is None or by_run.procedure_id is None:
        assert query(name).procedure_id(run) is None
        with pytest.raises(ValueError, match=f"{name} can be listed without naming a procedure"):
            query(name).narrowed(procedure_id="p")
    else:
        assert query(name).procedure_id(run) == run.procedure.id
        assert query(name, ("procedure_id", "q")).procedure_id(run) is None
        (pairs,) = await sent(query(name, ("procedure_id", "q")).narrowed(procedure_id="p"))
        assert pairs[1:] == [("procedure_id", "p")]


async def test_a_narrowed_query_without_models_stays_narrowed():
    (pairs,) = await sent(query("runs").narrowed(after=NOW).raw())
    assert pairs[1:] == [("created_after", "2026-02-01T12:30:15.122Z")]
    (pairs,) = await sent(query("runs").raw().narrowed(after=NOW))
    assert pairs[1:] == [("created_after", "2026-02-01T12:30:15.122Z")]


def test_users_tell_nothing_of_their_creation():
    assert (Users.creation_field, Users.creation_filter, Users.oldest_first, Users.by_run) == (None,) * 4


async def test_the_arguments_of_a_listing_are_the_pairs_of_its_query():
    """A narrowed query still has the filters of its user."""
    for name in LISTINGS:
        paginator = LISTINGS[name](Connection()).list(**required(name), limit=3)
        (pairs,) = await sent(paginator._source)
        assert pairs == [("limit", "7"), *required(name).items()]


class TestWhatAnItemTells:
    """An item is a model, or a dict of the server's."""

    def test_when_it_was_created(self):
        for name in ("runs", "deployments"):
            own, field = query(name), LISTINGS[name].creation_field
            item = RawItem(id="x", **{field: "2026-02-01T12:30:15.123Z"})
            assert own.created_at(item) == NOW.replace(microsecond=123_000)
        assert query("stations").created_at(RawItem(id="x")) is None

    @pytest.mark.parametrize("told", [{}, {"created_at": None}, {"created_at": 3}, {"created_at": "yesterday"}])
    def test_an_item_that_does_not_tell_when_it_was_created_is_an_error(self, told):
        with pytest.raises(DecodeError, match="created_at of 'x': expected a date-time, got ") as caught:
            query("runs").created_at(RawItem(id="x", **told))
        assert caught.value.path == "created_at"

    def test_which_run_wrote_it(self):
        assert query("phases").run_id(RawItem(id="x", run_id="r")) == "r"
        assert query("logs").run_id(RawItem(id="x", run={"id": "r"})) == "r"

    @pytest.mark.parametrize("told", [{}, {"run": None}, {"run": {}}, {"run": {"id": 3}}, {"run": "r"}])
    def test_an_item_that_does_not_tell_its_run_is_an_error(self, told):
        with pytest.raises(DecodeError, match=r"run\.id of 'x': expected a string, got ") as caught:
            query("logs").run_id(RawItem(id="x", **told))
        assert caught.value.path == "run.id"


class TestTimes:
    """A time is read alike from models, from structs and from dicts of the server's."""

    @pytest.mark.parametrize(
        "item", [make_phase(started_at=HALF_PAST), RawItem(id="x", started_at=IN_PARIS)], ids=["model", "dict"]
    )
    def test_a_time_is_aware(self, item):
        assert time_in(item, "started_at") == HALF_PAST

    @pytest.mark.parametrize("item", [RawItem(id="x"), RawItem(id="x", started_at=None)], ids=["missing", "null"])
    def test_an_item_may_lack_a_time(self, item):
        assert time_in(item, "started_at") is None

    @pytest.mark.parametrize("value", ["yesterday", "2026-02-01T13:30:00", "", 3, False, ["2026"]], ids=repr)
    def test_a_value_that_is_no_time_is_an_error_of_the_answer(self, value):
        with pytest.raises(DecodeError, match=r"^started_at of 'x': expected a date-time, got ") as caught:
            time_in(RawItem(id="x", started_at=value), "started_at")
        assert caught.value.path == "started_at"


def test_the_runs_of_a_query_are_filtered_by_what_means_the_run():
    """Filters about the items, such as their outcome, are left out."""
    own = query("phases", ("procedure_id", "p"), ("ids", "a"), ("ids", "b"), ("outcomes", "FAIL"), ("names", "x"))
    assert own.runs().pairs == (("procedure_ids", "p"), ("ids", "a"), ("ids", "b"))
    assert own.runs().listing.name == "runs"
    named = (("run_ids", "a"), ("procedure_ids", "p"), ("environments", "production"))
    own = query("logs", *named, ("levels", "INFO"), ("", "a shard that was parsed can have a parameter without a name"))
    assert own.runs().pairs == (("ids", "a"), ("procedure_ids", "p"), ("environments", "production"))
    assert query("runs").of_runs is None


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Sun, 01 Feb 2026 12:30:15 GMT", NOW.replace(microsecond=0)),
        ("Sun, 01 Feb 2026 12:30:15 -0000", NOW.replace(microsecond=0)),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_time_of_the_server_is_what_its_answer_says(date, moment):
    page = Page([], PageMeta(has_more=False), headers={} if date is None else {"Date": date})
    assert query("runs").served_at(page) == moment
