"""`testing.builders`: models for tests."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from aiotofupilot import Page, PageMeta, Procedure, Repository, UserRef
from aiotofupilot.testing import make_page, make_procedure, make_repository, make_user


def test_a_procedure_is_complete():
    """Without arguments, every field has a value."""
    procedure = make_procedure()
    assert procedure == Procedure(
        id=procedure.id,
        name="Battery Pack Functional Test",
        created_at=datetime(2026, 1, 30, 16, 45, tzinfo=UTC),
        created_by_user=make_user(),
        linked_repository=make_repository(),
    )


@pytest.mark.parametrize("make", [make_procedure, make_repository, make_user])
def test_an_id_is_a_uuid(make):
    """A made-up id is a UUID, in the usual spelling."""
    assert str(UUID(make().id)) == make().id


def test_the_same_arguments_make_the_same():
    """What is made depends on the arguments alone, in this run and in any other."""
    assert make_procedure(name="Burn-In") == make_procedure(name="Burn-In")
    assert make_user().id == "ff1408b8-ed5d-5d87-bae4-9e3171e431a3"
    assert make_procedure().id == "7e8b01b6-bf3c-58ed-ab69-069244c03c0b"


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Burn-In"},
        {"created_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"created_by_user": None},
        {"created_by_user": make_user("Mina Okafor")},
        {"linked_repository": None},
        {"linked_repository": make_repository("org/rf-bench", provider="gitlab")},
    ],
    ids=lambda other: next(iter(other)),
)
def test_other_arguments_make_another_id(other):
    """Procedures that differ are different ones, so that a listing may hold both."""
    assert make_procedure(**other).id != make_procedure().id


def test_an_id_can_be_chosen():
    """A given id is kept."""
    assert make_procedure(id="p").id == "p"
    assert make_repository(id="r").id == "r"
    assert make_user(id="u").id == "u"


def test_nulls_of_the_api_can_be_made():
    """None is a value, where the API has nulls."""
    assert make_user(None, id="u", email=None) == UserRef("u", None, None)
    assert make_repository(id="r", provider=None).provider is None
    assert make_procedure(id="p", created_by_user=None, linked_repository=None) == Procedure(
        "p", "Battery Pack Functional Test", datetime(2026, 1, 30, 16, 45, tzinfo=UTC)
    )


@pytest.mark.parametrize(("full_name", "name"), [("org/repo", "repo"), ("org/group/repo", "repo"), ("repo", "repo")])
def test_a_repository_is_named_after_its_full_name(full_name, name):
    """The short name is the part behind the last slash."""
    assert make_repository(full_name, id="r") == Repository("r", name, full_name, "github")


def test_a_naive_date_is_refused():
    """What no server can have sent is not made."""
    with pytest.raises(ValueError, match=r"created_at must be timezone-aware, got datetime\.datetime\(2026, 1, 1"):
        make_procedure(created_at=datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose


def test_a_page_says_what_follows():
    """A page has more where it has a next cursor, and is the only one otherwise."""
    assert make_page() == Page([], PageMeta(has_more=False, next_cursor=None), 0)
    items = (make_procedure(),)
    assert make_page(items, cursor=50, next_cursor=51) == Page([*items], PageMeta(has_more=True, next_cursor=51), 50)
