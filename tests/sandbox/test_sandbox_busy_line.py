"""A line that changes while it is listed."""

from itertools import pairwise

import pytest

from aiotofupilot.sandbox import BusyLine, make_procedures


@pytest.fixture
def procedures():
    return make_procedures(100)


def run(line, procedures, requests=400):
    for _ in range(requests):
        line(procedures)
    return line


def test_idle(procedures):
    """Without rates nothing changes."""
    run(BusyLine(), procedures)
    assert procedures == make_procedures(100)


def test_rates(procedures):
    """Rates are the mean number of changes a request, fractions by chance and whole numbers for sure."""
    line = run(BusyLine(inserts=2.25, removals=1, renames=0.5), procedures)
    assert 850 < len(line.inserted) < 950
    assert len(line.removed) == 400
    assert 160 < len(line.renamed) < 240
    assert len(procedures) == 100 + len(line.inserted) - len(line.removed)


def test_accounts_for_every_change(procedures):
    """What was inserted and removed explains the list."""
    before = {procedure.id for procedure in procedures}
    line = run(BusyLine(inserts=0.5, removals=0.5, renames=0.5), procedures)
    inserted, removed = {p.id for p in line.inserted}, {p.id for p in line.removed}
    assert {p.id for p in procedures} == (before | inserted) - removed


def test_seed_decides(procedures):
    """The same seed makes the same changes, another one others."""
    again, other = list(procedures), list(procedures)
    run(BusyLine(inserts=0.5, removals=0.5, renames=0.5, anywhere=True, seed=3), procedures)
    run(BusyLine(inserts=0.5, removals=0.5, renames=0.5, anywhere=True, seed=3), again)
    run(BusyLine(inserts=0.5, removals=0.5, renames=0.5, anywhere=True, seed=4), other)
    assert procedures == again
    assert procedures != other


def test_new_ones_come_first(procedures):
    """New procedures are newer than all others and stand before them."""
    old = list(procedures)
    line = run(BusyLine(inserts=1), procedures, requests=20)
    assert procedures == [*reversed(line.inserted), *old]
    assert all(newer.created_at > older.created_at for newer, older in pairwise(procedures))


def test_new_ones_anywhere(procedures):
    """New procedures turn up before, between and behind the others, and the list stays newest first."""
    del procedures[2:]
    first, last = procedures
    run(BusyLine(inserts=1, anywhere=True), procedures, requests=100)
    assert 0 < procedures.index(first) < procedures.index(last) - 1 < 100
    assert all(newer.created_at >= older.created_at for newer, older in pairwise(procedures))


def test_renaming_changes_the_name_alone(procedures):
    """A renamed procedure keeps its id, its place and everything else."""
    line = BusyLine(renames=1)
    line(procedures)
    (old,) = line.renamed
    index = make_procedures(100).index(old)
    assert procedures[index].id == old.id
    assert procedures[index].name.endswith(" (renamed)")
    assert (
        procedures[:index] + procedures[index + 1 :] == make_procedures(100)[:index] + make_procedures(100)[index + 1 :]
    )


def test_empty_list():
    """There is nothing to remove or rename from an empty list, and the first insertion fills it."""
    procedures = []
    run(BusyLine(removals=1, renames=1), procedures, requests=5)
    assert procedures == []
    line = run(BusyLine(inserts=1), procedures, requests=1)
    assert procedures == line.inserted
