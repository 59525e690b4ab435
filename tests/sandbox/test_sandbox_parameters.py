"""How the sandbox reads the values of parameters that it accepts: as JavaScript and zod read them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from fakes.asking import ask, ids

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import make_run

NUMBERS = {"7": 7, "50.0": 50, "+7": 7, "1e1": 10, ".5e1": 5, "5.": 5, " 9\n": 9, "100": 100}
BEGAN = datetime(2024, 2, 29, 23, 59, 59, 900_000, tzinfo=UTC)
TIMES = {
    "2024-02-29T23:59:59.9Z": BEGAN,
    "2024-02-29T23:59:59.900999999Z": BEGAN,
    "2024-03-01T01:59:59.9+02:00": BEGAN,
    "2024-02-29T00:00:59.9-23:59": BEGAN,
    "2024-01-01T00:00Z": datetime(2024, 1, 1, tzinfo=UTC),
    "2024-01-01T02:00+02:00": datetime(2024, 1, 1, tzinfo=UTC),
}
DURATIONS = {"PT1M30.732S": timedelta(seconds=90.732), "PT1,5S": timedelta(seconds=1.5), "P2W": timedelta(days=14)}
DURATIONS |= {"P1Y2M3DT4H": timedelta(days=428, hours=4), "PT0S": timedelta(0)}
METADATA = {"shift": "Night B", "humidity": 41.5, "layers": 8, "rework": False}
CONDITIONS = [
    ({"shift": {"in": ["Night A", "Night B"]}}, True),
    ({"shift": {"in": ["Night"]}}, False),
    ({"shift": {"in": []}}, False),
    ({"shift": {"contains": "ght"}}, True),
    ({"shift": {"contains": "day"}}, False),
    ({"shift": {"in": ["Night B"], "contains": "A"}}, False),
    ({"shift": {"eq": 1}}, False),
    ({"shift": {}}, True),
    ({"humidity": {"gte": 41.5, "lte": 41.5}}, True),
    ({"humidity": {"gt": 41.5}}, False),
    ({"humidity": {"lt": 41.5}}, False),
    ({"humidity": {"contains": "4"}}, False),
    ({"layers": {"eq": 8.0}}, True),
    ({"layers": {"eq": True}}, False),
    ({"rework": {"eq": False}}, True),
    ({"rework": {"eq": True}}, False),
    ({"rework": {"eq": 0}}, False),
    ({"rework": {"lt": 1}}, False),
    ({"nope": {"eq": 1}}, False),
    ({"nope": {}}, False),
    ({"layers": {"gt": 7}, "rework": {"eq": False}}, True),
    ({"layers": {"gt": 7}, "rework": {"eq": True}}, False),
    ({}, True),
]


@pytest.fixture(scope="module")
def service():
    return Sandbox(150, runs=10)


def test_a_number_is_what_javascript_reads(service):
    """It is a limit, a cursor, or a bound. An empty text is zero."""
    for text, number in NUMBERS.items():
        ask(service, "procedures", {"limit": text, "cursor": text})
        page = service.requests[-1].page
        assert (page.cursor, len(page.data)) == (number, min(number, 150 - number)), text
    assert ask(service, "procedures", {"cursor": ""}) == ask(service, "procedures")
    assert len(ask(service, "procedures")[1]["data"]) == 50
    safe = str(2**53 - 1)
    assert ask(service, "procedures", {"cursor": safe})[1]["data"] == []
    assert ids(service, "units", {"run_count_min": f"-{safe}", "run_count_max": safe}) == ids(service, "units")


def test_a_text_has_at_most_100_utf_16_units(service):
    """An emoji has two. Half of one is a text too."""
    for text in ("a" * 100, "ä" * 100, "🔋" * 50, "\ud800" * 100):
        assert ask(service, "procedures", {"search_query": text})[0] == 200


def test_a_time_has_an_offset_and_is_cut_to_milliseconds():
    """Its seconds may be missing."""
    for text, time in TIMES.items():
        second = timedelta(milliseconds=1)
        times = [time, time - second, time + second]
        service = Sandbox(1, runs=[evolve(make_run(), id=str(at), started_at=at) for at in times])
        after, before = (set(ids(service, "runs", {name: text})) for name in ("started_after", "started_before"))
        assert after == {str(at) for at in times if at >= time}, text
        assert before == {str(at) for at in times if at <= time}, text


def test_a_duration_is_one_of_iso_8601():
    runs = [make_run(duration=duration, id=str(duration)) for duration in DURATIONS.values()]
    service = Sandbox(1, runs=runs)
    for text, duration in DURATIONS.items():
        longer = [run.id for run in runs if run.duration >= duration]
        assert sorted(ids(service, "runs", {"duration_min": text})) == sorted(longer), text
        assert ids(service, "runs", {"duration_min": text, "duration_max": text}) == [str(duration)]


def test_all_conditions_of_metadata_have_to_be_met():
    """A condition is met only by a value of the same type. An empty text, which the official SDK sends, is none."""
    service = Sandbox(1, runs=[make_run(metadata=METADATA)])
    for conditions, matching in CONDITIONS:
        assert bool(ids(service, "runs", {"metadata": json.dumps(conditions)})) is matching, conditions
    assert ids(service, "runs", {"metadata": ""}) == [service.runs[0].id]
    five = {str(n): n for n in range(5)}
    service.runs.insert(0, make_run(id="five", metadata=five))
    assert ids(service, "runs", {"metadata": json.dumps({n: {"eq": value} for n, value in five.items()})}) == ["five"]


def test_a_boolean_is_true_false_1_or_0(service):
    """A single value is an array of one, also an empty value, and other parameters are ignored."""
    for texts, shown in ((("true", "1"), True), (("false", "0"), False)):
        for text in texts:
            items = ask(service, "runs", {"include_metadata": text})[1]["data"]
            assert {"metadata" in item for item in items} == {shown}
    none = [run.id for run in service.runs if run.unit.batch is None]
    assert ids(service, "runs", {"batch_numbers": "", "bogus": "1"}) == none
    assert ids(service, "runs", [("outcomes", "PASS"), ("outcomes", "PASS")]) == [
        run.id for run in service.runs if run.outcome == "PASS"
    ]
