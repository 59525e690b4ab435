"""How many instructions a client's process executes, counted by cachegrind. Unlike times, counts repeat to 0.3 %.

What a page takes is the difference of two runs of one program, of which one has more pages. So what the start takes is
not in it. A full garbage collection goes through all that was imported, and it can fall into a page or not. So each
program freezes what lives after its first item or page, and later collections go through what is newer.

A program needs nothing of a checkout but its public names and its decoders, so checkouts can be compared.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .bench import Row, compare
from .contenders import CONTENDERS
from .decoders import DECODERS
from .scenario import KEY, KINDS, LIMIT, Scenario
from .server import page_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .bench import Bench, Sample

    Command = tuple[str | int, ...]
    """A program, and its arguments."""

__all__ = ["instructions", "worse"]

HERE = Path(__file__).parents[1]

FEW, MANY = 20, 60
"""The pages of two runs."""

MOST = 1.02
"""A program may take this many times the instructions that it takes in the other checkout."""

THERE = ", in the other checkout"
"""The end of the names and titles of clients in that checkout."""

TITLES = {name: client.title for name, client in (DECODERS | CONTENDERS).items()}
TITLES |= {name + THERE: title + THERE for name, title in TITLES.items()}

BARE = f"""
import asyncio, gc, sys
import aiohttp, orjson
async def main():
    url, most, items, cursor = sys.argv[1], int(sys.argv[2]), 0, 0
    async with aiohttp.ClientSession(headers={{"Authorization": "Bearer {KEY}"}}) as session:
        while items < most:
            async with session.get(url + "/v2/procedures", params={{"limit": {LIMIT}, "cursor": cursor}}) as response:
                page = orjson.loads(await response.read())
            for item in page["data"]:
                items += 1
                if items == most:
                    break
                if items == 1:
                    gc.collect()
                    gc.freeze()
            cursor = page["meta"]["next_cursor"]
asyncio.run(main())
"""

OURS = f"""
import asyncio, gc, sys
from aiotofupilot import TofuPilotSession
async def main():
    url, most, items = sys.argv[1], int(sys.argv[2]), 0
    async with TofuPilotSession("{KEY}", base_url=url) as session:
        async for item in session.procedures.list(limit={LIMIT}):
            items += 1
            if items == most:
                break
            if items == 1:
                gc.collect()
                gc.freeze()
asyncio.run(main())
"""

IGNORING = OURS.replace(f"limit={LIMIT}", f'limit={LIMIT}, on_drift="ignore"')

DECODE = """
import gc, sys
from benchmarks.decoders import DECODERS
name, kind, path, pages = sys.argv[1:]
bodies = open(path, "rb").read().splitlines()
decode = DECODERS[name].make(kind)
decode(bodies[0])
gc.collect()
gc.freeze()
for body in bodies[:int(pages)]:
    decode(body)
"""


def instructions(bench: Bench) -> Iterable[Row]:
    """How many instructions a page and the first item take, if valgrind is installed."""
    if which("valgrind") is None:
        note = "left out, because valgrind is not installed"
        yield Row(case="instructions", client=TITLES["ours"], figure=None, note=note)
        return
    scenario = Scenario(run="instructions", items=2 * MANY * LIMIT, data="new")
    url = f"{bench.server.origin}/{scenario.path}/api"
    programs = {"bare": BARE, "ours": OURS, "ours-ignore": IGNORING}
    with TemporaryDirectory() as folder:
        counted = partial(_counted, bench, Path(folder, "bytecode"))
        pages = {name: ((text, url, FEW * LIMIT), (text, url, MANY * LIMIT)) for name, text in programs.items()}
        case = f"thousand instructions per page of 100 {KINDS['new'].title}"
        yield from counted(case, pages, 1e3 * (MANY - FEW))
        first = {name: (("pass",), (programs[name], url, 1)) for name in ("bare", "ours")}
        yield from counted("million instructions from nothing to the first item", first, 1e6)
        for data in ("new", "runs", "measurements"):
            path = Path(folder, data)
            bodies = (page_body(data, MANY * LIMIT, LIMIT, cursor) for cursor in range(0, MANY * LIMIT, LIMIT))
            path.write_bytes(b"\n".join(bodies))
            case = f"thousand instructions to decode a page of 100 {KINDS[data].title}"
            arguments = {name: (DECODE, name, data, str(path)) for name in ("dicts", "ours")}
            decoded = {name: ((*known, FEW), (*known, MANY)) for name, known in arguments.items()}
            yield from counted(case, decoded, 1e3 * (MANY - FEW))


def _counted(
    bench: Bench, bytecode: Path, case: str, commands: Mapping[str, tuple[Command, Command]], unit: float
) -> Iterable[Row]:
    """Count what the second of two commands takes more. The first client is the floor, the same in all checkouts."""
    floor, *others = commands
    runs = {name: partial(_more, HERE, bytecode, *commands[name]) for name in commands}
    if bench.against:
        there = bench.against.resolve()
        runs |= {name + THERE: partial(_more, there, bytecode, *commands[name]) for name in others}
    samples = bench.by_turns(case, runs, rounds=1)
    return compare(case, samples, lambda sample: sample["instructions"] / unit, titles=TITLES, floor=floor)


def _more(checkout: Path, bytecode: Path, less: Command, more: Command, _: int) -> Sample:
    environment = os.environ | {
        "PYTHONPATH": str(checkout),
        "PYTHONPYCACHEPREFIX": str(bytecode),
        "PYTHONHASHSEED": "0",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    valgrind = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
    counts = []
    for text, *arguments in (less, more):
        command = (sys.executable, "-P", "-c", str(text), *map(str, arguments))
        subprocess.run(command, check=True, env=environment)  # compiles
        said = subprocess.run((*valgrind, *command), check=True, capture_output=True, text=True, env=environment).stderr
        (count,) = re.findall(r"I +refs: +([\d,]+)", said)
        counts.append(int(count.replace(",", "")))
    return {"instructions": counts[1] - counts[0]}


def worse(rows: Iterable[Row]) -> list[str]:
    """Return a line for each client that takes more than it may take beside the other checkout."""
    counts = {(row.case, row.client): row.figure.median for row in rows if row.figure}
    return [
        f"{case}: {client} takes {count / there:.3f} times as many as in the other checkout"
        for (case, client), count in counts.items()
        if (there := counts.get((case, client + THERE))) and count > MOST * there
    ]
