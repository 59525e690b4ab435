"""What a page shows of the items passed: a function of ranks."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, strategies as st

from aiotofupilot._paging.resync import is_out_of_order, last_reliable, longest_row

pages = st.lists(st.none() | st.integers(0, 12), max_size=9)


def positions(ranks):
    return [position for position, _ in longest_row(ranks)]


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([], []),
        ([None, None], []),
        ([None, 5, None], [1]),
        ([3, 4, 5, None], [0, 1, 2]),
        ([3, 9, 4, None, 5], [0, 2, 4]),
        ([3, 4, None, 1, 5], [0, 1, 4]),
    ],
)
def test_the_items_in_order_are_the_longest_rising_row(ranks, expected):
    assert positions(ranks) == expected


@given(pages)
def test_no_row_that_rises_is_longer(ranks):
    row = longest_row(ranks)
    assert all(ranks[position] == rank for position, rank in row)
    assert all(before.at < after.at and before.rank < after.rank for before, after in pairwise(row))
    known = [rank for rank in ranks if rank is not None]
    longest = max(
        (
            len(some)
            for size in range(len(known) + 1)
            for some in combinations(known, size)
            if sorted(set(some)) == [*some]
        ),
        default=0,
    )
    assert len(row) == longest


@pytest.mark.parametrize(
    ("ranks", "position"),
    [
        ([], None),
        ([None, 7], None),
        ([5, None, 7], None),
        ([5, 6, None], 1),
        ([5, 6, 7, None, None], 2),
        ([5, 6, None, 7, None], 1),
        ([5, 6, None, 8, 9], 1),
        ([2, None, 5, 6, None], 3),
        ([None, 5, 6], 2),
    ],
)
def test_items_side_by_side_are_relied_on_up_to_the_first_stranger(ranks, position):
    """An item that stands alone may have moved."""
    match = last_reliable(longest_row(ranks))
    assert (match and match.at) == position


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ([], False),
        ([9, 8, 7], False),
        ([9, 8, 7, 6], True),
        ([9, 8, None, 7, 6], True),
        ([1, 2, 9, 3, 4], False),
        ([3, 4, 1, 2], True),
        ([4, 5, 6, 1, 2], False),
    ],
)
def test_the_order_has_changed_where_half_of_the_known_items_do_not_fit(ranks, expected):
    """A few may have moved on their own."""
    assert is_out_of_order(ranks, longest_row(ranks)) is expected
