"""The key in what a server says: every spelling of it is hidden, and nothing else is changed."""

import base64
import json
from datetime import UTC, datetime
from html import escape
from urllib.parse import quote

import pytest
from attrs import frozen
from hypothesis import given, strategies as st
from multidict import CIMultiDict

from aiotofupilot import APIError, ConnectionFailedError, DecodeError, DriftError, ValidationIssue
from aiotofupilot._http.redaction import Redaction
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
    "JSON, plus": KEY.replace("+", "\\u002B"),
    "JSON in JSON": json.dumps(KEY.replace("_", "\\u005f"))[1:-1],
    "percent": quote(KEY, safe=""),
    "percent, lower case": quote(KEY, safe="").lower(),
    "percent, all": "".join(f"%{ord(character):02X}" for character in KEY),
    "percent twice": quote(quote(KEY, safe=""), safe=""),
    "HTML, decimal": "".join(f"&#{ord(character)};" for character in KEY),
    "HTML, hexadecimal": "".join(f"&#x{ord(character):X};" for character in KEY),
    "HTML, names": KEY.replace("_", "&lowbar;").replace("+", "&plus;").replace("/", "&sol;"),
    "HTML twice": escape("".join(f"&#{ord(character)};" for character in KEY)),
    "Python": "".join(f"\\x{ord(character):02x}" for character in KEY),
    "octal": "".join(f"\\{ord(character):03o}" for character in KEY),
    "quoted-printable": "".join(f"={ord(character):02X}" for character in KEY),
    "hexadecimal": KEY.encode().hex(),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(KEY.encode()).decode(),
}

each_spelling = pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)


@pytest.fixture
def redaction():
    return Redaction(KEY)


@each_spelling
def test_every_spelling_of_the_key_is_hidden(redaction, spelled):
    """The text before and after it stays."""
    assert redaction.text(f"before {spelled} behind") == "before *** behind"
    assert redaction.excerpt(f"before {spelled} behind".encode()) == b"before *** behind"


@pytest.mark.parametrize("before", ["", ":", "a:", "abc", "Bearer "])
def test_the_key_is_found_within_base64(redaction, before):
    """The characters that depend on its neighbours may stay, because they say nothing of the key by themselves."""
    encoded = base64.b64encode(f"{before}{KEY}, and more".encode()).decode()
    hidden = redaction.text(encoded)
    assert "***" in hidden
    assert len(hidden) <= len(encoded) - len(KEY)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-be"])
def test_the_key_is_found_in_wide_characters(redaction, encoding):
    """A body may be in any encoding."""
    hidden = redaction.excerpt(f"is {KEY}".encode(encoding))
    assert KEY.encode(encoding) not in hidden
    assert b"***" in hidden


@given(st.lists(st.sampled_from(list(SPELLINGS.values())) | st.text("tp_5&%=\\;#x", max_size=3)))
def test_hiding_twice_is_hiding_once(parts):
    """Hiding one spelling of the key does not make another one."""
    redaction = Redaction(KEY)
    hidden = redaction.text("|".join(parts))
    assert redaction.text(hidden) == hidden
    assert redaction.excerpt("|".join(parts).encode()) == hidden.encode()


@given(st.data())
def test_a_mixture_of_spellings_is_hidden(data):
    """Each character may be spelled in its own way."""
    by_character = [lambda c: c, lambda c: f"\\u{ord(c):04X}", lambda c: f"%{ord(c):02x}", lambda c: f"&#{ord(c)};"]
    mixed = "".join(data.draw(st.sampled_from(by_character))(character) for character in KEY)
    assert Redaction(KEY).text(f"<{mixed}>") == "<***>"


@pytest.mark.parametrize("text", ["", "tp_user", "tp_user+5f2c/8e9d=7b1a.Zz-", "%74%70", "\\" * 99, "created_by_user"])
def test_text_without_the_key_stays_as_it_is(redaction, text):
    """The beginning of the key alone is not the key."""
    assert redaction.text(text) == text
    assert redaction.excerpt(text.encode()) == text.encode()


@pytest.mark.parametrize("key", ["user", "seven77"])
def test_a_key_that_could_be_a_word_is_not_looked_for(key):
    """It would be found in the API's own words."""
    assert Redaction(key).text("created_by_user seven77") == "created_by_user seven77"


