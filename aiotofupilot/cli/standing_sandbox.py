"""A sandbox as a process of its own, which shows what it is asked."""

from __future__ import annotations

import asyncio
import sys

from aiotofupilot.sandbox import Request, Sandbox, faults

from .failures import UsageError
from .output.terminal import put, say

__all__ = ["sandbox_of", "serve"]


def sandbox_of(*, port: int, procedures: int, runs: int, latency: float, fault_rate: float, seed: int) -> Sandbox:
    """Describe a sandbox.

    Args:
        port: To listen on; 0: any free one.
        procedures: How many procedures to make up.
        runs: How many runs to make up.
        latency: Of each answer, in seconds.
        fault_rate: The share of requests that meet a fault of a bad day, 0 to 1.
        seed: Decides what is made up, and which requests fail.
    """
    sandbox = Sandbox(procedures, runs=runs, seed=seed, port=port)
    if latency:
        sandbox.faults.always(faults.latency(latency))
    if fault_rate:
        sandbox.faults.randomly(rate=fault_rate, seed=seed)
    return sandbox


async def serve(sandbox: Sandbox) -> None:
    """Run a sandbox until this is cancelled. Its address goes to standard output, its requests to standard error.

    Raises:
        UsageError: The port cannot be had.
    """
    answered = asyncio.Queue[Request]()
    sandbox.after_response.append(lambda _procedures, request: answered.put_nowait(request))
    try:
        await sandbox.start()
    except OSError as error:
        raise UsageError(f"{error.strerror}; choose another --port, or leave it out for a free one") from error
    try:
        put(sys.stdout, f"export TOFUPILOT_URL={sandbox.url}\nexport TOFUPILOT_API_KEY={sandbox.api_key}\n")
        made_up = f"{len(sandbox.procedures):,} procedures, {len(sandbox.runs):,} runs and more"
        say(f"{made_up} at {sandbox.url}, until Ctrl-C")
        while True:
            request = await answered.get()
            sandbox.requests.clear()  # it may run for days
            say(f"{request.time.astimezone():%H:%M:%S} {request}")
    finally:
        await sandbox.stop()
