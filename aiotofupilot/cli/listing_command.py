"""The command of a listing: options for what its ``list()`` takes, and the options that all listings share."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

# Not the session, which loads aiohttp: help does not wait for it.
from aiotofupilot.listings import Detailed, listing_class

from .failures import UsageError
from .options import DETAILS, OutputOptions, ServerOptions, TimeoutOptions, forms_of, option, options_of, with_options
from .tables import counted
from .terminal import is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Callable


def help_of(name: str) -> str:
    """Return what the help of a listing says: what is listed, and how the values of some of the options are typed."""
    listing = listing_class(name)
    names = {argument.name for argument in listing.filters}
    note = re.sub(r"``(\w+)``", lambda name: option(name[1]) if name[1] in names else name[1], listing.note)
    parts = (listing.summary, note.replace("\n", " "), forms_of(listing.filters))
    return "\n\n".join(filter(None, parts))


def listing_command(name: str) -> Callable[..., Any]:
    """Return the command of a listing, as a function from which cyclopts can make a command."""
    listing = listing_class(name)
    options = options_of((*listing.filters, *listing.options))
    if issubclass(listing, Detailed) and listing.detail_model is not listing.model:
        options |= DETAILS

    async def command(
        *,
        output_options: OutputOptions = OutputOptions(),  # noqa: B008 - a value
        timeouts: TimeoutOptions = TimeoutOptions(),  # noqa: B008 - a value
        server_options: ServerOptions = ServerOptions(),  # noqa: B008 - a value
        **arguments: Any,  # noqa: ANN401 - those of `list`, and perhaps `DETAILS`
    ) -> None:
        # Here and not above, because help and a wrong option need not wait for aiohttp.
        from .formats import format_for  # noqa: PLC0415
        from .listing import Query, write_listing  # noqa: PLC0415
        from .server import Server  # noqa: PLC0415

        output, resume = output_options.output, output_options.resume
        if output is not None and str(output) == "-":
            raise UsageError("--output names a file: leave it out to write to standard output")
        query = Query(name, **arguments)
        output_format = format_for(output_options.format, output, name, query.model)
        if query.has_details and output_format.is_flat:
            raise UsageError(
                "--details needs the format jsonl, json or parquet, because a table and CSV have one row for each item"
            )
        if resume and output is None:
            raise UsageError("--resume needs --output FILE")
        server = Server(server_options, timeouts)
        written = await write_listing(query, server, output_format, output, resume=resume, deadline=timeouts.deadline)
        # Whatever reads a pipe, such as a pager, may own the terminal.
        if is_terminal(sys.stderr) and (is_terminal(sys.stdout) or output is not None):
            count = counted(written.items, name) + (f" in {output}" if output else "")
            say(f"{count}; {written.left_out}" if written.left_out else count)
        elif written.left_out:
            say(f"aiotofupilot: {written.left_out}")

    command.__name__ = name
    command.__doc__ = help_of(name)
    return with_options(command, options)
