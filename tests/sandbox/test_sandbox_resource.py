"""The building blocks of filters."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from aiotofupilot.sandbox import Factory
from aiotofupilot.sandbox.resource import among, at_least, at_most, contains, everything, since, until

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("test", "wanted", "values", "expected"),
    [
        (among, {"a", "b"}, ["a", "b", "c", None], ["a", "b"]),
        (contains, "B", ["abc", "b", "c", "", None], ["abc", "b"]),
        (at_least, 5, [4, 5, 6, None], [5, 6]),
        (at_most, 5, [4, 5, 6, None], [4, 5]),
        (since, NOON, [NOON - MICROSECOND, NOON, None], [NOON]),
        (
            until,
            NOON,
            [NOON, NOON + 999 * MICROSECOND, NOON + 1000 * MICROSECOND, None],
            [NOON, NOON + 999 * MICROSECOND],
        ),
    ],
)
def test_a_filter_selects_items_with_a_fitting_value(test, wanted, values, expected):
    """None is not a value."""
    predicate = test(lambda item: item.value)(wanted, Factory())
    assert [value for value in values if predicate(SimpleNamespace(value=value))] == expected


def test_the_predicate_everything_selects_every_item():
    assert everything(None)