def test_a_key_of_eight_characters_is_looked_for():
    """Eight is the bound itself."""
    assert Redaction("12345678").text("key=12345678") == "key=***"


@pytest.mark.parametrize("offset", range(-len(KEY), 3))
def test_an_excerpt_ends_with_no_part_of_the_key(redaction, offset):
    """A key that begins within the excerpt is hidden, although it ends beyond."""
    body = b"." * (100 + offset) + KEY.encode() + b"." * 100
    expected = b"." * (100 + offset) + b"***" + b"." * max(0, -offset - len(KEY))
    assert redaction.excerpt(body, 100) == (expected if offset < 0 else b"." * 100)


def test_an_excerpt_of_a_short_body_is_all_of_it(redaction):
    """It is not padded."""
    assert redaction.excerpt(b"short", 100) == b"short"


def test_an_excerpt_is_of_the_body_as_it_was_sent(redaction):
    """Hiding makes the body shorter, and nothing that lay beyond the excerpt moves into it."""
    body = b"12345 " + KEY.encode() + b" 67890"
    assert redaction.excerpt(body, len(body) - 5) == b"12345 *** "


@frozen
class Holder:
    """A value that an error of another kind could hold."""

    said: str
    times: int


def test_all_that_an_error_holds_is_hidden(redaction):
    """Message, attributes, notes, and what is nested in them."""
    error = APIError(
        f"m {KEY}",
        status=400,
        code=KEY,
        issues=[ValidationIssue(KEY, ("limit", 3, KEY), KEY)],
        request_id=f"r {KEY}",
        retry_after=2.5,
        body=KEY.encode(),
    )
    error.add_note(f"n {KEY}")
    error.more = {f"name {KEY}": [Holder(KEY, 2)]}
    error.headers = CIMultiDict([("X", KEY), ("X", "2"), (KEY, "3")])
    redaction.clean(error)
    assert str(error) == "400 ***: m *** (limit.3.***: ***)"
    assert error.issues == (ValidationIssue("***", ("limit", 3, "***"), "***"),)
    assert (error.request_id, error.retry_after, error.body) == ("r ***", 2.5, b"***")
    assert error.headers == CIMultiDict([("X", "***"), ("X", "2"), ("***", "3")])
    assert (error.__notes__, error.more) == (["n ***"], {"name ***": [Holder("***", 2)]})


def test_the_errors_that_an_error_was_made_from_are_dropped(redaction):
    """They quote what nothing can search, such as a whole body."""
    error = DecodeError("m")
    error.__cause__, error.__context__ = ValueError(KEY), KeyError(KEY)
    redaction.clean(error)
    assert (error.__cause__, error.__context__) == (None, None)


def test_an_error_of_the_operating_system_stays_as_the_cause(redaction):
    """It comes without what it was made from itself."""
    error, cause = ConnectionFailedError("m"), ConnectionResetError(104, "Connection reset by peer")
    cause.__context__ = error.__context__ = ValueError(KEY)
    error.__cause__ = cause
    redaction.clean(error)
    assert error.__cause__ is cause
    assert (error.__context__, cause.__cause__, cause.__context__) == (None, None, None)


def answered(body):
    return Response(200, {}, body, datetime.now(UTC))


def test_an_error_made_from_an_answer_keeps_the_beginning_of_its_body(redaction):
    """It replaces what the error kept before. An error of a class without a body gets none."""
    error = DecodeError(KEY, body=KEY.encode()[:5])
    redaction.clean(error, answered(b"." * (64 * 1024 - 5) + KEY.encode()))
    assert (str(error), error.body) == ("***", b"." * (64 * 1024 - 5) + b"***")
    error = DriftError(KEY, cursor=3)
    redaction.clean(error, answered(b"body"))
    assert vars(error) == {"cursor": 3}
    assert str(error) == "***"


@pytest.mark.parametrize("beginning", ["\\", "%25", "&amp;", "\x00", "&#0", "\\u0", KEY[:-1]])
def test_no_text_makes_the_search_slow(redaction, beginning):
    """A megabyte of beginnings takes a time that grows with its length only; unbounded, it would take hours."""
    assert redaction.text(beginning * (1024 * 1024 // len(beginning))).startswith(beginning)
