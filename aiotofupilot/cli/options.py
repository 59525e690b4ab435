"""The options that commands have in common, a class for each group of them in the help, and how the help looks.

A field is an option: its annotation has the option's name, bounds and help. A command takes a class as one parameter.
"""

from __future__ import annotations

import inspect
import re
from datetime import datetime  # noqa: TC003 - cyclopts resolves the annotations
from functools import partial
from pathlib import Path  # noqa: TC003 - likewise
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from attrs import evolve, field, frozen
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from aiotofupilot import Checkpoint  # noqa: TC001 - likewise

from .converters import checkpoint, seconds, timestamp
from .failures import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cyclopts.help import ColumnSpec, HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions, RenderableType

__all__ = [
    "MirrorOptions",
    "OutputOptions",
    "PageRequestOptions",
    "RequestOptions",
    "Selection",
    "ServerOptions",
    "TimeoutOptions",
    "option",
    "panel",
    "unwrapped",
]

C = TypeVar("C", bound="Callable[..., object]")

_BREAK = re.compile(r"(?<=\S)\n(?:(?=\S)| {8,})")
"""A break within a paragraph, or within the description of an argument, which is indented twice."""


def unwrapped(command: C) -> C:
    """Let each paragraph of a command's docstring be one line, because cyclopts keeps the breaks of the source."""
    command.__doc__ = _BREAK.sub(" ", inspect.getdoc(command) or "") or None
    return command


def option(parameter: str) -> str:
    """Return how a parameter of the library is called on the command line."""
    return f"--{parameter.replace('_', '-')}"


_AROUND = 6
"""Cells of a line that belong to no column: the borders, the spaces inside them, and the gap between two columns."""

_ENOUGH = 26
"""Cells from which on a description has a column of its own. The longest word is no longer."""


