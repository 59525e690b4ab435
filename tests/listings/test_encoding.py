"""Arguments are checked and sent as their types say. An error names the wrong argument and the fault."""

import json
import pickle
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, IntEnum
from typing import Annotated, Literal, Required, TypedDict

import pytest
from hypothesis import given, strategies as st

from aiotofupilot._wire.times import read_duration
from aiotofupilot.listings._declaration import Bounds, arguments_of
from aiotofupilot.listings._encoding import query_of
from aiotofupilot.listings._shared import MetadataFilter


class Arguments(TypedDict, total=False):
    """A filter of each kind."""

    procedure_id: Required[Annotated[str, "Required."]]
    search_query: Annotated[str | None, "A text.", Bounds(high=100)]
    ids: Annotated[Sequence[str] | None, "Texts."]
    sort_order: Annotated[Literal["asc", "desc"] | None, "A word."]
    outcomes: Annotated[Sequence[Literal["PASS", "FAIL"]] | None, "Words."]
    pushed: Annotated[bool | None, "A flag."]
    started_after: Annotated[datetime | None, "A bound."]
    started_before: Annotated[datetime | None, "A bound."]
    duration_min: Annotated[timedelta | None, "A bound."]
    duration_max: Annotated[timedelta | None, "A bound."]
    value_min: Annotated[float | None, "A bound."]
    value_max: Annotated[float | None, "A bound."]
    run_count_min: Annotated[int | None, "A bound.", Bounds(0)]
    run_count_max: Annotated[int | None, "A bound.", Bounds(0)]
    metadata: Annotated[MetadataFilter | None, "Conditions."]


FILTERS = arguments_of(Arguments)
MOMENT = datetime(2024, 1, 1, 12, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))


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


def query(**given):
    """The query that is sent for some filters, in the order in which they are declared."""
    asked = [argument for argument in FILTERS if argument.name in given]
    assert len(asked) == len(given)
    return query_of(asked, given)


def refused(error, parameter, **given):
    """The message of an error that a filter raises; the error names the parameter, and it still does when pickled."""
    with pytest.raises(error) as caught:
        query(**given)
    assert type(caught.value) is error
    assert caught.value.parameter == parameter
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), copy.parameter) == (error, str(caught.value), parameter)
    return str(caught.value)


class TestNoFilter:
    def test_none_and_what_is_empty_send_nothing(self):
        """The server then does not filter."""
        for argument in FILTERS:
            if not argument.is_required:
                assert query(**{argument.name: None}) == ()
        assert query(ids=[], outcomes=iter(()), metadata={}) == ()


class TestString:
    @pytest.mark.parametrize(
        ("value", "sent"), [("", ""), ("a b", "a b"), (Line.BATTERY, "battery"), (Key("x"), "x")], ids=repr
    )
    def test_the_value_is_sent(self, value, sent):
        """The value of a subclass of str is sent, and not its ``str()``."""
        pairs = query(search_query=value)
        assert pairs == (("search_query", sent),)
        assert type(pairs[0][1]) is str

    def test_the_bound_counts_as_javascript_does(self):
        """A character beyond the first 65,536 counts as two."""
        assert query(search_query="🔋" * 50)
        assert (
            refused(ValueError, "search_query", search_query="🔋" * 51)
            == "search_query must have at most 100 characters, got 102"
        )

    @pytest.mark.parametrize("value", [b"x", 5, ["x"], True])
    def test_anything_else_is_refused(self, value):
        """Nothing is turned into text."""
        message = refused(TypeError, "search_query", search_query=value)
        assert message == f"search_query must be a string, got {value!r}"

    def test_a_required_one_is_not_left_out(self):
        """None would list everything."""
        message = refused(TypeError, "procedure_id", procedure_id=None)
        assert message == "procedure_id must be a string, got None"

    def test_half_a_surrogate_pair_is_refused(self):
        """UTF-8 has no bytes for it."""
        assert (
            refused(ValueError, "search_query", search_query="\ud83d")
            == "search_query has half a surrogate pair and cannot be sent, got '\\ud83d'"
        )


