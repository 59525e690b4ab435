"""The database of the simulation lists equal times as Postgres was measured to list them."""

from random import Random

import pytest
from fakes.database import FILTERS, ORDERS, Listed

from aiotofupilot.testing import FakeClock

NOW = FakeClock().now()
AT = NOW.replace(microsecond=123_456)


def listed(ranks):
    """Return rows of these ranks in the order of an index. The last one was stored first."""
    return [Listed(at, rank, -at) for at, rank in enumerate(ranks)]


def shown(rows, order, limit=100):
    """Return the rows on the pages of a table that stands still."""
    random = Random(1)  # noqa: S311 - it hides nothing
    pages = [ORDERS[order](rows, start, start + limit, random.randrange) for start in range(0, len(rows), limit)]
    for start, page in zip(range(0, len(rows), limit), pages, strict=True):
        assert order == "unsorted" or [row.rank for row in page] == [row.rank for row in rows[start : start + limit]]
    return [row.row for page in pages for row in page]


@pytest.mark.parametrize("order", [order for order in ORDERS if order != "index"])
def test_without_an_index_pages_by_offset_miss_some_of_equal_times_and_double_others(order):
    """Of 3,000 rows of which 35 share a time; Postgres missed 714 of 21,244."""
    rows = listed([at // 35 for at in range(3000)])
    pages = shown(rows, order)
    assert len(pages) == 3000
    least = 1 if order == "heap from an offset" else 3000 / 100  # the second half is sorted as a whole
    assert least <= 3000 - len({*pages}) < 3000 / 2
    assert shown(rows, "index") == [*range(3000)]


@pytest.mark.parametrize("order", [order for order in ORDERS if order != "unsorted"])
def test_where_all_times_differ_every_order_is_that_of_an_index(order):
    assert shown(listed(range(500)), order, limit=20) == [*range(500)]


@pytest.mark.parametrize("number", [300, 500])
def test_one_of_so_many_equal_rows_is_shown_at_no_offset(number):
    """Postgres shows 299 of 300 and 499 of 500, through every offset."""
    rows = listed([0] * number)
    seen = {row.row for start in range(number) for row in ORDERS["heap"](rows, start, start + 100, None)}
    assert len(seen) == number - 1


def test_a_heap_of_few_rows_is_sorted_as_a_whole():
    rows = listed([0] * 20)
    assert [row.row for row in ORDERS["heap"](rows, 0, 9, None)] == [*range(19, 10, -1)]
    assert {row.row for row in ORDERS["heap of few"](rows, 0, 9, None)} != {*range(11, 20)}


@pytest.mark.parametrize(
    ("name", "selected"),
    [
        ("inclusive", {-1, 0}),
        ("by microseconds", {-1}),
        ("exclusive", {-1}),
        ("to the second", set()),
        ("to the day", set()),
        ("ignored", {-1, 0, 1}),
        ("of another time", {-1, 0}),  # the caller gives it the other time
    ],
)
def test_what_a_filter_selects_whose_bound_is_the_time_that_a_row_shows(name, selected):
    bound = AT.replace(microsecond=123_000)
    rows = {ms: AT.replace(microsecond=123_456 + ms * 1000) for ms in (-1, 0, 1)}
    assert {ms for ms, time in rows.items() if FILTERS[name].selects(time, bound, is_before=True)} == selected


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_selects_no_row_without_a_time_unless_it_is_ignored(name):
    assert FILTERS[name].selects(None, NOW, is_before=False) is (name == "ignored")
