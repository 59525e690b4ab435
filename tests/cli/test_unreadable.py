"""An item that the server cannot serve: the command names it, and leaves it out if told to."""

import pytest

from aiotofupilot import WalkStats
from aiotofupilot.cli.listing import Query


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, ""),
        (
            {"unreadable": 1, "unreadable_positions": [7]},
            "1 run could not be read and is left out, at position 7",
        ),
        (
            {"unreadable": 2, "unreadable_positions": [7, 9]},
            "2 runs could not be read and are left out, at positions 7, 9",
        ),
        (
            {"unreadable": 1200, "unreadable_positions": range(1000)},
            "1,200 runs could not be read and are left out, at positions 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,190 more",
        ),
        ({"unreadable": 1, "unreadable_ids": ["a"]}, "1 run could not be read and is left out, with ID a"),
        (
            {"unreadable": 2, "unreadable_positions": [7], "unreadable_ids": ["a"], "removed": 1},
            "2 runs could not be read and are left out, at position or with IDs 7, a; 1 run was removed meanwhile",
        ),
        ({"removed": 2}, "2 runs were removed meanwhile"),
        (
            {"removed": 1, "is_unchecked": True},
            "1 run was removed meanwhile; items may be missed or doubled, because pages could not be checked",
        ),
    ],
)
def test_what_is_left_out_is_told_in_words(counts, words):
    assert Query("runs").left_out(WalkStats(**counts)) == words
