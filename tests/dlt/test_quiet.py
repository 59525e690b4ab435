"""dlt sends and says nothing, unless its user has turned it on."""

import json
import os
import subprocess
import sys

import pytest
from dlt.common.runtime import anon_tracker
from fakes.budget import NIGHTLY

from aiotofupilot.dlt.quiet import without_telemetry

PROGRAM = """
import json
from aiotofupilot.dlt.quiet import quieten

quieten()
import dlt
from dlt.common import logger
from dlt.common.runtime import anon_tracker

dlt.pipeline("quiet", pipelines_dir="pipelines", destination="duckdb")
print(json.dumps([anon_tracker._ANON_TRACKER_ENDPOINT is not None, logger.log_level()]))
"""

MIRRORS = """
import json
import os
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

sent = []


class Telemetry(BaseHTTPRequestHandler):
    def do_POST(self):
        sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["event"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Telemetry)
Thread(target=server.serve_forever, daemon=True).start()
os.environ["RUNTIME__DLTHUB_TELEMETRY_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}/"

import dlt
from dlt.common.runtime import telemetry

from aiotofupilot.dlt import mirror
from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve


def mirrored(name):
    return mirror(name, listings=["users", "stations"], api_key=sandbox.api_key, base_url=sandbox.url)


with serve(Sandbox(procedures=1, runs=1)) as sandbox:
    with closing(mirrored("one.duckdb")) as one:
        next(one)
        assert len(list(mirrored("two.duckdb"))) == 2  # which ends before the other one
        next(one)
dlt.pipeline("mine", pipelines_dir="pipelines", destination="duckdb").extract([{"id": 1}], table_name="mine")
telemetry.stop_telemetry()  # it waits until everything is sent
print(json.dumps(sent))
"""

NOWHERE = {"RUNTIME__DLTHUB_TELEMETRY_ENDPOINT": "http://127.0.0.1:9/", "HOME": "."}
"""Where telemetry goes that is turned on here, and where dlt looks for what the machine's user wants."""


@pytest.mark.parametrize(
    ("environment", "config", "told"),
    [
        pytest.param({"RUNTIME__DLTHUB_TELEMETRY": "true"}, "", [True, "CRITICAL"], id="environment"),
        pytest.param({}, '[runtime]\nlog_level = "INFO"\n', [False, "INFO"], id="only the log"),
    ][0 if NIGHTLY else 1 :],
)
def test_it_is_quiet_unless_its_user_has_chosen_otherwise(tmp_path, environment, config, told):
    assert ran(PROGRAM, tmp_path, environment, config) == told


MINE = ["pipeline_extract"]
"""What a pipeline of the user sends after the mirror."""


@pytest.mark.parametrize(
    ("config", "of_the_mirror"),
    [
        pytest.param("", False, id="nothing"),
        pytest.param("[runtime]\ndlthub_telemetry = true\n", True, id="file"),
    ][: None if NIGHTLY else 1],
)
def test_a_mirror_sends_nothing_unless_its_user_has_turned_that_on(tmp_path, config, of_the_mirror):
    """Also without the command. What the user's own pipelines send is up to dlt's settings."""
    sent = ran(MIRRORS, tmp_path, {}, config)
    assert sent[-1:] == MINE
    assert ("pipeline_load" in sent[:-1]) is of_the_mirror
    assert bool(sent[:-1]) is of_the_mirror


def test_telemetry_that_its_user_has_turned_on_is_not_stopped(monkeypatch):
    stopped = []
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "true")
    monkeypatch.setattr(anon_tracker, "disable_anon_tracker", lambda: stopped.append(True))
    with without_telemetry():
        assert stopped == []


@pytest.mark.skipif(not NIGHTLY, reason="dlt does this, and it takes five seconds")
def test_nothing_is_sent_where_its_user_has_turned_it_off(tmp_path):
    assert ran(MIRRORS, tmp_path, {"RUNTIME__DLTHUB_TELEMETRY": "false"}, "") == []


REFUSED = """
import json
from aiotofupilot import ConfigurationError
from aiotofupilot.dlt import mirror
from aiotofupilot.dlt.quiet import quieten

said = []
for use in (quieten, lambda: list(mirror("line.duckdb", api_key="key", base_url="https://tofupilot.example"))):
    try:
        use()
    except ConfigurationError as error:
        said.append(str(error))
print(json.dumps(said))
"""


@pytest.mark.parametrize(
    ("config", "why"),
    [
        pytest.param("this is no toml\n", "config.toml", id="no toml"),
        pytest.param('[runtime]\ndlthub_telemetry = "perhaps"\n', "dlthub_telemetry", id="wrong type"),
    ][: None if NIGHTLY else 1],
)
def test_settings_that_dlt_cannot_use_are_told_in_one_line(tmp_path, config, why):
    said = ran(REFUSED, tmp_path, {}, config)
    assert len(said) == 2
    for line in said:
        assert line.startswith("dlt cannot use its settings: ")
        assert why in line
        assert "\n" not in line


def ran(program, folder, environment, config):
    """Return what a program prints where the user has some settings."""
    (folder / ".dlt").mkdir()
    (folder / ".dlt" / "config.toml").write_text(config, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNTIME__")}
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env=kept | NOWHERE | environment,
    )
    return json.loads(done.stdout)