class TestStrings:
    @pytest.mark.parametrize(
        "values", [["a", "b"], ("a", "b"), iter(["a", "b"]), {"a": 1, "b": 2}.keys(), OrderedDict(a=1, b=2).keys()]
    )
    def test_any_iterable_repeats_the_name(self, values):
        """Its order is kept."""
        assert query(ids=values) == (("ids", "a"), ("ids", "b"))

    def test_the_values_are_sent(self):
        """The values of subclasses of str are sent, and not their ``str()``. An empty string is a value."""
        assert query(ids=[Line.BATTERY, ""]) == (
            ("ids", "battery"),
            ("ids", ""),
        )

    @pytest.mark.parametrize("values", ["abc", Line.BATTERY, b"abc", bytearray(b"abc"), {"a": 1}, 5, True])
    def test_one_value_where_several_belong_is_refused(self, values):
        """A string would otherwise be sent character by character."""
        message = refused(TypeError, "ids", ids=values)
        assert message == f"ids must be a list or another iterable of strings, got {values!r}"

    def test_an_element_is_named_by_its_place(self):
        """The attribute names the parameter."""
        message = refused(TypeError, "ids", ids=["a", 5])
        assert message == "ids[1] must be a string, got 5"


class TestChoices:
    def test_one_of_a_few_is_sent(self):
        """A member of an enumeration is sent as its value."""
        assert query(sort_order="asc") == (("sort_order", "asc"),)
        assert query(outcomes=["FAIL", Line.PASS]) == (
            ("outcomes", "FAIL"),
            ("outcomes", "PASS"),
        )

    def test_another_string_is_refused(self):
        """The message lists what is allowed."""
        assert refused(ValueError, "sort_order", sort_order="up") == "sort_order must be one of 'asc', 'desc', got 'up'"
        assert (
            refused(ValueError, "outcomes", outcomes=["PASS", "pass"])
            == "outcomes[1] must be one of 'PASS', 'FAIL', got 'pass'"
        )

    def test_another_type_is_refused(self):
        """One string where several belong is of another type too."""
        assert refused(TypeError, "sort_order", sort_order=1) == "sort_order must be a string, got 1"
        assert (
            refused(TypeError, "outcomes", outcomes="PASS")
            == "outcomes must be a list or another iterable of strings, got 'PASS'"
        )


class TestBoolean:
    @pytest.mark.parametrize(("value", "sent"), [(True, "true"), (False, "false")])
    def test_it_is_spelled_as_json_spells_it(self, value, sent):
        """The server takes no capital letter."""
        assert query(pushed=value) == (("pushed", sent),)

    @pytest.mark.parametrize("value", [0, 1, "true", []])
    def test_anything_else_is_refused(self, value):
        """Truth is not guessed."""
        message = refused(TypeError, "pushed", pushed=value)
        assert message == f"pushed must be True or False, got {value!r}"


class TestMoments:
    def test_rounding_widens_the_range(self):
        """A fraction of a millisecond leaves no item out."""
        assert query(started_after=MOMENT, started_before=MOMENT) == (
            ("started_after", "2024-01-01T10:00:00.123Z"),
            ("started_before", "2024-01-01T10:00:00.124Z"),
        )

    def test_either_end_may_be_open(self):
        """None is no end."""
        assert query(started_before=MOMENT) == (("started_before", "2024-01-01T10:00:00.124Z"),)
        assert query(started_after=MOMENT) == (("started_after", "2024-01-01T10:00:00.123Z"),)

    def test_the_ends_are_in_order(self):
        """The message quotes both."""
        earlier = MOMENT - timedelta(microseconds=1)
        assert (
            refused(ValueError, "started_after", started_after=MOMENT, started_before=earlier)
            == f"started_after must not be later than started_before, got {MOMENT} and {earlier}"
        )

    @pytest.mark.parametrize("value", ["2024-01-01T00:00:00Z", 1704067200, MOMENT.date()])
    def test_what_is_no_datetime_is_refused(self, value):
        message = refused(TypeError, "started_before", started_before=value)
        assert message == f"started_before must be a datetime or None, got {value!r}"

    def test_a_naive_one_is_refused(self):
        """The moment is ambiguous."""
        naive = MOMENT.replace(tzinfo=None)
        message = refused(ValueError, "started_after", started_after=naive)
        assert message == f"started_after must be timezone-aware, got {naive!r}"

    def test_one_that_utc_has_no_year_for_keeps_its_offset(self):
        early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
        assert query(started_after=early) == (("started_after", "0001-01-01T00:00:00.000+01:00"),)


