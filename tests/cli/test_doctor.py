"""The command that looks at how a server lists."""

import json
import re

import pytest
from attrs import fields
from fakes.paging import capped, ending_cursor, offsets

from aiotofupilot import to_wire
from aiotofupilot.cli import run
from aiotofupilot.doctor import Diagnosis
from aiotofupilot.listings import NAMES
from aiotofupilot.sandbox import faults


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """No request waits for its turn."""
    monkeypatch.setattr("aiotofupilot.doctor.PACE", 0.0)


def texts_in(document):
    """Yield the texts in JSON, without the keys of its objects."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list | tuple):
        for each in document.values() if isinstance(document, dict) else document:
            yield from texts_in(each)


def test_a_pipe_gets_a_line_for_each_listing(capfd, sandbox):
    assert run(["doctor"]) == 0
    out, err = capfd.readouterr()
    assert err == "at most 40 requests, which take about 20 seconds\n"
    assert "\x1b" not in out
    lines = out.splitlines()
    assert lines[0].startswith("aiotofupilot ")
    assert lines[1] == "key: user, server's clock: +0 s"
    assert [line.split()[0] for line in lines[4:15]] == [*NAMES]
    runs = next(line for line in lines if line.startswith("runs "))
    assert re.fullmatch(r"runs +by value +started_at desc +inclusive +900 +[\d,]+ ms +[\d,]+ ms", runs)
    assert re.fullmatch(r"Everything is as this package expects \(\d\d requests\)\.", lines[-1])
    assert len(sandbox.requests) <= 40


def test_what_is_not_expected_is_a_line_and_a_code(capfd, sandbox):
    sandbox.faults.on(lambda request: request.path.endswith("/units")).always(faults.status(500))
    sandbox.pagings["runs"] = capped(25)
    assert run(["doctor"]) == 7
    lines = capfd.readouterr().out.splitlines()
    assert lines[-3:-1] == [
        "! units: a request failed: 500 ServerError at cursor 0",
        "- runs: a page has at most 25 items",
    ]
    assert lines[-1].startswith("One thing is not as this package expects")


@pytest.mark.parametrize("paging", [offsets, capped(2), ending_cursor(900)])
def test_json_to_send_in_has_nothing_of_the_server(capfd, sandbox, paging):
    sandbox.paging = paging
    fault = faults.status(500, message="A text of ours")
    sandbox.faults.on(lambda request: request.path.endswith("/units")).always(fault)
    served = set()

    def note(_factory, request):
        items = request.page.data if request.page else [request.detail] if request.detail else []
        served.update(text for item in items for text in texts_in(to_wire(item)))

    sandbox.after_response.append(note)
    assert run(["doctor", "--json"]) == 7
    out = capfd.readouterr().out
    document = json.loads(out)
    assert out.count("\n") == 1
    assert [*document] == ["aiotofupilot", "python", "aiohttp", *(each.name for each in fields(Diagnosis))]
    assert [each["name"] for each in document["listings"]] == [*NAMES]
    assert len(served) > 100
    words = {text for text in [*served] if len(text) > 2 and text in out}
    assert words <= {"user", "failed"}  # whose key it is, and a word for builds
    for secret in (sandbox.api_key, sandbox.url, "127.0.0.1", "text of ours"):
        assert secret not in out


def test_a_wrong_key(capfd, sandbox):
    assert run(["doctor", "--api-key", "another"]) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines()[1].startswith("aiotofupilot: 401 UNAUTHORIZED")
    assert err.count("\n") == 2
    assert len(sandbox.requests) == 1
