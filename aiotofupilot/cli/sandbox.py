"""``aiotofupilot sandbox``: a sandbox as a process of its own, which shows the requests that it gets."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter
from cyclopts.validators import Number

from aiotofupilot import DecodeError
from aiotofupilot.errors import visible
from aiotofupilot.listings import NAMES, listing_class

from .messages import UsageError, put
from .options import timestamp, unwrapped

if TYPE_CHECKING:
    from aiotofupilot.sandbox import Request, Sandbox
    from aiotofupilot.sandbox.faults import Fault


@unwrapped
async def sandbox(
    *,
    host: Annotated[str, Parameter(metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=65535), show_default=False)] = 0,
    procedures: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=1_000_000))] = 250,
    runs: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=100_000))] = 1000,
    until: Annotated[datetime | None, Parameter(metavar="DATE", converter=timestamp)] = None,
    data: Annotated[Path | None, Parameter(metavar="FILE")] = None,
    station_listings: Annotated[list[str] | None, Parameter(name="--station-listing", metavar="LISTING")] = None,
    latency: Annotated[float, Parameter(metavar="SECONDS", validator=Number(gte=0))] = 0.0,
    faults: Annotated[float | None, Parameter(metavar="RATE", validator=Number(gte=0, lte=1))] = None,
    fault: Annotated[list[str] | None, Parameter(metavar="FAULT")] = None,
    arrivals: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0))] = 0.0,
    removals: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0))] = 0.0,
    seed: Annotated[int, Parameter(metavar="N")] = 0,
) -> None:
    """Run a TofuPilot of your own on this machine, with a made-up factory, until Ctrl-C.

    It serves every listing. It prints the two lines that a shell needs to lead other programs to it, and then each
    request with its response.

    Args:
        host: Listen on this address of this machine. 0.0.0.0 lets containers and other machines in.
        port: Listen on this port. By default any free one.
        procedures: Make up this many procedures, at most 1,000,000.
        runs: Make up this many runs, at most 100,000, with their units, phases, measurements and logs.
        until: When the newest made-up run has been uploaded. By default now.
        data: List what is in this JSON file, and make up the other listings: an object with the name of a listing, such
            as runs, for each array of items, as --format json writes them. A run may have an environment and a
            deployment_id too, for the filters.
        station_listings: Let the station's key list this. Given several times, it lists all of them. By default all but
            stations.
        latency: Respond this much later.
        faults: Let this share of requests, 0 to 1, fail: errors, resets, responses that are cut short or not the API's.
        fault: Let requests fail in this way: a status, such as 429 or 503, or reset, hang_up, cut or html. Given
            several times, each fails in one of the ways. Without --faults, every request does.
        arrivals: Make this many runs and procedures per request, on average, so that the listings grow.
        removals: Remove this many runs and procedures per request, on average, such as for a mirror to find.
        seed: Another seed makes up another factory, and other requests fail.
    """
    # Here and not above, because help and a wrong option need not wait for an HTTP server.
    from aiotofupilot.sandbox import BusyLine, Sandbox, faults as made_up  # noqa: PLC0415

    items: dict[str, Any] = {"procedures": procedures, "runs": runs} | ({} if data is None else items_of(data))
    until = until or datetime.now(UTC)
    try:
        service = Sandbox(**items, host=host, port=port, seed=seed, until=until, station_listings=station_listings)
    except ValueError as error:
        raise UsageError(str(error)) from None
    named = [_fault(name) for name in fault or ()]
    if latency:
        service.faults.always(made_up.latency(latency))
    if share := float(bool(named)) if faults is None else faults:
        service.faults.randomly(*named, rate=share, seed=seed)
    if arrivals or removals:
        if arrivals and not service.procedures:
            raise UsageError("--arrivals needs at least one procedure, because runs are made of one")
        busy = BusyLine(runs=arrivals, inserts=arrivals, run_removals=removals, removals=removals, seed=seed)
        service.before_response.append(busy)
    await serve(service)


def _fault(name: str) -> Fault:
    from aiotofupilot.sandbox import faults  # noqa: PLC0415 - it is loaded by now

    named = {"reset": faults.reset, "hang_up": faults.hang_up, "cut": faults.cut, "html": faults.html}
    if name in named:
        return named[name]()
    if re.fullmatch(r"[45][0-9]{2}", name):
        with suppress(ValueError):  # HTTP has no such status
            return faults.status(int(name))
    raise UsageError(f"wrong --fault {name}: it is a status from 400 to 599, or one of {', '.join(named)}")


async def serve(sandbox: Sandbox) -> None:
    """Run a sandbox until this is cancelled. Its address goes to standard output, its requests to standard error."""
    import asyncio  # noqa: PLC0415 - help and a wrong option need not wait for it

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
            sandbox.requests.clear()  # it may run for days
            put(sys.stderr, visible(f"{request.time.astimezone():%H:%M:%S} {request}") + "\n")
    finally:
        await sandbox.stop()


def items_of(path: Path) -> dict[str, list[object]]:
    """Return the items in a JSON file: an object with an array of items, as the API writes them, for each listing."""
    try:
        document: object = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read --data {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # the latter: it is nested too deeply
        raise UsageError(f"--data {path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise UsageError(f"--data {path} must hold an object with arrays of items, by the names of their listings")
    items: dict[str, list[object]] = {}
    for name, listed in cast("dict[str, object]", document).items():
        if name not in NAMES:
            raise UsageError(f"--data {path}: {name} is not a listing; there are {', '.join(NAMES)}")
        if not isinstance(listed, list):
            raise UsageError(f"--data {path}: {name} must be an array of items")
        documents = cast("list[object]", listed)
        items[name] = [_item(f"--data {path}: {name}[{at}]", name, item) for at, item in enumerate(documents)]
    return items


def _item(place: str, listing: str, document: Any) -> object:  # noqa: ANN401 - JSON
    """Return one item. A run may say where it ran."""
    from aiotofupilot import from_wire  # noqa: PLC0415 - help and a wrong option need not wait for the codec
    from aiotofupilot.sandbox import DeployedRun  # noqa: PLC0415 - likewise

    model: type[Any] = listing_class(listing).model
    try:
        item = from_wire(document, model)
    except DecodeError as error:
        raise UsageError(f"{place}{str(error).removeprefix('$')}") from None
    if listing != "runs":
        return item
    where = {name: document.get(name) for name in ("environment", "deployment_id")}
    for name, value in where.items():
        if not isinstance(value, str | None):
            raise UsageError(f"{place}.{name}: expected a string, got {value!r}")
    return DeployedRun.of(item, **where)
