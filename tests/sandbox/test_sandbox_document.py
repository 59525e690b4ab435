"""Procedures and errors as JSON."""

import json
from datetime import UTC, datetime, timedelta, timezone

from aiotofupilot.models import Procedure, Repository, UserRef
from aiotofupilot.sandbox.document import Refusal, document, dumps, without

MOMENT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


def written(procedure):
    return json.loads(dumps(procedure))


def test_procedure_in_camel_case():
    """linkedRepository and fullName are camel case, the rest is not."""
    procedure = Procedure("p", "Näme", MOMENT, UserRef("u", "n", "e"), Repository("r", "repo", "org/repo", "gitlab"))
    assert written(procedure) == {
        "id": "p",
        "name": "Näme",
        "created_at": "2024-01-15T10:30:00.000Z",
        "created_by_user": {"id": "u", "name": "n", "email": "e"},
        "linkedRepository": {"id": "r", "name": "repo", "fullName": "org/repo", "provider": "gitlab"},
    }


def test_none_is_written_as_null():
    """Only the provider is left out, because older servers did not send this key."""
    procedure = Procedure("p", "n", MOMENT, UserRef("u"), Repository("r", "repo", "org/repo"))
    assert written(procedure)["created_by_user"] == {"id": "u", "name": None, "email": None}
    assert written(procedure)["linkedRepository"] == {"id": "r", "name": "repo", "fullName": "org/repo"}
    bare = written(Procedure("p", "n", MOMENT))
    assert bare["created_by_user"] is None
    assert bare["linkedRepository"] is None


def test_dates_in_utc_cut_to_milliseconds():
    """A date of another zone is written in UTC, and its microseconds are cut, not rounded."""
    local = datetime(2024, 1, 15, 12, 30, 0, 999999, tzinfo=timezone(timedelta(hours=2)))
    assert written(Procedure("p", "n", local))["created_at"] == "2024-01-15T10:30:00.999Z"


def test_a_field_is_left_out_of_an_item_or_of_each_of_several():
    """The other fields stay in their order. What is None has no fields."""
    procedure = Procedure("p", "n", MOMENT, UserRef("u", "n", "e"))
    assert list(without(procedure, "name")) == ["id", "created_at", "created_by_user", "linkedRepository"]
    assert without([procedure, None], "created_by_user.email") == [
        {**without(procedure, "id"), "id": "p", "created_by_user": {"id": "u", "name": "n"}},
        None,
    ]
    assert list(without(procedure, "created_by_user.email")) == list(written(procedure))


def test_an_error_has_issues_only_if_the_input_is_not_valid():
    assert Refusal(404, "NOT_FOUND", "Not found").body == b'{"message":"Not found","code":"NOT_FOUND"}'
    refusal = Refusal(400, "BAD_REQUEST", "m", [{"path": ["limit"]}])
    assert json.loads(refusal.body)["issues"] == [{"path": ["limit"]}]


def test_a_duration_keeps_its_microseconds_and_its_sign():
    for seconds, text in [
        (0, "PT0S"),
        (90.732, "PT1M30.732S"),
        (60, "PT1M"),
        (3600, "PT1H"),
        (90_000, "PT25H"),
        (0.000_001, "PT0.000001S"),
        (10, "PT10S"),
        (-5, "PT-5S"),
        (-90.5, "PT-1M-30.5S"),
    ]:
        assert document(timedelta(seconds=seconds)) == text
