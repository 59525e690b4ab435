"""The clients of the benchmarks do the same work on the same data, and the documents show what was measured."""

import hashlib
import os
import sys
from itertools import product
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from fakes.budget import NIGHTLY
from fakes.guides import ROOT, read
from msgspec import json

from benchmarks.bench import Bench, Figure, Row, Server, Worker, compare, interleave, on_one_core
from benchmarks.decoders import DECODERS
from benchmarks.instructions import HERE, THERE, _more, instructions, worse
from benchmarks.picture import picture
from benchmarks.questions import QUESTIONS
from benchmarks.report import GOALS, Answer, headline, judge, losses, read as read_answers, write
from benchmarks.scenario import KINDS, WALKED, Scenario
from benchmarks.server import details_body, page_body

KEPT = read(ROOT / "benchmarks" / "results.json")


DIGESTS = {"few": "2e49800f319a6ab0", "new": "e7049114598283d3", "runs": "bd35d21e91807cfe"}
DIGESTS |= {"measurements": "d722ec2aa39df04b"}


class TestData:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_measurement_lists_the_same_items(self, kind):
        """Figures that were kept can be compared with new ones. Some items repeat, with other IDs."""
        body = page_body(kind, 5_200, 5_200, 0)
        assert hashlib.sha256(body).hexdigest()[:16] == DIGESTS[kind]
        assert len({item["id"] for item in json.decode(body)["data"]}) == 5_200

    def test_each_measurement_reads_the_same_details(self):
        """A run by itself is the one that the page has."""
        run = json.decode(page_body("runs", 20, 20, 0))["data"][3]
        body = details_body(run["id"], points=1_000)
        assert hashlib.sha256(body).hexdigest()[:16] == "137daf5e1442c022"
        assert json.decode(body)["id"] == run["id"]

    def test_pages_are_those_of_one_listing(self):
        """Pages of any size hold the same items, and after the last one there is an empty one."""
        hundreds = [json.decode(page_body("runs", 250, 100, cursor)) for cursor in (0, 100, 200, 300)]
        sevens = [json.decode(page_body("runs", 250, 7, cursor)) for cursor in range(0, 250, 7)]
        of_hundreds, of_sevens = ([item for page in pages for item in page["data"]] for pages in (hundreds, sevens))
        assert of_hundreds == of_sevens
        assert [tuple(page["meta"].values()) for page in hundreds] == [(True, 100), (True, 200), *[(False, None)] * 2]

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_decoder_makes_every_item(self, kind, monkeypatch):
        """A decoder that does less than the others cannot be compared with them."""
        monkeypatch.setenv("DISABLE_TELEMETRY", "true")
        body = page_body(kind, 1_000, 100, 300)
        made = {name: decoder.make(kind)(body) for name, decoder in DECODERS.items() if decoder.installed}
        items = made.pop("dicts")["data"]
        for name, page in made.items():
            assert [item.id for item in page.data] == [item["id"] for item in items], name
        assert made["cattrs"].data == made["ours"].data


def sample(value, items=10, **more):
    return {"value": value, "items": items, "expected": 10, "error": None, "busy": 0.5} | more


def compared(**samples):
    titles = {name: name.upper() for name in samples}
    rows = compare("case", samples, lambda taken: taken["value"], titles=titles, floor="bare", official="official")
    return {row.client.lower(): row for row in rows}


class TestFigures:
    def test_the_order_of_clients_is_reversed_in_the_next_round(self):
        ran = []
        runs = {name: lambda number, name=name: ran.append((name, number)) or {} for name in "ab"}
        samples = interleave(runs, 3, lambda *_: None)
        assert ran == [("a", 1), ("b", 1), ("b", 2), ("a", 2), ("a", 3), ("b", 3)]
        assert {name: len(taken) for name, taken in samples.items()} == {"a": 3, "b": 3}

    def test_a_ratio_is_of_runs_of_one_round(self):
        """A round in which the machine was slow is slow for both, and takes nothing from it."""
        rows = compared(ours=[sample(2), sample(20), sample(3)], bare=[sample(1), sample(10), sample(1)])
        assert rows["ours"] == Row(case="case", client="OURS", figure=Figure(3, 2, 20), floor=Figure(2, 2, 3), rounds=3)

    @pytest.mark.parametrize("failed", [sample(1, items=4, error="OSError: no"), sample(1, items=4)])
    def test_who_does_less_than_the_work_has_no_figure(self, failed):
        """The row says how far it came, and nothing is compared with it."""
        rows = compared(ours=[sample(1), sample(1)], bare=[sample(1), failed])
        assert rows["bare"].figure is rows["ours"].floor is None
        assert rows["bare"].note.startswith("1 of 2 runs failed, at item 4 of 10 in the median: ")

    def test_a_server_that_was_busy_has_a_note(self):
        """In that case, the figures may show the speed of the server."""
        assert "the server was 97% busy" in compared(ours=[sample(1), sample(1, busy=0.97)])["ours"].note


class EveryAnswer(Bench):
    """A bench that measures nothing, and has an answer of each client to each question."""

    def answers(self, names):
        figures = (
            "cpu",
            "wall",
            "first",
            "memory",
            "requests",
            "beyond",
            "missed",
            "doubled",
            "stayed",
            "instructions",
        )
        return {name: [dict.fromkeys(figures, 1.0) | {"items": 1, "expected": 1, "error": None}] for name in names}

    def walk(self, contenders, **_):
        return self.answers(contenders)

    walk_afresh = walk

    def work(self, _, names, **__):
        return self.answers(names)

    def by_turns(self, _, runs, rounds):
        return self.answers(runs)