def panel(console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
    """Print the options of a group, as cyclopts does but for the width of their names."""
    from cyclopts.help import DefaultFormatter  # noqa: PLC0415 - only the help needs it

    DefaultFormatter(column_specs=_columns)(console, options, panel)


def _columns(console: Console, options: ConsoleOptions, entries: Sequence[HelpEntry]) -> tuple[ColumnSpec, ...]:
    """Return the columns of names and descriptions, the former as wide as the longest name.

    If both do not fit side by side, a description is below its names.
    """
    from cyclopts.help import NameRenderer  # noqa: PLC0415 - likewise
    from cyclopts.help.specs import get_default_parameter_columns  # noqa: PLC0415 - likewise

    names = [name for entry in entries for label in entry.display_labels_with_metavar for name in label.split()]
    longest = max(map(len, names))
    *before, name, description = get_default_parameter_columns(console, options, list(entries))
    if options.max_width - _AROUND - longest < _ENOUGH:
        return (*before, evolve(description, renderer=_stacked))
    widest = max(name.max_width or 0, longest + len("  "))  # the indent of what does not fit the first line
    name = evolve(name, renderer=NameRenderer(max_width=widest), min_width=longest, max_width=widest)
    return (*before, name, description)


def _stacked(entry: HelpEntry) -> RenderableType:
    """Return the names of an option, and its description below them."""
    from cyclopts.help import DescriptionRenderer  # noqa: PLC0415 - likewise
    from rich.console import Group  # noqa: PLC0415 - likewise
    from rich.padding import Padding  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    names = Text(" ".join(entry.display_labels_with_metavar), style="cyclopts.name")
    return Group(names, Padding(DescriptionRenderer()(entry), (0, 0, 0, 2)))


_SELECTION = Group("How many", sort_key=2, help_formatter=panel)
_OUTPUT = Group("Output", sort_key=3, help_formatter=panel)
_ASKING = Group("How to ask", sort_key=4, help_formatter=panel)
_SERVER = Group("Server", sort_key=5, help_formatter=panel)

_selection = partial(Parameter, group=_SELECTION)
_output = partial(Parameter, group=_OUTPUT)
_request = partial(Parameter, group=_ASKING)
_server = partial(Parameter, group=_SERVER)
_flat = Parameter(name="*")  # the options are --cursor, and not --selection.cursor


@_flat
@frozen(kw_only=True)
class Selection:
    """Which part of a listing is wanted."""

    max_items: Annotated[
        int | None,
        _selection(name=["--max-items", "-n"], metavar="N", validator=Number(gte=0), help="Stop after this many."),
    ] = None
    cursor: Annotated[
        Checkpoint | None,
        _selection(
            metavar="CURSOR",
            converter=checkpoint,
            accepts_keys=False,
            help="Begin here: the cursor that an earlier run printed when it ended early, or a position "
            "in the server's counting, such as 200.",
        ),
    ] = None


@_flat
@frozen(kw_only=True)
class OutputOptions:
    """How a listing is written, and where."""

    format: Annotated[
        Literal["table", "jsonl", "json", "csv", "parquet"] | None,
        _output(
            help="How to write the items. A table is cut to fit a terminal, never a pipe or a file; jsonl, json "
            "and csv have the API's own names and formats; parquet has the library's, and needs the extra "
            "arrow. By default the ending of --output decides, and without one it is a table."
        ),
    ] = None
    output: Annotated[
        Path | None,
        _output(
            name=["--output", "-o"],
            metavar="FILE",
            help="Write into this file. If it is there already, it is replaced, but only when all has arrived. Its"
            " ending names the format: .csv, .json, .jsonl, .ndjson, .parquet or .txt. An interrupted run "
            "leaves what it had in FILE.part, unless the format is json.",
        ),
    ] = None
    resume: Annotated[
        bool,
        _output(
            show_default=False,
            help="Go on with what an interrupted run of the same command has left of the file. That completes its "
            "listing, and does not look for newer items. If no run has left anything, begin, unless the file "
            "is there already: a finished file is never replaced then.",
        ),
    ] = False


_Concurrency = Annotated[
    int,
    _request(metavar="N", validator=Number(gte=1), help="Requests at a time. Items are still written in order."),
]

_OnUnreadable = Annotated[
    Literal["raise", "skip"],
    _request(
        help="What to do about an item that the server cannot serve while it serves others: raise, to fail "
        "after the items before it; or skip, to leave it out and say so in the end."
    ),
]


@_flat
@frozen(kw_only=True)
class TimeoutOptions:
    """How long the server is waited for."""

    timeout: Annotated[
        float,
        _request(
            metavar="SECONDS",
            converter=seconds,
            help="Give up a request that has no complete response after this time, and repeat it.",
        ),
    ] = 30.0
    retries: Annotated[
        int,
        _request(
            metavar="N",
            validator=Number(gte=0),
            help="Repeat a failed request at most this many times, if that may help.",
        ),
    ] = 5
    deadline: Annotated[
        float | None,
        _request(
            metavar="SECONDS",
            converter=seconds,
            help="End after this time, with what has come by then. By default there is no limit.",
        ),
    ] = None


@_flat
@frozen(kw_only=True)
class RequestOptions(TimeoutOptions):
    """How a listing is requested that the server sends as one page."""

    on_drift: Annotated[
        Literal["ignore", "resync", "raise"],
        _request(
            help="What to do when items are added or removed meanwhile, because the server's positions then skip "
            "or repeat some: ignore it; resync, to list each item that stays exactly once; or raise, to fail."
        ),
    ] = "ignore"


@_flat
@frozen(kw_only=True)
class PageRequestOptions(RequestOptions):
    """How a listing is requested that the server cuts into pages."""

    page_size: Annotated[
        int,
        Parameter(group=_ASKING, metavar="N", validator=Number(gte=1, lte=100), help="Items per request, 1 to 100."),
    ] = 100
    concurrency: _Concurrency = 1
    on_unreadable: _OnUnreadable = "raise"


@_flat
@frozen(kw_only=True)
class MirrorOptions(TimeoutOptions):
    """How several listings are requested, one after the other."""

    concurrency: _Concurrency = 1
    on_unreadable: _OnUnreadable = "raise"


@_flat
@frozen(kw_only=True)
class ServerOptions:
    """Which server gets the requests, and with which key."""

    sandbox: Annotated[
        bool,
        _server(show_default=False, help="List the made-up factory of an embedded server: no account or key needed."),
    ] = False
    until: Annotated[
        datetime | None,
        _server(
            metavar="DATE",
            converter=timestamp,
            accepts_keys=False,
            help="With --sandbox: when the newest run of the made-up factory has been uploaded. By default now.",
        ),
    ] = None
    base_url: Annotated[
        str | None,
        _server(
            metavar="URL",
            help="Address of the server. TOFUPILOT_URL can hold it instead. Without either, it is the server of "
            "your login with TofuPilot's own command, or https://www.tofupilot.app.",
        ),
    ] = None
    allow_insecure_http: Annotated[
        bool,
        _server(show_default=False, help="Let the key travel unencrypted to a server whose address begins with http."),
    ] = False
    api_key: Annotated[
        str | None,
        _server(
            metavar="KEY",
            help="Discouraged, because everyone on this machine can read a command's arguments: set "
            "TOFUPILOT_API_KEY, or log in with TofuPilot's own command.",
        ),
    ] = field(default=None, repr=False)
    proxy: Annotated[
        str | None,
        _server(
            metavar="URL",
            help="HTTP proxy on the way to the server, such as http://proxy.example.com:3128. By default it is "
            "that of HTTPS_PROXY, unless NO_PROXY names the server. If it wants a password, set HTTPS_PROXY, "
            "because everyone on this machine can read a command's arguments.",
        ),
    ] = field(default=None, repr=False)
    ca_cert: Annotated[
        str | None,
        _server(
            metavar="FILE",
            help="Trust the certificates in this PEM file too, such as that of your company's own authority.",
        ),
    ] = None

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            UsageError: A sandbox is wanted, and another server or key; or the end of a sandbox, and no sandbox.
        """
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
