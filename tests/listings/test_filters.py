"""Each filter checks and spells one argument. An error names the wrong argument and the fault."""

import json
import pickle
from collections import OrderedDict
from datetime import UTC, datetime, time, timedelta, timezone
from enum import Enum, IntEnum

import pytest
from hypothesis import given, strategies as st

from aiotofupilot._listings import filters
from aiotofupilot._wire.moments import read_duration

OUTCOMES = ("PASS", "FAIL")
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


def refused(error, check, *arguments, parameter, **options):
    """The message of an error that a filter raises; the error names the parameter, and it still does when pickled."""
    with pytest.raises(error) as caught:
        check(*arguments, **options)
    assert type(caught.value) is error
    assert caught.value.parameter == parameter
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), copy.parameter) == (error, str(caught.value), parameter)
    return str(caught.value)


class TestNoFilter:
    @pytest.mark.parametrize(
        "pairs",
        [
            filters.string("search_query", None),
            filters.strings("ids", None),
            filters.strings("ids", []),
            filters.choice("sort_order", None, ("asc", "desc")),
            filters.choices("outcomes", None, OUTCOMES),
            filters.choices("outcomes", iter(()), OUTCOMES),
            filters.boolean("pushed", None),
            filters.moment_range("created", None, None),
            filters.duration_range("duration", None, None),
            filters.number_range("value", None, None),
            filters.count_range("run_count", None, None),
            filters.metadata("metadata", None),
            filters.metadata("metadata", {}),
        ],
    )
    def test_none_and_what_is_empty_send_nothing(self, pairs):
        """The server then does not filter."""
        assert pairs == ()


class TestString:
    @pytest.mark.parametrize(
        ("value", "sent"), [("", ""), ("a b", "a b"), (Line.BATTERY, "battery"), (Key("x"), "x")], ids=repr
    )
    def test_the_value_is_sent(self, value, sent):
        """The value of a subclass of str is sent, and not its ``str()``."""
        pairs = filters.string("search_query", value)
        assert pairs == (("search_query", sent),)
        assert type(pairs[0][1]) is str

    def test_the_bound_counts_as_javascript_does(self):
        """A character beyond the first 65,536 counts as two."""
        assert filters.string("search_query", "🔋" * 50, at_most=100)
        assert (
            refused(ValueError, filters.string, "search_query", "🔋" * 51, at_most=100, parameter="search_query")
            == "search_query must have at most 100 characters, got 102"
        )

    @pytest.mark.parametrize("value", [b"x", 5, ["x"], True])
    def test_anything_else_is_refused(self, value):
        """Nothing is turned into text."""
        message = refused(TypeError, filters.string, "search_query", value, parameter="search_query")
        assert message == f"search_query must be a string, got {value!r}"

    def test_a_required_one_is_not_left_out(self):
        """None would list everything."""
        message = refused(TypeError, filters.string, "procedure_id", None, required=True, parameter="procedure_id")
        assert message == "procedure_id must be a string, got None"

    def test_half_a_surrogate_pair_is_refused(self):
        """UTF-8 has no bytes for it."""
        assert (
            refused(ValueError, filters.string, "search_query", "\ud83d", parameter="search_query")
            == "search_query has half a surrogate pair and cannot be sent, got '\\ud83d'"
        )


class TestStrings:
    @pytest.mark.parametrize(
        "values", [["a", "b"], ("a", "b"), iter(["a", "b"]), {"a": 1, "b": 2}.keys(), OrderedDict(a=1, b=2).keys()]
    )
    def test_any_iterable_repeats_the_name(self, values):
        """Its order is kept."""
        assert filters.strings("ids", values) == (("ids", "a"), ("ids", "b"))

    def test_the_values_are_sent(self):
        """The values of subclasses of str are sent, and not their ``str()``. An empty string is a value."""
        assert filters.strings("batch_numbers", [Line.BATTERY, ""]) == (
            ("batch_numbers", "battery"),
            ("batch_numbers", ""),
        )

    @pytest.mark.parametrize("values", ["abc", Line.BATTERY, b"abc", bytearray(b"abc"), {"a": 1}, 5, True])
    def test_one_value_where_several_belong_is_refused(self, values):
        """A string would otherwise be sent character by character."""
        message = refused(TypeError, filters.strings, "ids", values, parameter="ids")
        assert message == f"ids must be a list or another iterable of strings, got {values!r}"

    def test_an_element_is_named_by_its_place(self):
        """The attribute names the parameter."""
        message = refused(TypeError, filters.strings, "ids", ["a", 5], parameter="ids")
        assert message == "ids[1] must be a string, got 5"


