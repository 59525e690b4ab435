"""The fast way and the detailed way decode every body alike, to models and to structs."""

from contextlib import suppress
from copy import deepcopy

import pytest
from fakes.budget import NIGHTLY
from fakes.wire_listings import ENDPOINTS, EXAMPLES, MODELS, PageDecoder, body, fields, is_bare
from hypothesis import given, settings, strategies as st
from msgspec import MsgspecError, json

from aiotofupilot import DecodeError
from aiotofupilot.models import User

DECODERS = {name: PageDecoder(model, bare=is_bare(name)) for name, model in MODELS.items()}
STRUCT_DECODERS = {name: PageDecoder(model, bare=is_bare(name), structs=True) for name, model in MODELS.items()}


def documents(name):
    """Return a page of two items: the listing's example, and its smallest example where it has one."""
    return body(name, EXAMPLES[name], ENDPOINTS[name].get("example_item_minimal", EXAMPLES[name]))


def items(document):
    return document["data"] if isinstance(document, dict) else document


NUMBERS = (
    b"0 1 -0 50.0 5e1 1.5 -0.0 9007199254740991 9007199254740992 -9007199254740992 9223372036854775808"
    b" 18446744073709551616 1e400 1e308 01 1.".split()
)
MOMENTS = """2024-01-15T10:30:00.000Z 2024-01-15T10:30Z 2024-01-15T10:30:00 2024-01-15 20240115T103000Z
2024-01-15t10:30:00z 2024-01-15T10:30:00.123456789+02:00 0001-01-01T00:00:00+05:00 2024-01-15T24:00:00Z"""
DURATIONS = "PT1.5S PT1,5S P1W P1M -PT1S PT1.5H p1d P"
ODD = [rb'"\u0041"', rb'"\ud83d\ude00"', rb'"\ud800"', b'"\xff"', b'"\x01"', b'"a']
TEXTS = [json.encode(text) for text in ("", "text", "1", "true", *MOMENTS.split(), *DURATIONS.split())]
LITERALS = [b"null", b"true", b"false", b"NaN", b""]
CONTAINERS = [b"[]", b"[1,2.5]", b"[1,18446744073709551616]", b'["a"]', b'[1,"a"]', b"[null]", b"[true]", b"{}"]
CONTAINERS += [b'{"id":"x"}', b'{"a":1,"b":18446744073709551616}', b'{"a":null}']
EVERY_VALUE = [*NUMBERS, *TEXTS, *ODD, *LITERALS, *CONTAINERS]
SCALARS = st.sampled_from([*NUMBERS, *TEXTS, *ODD, *LITERALS])
VALUES = SCALARS | st.one_of(
    st.lists(SCALARS, max_size=3).map(lambda values: b"[" + b",".join(values) + b"]"),
    st.dictionaries(st.sampled_from(["id", "name", "number", "outcome", "x", "has_more"]), SCALARS, max_size=3).map(
        lambda members: b"{" + b",".join(json.encode(key) + b":" + value for key, value in members.items()) + b"}"
    ),
)
"""JSON texts, and some that are nearly JSON."""


def places(value):
    """Yield every place in a document, as its container and its name or index there."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def written(document, changes):
    """Return a document as bytes, with some of its values replaced by other texts, and others taken away."""
    document = deepcopy(document)
    texts = []
    for number, text in changes:
        found = list(places(document))
        if not found:
            break
        container, key = found[number % len(found)]
        if text is None:
            del container[key]
        else:
            container[key] = f"<{len(texts)}>"
            texts.append(text)
    body = json.encode(document)
    for index, text in enumerate(texts):
        body = body.replace(b'"<%d>"' % index, text)
    return body


changes = st.lists(st.tuples(st.integers(0, 10_000), st.none() | VALUES), max_size=3)


REFUSED = object()


def at_once(decoder, body):
    """Return what the fast way makes of a body, or that it refuses it."""
    decode = decoder._at_once
    try:
        return decode(body)
    except (MsgspecError, TypeError, ValueError, RecursionError):
        return REFUSED


def assert_agreement(name, body):
    """Check that the fast way refuses a body, or has the same result as the detailed way.

    Whatever the fast way refuses is a page in the detailed way, or a fault with a path.
    """
    fast, structs = at_once(DECODERS[name], body), at_once(STRUCT_DECODERS[name], body)
    assert (fast is REFUSED) == (structs is REFUSED)
    if fast is REFUSED:
        with suppress(DecodeError):
            DECODERS[name]._in_detail(body)
    else:
        detailed = repr(DECODERS[name]._in_detail(body))  # unlike ==, repr tells 1, 1.0 and True apart
        assert repr(fast) == detailed
        assert repr(structs) == detailed


def test_both_ways_make_the_same_of_every_value_in_every_place():
    """The fast way may refuse a page that is good. What it accepts, the detailed way accepts, with equal values."""
    for name in MODELS:
        document = body(name, EXAMPLES[name])
        step = 1 if NIGHTLY else 3
        for number, _ in enumerate(places(document)):
            for text in EVERY_VALUE[number % step :: step]:
                assert_agreement(name, written(document, [(number, text)]))


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=3 * settings().max_examples)
@given(changes)
def test_both_ways_make_the_same_of_any_page(name, changes):
    """Several changes at once, and containers made at random, find no difference either."""
    assert_agreement(name, written(documents(name), changes))


def test_a_good_page_never_meets_the_detailed_way():
    """A page may lack optional values, may have new keys and values, and may have a cursor like 50.0."""
    for name in MODELS:
        full = documents(name)
        lean = deepcopy(full)
        for found in items(lean):
            for path, field in fields(name):
                if len(path) == 1 and (not field["required"] or "since_sdk" in field):
                    found.pop(path[0], None)
        newer = deepcopy(full)
        for found in items(newer):
            found["later"] = {"any": ["thing", None, 1.5]}
            found.update({field: "LATER" for field in ("outcome", "status", "level", "sample") if field in found})
        older = deepcopy(full)
        if not is_bare(name):
            older["meta"]["next_cursor"] = 50.0
        for document in (full, lean, newer, older):
            assert at_once(DECODERS[name], json.encode(document)) is not REFUSED


def test_bad_utf_8_is_passed_over_only_in_what_is_ignored():
    """The two ways differ here on purpose. A check of values that nobody reads would cost time on each page."""
    body = b'[{"id":"u","banned":false,"new":"\xff"}]'
    assert DECODERS["users"](body, 0).data == [User("u")]
    assert at_once(DECODERS["users"], b'[{"id":"\xff","banned":false}]') is REFUSED
