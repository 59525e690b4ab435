"""The clients of the benchmarks do the same work on the same data, and the documents show what was measured."""

from itertools import product

import pytest
from fakes.budget import NIGHTLY
from fakes.guides import ROOT, read

from benchmarks.bench import Server, Worker
from benchmarks.picture import DEPTH, WALL, picture
from benchmarks.report import headline, losses, read as read_answers
from benchmarks.scenario import WALKED, Scenario

KEPT = read(ROOT / "benchmarks" / "results.json")


class TestReport:
    def test_the_documents_show_what_is_kept(self):
        """``python -m benchmarks --redraw`` draws what was measured and kept."""
        kept = read_answers(KEPT)
        assert headline([row for answer in kept.values() for row in answer.rows]) in read(ROOT / "benchmarks/README.md")
        assert losses(kept["drift"].rows) in read(ROOT / "aiotofupilot/guides/pagination.md")
        assert picture(WALL, kept["wall"].rows) == read(ROOT / "benchmarks/picture.svg")
        assert picture(DEPTH, kept["depth"].rows) == read(ROOT / "benchmarks/depth.svg")


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def worker():
    """A process for all clients. A benchmark gives each of them its own."""
    with Worker() as worker:
        yield worker


OURS = ("bare", "ours", "ours-16-resync")
OTHERS = ("official", "httpx", "official-frame", "ours-table", "ours-parquet")
WALKS = [*product(OURS + OTHERS, WALKED)] if NIGHTLY else [*product(OURS, ("few", "runs")), ("official", "few")]


def test_a_walk_is_measured_in_processes_of_its_own(server, worker):
    """The client lists all of it; the server counts what it was asked."""
    for name, kind in WALKS:
        taken = server.walk(worker, name, Scenario(run=name, items=250, data=kind), walks=2)
        assert (taken["items"], taken["expected"], taken["error"]) == (500, 500, None), (name, kind)
        assert taken["requests"] - taken["beyond"] == 6
        assert taken["cpu"] > 0
        assert taken["memory"] > 2**20


def test_drift_is_counted(worker):
    """On a line this busy, a plain loop doubles or misses procedures. A walk of this client does neither."""
    plain, ours = (
        worker.do("drift", name=name, seed=1, items=1_000, created=10.0, removed=20.0) for name in ("bare", "ours")
    )
    assert plain["missed"] + plain["doubled"] > 0
    assert (ours["missed"], ours["doubled"], ours["error"]) == (0, 0, None)
