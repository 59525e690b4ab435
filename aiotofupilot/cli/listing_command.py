"""The command of a listing: options for the filters that it declares, and the options that all listings share."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, cast, get_origin

from attrs import frozen
from cyclopts import Group, Parameter

from aiotofupilot.listings import listing_class  # and not the session, which loads aiohttp: help does not wait for it

from .converters import duration, metadata, timestamp
from .failures import UsageError
from .options import OutputOptions, PageRequestOptions, RequestOptions, Selection, ServerOptions, option, panel
from .tables import counted
from .terminal import is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiotofupilot.listings import Argument

__all__ = ["Described", "described", "listing_command"]

_FILTERS = Group("Which ones", sort_key=1, help_formatter=panel)

_FORMS = {
    Sequence: "An option marked with ... can be given several times: an item has to match one of its values.",
    datetime: (
        "DATE is ISO 8601: 2024-01-31, 2024-01-31T09:30, 2024-01-31T09:30Z or 2024-01-31T09:30+02:00. Without Z or an "
        "offset it is this machine's local time; a date alone is its midnight. It is also today, yesterday, now, or an "
        "age such as 7d, 12h or 30m."
    ),
    timedelta: "DURATION is 90s, 1m30s, 2h or PT1M30S.",
    Mapping: (
        'CONDITION is KEY=TEXT; or a JSON object with several keys, such as {"humidity": {"gte": 40}, "shift": {"in": '
        '["A", "B"]}}, which can be given once. An item has to meet the conditions on all keys. Where a key is given '
        "several texts, the item has to have one of them."
    ),
}
"""By the type of an option's value, how it is typed."""


@frozen
class Described:
    """What the command tells and takes for one listing."""

    model: type
    """The model of an item."""
    is_paged: bool
    """Whether the server cuts the listing into pages."""
    parameters: Mapping[str, inspect.Parameter]
    """The options for the filters, by the name of the parameter."""
    doc: str
    """What the help says: what is listed, and how the values of some of the options are typed."""


def described(listing: str) -> Described:
    """Return what ``list()`` of a listing takes, as options of the command.

    Args:
        listing: The name of the listing.
    """
    declared = listing_class(listing)
    names = {argument.name for argument in declared.filters}
    kinds = {get_origin(kind) or kind for argument in declared.filters for kind in (argument.type, argument.item_type)}
    note = re.sub(r"``(\w+)``", lambda name: option(name[1]) if name[1] in names else name[1], declared.note)
    forms = " ".join(text for kind, text in _FORMS.items() if kind in kinds)
    return Described(
        model=declared.model,
        is_paged=not declared.is_bare,
        parameters={argument.name: _option(argument) for argument in declared.filters},
        doc="\n\n".join(part for part in (declared.summary, note.replace("\n", " "), forms) if part),
    )


def _option(argument: Argument) -> inspect.Parameter:
    kind, described = _kind(argument)
    is_false_anyway = argument.server_default is False  # an option that says so would change nothing
    details: dict[str, Any] = {**described, "negative": ()} if is_false_anyway else described
    name = option(argument.name)
    parameter = Parameter(
        name=[name, "--search"] if argument.name == "search_query" else name,
        group=_FILTERS,
        help=_text(argument),
        required=argument.is_required,
        **details,
    )
    return inspect.Parameter(
        argument.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if argument.is_required else None,
        annotation=Annotated[kind if argument.is_required else kind | None, parameter],
    )


def _text(argument: Argument) -> str:
    """Return what an option's help says: the documentation of the argument, as plain text.

    What None means comes last there. It is not news for a command, whose options can be left out.
    """
    return argument.full_doc.partition(" None:")[0].replace("``", "")


_PLAIN: dict[Any, dict[str, Any]] = {
    bool: {"negative": None},
    datetime: {"metavar": "DATE", "converter": timestamp},
    timedelta: {"metavar": "DURATION", "converter": duration},
    int: {"metavar": "N"},
    float: {"metavar": "N"},
    str: {"metavar": "TEXT"},
}
"""How a value of each type is typed."""


def _kind(argument: Argument) -> tuple[Any, dict[str, Any]]:
    """Return the type that cyclopts reads from the command line, and how it is described."""
    kind = argument.item_type
    if get_origin(kind) is Mapping:
        # Of a list, cyclopts takes the option several times, and the converter gets what was typed each time. What the
        # converter returns is a dict, and where pydantic is imported, cyclopts has it check that.
        return list[str] | dict[str, Any], {"negative": (), "metavar": "CONDITION...", "converter": metadata}
    described = _PLAIN.get(kind, {})
    if argument.is_repeated:
        return list[kind], {  # type: ignore[valid-type] # known at run time
            "negative": (),
            **described,
            "metavar": f"{described.get('metavar', 'CHOICE')}...",
        }
    return kind, described


def listing_command(name: str) -> Callable[..., Any]:
    """Return the command of a listing, as a function from which cyclopts can make a command."""
    listing = described(name)
    groups = {
        "selection": Selection,
        "output_options": OutputOptions,
        "requests": PageRequestOptions if listing.is_paged else RequestOptions,
        "server_options": ServerOptions,
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
    output_options: OutputOptions,
    requests: RequestOptions,
    server_options: ServerOptions,
    **filters: object,
) -> None:
    # Here and not above, because help and a wrong option need not wait for aiohttp.
    from .formats import format_for  # noqa: PLC0415
    from .listing import Query, write_listing  # noqa: PLC0415
    from .server import Server  # noqa: PLC0415

    server_options.check()
    output, resume = output_options.output, output_options.resume
    if output is not None and str(output) == "-":
        raise UsageError("--output names a file: leave it out to write to standard output")
    output_format = format_for(output_options.format, output, name, listing.model)
    if resume and (output is None or not output_format.is_resumable):
        raise UsageError("--resume needs --output FILE, and another format than json")
    arguments = {parameter: value for parameter, value in filters.items() if value is not None}
    arguments |= {"max_items": selection.max_items, "cursor": selection.cursor, "on_drift": requests.on_drift}
    if isinstance(requests, PageRequestOptions):
        arguments |= {
            "limit": requests.page_size,
            "concurrency": requests.concurrency,
            "on_unreadable": requests.on_unreadable,
        }
    query = Query(name, **arguments)
    server = Server(server_options, requests)
    written = await write_listing(query, server, output_format, output, resume=resume, deadline=requests.deadline)
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
