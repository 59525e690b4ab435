"""The options of commands.

The options for what ``list()`` of a listing takes are made from its declaration: `options_of` returns them, and
`with_options` gives them to a command. The other options have a class for each group of them in the help. A field is an
option, and the docstring of the class has its help. A command takes a class as one parameter.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path  # noqa: TC003 - cyclopts resolves the annotations
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_origin

from attrs import evolve, field, frozen
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from aiotofupilot import Checkpoint
from aiotofupilot.listings import part_filters

from .converters import checkpoint, duration, metadata, seconds, timestamp
from .failures import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from aiotofupilot.listings import Argument

C = TypeVar("C", bound="Callable[..., object]")

_BREAK = re.compile(r"(?<=\S)\n(?:(?=\S)| {8,})")
"""A break within a paragraph, or within the description of an argument, which is indented twice."""


def unwrapped(command: C) -> C:
    """Let each paragraph of a command's docstring be one line, because cyclopts keeps the breaks of the source."""
    command.__doc__ = _BREAK.sub(" ", inspect.getdoc(command) or "") or None
    return command


_FILTERS = Group("Which ones", sort_key=1)
_SELECTION = Group("How many", sort_key=2)
_OUTPUT = Group("Output", sort_key=3)
_ASKING = Group("How to ask", sort_key=4)
_SERVER = Group("Server", sort_key=5)

_OF_LIST: dict[str, dict[str, Any]] = {
    "search_query": {"name": ["--search-query", "--search"]},
    "created_after": {"name": ["--created-after", "--since"]},
    "max_items": {"name": ["--max-items", "-n"], "group": _SELECTION, "help": "Stop after this many."},
    "cursor": {
        "group": _SELECTION,
        "help": "Begin here: the cursor that an earlier run printed when it ended early, or a position in the server's "
        "counting, such as 200.",
    },
    "limit": {"name": ["--page-size"], "group": _ASKING},
    "concurrency": {
        "group": _ASKING,
        "help": "Requests at a time, 1 by default. Items are still written in order.",
    },
    "on_drift": {
        "group": _ASKING,
        "help": "What to do when items are added or removed meanwhile, because the server's positions then skip or "
        "repeat some: ignore it; resync, to list each item that stays exactly once; or raise, to fail.",
    },
    "on_unreadable": {
        "group": _ASKING,
        "help": "What to do about an item that the server cannot serve while it serves others: raise, to fail after "
        "the items before it; or skip, to leave it out and say so in the end.",
    },
}
"""What is not as with the other arguments of ``list()``: names, the group, and a help that suits a command."""

_FOR_PROGRAMS = frozenset({"extra_query"})
"""Arguments of ``list()`` without an option."""

_TYPED: dict[Any, dict[str, Any]] = {
    bool: {"negative": None},
    datetime: {"metavar": "DATE", "converter": timestamp},
    timedelta: {"metavar": "DURATION", "converter": duration},
    int: {"metavar": "N"},
    int | Checkpoint: {"metavar": "CURSOR", "converter": checkpoint, "accepts_keys": False},
    float: {"metavar": "N"},
    str: {"metavar": "TEXT"},
}
"""How a value of each type is typed."""


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


def forms_of(arguments: Iterable[Argument]) -> str:
    """Return how the values of options are typed, in words. Empty: the names of the options say it."""
    kinds = {get_origin(kind) or kind for argument in arguments for kind in (argument.type, argument.item_type)}
    return " ".join(text for kind, text in _FORMS.items() if kind in kinds)


def option(parameter: str) -> str:
    """Return how a parameter of the library is called on the command line."""
    names: list[str] = _OF_LIST.get(parameter, {}).get("name", [f"--{parameter.replace('_', '-')}"])
    return names[0]


def options_of(arguments: Iterable[Argument]) -> dict[str, inspect.Parameter]:
    """Return an option for each argument of ``list()``, by the argument's name.

    An argument that is not given is not passed to the command.
    """
    return {argument.name: _option(argument) for argument in arguments if argument.name not in _FOR_PROGRAMS}


