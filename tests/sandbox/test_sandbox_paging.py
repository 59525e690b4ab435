"""How listings are cut into pages."""

import pytest

from aiotofupilot.sandbox.paging import Window, capped, clamped_cursor, offsets

END, MORE = {"has_more": False, "next_cursor": None}, {"has_more": True}


@pytest.mark.parametrize(
    ("paging", "asked", "window"),
    [
        (offsets, (120, 0, 50), Window(0, 50, **MORE, next_cursor=50)),
        (offsets, (120, 70, 50), Window(70, 120, **END)),
        (offsets, (120, 500, 50), Window(500, 550, **END)),
        (capped(25), (120, 0, 100), Window(0, 25, **MORE, next_cursor=25)),
        (capped(25), (120, 0, 10), Window(0, 10, **MORE, next_cursor=10)),
        (clamped_cursor(100), (1000, 50, 50), offsets(1000, 50, 50)),
        (clamped_cursor(100), (1000, 500, 50), Window(100, 150, **MORE, next_cursor=550)),
        (clamped_cursor(100), (30, 0, 50), Window(0, 50, **END)),
        (clamped_cursor(100), (120, 500, 50), Window(100, 150, **END)),
        (clamped_cursor(100), (150, 100, 50), Window(100, 150, **END)),
    ],
)
def test_a_page_of_each_paging(paging, asked, window):
    """A paging takes the number of items, the cursor and the limit."""
    assert paging(*asked) == window
