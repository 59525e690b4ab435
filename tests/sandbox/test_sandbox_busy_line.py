"""A line that changes while it is listed."""

from itertools import pairwise

import pytest
from fakes.asking import ask, items

from aiotofupilot.sandbox import BusyLine, Factory, Sandbox, make_procedures

EVERYTHING = {"inserts": 0.5, "removals": 0.5}


@pytest.fixture
def procedures():
    return make_procedures(100)


def run(line, procedures, requests=400):
    factory = Factory(procedures)
    for _ in range(requests):
        line(factory)
    procedures[:] = factory.procedures
    return line


def test_a_rate_is_the_mean_number_of_changes_per_request(procedures):
    """Its fraction is random, and its whole part is certain. Without rates, nothing changes."""
    run(BusyLine(), procedures)
    assert procedures == make_procedures(100)
    before = {procedure.id for procedure in procedures}
    line = run(BusyLine(inserts=2.25, removals=1), procedures)
    assert 850 < len(line.inserted) < 950
    assert len(line.removed) == 400
    assert len(procedures) == 100 + len(line.inserted) - len(line.removed)
    inserted, removed = {p.id for p in line.inserted}, {p.id for p in line.removed}
    assert {p.id for p in procedures} == (before | inserted) - removed


def test_the_same_seed_makes_the_same_changes(procedures):
    """Runs do not change what happens to procedures."""
    again, other, with_runs = list(procedures), list(procedures), Sandbox(procedures, runs=0)
    run(BusyLine(**EVERYTHING, seed=3), procedures, requests=50)
    run(BusyLine(**EVERYTHING, seed=3), again, requests=50)
    run(BusyLine(**EVERYTHING, seed=4), other, requests=50)
    line = BusyLine(**EVERYTHING, runs=0.5, seed=3)
    for _ in range(50):
        line(with_runs)
    assert procedures == again == with_runs.procedures
    assert procedures != other


def test_new_procedures_come_first(procedures):
    """The list stays newest first. The first insertion fills an empty one, where there is nothing to remove."""
    old = list(procedures)
    line = run(BusyLine(inserts=1), procedures, requests=20)
    assert procedures == [*reversed(line.inserted), *old]
    assert all(newer.created_at > older.created_at for newer, older in pairwise(procedures))
    empty = []
    run(BusyLine(removals=1), empty, requests=5)
    assert empty == []
    assert run(BusyLine(inserts=1), empty, requests=1).inserted == empty


def test_runs_are_made_at_their_rate_and_come_first():
    """A client that follows the cursor meanwhile gets all runs that were there, and some of them twice."""
    service = Sandbox(20, runs=100)
    before = list(service.runs)
    service.before_response.append(line := BusyLine(runs=1.5, seed=4))
    for _ in range(60):
        newest = ask(service, "runs", {"limit": "1"})[1]["data"][0]
        assert newest["id"] == service.runs[0].id
    assert 75 < line.produced < 105
    assert service.runs[line.produced :] == before
    assert service.runs == Sandbox(20, runs=100 + line.produced).runs
    there = [run.id for run in service.runs]
    seen = [item["id"] for item in items(service, "runs", limit=20)]
    assert [identity for identity in dict.fromkeys(seen) if identity in there] == there
    assert len(seen) > len(set(seen))


def test_runs_need_a_procedure():
    """The first request says so, however seldom runs are made."""
    with pytest.raises(ValueError, match="a factory without procedures has no runs"):
        BusyLine(runs=0.001)(Factory([]))
