"""The clients of the benchmarks do the same work, ratios compare neighbours, and failures are reported."""

import os
import sys
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

import aiohttp
import pytest
from fakes.budget import NIGHTLY

from benchmarks.bench import Bench
from benchmarks.goals import GOALS, judge
from benchmarks.kinds import KINDS, WALKED
from benchmarks.measure import Figure, Row, compare, interleave
from benchmarks.processes import Server, Worker, on_one_core
from benchmarks.questions import QUESTIONS
from benchmarks.questions.imports import IMPORTS
from benchmarks.report import document, headline, losses, markdown
from benchmarks.scenario import Scenario


def sample(value, items=10, **more):
    return {"value": value, "items": items, "expected": 10, "error": None, "busy": 0.5} | more


def compared(**samples):
    titles = {name: name.upper() for name in samples}
    rows = compare(
        "case", samples, lambda taken: taken["value"], titles=titles, floor="bare", official="official", at=3
    )
    return {row.client.lower(): row for row in rows}


class TestScenario:
    def test_a_scenario_survives_the_path(self):
        """The client knows only a URL, and the server only what it says."""
        scenario = Scenario(run="ours-1", items=10, data="runs", delay=0.05, faults=0.1, seed=3)
        assert Scenario.parse(scenario.path) == scenario


class TestInterleave:
    def test_each_is_run_once_a_round_there_and_back(self):
        """So the order of the clients is reversed in the next round."""
        ran = []
        runs = {name: lambda number, name=name: ran.append((name, number)) or {} for name in "ab"}

        samples = interleave(runs, 3, lambda name, number: ran.append(f"{name}{number}"))

        assert ran == ["a1", ("a", 1), "b1", ("b", 1), "b2", ("b", 2), "a2", ("a", 2), "a3", ("a", 3), "b3", ("b", 3)]
        assert {name: len(taken) for name, taken in samples.items()} == {"a": 3, "b": 3}


class TestCompare:
    def test_a_ratio_is_of_runs_of_one_round(self):
        """A round in which the machine was slow is slow for both, and takes nothing from it."""
        rows = compared(ours=[sample(2), sample(20), sample(3)], bare=[sample(1), sample(10), sample(1)])

        assert rows["ours"].figure == Figure(3, 2, 20)
        assert rows["ours"].floor == Figure(2, 2, 3)
        assert rows["ours"].official is None
        assert rows["ours"].at == 3

    @pytest.mark.parametrize(
        "failed", [sample(1, items=4, error="OSError: no"), sample(1, items=4)], ids=["error", "short"]
    )
    def test_who_does_less_than_the_work_has_no_figure(self, failed):
        """It is said how far it came; nothing is compared with it."""
        rows = compared(ours=[sample(1), sample(1)], bare=[sample(1), failed])

        assert rows["bare"].figure is None
        assert rows["bare"].note.startswith("1 of 2 runs failed, at item 4 of 10 in the median: ")
        assert rows["ours"].floor is None

    def test_a_server_without_a_moment_to_spare_is_told(self):
        """In that case, the figures may show the speed of the server."""
        rows = compared(ours=[sample(1), sample(1, busy=0.97)])
        assert "the server was 97% busy" in rows["ours"].note


class EveryAnswer(Bench):
    """A bench that measures nothing, and has an answer of each client to each question."""

    def answers(self, names):
        figures = ("cpu", "wall", "first", "memory", "requests", "beyond", "missed", "doubled", "stayed")
        return {name: [dict.fromkeys(figures, 1.0) | {"items": 1, "expected": 1, "error": None}] for name in names}

    def walk(self, contenders, **_):
        return self.answers(contenders)

    def walk_afresh(self, contenders, **_):
        return self.answers(contenders)

    def work(self, _, names, **__):
        return self.answers(names)

    def by_turns(self, _, runs, rounds):
        return self.answers(runs)


