"""Arguments are checked and sent as their types say. An error names the wrong argument and the fault.

`test_official_queries` holds that each filter of each listing is sent as the official SDK sends it.
"""

import pickle
import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, IntEnum
from urllib.parse import parse_qsl

import pytest
from fakes.listings import LISTINGS, Connection, required
from hypothesis import given, strategies as st

from aiotofupilot import Checkpoint
from aiotofupilot._checks import LARGEST
from aiotofupilot.listings import Phases, Procedures
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import make_run, session_in_process

TIME = datetime(2024, 1, 1, 12, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))
MICROSECOND = timedelta(microseconds=1)


class Line(str, Enum):  # noqa: UP042 - a StrEnum prints its value, and that is not what is tested
    BATTERY = "battery"
    PASS = "PASS"


class Count(int, Enum):
    SEVEN = 7


class Level(IntEnum):
    TWO = 2


class Ratio(float, Enum):
    HALF = 0.5


class Key(str):
    """A string that prints something else."""

    __slots__ = ()

    def __str__(self):
        return "printed"


async def query(listing, **arguments):
    """Return the pairs that a listing is asked for with, decoded, without the usual limit and what is required."""
    connection = Connection()
    assert (await LISTINGS[listing](connection).list(**required(listing) | arguments)).data == []
    (target,) = connection.targets
    path, _, encoded = target.partition("?")
    assert path == f"/v2/{listing}"
    pairs = parse_qsl(encoded, keep_blank_values=True, strict_parsing=True)
    return [pair for pair in pairs if pair not in {("limit", "100"), *required(listing).items()}]


