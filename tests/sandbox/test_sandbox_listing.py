"""The listing as a pure function."""

import json
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from aiotofupilot.models import Procedure
from aiotofupilot.sandbox import Listing, make_procedures
from aiotofupilot.sandbox.paging import capped, offsets

KEY = "Bearer k"


@pytest.fixture
def listing():
    return Listing(make_procedures(250), api_key="k", station_key="s")


def ask(listing, **query):
    status, body = listing.answer(query, KEY)
    assert status == 200
    return json.loads(body)


def ids(listing, **query):
    return [item["id"] for item in ask(listing, **query)["data"]]


def test_pages_joined_are_the_listing(listing):
    """Following next_cursor to the end gives every procedure once, in order."""
    seen, cursor = [], 0
    while cursor is not None:
        page = ask(listing, cursor=str(cursor), limit="60")
        seen += [item["id"] for item in page["data"]]
        cursor = page["meta"]["next_cursor"]
        assert page["meta"]["has_more"] is (cursor is not None)
    assert seen == [procedure.id for procedure in listing.procedures]


def test_page_that_ends_with_the_listing(listing):
    """A full last page says that nothing follows; past it, pages are empty."""
    nothing = {"has_more": False, "next_cursor": None}
    assert ask(listing, cursor="200", limit="50")["meta"] == nothing
    assert ask(listing, cursor="250") == {"data": [], "meta": nothing}


def test_the_next_answer_shows_a_change_of_the_list(listing):
    first, second, third = listing.procedures[:3]
    listing.procedures.remove(second)
    assert ids(listing, limit="2") == [first.id, third.id]
    listing.procedures.insert(0, second)
    assert ids(listing, limit="2") == [second.id, first.id]
    listing.procedures[0] = attrs.evolve(second, name="renamed")
    assert ask(listing, limit="1")["data"][0]["name"] == "renamed"


def test_search_by_name_ignores_case(listing):
    """The name contains the query, in any case, and the listing's order stays."""
    expected = [p.id for p in listing.procedures if "BATTERY" in p.name.upper()]
    assert len(expected) > 1
    assert ids(listing, search_query="bAtTeRy", limit="100") == expected


def test_search_by_id_from_six_characters(listing):
    """The id counts from 6 characters of the query on, in any case."""
    wanted = listing.procedures[123]
    assert ids(listing, search_query=wanted.id[:6].upper()) == [wanted.id]
    assert ids(listing, search_query=wanted.id) == [wanted.id]
    assert ids(listing, search_query=wanted.id[:5]) == []


def test_empty_search_is_none(listing):
    """An empty query filters nothing."""
    assert ids(listing, search_query="") == ids(listing)


def test_bounds_of_creation_are_included(listing):
    """created_after and created_before include the moment that the wire shows, whatever its microseconds."""
    moment = datetime(2024, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    microseconds = [-1, 0, 999, 1000]
    listing.procedures[:] = [Procedure(str(n), "n", moment + timedelta(microseconds=n)) for n in microseconds]
    assert ids(listing, created_after="2024-01-01T12:00:00.250Z") == ["0", "999", "1000"]
    assert ids(listing, created_before="2024-01-01T12:00:00.250Z") == ["-1", "0", "999"]
    assert ids(listing, created_after="2024-01-01T12:00:00.250Z", created_before="2024-01-01T12:00:00.250Z") == [
        "0",
        "999",
    ]


def test_bounds_at_the_ends_of_time(listing):
    """The first and last moments that can be written are fine."""
    assert len(ids(listing, created_after="0000-01-01T00:00:00+23:59", limit="100")) == 100
    assert len(ids(listing, created_before="9999-12-31T23:59:59.999-23:59", limit="100")) == 100
    assert ids(listing, created_before="0001-01-01T00:00:00+23:59") == []


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(None, 401), ("", 401), ("k", 401), ("Bearer ", 401), ("Bearer K", 401), ("Basic k", 401), ("Bearer s", 403)],
)
def test_only_the_key_of_a_user_may_list(listing, authorization, status):
    assert listing.answer({}, authorization).status == status
    assert listing.answer({"limit": "0"}, authorization).status == status


def test_page_before_it_is_written(listing):
    """An answer is the written form of a page."""
    page = listing.page({"limit": "2"}, KEY)
    assert page.data == listing.procedures[:2]
    assert listing.write(page) == listing.answer({"limit": "2"}, KEY)
    assert (listing.api_key, listing.station_key, listing.paging) == ("k", "s", offsets)


def test_the_paging_can_be_set_at_any_time(listing):
    listing.paging = capped(7)
    assert ask(listing)["meta"]["next_cursor"] == 7
    assert len(ids(Listing(listing.procedures, api_key="k", station_key="s", paging=capped(3)))) == 3