@pytest.fixture(scope="module")
def rows():
    bench = EveryAnswer(server=None, show=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("subprocess.run", lambda *_, **__: SimpleNamespace(stdout="{}"))  # what compiles the imports
        return [row for question in QUESTIONS for row in question(bench)]


class TestQuestions:
    def test_every_goal_judges_an_answer(self, rows):
        """A goal for a case that is not measured would always be reached."""
        judged = [verdict.goal for verdict in judge(rows)]
        assert [goal for goal in GOALS if goal not in judged] == []

    @pytest.mark.parametrize(
        ("question", "kinds", "of"),
        [
            ("CPU to decode a page of 100", KINDS, "floor"),
            ("CPU per page of 100", WALKED, "official"),
        ],
        ids=["decode", "cpu"],
    )
    def test_each_kind_of_data_is_judged(self, rows, question, kinds, of):
        """A codec that is tuned to one kind misses the goal with another."""
        cases = {verdict.case for verdict in judge(rows) if verdict.goal.of == of}
        assert {f"{question} {KINDS[kind].title}, µs" for kind in kinds} <= cases

    def test_imports_are_measured_by_the_clock_and_in_cpu(self, monkeypatch):
        """Each statement runs in its own process. Two short ones do here."""
        for client in ("httpx", "tofupilot"):
            monkeypatch.delitem(IMPORTS, client)
        monkeypatch.setitem(IMPORTS, "aiohttp", "import colorsys")
        monkeypatch.setitem(IMPORTS, "aiotofupilot", "import tomllib")
        bench = Bench(server=None, show=lambda _: None, rounds=1)
        (imports,) = (question for question in QUESTIONS if question.__name__ == "imports")

        rows = {(row.case, row.client): row.figure.median for row in imports(bench)}

        assert rows["import, ms by the clock", "`import colorsys`"] > 0
        assert rows["import, CPU ms", "`import tomllib`"] > 0


class TestReport:
    @pytest.mark.parametrize(("measured", "outcome"), [(1.2, "reached"), (1.4, "missed")])
    def test_goals_are_judged_by_the_ratio(self, measured, outcome):
        """The words are those of the table."""
        goal = GOALS[0]
        row = Row(case=f"{goal.case} x", client=goal.client, figure=Figure(3, 2, 4), floor=Figure(measured, 1, 9))

        (verdict,) = judge([row])

        assert verdict.measured == measured
        assert verdict.reached == (outcome == "reached")
        assert f" {measured} | {outcome} |\n" in markdown({"cpu": [row]})

    def test_results_say_where_they_are_from(self):
        """The versions that were compared, and the machine."""
        known = document({"cpu": []})
        assert b'"aiohttp"' in known
        assert b'"cores"' in known
        assert f"aiohttp {aiohttp.__version__}" in markdown({"cpu": []}).splitlines()[-1]

    def test_the_headline_has_a_cell_for_each_client(self):
        """Its median, how far it came, or a dash where it was not measured."""
        case = "10% of requests fail, items per second"
        rows = [
            Row(case=case, client="tofupilot", figure=None, note="every run failed, at item 5 of 10 in the median: E"),
            Row(case=case, client="**aiotofupilot**", figure=Figure(3.14159, 2, 4)),
        ]

        last = headline({"faults": rows}).splitlines()[-1]

        assert last == f"| {case} | every run failed, at item 5 | - | - | 3.14 | - |"

    def test_the_losses_have_a_row_for_each_client(self):
        """A cell has what was missed and what came again, or why that is not known."""
        case = "5,000 items, 0.1 created and 0.2 removed per request: "
        rows = [
            Row(case=f"{case}missed, %", client="tofupilot", figure=Figure(0.0801, 0, 1)),
            Row(case=f"{case}doubled, %", client="tofupilot", figure=None, note="every run failed"),
        ]

        assert losses(rows).splitlines() == [
            "| created and removed per request | 0.1 and 0.2 |",
            "|-|-:|",
            "| tofupilot | 0.08 / every run failed |",
        ]

    def test_the_readme_shows_the_results_that_are_kept(self):
        """Whoever measures anew and keeps it shows it."""
        project = Path(__file__).parents[2]
        table = (project / "benchmarks/results/headline.md").read_text()
        assert table in (project / "benchmarks/README.md").read_text()
        lost = (project / "benchmarks/results/losses.md").read_text()
        assert lost in (project / "aiotofupilot/guides/pagination.md").read_text()


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


def test_a_client_that_asks_for_another_listing_is_refused(server):
    """It would be measured with data that it did not ask for."""
    scenario = Scenario(run="wrong", items=250, data="runs")
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{server.origin}/{scenario.path}/api/v2/procedures?limit=100")  # noqa: S310 - our own server
    refused.value.close()

    assert refused.value.code == 404


def test_a_walk_that_fails_is_told(server, worker):
    """A client without retries meets a server that always fails."""
    taken = server.walk(worker, "bare", Scenario(run="down", items=250, faults=1.0))

    assert taken["items"] == 0
    assert taken["error"]
    assert taken["faults"] == taken["requests"]


def test_drift_is_counted(worker):
    """On a line this busy, a plain loop doubles or misses procedures. A walk of this client does neither."""
    plain, resync = (
        worker.do("drift", name=name, seed=1, items=1_000, created=10.0, removed=20.0) for name in ("bare", "ours")
    )

    assert plain["missed"] + plain["doubled"] > 0
    assert (resync["missed"], resync["doubled"], resync["error"]) == (0, 0, None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked for it")
def test_processes_share_a_core_for_as_long_as_they_are_told_to(worker):
    """Then they may use the same cores as before, also after a failed measurement."""
    first = worker
    with Worker() as second:
        before = os.sched_getaffinity(first.pid)
        with pytest.raises(RuntimeError, match="failed"), on_one_core(first, second):
            shared = os.sched_getaffinity(first.pid), os.sched_getaffinity(second.pid)
            raise RuntimeError("failed")
        after = os.sched_getaffinity(first.pid), os.sched_getaffinity(second.pid)

    assert shared[0] == shared[1]
    assert len(shared[0]) == 1
    assert after == (before, before)