def _option(argument: Argument) -> inspect.Parameter:
    kind, typed = _kind(argument)
    details: dict[str, Any] = {
        "name": [option(argument.name)],
        "group": _FILTERS,
        # What None means comes last. It is not news for a command, whose options can be left out.
        "help": argument.full_doc.partition(" None:")[0].replace("``", ""),
        "required": argument.is_required,
        **typed,
    }
    if argument.server_default is False:
        details["negative"] = ()  # an option that says so would change nothing
    if argument.type is int and argument.bounds:
        details["validator"] = Number(gte=argument.bounds.low, lte=argument.bounds.high)
    details |= _OF_LIST.get(argument.name, {})
    return _parameter(
        argument.name,
        kind if argument.is_required else kind | None,
        inspect.Parameter.empty if argument.is_required else argument.default,
        **details,
    )


def _parameter(name: str, kind: Any, default: object, /, **details: Any) -> inspect.Parameter:  # noqa: ANN401 - as cyclopts has them
    annotation = Annotated[kind, Parameter(**details)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _kind(argument: Argument) -> tuple[Any, dict[str, Any]]:
    """Return the type that cyclopts reads from the command line, and how it is typed."""
    kind = argument.item_type
    if get_origin(kind) is Mapping:
        # Of a list, cyclopts takes the option several times, and the converter gets what was typed each time. What the
        # converter returns is a dict, and where pydantic is imported, cyclopts has it check that.
        return list[str] | dict[str, Any], {"negative": (), "metavar": "CONDITION...", "converter": metadata}
    typed = _TYPED.get(kind, {})
    if not argument.is_repeated:
        return kind, typed
    return list[kind], {"negative": (), **typed, "metavar": f"{typed.get('metavar', 'CHOICE')}..."}  # type: ignore[valid-type] # known at run time


DETAILS = {
    "details": _parameter(
        "details",
        bool,
        False,  # noqa: FBT003 - the default
        group=_OUTPUT,
        show_default=False,
        help="Write everything that the server knows of each item, such as the phases of a run with their "
        "measurements. Each item takes one more request, so let --concurrency send several. It needs the format jsonl, "
        "json or parquet.",
    )
}
"""The option of a listing whose items the API also returns by themselves."""


def shared_filters(listings: Iterable[str]) -> list[Argument]:
    """Return the filters of several listings. The documentation of each says which listings have it."""
    having: dict[str, tuple[Argument, list[str]]] = {}
    for listing in listings:
        for name, argument in part_filters(listing).items():
            having.setdefault(name, (argument, []))[1].append(listing)
    return [
        evolve(argument, name=name, doc=f"{argument.doc} For {', '.join(names)}.")
        for name, (argument, names) in having.items()
    ]


def with_filters(command: C, filters: Collection[Argument]) -> C:
    """Let a command have an option for each filter, as `with_options` does, and say in its help how they are typed."""
    about, heading, arguments = (command.__doc__ or "").partition("\n\nArgs:")
    command.__doc__ = f"{about}\n\n{forms_of(filters)}{heading}{arguments}"
    return with_options(command, options_of(filters))


def with_options(command: C, options: Mapping[str, inspect.Parameter]) -> C:
    """Let a command have some options in the place of its ``**arguments``, where it gets those that are given."""
    signature = inspect.signature(command)
    *own, _ = signature.parameters.values()
    command.__signature__ = signature.replace(parameters=[*own, *options.values()])  # type: ignore[attr-defined] # inspect looks for it
    command.__annotations__ |= {name: parameter.annotation for name, parameter in options.items()}
    return command


@unwrapped
@Parameter(name="*", group=_OUTPUT)
@frozen(kw_only=True)
class OutputOptions:
    """How a listing is written, and where.

    Attributes:
        format: How to write the items. A table is cut to fit a terminal, never a pipe or a file; jsonl, json and csv
            have the API's own names and formats; parquet has the library's, and needs the extra arrow. By default the
            ending of --output decides, and without one it is a table.
        output: Write into this file. If it is there already, it is replaced, but only when all has arrived. Its ending
            names the format: .csv, .json, .jsonl, .ndjson, .parquet or .txt. An interrupted run leaves what it had in
            FILE.part.
        resume: Go on with what an interrupted run of the same command has left of the file. That completes its listing,
            and does not look for newer items. If no run has left anything, begin, unless the file is there already: a
            finished file is never replaced then.
    """

    format: Literal["table", "jsonl", "json", "csv", "parquet"] | None = None
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], metavar="FILE")] = None
    resume: Annotated[bool, Parameter(show_default=False)] = False


