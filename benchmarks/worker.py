"""The process that a client runs in, told over standard input what to do, so that it can be warm and wait its turn.

``python -m benchmarks.worker``: a line of JSON in, naming a task and its arguments; a line of JSON out.
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

from .contenders import CONTENDERS, Listing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TASKS"]


def _cpu() -> float:
    """Return the CPU seconds of this process and all its threads, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_memory() -> int:
    """Return the most memory that this process has had, in bytes.

    Linux's getrusage cannot be asked: it starts from what the parent had when it made this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


async def _walk(listing: Listing, walked: dict[str, Any]) -> None:
    """Walk to the end; the first item is taken alone, so that its time costs the others nothing."""
    started = time.perf_counter()
    procedures = aiter(listing())
    await anext(procedures)
    walked["first"] = time.perf_counter() - started
    walked["items"] += 1
    count = walked["items"]
    try:
        async for _ in procedures:
            count += 1
    finally:
        walked["items"] = count


def walk(contender: str, url: str, walks: int = 1) -> dict[str, Any]:
    """List everything, so many times at once, with one client.

    Returns:
        Seconds of ``wall`` and ``cpu`` time from the first request to the last item; ``first``, seconds to the first
        item; ``items`` seen; ``memory``, the peak in bytes; ``error``, None if there was none.
    """
    walked: dict[str, Any] = {"items": 0, "first": None, "error": None}

    async def run() -> None:
        async with CONTENDERS[contender].open(url) as listing:
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
            except Exception as error:  # noqa: BLE001 - that it failed, and how, is what is reported
                walked["error"] = f"{type(error).__name__}: {error}"
            walked["wall"], walked["cpu"] = time.perf_counter() - wall, _cpu() - cpu

    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if CONTENDERS[contender].uvloop:
        from uvloop import new_event_loop as loop_factory
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run())
    return walked | {"memory": _peak_memory()}


def decode(decoder: str, pages: int) -> dict[str, Any]:
    """Decode so many pages of 100.

    Returns:
        Seconds of ``cpu`` time.
    """
    from .decoders import DECODERS  # not above: a worker that walks has only its own client in memory
    from .pages import page_body

    bodies = [page_body(pages * 100, 100, page * 100) for page in range(pages)]
    run = DECODERS[decoder].make()
    run(bodies[0])
    gc.collect()
    cpu = _cpu()
    for body in bodies:
        run(body)
    return {"cpu": _cpu() - cpu}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {"walk": walk, "decode": decode}


if __name__ == "__main__":
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(TASKS[order.pop("task")](**order)), flush=True)
