"""``aiotofupilot sandbox``: its options and its help."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

__all__ = ["sandbox"]


async def sandbox(
    *,
    port: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=65535), show_default=False)] = 0,
    procedures: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=1_000_000))] = 250,
    runs: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=1_000_000))] = 1000,
    latency: Annotated[float, Parameter(metavar="SECONDS", validator=Number(gte=0))] = 0.0,
    faults: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0, lte=1))] = 0.0,
    seed: Annotated[int, Parameter(metavar="N")] = 0,
) -> None:
    """Run a TofuPilot of your own on this machine, with a made-up factory, until Ctrl-C.

    It serves every listing. It prints the two lines that lead other programs to it, for the shell that starts them, and
    then each request with its answer.

    Args:
        port: Listen on this port. By default any free one.
        procedures: Make up this many procedures, at most 1,000,000.
        runs: Make up this many runs, at most 1,000,000, with their units, phases, measurements and logs.
        latency: Answer this much later.
        faults: Let this share of requests, 0 to 1, fail: errors, resets, answers that are cut short or not the API's.
        seed: Another seed makes up another factory, and other requests fail.
    """
    from .standing_sandbox import sandbox_of, serve  # noqa: PLC0415 - an HTTP server, for which help and a wrong option need not wait

    described = sandbox_of(port=port, procedures=procedures, runs=runs, latency=latency, fault_rate=faults, seed=seed)
    await serve(described)
