"""The commands, their options and their help, as cyclopts reads them off signatures and docstrings."""

from __future__ import annotations

import sys
from datetime import datetime  # noqa: TC003 - cyclopts resolves the annotations
from importlib.metadata import version
from pathlib import Path  # noqa: TC003 - likewise
from typing import Annotated, Literal

from cyclopts import App, Group, Parameter
from cyclopts.validators import Number

from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise

from .converters import checkpoint, moment
from .descriptors import is_standard_output
from .failures import UsageError
from .terminal import counted, is_terminal, say

__all__ = ["app"]

app = App(
    name="aiotofupilot",
    help="Stream TofuPilot procedures to the terminal, a pipe or a file.",
    help_format="markdown",
    help_epilogue=(
        "Exit codes: 0 done, 2 wrong usage, 3 key refused (401, 403), 4 other failure of server, network or disk, "
        "130 interrupted."
    ),
    version_format="plaintext",
    version=lambda: f"aiotofupilot {version('aiotofupilot')}",
    default_parameter=Parameter(negative=()),
    print_error=False,
    exit_on_error=False,
)

_QUERY = Group("Which procedures", sort_key=1)
_OUTPUT = Group("Output", sort_key=2)
_ASKING = Group("How to ask", sort_key=3)
_SERVER = Group("Server", sort_key=4)


@app.command
async def procedures(
    *,
    search: Annotated[str | None, Parameter(group=_QUERY, metavar="TEXT")] = None,
    created_after: Annotated[datetime | None, Parameter(group=_QUERY, metavar="DATE", converter=moment)] = None,
    created_before: Annotated[datetime | None, Parameter(group=_QUERY, metavar="DATE", converter=moment)] = None,
    max_items: Annotated[int | None, Parameter(group=_QUERY, metavar="N", validator=Number(gte=0))] = None,
    cursor: Annotated[
        Checkpoint | None, Parameter(group=_QUERY, metavar="PLACE", converter=checkpoint, accepts_keys=False)
    ] = None,
    format: Annotated[Literal["table", "jsonl", "json", "csv"] | None, Parameter(group=_OUTPUT)] = None,  # noqa: A002 - the option's name
    output: Annotated[Path | None, Parameter(group=_OUTPUT, metavar="FILE")] = None,
    resume: Annotated[bool, Parameter(group=_OUTPUT, show_default=False)] = False,
    limit: Annotated[int, Parameter(group=_ASKING, metavar="N", validator=Number(gte=1, lte=100))] = 100,
    concurrency: Annotated[int, Parameter(group=_ASKING, metavar="N", validator=Number(gte=1))] = 1,
    on_drift: Annotated[Literal["ignore", "resync", "raise"], Parameter(group=_ASKING)] = "ignore",
    sandbox: Annotated[bool, Parameter(group=_SERVER, show_default=False)] = False,
    base_url: Annotated[str | None, Parameter(group=_SERVER, metavar="URL")] = None,
    allow_insecure_http: Annotated[bool, Parameter(group=_SERVER, show_default=False)] = False,
    api_key: Annotated[str | None, Parameter(group=_SERVER, metavar="KEY")] = None,
) -> None:
    """List procedures as they arrive, page by page.

    DATE is ISO 8601: 2024-01-31, 2024-01-31T09:30, 2024-01-31T09:30Z or 2024-01-31T09:30+02:00. Without Z or an offset
    it is this machine's local time; a date alone is its midnight.

    Args:
        search: Only those whose name contains this, or whose ID does, from 6 characters on.
        created_after: Only those created at this moment or later.
        created_before: Only those created at this moment or earlier.
        max_items: Stop after this many.
        cursor: Begin here: at what a run that ended early printed, or at a position of the server's, such as 200.
        format: How to write them. A table is cut to fit a terminal, never a pipe or a file; the other formats have the
            API's own names and spelling. By default the ending of --output decides, and without one it is a table.
        output: Write into this file, which is replaced only when all has arrived. What a run that ended early had of it
            is left in FILE.part, unless it is json. A device, a named pipe or /dev/stdout is written into.
        resume: Go on with what an earlier run of the same command and key has left of the file. If there is nothing,
            begin.
        limit: Procedures a request, 1 to 100.
        concurrency: Requests at a time. They are written in order all the same.
        on_drift: What to do when procedures come or go meanwhile, which can make the server's positions miss some:
            ignore it; resync, to miss and repeat none that stays; or raise, to fail.
        sandbox: List 250 made-up procedures of an embedded server: no account or key needed.
        base_url: Address of the server. Better set TOFUPILOT_URL; without either it is https://www.tofupilot.app.
        allow_insecure_http: Let the key travel unencrypted to a server whose address begins with http.
        api_key: Discouraged, for everyone on this machine can read the arguments of a command: set TOFUPILOT_API_KEY.
    """
    # Here and not above, for help and a wrong option need not wait for aiohttp.
    from .pull import pull  # noqa: PLC0415
    from .query import Query  # noqa: PLC0415
    from .server import Server  # noqa: PLC0415
    from .spelling import spelling  # noqa: PLC0415

    if sandbox and (base_url or api_key or allow_insecure_http):
        raise UsageError(
            "--sandbox has an address and a key of its own: leave out --base-url, --api-key and --allow-insecure-http"
        )
    form = spelling(format, output)
    if resume and (output is None or not form.can_go_on):
        raise UsageError("--resume needs --output FILE, and another format than json")
    query = Query(
        search_query=search,
        created_after=created_after,
        created_before=created_before,
        max_items=max_items,
        cursor=cursor,
        limit=limit,
        concurrency=concurrency,
        on_drift=on_drift,
    )
    server = Server(base_url=base_url, api_key=api_key, sandbox=sandbox, allow_insecure_http=allow_insecure_http)
    count = await pull(query, server, form, output, resume=resume)
    # Who reads a pipe, such as a pager, may own the terminal.
    if is_terminal(sys.stderr) and (is_terminal(sys.stdout) or not is_standard_output(output)):
        say(counted(count) + (f" in {output}" if output else ""))


@app.command
async def sandbox(
    *,
    port: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=65535), show_default=False)] = 0,
    procedures: Annotated[int, Parameter(metavar="N", validator=Number(gte=0, lte=1_000_000))] = 250,
    latency: Annotated[float, Parameter(metavar="SECONDS", validator=Number(gte=0))] = 0.0,
    faults: Annotated[float, Parameter(metavar="RATE", validator=Number(gte=0, lte=1))] = 0.0,
    seed: Annotated[int, Parameter(metavar="N")] = 0,
) -> None:
    """Run a TofuPilot of your own on this machine, with made-up procedures, until Ctrl-C.

    It prints the two lines that lead other programs to it, for the shell that starts them, and then each request with
    its answer.

    Args:
        port: Listen on this port. By default any free one.
        procedures: Make up so many, at most 1,000,000.
        latency: Answer so much later.
        faults: Let this share of requests, 0 to 1, fail: errors, resets, answers that are cut short or not the API's.
        seed: Another seed makes up other procedures and strikes other requests.
    """
    from .serving import sandbox_of, serve  # noqa: PLC0415 - as above

    await serve(sandbox_of(port=port, procedures=procedures, latency=latency, fault_rate=faults, seed=seed))