class TestDurations:
    @given(st.timedeltas(min_value=timedelta(0)))
    def test_they_are_sent_in_iso_8601(self, duration):
        """Whoever reads the text gets the duration back."""
        ((name, text),) = query(duration_min=duration)
        assert name == "duration_min"
        assert read_duration(text) == duration

    def test_a_negative_one_is_refused(self):
        """A duration cannot be negative."""
        message = refused(ValueError, "duration_max", duration_max=timedelta(-1))
        assert message == "duration_max must be at least timedelta(0), got datetime.timedelta(days=-1)"

    @pytest.mark.parametrize("value", [5, 1.5, "PT5S", True])
    def test_anything_else_is_refused(self, value):
        """A number would have no unit."""
        message = refused(TypeError, "duration_min", duration_min=value)
        assert message == f"duration_min must be a timedelta, got {value!r}"

    def test_the_ends_are_in_order(self):
        """The message quotes both."""
        low, high = timedelta(seconds=2), timedelta(seconds=1)
        message = refused(ValueError, "duration_min", duration_min=low, duration_max=high)
        assert message == "duration_min must not be more than duration_max, got 0:00:02 and 0:00:01"


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "sent"),
        [(1, "1.0"), (2.5, "2.5"), (-0.5, "-0.5"), (1e22, "1e+22"), (Ratio.HALF, "0.5"), (Count.SEVEN, "7.0")],
        ids=repr,
    )
    def test_they_are_sent_as_floats(self, value, sent):
        """The API types them as floats, and the official SDK sends them so."""
        assert query(value_min=value, value_max=value) == (("value_min", sent), ("value_max", sent))

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400], ids=str)
    def test_what_is_not_finite_is_refused(self, value):
        """JSON has no such number."""
        message = refused(ValueError, "value_min", value_min=value)
        whole = f"value_min must be a finite number, got {value!r}"
        assert message == (whole if value != 10**400 else f"{whole[: len(message) - 1]}…")
        assert "number, got " in message

    @pytest.mark.parametrize("value", [True, "1.5", [1]])
    def test_anything_else_is_refused(self, value):
        """A truth value is no number."""
        message = refused(TypeError, "value_max", value_max=value)
        assert message == f"value_max must be a number, got {value!r}"

    def test_the_ends_are_in_order(self):
        """The message quotes both."""
        message = refused(ValueError, "value_min", value_min=2, value_max=1.5)
        assert message == "value_min must not be more than value_max, got 2.0 and 1.5"


class TestCounts:
    @pytest.mark.parametrize(("value", "sent"), [(3, "3"), (Count.SEVEN, "7"), (Level.TWO, "2")], ids=repr)
    def test_they_are_sent_as_digits(self, value, sent):
        """A member of an enumeration is sent as its value."""
        assert query(run_count_min=value) == (("run_count_min", sent),)

    @pytest.mark.parametrize("value", [1.0, "1", True])
    def test_anything_else_is_refused(self, value):
        """A float is none, even if it is whole."""
        message = refused(TypeError, "run_count_min", run_count_min=value)
        assert message == f"run_count_min must be an integer, got {value!r}"

    def test_they_are_within_their_bounds_and_in_order(self):
        """The message quotes the bound."""
        assert refused(ValueError, "run_count_max", run_count_max=-1) == "run_count_max must be at least 0, got -1"
        assert (
            refused(ValueError, "run_count_min", run_count_min=2, run_count_max=1)
            == "run_count_min must not be more than run_count_max, got 2 and 1"
        )


