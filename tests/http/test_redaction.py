"""The key in what a server says: every spelling of it is found, and an error then keeps no text of the response."""

import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from attrs import frozen
from hypothesis import given, strategies as st
from multidict import CIMultiDict

from aiotofupilot import APIError, ConnectionFailedError, DecodeError, DriftError, ValidationIssue
from aiotofupilot._http.failures import WITHHELD, Redaction
from aiotofupilot._wire.response import Response

KEY = "tp_user+5f2c/8e9d=7b1a.Zz-~"

SPELLINGS = {
    "plain": KEY,
    "lower case": KEY.lower(),
    "upper case": KEY.upper(),
    "JSON, one character": KEY.replace("_", "\\u005f"),
    "JSON, upper case": KEY.replace("/", "\\u002F"),
    "JSON, all": "".join(f"\\u{ord(character):04x}" for character in KEY),
    "JSON, slash": KEY.replace("/", "\\/"),
    "JSON in JSON": json.dumps(KEY.replace("_", "\\u005f"))[1:-1],
    "percent": quote(KEY, safe=""),
    "percent, all": "".join(f"%{ord(character):02x}" for character in KEY),
    "percent twice": quote(quote(KEY, safe=""), safe=""),
}


@pytest.fixture
def redaction():
    return Redaction(KEY)


def test_every_form_of_the_key_is_found(redaction):
    """In a text and in a body, whatever is before and after it."""
    for name, spelled in SPELLINGS.items():
        assert redaction.finds(f"before {spelled} behind"), name
        assert redaction.finds(f"before {spelled} behind".encode()), name


@given(st.data())
def test_a_mixture_of_forms_is_found(data):
    """Each character may be spelled in its own way."""
    by_character = [lambda c: c, lambda c: f"\\u{ord(c):04X}", lambda c: f"%{ord(c):02x}"]
    mixed = "".join(data.draw(st.sampled_from(by_character))(character) for character in KEY)
    assert Redaction(KEY).finds(f"<{mixed}>")


def test_other_texts_are_not_taken_for_the_key(redaction):
    """The beginning of the key alone is not the key."""
    for text in ("", "tp_user", KEY[:-1], "%74%70", "\\" * 99, "created_by_user"):
        assert not redaction.finds(text), text
        assert not redaction.finds(text.encode()), text


def test_a_key_that_could_be_a_word_is_not_looked_for():
    """It would be found in the API's own words. Eight characters are enough."""
    for key in ("user", "seven77"):
        assert not Redaction(key).finds("created_by_user seven77")
    assert Redaction("12345678").finds("key=12345678")


def test_a_second_secret_is_found_too():
    """Such as the password of a proxy."""
    redaction = Redaction("seven77", KEY)
    assert redaction.finds(f"Basic {KEY}")
    assert not redaction.finds("seven77")


@frozen
class Holder:
    """A value that an error of another kind could hold."""

    said: str
    times: int


def holding(name, value):
    """Return an error that has the key in one of its parts."""
    error = APIError(
        "no", status=400, code="C", issues=[ValidationIssue("i")], request_id="r", retry_after=2.5, body=b"b"
    )
    error.headers = CIMultiDict([("X", "1"), ("X", "2")])
    error.more = {"numbers": [Holder("more", 2)]}
    error.add_note("note")
    setattr(error, name, value)
    return error


def test_an_error_with_the_key_anywhere_keeps_no_text(redaction):
    """Message, attributes, notes, and what is nested in them. Numbers stay."""
    parts = [
        ("args", (f"m {KEY}",)),
        ("message", KEY),
        ("code", KEY),
        ("issues", (ValidationIssue("i", ("limit", 3, KEY)),)),
        ("request_id", f"r {KEY}"),
        ("body", KEY.encode()),
        ("headers", CIMultiDict([("X", "1"), ("X", KEY)])),
        ("headers", {KEY: "1"}),
        ("more", {f"name {KEY}": 1}),
        ("more", {"name": [Holder(KEY, 2)]}),
        ("__notes__", [f"n {KEY}"]),
    ]
    for name, value in parts:
        error = holding(name, value)
        redaction.clean(error)
        assert str(error) == f"400 {WITHHELD}: {WITHHELD}", name
        assert error.args == (WITHHELD,)
        assert (error.issues, error.body, error.headers, error.more, error.__notes__) == ((), b"", {}, {}, [])
        assert (error.request_id, error.status, error.retry_after) == (WITHHELD, 400, 2.5)


def test_a_secret_that_a_repr_would_change_is_found():
    """A password may have any character."""
    for secret in ("pässwört", r"tp\x00back\x00slash", "\\'" * 8):
        told = secret.replace("'", "\\'")
        for name, value in (("code", told), ("more", {"name": [Holder(secret, 2), '"']})):
            error = holding(name, value)
            Redaction(secret).clean(error)
            assert error.args == (WITHHELD,), (secret, name)
        error = DriftError("moved", cursor=3)
        Redaction(secret).clean(error, answered(secret.encode()))
        assert error.args == (WITHHELD,), secret


def test_what_is_no_text_is_searched_as_it_shows_itself(redaction):
    error = holding("more", {"name": {KEY}})
    redaction.clean(error)
    assert error.args == (WITHHELD,)


def test_an_error_whose_response_has_the_key_keeps_no_text(redaction):
    """The error may have a piece of the key that could not be found by itself."""
    for response in (answered(b"." * 100_000 + KEY.encode()), answered(b"", {"X": KEY})):
        error = DecodeError(KEY[:9], path=f"$.{KEY[:9]}", body=KEY.encode()[:9])
        redaction.clean(error, response)
        assert (str(error), error.path, error.body) == (WITHHELD, WITHHELD, b"")
        error = DriftError("moved", cursor=3)
        redaction.clean(error, response)
        assert (str(error), vars(error)) == (WITHHELD, {"cursor": 3})


def test_an_error_without_the_key_stays_as_it_is(redaction):
    error, twin = holding("code", "C"), holding("code", "C")
    redaction.clean(error, answered(b"body"))
    assert (str(error), vars(error)) == (str(twin), vars(twin))


def decode(body):
    raise DecodeError("m", body=body)


def test_the_errors_that_an_error_was_made_from_are_dropped(redaction):
    """They quote what nothing can search, such as a whole body. So do the local variables of a traceback."""
    with pytest.raises(DecodeError) as caught:
        decode(b"{")
    error = caught.value
    error.__cause__, error.__context__ = ValueError(KEY), KeyError(KEY)
    redaction.clean(error)
    assert (error.__cause__, error.__context__, error.__traceback__) == (None, None, None)


def test_an_error_of_the_operating_system_stays_as_the_cause(redaction):
    """It comes without what it was made from itself."""
    error, cause = ConnectionFailedError("m"), ConnectionResetError(104, "Connection reset by peer")
    cause.__context__ = error.__context__ = ValueError(KEY)
    error.__cause__ = cause
    redaction.clean(error)
    assert error.__cause__ is cause
    assert (error.__context__, cause.__cause__, cause.__context__) == (None, None, None)


def answered(body, headers=()):
    return Response(200, dict(headers), body, datetime.now(UTC))


def test_no_text_makes_the_search_slow(redaction):
    """The time that many beginnings take grows with their length only; unbounded, these would take many minutes."""
    for beginning in ("\\", "%25", "%5c", "\\u0", KEY[:-1]):
        assert not redaction.finds(beginning * (64 * 1024 // len(beginning)))
