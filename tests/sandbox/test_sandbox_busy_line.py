"""A line that changes while it is listed."""

from itertools import pairwise

import pytest
from fakes.asking import ask, items

from aiotofupilot.sandbox import BusyLine, Factory, Sandbox, make_procedures


@pytest.fixture
def procedures():
    return make_procedures(100)


def run(line, procedures, requests=400):
    factory = Factory(procedures)
    for _ in range(requests):
        line(factory)
    procedures[:] = factory.procedures
    return line


def test_without_rates_nothing_changes(procedures):
    run(BusyLine(), procedures)
    assert procedures == make_procedures(100)


def test_a_rate_is_the_mean_number_of_changes_per_request(procedures):
    """Its fraction is random, and its whole part is certain."""
    line = run(BusyLine(inserts=2.25, removals=1, renames=0.5), procedures)
    assert 850 < len(line.inserted) < 950
    assert len(line.removed) == 400
    assert 160 < len(line.renamed) < 240
    assert len(procedures) == 100 + len(line.inserted) - len(line.removed)


def test_accounts_for_every_change(procedures):
    """The items that were inserted and removed explain the list."""
    before = {procedure.id for procedure in procedures}
    line = run(BusyLine(inserts=0.5, removals=0.5, renames=0.5), procedures)
    inserted, removed = {p.id for p in line.inserted}, {p.id for p in line.removed}
    assert {p.id for p in procedures} == (before | inserted) - removed


def test_the_same_seed_makes_the_same_changes(procedures):
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


def test_new_procedures_may_appear_anywhere_in_the_list(procedures):
    """The list stays newest first."""
    del procedures[2:]
    first, last = procedures
    run(BusyLine(inserts=1, anywhere=True), procedures, requests=100)
    assert 0 < procedures.index(first) < procedures.index(last) - 1 < 100
    assert all(newer.created_at >= older.created_at for newer, older in pairwise(procedures))


def test_renaming_changes_the_name_alone(procedures):
    """A renamed procedure keeps its id, its place and everything else."""
    line = BusyLine(renames=1)
    run(line, procedures, requests=1)
    (old,) = line.renamed
    index = make_procedures(100).index(old)
    assert procedures[index].id == old.id
    assert procedures[index].name.endswith(" (renamed)")
    assert (
        procedures[:index] + procedures[index + 1 :] == make_procedures(100)[:index] + make_procedures(100)[index + 1 :]
    )


def test_nothing_is_removed_or_renamed_in_an_empty_list():
    """The first insertion fills it."""
    procedures = []
    run(BusyLine(removals=1, renames=1), procedures, requests=5)
    assert procedures == []
    line = run(BusyLine(inserts=1), procedures, requests=1)
    assert procedures == line.inserted


def test_runs_are_made_at_their_rate_and_come_first():
    """Each comes with its unit, phases, measurements and logs."""
    service = Sandbox(20, runs=100)
    before = list(service.runs)
    service.before_response.append(line := BusyLine(runs=1.5, seed=4))
    for _ in range(60):
        newest = ask(service, "runs", {"limit": "1"})[1]["data"][0]
        assert newest["id"] == service.runs[0].id
    assert 75 < line.produced < 105
    assert len(service.runs) == 100 + line.produced
    assert service.runs[line.produced :] == before
    assert service.runs == Sandbox(20, runs=100 + line.produced).runs


def test_what_belongs_to_runs():
    """Every listing grows with the runs, whether it was read before or not, and all of it fits together."""
    service = Sandbox(20, runs=60)
    names = ("units", "batches", "deployments", "phases", "measurements", "logs")
    counts = {name: len(getattr(service, name)) for name in names[::2]}
    line = BusyLine(runs=46)
    for _ in range(10):
        line(service)
    grown = Sandbox(20, runs=520)
    for name in names:
        assert getattr(service, name) == getattr(grown, name)
    assert all(len(getattr(service, name)) > count for name, count in counts.items())


def test_a_walk_meets_every_run_that_was_there():
    """A client that follows the cursor while runs are made gets all runs that were there, and some of them twice."""
    service = Sandbox(20, runs=100)
    before = [run.id for run in service.runs]
    service.before_response.append(BusyLine(runs=2))
    seen = [item["id"] for item in items(service, "runs", limit=20)]
    assert [identity for identity in dict.fromkeys(seen) if identity in before] == before
    assert len(seen) > len(set(seen))


def test_runs_do_not_change_what_happens_to_procedures(procedures):
    """The same seed makes the same changes to procedures, with runs or without."""
    again = Sandbox(procedures, runs=0)
    run(BusyLine(inserts=0.5, renames=0.5, seed=3), procedures, requests=50)
    line = BusyLine(inserts=0.5, renames=0.5, runs=0.5, seed=3)
    for _ in range(50):
        line(again)
    assert again.procedures == procedures


def test_runs_need_a_procedure():
    """The first request says so, however seldom runs are made."""
    with pytest.raises(ValueError, match="a factory without procedures has no runs"):
        BusyLine(runs=0.001)(Factory([]))