NO_CONDITION = (
    "metadata['lot'] must be {'in': [...]}, {'contains': ...}, {'eq': ...}, "
    "or comparisons by gte, lte, gt, lt, eq, got "
)


class TestMetadata:
    @pytest.mark.parametrize(
        ("value", "sent"),
        [
            ({"lot": {"in": ["a", Line.BATTERY]}}, '{"lot":{"in":["a","battery"]}}'),
            pytest.param({"lot": {"in": (text for text in "ab")}}, '{"lot":{"in":["a","b"]}}', id="a generator"),
            ({"lot": {"contains": "é"}}, '{"lot":{"contains":"\\u00e9"}}'),
            ({"lot": {"contains": "a", "in": ["a"]}}, '{"lot":{"in":["a"],"contains":"a"}}'),
            ({"bay": {"lt": 5, "gte": Count.SEVEN}}, '{"bay":{"gte":7.0,"lt":5.0}}'),
            ({"bay": {"eq": 4}}, '{"bay":{"eq":4.0}}'),
            ({"rework": {"eq": False}}, '{"rework":{"eq":false}}'),
            ({Line.BATTERY: {"gt": 1.5}, "b": {"lte": 2}}, '{"battery":{"gt":1.5},"b":{"lte":2.0}}'),
        ],
        ids=str,
    )
    def test_it_is_sent_as_one_json_value(self, value, sent):
        """Keys keep their order, and comparisons have theirs."""
        assert query(metadata=value) == (("metadata", sent),)
        assert json.loads(sent)

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({str(key): {"eq": True} for key in range(6)}, "metadata must have at most 5 keys, got 6"),
            ({"lot": {"in": []}}, "metadata['lot']['in'] must name at least one string, got []"),
            ({"bay": {"gt": float("nan")}}, "metadata['bay']['gt'] must be a finite number, got nan"),
            *(
                (
                    {"lot": condition},
                    NO_CONDITION + repr(condition),
                )
                for condition in [{}, {"is": 1}, {"in": ["a"], "eq": True}, {"contains": "a", "gt": 1}, {5: 5}]
            ),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_what_the_api_does_not_know_is_refused(self, value, message):
        """The server would answer with an error that does not say where."""
        assert refused(ValueError, "metadata", metadata=value) == message

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("lot", "metadata must be a mapping, got 'lot'"),
            ([("lot", "a")], "metadata must be a mapping, got [('lot', 'a')]"),
            ({5: {"eq": 1}}, "a key of metadata must be a string, got 5"),
            ({"lot": "a"}, "metadata['lot'] must be a mapping, got 'a'"),
            ({"lot": {"in": "ab"}}, "metadata['lot']['in'] must be a list or another iterable of strings, got 'ab'"),
            ({"lot": {"in": [1]}}, "metadata['lot']['in'][0] must be a string, got 1"),
            ({"lot": {"contains": 1}}, "metadata['lot']['contains'] must be a string, got 1"),
            ({"lot": {"eq": "a"}}, "metadata['lot']['eq'] must be a number, got 'a'"),
            ({"lot": {"eq": True, "gt": 1}}, "metadata['lot']['eq'] must be a number, got True"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_what_is_of_another_type_is_refused(self, value, message):
        """The message names the place within the filter."""
        assert refused(TypeError, "metadata", metadata=value) == message


def test_utc_is_kept():
    """A moment in UTC is spelled as it is."""
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    assert query(started_after=moment) == (("started_after", "2024-01-01T00:00:00.000Z"),)