@pytest.mark.parametrize(
    ("listing", "arguments", "sent"),
    [
        # None and what is empty is no filter.
        ("runs", dict.fromkeys(("ids", "sort_order", "started_after", "duration_min", "include_metadata")), {}),
        ("runs", {"ids": [], "outcomes": iter(()), "metadata": {}}, {}),
        *[("procedures", {"cursor": cursor}, {}) for cursor in (None, 0, Checkpoint())],
        # Numbers of pages.
        *[("procedures", {"cursor": cursor}, {"cursor": "7"}) for cursor in (7, Checkpoint(7), Count.SEVEN)],
        ("procedures", {"cursor": Checkpoint(Count.SEVEN)}, {"cursor": "7"}),
        ("procedures", {"cursor": LARGEST, "limit": 1}, {"limit": "1", "cursor": str(LARGEST)}),
        # The value of a subclass is sent, and not its `str()`.
        *[
            ("procedures", {"search_query": value}, {"search_query": text})
            for value, text in [("", ""), ("a b", "a b"), (Line.BATTERY, "battery"), (Key("x"), "x")]
        ],
        ("procedures", {"search_query": "🔋" * 50}, {"search_query": "🔋" * 50}),
        # Any iterable repeats the name, and its order is kept.
        *[
            ("runs", {"ids": values}, [("ids", "a"), ("ids", "b")])
            for values in (
                ["a", "b"],
                ("a", "b"),
                iter(["a", "b"]),
                {"a": 1, "b": 2}.keys(),
                OrderedDict(a=1, b=2).keys(),
            )
        ],
        ("runs", {"ids": [Line.BATTERY, ""]}, [("ids", "battery"), ("ids", "")]),
        ("runs", {"outcomes": ["FAIL", Line.PASS]}, [("outcomes", "FAIL"), ("outcomes", "PASS")]),
        ("runs", {"sort_order": "asc"}, {"sort_order": "asc"}),
        ("deployments", {"pushed": True}, {"pushed": "true"}),
        ("deployments", {"pushed": False}, {"pushed": "false"}),
        # A fraction of a millisecond leaves no item out. Either end may be open.
        (
            *("procedures", {"created_after": TIME, "created_before": TIME}),
            {"created_after": "2024-01-01T10:00:00.123Z", "created_before": "2024-01-01T10:00:00.124Z"},
        ),
        ("procedures", {"created_before": TIME}, {"created_before": "2024-01-01T10:00:00.124Z"}),
        (
            "procedures",
            {"created_after": datetime(2024, 1, 1, tzinfo=UTC)},
            {"created_after": "2024-01-01T00:00:00.000Z"},
        ),
        (  # UTC has no year for it, so it keeps its offset
            *("runs", {"started_after": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))}),
            {"started_after": "0001-01-01T00:00:00.000+01:00"},
        ),
        # The API types numbers as floats.
        *[
            ("measurements", {"value_min": value, "value_max": value}, {"value_min": text, "value_max": text})
            for value, text in [
                *[(1, "1.0"), (2.5, "2.5"), (-0.5, "-0.5"), (1e22, "1e+22"), (Ratio.HALF, "0.5"), (Count.SEVEN, "7.0")]
            ]
        ],
        *[
            ("units", {"run_count_min": value}, {"run_count_min": text})
            for value, text in [(3, "3"), (Count.SEVEN, "7"), (Level.TWO, "2")]
        ],
        # Metadata are one JSON value. Keys keep their order, and comparisons have theirs.
        *[
            ("runs", {"metadata": value}, {"metadata": text})
            for value, text in [
                ({"lot": {"in": ["a", Line.BATTERY]}}, '{"lot":{"in":["a","battery"]}}'),
                ({"lot": {"in": (text for text in "ab")}}, '{"lot":{"in":["a","b"]}}'),
                ({"lot": {"contains": "é"}}, '{"lot":{"contains":"\\u00e9"}}'),
                ({"lot": {"contains": "a", "in": ["a"]}}, '{"lot":{"in":["a"],"contains":"a"}}'),
                ({"bay": {"lt": 5, "gte": Count.SEVEN}}, '{"bay":{"gte":7.0,"lt":5.0}}'),
                ({"bay": {"eq": 4}}, '{"bay":{"eq":4.0}}'),
                ({"rework": {"eq": False}}, '{"rework":{"eq":false}}'),
                ({Line.BATTERY: {"gt": 1.5}, "b": {"lte": 2}}, '{"battery":{"gt":1.5},"b":{"lte":2.0}}'),
            ]
        ],
    ],
)
async def test_an_argument_is_sent_as_its_type_says(listing, arguments, sent):
    assert await query(listing, **arguments) == list(sent.items() if isinstance(sent, dict) else sent)


@given(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=100))
async def test_any_search_up_to_100_characters_is_sent_as_it_is(text):
    """The server decides what it finds."""
    assert await query("procedures", search_query=text) == [("search_query", text)]


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9999)))
async def test_any_duration_is_sent_so_that_the_server_reads_the_same_one(duration):
    """It is written in ISO 8601."""
    sandbox = Sandbox(1, runs=[make_run(duration=duration, started_at=TIME)])
    async with session_in_process(sandbox) as session:
        assert len(await session.runs.list(duration_min=duration, duration_max=duration).collect()) == 1


NO_CONDITION = "metadata['lot'] must be {'in': [...]}, {'contains': ...}, {'eq': ...}, or comparisons by "
NO_CONDITION += "gte, lte, gt, lt, eq, got "
STRINGS = "must be a list or another iterable of strings, got"
HUGE = 10**400


def refusals(listing, error, **messages):
    """Return rows for a parameter: the listing, the argument, the error, and how it goes on after the parameter."""
    ((parameter, rows),) = messages.items()
    return [(listing, {parameter: value}, error, f"{parameter}{message}") for value, message in rows]


