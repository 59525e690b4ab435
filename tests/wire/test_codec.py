"""Which bodies are pages, which are not, and what the error says.

- A response is a page, or an error that names the JSON path; nothing is coerced, and items cannot be changed.
"""

from datetime import UTC, datetime

import attrs
import pytest
from fakes.wire_listings import PageDecoder
from hypothesis import given, strategies as st
from msgspec import json

from aiotofupilot import DecodeError, InvalidJSONError, Page, PageMeta, Procedure, RawItem, Repository, UserRef
from aiotofupilot._wire.codec import decoder

PROCEDURE = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "name": "Battery Test",
    "created_at": "2024-01-15T10:30:00.000Z",
    "created_by_user": {"id": "u-1", "name": "Ada Park", "email": "ada.park@example.com"},
    "linkedRepository": {"id": "r-1", "name": "my-repo", "fullName": "org/my-repo", "provider": "github"},
}
DOCUMENT = {"data": [PROCEDURE, PROCEDURE], "meta": {"has_more": True, "next_cursor": 2}}

decode = PageDecoder(Procedure)

DROP = object()


def changed(document, *path, to):
    """A copy of a document with another value at a path, or without it."""
    document = json.decode(json.encode(document))  # in which nothing is shared, as it is not on the wire
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    if to is DROP:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return document


def decoded(document, cursor=0):
    return decode(json.encode(document), cursor)


def item(*path, to):
    """The second item of the page after a change of it."""
    return decoded(changed(DOCUMENT, "data", 1, *path, to=to)).data[1]


def test_a_page_becomes_its_values():
    """Every field that the wire has, under its name in snake case; the cursor is the one that was asked for."""
    procedure = Procedure(
        id="550e8400-e29b-41d4-a716-446655440000",
        name="Battery Test",
        created_at=datetime(2024, 1, 15, 10, 30, tzinfo=UTC),
        created_by_user=UserRef(id="u-1", name="Ada Park", email="ada.park@example.com"),
        linked_repository=Repository(id="r-1", name="my-repo", full_name="org/my-repo", provider="github"),
    )
    assert decoded(DOCUMENT, 40) == Page(
        data=[procedure, procedure], meta=PageMeta(has_more=True, next_cursor=2), cursor=40
    )


def test_unknown_keys_are_ignored():
    """This holds at every level. TofuPilot has added and removed keys of items before."""
    document = changed(DOCUMENT, "more", to=1)
    for path in [(), ("data", 0), ("data", 0, "created_by_user"), ("data", 0, "linkedRepository"), ("meta",)]:
        document = changed(document, *path, "fpy", to={"any": ["thing"]})
    assert decoded(document) == decoded(DOCUMENT)


@pytest.mark.parametrize(("sent", "cursor"), [(50.0, 50), (50, 50), (0, 0), (2**53 - 1, 2**53 - 1)])
def test_a_whole_number_is_an_integer(sent, cursor):
    """Older versions sent the cursor as a float."""
    next_cursor = decoded(changed(DOCUMENT, "meta", "next_cursor", to=sent)).meta.next_cursor
    assert next_cursor == cursor
    assert type(next_cursor) is int


@pytest.mark.parametrize("value", [DROP, None], ids=["missing", "null"])
def test_the_next_cursor_may_be_absent(value):
    """The last page has none."""
    assert decoded(changed(DOCUMENT, "meta", "next_cursor", to=value)).meta == PageMeta(has_more=True, next_cursor=None)


def test_an_empty_page_may_have_more_to_come():
    """The end is what meta says, never an empty page."""
    page = decoded(changed(DOCUMENT, "data", to=[]))
    assert page.data == []
    assert page.meta.has_more


REQUIRED = [
    ("data",),
    ("meta",),
    ("meta", "has_more"),
]


def written(path):
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def fault(document):
    """The JSON path of the fault in a document, and what is said of it."""
    with pytest.raises(DecodeError) as caught:
        decoded(document)
    error = caught.value
    assert not isinstance(error, InvalidJSONError)
    at_fault = document if error.item is None else document["data"][error.item]
    assert len(error.body) == 2000 or json.decode(error.body) == json.decode(json.encode(at_fault))
    path, _, complaint = str(error).partition(": ")
    assert path == error.path
    return path, complaint


@pytest.mark.parametrize("path", REQUIRED, ids=written)
def test_what_is_missing_is_named_by_its_path(path):
    """The path has the names of the wire."""
    assert fault(changed(DOCUMENT, *path, to=DROP)) == (written(path), "it is missing")


