"""The process of one client. It gets its tasks over standard input, so it can be warm and wait for its turn.

``python -m benchmarks.worker`` reads lines of JSON, each with a task and its arguments. It answers each with a line of
JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contenders import CONTENDERS
from .scenario import KINDS, Listing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TASKS"]


def _cpu() -> float:
    """Return the CPU seconds of this process and all its threads, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_memory() -> int:
    """Return the most memory that this process has had, in bytes.

    Linux's getrusage is of no use here. It begins with the memory that the parent had when it made this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


async def _walk(listing: Listing, walked: dict[str, Any]) -> None:
    """Walk to the end. The first item is taken alone, so measuring its time does not cost the others anything."""
    started = time.perf_counter()
    items = aiter(listing())
    await anext(items)
    walked["first"] = time.perf_counter() - started
    walked["items"] += 1
    count = walked["items"]
    try:
        async for _ in items:
            count += 1
    finally:
        walked["items"] = count


def walk(name: str, url: str, data: str, walks: int = 1) -> dict[str, Any]:
    """List everything with one client, in one walk or in several at once.

    Args:
        name: Name of the contender.
        url: Base URL of the API.
        data: Name of the kind of data that is listed there.
        walks: How many walks run at once.

    Returns:
        ``wall`` and ``cpu``, the seconds from the first request to the last item; ``first``, the seconds to the first
        item; ``items``, how many were seen; ``memory``, the peak in bytes; and ``error``, None if there was none.
    """
    walked: dict[str, Any] = {"items": 0, "first": None, "error": None}

    async def run() -> None:
        async with CONTENDERS[name].open(url, KINDS[data]) as listing:
            gc.collect()
            wall, cpu = time.perf_counter(), _cpu()
            try:
                if walks == 1:
                    await _walk(listing, walked)
                else:
                    each = [walked | {} for _ in range(walks)]
                    await asyncio.gather(*(_walk(listing, one) for one in each))
                    walked["first"] = max(one["first"] for one in each)
                    walked["items"] = sum(one["items"] for one in each)
            except Exception as error:  # noqa: BLE001 - the failure is what is reported
                walked["error"] = f"{type(error).__name__}: {error}"
            walked["wall"], walked["cpu"] = time.perf_counter() - wall, _cpu() - cpu

    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if CONTENDERS[name].uvloop:
        from uvloop import new_event_loop as loop_factory
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())
    return walked | {"memory": _peak_memory()}


def decode(name: str, data: str, seed: int, pages: int) -> dict[str, Any]:
    """Decode a number of pages of one kind of data, with 100 items each. Another seed takes other pages.

    Returns:
        ``cpu``, the seconds of CPU time.
    """
    from .decoders import DECODERS  # not above: a worker that walks has only its own client in memory
    from .server import page_body

    begin, end = seed * pages * 100, (seed + 1) * pages * 100
    bodies = [page_body(data, end, 100, cursor) for cursor in range(begin, end, 100)]
    run = DECODERS[name].make(data)
    run(bodies[0])
    gc.collect()
    cpu = _cpu()
    for body in bodies:
        run(body)
    return {"cpu": _cpu() - cpu}


def drift(name: str, seed: int, items: int, created: float, removed: float) -> dict[str, Any]:
    """List procedures that come and go while they are listed. The time does not count here.

    Args:
        name: Name of the contender.
        seed: Decides which procedures come and go.
        items: How many procedures are listed at first.
        created: How many procedures come with each request, at the head of the listing.
        removed: How many procedures go with each request, anywhere.

    Returns:
        ``stayed``, how many procedures were listed throughout; ``missed``, how many of them were not seen; ``doubled``,
        how many were seen again; and ``error``, None if there was none.
    """
    from aiotofupilot.sandbox import BusyLine, Factory, Request, Sandbox
    from aiotofupilot.testing import serve

    sandbox, line = Sandbox(items, runs=0, seed=seed), BusyLine(inserts=created, removals=removed, seed=seed)
    before = {procedure.id for procedure in sandbox.procedures}

    def change(factory: Factory, request: Request) -> None:
        if len(line.inserted) >= items:
            line.inserts = 0.0  # so that every loop ends
        line(factory, request)

    async def read() -> list[str]:
        async with CONTENDERS[name].open(sandbox.url, KINDS["few"]) as listing:
            return [item["id"] if isinstance(item, dict) else item.id async for item in listing()]

    sandbox.before_response.append(change)
    try:
        with serve(sandbox):
            got = asyncio.run(read())
    except Exception as raised:  # noqa: BLE001 - the failure is what is reported
        return {"items": 0, "expected": items, "error": f"{type(raised).__name__}: {raised}"}
    stayed = before - {procedure.id for procedure in line.removed}
    return {
        "stayed": len(stayed),
        "missed": len(stayed.difference(got)),
        "doubled": len(got) - len({*got}),
        "items": len(got),
        "expected": len(got),
        "error": None,
    }


TASKS: dict[str, Callable[..., dict[str, Any]]] = {"walk": walk, "decode": decode, "drift": drift}


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(TASKS[order.pop("task")](**order)), flush=True)
