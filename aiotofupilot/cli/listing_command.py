"""The command of a listing: its filters from the library's own signature, and the options that all listings share."""

from __future__ import annotations

import inspect
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from .failures import UsageError
from .filter_options import described
from .options import Asking, AskingForPages, Selection, Serving, Writing
from .tables import counted
from .terminal import is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .filter_options import Described

__all__ = ["listing_command"]


def listing_command(name: str) -> Callable[..., Any]:
    """Return the command of a listing, as a function from which cyclopts can make a command."""
    listing = described(name)
    groups = {
        "selection": Selection,
        "writing": Writing,
        "asking": AskingForPages if listing.is_paged else Asking,
        "serving": Serving,
    }
    shared = [
        inspect.Parameter(group, inspect.Parameter.KEYWORD_ONLY, default=options(), annotation=options)
        for group, options in groups.items()
    ]
    parameters = [*listing.parameters.values(), *shared]
    return _with_signature(parameters, partial(_list, name, listing), name, listing.doc)


async def _list(
    name: str,
    listing: Described,
    *,
    selection: Selection,
    writing: Writing,
    asking: Asking,
    serving: Serving,
    **filters: object,
) -> None:
    # Here and not above, because help and a wrong option need not wait for aiohttp.
    from .formats import format_for  # noqa: PLC0415
    from .listing import Query, write_listing  # noqa: PLC0415
    from .server import Server  # noqa: PLC0415

    serving.check()
    output, resume = writing.output, writing.resume
    if output is not None and str(output) == "-":
        raise UsageError("--output names a file: leave it out to write to standard output")
    output_format = format_for(writing.format, output, name, listing.model)
    if resume and (output is None or not output_format.is_resumable):
        raise UsageError("--resume needs --output FILE, and another format than json")
    pages: dict[str, Any] = {}
    if isinstance(asking, AskingForPages):
        pages = {
            "limit": asking.page_size,
            "concurrency": asking.concurrency,
            "on_unreadable": asking.on_unreadable,
        }
    query = Query(
        name=name,
        filters={parameter: value for parameter, value in filters.items() if value is not None},
        max_items=selection.max_items,
        cursor=selection.cursor,
        on_drift=asking.on_drift,
        **pages,
    )
    server = Server.of(serving, asking)
    written = await write_listing(query, server, output_format, output, resume=resume, deadline=asking.deadline)
    # Whatever reads a pipe, such as a pager, may own the terminal.
    if is_terminal(sys.stderr) and (is_terminal(sys.stdout) or output is not None):
        count = counted(written.items, name) + (f" in {output}" if output else "")
        say(f"{count}; {written.left_out}" if written.left_out else count)
    elif written.left_out:
        say(f"aiotofupilot: {written.left_out}")


def _with_signature(
    parameters: Sequence[inspect.Parameter], body: Callable[..., Any], name: str, doc: str
) -> Callable[..., Any]:
    """Return a function with these parameters, all of them keyword-only.

    cyclopts does not pass a parameter that is not given, so the function adds the defaults.

    Args:
        parameters: The parameters.
        body: Called with the arguments by name.
        name: The command's name.
        doc: Its help.
    """
    defaults = {parameter.name: parameter.default for parameter in parameters}

    async def command(**arguments: object) -> None:
        await body(**defaults | arguments)

    command.__name__ = command.__qualname__ = name
    command.__doc__ = doc
    command.__signature__ = inspect.Signature(list(parameters))  # type: ignore[attr-defined]  # inspect looks for it
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return cast("Callable[..., Any]", command)