class TestChoices:
    def test_one_of_a_few_is_sent(self):
        """A member of an enumeration is sent as its value."""
        assert filters.choice("sort_order", "asc", ("asc", "desc")) == (("sort_order", "asc"),)
        assert filters.choices("outcomes", ["FAIL", Line.PASS], OUTCOMES) == (
            ("outcomes", "FAIL"),
            ("outcomes", "PASS"),
        )

    def test_another_string_is_refused(self):
        """The message lists what is allowed."""
        assert (
            refused(ValueError, filters.choice, "sort_order", "up", ("asc", "desc"), parameter="sort_order")
            == "sort_order must be one of 'asc', 'desc', got 'up'"
        )
        assert (
            refused(ValueError, filters.choices, "outcomes", ["PASS", "pass"], OUTCOMES, parameter="outcomes")
            == "outcomes[1] must be one of 'PASS', 'FAIL', got 'pass'"
        )

    def test_another_type_is_refused(self):
        """One string where several belong is of another type too."""
        assert (
            refused(TypeError, filters.choice, "sort_order", 1, ("asc", "desc"), parameter="sort_order")
            == "sort_order must be a string, got 1"
        )
        assert (
            refused(TypeError, filters.choices, "outcomes", "PASS", OUTCOMES, parameter="outcomes")
            == "outcomes must be a list or another iterable of strings, got 'PASS'"
        )


class TestBoolean:
    @pytest.mark.parametrize(("value", "sent"), [(True, "true"), (False, "false")])
    def test_it_is_spelled_as_json_spells_it(self, value, sent):
        """The server takes no capital letter."""
        assert filters.boolean("pushed", value) == (("pushed", sent),)

    @pytest.mark.parametrize("value", [0, 1, "true", []])
    def test_anything_else_is_refused(self, value):
        """Truth is not guessed."""
        message = refused(TypeError, filters.boolean, "pushed", value, parameter="pushed")
        assert message == f"pushed must be True or False, got {value!r}"


class TestMoments:
    def test_rounding_widens_the_range(self):
        """A fraction of a millisecond leaves no item out."""
        assert filters.moment_range("started", MOMENT, MOMENT) == (
            ("started_after", "2024-01-01T10:00:00.123Z"),
            ("started_before", "2024-01-01T10:00:00.124Z"),
        )

    def test_either_end_may_be_open(self):
        """None is no end."""
        assert filters.moment_range("timestamp", None, MOMENT) == (("timestamp_before", "2024-01-01T10:00:00.124Z"),)
        assert filters.moment_range("timestamp", MOMENT, None) == (("timestamp_after", "2024-01-01T10:00:00.123Z"),)

    def test_the_ends_are_in_order(self):
        """The message quotes both."""
        earlier = MOMENT - timedelta(microseconds=1)
        assert (
            refused(ValueError, filters.moment_range, "started", MOMENT, earlier, parameter="started_after")
            == f"started_after must not be later than started_before, got {MOMENT} and {earlier}"
        )

    @pytest.mark.parametrize("value", ["2024-01-01T00:00:00Z", 1704067200])
    def test_what_is_no_datetime_is_refused(self, value):
        """The message says how to make one."""
        message = refused(TypeError, filters.moment_range, "started", None, value, parameter="started_before")
        assert message == (
            f"started_before must be a datetime, got {value!r}; datetime.fromisoformat() turns a string into one"
        )

    def test_a_date_is_refused_with_how_to_make_its_first_moment(self):
        """The first moment of a day depends on the time zone."""
        day = MOMENT.date()
        message = refused(TypeError, filters.moment_range, "started", day, None, parameter="started_after")
        advice = "datetime.combine(day, time(), tzinfo=UTC)"
        assert message == (
            f"started_after must be a datetime, got {day!r}; {advice} is the first moment of a day in UTC"
        )
        assert eval(advice, {"datetime": datetime, "day": day, "time": time, "UTC": UTC}).date() == day  # noqa: S307 - the advice itself

    def test_a_naive_one_is_refused(self):
        """The moment is ambiguous."""
        naive = MOMENT.replace(tzinfo=None)
        message = refused(ValueError, filters.moment_range, "started", naive, None, parameter="started_after")
        assert message.startswith(f"started_after must be timezone-aware, got {naive!r}; ")

    def test_one_that_utc_has_no_year_for_is_refused(self):
        """The API takes years from 1 to 9999."""
        early = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
        message = refused(ValueError, filters.moment_range, "started", early, None, parameter="started_after")
        assert message == f"started_after must be within the years 1 to 9999 in UTC, got {early!r}"


