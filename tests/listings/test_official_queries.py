"""Every filter of every listing is sent as the official SDK sends it, character by character.

There are two exceptions. The SDK sends an empty ``metadata=`` with calls that do not set it. And it sends a moment as
Python spells it, where this client sends UTC with milliseconds: the moment is the same.
"""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from fakes.wire_listings import ENDPOINTS

from aiotofupilot._listings import filters
from aiotofupilot._wire.query import request_target

PROGRAM = Path(__file__).parent.parent / "clients" / "official_queries.py"
TEXT = "a b+c&d=e/f?g#h%i~j:k,l;m'n\"é🔋"
MOMENT = "2024-01-01T12:00:00.123000+02:00"
METADATA = {"lot": {"in": ["é", "b c"]}, "bay": {"gte": 1, "lt": 2.5}, "rework": {"eq": True}, "x": {"contains": "/"}}


def end_of(spell):
    """Return a filter for one end of a range, the other end being open."""

    def filtered(name, value):
        prefix, _, end = name.rpartition("_")
        return spell(prefix, *((value, None) if end in {"after", "min"} else (None, value)))

    return filtered


def case(name, described):
    """Return what the official SDK is given for a parameter, what this client is given, and the filter for it."""
    values = described.get("enum") or described.get("items", {}).get("enum")
    kind = described.get("format", described["type"])
    if name.startswith("duration_"):  # two listings call it a string, and a third a duration
        kind = "duration"
    if values:
        spell = filters.choices if kind == "array" else filters.choice
        value = values if kind == "array" else values[-1]
        return value, value, lambda name, value: spell(name, value, tuple(values))
    return {
        "array": ([TEXT, "", "b"], [TEXT, "", "b"], filters.strings),
        "string": (TEXT, TEXT, filters.string),
        "boolean": (True, True, filters.boolean),
        "integer": (7, 7, end_of(filters.count_range)),
        "number": (7, 7, end_of(filters.number_range)),
        "object": (METADATA, METADATA, filters.metadata),
        "duration": ("PT1M30.732S", timedelta(seconds=90.732), end_of(filters.duration_range)),
        "date-time": ({"moment": MOMENT}, datetime.fromisoformat(MOMENT), end_of(filters.moment_range)),
    }[kind]


CASES = [
    pytest.param(listing, name, *case(name, described), id=f"{listing}: {name}")
    for listing, endpoint in ENDPOINTS.items()
    for name, described in endpoint["params"].items()
    if name not in {"limit", "cursor"}
]


@pytest.fixture(scope="module")
def official():
    """The query that the official SDK sends for each case, without what it sends anyway."""
    calls = []
    for listing, name, theirs, *_ in (case.values for case in CASES):
        required = {"procedure_id": "p"} if "procedure_id" in ENDPOINTS[listing]["params"] else {}
        calls.append([listing, {**required, name: theirs}])
    ran = subprocess.run(  # noqa: S603 - our own
        [sys.executable, PROGRAM], input=json.dumps(calls), check=True, capture_output=True, text=True
    )
    urls = json.loads(ran.stdout)
    return {case.values[:2]: url for case, url in zip(CASES, urls, strict=True)}


@pytest.mark.parametrize(("listing", "name", "theirs", "ours", "spell"), CASES)
def test_a_filter_is_sent_as_the_official_sdk_sends_it(official, listing, name, theirs, ours, spell):
    """The encoded text is the same."""
    path, _, query = official[listing, name].partition("?")
    assert path.endswith(ENDPOINTS[listing]["path"])
    sent = [pair for pair in query.split("&") if pair.startswith(f"{name}=")]
    spelled = request_target("", spell(name, ours)).removeprefix("?").split("&")
    if isinstance(ours, datetime):
        sent, spelled = ([datetime.fromisoformat(text) for _, text in parse_qsl(pair)] for (pair,) in (sent, spelled))
    assert spelled == sent
