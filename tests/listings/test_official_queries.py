"""Every filter that the official SDK knows is sent as the official SDK sends it, character by character.

There are three exceptions. The SDK sends an empty ``metadata=`` with calls that do not set it, and limits and cursors
of its own. And it sends a moment as Python spells it, where this client sends UTC with milliseconds: the moment is the
same.
"""

from datetime import datetime, timedelta
from urllib.parse import unquote_plus

import pytest
from fakes.listings import LISTINGS, Connection, required
from fakes.wire_listings import ENDPOINTS

TEXT = "a b+c&d=e/f?g#h%i~j:k,l;m'n\"é🔋"
MOMENT = "2024-01-01T12:00:00.123000+02:00"
METADATA = {"lot": {"in": ["é", "b c"]}, "bay": {"gte": 1, "lt": 2.5}, "rework": {"eq": True}, "x": {"contains": "/"}}


def values(name, described):
    """Return what the official SDK is given for a parameter, and what this client is given."""
    words = described.get("enum") or described.get("items", {}).get("enum")
    kind = described.get("format", described["type"])
    if name.startswith("duration_"):  # two listings call it a string, and a third a duration
        kind = "duration"
    if words:
        kind = f"{kind} of words"
    return {
        "array": ([TEXT, "", "b"], [TEXT, "", "b"]),
        "array of words": (words, words),
        "string": (TEXT, TEXT),
        "string of words": (words and words[-1],) * 2,
        "boolean": (True, True),
        "integer": (7, 7),
        "number": (7.25, 7.25),
        "object": (METADATA, METADATA),
        "duration": ("PT1M30.732S", timedelta(seconds=90.732)),
        "date-time": ({"moment": MOMENT}, datetime.fromisoformat(MOMENT)),
    }[kind]


def calls():
    """Yield a call of each listing with no filter, one with each filter, and one with all of them."""
    for listing in LISTINGS:
        parameters = ENDPOINTS[listing]["params"]
        known = [name for name, fact in parameters.items() if fact.get("in_sdk", True)]
        filters = {name: values(name, parameters[name]) for name in known if name not in {"limit", "cursor"}}
        needed = {name: (value, value) for name, value in required(listing).items()}
        yield f"{listing}: nothing", listing, needed
        for name, value in filters.items():
            yield f"{listing}: {name}", listing, {**needed, name: value}
        yield f"{listing}: everything", listing, filters


CALLS = list(calls())


@pytest.fixture(scope="module")
def official(official_sdk):
    """The URL that the official SDK asks for with each call."""
    asked = [[listing, {name: theirs for name, (theirs, _) in filters.items()}] for _, listing, filters in CALLS]
    return official_sdk.ask("official_queries.py", asked=asked)


def query(target, filters):
    """Return the encoded pairs of a URL that belong to filters, sorted, with moments read. Keys repeat in order."""
    pairs = [pair.partition("=") for pair in target.partition("?")[2].split("&")]
    sent = [(name, value) for name, _, value in pairs if name in filters]
    read = [
        (name, datetime.fromisoformat(unquote_plus(value)) if name.endswith(("_after", "_before")) else value)
        for name, value in sent
    ]
    return sorted(read, key=lambda pair: pair[0])


async def test_every_filter_is_sent_as_the_official_sdk_sends_it(official):
    """The encoded text is the same, and this client sends nothing that was not asked for."""
    wrong = []
    for (call, listing, filters), url in zip(CALLS, official, strict=True):
        connection = Connection()
        await LISTINGS[listing](connection).list(**{name: ours for name, (_, ours) in filters.items()})
        (target,) = connection.targets
        assert url.partition("?")[0] == "http://127.0.0.1:9" + target.partition("?")[0]
        names = {pair.partition("=")[0] for pair in target.partition("?")[2].split("&")}
        if query(target, filters) != query(url, filters) or names != {"limit", *filters}:
            wrong.append((call, target, url))
    assert wrong == []
    assert len(CALLS) > 170
