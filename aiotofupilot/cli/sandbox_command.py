"""``aiotofupilot sandbox``: its options and its help."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from .help_text import unwrapped

__all__ = ["sandbox"]


@unwrapped
async def sandbox(
    *,
    host: Annotated[str, Parameter(metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=65535), show_default=False)] = 0,
    procedures: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=1_000_000))] = 250,
    runs: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=1_000_000))] = 1000,
    data: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    latency: Annotated[float, Parameter(metavar="SECONDS", validator=Number(gte=0))] = 0.0,
    faults: Annotated[float | None, Parameter(metavar="RATE", validator=Number(gte=0, lte=1))] = None,
    fault: Annotated[list[str] | None, Parameter(metavar="FAULT", negative_iterable=())] = None,
    arrivals: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0))] = 0.0,
    removals: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0))] = 0.0,
    seed: Annotated[int, Parameter(metavar="N")] = 0,
) -> None:
    """Run a TofuPilot of your own on this machine, with a made-up factory, until Ctrl-C.

    It serves every listing. It prints the two lines that a shell needs to lead other programs to it, and then each
    request with its answer.

    Args:
        host: Listen on this address of this machine. 0.0.0.0 lets containers and other machines in.
        port: Listen on this port. By default any free one.
        procedures: Make up this many procedures, at most 1,000,000.
        runs: Make up this many runs, at most 1,000,000, with their units, phases, measurements and logs.
        data: List what is in this JSON file, and make up the other listings: an object with the name of a listing, such
            as runs, for each array of items, as --format json writes them.
        latency: Answer this much later.
        faults: Let this share of requests, 0 to 1, fail: errors, resets, answers that are cut short or not the API's.
        fault: Let requests fail in this way: a status, such as 429 or 503, or reset, hang_up, cut or html. Given
            several times, each fails in one of the ways. Without --faults, every request does.
        arrivals: Make this many runs and procedures per request, on average, so that the listings grow.
        removals: Remove this many procedures per request, on average.
        seed: Another seed makes up another factory, and other requests fail.
    """
    # Here and not above, because help and a wrong option need not wait for an HTTP server.
    from .sandbox_data import items_of  # noqa: PLC0415
    from .standing_sandbox import BadDay, sandbox_of, serve  # noqa: PLC0415

    items = {"procedures": procedures, "runs": runs} | ({} if data is None else items_of(data))
    bad_day = BadDay(latency=latency, rate=faults, faults=tuple(fault or ()))
    await serve(
        sandbox_of(items, host=host, port=port, seed=seed, bad_day=bad_day, arrivals=arrivals, removals=removals)
    )
