"""Arrays of procedures, structured in one loop."""

from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest

from aiotofupilot import Procedure, Repository, UserRef, _hooks
from aiotofupilot._hooks import procedures_hook

WIRE_NAMES = {"linked_repository": "linkedRepository", "full_name": "fullName"}

ADA = {"id": "u1", "name": "Ada Park", "email": "ada.park@example.com"}
TESTS = {"id": "r1", "name": "tests", "fullName": "org/tests", "provider": "github"}


def wire_names(model):
    return {field.name: WIRE_NAMES.get(field.name, field.name) for field in attrs.fields(model)}


def modelled(model, value):
    return model(**{field: value[name] for field, name in wire_names(model).items()})


class Hooks:
    """Hooks that keep account of what they were called with; all values are to be strings, or null."""

    def __init__(self):
        self.built = []
        self.left = []

    def find(self, model):
        def build(value, wanted):
            assert wanted is model
            self.built.append(value)
            if not all(isinstance(said, str | None) for said in value.values()):
                raise TypeError("neither a string nor null")
            return modelled(model, value)

        return build

    def otherwise(self, items, kind):
        self.left.append((items, kind))
        return "otherwise"


@pytest.fixture
def hooks():
    return Hooks()


@pytest.fixture
def structure(hooks):
    hook = procedures_hook(hooks.find, hooks.otherwise)
    return lambda items: hook(items, list[Procedure])


def item(number=1, **fields):
    return {
        "id": f"p{number}",
        "name": "FCT",
        "created_at": "2024-01-15T10:30:00.000Z",
        "created_by_user": None,
        "linkedRepository": None,
    } | fields


def test_objects_become_procedures_in_order(structure):
    """Each value lands in its field; what is not known is not looked at."""
    moment = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    east = moment.replace(tzinfo=timezone(timedelta(hours=2)))

    assert structure(
        [
            item(1, created_by_user=ADA, linkedRepository=TESTS, unknown=True),
            item(2, created_at="2024-01-15T10:30:00+02:00"),
        ]
    ) == [
        Procedure(
            "p1",
            "FCT",
            moment,
            UserRef("u1", "Ada Park", "ada.park@example.com"),
            Repository("r1", "tests", "org/tests", "github"),
        ),
        Procedure("p2", "FCT", east),
    ]


def test_an_empty_array_is_no_procedures(structure):
    """A page may be empty."""
    assert structure([]) == []


@pytest.mark.parametrize("items", [{}, {"id": "p"}, "", "text", None, 3, True])
def test_what_is_no_array_is_refused(structure, items):
    """Python would iterate an object's names and a string's characters."""
    with pytest.raises(TypeError, match="not an array"):
        structure(items)


@pytest.mark.parametrize("other", [None, "id", ["id"], 3, True])
def test_an_item_that_is_no_object_is_refused(structure, other):
    """Among good ones."""
    with pytest.raises(TypeError):
        structure([item(), other])


@pytest.mark.parametrize(
    "fault",
    [
        {"id": None},
        {"id": 7},
        {"name": None},
        {"name": ["FCT"]},
        {"created_at": None},
        {"created_at": 1705314600},
        {"created_at": "today"},
        {"created_at": "2024-01-15T10:30:00.000"},
        {"created_by_user": "u1"},
        {"created_by_user": 7},
        {"created_by_user": []},
        {"created_by_user": ADA | {"id": 7}},
        {"created_by_user": ADA | {"id": ["u1"]}},
        {"created_by_user": ADA | {"name": ["Ada"]}},
        {"linkedRepository": True},
        {"linkedRepository": TESTS | {"provider": {}}},
    ],
    ids=str,
)
def test_one_wrong_value_is_refused(structure, fault):
    """Also where all that is right has been met before: nothing is taken for what it is not."""
    structure([item(created_by_user=ADA, linkedRepository=TESTS)])

    with pytest.raises((TypeError, ValueError)):
        structure([item(1), item(2, **fault)])


@pytest.mark.parametrize(
    "lacking",
    [
        {"id": "p"},
        {name: value for name, value in item().items() if name != "linkedRepository"},
        item(created_by_user={"id": "u1", "name": "Ada Park"}),
        item(linkedRepository={}),
    ],
    ids=str,
)
def test_an_array_in_which_a_name_is_missing_is_left_to_another_hook(structure, hooks, lacking):
    """The whole of it; whether the name may be missing is for that hook to say."""
    items = [item(), lacking]

    assert structure(items) == "otherwise"
    assert hooks.left == [(items, list[Procedure])]


def test_equal_objects_become_one_which_is_built_once(structure, hooks):
    """Within a page, and from page to page."""
    first, second = structure([item(number, created_by_user=dict(ADA), linkedRepository=TESTS) for number in range(2)])
    (third,) = structure([item(created_by_user=dict(ADA), linkedRepository=dict(TESTS))])

    assert first.created_by_user is second.created_by_user is third.created_by_user
    assert first.linked_repository is second.linked_repository is third.linked_repository
    assert hooks.built == [ADA, TESTS]


@pytest.mark.parametrize(
    ("model", "value", "field", "said_then"),
    [
        *((UserRef, ADA, name, "another") for name in wire_names(UserRef).values()),
        *((Repository, TESTS, name, "another") for name in wire_names(Repository).values()),
        (UserRef, ADA, "name", None),
        (UserRef, ADA, "email", None),
        (Repository, TESTS, "provider", None),
    ],
    ids=lambda parameter: getattr(parameter, "__name__", None if isinstance(parameter, dict) else str(parameter)),
)
def test_objects_that_differ_in_anything_stay_apart(structure, model, value, field, said_then):
    """The same id under another name is the same creator, renamed meanwhile: each item says what it said."""
    name, holder = ("created_by_user",) * 2 if model is UserRef else ("linkedRepository", "linked_repository")
    said = [value, value | {field: said_then}, value]

    procedures = structure([item(**{name: one}) for one in said])

    assert [getattr(procedure, holder) for procedure in procedures] == [modelled(model, one) for one in said]


def test_what_is_remembered_is_bounded(monkeypatch, structure, hooks):
    """A listing with a new creator in every item does not grow the process."""
    monkeypatch.setattr(_hooks, "_REMEMBERED_AT_MOST", 2)
    users = [ADA | {"id": f"u{number}"} for number in range(3)]

    structure([item(created_by_user=user) for user in users])
    structure([item(created_by_user=users[0])])

    assert hooks.built == [*users, users[0]]
