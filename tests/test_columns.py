"""Arrays of objects, taken column by column."""

from datetime import UTC, datetime

import attrs
import pytest

from aiotofupilot import _columns
from aiotofupilot._columns import columnwise


@attrs.define(unsafe_hash=True)
class Owner:
    id: str
    name: str | None = None


@attrs.define
class Counted:
    owner: str
    number: int


@attrs.define
class Thing:
    id: str
    label: str | None
    made_at: datetime
    owner: Owner | None = None
    box: Counted | None = None
    size: int = 0


WIRE_NAMES = {"made_at": "madeAt"}


def wire_names(model):
    return {field.name: WIRE_NAMES.get(field.name, field.name) for field in attrs.fields(model)}


class Hooks:
    """Hooks for single values that keep account of what they were called with."""

    def __init__(self):
        self.seen = []

    def __call__(self, kind):
        def hook(value, wanted):
            assert wanted == kind
            self.seen.append(value)
            if kind == Owner | None:
                return None if value is None else Owner(**value)
            if kind == Counted | None:
                return None if value is None else Counted(**value)
            return int(value)

        return hook


@pytest.fixture
def hooks():
    return Hooks()


@pytest.fixture
def structure(hooks):
    hook = columnwise(Thing, wire_names, hooks)
    return lambda items: hook(items, list[Thing])


def thing(number=1, **fields):
    return {"id": f"t{number}", "label": None, "madeAt": "2024-01-15T10:30:00.000Z"} | fields


def test_objects_become_models_in_order(structure):
    """Each column lands in its field, under the name it has in JSON, and defaults fill what is missing."""
    moment = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)

    assert structure([thing(1, label="one"), thing(2, size=5, unknown=True)]) == [
        Thing("t1", "one", moment),
        Thing("t2", None, moment, size=5),
    ]


def test_an_empty_array_is_no_items(structure):
    """A page may be empty."""
    assert structure([]) == []


@pytest.mark.parametrize("items", [{}, {"id": "t"}, "", "text", None, 3, True])
def test_what_is_no_array_is_refused(structure, items):
    """Python would iterate an object's names and a string's characters."""
    with pytest.raises(TypeError, match="not an array"):
        structure(items)


@pytest.mark.parametrize("item", [None, "id", ["id"], 3, {}])
def test_an_item_that_is_no_such_object_is_refused(structure, item):
    """Whatever it is, beside good ones or alone."""
    with pytest.raises((TypeError, KeyError, AttributeError)):
        structure([thing(), item])


@pytest.mark.parametrize(
    "fault",
    [
        {"id": None},
        {"id": 7},
        {"id": b"t"},
        {"label": 7},
        {"label": ["l"]},
        {"madeAt": None},
        {"madeAt": 1705314600},
        {"madeAt": "today"},
        {"madeAt": "2024-01-15T10:30:00.000"},
    ],
    ids=str,
)
def test_one_wrong_value_in_a_column_is_refused(structure, fault):
    """Strings are not coerced, and moments have an offset."""
    with pytest.raises((TypeError, ValueError)):
        structure([thing(1), thing(2) | fault, thing(3)])


def test_other_types_go_through_their_own_hooks(structure, hooks):
    """Value by value, an object with other fields than strings among them."""
    things = structure([thing(1, size=3, box={"owner": "o", "number": 1}), thing(2)])

    assert [(each.size, each.box) for each in things] == [(3, Counted("o", 1)), (0, None)]
    assert hooks.seen == [{"owner": "o", "number": 1}, None, 3, 0]


def test_equal_objects_become_one_which_is_built_once(structure, hooks):
    """Within a page, and from page to page."""
    owner = {"id": "o1", "name": "Ada"}
    first, second = structure([thing(1, owner=owner), thing(2, owner=dict(owner))])
    hooks.seen.clear()
    (third,) = structure([thing(3, owner=dict(owner))])

    assert first.owner == Owner("o1", "Ada")
    assert first.owner is second.owner is third.owner
    assert owner not in hooks.seen


def test_objects_that_differ_in_anything_stay_apart(structure):
    """The same id under another name is another creator, renamed meanwhile."""
    items = [
        thing(1, owner={"id": "o1", "name": "Ada"}),
        thing(2, owner={"id": "o1", "name": None}),
        thing(3, owner={"id": "o1"}),
        thing(4, owner=None),
    ]

    assert [each.owner for each in structure(items)] == [Owner("o1", "Ada"), Owner("o1"), Owner("o1"), None]


@pytest.mark.parametrize("owner", [{"id": "o1", "name": ["Ada"]}, {"name": "Ada"}, "o1", 7, []], ids=str)
def test_an_object_is_only_taken_for_another_that_passed_the_checks(structure, owner):
    """What cannot be looked up, or is not known, goes through its hook."""
    structure([thing(1, owner={"id": "o1", "name": "Ada"})])

    with pytest.raises(TypeError):
        structure([thing(2, owner=owner)])


def test_what_is_remembered_is_bounded(monkeypatch, hooks):
    """A listing with a new creator in every item does not grow the process."""
    monkeypatch.setattr(_columns, "_REMEMBERED_AT_MOST", 2)
    structure = columnwise(Thing, wire_names, hooks)
    items = [thing(number, owner={"id": f"o{number}", "name": None}) for number in range(3)]

    first, _, _ = structure(items, list[Thing])
    again, *_ = structure(items, list[Thing])

    assert first.owner == again.owner
    assert first.owner is not again.owner
