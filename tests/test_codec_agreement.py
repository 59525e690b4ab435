"""The fast converter and the detailed one accept the same pages, and make the same of them."""

from copy import deepcopy

import orjson
from hypothesis import given, settings, strategies as st

from aiotofupilot import DecodeError, Page, Procedure
from aiotofupilot._codec import _DETAILED, PageDecoder

MISSING = object()


def json_object(**fields):
    """An object, each member one of those given, or missing."""
    members = {name: st.sampled_from(good) if isinstance(good, tuple) else good for name, good in fields.items()}
    return st.fixed_dictionaries(members).map(
        lambda drawn: {name: value for name, value in drawn.items() if value is not MISSING}
    )


users = json_object(id=("u1", "u2"), name=("Ada", None, MISSING), email=("ada@example.com", None, MISSING))
repositories = json_object(id=("r1",), name=("repo",), fullName=("org/repo",), provider=("github", "sourcehut", None))
procedures = json_object(
    id=("p1", "p2"),
    name=("FCT", ""),
    created_at=("2024-01-15T10:30:00.000Z", "2024-01-15T10:30:00+02:00"),
    created_by_user=st.one_of(users, st.sampled_from((None, MISSING))),
    linkedRepository=st.one_of(repositories, st.sampled_from((None, MISSING))),
    unknown=("ignored", MISSING),
)
pages = json_object(
    data=st.lists(procedures, max_size=3),
    meta=json_object(has_more=(True, False), next_cursor=(50, 50.0, None, MISSING)),
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