def test_what_is_of_the_wrong_type_is_named_by_its_path():
    """It is not turned into text or a number."""
    for path, value, complaint in [
        (("data", 1, "name"), ["a"], "expected a string, got an array"),
        (("data", 1, "created_at"), 1705314600, "expected a date-time string, got a number"),
        (("data", 1, "created_at"), "yesterday", "Invalid isoformat string: 'yesterday'"),
        (("data", 1, "created_at"), "2024-01-15", "expected a date-time with a UTC offset, got '2024-01-15'"),
        (("data", 1), "text", "expected an object, got a string"),
        (("data", 1), None, "expected an object, got null"),
        (("data",), {}, "expected an array, got an object"),
        (("data",), None, "expected an array, got null"),
        (("data",), "text", "expected an array, got a string"),
        (("meta",), None, "expected an object, got null"),
        (("meta",), "has_more", "expected an object, got a string"),
        (("meta", "has_more"), 1, "expected a boolean, got a number"),
        (("meta", "has_more"), "true", "expected a boolean, got a string"),
        (("meta", "next_cursor"), "50", "expected an integer, got a string"),
        (("meta", "next_cursor"), 2**53, f"expected an integer from -(2 ** 53 - 1) to 2 ** 53 - 1, got {2**53}"),
        (("meta", "next_cursor"), 1e20, f"expected an integer from -(2 ** 53 - 1) to 2 ** 53 - 1, got {10**20}"),
        (("meta", "next_cursor"), 50.5, "expected an integer, got a number"),
        (("meta", "next_cursor"), True, "expected an integer, got a boolean"),
    ]:
        assert fault(changed(DOCUMENT, *path, to=value)) == (written(path), complaint)


@pytest.mark.parametrize(
    ("document", "kind"), [([], "an array"), (None, "null"), ("{}", "a string"), (1, "a number"), (True, "a boolean")]
)
def test_a_document_that_is_not_an_object_is_named_as_the_root(document, kind):
    """A health check may answer with such JSON."""
    assert fault(document) == ("$", f"expected an object, got {kind}")


def test_of_several_faults_the_first_is_named():
    """The first one is that of the first field in the model, and of the first item."""
    document = changed(DOCUMENT, "data", 1, "name", to=None)
    document = changed(document, "data", 1, "created_at", to=None)
    document = changed(document, "meta", to=None)
    assert fault(document)[0] == "$.data[1].name"


def test_what_is_not_json_is_said_to_be_no_json():
    """The error is worth another attempt, because a proxy wrote the answer, or the connection was cut."""
    for body in [
        b"",
        b"<html></html>",
        b'{"data": [',
        b"null null",
        b"\xff\xfe",
        b'"\xed\xa0\x80"',
        b"NaN",
        b"[" * 100_000,
    ]:
        with pytest.raises(InvalidJSONError, match=r"^the body is not JSON: ") as caught:
            decode(body, 0)
        assert caught.value.path == "$"
        assert caught.value.body == body[:2000]


def test_an_error_keeps_the_beginning_of_the_item_at_fault():
    """A page may be larger than a log should hold. If no item is at fault, it is the beginning of the page."""
    document = changed(DOCUMENT, "data", 1, "id", to=["x" * 100_000])
    with pytest.raises(DecodeError) as caught:
        decode(json.encode(document), 0)
    assert caught.value.body == json.encode(document["data"][1])[:2000]
    body = json.encode(changed(DOCUMENT, "meta", to="x" * 100_000))
    with pytest.raises(DecodeError) as caught:
        decode(body, 0)
    assert caught.value.body == body[:2000]


@pytest.mark.parametrize("created_at", ["2024-01-15T10:30:00.000Z", "2024-01-15T10:30Z"], ids=["fast", "detailed"])
def test_no_field_of_an_item_can_be_set(created_at):
    """Neither of the item nor of what is in it, so items can be shared and be members of sets. Both ways agree."""
    procedure = item("created_at", to=created_at)
    for frozen in (procedure, procedure.created_by_user, procedure.linked_repository):
        before = hash(procedure)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            frozen.name = "changed"
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            del frozen.name
        assert hash(procedure) == before


def test_a_kind_of_body_has_one_decoder():
    """Each reader of a body asks for the decoder, and its first body takes a hundred times as long as the next one."""
    assert decoder(Page[Procedure]) is decoder(Page[Procedure])
    assert len({decoder(kind) for kind in (Procedure, list[Procedure], Page[Procedure], Page[RawItem])}) == 4


def test_an_error_keeps_neither_the_whole_body_nor_what_other_libraries_say_of_it():
    """The parser's error holds the body, and cattrs' errors quote its values."""
    for body in (b'{"data": [' + b" " * 100_000, json.encode(changed(DOCUMENT, "data", to="x" * 100_000))):
        with pytest.raises(DecodeError) as caught:
            decode(body, 0)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


@given(st.binary())
def test_any_bytes_are_a_page_or_a_decode_error(body):
    """Nothing else comes out."""
    with pytest.raises(DecodeError):
        decode(body, 0)


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ({"name": "Ada Park"}, "it is missing"),
        ({"id": None}, "expected a string, got null"),
        ({"id": 7}, "expected a string, got a number"),
    ],
)
@pytest.mark.parametrize("is_bare", [False, True])
def test_an_item_without_a_model_has_an_id(is_bare, item, fault):
    """A walk tells items apart by it. The error quotes only the item at fault."""
    items = [{"id": "u-1"}, item]
    body = json.encode(items if is_bare else {"data": items, "meta": {"has_more": False}})
    with pytest.raises(DecodeError) as caught:
        PageDecoder(RawItem, bare=is_bare)(body, 0)
    path = f"{'$' if is_bare else '$.data'}[1].id"
    assert (str(caught.value), caught.value.path) == (f"{path}: {fault}", path)
    assert json.decode(caught.value.body) == item