class TestReport:
    def test_every_goal_judges_an_answer(self, monkeypatch):
        """A goal for a case that is not measured would always be reached."""
        monkeypatch.setattr(
            "subprocess.run", lambda *_, **__: SimpleNamespace(stdout="{}")
        )  # what compiles the imports
        bench = EveryAnswer(server=SimpleNamespace(origin=""), show=lambda _: None)
        judged = [verdict.goal for verdict in judge([row for question in QUESTIONS for row in question(bench)])]
        assert [goal for goal in GOALS if goal not in judged] == []

    @pytest.mark.parametrize("measured", [1.2, 1.4])
    def test_goals_are_judged_by_the_ratio(self, measured):
        row = Row(case=GOALS[0].case, client=GOALS[0].client, figure=Figure(3, 2, 4), floor=Figure(measured, 1, 9))
        (verdict,) = judge([row])
        assert (verdict.measured, verdict.reached) == (measured, measured == 1.2)

    def test_what_is_kept_is_read_back(self):
        """Only what documents show is kept. Other answers stay as they are."""
        failed = Row(case="10% fail", client="b", figure=None, note="every run failed")
        row = Row(case="10,000 items, 0 ms", client="a", figure=Figure(2, 1, 3), floor=Figure(1.23456, 1, 2), rounds=5)
        new = {"wall": Answer("now", [row, failed]), "faults": Answer("now", [failed]), "first": Answer("now", [row])}
        kept = read_answers(write(read_answers(KEPT) | new))
        (known,) = kept["wall"].rows
        assert known.floor == Figure(1.2346, 1, 2)
        assert (known.figure, known.rounds, kept["faults"].rows) == (Figure(2, 1, 3), 5, [failed])
        assert kept["cpu"] == read_answers(KEPT)["cpu"]
        assert "first" not in kept

    def test_the_documents_show_what_is_kept(self):
        """``python -m benchmarks --redraw`` draws what was measured and kept."""
        kept = read_answers(KEPT)
        assert headline([row for answer in kept.values() for row in answer.rows]) in read(ROOT / "benchmarks/README.md")
        assert losses(kept["drift"].rows) in read(ROOT / "aiotofupilot/guides/pagination.md")
        assert picture(kept["wall"].rows) == read(ROOT / "benchmarks/picture.svg")


class TestInstructions:
    def test_what_a_command_takes_more_is_counted(self, tmp_path, monkeypatch):
        """The private function is where the count is made. A stand-in for valgrind counts the last argument."""
        valgrind = tmp_path / "valgrind"
        valgrind.write_text('#!/bin/sh\nfor last; do :; done\necho "==1== I   refs:      1,$last" >&2\n')
        valgrind.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        assert _more(HERE, tmp_path, ("pass", 200), ("pass", 700), 1) == {"instructions": 500}

    def test_without_valgrind_they_are_left_out(self, monkeypatch):
        monkeypatch.setenv("PATH", "")
        (row,) = instructions(Bench(server=None, show=None))
        assert (row.figure, row.note) == (None, "left out, because valgrind is not installed")

    def test_what_is_worse_than_in_the_other_checkout_is_named(self):
        """Two per cent are allowed."""
        counts = {"a": 102, f"a{THERE}": 100, "b": 103, f"b{THERE}": 100, "c": 500}
        rows = [Row(case="page", client=client, figure=Figure(count, 0, 0)) for client, count in counts.items()]
        assert worse(rows) == ["page: b takes 1.030 times as many as in the other checkout"]


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


def test_a_scenario_survives_the_path():
    """The client knows only a URL, and the server only what it says."""
    scenario = Scenario(run="ours-1", items=10, data="runs", delay=0.05, faults=0.1, refusals=0.2, points=7, seed=3)
    assert Scenario.parse(scenario.path) == scenario


def test_a_client_that_asks_for_another_listing_is_refused(server):
    """It would be measured with data that it did not ask for."""
    scenario = Scenario(run="wrong", items=250, data="runs")
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{server.origin}/{scenario.path}/api/v2/procedures?limit=100")  # noqa: S310 - our own server
    refused.value.close()
    assert refused.value.code == 404


def test_a_walk_that_fails_has_its_error(server, worker):
    """A client without retries meets a server that always fails."""
    taken = server.walk(worker, "bare", Scenario(run="down", items=250, faults=1.0))
    assert taken["items"] == 0
    assert taken["error"]
    assert taken["faults"] == taken["requests"]


def test_drift_is_counted(worker):
    """On a line this busy, a plain loop doubles or misses procedures. A walk of this client does neither."""
    plain, ours = (
        worker.do("drift", name=name, seed=1, items=1_000, created=10.0, removed=20.0) for name in ("bare", "ours")
    )
    assert plain["missed"] + plain["doubled"] > 0
    assert (ours["missed"], ours["doubled"], ours["error"]) == (0, 0, None)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked for it")
def test_processes_share_a_core_during_a_block(server, worker):
    """Then they may use the same cores as before, also after a failed measurement."""
    before = os.sched_getaffinity(worker.pid)
    with pytest.raises(RuntimeError, match="failed"), on_one_core(server, worker):
        shared = os.sched_getaffinity(server.pid), os.sched_getaffinity(worker.pid)
        raise RuntimeError("failed")
    assert shared[0] == shared[1]
    assert len(shared[0]) == 1
    assert os.sched_getaffinity(server.pid) == os.sched_getaffinity(worker.pid) == before
