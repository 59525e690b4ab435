"""Nothing is sent to anybody but the server that a program names.

- A program connects to the server that it names and to nobody else, and sends no telemetry.
"""

import json
import subprocess
import sys

from aiotofupilot.sandbox import Sandbox
from aiotofupilot.testing import serve

PROGRAM = """
import asyncio, json, sys

contacted = set()

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        contacted.add(tuple(arguments[1][:2]))
    elif event.startswith(("socket.get", "subprocess.Popen", "os.posix_spawn", "os.system", "urllib.")):
        contacted.add((event, str(arguments)))

sys.addaudithook(note)

from aiotofupilot import TofuPilotSession
from aiotofupilot.cli import run
from aiotofupilot.mirror import Mirror

async def main():
    async with TofuPilotSession() as session:
        await session.whoami()
        runs = await session.runs.list(limit=20, concurrency=4, on_drift="resync").collect()
        await session.runs.get(runs[0].id)
        await session.procedures.list().count()
        await session.runs.list().shards(2)
        await Mirror("line.duckdb", session=session, listings=["runs", "logs"]).update()

asyncio.run(main())
assert run(["procedures", "--output", "procedures.csv"]) == 0
json.dump(sorted(contacted), sys.stdout)
"""


def test_a_program_connects_to_its_server_and_to_nobody_else(tmp_path):
    """It looks up no name, starts no program and sends no telemetry."""
    with serve(Sandbox(20, runs=25)) as sandbox:
        environment = {"TOFUPILOT_API_KEY": sandbox.api_key, "TOFUPILOT_URL": sandbox.url, "HOME": str(tmp_path)}
        ran = subprocess.run(  # noqa: S603 - our own
            [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        port = int(sandbox.url.removesuffix("/api").rpartition(":")[2])
        assert json.loads(ran.stdout) == [["127.0.0.1", port]]
