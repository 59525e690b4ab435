"""Whether another run goes on with what an interrupted one has begun."""

from datetime import UTC, datetime, timedelta

import pytest

from aiotofupilot.cli.output.journal import moment_of
from aiotofupilot.cli.output.likeness import BEGUN, COLUMNS, begun_now, difference_between

HEADER = {"listing": "runs", "--max-items": None, "--format": "csv", COLUMNS: 1}

SAME_OR_ANEW = "give the same again, or leave out --resume to begin anew"


@pytest.mark.parametrize("key", [None, "s3cr3t"])
def test_the_same_again_makes_no_difference(key):
    assert difference_between(begun_now(HEADER, key), HEADER, key) == ""


@pytest.mark.parametrize(
    ("changes", "key", "told"),
    [
        ({"--max-items": 5}, "k", f"without --max-items: {SAME_OR_ANEW}"),
        ({"listing": "units"}, "k", f"with listing runs: {SAME_OR_ANEW}"),
        ({"--format": "jsonl", COLUMNS: 0}, "k", f"with --format csv: {SAME_OR_ANEW}"),
        ({"listing": "units", "--format": "txt"}, "other", f"with listing runs and with --format csv: {SAME_OR_ANEW}"),
        ({}, "other", f"with another API key: {SAME_OR_ANEW}"),
        ({}, None, f"with another API key: {SAME_OR_ANEW}"),
        ({COLUMNS: 2}, "other", f"with another API key: {SAME_OR_ANEW}"),
        ({COLUMNS: 2}, "k", "with other columns: leave out --resume to begin anew"),
    ],
)
def test_what_differs_is_told_and_what_to_do(changes, key, told):
    """The key is told where the options are the same, and the columns where the key is the same too."""
    assert difference_between(begun_now(HEADER, "k"), HEADER | changes, key) == told


def test_a_file_that_was_begun_without_a_key_is_not_gone_on_with_by_one():
    assert difference_between(begun_now(HEADER, None), HEADER, "k").startswith("with another API key: ")


def test_a_journal_names_the_moment_and_not_the_key():
    begun = begun_now(HEADER, "s3cr3t")
    assert timedelta() <= datetime.now(UTC) - moment_of(begun[BEGUN]) < timedelta(minutes=1)
    assert "s3cr3t" not in str(begun)
