"""A sandbox as a process of its own, which shows what it is asked."""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from attrs import frozen

from aiotofupilot.sandbox import BusyLine, Request, Sandbox, faults

from .failures import UsageError
from .output.terminal import put, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiotofupilot.sandbox.faults import Fault

__all__ = ["BadDay", "sandbox_of", "serve"]

_NAMED = {"reset": faults.reset, "hang_up": faults.hang_up, "cut": faults.cut, "html": faults.html}
"""Faults that a command line can name, beside the statuses of errors."""

_LAST_STATUS = 599


@frozen(kw_only=True)
class BadDay:
    """What goes wrong."""

    latency: float = 0.0
    """Seconds by which each answer is late."""
    rate: float | None = None
    """The share of requests that meet a fault, 0 to 1. None: all of them where faults are named, and otherwise none."""
    faults: tuple[str, ...] = ()
    """Names of faults: statuses of errors, and keys of the table above. Empty: those of a bad day."""


def sandbox_of(
    items: Mapping[str, Any],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 0,
    bad_day: BadDay = BadDay(),
    arrivals: float = 0.0,
    removals: float = 0.0,
) -> Sandbox:
    """Describe a sandbox.

    Args:
        items: What it lists, by the name of the listing: a number of items to make up, or the items.
        host: To listen on.
        port: To listen on; 0: any free one.
        seed: Decides what is made up, what changes, and which requests fail.
        bad_day: What goes wrong.
        arrivals: How many runs and procedures are made per request, on average.
        removals: How many procedures are removed per request, on average.

    Raises:
        UsageError: There is no such fault, or there is no procedure to make runs of.
    """
    sandbox = Sandbox(**items, seed=seed, host=host, port=port)
    named = [_fault(name) for name in bad_day.faults]
    rate = bad_day.rate if bad_day.rate is not None else float(bool(named))
    if bad_day.latency:
        sandbox.faults.always(faults.latency(bad_day.latency))
    if rate:
        sandbox.faults.randomly(*named, rate=rate, seed=seed)
    if arrivals or removals:
        if arrivals and not sandbox.procedures:
            raise UsageError("--arrivals needs a procedure at least, which runs can be made of")
        sandbox.before_response.append(BusyLine(runs=arrivals, inserts=arrivals, removals=removals, seed=seed))
    return sandbox


def _fault(name: str) -> Fault:
    if name in _NAMED:
        return _NAMED[name]()
    if name.isascii() and name.isdigit() and HTTPStatus.BAD_REQUEST <= int(name) <= _LAST_STATUS:
        return faults.status(int(name))
    raise UsageError(f"wrong --fault {name}: it is a status from 400 to 599, or one of {', '.join(_NAMED)}")


async def serve(sandbox: Sandbox) -> None:
    """Run a sandbox until this is cancelled. Its address goes to standard output, its requests to standard error.

    Raises:
        UsageError: The address or the port cannot be had.
    """
    answered = asyncio.Queue[Request]()
    sandbox.after_response.append(lambda _factory, request: answered.put_nowait(request))
    try:
        await sandbox.start()
    except OSError as error:
        raise UsageError(f"{error.strerror}; choose another --host or --port, or leave them out") from error
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
