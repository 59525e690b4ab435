"""How far a file is whole."""

import io

import pytest

from aiotofupilot.cli.output.journal import Mark, first_line, header_of, whole

PAGES = [b"head\r\none\r\n", b"two\r\nthree\r\n", b"four\r\n"]
MARKS = [Mark()]
for page in PAGES:
    MARKS.append(MARKS[-1].after(page, items=MARKS[-1].items + 2, checkpoint=f"{len(MARKS)}00"))
HEADER = {"--search": "ä", "--max-items": 3, "--cursor": None}
PART = b"".join(PAGES)
JOURNAL = first_line(HEADER) + b"".join(mark.line() for mark in MARKS[1:])


def test_a_mark_counts_what_is_before_it():
    """Bytes, items, and where to go on."""
    assert [(mark.size, mark.items, mark.checkpoint) for mark in MARKS] == [
        (0, 0, None),
        (11, 2, "100"),
        (23, 4, "200"),
        (29, 6, "300"),
    ]


def test_a_journal_names_what_it_holds():
    """As it was given."""
    assert header_of(JOURNAL) == HEADER


def test_a_journal_names_any_number():
    """An option may be larger than 64 bits."""
    named = {"--max-items": 10**30}
    assert header_of(first_line(named)) == named


def test_all_is_whole():
    """The last mark of a journal that nothing happened to holds."""
    assert whole(io.BytesIO(PART), JOURNAL) == (MARKS[-1], len(JOURNAL))


@pytest.mark.parametrize("size", range(len(PART)))
def test_a_file_cut_at_any_byte(size):
    """What is whole ends with the last page that is."""
    mark, _ = whole(io.BytesIO(PART[:size]), JOURNAL)
    assert mark == max((mark for mark in MARKS if mark.size <= size), key=lambda mark: mark.size)


@pytest.mark.parametrize("size", range(len(JOURNAL)))
def test_a_journal_cut_at_any_byte(size):
    """It tells of the pages whose line is whole, and where the last of these lines ends."""
    cut = JOURNAL[:size]
    if b"\n" not in cut:
        assert header_of(cut) is None
        return
    assert header_of(cut) == HEADER
    mark, ends = whole(io.BytesIO(PART), cut)
    assert mark == MARKS[cut.count(b"\n") - 1]
    assert ends == cut.rindex(b"\n") + 1


@pytest.mark.parametrize("at", range(len(PART)))
def test_a_byte_that_never_reached_the_disk(at):
    """A file whose length is right and whose bytes are not is whole up to the page before."""
    broken = PART[:at] + b"\0" + PART[at + 1 :]
    mark, _ = whole(io.BytesIO(broken), JOURNAL)
    assert mark == max((mark for mark in MARKS if mark.size <= at), key=lambda mark: mark.size)


def test_what_is_behind_the_last_mark_is_not_whole():
    """A page that was written but not marked is written again."""
    assert whole(io.BytesIO(PART + b"five"), JOURNAL)[0] == MARKS[-1]


def test_garbage_in_a_journal():
    """What a power cut left of a line is not read."""
    assert whole(io.BytesIO(PART), JOURNAL + b"\0\0\0\n")[0] == MARKS[-1]
    assert header_of(b"\0\0\0\n") is None
