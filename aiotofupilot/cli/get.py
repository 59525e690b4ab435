"""``aiotofupilot get`` and ``aiotofupilot whoami``: one item as JSON, with all that the server knows about it."""

from __future__ import annotations

import sys
from operator import methodcaller
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from aiotofupilot.listings import NAMES, listing_class

from .formats import json_object
from .messages import UsageError, is_terminal
from .options import Server, unwrapped

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiotofupilot import TofuPilotSession


@unwrapped
async def get(
    listing: str,
    item_id: Annotated[str, Parameter(metavar="ID")],
    /,
    *,
    server: Server = Server(),  # noqa: B008 - a value
) -> None:
    """Show one item as JSON, with everything that the server knows about it except secrets.

    A unit is found by its serial number, a part and a batch by their number, and all others by their ID. "stations
    current" and "users current" are the station and the user whose key is used. The names and formats are the API's
    own. The JSON is indented on a terminal, and in one line in a pipe or a file.

    Args:
        listing: The listing of the item, such as runs.
        item_id: The ID, or the number. If it begins with a dash, write -- before it, after all options.
        server: Which server gets the request.
    """
    if listing not in NAMES:
        raise UsageError(f"no such listing: {listing}; there are {', '.join(NAMES)}")
    declared: type = listing_class(listing)
    is_current = item_id == "current" and hasattr(declared, "current")
    if not (is_current or hasattr(declared, "get")):
        raise UsageError(
            f"{listing} cannot be read one by one: use 'aiotofupilot {listing}' for all of them, or "
            f"'aiotofupilot get {listing} current' for the one whose key is used"
        )
    request = methodcaller("current") if is_current else methodcaller("get", item_id)
    await _show(lambda session: request(getattr(session, listing)), server)


@unwrapped
async def whoami(*, server: Server = Server()) -> None:  # noqa: B008 - a value
    """Show as JSON which user or station the key belongs to, and which organization.

    Args:
        server: Which server gets the request.
    """
    await _show(lambda session: session.whoami(), server)


async def _show(request: Callable[[TofuPilotSession], Awaitable[object]], server: Server) -> None:
    """Write the result of one request. Raise a UsageError for an ID that no address can hold."""
    from .output import StandardOutput  # noqa: PLC0415 - help need not wait for asyncio
    from .progress import Progress  # noqa: PLC0415 - which imports it too

    out, progress = StandardOutput(), Progress(to_standard_output=True)
    async with server.session() as session, progress.reporting():
        try:
            with progress:
                item = await request(session)
        except ValueError as error:
            raise UsageError(str(error)) from error
    await out.write(json_object(item, for_terminal=is_terminal(sys.stdout)))
