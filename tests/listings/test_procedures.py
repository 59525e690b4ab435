"""The query of a listing: what is sent for its arguments, and what the call refuses."""

from datetime import datetime, timedelta, timezone
from enum import Enum
from urllib.parse import parse_qsl

import pytest
from fakes.listings import Connection
from hypothesis import given, strategies as st

from aiotofupilot import Checkpoint
from aiotofupilot.listings import Procedures

MOMENT = datetime(2024, 1, 1, 12, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))


async def query(**arguments):
    """The query that a listing is asked for with, decoded."""
    connection = Connection()
    assert (await Procedures(connection).list(**arguments)).data == []
    (target,) = connection.targets
    path, _, encoded = target.partition("?")
    assert path == "/v2/procedures"
    return dict(parse_qsl(encoded, keep_blank_values=True, strict_parsing=True))


def refused(error, **arguments):
    """The message of a call that refuses its arguments. Nothing was sent."""
    connection = Connection()
    with pytest.raises(error) as caught:
        Procedures(connection).list(**arguments)
    assert type(caught.value) is error
    assert connection.targets == []
    return str(caught.value)


async def test_without_arguments_full_pages_are_asked_for():
    """A hundred procedures each, which is the most there is."""
    assert await query() == {"limit": "100"}


async def test_the_documentations_example_is_sent_word_for_word():
    """The query is the one in the API's own documentation."""
    assert await query(
        limit=20,
        cursor=50,
        search_query="battery test",
        created_after=datetime.fromisoformat("2024-01-01T00:00:00.000Z"),
        created_before=datetime.fromisoformat("2024-12-31T23:59:59.999Z"),
    ) == {
        "limit": "20",
        "cursor": "50",
        "search_query": "battery test",
        "created_after": "2024-01-01T00:00:00.000Z",
        "created_before": "2024-12-31T23:59:59.999Z",
    }


async def test_moments_are_sent_in_utc_and_lose_nothing():
    """A fraction of a millisecond makes the range wider and not narrower."""
    assert (await query(created_after=MOMENT))["created_after"] == "2024-01-01T10:00:00.123Z"
    assert (await query(created_before=MOMENT))["created_before"] == "2024-01-01T10:00:00.124Z"
    assert await query(created_after=MOMENT, created_before=MOMENT)


@pytest.mark.parametrize("limit", [1, 100])
async def test_limit_is_sent_within_its_bounds(limit):
    """Both bounds are included."""
    assert (await query(limit=limit))["limit"] == str(limit)


@pytest.mark.parametrize("cursor", [0, Checkpoint(), None])
async def test_the_beginning_needs_no_cursor(cursor):
    assert "cursor" not in await query(cursor=cursor)


@pytest.mark.parametrize("cursor", [7, Checkpoint(7)])
async def test_a_cursor_is_sent_as_an_integer(cursor):
    """The cursor of a checkpoint is sent as an integer too."""
    assert (await query(cursor=cursor))["cursor"] == "7"


class Line(str, Enum):  # noqa: UP042 - a StrEnum prints its value, and that is not what is tested
    BATTERY = "battery"


class Cursor(int, Enum):
    SEVEN = 7


@pytest.mark.parametrize("cursor", [Cursor.SEVEN, Checkpoint(Cursor.SEVEN)])
async def test_a_member_of_an_enumeration_is_sent_as_its_value(cursor):
    """Its own text is the name of the class and the member."""
    sent = await query(search_query=Line.BATTERY, cursor=cursor)
    assert sent == {"limit": "100", "search_query": "battery", "cursor": "7"}


@given(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=100))
async def test_any_search_up_to_100_characters_is_sent_as_it_is(text):
    """The server decides what it finds."""
    assert (await query(search_query=text))["search_query"] == text


async def test_a_search_is_measured_as_the_server_measures_it():
    """JavaScript counts an emoji as two."""
    assert await query(search_query="🔋" * 50)
    assert refused(ValueError, search_query="🔋" * 51) == "search_query must have at most 100 characters, got 102"


def test_an_argument_out_of_bounds_is_a_value_error():
    """It names the parameter, its bound and the value, at the call."""
    for arguments, message in [
        ({"limit": 0}, "limit must be between 1 and 100, got 0"),
        ({"limit": 101}, "limit must be between 1 and 100, got 101"),
        ({"cursor": -1}, "cursor must be between 0 and 9007199254740991, got -1"),
        ({"max_items": -1}, "max_items must be at least 0, got -1"),
        ({"concurrency": 0}, "concurrency must be at least 1, got 0"),
        ({"on_drift": "fix"}, "on_drift must be one of 'ignore', 'resync', 'raise', got 'fix'"),
        ({"search_query": "x" * 101}, "search_query must have at most 100 characters, got 101"),
        (
            {"search_query": "\ud83d"},
            "search_query has half a surrogate pair and cannot be sent, got '\\ud83d'",
        ),
        (
            {"created_after": datetime(2024, 1, 1)},  # noqa: DTZ001 - that is what is refused
            "created_after must be timezone-aware, got datetime.datetime(2024, 1, 1, 0, 0)",
        ),
        (
            {"created_after": MOMENT, "created_before": MOMENT - timedelta(microseconds=1)},
            (
                "created_after must not be later than created_before, got 2024-01-01 12:00:00.123456+02:00 and "
                "2024-01-01 12:00:00.123455+02:00"
            ),
        ),
    ]:
        assert refused(ValueError, **arguments) == message


def test_an_argument_of_the_wrong_type_is_a_type_error():
    """It names the parameter and the value, at the call."""
    for arguments, message in [
        ({"limit": "20"}, "limit must be an integer, got '20'"),
        ({"limit": None}, "limit must be an integer, got None"),
        ({"cursor": 50.0}, "cursor must be an integer, got 50.0"),
        ({"cursor": "50"}, "cursor must be an integer or a Checkpoint, got '50': use Checkpoint.parse()"),
        ({"max_items": True}, "max_items must be an integer, got True"),
        ({"concurrency": 1.5}, "concurrency must be an integer, got 1.5"),
        ({"search_query": b"battery"}, "search_query must be a string, got b'battery'"),
        (
            {"created_after": "2024-01-01T00:00:00Z"},
            "created_after must be a datetime or None, got '2024-01-01T00:00:00Z'",
        ),
        ({"created_before": 1704067200}, "created_before must be a datetime or None, got 1704067200"),
    ]:
        assert refused(TypeError, **arguments) == message


def test_listings_take_arguments_by_name_only():
    """So a reader of the call can tell them apart."""
    with pytest.raises(TypeError, match="positional argument"):
        Procedures(Connection()).list(20)


@pytest.mark.parametrize(("given_number", "expected"), [(None, 3), (5, 5), (1, 1)])
def test_a_listing_has_the_sessions_concurrency_unless_it_names_its_own(given_number, expected):
    """None is the session's."""
    assert Procedures(Connection(concurrency=3)).list(concurrency=given_number)._plan.concurrency == expected


async def test_a_listing_sends_nothing_by_itself():
    """Each use of it asks anew."""
    connection = Connection()
    listing = Procedures(connection).list(limit=10)
    assert connection.targets == []
    await listing
    assert await listing.collect() == []
    assert connection.targets == ["/v2/procedures?limit=10"] * 2
