"""The commands: one for each listing, made from the library's own signature, and the sandbox."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Group, Parameter
from cyclopts.validators import Number

from aiotofupilot.checkpoint import Checkpoint  # noqa: TC001 - likewise

from .columns import LISTINGS, columns_of
from .converters import checkpoint
from .failures import UsageError
from .options import described, with_signature
from .output.descriptors import is_standard_output
from .output.terminal import is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .options import Described

__all__ = ["app_for"]

_EXIT_CODES = (
    "Exit codes: 0 done, 2 wrong usage, 3 key refused (401, 403), 4 other failure of server, network or disk, "
    "130 interrupted."
)

_DATES = (
    "DATE is ISO 8601: 2024-01-31, 2024-01-31T09:30, 2024-01-31T09:30Z or 2024-01-31T09:30+02:00. Without Z or an "
    "offset it is this machine's local time; a date alone is its midnight. DURATION is 90s, 1m30s, 2h or PT1M30S. An "
    "option that takes several values is given several times."
)

_HOW_MANY = Group("How many", sort_key=2)
_OUTPUT = Group("Output", sort_key=3)
_ASKING = Group("How to ask", sort_key=4)
_SERVER = Group("Server", sort_key=5)


def app_for(arguments: Sequence[str]) -> App:
    """Return the command line, ready for some arguments.

    A listing costs some time to read, so that only the one that is asked for is read, or all of them for the help.
    """
    app = App(
        name="aiotofupilot",
        help="Stream TofuPilot's listings to the terminal, a pipe or a file.",
        help_format="markdown",
        help_epilogue=_EXIT_CODES,
        version_format="plaintext",
        version=lambda: f"aiotofupilot {version('aiotofupilot')}",
        default_parameter=Parameter(negative=()),
        print_error=False,
        exit_on_error=False,
    )
    wanted = [name for name in LISTINGS if name == next(iter(arguments), None)]
    for name in wanted or LISTINGS:
        app.command(_listing_command(name), name=name)
    app.command(sandbox)
    app.register_install_completion_command(add_to_startup=False)  # pyright: ignore[reportUnknownMemberType]
    return app


def _listing_command(name: str) -> Any:  # noqa: ANN401 - a function
    listing = described(name)
    shared = [parameter for parameter in _SHARED_OPTIONS if listing.is_paged or parameter.name not in _OF_PAGES]
    doc = "\n\n".join(part for part in (listing.summary, listing.details, _DATES) if part)
    return with_signature([*listing.parameters.values(), *shared], partial(_list, name, listing), name, doc)


def _shared(
    *,
    max_items: Annotated[
        int | None,
        Parameter(
            name=["--max-items", "-n"],
            group=_HOW_MANY,
            metavar="N",
            validator=Number(gte=0),
            help="Stop after this many.",
        ),
    ] = None,
    cursor: Annotated[
        Checkpoint | None,
        Parameter(
            group=_HOW_MANY,
            metavar="PLACE",
            converter=checkpoint,
            accepts_keys=False,
            help="Begin here: at what a run that ended early printed, or at a position of the server's, such as 200.",
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["table", "jsonl", "json", "csv"] | None,
        Parameter(
            group=_OUTPUT,
            help=(
                "How to write them. A table is cut to fit a terminal, never a pipe or a file; the other formats have "
                "the API's own names and spelling. By default the ending of --output decides, and without one it is a "
                "table."
            ),
        ),
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            group=_OUTPUT,
            metavar="FILE",
            help=(
                "Write into this file, which is replaced only when all has arrived. What a run that ended early had of "
                "it is left in FILE.part, unless it is json."
            ),
        ),
    ] = None,
    resume: Annotated[
        bool,
        Parameter(
            group=_OUTPUT,
            show_default=False,
            help="Go on with what an earlier run of the same command has left of the file. If there is nothing, begin.",
        ),
    ] = False,
    page_size: Annotated[
        int,
        Parameter(group=_ASKING, metavar="N", validator=Number(gte=1, lte=100), help="Items per request, 1 to 100."),
    ] = 100,
    concurrency: Annotated[
        int,
        Parameter(
            group=_ASKING,
            metavar="N",
            validator=Number(gte=1),
            help="Requests at a time. Items are written in order all the same.",
        ),
    ] = 1,
    on_drift: Annotated[
        Literal["ignore", "resync", "raise"],
        Parameter(
            group=_ASKING,
            help=(
                "What to do when items come or go meanwhile, which can make the server's positions miss some: ignore "
                "it; resync, to miss and repeat none that stays; or raise, to fail."
            ),
        ),
    ] = "ignore",
    sandbox: Annotated[
        bool,
        Parameter(
            group=_SERVER,
            show_default=False,
            help="List the made-up factory of an embedded server: no account or key needed.",
        ),
    ] = False,
    base_url: Annotated[
        str | None,
        Parameter(
            group=_SERVER,
            metavar="URL",
            help=("Address of the server. Better set TOFUPILOT_URL; without either it is https://www.tofupilot.app."),
        ),
    ] = None,
    allow_insecure_http: Annotated[
        bool,
        Parameter(
            group=_SERVER,
            show_default=False,
            help="Let the key travel unencrypted to a server whose address begins with http.",
        ),
    ] = False,
    api_key: Annotated[
        str | None,
        Parameter(
            group=_SERVER,
            metavar="KEY",
            help=(
                "Discouraged, for everyone on this machine can read the arguments of a command: set TOFUPILOT_API_KEY."
            ),
        ),
    ] = None,
) -> None:
    """Take the options that all listings have in common. Their signature is what counts."""


_SHARED_OPTIONS = tuple(inspect.signature(_shared, eval_str=True).parameters.values())

_OF_PAGES = frozenset({"page_size", "concurrency"})
"""Options that mean nothing where the server does not cut a listing into pages."""


async def _list(
    name: str,
    listing: Described,
    *,
    max_items: int | None = None,
    cursor: Checkpoint | None = None,
    format: str | None = None,  # noqa: A002 - the option's name
    output: Path | None = None,
    resume: bool = False,
    page_size: int = 100,
    concurrency: int = 1,
    on_drift: str = "ignore",
    sandbox: bool = False,
    base_url: str | None = None,
    allow_insecure_http: bool = False,
    api_key: str | None = None,
    **filters: object,
) -> None:
    # Here and not above, for help and a wrong option need not wait for aiohttp.
    from .listing import write_listing  # noqa: PLC0415
    from .output.format_choice import format_for  # noqa: PLC0415
    from .query import Query  # noqa: PLC0415
    from .server import Server  # noqa: PLC0415

    if sandbox and (base_url or api_key or allow_insecure_http):
        raise UsageError(
            "--sandbox has an address and a key of its own: leave out --base-url, --api-key and --allow-insecure-http"
        )
    form = format_for(format, output, columns_of(name), listing.model)
    if resume and (output is None or not form.is_resumable):
        raise UsageError("--resume needs --output FILE, and another format than json")
    query = Query(
        name=name,
        filters={parameter: value for parameter, value in filters.items() if value is not None},
        max_items=max_items,
        cursor=cursor,
        limit=page_size,
        concurrency=concurrency,
        on_drift=on_drift,
    )
    server = Server(base_url=base_url, api_key=api_key, sandbox=sandbox, allow_insecure_http=allow_insecure_http)
    count = await write_listing(query, server, form, output, resume=resume)
    # Whatever reads a pipe, such as a pager, may own the terminal.
    if is_terminal(sys.stderr) and (is_terminal(sys.stdout) or not is_standard_output(output)):
        say(query.counted(count) + (f" in {output}" if output else ""))


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
    from .standing_sandbox import sandbox_of, serve  # noqa: PLC0415 - as above

    described = sandbox_of(port=port, procedures=procedures, runs=runs, latency=latency, fault_rate=faults, seed=seed)
    await serve(described)
