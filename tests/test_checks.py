"""A wrong argument is an error where it is given. The error has its name, its bound and its value."""

import math
import re
from datetime import UTC, datetime
from enum import Enum

import pytest
from hypothesis import given, strategies as st

from aiotofupilot._checks import as_str, aware, boolean, integer, one_of, seconds

A_DATETIME = "must be a datetime such as datetime(2026, 1, 1, tzinfo=UTC), or None"


class Indexable:
    """An integer that is not an int, like those of NumPy."""

    def __index__(self):
        return 7


@pytest.mark.parametrize(("value", "number"), [(1, 1), (100, 100), (Indexable(), 7)])
def test_integers_within_their_bounds_pass_as_ints(value, number):
    """An integer is whatever Python accepts as an index."""
    assert integer("limit", value, low=1, high=100) == number
    assert type(integer("limit", value, low=1, high=100)) is int


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None, b"1", [1]])
def test_what_is_not_an_integer_is_a_type_error(value):
    """A bool would count as 1 or 0, and a float as its whole part. Both are mistakes."""
    with pytest.raises(TypeError) as caught:
        integer("limit", value, low=0)
    assert str(caught.value) == f"limit must be an integer, got {value!r}"


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (0, {"low": 1, "high": 100}, "limit must be between 1 and 100, got 0"),
        (101, {"low": 1, "high": 100}, "limit must be between 1 and 100, got 101"),
        (-1, {"low": 0}, "limit must be at least 0, got -1"),
    ],
)
def test_an_integer_out_of_bounds_is_a_value_error(value, bounds, message):
    """The message has the bound and the value."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its whole message is compared
        integer("limit", value, **bounds)
    assert str(caught.value) == message


@given(st.integers(), st.integers())
def test_an_integer_passes_exactly_from_its_low_bound_on(value, low):
    if value >= low:
        assert integer("cursor", value, low=low) == value
    else:
        with pytest.raises(ValueError, match="cursor must be at least"):
            integer("cursor", value, low=low)


@pytest.mark.parametrize("value", [0, 0.0, 30, 0.25, 1e300])
def test_seconds_are_finite_numbers_from_0_on(value):
    """They come out as floats."""
    assert seconds("timeout", value) == value
    assert type(seconds("timeout", value)) is float


@pytest.mark.parametrize("value", [True, "30", None, 30j])
def test_what_is_not_a_number_of_seconds_is_a_type_error(value):
    """Text is not parsed."""
    with pytest.raises(TypeError) as caught:
        seconds("timeout", value)
    assert str(caught.value) == f"timeout must be a number of seconds, got {value!r}"


@pytest.mark.parametrize("value", [-1, -0.1, math.inf, -math.inf, math.nan, 10**400])
def test_seconds_out_of_bounds_are_a_value_error(value):
    """An int that is larger than any float is out of bounds too."""
    with pytest.raises(ValueError, match="timeout must be 0 or more seconds and finite, got "):
        seconds("timeout", value)


@pytest.mark.parametrize("value", [0, 0.0, -1])
def test_zero_seconds_are_refused_where_they_mean_nothing(value):
    """A timeout of zero would let nothing through."""
    with pytest.raises(ValueError, match=r"timeout must be more than 0 seconds and finite, got "):
        seconds("timeout", value, zero=False)


def test_a_long_value_is_shown_in_part():
    """Such as a run with everything in it, given in the place of one of its attachments."""
    with pytest.raises(TypeError) as caught:
        integer("limit", "x" * 1_000_000, low=1)
    assert str(caught.value) == f"limit must be an integer, got '{'x' * 299}…"


def test_one_of_a_few_passes_as_it_is():
    assert one_of("on_drift", "raise", ("ignore", "raise")) == "raise"


@pytest.mark.parametrize("value", ["Raise", "", None, True, ["raise"]])
def test_none_of_a_few_is_a_value_error_that_lists_them(value):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its whole message is compared
        one_of("on_drift", value, ("ignore", "raise"))
    assert str(caught.value) == f"on_drift must be one of 'ignore', 'raise', got {value!r}"


def test_a_plain_string_is_the_value_of_an_enumerations_member():
    """The result is of exactly the type str."""

    class Line(str, Enum):  # noqa: UP042 - str() of a StrEnum member is its value
        BATTERY = "battery"

    assert as_str(Line.BATTERY) == "battery"
    assert type(as_str(Line.BATTERY)) is str


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_true_or_false(value):
    """The value comes back as it was given."""
    assert boolean("allow", value) is value


@pytest.mark.parametrize("value", [0, 1, "true", None, []])
def test_what_only_counts_as_true_or_false_is_refused(value):
    """The message names the argument and the value."""
    with pytest.raises(TypeError, match=f"^allow must be True or False, got {re.escape(repr(value))}$") as caught:
        boolean("allow", value)
    assert caught.value.parameter == "allow"


@pytest.mark.parametrize("moment", [None, datetime(2026, 1, 5, tzinfo=UTC)])
def test_a_timestamp_passes_as_it_is(moment):
    """None stands for no moment."""
    assert aware("start", moment) is moment


@pytest.mark.parametrize(
    ("value", "kind", "complaint"),
    [
        ("2026-01-05", TypeError, f"start {A_DATETIME}, got '2026-01-05'"),
        (datetime(2026, 1, 5).date(), TypeError, f"start {A_DATETIME}, got datetime.date(2026, 1, 5)"),  # noqa: DTZ001 - a day
        (datetime(2026, 1, 5), ValueError, "start must be timezone-aware, got datetime.datetime(2026, 1, 5, 0, 0)"),  # noqa: DTZ001 - naive
    ],
)
def test_what_is_not_an_aware_timestamp_is_refused_by_name(value, kind, complaint):
    with pytest.raises(kind, match=f"^{re.escape(complaint)}$") as caught:
        aware("start", value)
    assert caught.value.parameter == "start"
