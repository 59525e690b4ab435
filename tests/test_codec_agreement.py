"""The fast converter and the detailed one accept the same pages, and make the same of them."""

from copy import deepcopy

import orjson
from hypothesis import given, settings, strategies as st

from aiotofupilot import DecodeError, Page, Procedure, Repository, UserRef
from aiotofupilot._codec import _DETAILED, PageDecoder, _wire_names

MISSING = object()


USER = {"id": ("u1", "u2"), "name": ("Ada", None), "email": ("ada@example.com", None)}
REPOSITORY = {"id": ("r1",), "name": ("repo",), "fullName": ("org/repo",), "provider": ("github", "sourcehut", None)}
PROCEDURE = {
    "id": ("p1", "p2"),
    "name": ("FCT", ""),
    "created_at": ("2024-01-15T10:30:00.000Z", "2024-01-15T10:30:00+02:00"),
    "created_by_user": USER,
    "linkedRepository": REPOSITORY,
}
MAY_BE_MISSING = {id(USER): ("name", "email"), id(REPOSITORY): ("provider",), id(PROCEDURE): tuple(PROCEDURE)[3:]}


def test_every_field_is_drawn():
    """One that is new in a model must be new here too."""
    for model, drawn in ((UserRef, USER), (Repository, REPOSITORY), (Procedure, PROCEDURE)):
        assert tuple(drawn) == tuple(_wire_names(model).values())


def objects(fields, *, lean):
    """Objects of these fields, or null; lean ones without some of what may be missing."""
    members = {
        name: objects(good, lean=lean) | st.none() if isinstance(good, dict) else st.sampled_from(good)
        for name, good in fields.items()
    }
    missing = st.sets(st.sampled_from(MAY_BE_MISSING[id(fields)])) if lean else st.just(frozenset())
    return st.tuples(st.fixed_dictionaries(members), missing).map(
        lambda drawn: {name: value for name, value in drawn[0].items() if name not in drawn[1]}
    )


metas = st.fixed_dictionaries(
    {"has_more": st.booleans(), "next_cursor": st.sampled_from((50, 50.0, None))}, optional={"unknown": st.none()}
)
pages = st.booleans().flatmap(
    lambda lean: st.fixed_dictionaries(
        {"data": st.lists(objects(PROCEDURE, lean=lean), max_size=3), "meta": metas}, optional={"unknown": st.none()}
    )
)


other_values = st.sampled_from(
    (MISSING, None, True, 0, 1.5, 50.0, "", "text", "2024-01-15T10:30:00Z", "2024-01-15", [], ["x"], {}, {"id": "x"})
)
faults = st.lists(st.tuples(st.integers(min_value=0, max_value=1000), other_values), max_size=2)


def places(value):
    """Yield every place in a document, as its container and its name or index there."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def put(document, number, value):
    """Put a value in one of the document's places, or take what is there away."""
    candidates = list(places(document))
    if candidates:
        container, key = candidates[number % len(candidates)]
        if value is MISSING:
            del container[key]
        else:
            container[key] = deepcopy(value)


decode = PageDecoder(Procedure)
in_detail = PageDecoder(Procedure)
in_detail._fast = _DETAILED.get_structure_hook(Page[Procedure])


def outcome(decoder, document):
    try:
        return decoder(orjson.dumps(document), 0)
    except DecodeError as error:
        return error.path, str(error)


@settings(max_examples=500)
@given(pages, faults)
def test_both_converters_make_the_same_of_any_page(page, faults):
    """Equal models, or equal complaints: what the fast one remembers of other pages never lets a fault through."""
    for number, value in faults:
        put(page, number, value)

    assert outcome(decode, page) == outcome(in_detail, page)