class TestDurations:
    @given(st.timedeltas(min_value=timedelta(0)))
    def test_they_are_sent_in_iso_8601(self, duration):
        """Whoever reads the text gets the duration back."""
        ((name, text),) = filters.duration_range("duration", duration, None)
        assert name == "duration_min"
        assert read_duration(text) == duration

    def test_a_negative_one_is_refused(self):
        """A duration cannot be negative."""
        message = refused(ValueError, filters.duration_range, "duration", None, timedelta(-1), parameter="duration_max")
        assert message == "duration_max must be at least timedelta(0), got datetime.timedelta(days=-1)"

    @pytest.mark.parametrize("value", [5, 1.5, "PT5S", True])
    def test_anything_else_is_refused(self, value):
        """A number would have no unit."""
        message = refused(TypeError, filters.duration_range, "duration", value, None, parameter="duration_min")
        assert message == f"duration_min must be a timedelta, got {value!r}"

    def test_the_ends_are_in_order(self):
        """The message quotes both."""
        low, high = timedelta(seconds=2), timedelta(seconds=1)
        message = refused(ValueError, filters.duration_range, "duration", low, high, parameter="duration_min")
        assert message == "duration_min must not be more than duration_max, got 0:00:02 and 0:00:01"


class TestNumbers:
    @pytest.mark.parametrize(
        ("value", "sent"),
        [(1, "1.0"), (2.5, "2.5"), (-0.5, "-0.5"), (1e22, "1e+22"), (Ratio.HALF, "0.5"), (Count.SEVEN, "7.0")],
        ids=repr,
    )
    def test_they_are_sent_as_floats(self, value, sent):
        """The API types them as floats, and the official SDK sends them so."""
        assert filters.number_range("value", value, value) == (("value_min", sent), ("value_max", sent))

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400], ids=str)
    def test_what_is_not_finite_is_refused(self, value):
        """JSON has no such number."""
        message = refused(ValueError, filters.number_range, "value", value, None, parameter="value_min")
        assert message == f"value_min must be a finite number, got {value!r}"

    @pytest.mark.parametrize("value", [True, "1.5", [1]])
    def test_anything_else_is_refused(self, value):
        """A truth value is no number."""
        message = refused(TypeError, filters.number_range, "value", None, value, parameter="value_max")
        assert message == f"value_max must be a number, got {value!r}"

    def test_the_ends_are_in_order(self):
        """The message quotes both."""
        message = refused(ValueError, filters.number_range, "value", 2, 1.5, parameter="value_min")
        assert message == "value_min must not be more than value_max, got 2.0 and 1.5"


class TestCounts:
    @pytest.mark.parametrize(("value", "sent"), [(3, "3"), (Count.SEVEN, "7"), (Level.TWO, "2")], ids=repr)
    def test_they_are_sent_as_digits(self, value, sent):
        """A member of an enumeration is sent as its value."""
        assert filters.count_range("run_count", value, None) == (("run_count_min", sent),)

    @pytest.mark.parametrize("value", [1.0, "1", True])
    def test_anything_else_is_refused(self, value):
        """A float is none, even if it is whole."""
        message = refused(TypeError, filters.count_range, "run_count", value, None, parameter="run_count_min")
        assert message == f"run_count_min must be an integer, got {value!r}"

    def test_they_are_within_their_bounds_and_in_order(self):
        """The message quotes the bound."""
        assert (
            refused(ValueError, filters.count_range, "run_count", None, -1, parameter="run_count_max")
            == "run_count_max must be at least 0, got -1"
        )
        assert (
            refused(ValueError, filters.count_range, "run_count", 2, 1, parameter="run_count_min")
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
            ({"lot": {"in": (text for text in "ab")}}, '{"lot":{"in":["a","b"]}}'),
            ({"lot": {"contains": "é"}}, '{"lot":{"contains":"\\u00e9"}}'),
            ({"bay": {"lt": 5, "gte": Count.SEVEN}}, '{"bay":{"gte":7.0,"lt":5.0}}'),
            ({"bay": {"eq": 4}}, '{"bay":{"eq":4.0}}'),
            ({"rework": {"eq": False}}, '{"rework":{"eq":false}}'),
            ({Line.BATTERY: {"gt": 1.5}, "b": {"lte": 2}}, '{"battery":{"gt":1.5},"b":{"lte":2.0}}'),
        ],
        ids=str,
    )
    def test_it_is_sent_as_one_json_value(self, value, sent):
        """Keys keep their order, and comparisons have theirs."""
        assert filters.metadata("metadata", value) == (("metadata", sent),)
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
                for condition in [{}, {"is": 1}, {"in": ["a"], "contains": "a"}, {"contains": "a", "gt": 1}, {5: 5}]
            ),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_what_the_api_does_not_know_is_refused(self, value, message):
        """The server would answer with an error that does not say where."""
        assert refused(ValueError, filters.metadata, "metadata", value, parameter="metadata") == message

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
        assert refused(TypeError, filters.metadata, "metadata", value, parameter="metadata") == message


def test_utc_is_kept():
    """A moment in UTC is spelled as it is."""
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    assert filters.moment_range("created", moment, None) == (("created_after", "2024-01-01T00:00:00.000Z"),)
