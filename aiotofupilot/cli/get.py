"""``aiotofupilot get`` and ``aiotofupilot whoami``: one item, with everything that the server knows of it."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from aiotofupilot.listings import NAMES, listing_class

from .failures import UsageError
from .options import Form, ServerOptions, TimeoutOptions, unwrapped
from .terminal import is_terminal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiotofupilot import TofuPilotSession

_CURRENT = "current"
"""Stands for the ID of what the key belongs to, as in the API's paths."""


@unwrapped
async def get(
    listing: Annotated[str, Parameter(metavar="LISTING")],
    item_id: Annotated[str, Parameter(metavar="ID")],
    /,
    *,
    form: Form = None,
    timeouts: TimeoutOptions = TimeoutOptions(),  # noqa: B008 - a value
    server_options: ServerOptions = ServerOptions(),  # noqa: B008 - a value
) -> None:
    """Show one item, with everything that the server knows of it.

    A unit is found by its serial number, a part and a batch by their number, and all others by their ID. "stations
    current" and "users current" are the station and the user whose key is used.

    Args:
        listing: What it is one of, such as runs.
        item_id: The ID, or the number. Write -- before one that begins with a dash, and options before that.
        form: How to write it: a tree for people, with the most important of each part; or json, with everything but
            secrets, in the API's own names and formats. By default a terminal gets a tree, and a pipe or a file gets
            json.
        timeouts: How long the server is waited for.
        server_options: Which server gets the request, and with which key.
    """
    if listing not in NAMES:
        raise UsageError(f"no such listing: {listing}; there are {', '.join(NAMES)}")
    declared: type[Any] = listing_class(listing)
    is_current = item_id == _CURRENT and hasattr(declared, _CURRENT)
    if not (is_current or hasattr(declared, "get")):
        raise UsageError(
            f"{listing} cannot be read one by one: 'aiotofupilot {listing}' has all of them, and "
            f"'aiotofupilot get {listing} {_CURRENT}' the one whose key is used"
        )

    async def request(session: TofuPilotSession) -> object:
        items = getattr(session, listing)
        found: object = await (items.current() if is_current else items.get(item_id))
        return found

    await _show(request, form, timeouts, server_options)


@unwrapped
async def whoami(
    *,
    form: Form = None,
    timeouts: TimeoutOptions = TimeoutOptions(),  # noqa: B008 - a value
    server_options: ServerOptions = ServerOptions(),  # noqa: B008 - a value
) -> None:
    """Show whose key is used: a user's or a station's, and of which organization.

    Args:
        form: How to write it: a tree for people, or json. By default a terminal gets a tree, and a pipe or a file gets
            json.
        timeouts: How long the server is waited for.
        server_options: Which server gets the request, and with which key.
    """
    await _show(lambda session: session.whoami(), form, timeouts, server_options)


async def _show(
    request: Callable[[TofuPilotSession], Awaitable[object]],
    form: str | None,
    timeouts: TimeoutOptions,
    server_options: ServerOptions,
) -> None:
    """Write what one request returns.

    Raises:
        UsageError: No address can hold the ID.
        DeadlineError: The time was over.
        TofuPilotError: There is no such item, or the server did not respond as it should.
    """
    # Here and not above, because help and a wrong option need not wait for aiohttp.
    from .formats import JSONLines  # noqa: PLC0415
    from .output import StandardOutput  # noqa: PLC0415
    from .progress import progress_shown  # noqa: PLC0415
    from .server import Server, until  # noqa: PLC0415
    from .tree import Tree  # noqa: PLC0415

    out, is_shown = StandardOutput(), is_terminal(sys.stdout)
    is_tree = is_shown if form is None else form == "tree"
    async with Server(server_options, timeouts).session() as session:
        with progress_shown(None, to_standard_output=True, total=None) as progress:
            try:
                async with until(timeouts.deadline, lambda: progress.failure):
                    item = await request(session)
            except ValueError as error:
                raise UsageError(str(error)) from error
    output_format = Tree(shutil.get_terminal_size().columns if is_shown else None) if is_tree else JSONLines()
    output_format.for_terminal = is_shown
    await out.write(output_format.page([item]), items=1, checkpoint=None)
