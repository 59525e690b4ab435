"""Procedures and errors as JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox.document import document, dumps, without

MOMENT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


def written(procedure):
    return json.loads(dumps(procedure))


def test_none_is_written_as_null():
    """Only the provider is left out, because older servers did not send this key."""
    procedure = Procedure("p", "n", MOMENT, UserRef("u"), Repository("r", "repo", "org/repo"))
    assert written(procedure)["created_by_user"] == {"id": "u", "name": None, "email": None}
    assert written(procedure)["linkedRepository"] == {"id": "r", "name": "repo", "fullName": "org/repo"}
    bare = written(Procedure("p", "n", MOMENT))
    assert (bare["created_by_user"], bare["linkedRepository"]) == (None, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2024, 1, 15, 12, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=2))), "2024-01-15T10:30:00.999Z"),
        (timedelta(0), "PT0S"),
        (timedelta(seconds=90.732), "PT1M30.732S"),
        (timedelta(minutes=1), "PT1M"),
        (timedelta(hours=1), "PT1H"),
        (timedelta(hours=25), "PT25H"),
        (timedelta(microseconds=1), "PT0.000001S"),
        (timedelta(seconds=10), "PT10S"),
        (timedelta(seconds=-5), "PT-5S"),
        (timedelta(seconds=-90.5), "PT-1M-30.5S"),
    ],
)
def test_a_date_is_cut_to_milliseconds_and_a_duration_keeps_its_microseconds_and_its_sign(value, text):
    """A date of another zone is written in UTC."""
    assert document(value) == text


def test_a_field_is_left_out_of_an_item_or_of_each_of_several():
    """The other fields stay in their order. What is None has no fields."""
    procedure = Procedure("p", "n", MOMENT, UserRef("u", "n", "e"))
    assert list(without(procedure, "name")) == ["id", "created_at", "created_by_user", "linkedRepository"]
    assert without([procedure, None], "created_by_user.email") == [
        {**without(procedure, "id"), "id": "p", "created_by_user": {"id": "u", "name": "n"}},
        None,
    ]
    assert list(without(procedure, "created_by_user.email")) == list(written(procedure))
