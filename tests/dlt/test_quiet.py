"""dlt sends and says nothing, unless its user has turned it on."""

import json
import os
import subprocess
import sys

import pytest

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

NOWHERE = {"RUNTIME__DLTHUB_TELEMETRY_ENDPOINT": "http://127.0.0.1:9/", "HOME": "."}
"""Where telemetry goes that is turned on here, and where dlt looks for what the machine's user wants."""


@pytest.mark.parametrize(
    ("environment", "config", "told"),
    [
        ({}, "", [False, "CRITICAL"]),
        ({"RUNTIME__DLTHUB_TELEMETRY": "true"}, "", [True, "CRITICAL"]),
        ({}, "[runtime]\ndlthub_telemetry = true\n", [True, "CRITICAL"]),
        ({}, '[runtime]\nlog_level = "INFO"\n', [False, "INFO"]),
    ],
    ids=["nothing", "environment", "file", "only the log"],
)
def test_it_is_quiet_unless_its_user_has_chosen_otherwise(tmp_path, environment, config, told):
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text(config, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RUNTIME__")}
    ran = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=kept | NOWHERE | environment,
    )
    assert json.loads(ran.stdout) == told
