"""An item that the server cannot serve: the command names it, and leaves it out if told to."""

import json

import pytest

from aiotofupilot import WalkStats
from aiotofupilot.cli import run
from aiotofupilot.cli.listing import Query
from aiotofupilot.sandbox.faults import malformed, status


def ids(text):
    return [json.loads(line)["id"] for line in text.splitlines()]


def but(sandbox, *positions):
    return [procedure.id for at, procedure in enumerate(sandbox.procedures) if at not in positions]


def test_a_file_without_the_item_and_a_line_that_says_so(sandbox, tmp_path, capfd):
    """Who does not look at a terminal is told too, because the file is not the whole listing."""
    sandbox.faults.always(malformed(150))
    output = tmp_path / "x.jsonl"
    assert run(["procedures", "--output", str(output), "--on-unreadable", "skip"]) == 0
    assert ids(output.read_text()) == but(sandbox, 150)
    assert capfd.readouterr().err == "aiotofupilot: 1 procedure could not be read and is left out, at position 150\n"


def test_on_a_terminal_the_last_line_says_it(sandbox, on_terminal):
    sandbox.faults.always(malformed(3, 150))
    with on_terminal() as shown:
        assert run(["procedures", "--on-unreadable", "skip"]) == 0
    lines = [line for line in shown.screen.splitlines() if line]
    assert lines[-1].endswith("248 procedures; 2 procedures could not be read and are left out, at positions 3, 150")


def test_without_the_option_the_error_names_it_and_resuming_leaves_it_out(sandbox, tmp_path, capfd):
    sandbox.faults.always(malformed(150))
    output = tmp_path / "x.jsonl"
    assert run(["procedures", "-o", str(output)]) == 4
    line = capfd.readouterr().err
    assert "; only the item at position 150 cannot be read: --on-unreadable skip leaves it out; 150 procedures" in line
    assert run(["procedures", "-o", str(output), "--resume", "--on-unreadable", "skip"]) == 0
    assert ids(output.read_text()) == but(sandbox, 150)


def test_a_run_that_ends_early_says_it_too(sandbox, tmp_path, capfd):
    sandbox.faults.always(malformed(50))
    sandbox.faults.on(cursor=198).always(status(401))
    assert run(["procedures", "-o", str(tmp_path / "x.csv"), "--on-unreadable", "skip"]) == 3
    assert capfd.readouterr().err.endswith("; 1 procedure could not be read and is left out, at position 50\n")


def test_users_have_no_such_option(sandbox, capfd):
    """They come whole or not at all."""
    assert run(["users", "--on-unreadable", "skip"]) == 2
    assert "--on-unreadable" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("positions", "words"),
    [
        ([], ""),
        ([7], "1 run could not be read and is left out, at position 7"),
        ([7, 9], "2 runs could not be read and are left out, at positions 7, 9"),
        (
            range(1200),
            "1,200 runs could not be read and are left out, at positions 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1,190 more",
        ),
    ],
    ids=len,
)
def test_what_is_left_out_is_told_in_words(positions, words):
    stats = WalkStats(unreadable=len(positions), unreadable_positions=[*positions][:1000])
    assert Query("runs").left_out(stats) == words


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"unreadable": 1, "unreadable_ids": ["a"]}, "1 run could not be read and is left out, with ID a"),
        (
            {"unreadable": 2, "unreadable_positions": [7], "unreadable_ids": ["a"], "removed": 1},
            "2 runs could not be read and are left out, at position or with IDs 7, a; 1 run was removed meanwhile",
        ),
        ({"removed": 2}, "2 runs were removed meanwhile"),
        (
            {"removed": 1, "is_unchecked": True},
            "1 run was removed meanwhile; items may be missed or doubled, because the server's cursors are not offsets",
        ),
    ],
)
def test_details_that_are_left_out_are_told_by_their_ids(counts, words):
    assert Query("runs", details=True).left_out(WalkStats(**counts)) == words