REFUSED = [
    *refusals(
        "runs",
        TypeError,
        search_query=[(value, f" must be a string, got {value!r}") for value in (b"x", 5, ["x"], True)],
    ),
    *refusals(
        "procedures",
        ValueError,
        search_query=[
            ("🔋" * 51, " must have at most 100 characters, got 102"),
            ("x" * 101, " must have at most 100 characters, got 101"),
            ("\ud83d", " has half a surrogate pair and cannot be sent, got '\\ud83d'"),
        ],
    ),
    ("phases", {"procedure_id": None}, TypeError, "procedure_id must be a string, got None"),
    *refusals(
        *("runs", TypeError),
        ids=[
            *(
                (value, f" {STRINGS} {value!r}")
                for value in ("abc", Line.BATTERY, b"abc", bytearray(b"abc"), {"a": 1}, 5)
            ),
            (["a", 5], "[1] must be a string, got 5"),
        ],
    ),
    *refusals("runs", TypeError, outcomes=[("PASS", f" {STRINGS} 'PASS'")]),
    *refusals("runs", TypeError, sort_order=[(1, " must be a string, got 1")]),
    *refusals("runs", ValueError, sort_order=[("up", " must be one of 'asc', 'desc', got 'up'")]),
    *refusals("logs", ValueError, run_outcomes=[(["PASS", "pass"], "[1] must be one of 'PASS', 'FAIL', ")]),
    *refusals(
        *("deployments", TypeError),
        pushed=[(value, f" must be True or False, got {value!r}") for value in (0, 1, "true", [])],
    ),
    *refusals(
        *("runs", TypeError),
        started_before=[
            (value, f" must be a datetime such as datetime(2026, 1, 1, tzinfo=UTC), or None, got {value!r}")
            for value in ("2024-01-01T00:00:00Z", 1704067200, TIME.date())
        ],
    ),
    *refusals(
        "runs",
        ValueError,
        started_after=[(naive := TIME.replace(tzinfo=None), f" must be timezone-aware, got {naive!r}")],
    ),
    *refusals(
        *("runs", TypeError),
        duration_min=[(value, f" must be a timedelta, got {value!r}") for value in (5, 1.5, "PT5S", True)],
    ),
    *refusals(
        *("runs", ValueError),
        duration_max=[(timedelta(-1), " must be at least timedelta(0), got datetime.timedelta(days=-1)")],
    ),
    *refusals(
        *("measurements", TypeError),
        value_max=[(value, f" must be a number, got {value!r}") for value in (True, "1.5", [1])],
    ),
    *refusals(
        *("measurements", ValueError),
        value_min=[
            *((value, f" must be a finite number, got {value!r}") for value in map(float, ("nan", "inf", "-inf"))),
            (HUGE, " must be a finite number, got 1000"),
        ],
    ),
    *refusals(
        *("units", TypeError),
        run_count_min=[(value, f" must be an integer, got {value!r}") for value in (1.0, "1", True)],
    ),
    *refusals("units", ValueError, run_count_max=[(-1, " must be at least 0, got -1")]),
    *refusals(
        *("runs", ValueError),
        metadata=[
            ({str(key): {"eq": True} for key in range(6)}, " must have at most 5 keys, got 6"),
            ({"lot": {"in": []}}, "['lot']['in'] must name at least one string, got []"),
            ({"bay": {"gt": float("nan")}}, "['bay']['gt'] must be a finite number, got nan"),
            *(
                ({"lot": condition}, f"{NO_CONDITION}{condition!r}".removeprefix("metadata"))
                for condition in [{}, {"is": 1}, {"in": ["a"], "eq": True}, {"contains": "a", "gt": 1}, {5: 5}]
            ),
        ],
    ),
    *refusals(
        *("runs", TypeError),
        metadata=[
            ("lot", " must be a mapping, got 'lot'"),
            ([("lot", "a")], " must be a mapping, got [('lot', 'a')]"),
            ({"lot": "a"}, "['lot'] must be a mapping, got 'a'"),
            ({"lot": {"in": "ab"}}, f"['lot']['in'] {STRINGS} 'ab'"),
            ({"lot": {"in": [1]}}, "['lot']['in'][0] must be a string, got 1"),
            ({"lot": {"contains": 1}}, "['lot']['contains'] must be a string, got 1"),
            ({"lot": {"eq": "a"}}, "['lot']['eq'] must be a number, got 'a'"),
            ({"lot": {"eq": True, "gt": 1}}, "['lot']['eq'] must be a number, got True"),
        ],
    ),
    ("runs", {"metadata": {5: {"eq": 1}}}, TypeError, "a key of metadata must be a string, got 5"),
    # The ends are in order. The message quotes both.
    (
        *("procedures", {"created_after": TIME, "created_before": TIME - MICROSECOND}, ValueError),
        f"created_after must not be later than created_before, got {TIME} and {TIME - MICROSECOND}",
    ),
    (
        *("runs", {"duration_min": timedelta(seconds=2), "duration_max": timedelta(seconds=1)}, ValueError),
        "duration_min must not be more than duration_max, got 0:00:02 and 0:00:01",
    ),
    (
        *("measurements", {"value_min": 2, "value_max": 1.5}, ValueError),
        "value_min must not be more than value_max, got 2.0 and 1.5",
    ),
    (
        *("units", {"run_count_min": 2, "run_count_max": 1}, ValueError),
        "run_count_min must not be more than run_count_max, got 2 and 1",
    ),
    # Options.
    *[("procedures", {"limit": n}, ValueError, f"limit must be between 1 and 100, got {n}") for n in (0, 101)],
    *[("procedures", {"limit": n}, TypeError, f"limit must be an integer, got {n!r}") for n in ("20", None)],
    *[
        ("runs", {"cursor": n}, ValueError, f"cursor must be between 0 and {LARGEST}, got {n}")
        for n in (-1, LARGEST + 1)
    ],
    ("procedures", {"cursor": 50.0}, TypeError, "cursor must be an integer, got 50.0"),
    # Such as a run with everything in it, in the place of one of its attachments.
    ("procedures", {"limit": "x" * 1_000_000}, TypeError, f"limit must be an integer, got '{'x' * 299}…"),
    (
        *("procedures", {"cursor": "50"}, TypeError),
        "cursor must be an integer or a Checkpoint, got '50': use Checkpoint.parse()",
    ),
    ("procedures", {"max_items": -1}, ValueError, "max_items must be at least 0, got -1"),
    ("procedures", {"max_items": True}, TypeError, "max_items must be an integer, got True"),
    ("procedures", {"concurrency": 0}, ValueError, "concurrency must be at least 1, got 0"),
    ("procedures", {"concurrency": 1.5}, TypeError, "concurrency must be an integer, got 1.5"),
    ("procedures", {"on_drift": "fix"}, ValueError, "on_drift must be one of 'ignore', 'resync', got 'fix'"),
]


@pytest.mark.parametrize(("listing", "arguments", "error", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_named_and_nothing_is_sent(listing, arguments, error, message):
    """The error names the parameter, and it still does when pickled."""
    connection = Connection()
    with pytest.raises(error, match=f"^{re.escape(message)}") as caught:
        LISTINGS[listing](connection).list(**required(listing) | arguments)
    assert type(caught.value) is error
    assert len(str(caught.value)) == len(message) or message.endswith(("got 1000", "'FAIL', "))
    assert caught.value.parameter == re.match(r"(?:a key of )?(\w+)", message)[1]
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), copy.parameter) == (error, str(caught.value), caught.value.parameter)
    assert connection.targets == []


def test_listings_take_arguments_by_name_only():
    """So a reader of the call can tell them apart. A listing of items by procedure lacks it where all are asked for."""
    with pytest.raises(TypeError, match="positional argument"):
        Procedures(Connection()).list(20)
    with pytest.raises(TypeError, match="unexpected keyword argument 'procedure_id'"):
        Phases(Connection()).of_every_procedure(procedure_id="p")
