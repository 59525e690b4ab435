"""``aiotofupilot sandbox`` runs a sandbox, and prints the requests that it gets."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from aiotofupilot.errors import visible

from .messages import UsageError, put
from .options import timestamp, unwrapped

if TYPE_CHECKING:
    from aiotofupilot.sandbox import Request, Sandbox


@unwrapped
async def sandbox(
    *,
    host: Annotated[str, Parameter(metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=65535), show_default=False)] = 0,
    procedures: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=1_000_000))] = 250,
    runs: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=100_000))] = 1000,
    until: Annotated[datetime | None, Parameter(metavar="DATE", converter=timestamp)] = None,
    latency: Annotated[float, Parameter(metavar="SECONDS", validator=Number(gte=0))] = 0.0,
    faults: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0, lte=1))] = 0.0,
    arrivals: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0))] = 0.0,
    removals: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0))] = 0.0,
    seed: Annotated[int, Parameter(metavar="N")] = 0,
) -> None:
    """Run a TofuPilot server with a made-up factory on this machine, until Ctrl-C.

    It serves every listing. It prints two lines that set its address and key in a shell, and then each request with its
    response.

    Args:
        host: Listen on this address of this machine. 0.0.0.0 lets containers and other machines in.
        port: Listen on this port. By default any free one.
        procedures: Make up this many procedures, at most 1,000,000.
        runs: Make up this many runs, at most 100,000, with their units, phases, measurements and logs.
        until: When the newest made-up run was uploaded. Default: now.
        latency: Delay each response by this time.
        faults: Let this fraction of requests, 0 to 1, fail: by an error, a reset, or a response that is cut short or is
            not the API's.
        arrivals: Make this many runs and procedures per request, on average, so that the listings grow.
        removals: Remove this many runs and procedures per request, on average, to test a mirror, for example.
        seed: Another seed makes up another factory, and lets other requests fail.
    """
    # Help need not wait for an HTTP server.
    from aiotofupilot.sandbox import BusyLine, Sandbox, faults as made_up  # noqa: PLC0415

    until = until or datetime.now(UTC)
    try:
        service = Sandbox(procedures=procedures, runs=runs, seed=seed, until=until, host=host, port=port)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if latency:
        service.faults.always(made_up.latency(latency))
    if faults:
        service.faults.randomly(rate=faults, seed=seed)
    if arrivals or removals:
        if arrivals and not service.procedures:
            raise UsageError("--arrivals needs at least one procedure, because a run belongs to one")
        busy = BusyLine(runs=arrivals, inserts=arrivals, run_removals=removals, removals=removals, seed=seed)
        service.before_response.append(busy)
    await serve(service)


async def serve(sandbox: Sandbox) -> None:
    """Run a sandbox until cancelled. Its address goes to standard output, its requests to standard error."""
    import asyncio  # noqa: PLC0415 - help need not wait for it

    answered: asyncio.Queue[Request] = asyncio.Queue()
    sandbox.after_response.append(lambda _factory, request: answered.put_nowait(request))
    try:
        await sandbox.start()
    except OSError as error:
        raise UsageError(f"{error.strerror}; choose another --host or --port, or leave them out") from error
    try:
        put(sys.stdout, f"export TOFUPILOT_URL={sandbox.url}\nexport TOFUPILOT_API_KEY={sandbox.api_key}\n")
        made_up = f"{len(sandbox.procedures):,} procedures, {len(sandbox.runs):,} runs and more"
        put(sys.stderr, f"{made_up} at {sandbox.url}, until Ctrl-C\n")
        while True:
            request = await answered.get()
            sandbox.requests.clear()  # the sandbox may run for days
            put(sys.stderr, visible(f"{request.time.astimezone():%H:%M:%S} {request}") + "\n")
    finally:
        await sandbox.stop()