Form = Annotated[Literal["tree", "json"] | None, Parameter(name="--format", group=_OUTPUT)]
"""How a single item is written."""


@unwrapped
@Parameter(name="*", group=_ASKING)
@frozen(kw_only=True)
class TimeoutOptions:
    """How long the server is waited for.

    Attributes:
        timeout: Give up a request that has no complete response after this time, and repeat it.
        retries: Repeat a failed request at most this many times, if that may help.
        deadline: End after this time, with what has come by then. By default there is no limit.
    """

    timeout: Annotated[float, Parameter(metavar="SECONDS", converter=seconds)] = 30.0
    retries: Annotated[int, Parameter(metavar="N", validator=Number(gte=0))] = 5
    deadline: Annotated[float | None, Parameter(metavar="SECONDS", converter=seconds)] = None


@Parameter(name="*", group=_ASKING)
@frozen(kw_only=True)
class MirrorOptions(TimeoutOptions):
    """How several listings are requested, one after the other."""

    concurrency: Annotated[int, Parameter(**_OF_LIST["concurrency"], metavar="N", validator=Number(gte=1))] = 1
    on_unreadable: Annotated[Literal["raise", "skip"], Parameter(**_OF_LIST["on_unreadable"])] = "raise"


@unwrapped
@Parameter(name="*", group=_ASKING)
@frozen(kw_only=True)
class DownloadOptions(TimeoutOptions):
    """How files, and the runs or units that have them, are requested.

    Attributes:
        concurrency: Files at a time, and beside them as many requests for runs or units.
    """

    concurrency: Annotated[int, Parameter(metavar="N", validator=Number(gte=1))] = 8


@unwrapped
@Parameter(name="*", group=_SERVER)
@frozen(kw_only=True)
class ServerOptions:
    """Which server gets the requests, and with which key.

    Attributes:
        sandbox: List the made-up factory of an embedded server: no account or key needed.
        until: With --sandbox: when the newest run of the made-up factory has been uploaded. By default now.
        base_url: Address of the server. TOFUPILOT_URL can hold it instead. Without either, it is the server of your
            login with TofuPilot's own command, or https://www.tofupilot.app.
        allow_insecure_http: Let the key travel unencrypted to a server whose address begins with http.
        api_key: Discouraged, because everyone on this machine can read a command's arguments: set TOFUPILOT_API_KEY, or
            log in with TofuPilot's own command.
        proxy: HTTP proxy on the way to the server, such as http://proxy.example.com:3128. By default it is that of
            HTTPS_PROXY, unless NO_PROXY names the server. If it wants a password, set HTTPS_PROXY, because everyone on
            this machine can read a command's arguments.
        ca_cert: Trust the certificates in this PEM file too, such as that of your company's own authority.

    Raises:
        UsageError: A sandbox is wanted, and another server or key; or the end of a sandbox, and no sandbox.
    """

    sandbox: Annotated[bool, Parameter(show_default=False)] = False
    until: Annotated[datetime | None, Parameter(metavar="DATE", converter=timestamp, accepts_keys=False)] = None
    base_url: Annotated[str | None, Parameter(metavar="URL")] = None
    allow_insecure_http: Annotated[bool, Parameter(show_default=False)] = False
    api_key: Annotated[str | None, Parameter(metavar="KEY")] = field(default=None, repr=False)
    proxy: Annotated[str | None, Parameter(metavar="URL")] = field(default=None, repr=False)
    ca_cert: Annotated[str | None, Parameter(metavar="FILE")] = None

    def __attrs_post_init__(self) -> None:
        if self.until is not None and not self.sandbox:
            raise UsageError(
                "--until is for --sandbox; to list what is older, filter with --created-before or the like"
            )
        of_a_server = (self.base_url, self.api_key, self.allow_insecure_http, self.proxy, self.ca_cert)
        if self.sandbox and any(of_a_server):
            raise UsageError(
                "--sandbox has an address and a key of its own: leave out --base-url, --api-key, "
                "--allow-insecure-http, --proxy and --ca-cert"
            )
